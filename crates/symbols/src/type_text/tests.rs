//! Declarations of types that are made up here.

use super::*;
use crate::types::{BasicKind, Record, RecordKind};
use std::ops::ControlFlow;
use vatlas_space::Problem;

/// The types of a test, by their place in the list.
struct List(Vec<Type>);

impl Types for List {
    fn get(&self, id: TypeId) -> Result<Type, Problem> {
        let index = usize::try_from(id.0).unwrap();
        self.0.get(index).cloned().ok_or_else(|| Problem::damage("list", "there is no such type"))
    }

    fn find(&self, _name: &str) -> Option<TypeId> {
        None
    }

    fn visit_names(&self, _visitor: &mut dyn FnMut(&str, TypeId) -> ControlFlow<()>) {}

    fn pointer_size(&self) -> u64 {
        4
    }
}

const INT: u64 = 0;
const CHAR: u64 = 1;
const VOID: u64 = 2;
const POINT: u64 = 3;
const NONE: u64 = 99;

fn basic(name: &str, kind: BasicKind, size: u64) -> Type {
    Type::Basic { kind, size, name: name.to_owned() }
}

fn pointer(target: u64) -> Type {
    pointer_of_kind(target, PointerKind::Pointer)
}

fn pointer_of_kind(target: u64, kind: PointerKind) -> Type {
    Type::Pointer { target: TypeId(target), kind, size: 4, is_const: false, is_volatile: false }
}

fn const_pointer(target: u64) -> Type {
    let kind = PointerKind::Pointer;
    Type::Pointer { target: TypeId(target), kind, size: 4, is_const: true, is_volatile: false }
}

fn modified(target: u64, is_const: bool, is_volatile: bool) -> Type {
    Type::Modified { target: TypeId(target), is_const, is_volatile, is_unaligned: false }
}

fn array(element: u64, count: Option<u64>) -> Type {
    Type::Array { element: TypeId(element), count, size: 4 * count.unwrap_or(0) }
}

fn function(result: u64, arguments: &[u64]) -> FunctionType {
    let arguments = arguments.iter().copied().map(TypeId).collect();
    let convention = Some("__cdecl");
    FunctionType { result: TypeId(result), arguments, is_variadic: false, class: None, convention }
}

/// The basic types, and from 4 on others that may name one another.
fn list(more: Vec<Type>) -> List {
    let (members, bases, statics, methods, nested, vtables) = Default::default();
    let (kind, name, size, is_forward) = (RecordKind::Struct, "Point".to_owned(), 8, false);
    let point = Record { kind, name, size, is_forward, members, bases, statics, methods, nested, vtables };
    let mut types = vec![
        basic("int", BasicKind::Signed, 4),
        basic("char", BasicKind::Char, 1),
        basic("void", BasicKind::Void, 0),
        Type::Record(point),
    ];
    types.extend(more);
    List(types)
}

/// The declaration of the last of the types, without a name and with `x`.
#[track_caller]
fn check(more: Vec<Type>, expected: &str, named: &str) {
    let list = list(more);
    let last = TypeId(list.0.len() as u64 - 1);
    assert_eq!(type_name(&list, last), expected);
    assert_eq!(declaration(&list, last, "x"), named);
}

#[test]
fn pointers_and_arrays() {
    check(vec![], "struct Point", "struct Point x");
    check(vec![pointer(CHAR)], "char *", "char *x");
    check(vec![pointer(CHAR), pointer(4)], "char **", "char **x");
    check(vec![array(POINT, Some(3))], "struct Point [3]", "struct Point x[3]");
    check(vec![array(INT, None)], "int []", "int x[]");
    check(vec![array(INT, Some(3)), array(4, Some(2))], "int [2][3]", "int x[2][3]");
    check(vec![pointer(CHAR), array(4, Some(2))], "char *[2]", "char *x[2]");
    check(vec![array(CHAR, Some(2)), pointer(4)], "char (*)[2]", "char (*x)[2]");
    check(vec![pointer_of_kind(POINT, PointerKind::LvalueReference)], "struct Point &", "struct Point &x");
    check(vec![pointer_of_kind(POINT, PointerKind::RvalueReference)], "struct Point &&", "struct Point &&x");
    let member = PointerKind::MemberData(TypeId(POINT));
    check(vec![pointer_of_kind(INT, member)], "int Point::*", "int Point::*x");
    check(vec![Type::BitField { target: TypeId(INT), first_bit: 2, bits: 3 }], "int : 3", "int x : 3");
}

#[test]
fn qualifiers() {
    check(vec![modified(CHAR, true, true)], "const volatile char", "const volatile char x");
    let constant = || modified(CHAR, true, false);
    check(vec![constant(), const_pointer(4)], "const char * const", "const char * const x");
    check(vec![pointer(CHAR), modified(4, false, true)], "char * volatile", "char * volatile x");
    check(vec![const_pointer(CHAR), modified(4, true, false)], "char * const", "char * const x");
    check(vec![constant(), modified(4, true, true)], "const volatile char", "const volatile char x");
    check(vec![array(CHAR, Some(2)), modified(4, true, false)], "const char [2]", "const char x[2]");
    let unaligned = Type::Modified { target: TypeId(INT), is_const: false, is_volatile: false, is_unaligned: true };
    check(vec![unaligned, pointer(4)], "__unaligned int *", "__unaligned int *x");
}

#[test]
fn functions() {
    check(vec![Type::Function(function(VOID, &[]))], "void (void)", "void x(void)");
    let printf = || Type::Function(FunctionType { is_variadic: true, ..function(INT, &[CHAR]) });
    check(vec![printf(), pointer(4)], "int (*)(char, ...)", "int (*x)(char, ...)");
    let any = Type::Function(FunctionType { is_variadic: true, ..function(INT, &[]) });
    check(vec![any], "int (...)", "int x(...)");
    let standard = || Type::Function(FunctionType { convention: Some("__stdcall"), ..function(INT, &[CHAR, POINT]) });
    check(vec![standard()], "int __stdcall (char, struct Point)", "int __stdcall x(char, struct Point)");
    let named = "int (__stdcall *x)(char, struct Point)";
    check(vec![standard(), pointer(4)], "int (__stdcall *)(char, struct Point)", named);
    let method = FunctionType { class: Some(TypeId(POINT)), convention: Some("__thiscall"), ..function(VOID, &[INT]) };
    let member = PointerKind::MemberFunction(TypeId(POINT));
    let types = vec![Type::Function(method), pointer_of_kind(4, member)];
    check(types, "void (Point::*)(int)", "void (Point::*x)(int)");
    // A function that returns a pointer to a function, as `signal` does.
    let types =
        vec![Type::Function(function(VOID, &[INT])), pointer(4), Type::Function(function(5, &[INT, 5])), pointer(6)];
    let expected = "void (*(*)(int, void (*)(int)))(int)";
    check(types, expected, "void (*(*x)(int, void (*)(int)))(int)");
}

#[test]
fn what_has_no_name_in_c() {
    check(vec![pointer(NONE)], "/* type 0x63 */ *", "/* type 0x63 */ *x");
    check(vec![Type::Other("a far label".to_owned())], "/* a far label */", "/* a far label */ x");
    check(vec![Type::VtableShape { entries: 3 }], "/* 3 virtual functions */", "/* 3 virtual functions */ x");
}

#[test]
fn circles_end() {
    let endless = type_name(&list(vec![pointer(4)]), TypeId(4));
    assert_eq!(endless, format!("{REST} {}", "*".repeat(MOST_LEVELS as usize)));
    let arguments: Vec<u64> = vec![4; 1000];
    let own = type_name(&list(vec![Type::Function(function(4, &arguments))]), TypeId(4));
    assert!(own.len() < 100_000, "{}", own.len());
    for own in [pointer(4), array(4, Some(2))] {
        assert!(size_of(&list(vec![own]), TypeId(4)).is_some());
    }
    assert_eq!(size_of(&list(vec![modified(4, true, false)]), TypeId(4)), None);
}

#[test]
fn sizes() {
    let size = |found: Type| size_of(&list(vec![found]), TypeId(4));
    assert_eq!(size(pointer(NONE)), Some(4));
    assert_eq!(size(modified(POINT, true, false)), Some(8));
    assert_eq!(size(Type::Alias { name: "Dot".to_owned(), target: TypeId(POINT) }), Some(8));
    assert_eq!(size(array(INT, Some(5))), Some(20));
    assert_eq!(size(Type::BitField { target: TypeId(INT), first_bit: 1, bits: 2 }), Some(4));
    assert_eq!(size(Type::Function(function(INT, &[]))), None);
    assert_eq!(size(modified(NONE, true, false)), None);
    let Type::Record(point) = list(vec![]).0.remove(3) else { unreachable!() };
    assert_eq!(size(Type::Record(Record { is_forward: true, size: 0, ..point })), None);
}

//! Names of every decoration, and names that no compiler made.

use super::*;
use proptest::prelude::*;
use vatlas_space::Rva;

fn check(decorated: &str, machine: Machine, plain: &str, full: &str, told: (Option<Convention>, Option<u32>)) {
    let name = Name::read(decorated, machine);
    assert_eq!(name.decorated, decorated);
    assert_eq!((name.plain.as_str(), name.full.as_str()), (plain, full), "{decorated}");
    assert_eq!((name.convention, name.argument_bytes), told, "{decorated}");
}

#[test]
fn names_of_c() {
    use Convention::{Cdecl, Fastcall, Stdcall, Vectorcall};
    let x86 = |decorated, plain, told| check(decorated, Machine::X86, plain, plain, told);
    x86("_main", "main", (Some(Cdecl), None));
    x86("__exit", "_exit", (Some(Cdecl), None));
    x86("_WinMain@16", "WinMain", (Some(Stdcall), Some(16)));
    x86("_f@0", "f", (Some(Stdcall), Some(0)));
    x86("CreateFileW@28", "CreateFileW", (Some(Stdcall), Some(28)));
    x86("@__security_check_cookie@4", "__security_check_cookie", (Some(Fastcall), Some(4)));
    x86("dot@@32", "dot", (Some(Vectorcall), Some(32)));
    x86("start", "start", (None, None));
    x86("_odd@7", "odd@7", (Some(Cdecl), None));
    x86("_f.cold", "f.cold", (Some(Cdecl), None));
    x86("_", "_", (None, None));
    x86("@", "@", (None, None));
    x86("@@8", "@@8", (None, None));
    x86("", "", (None, None));
    for machine in [Machine::X64, Machine::Arm, Machine::Arm64, Machine::Mips] {
        check("_main", machine, "_main", "_main", (None, None));
        check("f@8", machine, "f@8", "f@8", (None, None));
    }
    check("dot@@32", Machine::X64, "dot", "dot", (Some(Vectorcall), Some(32)));
}

#[test]
fn names_of_microsofts_cpp() {
    use Convention::{Cdecl, Stdcall, Thiscall};
    let x86 = |decorated, plain, full, convention| check(decorated, Machine::X86, plain, full, (convention, None));
    x86("?f@@YAHH@Z", "f", "int __cdecl f(int)", Some(Cdecl));
    x86("?f@@YGXH@Z", "f", "void __stdcall f(int)", Some(Stdcall));
    let full = "public: virtual int __thiscall b::A::g(char *) const";
    x86("?g@A@b@@UBEHPAD@Z", "b::A::g", full, Some(Thiscall));
    x86("??$max@H@@YAHHH@Z", "max<int>", "int __cdecl max<int>(int, int)", Some(Cdecl));
    x86("??_7A@@6B@", "A::`vftable'", "const A::`vftable'", None);
    x86("?x@@3HA", "x", "int x", None);
    x86("?fp@@3P6AHH@ZA", "fp", "int (__cdecl *fp)(int)", None);
    x86("?f@@YAXXZ$fin$0", "f$fin$0", "void __cdecl f(void)$fin$0", Some(Cdecl));
    x86("?f@@YAXXZ.cold", "f.cold", "void __cdecl f(void).cold", Some(Cdecl));
    x86("?", "?", "?", None);
    check("?f@@YAHH@Z", Machine::Arm, "f", "int __cdecl f(int)", (None, None));
}

#[test]
fn names_of_the_itanium_abi() {
    let x64 = |decorated, plain, full| check(decorated, Machine::X64, plain, full, (None, None));
    x64("_ZN1A1gEPKc", "A::g", "A::g(char const*)");
    x64("_ZN3std3maxIiEET_S1_S1_", "std::max<int>", "int std::max<int>(int, int)");
    x64("_Z3fooi.part.0", "foo.part.0", "foo(int) [clone .part.0]");
    x64("_Znothing", "_Znothing", "_Znothing");
    check("__Z3fooi", Machine::X86, "foo", "foo(int)", (None, None));
    check("__Z3fooi@4", Machine::X86, "foo", "foo(int)", (Some(Convention::Stdcall), Some(4)));
    check("@_Z3fooi@4", Machine::X86, "foo", "foo(int)", (Some(Convention::Fastcall), Some(4)));
}

#[test]
fn import_pointers() {
    let import = |decorated, machine, plain, full| check(decorated, machine, plain, full, (None, None));
    import("__imp__Sleep@4", Machine::X86, "__imp_Sleep", "import pointer to Sleep");
    import("__imp_Sleep", Machine::X64, "__imp_Sleep", "import pointer to Sleep");
    import("__imp_?f@@YAHH@Z", Machine::X64, "__imp_f", "import pointer to int __cdecl f(int)");
    import("__imp_", Machine::X64, "__imp_", "__imp_");
}

#[test]
fn the_file_tells_whether_a_name_is_decorated() {
    let check = |file, kind, name: &str, expected: (&str, Option<Convention>)| {
        let origin = Origin { file: "".into(), kind: file, identity: None };
        let symbol = Symbol { rva: Rva(0), size: None, name: name.into(), kind };
        let name = Name::of(&symbol, &origin, Machine::X86);
        assert_eq!((name.plain.as_str(), name.convention), expected, "{file} {symbol:?}");
    };
    use {FileKind::*, SymbolKind as Kind};
    check(MsvcMap, Kind::Function, "_f", ("f", Some(Convention::Cdecl)));
    check(MsvcMap, Kind::Data, "_f", ("f", None));
    check(Pdb, Kind::Public, "_f@4", ("f", Some(Convention::Stdcall)));
    check(Pdb, Kind::PublicFunction, "_f@4", ("f", Some(Convention::Stdcall)));
    check(GnuMap, Kind::Function, "_f", ("f", Some(Convention::Cdecl)));
    check(GnuMap, Kind::Function, "Shape::draw(int)", ("Shape::draw", None));
    check(Pdb, Kind::Function, "_f", ("_f", None));
    check(Pdb, Kind::Function, "A::operator()", ("A::operator()", None));
    check(Breakpad, Kind::Function, "A::f(int, void (*)(int)) const", ("A::f", None));
    check(Breakpad, Kind::Function, "A::operator()(int)", ("A::operator()", None));
    check(Breakpad, Kind::Function, "f(g(int)::x)::y", ("f(g(int)::x)::y", None));
    check(Breakpad, Kind::Function, "_f)", ("_f)", None));
    check(Breakpad, Kind::Public, "_Z3fooi", ("foo", None));
    check(Exports, Kind::Export, "_f", ("_f", None));
    check(Exports, Kind::Export, "_f@4", ("f", Some(Convention::Stdcall)));
    check(Exports, Kind::Export, "?f@@YAHH@Z", ("f", Some(Convention::Cdecl)));
}

/// Nests that a demangler descends into, level by level.
#[test]
fn deep_nests_come_back_as_they_are_or_read() {
    let nests = ["PA", "V?$a@", "P6A", "P6AX", "PAY01", "$1??$a@", "?1??$a@", "AA", "$$QA", "P8a@@AE", "?A", "$$BY01"];
    for head in ["?x@@3", "??$a@", "?f@@YAX", "?"] {
        for nest in nests {
            for count in [10, 100, 180, 400, 1000, 2000] {
                let name = format!("{head}{}HA", nest.repeat(count));
                let read = Name::read(&name, Machine::X86);
                assert!(read.full.len() <= 0x1_0000 + name.len(), "{head} {nest} {count}");
            }
        }
    }
    for nest in ["N", "I", "P", "S0_", "1fI", "X", "ZN1aI", "T_"] {
        let name = format!("_Z{}", nest.repeat(4000 / nest.len()));
        assert_eq!(Name::read(&name, Machine::X64).plain, name);
    }
}

/// Each type is twice the one before: with enough of them, gigabytes of text.
#[test]
fn names_that_double_come_back_as_they_are() {
    let doubled = |levels: u32| {
        let mut name = "_Z1f1aIiiE".to_owned();
        for level in 0..levels {
            let last = char::from_digit(2 * level, 36).unwrap().to_ascii_uppercase();
            name += &format!("1bIS{last}_S{last}_E");
        }
        (Name::read(&name, Machine::X64).full, name)
    };
    assert_eq!(doubled(1).0, "f(a<int, int>, b<a<int, int>, a<int, int> >)");
    let (full, name) = doubled(17);
    assert_eq!(full, name);
    let types: String = (0..9).map(|level| format!("V?$b@V{level}@V{level}@@@")).collect();
    let name = format!("?f@@YAXV?$a@HH@@{types}@Z");
    assert!(Name::read(&name, Machine::X64).full.len() <= 0x1_0000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_name_is_too_wild(
        head in prop::sample::select(vec!["?", "??", "??$", "?f@@YA", "?x@@3", "_Z", "_ZN", "@", "_", "__imp_?", ""]),
        rest in "([?@$_0-9A-Z.]|[?]\\$a@|@@|P6A|V0|T_|S0_|[a-f]){0,200}",
    ) {
        let name = format!("{head}{rest}");
        for machine in [Machine::X86, Machine::X64] {
            prop_assert_eq!(&Name::read(&name, machine).decorated, &name);
        }
    }

    #[test]
    fn no_text_is_too_wild(name in ".{0,60}") {
        prop_assert_eq!(&Name::read(&name, Machine::X86).decorated, &name);
        prop_assert!(name.starts_with(without_arguments(&name)));
    }
}

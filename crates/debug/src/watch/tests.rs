//! Expressions and their values in a small process: text in, words out.

use super::{FrameContext, Scope, View, WatchErrorKind, Watcher};
use crate::{
    testing::{TestTarget, registers},
    testing_types::{TestProvider, TestSymbols, TestTypes},
};
use vatlas_space::{LayoutName, Machine, PointerWidth, ProcessIndex, Rva, ThreadId, Va};
use vatlas_symbols::{
    Type, VariablePlace,
    types::{BasicKind, ConstantValue},
    variable::RegisterName,
};

/// The data of `app.exe`: two counters (name, value, flags of 3 and 5 bits, limit), a number, a text, a pointer to a
/// pointer to text.
fn data() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value, flags, limit) in [(0x40_2040_u32, 7_i32, 0b0101_1011_u8, 59_i16), (0x40_2048, -1, 0, 23)] {
        bytes.extend(name.to_le_bytes());
        bytes.extend(value.to_le_bytes());
        bytes.extend([flags, 0]);
        bytes.extend(limit.to_le_bytes());
    }
    bytes.extend(0x8007_0005_u32.to_le_bytes());
    bytes.extend(0x40_2020_u32.to_le_bytes());
    bytes.extend(0x40_2040_u32.to_le_bytes());
    bytes.resize(0x40, 0);
    bytes.extend(b"hours\0\0\0mins\0\0\0\0w\0i\0d\0e\0\0\0");
    bytes
}

fn app() -> TestSymbols {
    let mut types = TestTypes::new(4);
    let (int, short, char) = (types.signed("int", 4), types.signed("short", 2), types.char());
    let unsigned = types.unsigned("unsigned int", 4);
    let byte = types.unsigned("unsigned char", 1);
    let text = types.pointer(char);
    let texts = types.pointer(text);
    let (low, high) = (types.bits(byte, 0, 3), types.bits(byte, 3, 5));
    let members = [("name", text, 0), ("value", int, 4), ("low", low, 8), ("high", high, 8), ("limit", short, 10)];
    let counter = types.record("counter", 12, &members);
    let counters = types.array(counter, 2, 12);
    let pointer = types.pointer(counter);
    let double = types.basic(BasicKind::Float, "double", 8);
    let main = types.function(int, &[]);
    let _dword = types.alias("DWORD", unsigned);
    let esp = || RegisterName("esp".to_owned());
    TestSymbols::new("app.pdb", types)
        .data("counters", 0x2000, Some(counters))
        .data("status", 0x2018, Some(unsigned))
        .data("indirect", 0x201c, Some(texts))
        .data("_untyped", 0x2ff0, None)
        .data("far", 0x3000, Some(int))
        .data("eax", 0x2018, Some(int))
        .function("main", 0x1000, main)
        .constant("LIMIT", 0x1234)
        .variable("current", pointer, VariablePlace::Register(RegisterName("esi".to_owned())))
        .variable("depth", int, VariablePlace::RegisterRelative { register: esp(), offset: 4 })
        .variable("base", short, VariablePlace::FrameRelative { offset: -8 })
        .variable("lost", int, VariablePlace::Gone)
        .variable("pi", double, VariablePlace::Constant(ConstantValue::Float(3.25)))
        .variable("unknown", int, VariablePlace::Register(RegisterName("ebx".to_owned())))
}

fn helper() -> TestSymbols {
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    TestSymbols::new("helper.pdb", types).data("shared", 0x10, Some(int)).data("counters", 0x14, Some(int))
}

fn target() -> TestTarget {
    let stack = [[1, 0, 0, 0], [42, 0, 0, 0], [0xfe, 0xff, 0, 0], [9, 0, 0, 0]].concat();
    TestTarget::new(PointerWidth::Bits32)
        .layout(LayoutName::Nt32)
        .module("app.exe", 0x40_0000, 0x4000)
        .module("helper.dll", 0x1000_0000, 0x1000)
        .private(0x12_f000, 0x1000)
        .private(0x7ffd_0000, 0x1000)
        .captured(0x40_2000, &data())
        .captured(0x1000_0010, &[5, 0, 0, 0, 6, 0, 0, 0])
        .captured(0x12_f000, &stack)
        .captured(0x7ffd_0034, &[2, 0, 0, 0])
        .thread(7, Machine::X86, &[])
        .stack(0x12_f000, 0x1000, 0x7ffd_0000)
}

fn scope() -> Scope {
    let general =
        [("eax", 0xffff_ff80), ("esi", 0x40_200c), ("ebp", 0x12_f010), ("esp", 0x12_f000), ("eip", 0x40_1004)];
    let registers =
        vatlas_space::Registers { pc: Va(0x40_1004), sp: Va(0x12_f000), ..registers(Machine::X86, &general) };
    Scope { thread: Some(ThreadId(7)), frame: Some(FrameContext::innermost(&registers)), ..Scope::default() }
}

fn provider() -> TestProvider {
    TestProvider::default().with("app.exe", app()).with("helper.dll", helper())
}

fn check_in(scope: &Scope, text: &str, type_name: &str, expected: &str) {
    let (target, provider) = (target(), provider());
    let watched = Watcher::new(&target, &provider).watch(text, scope);
    let watched = watched.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!((watched.text.as_str(), watched.value.type_name.as_str()), (expected, type_name), "{text}");
}

fn check(text: &str, type_name: &str, expected: &str) {
    check_in(&scope(), text, type_name, expected);
}

fn check_error(text: &str, kind: WatchErrorKind, column: usize, message: &str, suggestions: &[&str]) {
    let (target, provider) = (target(), provider());
    let error = Watcher::new(&target, &provider).watch(text, &scope()).unwrap_err();
    assert_eq!((error.kind, error.column(text), error.message.as_str()), (kind, column, message), "{text}");
    assert_eq!(error.suggestions, suggestions, "{text}");
}

#[test]
fn records_elements_and_pointers() {
    let first = "{name = 0x00402040 \"hours\", value = 7, low = 3, high = 11, limit = 59}";
    check("counters[0]", "struct counter", first);
    check("*counters", "struct counter", first);
    check("counters[1].value", "int", "-1");
    check("counters->limit", "short", "59");
    check("(counters + 1)->name", "char *", "0x00402048 \"mins\"");
    check("&counters[1] - counters", "int", "1");
    check("&counters[1]", "struct counter *", "0x0040200c app!counters+0xc");
    check("counters[0].high", "unsigned char : 5", "11");
    check("counters[0].high * 2", "int", "22");
    check("sizeof(counters)", "unsigned int", "24");
    check("sizeof(counter)", "unsigned int", "12");
    check("sizeof(char*)", "unsigned int", "4");
    check("indirect", "char **", "0x00402020 -> 0x00402040 \"hours\"");
    check("**indirect", "char", "104 'h'");
    check("(*indirect)[1]", "char", "111 'o'");
}

#[test]
fn ranges_and_counts() {
    check("indirect[0][0..2]", "char [3]", "\"hou\"");
    check("counters[0].name,3", "char [3]", "\"hou\"");
    check(
        "current,1",
        "struct counter [1]",
        "{{name = 0x00402048 \"mins\", value = -1, low = 0, high = 0, limit = 23}}",
    );
}

#[test]
fn arithmetic_and_logic() {
    check("1 + 2 * 3", "int", "7");
    check("0xffffffff + 1", "unsigned int", "0");
    check("7 / 2.0", "double", "3.5");
    check("1 < 2 && !(3 == 4)", "int", "1");
    check("0 && far", "int", "0");
    check("counters[0].value > 5 ? 10 : far", "int", "10");
    check("~0 >> 4", "int", "-1");
    check("'A' + 1", "int", "66");
    check("(unsigned char)0x1ff", "unsigned char", "255 '\u{ff}'");
    check("(DWORD)-1", "DWORD", "4294967295");
    check("(bool)5", "bool", "true");
    check("LIMIT", "__int64", "4660");
}

#[test]
fn variables_registers_and_memory() {
    check("current", "struct counter *", "0x0040200c app!counters+0xc");
    check("current->value", "int", "-1");
    check("depth", "int", "42");
    check("base", "short", "-2");
    check("pi", "double", "3.25");
    check("lost", "int", "??? (optimized away here)");
    check("unknown", "int", "??? (register ebx is not known in this frame)");
    // A register goes before a symbol of the module, which its name with the module reaches.
    check("eax", "unsigned int", "0xffffff80");
    check("eax,u", "unsigned int", "4294967168");
    check("al", "unsigned char", "0x80");
    check("app!eax", "int", "-2147024891");
    check("$pc", "unsigned int", "0x00401004");
    check("@sp == esp", "int", "1");
    check("$tid", "unsigned int", "7");
    check("$pid", "unsigned int", "100");
    check("@err,hr", "unsigned int", "0x00000002 ERROR_FILE_NOT_FOUND");
    check("@tib", "unsigned int", "0x7ffd0000");
    check("DW esp+4", "DWORD", "42");
    check("BY esp + 8", "BYTE", "254");
    check("WO 0x402040", "WORD", "28520");
    check("poi(0x40201c)", "void *", "0x00402020");
}

#[test]
fn names_of_modules_and_contexts() {
    check("helper!shared", "int", "5");
    check("helper.dll!counters", "int", "6");
    check("{,,helper.dll}shared + 1", "int", "6");
    check("{,,helper}counters", "int", "6");
    check("app.exe!helper!shared", "int", "5");
    check("100!helper!shared", "int", "5");
    check("{main}depth", "int", "42");
    check("{main,main.c,} @11", "void *", "0x00401004 app!main+0x4");
    check("main", "int (void)", "app!main");
    check("_untyped", "void *", "0x00402ff0 app!_untyped");
    check("(DWORD*)_untyped", "DWORD *", "0x00402ff0 app!_untyped");
    check("*(DWORD*)&_untyped", "DWORD", "??? (not captured)");
}

#[test]
fn formats() {
    check("status,hr", "unsigned int", "0x80070005 ERROR_ACCESS_DENIED");
    check("status,d", "unsigned int", "-2147024891");
    check("0xF000F065,d", "unsigned int", "-268373915");
    check("0x0065,u", "int", "101");
    check("0xF065,o", "int", "0170145");
    check("61541,x", "int", "0x0000f065");
    check("61541,X", "int", "0x0000F065");
    check("00406042,hx", "int", "0x0c22");
    check("0x0065,c", "int", "101 'e'");
    check("0x0010,wm", "int", "WM_CLOSE");
    check("3,wc", "int", "CS_VREDRAW | CS_HREDRAW");
    check("2.5,e", "double", "2.500000e+00");
    check("2.5,f", "double", "2.500000");
    check("0x402040,s", "int", "\"hours\"");
    check("0x402050,su", "int", "L\"wide\"");
    check("0x402050,mu", "int", "0x00402050  wide.???????????????????????????");
    check(
        "counters,m",
        "struct counter [2]",
        "0x00402000  40 20 40 00 07 00 00 00 5b 00 3b 00 48 20 40 00  @ @.....[.;.H @.",
    );
    check("counters,md", "struct counter [2]", "0x00402000  00402040 00000007 003b005b 00402048");
    check(
        "counters[0],x",
        "struct counter",
        "{name = 0x00402040 \"hours\", value = 0x00000007, low = 0x3, high = 0x0b, limit = 0x003b}",
    );
    check("indirect,!", "char **", "0x00402020");
}

#[test]
fn what_is_not_at_hand_is_a_value() {
    check("far", "int", "??? (not captured)");
    check("far + 1", "", "??? (the int at 0x00403000: not captured)");
    check("*(int *)0x5", "int", "??? (not captured, use not known)");
    check("@clk", "", "??? (@clk: no clock runs while a picture is looked at)");
}

#[test]
fn the_processor_sees_only_the_current_process() {
    let mut scope = scope();
    scope.view = View::Processor;
    check_in(&scope, "counters[1].value", "int", "-1");
    scope.current = ProcessIndex(1);
    check_in(&scope, "counters[1].value", "int", "??? (app.exe is not current: the processor does not see its memory)");
    check_in(&scope, "1 + 1", "int", "2");
    scope.view = View::Process;
    check_in(&scope, "counters[1].value", "int", "-1");
}

#[test]
fn without_a_frame_only_variables_and_registers_are_missing() {
    let scope = Scope::default();
    check_in(&scope, "counters[1].value", "int", "-1");
    check_in(&scope, "@eax", "", "??? (@eax: no registers were captured)");
}

#[test]
fn mistakes_are_told_where_they_are() {
    use WatchErrorKind::{Type as OfType, Unknown};
    check_error("counters[1].lmit", Unknown, 13, "struct counter has no member 'lmit'", &["limit"]);
    check_error(
        "1 + countrs",
        Unknown,
        5,
        "'countrs' is no variable here, no register and no name of app.exe",
        &["counters"],
    );
    check_error("helpr!shared", Unknown, 1, "there is no module 'helpr' in this process", &["helper.dll"]);
    check_error("helper!shard", Unknown, 1, "helper.dll has no 'shard'", &["helper!shared"]);
    check_error("5!helper!shared", Unknown, 1, "there is no process '5'", &["app.exe"]);
    check_error(
        "counters.name",
        OfType,
        1,
        "struct counter [2] is no record: '->' reaches the members behind it",
        &["counters->name"],
    );
    check_error(
        "counters[0]->name",
        OfType,
        1,
        "struct counter is no pointer: '.' reaches its members",
        &["counters[0].name"],
    );
    check_error("status->x", OfType, 1, "unsigned int has no members", &[]);
    check_error("1 + counters[0]", OfType, 5, "struct counter is no number", &[]);
    check_error(
        "*status",
        OfType,
        1,
        "unsigned int is no pointer; a cast says what lies there",
        &["*(int *)(...)", "DW ..."],
    );
    check_error("*_untyped", OfType, 1, "nothing says what lies there; a cast does", &["*(int *)...", "DW ..."]);
    check_error("&current", OfType, 1, "it lives in esi and has no address", &[]);
    check_error("&counters[0].low", OfType, 1, "a bit field has no address", &[]);
    check_error("status / 0", OfType, 1, "this divides by zero", &[]);
    check_error("(nothing *)5", Unknown, 1, "there is no type 'nothing'", &[]);
    check_error("(counter)status", OfType, 1, "nothing can be cast to counter itself", &["*(counter *)..."]);
    check_error(
        "@zzz",
        Unknown,
        1,
        "'@zzz' is no register that was captured, and no pseudo-register",
        &["@pc", "@sp", "@err", "@tib", "@peb", "@tid", "@pid", "@vframe"],
    );
}

#[test]
fn values_tell_their_place_their_file_and_how_they_were_found() {
    let (target, provider) = (target(), provider());
    let watcher = Watcher::new(&target, &provider);
    let watched = watcher.watch("counters[5].value", &scope()).unwrap();
    assert_eq!(watched.value.va, Some(Va(0x40_2040)));
    assert_eq!(watched.origin.as_deref(), Some("app.pdb (PDB)"));
    assert_eq!(watched.remarks, ["[5] lies outside of the 2 elements of struct counter [2]"]);
    assert_eq!(watched.steps[0].finding, "data counters is at 0x00402000");
    assert_eq!(watcher.watch("current", &scope()).unwrap().home, super::Home::Register("esi".to_owned()));
    assert_eq!(watcher.watch("(1+2)*3,x", &scope()).unwrap().expression, "(1 + 2) * 3,x");
}

#[test]
fn locals_of_the_frame() {
    let (target, provider) = (target(), provider());
    let locals = Watcher::new(&target, &provider).locals(&scope());
    let words: Vec<_> = locals.iter().map(|local| format!("{} = {}", local.name, local.watched.text)).collect();
    let expected = [
        "current = 0x0040200c app!counters+0xc",
        "depth = 42",
        "base = -2",
        "lost = ??? (optimized away here)",
        "pi = 3.25",
        "unknown = ??? (register ebx is not known in this frame)",
    ];
    assert_eq!(words, expected);
    assert!(Watcher::new(&target, &provider).locals(&Scope::default()).is_empty());
}

#[test]
fn a_variable_in_pieces_and_one_behind_a_pointer() {
    let mut types = TestTypes::new(4);
    let long = types.signed("__int64", 8);
    let main = types.function(long, &[]);
    let register = |name: &str| VariablePlace::Register(RegisterName(name.to_owned()));
    let file = TestSymbols::new("app.pdb", types)
        .function("main", 0x1000, main)
        .variable(
            "whole",
            long,
            VariablePlace::Pieces(vec![(0, 4, register("esi")), (4, 4, VariablePlace::FrameRelative { offset: -4 })]),
        )
        .variable("half", long, VariablePlace::Pieces(vec![(0, 4, register("esi"))]))
        .variable("behind", long, VariablePlace::Indirect { pointer: Box::new(register("esp")), offset: 8 })
        .variable("fixed", long, VariablePlace::Static(Rva(0x2000)));
    let provider = TestProvider::default().with("app.exe", file);
    let target = target();
    let watcher = Watcher::new(&target, &provider);
    let text = |name: &str| watcher.watch(name, &scope()).unwrap().text;
    assert_eq!(text("whole,x"), "0x000000090040200c");
    assert_eq!(text("half"), "??? (a piece of it was optimized away here; bytes 0c 20 40 00 ?? ?? ?? ??)");
    assert_eq!(text("behind,x"), "0x000000090000fffe");
    assert_eq!(text("fixed,x"), "0x0000000700402040");
}

#[test]
fn variables_in_vector_registers_are_those_of_the_innermost_frame() {
    let mut types = TestTypes::new(4);
    let double = types.basic(BasicKind::Float, "double", 8);
    let main = types.function(double, &[]);
    let file = TestSymbols::new("app.pdb", types).function("main", 0x1000, main).variable(
        "half",
        double,
        VariablePlace::Register(RegisterName("xmm3".to_owned())),
    );
    let provider = TestProvider::default().with("app.exe", file);
    let bytes = [0.5_f64.to_le_bytes(), [0xff; 8]].concat();
    let mut target = target().wide("xmm3", &bytes);
    let own = scope().frame.unwrap().registers;
    target.process().threads[0].sides[0].registers = Some(own.clone());
    let text = |scope: &Scope| Watcher::new(&target, &provider).watch("half", scope).unwrap().text;
    assert_eq!(text(&scope()), "0.5");
    let caller = vatlas_space::Registers { sp: Va(own.sp.0 + 8), ..own };
    let of_caller = Scope { frame: Some(FrameContext::innermost(&caller)), ..scope() };
    assert!(text(&of_caller).starts_with("??? (register xmm3 is not known in this frame"), "{}", text(&of_caller));
}

#[test]
fn a_type_that_is_named_by_itself_is_no_value() {
    let mut types = TestTypes::new(4);
    let loops = types.alias("loops", vatlas_symbols::TypeId(0));
    types.replace(loops, Type::Alias { name: "loops".to_owned(), target: loops });
    let provider =
        TestProvider::default().with("app.exe", TestSymbols::new("app.pdb", types).data("x", 0x2000, Some(loops)));
    let target = target();
    let watcher = Watcher::new(&target, &provider);
    for text in ["x", "x + 1", "*x", "x.y", "x[1]", "&x", "sizeof(x)", "(loops)1"] {
        let text = watcher.watch(text, &scope()).map_or_else(|error| error.message, |watched| watched.text);
        assert!(!text.is_empty());
    }
}

#[test]
fn a_long_expression_ends() {
    let (target, provider) = (target(), provider());
    let watcher = Watcher::new(&target, &provider);
    for (operator, expected) in [("+", "700"), ("&&", "1"), ("-", "-686")] {
        let members = vec!["counters[0].value"; 30].join(operator);
        assert!(watcher.watch(&members, &scope()).is_ok());
        let numbers = vec!["7"; 100].join(operator);
        assert_eq!(watcher.watch(&numbers, &scope()).unwrap().text, expected);
    }
    let deep = "*&".repeat(30) + "status";
    assert_eq!(watcher.watch(&deep, &scope()).unwrap().text, "2147942405");
    let nested = "-(".repeat(15) + &vec!["0"; 100].join("||") + &")".repeat(15);
    assert_eq!(watcher.watch(&nested, &scope()).unwrap().text, "0");
    let members = "counters[0]".to_owned() + &".x".repeat(98);
    assert!(watcher.watch(&members, &scope()).is_err());
}

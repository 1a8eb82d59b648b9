//! What is read is what is printed, mistakes are told where they are, and nothing makes the reader fall over.

use super::{Watch, parse};
use crate::watch::{
    ast::{BINARY, Binary, Context, Expression, ExpressionKind as Kind, MemoryOperator, Name, TypeName, Unary},
    error::Span,
    format::{Format, FormatCode},
};
use proptest::prelude::*;

fn is_type(name: &str) -> bool {
    matches!(name, "counter" | "DWORD")
}

/// What is printed shows how it was understood.
fn check(text: &str, expected: &str) {
    let watch = parse(text, &is_type).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(watch.to_string(), expected, "{text}");
    assert_eq!(parse(expected, &is_type).unwrap(), watch, "{expected}");
}

fn check_error(text: &str, column: usize, message: &str) {
    let error = parse(text, &is_type).unwrap_err();
    assert_eq!((error.column(text), error.message.as_str()), (column, message), "{text}");
}

#[test]
fn literals() {
    check("0x19", "25");
    check("010", "8");
    check("0n10", "10");
    check("0b101u", "5u");
    check("18446744073709551615ull", "18446744073709551615ull");
    check("0xFFi64", "255ll");
    check("2.5f", "2.5");
    check("1e3", "1000.0");
    check("'e'", "'e'");
    check("L'\\x41'", "L'A'");
    check("'\\''", "'\\''");
    check("'\\n'", "'\\xa'");
}

#[test]
fn operators_bind_as_in_c() {
    check("a+b*c", "a + b * c");
    check("(a+b)*c", "(a + b) * c");
    check("a-b-c", "a - b - c");
    check("a-(b-c)", "a - (b - c)");
    check("a<<1|b&&c==d", "a << 1 | b && c == d");
    check("-*p->next[2].name", "-*p->next[2].name");
    check("(*p).x", "(*p).x");
    check("&(&x)", "&(&x)");
    check("a ? b : c ? d : e", "a ? b : c ? d : e");
    check("(a ? b : c) ? d : e", "(a ? b : c) ? d : e");
    check("a[1..n]", "a[1..n]");
    check("a!=b", "a != b");
}

#[test]
fn casts() {
    check("(char**)sym", "(char **)sym");
    check("(const struct counter *)p", "(struct counter *)p");
    check("(unsigned long)x + 1", "(unsigned long)x + 1");
    check("(counter)-x", "(counter)(-x)");
    check("(other)-x", "other - x");
    check("(other)x", "(other)x");
    check("(app!other*)(x)", "(app!other *)x");
    check("(a)*b", "a * b");
    check("(DWORD)*b", "(DWORD)(*b)");
    check("(a*b)", "a * b");
    check("sizeof(int[3])", "sizeof(int[3])");
    check("sizeof(counter)", "sizeof(counter)");
    check("sizeof counters[0]", "sizeof(counters[0])");
    check("sizeof(x)->y", "sizeof(x->y)");
}

#[test]
fn names_and_contexts() {
    check("app!counters", "app!counters");
    check("ntdll.dll!app::x", "ntdll.dll!app::x");
    check("1700!app.exe!counters[2].value", "1700!app.exe!counters[2].value");
    check("`my app.exe`!x", "`my app.exe`!x");
    check("`std::vector<int>::size`", "`std::vector<int>::size`");
    check("```anonymous namespace'::x`", "```anonymous namespace'::x`");
    check("::g_x", "::g_x");
    check("x[8.5..38!app!y]", "x[8.5..38!app!y]");
    check("x[y..app!z]", "x[y..app!z]");
    check("7z.exe!x", "7z.exe!x");
    check("{main}x", "{main,,} x");
    check("{,,EXAMPLE.dll}g_Var+1", "{,,EXAMPLE.dll} g_Var + 1");
    check("1 + {,,b.dll}y", "1 + ({,,b.dll} y)");
    check("{,\"a long, long, name.c\", } .143", "{,\"a long, long, name.c\",} @143");
    check("{,EXAMPLE.CPP,}@301", "{,EXAMPLE.CPP,} @301");
    check("{f,,,1700}x", "{f,,,1700} x");
}

#[test]
fn registers_and_memory() {
    check("@EAX+$pc", "@eax + @pc");
    check("BY esp+4", "BY esp + 4");
    check("DW WO 5", "DW WO 5");
    check("1 + (QW esp)", "1 + (QW esp)");
    check("BY", "BY");
    check("BY (-1)", "BY (-1)");
    check("BY -1", "BY - 1");
    check("DW + 1", "DW + 1");
    check("poi(esp+4)", "poi(esp + 4)");
    check("poi", "poi");
}

#[test]
fn formats() {
    check("x,x", "x,x");
    check("x , su , 5", "x,su,5");
    check("00406042,hx", "134178,hx");
    check("x,m", "x,mb");
    check("x,!", "x,!");
    check("p,[8]", "p,8");
    let format = parse("x,lu,3,!", &is_type).unwrap().format;
    assert_eq!(format, Format { code: Some(FormatCode::Unsigned), size: Some(4), count: Some(3), is_raw: true });
}

#[test]
fn mistakes_are_told_where_they_are() {
    check_error("", 1, "a value is expected; here it ends");
    check_error("a +", 4, "a value is expected; here it ends");
    check_error("a b", 3, "an operator, or a comma and a format, is expected; here is 'b'");
    check_error("(a", 3, "')' behind what was opened with '(' is expected; here it ends");
    check_error("a[1", 4, "']' behind an index is expected; here it ends");
    check_error("p->1", 4, "the name of a member is expected; here is '1'");
    check_error("ä + 99999999999999999999", 5, "'99999999999999999999' is no number of 64 bits");
    check_error("a = 1", 3, "'=' has no meaning in an expression");
    check_error("a ? b", 6, "':' behind the first choice of '?' is expected; here it ends");
    check_error("{File.c, File.exe} @143", 1, super::super::lexer::TWO_COMMAS);
    check_error("'ab'", 1, "one character is expected between single quotes");
    let formats = parse("x,zz", &is_type).unwrap_err();
    assert!(formats.message.starts_with("'zz' is no format"), "{}", formats.message);
    assert_eq!(formats.column("x,zz"), 3);
}

#[test]
fn depth_is_bounded() {
    for text in [
        "(".repeat(4000),
        "-".repeat(4000),
        "a?".repeat(2000),
        "a[".repeat(2000),
        "BY ".repeat(1300),
        "{a}".repeat(1300),
    ] {
        assert!(parse(&text, &is_type).is_err());
    }
    for operator in ["+", "&&", ".", "->"] {
        assert!(parse(&vec!["a"; 100].join(operator), &is_type).is_ok());
        assert!(parse(&vec!["a"; 1000].join(operator), &is_type).is_err());
    }
    assert!(parse(&"a".repeat(5000), &is_type).is_err());
}

fn of(kind: Kind) -> Expression {
    Expression { kind, span: Span::default() }
}

fn names() -> impl Strategy<Value = Name> {
    let module = prop::option::of("[a-z][a-z0-9_.]{0,5}|[ -~]{1,6}");
    (module, "[a-zA-Z_][a-z0-9_]{0,6}(::[a-z]{1,3})?|[ -~]{1,8}", prop::option::of("[1-9][0-9]{0,3}")).prop_map(
        |(module, path, process)| {
            let process = process.filter(|_| module.is_some());
            Name { process, module, path }
        },
    )
}

/// Names that stand for something else in the grammar are no names of variables.
fn is_variable(name: &Name) -> bool {
    let reserved = ["sizeof", "poi", "BY", "WO", "DW", "QW", "const", "volatile", "struct", "union", "class", "enum"];
    name.module.is_some()
        || !(reserved.contains(&name.path.as_str()) || super::TYPE_WORDS.contains(&name.path.as_str()))
}

fn type_names() -> impl Strategy<Value = TypeName> {
    let own = prop::sample::select(vec!["int", "unsigned long", "char", "long long"]);
    let own = own.prop_map(|path| TypeName { path: path.to_owned(), ..TypeName::default() });
    let other = names().prop_filter("a name", is_variable);
    let tag = prop::sample::select(vec![None, Some("struct"), Some("enum")]);
    let other = (other, tag).prop_map(|(name, tag)| TypeName {
        tag,
        module: name.module,
        path: name.path,
        ..TypeName::default()
    });
    (prop_oneof![own, other], 0..3_usize).prop_map(|(of, pointers)| TypeName { pointers, ..of })
}

fn contexts() -> impl Strategy<Value = Context> {
    let part = || prop::option::of("[a-z][a-z, .]{0,6}[a-z]");
    (part(), part(), part(), part()).prop_map(|(function, source, module, process)| Context {
        function,
        source,
        module,
        process,
    })
}

fn leaves() -> impl Strategy<Value = Expression> {
    prop_oneof![
        (any::<u64>(), any::<bool>(), any::<bool>()).prop_map(|(value, is_unsigned, is_long)| of(Kind::Integer {
            value,
            is_unsigned,
            is_long
        })),
        (0.0..1e300_f64).prop_map(|number| of(Kind::Float(number))),
        (any::<char>(), any::<bool>()).prop_map(|(code, is_wide)| of(Kind::Character { code: code.into(), is_wide })),
        names().prop_filter("a variable", is_variable).prop_map(|name| of(Kind::Name(name))),
        "[a-z]{2,4}".prop_map(|name| of(Kind::Register(name))),
        any::<u32>().prop_map(|line| of(Kind::Line(line))),
        type_names()
            .prop_map(|of| TypeName { pointers: of.pointers + 1, ..of })
            .prop_map(|name| of(Kind::SizeOfType(name))),
    ]
}

fn expressions() -> impl Strategy<Value = Expression> {
    let unary = [Unary::Negate, Unary::Plus, Unary::Complement, Unary::Not, Unary::Dereference, Unary::Address];
    let binary: Vec<Binary> = BINARY.iter().flat_map(|row| row.iter().map(|(_, operator)| *operator)).collect();
    leaves().prop_recursive(6, 40, 3, move |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let three = || prop::array::uniform3(inner.clone()).prop_map(Box::new);
        prop_oneof![
            (prop::sample::select(unary.to_vec()), boxed()).prop_map(|(operator, x)| of(Kind::Unary(operator, x))),
            (prop::sample::select(binary.clone()), boxed(), boxed())
                .prop_map(|(operator, x, y)| of(Kind::Binary(operator, x, y))),
            three().prop_map(|parts| of(Kind::Conditional(parts))),
            three().prop_map(|parts| of(Kind::Slice(parts))),
            prop::array::uniform2(inner.clone()).prop_map(|parts| of(Kind::Index(Box::new(parts)))),
            (type_names(), boxed()).prop_map(|(name, x)| of(Kind::Cast(name, x))),
            boxed().prop_map(|x| of(Kind::SizeOf(x))),
            (boxed(), "[a-z_]{1,5}", any::<bool>()).prop_map(|(x, name, is_arrow)| of(Kind::Member {
                of: x,
                name,
                is_arrow
            })),
            (prop::sample::select(MemoryOperator::ALL.to_vec()), boxed())
                .prop_map(|(operator, x)| of(Kind::Memory(operator, x))),
            boxed().prop_map(|x| of(Kind::Poi(x))),
            (contexts(), boxed()).prop_map(|(context, x)| of(Kind::In(context, x))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(expression in expressions()) {
        let watch = Watch { expression, format: Format::default() };
        let printed = watch.to_string();
        let again = parse(&printed, &is_type).map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
        prop_assert_eq!(&again.to_string(), &printed);
        prop_assert_eq!(again, watch, "{}", printed);
    }

    #[test]
    fn nothing_makes_it_fall_over(text in "[ -~äL'`]{0,60}") {
        if let Err(error) = parse(&text, &is_type) {
            prop_assert!(error.column(&text) <= text.chars().count() + 1);
        }
    }

    #[test]
    fn nor_do_words_in_any_order(words in prop::collection::vec(prop::sample::select(vec![
        "a", "(", ")", "*", "&", "int", "struct", "sizeof", "poi", "BY", "{a}", "{,,b}", ".", "1", "->", "[", "]", "..", "!", "a!b", "@5", "?", ":", ",", "x",
    ]), 0..30)) {
        if let Ok(watch) = parse(&words.join(" "), &is_type) {
            prop_assert_eq!(parse(&watch.to_string(), &is_type), Ok(watch));
        }
    }
}

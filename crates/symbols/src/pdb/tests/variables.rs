//! Variables in scope: what compilers of today wrote in the fixtures, and old and rare records of our own writer.

use super::{X64, X86, open};
use crate::{
    PdbFile, SymbolFile as _, Variable,
    types::ConstantValue,
    variable::{RegisterName, VariableKind, VariablePlace},
};
use std::{ops::ControlFlow, sync::Arc};
use vatlas_fixtures::{
    codeview::{Record, end, procedure},
    pdb::{Pdb, PdbModule, PdbSection},
};
use vatlas_space::Rva;

fn place(place: &VariablePlace) -> String {
    match place {
        VariablePlace::Register(RegisterName(name)) => name.clone(),
        VariablePlace::Registers(low, high) => format!("{}:{}", high.0, low.0),
        VariablePlace::RegisterRelative { register, offset } => format!("[{}{offset:+}]", register.0),
        VariablePlace::FrameRelative { offset } => format!("[frame{offset:+}]"),
        VariablePlace::Indirect { pointer, offset } => format!("[{}{offset:+}]", self::place(pointer)),
        VariablePlace::Static(rva) => format!("at {:#x}", rva.0),
        VariablePlace::ThreadLocal { offset } => format!("thread {offset:#x}"),
        VariablePlace::Constant(ConstantValue::Integer(value)) => format!("= {value}"),
        VariablePlace::Constant(value) => format!("= {value:?}"),
        VariablePlace::Pieces(pieces) => {
            let pieces = pieces.iter().map(|(offset, size, piece)| match size {
                &u64::MAX => format!("{offset}.. {}", self::place(piece)),
                size => format!("{offset}..{} {}", offset + size, self::place(piece)),
            });
            pieces.collect::<Vec<_>>().join(", ")
        }
        VariablePlace::Gone => "gone".to_owned(),
        VariablePlace::Unknown(text) => format!("unknown: {text}"),
    }
}

fn text(variable: &Variable) -> String {
    let kind = match variable.kind {
        VariableKind::Parameter => "parameter",
        VariableKind::Local => "local",
        VariableKind::Static => "static",
    };
    let after = if variable.is_after_prologue { " after the prologue" } else { "" };
    format!("{} {kind} {} {}{after}", variable.frame, variable.name, place(&variable.place))
}

#[track_caller]
fn check(pdb: &PdbFile, rva: u32, expected: &[&str]) {
    let variables: Vec<_> = pdb.variables_at(Rva(rva)).iter().map(text).collect();
    assert_eq!(variables, expected, "{rva:#x}");
    assert_eq!(pdb.later_problems(), []);
}

/// As `llvm-pdbutil dump -symbols` prints the records of the files.
#[test]
fn of_functions_and_inlined_ones() {
    let pdb = open(X64);
    check(&pdb, 0x1000, &["0 local rounds gone"]);
    check(&pdb, 0x1016, &["0 parameter sum eax", "0 local twice gone", "1 local rounds esi"]);
    let nested = [
        "0 parameter value eax",
        "0 parameter limit gone",
        "1 parameter sum gone",
        "1 local twice gone",
        "2 local rounds esi",
    ];
    check(&pdb, 0x101e, &nested);
    check(&pdb, 0x1031, &["0 local rounds esi"]);
    check(&pdb, 0x1060, &["0 local index gone", "0 local sum eax"]);
    check(&pdb, 0x1090, &["0 parameter rounds ecx", "0 local round r8d"]);
    check(&pdb, 0x3000, &[]);
    check(&open(X86), 0x1090, &["0 parameter rounds [frame+4]", "0 local round ecx"]);
}

#[test]
fn types_of_what_has_one() {
    let pdb = open(X86);
    let type_of = |name: &str| {
        let mut found = None;
        pdb.visit(&mut |symbol| {
            if *symbol.name == *name {
                found = pdb.type_of(symbol);
            }
            ControlFlow::Continue(())
        });
        found.map(|found| found.0)
    };
    assert_eq!(type_of("entry"), Some(0x1005));
    assert_eq!(type_of("advance_all"), Some(0x1001));
    // The name that the linker published is the function's.
    assert_eq!(type_of("_entry"), Some(0x1005));
    assert_eq!(type_of("counters"), Some(0x1007));
    assert_eq!(type_of("_counters"), Some(0x1007));
    assert_eq!(type_of("rounds_done"), Some(0x74));
    assert_eq!(type_of("??_C@_05LOHOPFFC@hours?$AA@"), None);
    assert_eq!(pdb.variables_at(Rva(0x1090))[0].type_id.map(|id| id.0), Some(0x74));
}

const X86_MACHINE: u16 = 0x14c;
const X64_MACHINE: u16 = 0x8664;
const THUMB: u16 = 0x1c2;
const SH4: u16 = 0x1a6;

/// A PDB of one function at 0x1010 with these records; `.text` at 0x1000, `.tls` at 0x2000.
fn sample(machine: u16, records: &[Vec<u8>]) -> Pdb {
    let symbols = [procedure(0, (1, 0x10, 0x40), "function"), records.concat(), end()].concat();
    let module = PdbModule { name: "a.obj".to_owned(), symbols, pieces: vec![(1, 0, 0x100)], ..PdbModule::default() };
    let section = |name, rva| PdbSection { name, rva, size: 0x200 };
    let sections = vec![section(".text", 0x1000), section(".tls", 0x2000)];
    Pdb { machine, sections, modules: vec![module], ..Pdb::default() }
}

#[track_caller]
fn check_records(machine: u16, records: &[Vec<u8>], rva: u32, expected: &[&str]) {
    let pdb = PdbFile::open("a.pdb", Arc::new(sample(machine, records).version_7())).unwrap();
    check(&pdb, rva, expected);
}

/// Size of the frame, and by what locals and parameters are addressed.
fn frame(size: u32, local: u32, parameter: u32) -> Vec<u8> {
    Record::new(0x1012).u32s(&[size, 0, 0, 0, 0]).u16s(&[0]).u32s(&[local << 14 | parameter << 16]).bytes()
}

fn frame_relative(offset: i32, name: &str) -> Vec<u8> {
    Record::new(0x110b).u32s(&[offset.cast_unsigned(), 0x74]).name(name).bytes()
}

fn register_relative(register: u16, offset: u32, name: &str) -> Vec<u8> {
    Record::new(0x1111).u32s(&[offset, 0x74]).u16s(&[register]).name(name).bytes()
}

fn register(number: u16, name: &str) -> Vec<u8> {
    Record::new(0x1106).u32s(&[0x74]).u16s(&[number]).name(name).bytes()
}

fn local(flags: u16, name: &str) -> Vec<u8> {
    Record::new(0x113e).u32s(&[0x74]).u16s(&[flags]).name(name).bytes()
}

/// Section 1, offset, length and gaps behind the fields of a range.
fn range(record: Record, offset: u32, length: u16, gaps: &[u16]) -> Vec<u8> {
    record.u32s(&[offset]).u16s(&[1, length]).u16s(gaps).bytes()
}

#[test]
fn relative_to_the_frame() {
    let variables = [frame_relative(8, "argument"), frame_relative(-4, "value"), frame_relative(0, "dropped")];
    let with = |frame: Vec<u8>| [&variables[..], &[frame]].concat();
    let after = |argument: &str, value: &str| {
        [
            format!("0 parameter argument {argument} after the prologue"),
            format!("0 local value {value} after the prologue"),
            "0 local dropped gone after the prologue".to_owned(),
        ]
    };
    let check = |machine, records: &[Vec<u8>], argument, value| {
        let expected = after(argument, value);
        check_records(machine, records, 0x1010, &expected.each_ref().map(String::as_str));
    };
    check(X86_MACHINE, &with(frame(4, 2, 2)), "[ebp+8]", "[ebp-4]");
    check(X86_MACHINE, &with(frame(4, 1, 2)), "[ebp+8]", "[frame-4]");
    check(X86_MACHINE, &with(frame(4, 2, 3)), "[ebx+8]", "[ebp-4]");
    check(X86_MACHINE, &with(frame(4, 1, 1)), "[frame+8]", "[frame-4]");
    check(X86_MACHINE, &variables, "[frame+8]", "[frame-4]");
    check(X64_MACHINE, &with(frame(4, 1, 3)), "[r13+8]", "[rsp-4]");
    check(0xaa64, &with(frame(4, 1, 2)), "[fp+8]", "[sp-4]");
}

#[test]
fn relative_to_registers() {
    // Above the frame and the return address are the arguments.
    let records = [
        register_relative(335, 0x20, "value"),
        register_relative(335, 0x40, "first"),
        register_relative(335, 0x48, "second"),
        frame(0x38, 1, 1),
    ];
    let expected = [
        "0 parameter first [rsp+64] after the prologue",
        "0 parameter second [rsp+72] after the prologue",
        "0 local value [rsp+32] after the prologue",
    ];
    check_records(X64_MACHINE, &records, 0x1010, &expected);
    let virtual_frame = [register_relative(30_006, 4, "argument")];
    check_records(X86_MACHINE, &virtual_frame, 0x1010, &["0 local argument [frame+4] after the prologue"]);
    // S_REGREL32_INDIR
    let indirect = Record::new(0x1171).u32s(&[8, 0x74]).u16s(&[334]).u32s(&[0x10]).name("captured").bytes();
    check_records(X64_MACHINE, &[indirect], 0x1010, &["0 local captured [[rbp+8]+16] after the prologue"]);
}

#[test]
fn in_registers() {
    let check = |machine, number, expected: &str| {
        let expected = format!("0 local v {expected} after the prologue");
        check_records(machine, &[register(number, "v")], 0x1010, &[&expected]);
    };
    check(X86_MACHINE, 17, "eax");
    check(X86_MACHINE, 212, "edx:eax");
    check(X86_MACHINE, 0x1311, "edx:eax");
    check(X86_MACHINE, 128, "st0");
    check(X64_MACHINE, 331, "rdx");
    check(X64_MACHINE, 343, "r15");
    check(X64_MACHINE, 367, "r15d");
    check(X64_MACHINE, 194, "xmm0");
    check(X64_MACHINE, 259, "xmm15");
    check(X64_MACHINE, 710, "ymm16");
    check(THUMB, 10, "r0");
    check(THUMB, 23, "sp");
    check(THUMB, 330, "d30");
    check(0xaa64, 50, "x0");
    check(0xaa64, 80, "lr");
    check(0xaa64, 141, "d1");
    check(0x166, 14, "a0");
    check(0x166, 41, "ra");
    check(SH4, 25, "r15");
    check(0x200, 25, "unknown: register 25 of processor 0x200");
    check(THUMB, 9, "unknown: register 9 of arm");
    let many = |registers: &[u8], name| {
        Record::new(0x110a).u32s(&[0x74]).u8s(&[registers.len() as u8]).u8s(registers).name(name).bytes()
    };
    check_records(X86_MACHINE, &[many(&[19, 17], "wide")], 0x1010, &["0 local wide edx:eax after the prologue"]);
    let expected = ["0 local wider unknown: registers ebx:edx:eax after the prologue"];
    check_records(X86_MACHINE, &[many(&[20, 19, 17], "wider")], 0x1010, &expected);
    check_records(X86_MACHINE, &[register(18, "this")], 0x1010, &["0 parameter this ecx after the prologue"]);
}

#[test]
fn old_records() {
    let records = [
        // S_BPREL32_16t, S_REGREL32_16t, S_REGISTER_16t, S_MANYREG_16t, S_CONSTANT_16t
        Record::new(0x0200).u32s(&[8]).u16s(&[0x74]).counted_name("a").bytes(),
        Record::new(0x020c).u32s(&[12]).u16s(&[22, 0x74]).counted_name("b").bytes(),
        Record::new(0x0002).u16s(&[0x74, 23]).counted_name("c").bytes(),
        Record::new(0x000a).u16s(&[0x76]).u8s(&[2, 19, 17]).counted_name("d").bytes(),
        Record::new(0x0003).u16s(&[0x74, 5]).counted_name("e").bytes(),
        // S_BPREL32_ST, S_REGREL32_ST, S_REGISTER_ST, S_LDATA32_ST, S_CONSTANT_ST
        Record::new(0x1006).u32s(&[(-8_i32).cast_unsigned(), 0x74]).counted_name("f").bytes(),
        Record::new(0x100d).u32s(&[16, 0x74]).u16s(&[22]).counted_name("g").bytes(),
        Record::new(0x1001).u32s(&[0x74]).u16s(&[24]).counted_name("h").bytes(),
        Record::new(0x1007).u32s(&[0x74, 0x80]).u16s(&[1]).counted_name("i").bytes(),
        Record::new(0x1002).u32s(&[0x74]).u16s(&[0x8001, 0xfffe]).counted_name("j").bytes(),
    ];
    let expected = [
        "0 parameter a [frame+8] after the prologue",
        "0 local b [ebp+12] after the prologue",
        "0 local c esi after the prologue",
        "0 local d edx:eax after the prologue",
        "0 local e = 5",
        "0 local f [frame-8] after the prologue",
        "0 local g [ebp+16] after the prologue",
        "0 local h edi after the prologue",
        "0 static i at 0x1080",
        "0 local j = -2",
    ];
    check_records(X86_MACHINE, &records, 0x1010, &expected);
}

#[test]
fn ranges_and_gaps() {
    let records = [
        local(1, "moving"),
        // S_DEFRANGE_REGISTER: esi from 0x1010 on with a gap of 4 bytes, S_DEFRANGE_FRAMEPOINTER_REL behind
        range(Record::new(0x1141).u16s(&[23, 0]), 0x10, 0x10, &[4, 4]),
        range(Record::new(0x1142).u32s(&[8]), 0x20, 0x10, &[]),
        local(0, "everywhere"),
        // S_DEFRANGE_FRAMEPOINTER_REL_FULL_SCOPE, and S_DEFRANGE_REGISTER_REL for a byte
        Record::new(0x1144).u32s(&[(-8_i32).cast_unsigned()]).bytes(),
        range(Record::new(0x1145).u16s(&[21, 0]).u32s(&[4]), 0x10, 1, &[]),
        local(0x100, "dropped"),
        // S_DEFRANGE, S_DEFRANGE_REGISTER_REL_INDIR
        local(0, "computed"),
        range(Record::new(0x113f).u32s(&[0x1234]), 0x10, 0x10, &[]),
        local(0, "captured"),
        range(Record::new(0x1177).u16s(&[22, 0]).u32s(&[8, 12]), 0x10, 0x40, &[]),
        local(0x400, "kept"),
        range(Record::new(0x1141).u16s(&[20, 0]), 0x10, 0x40, &[]),
        frame(8, 2, 2),
        // Where it arrives, for old debuggers.
        frame_relative(8, "moving"),
    ];
    let at = |moving: &str, everywhere: &str, computed: &str| {
        [
            format!("0 parameter moving {moving}"),
            format!("0 local everywhere {everywhere}"),
            "0 local dropped gone".to_owned(),
            format!("0 local computed {computed}"),
            "0 local captured [[ebp+8]+12]".to_owned(),
            "0 static kept ebx".to_owned(),
        ]
    };
    let check = |rva, expected: [String; 6]| {
        check_records(X86_MACHINE, &records, rva, &expected.each_ref().map(String::as_str));
    };
    let (everywhere, program) = ("[ebp-8] after the prologue", "unknown: what program 0x1234 computes");
    check(0x1010, at("esi", "[esp+4]", program));
    check(0x1013, at("esi", everywhere, program));
    check(0x1014, at("gone", everywhere, program));
    check(0x1017, at("gone", everywhere, program));
    check(0x1018, at("esi", everywhere, program));
    check(0x1020, at("[ebp+8]", everywhere, "gone"));
    check(0x1030, at("gone", everywhere, "gone"));
}

#[test]
fn parts() {
    // S_DEFRANGE_SUBFIELD_REGISTER, S_DEFRANGE_REGISTER_REL of a part, S_DEFRANGE_SUBFIELD
    let records = [
        local(0, "pair"),
        range(Record::new(0x1143).u16s(&[328, 0]).u32s(&[8]), 0x10, 0x20, &[]),
        range(Record::new(0x1143).u16s(&[18, 0]).u32s(&[0]), 0x10, 0x10, &[]),
        range(Record::new(0x1145).u16s(&[335, 16 << 4 | 1]).u32s(&[0x20]), 0x10, 0x10, &[]),
        range(Record::new(0x1140).u32s(&[7, 4]), 0x18, 8, &[]),
    ];
    check_records(X64_MACHINE, &records, 0x1010, &["0 local pair 0..4 ecx, 8..16 rax, 16.. [rsp+32]"]);
    let expected = ["0 local pair 0..4 ecx, 4..8 unknown: what program 0x7 computes, 8..16 rax, 16.. [rsp+32]"];
    check_records(X64_MACHINE, &records, 0x1018, &expected);
    check_records(X64_MACHINE, &records, 0x1020, &["0 local pair 8..16 rax"]);
}

#[test]
fn blocks_statics_and_threads() {
    let block = |offset, size| Record::new(0x1103).u32s(&[0, 0, size, offset]).u16s(&[1]).name("").bytes();
    let records = [
        frame_relative(-4, "outer"),
        block(0x20, 0x10),
        frame_relative(-8, "inner"),
        block(0x28, 4),
        frame_relative(-12, "innermost"),
        end(),
        end(),
        block(0x30, 8),
        frame_relative(-8, "other"),
        end(),
        Record::new(0x110c).u32s(&[0x74, 0x90]).u16s(&[1]).name("kept").bytes(),
        Record::new(0x1112).u32s(&[0x74, 0x18]).u16s(&[2]).name("own").bytes(),
        Record::new(0x1112).u32s(&[0x74, 0x18]).u16s(&[1]).name("odd").bytes(),
        Record::new(0x1107).u32s(&[0x74]).u16s(&[7]).name("seven").bytes(),
        // Behind the function.
    ];
    let statics = [
        "0 static kept at 0x1090",
        "0 static own thread 0x18",
        "0 static odd unknown: thread storage that begins as offset 0x18 of section 1",
        "0 local seven = 7",
    ];
    let local = |name: &str, offset| format!("0 local {name} [frame-{offset}] after the prologue");
    let check = |rva, locals: &[String]| {
        let expected: Vec<_> = locals.iter().map(String::as_str).chain(statics).collect();
        check_records(X86_MACHINE, &records, rva, &expected);
    };
    check(0x101f, &[local("outer", 4)]);
    check(0x1020, &[local("inner", 8), local("outer", 4)]);
    check(0x102b, &[local("innermost", 12), local("inner", 8), local("outer", 4)]);
    check(0x102c, &[local("inner", 8), local("outer", 4)]);
    check(0x1030, &[local("other", 8), local("outer", 4)]);
    check(0x1038, &[local("outer", 4)]);
}

#[test]
fn of_a_piece_that_was_put_elsewhere() {
    // S_SEPCODE of the function, whose record is behind the signature.
    let piece = Record::new(0x1132).u32s(&[4, 0, 0x10, 0, 0x80, 0x10]).u16s(&[1, 1]).bytes();
    let mut pdb = sample(X86_MACHINE, &[frame_relative(-4, "value"), frame(4, 2, 2)]);
    pdb.modules[0].symbols.extend([piece, frame_relative(-8, "of_the_piece"), end()].concat());
    let pdb = PdbFile::open("a.pdb", Arc::new(pdb.version_7())).unwrap();
    let value = "0 local value [ebp-4] after the prologue";
    check(&pdb, 0x1010, &[value]);
    check(&pdb, 0x1088, &["0 local of_the_piece [ebp-8] after the prologue", value]);
}

#[test]
fn thunks_of_incremental_linking() {
    let thunk = |at, target| Record::new(0x112c).u16s(&[0, 5]).u32s(&[at, target]).u16s(&[1, 1]).bytes();
    let island = Record::new(0x112c).u16s(&[1, 5]).u32s(&[0xa0, 0x10]).u16s(&[1, 1]).bytes();
    let mut pdb = sample(X86_MACHINE, &[]);
    pdb.modules[0].symbols.extend([thunk(0x85, 0x10), thunk(0x8a, 0x60), thunk(0x8f, 0x70), island].concat());
    // S_PUB32
    pdb.globals = Record::new(0x110e).u32s(&[2, 0x60]).u16s(&[1]).name("_published").bytes();
    let pdb = PdbFile::open("a.pdb", Arc::new(pdb.version_7())).unwrap();
    super::check(&pdb, 0x1085, "label @ILT+0(function)+0x0");
    super::check(&pdb, 0x108b, "label @ILT+5(_published)+0x1");
    super::check(&pdb, 0x108f, "label @ILT+10(0x1070)+0x0");
    super::check(&pdb, 0x10a0, "label @ILT+10(0x1070)+0x11 (past its end)");
}

#[test]
fn constants_are_visited_once() {
    let constant = |kind, fields: &[u16], name| Record::new(kind).u32s(&[0x74]).u16s(fields).name(name).bytes();
    let mut pdb = sample(X86_MACHINE, &[constant(0x1107, &[7], "SEVEN"), constant(0x1107, &[8], "EIGHT")]);
    // S_CONSTANT, S_MANCONSTANT, which has a token for a type
    pdb.globals = [constant(0x1107, &[7], "SEVEN"), constant(0x112d, &[0x8004, 1, 0x8000], "MANAGED")].concat();
    let pdb = PdbFile::open("a.pdb", Arc::new(pdb.version_7())).unwrap();
    let mut seen = Vec::new();
    pdb.visit_constants(&mut |constant| {
        let ConstantValue::Integer(value) = constant.value else { panic!("{constant:?}") };
        seen.push((constant.name.clone(), value, constant.type_id.map(|id| id.0)));
        ControlFlow::Continue(())
    });
    let expected = [("SEVEN", 7, Some(0x74)), ("MANAGED", 0x8000_0001, None), ("EIGHT", 8, Some(0x74))];
    assert_eq!(seen, expected.map(|(name, value, type_id)| (name.to_owned(), value, type_id)));
}

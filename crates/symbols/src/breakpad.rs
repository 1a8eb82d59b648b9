//! Breakpad symbol files: functions, lines, inlined pieces and public names as lines of text.
//!
//! The format is described in Breakpad's `docs/symbol_files.md`. Addresses and sizes are hexadecimal and count from
//! the base of the module; line numbers and file numbers are decimal:
//!
//! ```text
//! MODULE windows x86 9214611565FA4C538FE724A797B860F71 app.pdb
//! FILE 1 c:\src\app.c
//! INLINE_ORIGIN 0 add(int, int)
//! FUNC [m] 1010 20 8 main
//! INLINE depth call-line call-file origin {address size}...
//! 1010 6 17 1
//! PUBLIC [m] 45dc 0 _NLG_Dispatch
//! STACK WIN ...
//! STACK CFI ...
//! ```

mod stack_cfi;
mod stack_win;

pub(crate) use stack_cfi::row_at as cfi_row_at;
pub(crate) use stack_win::rule_at as frame_rule_at;

use crate::{
    symbol::SymbolKind,
    symbol_file::{FileKind, Identity, Origin},
    table::{SymbolTable, TableBuilder},
    text_problems::{TextProblems, Words, hex, lines},
};
use stack_cfi::CfiRules;
use stack_win::FrameRules;
use std::collections::HashMap;
use vatlas_space::{Guid, Machine, Problem, Rva};

/// Deepest nesting of inlined pieces that is believed.
const DEEPEST: u32 = 255;

/// Whether the bytes begin as a Breakpad symbol file does.
pub fn is_breakpad(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MODULE ")
}

/// Reads a symbol file called `file`. Lines that cannot be read are problems of the table; the rest is kept.
pub fn read(file: &str, bytes: &[u8]) -> SymbolTable {
    let mut reader = Reader {
        builder: TableBuilder::default(),
        files: HashMap::new(),
        origins: HashMap::new(),
        identity: None,
        machine: None,
        functions: Vec::new(),
        lines: Vec::new(),
        frame_rules: FrameRules::default(),
        cfi_rules: CfiRules::default(),
        stack_records: 0,
        is_in_function: false,
        is_function_read: false,
    };
    let mut problems = TextProblems::of(file);
    // Declarations first: a line may name a file that is declared further down.
    for pass in [Reader::declaration, Reader::record] {
        for (number, line) in lines(bytes) {
            if let Err(cause) = pass(&mut reader, &line) {
                problems.at(number, cause);
            }
        }
    }
    if !is_breakpad(bytes) {
        problems.whole(Problem::damage(file, "does not begin with a MODULE line"));
    }
    let outside = reader.add_lines();
    if outside > 0 {
        let cause = format!("{outside} line records lie outside of their functions and are left out");
        problems.whole(Problem::note(file, cause));
    }
    if reader.stack_records > 0 {
        let cause = format!("{} STACK records (unwind rules) are not used", reader.stack_records);
        problems.whole(Problem::note(file, cause));
    }
    let origin = Origin { file: file.into(), kind: FileKind::Breakpad, identity: reader.identity };
    reader.frame_rules.finish(&mut reader.builder);
    reader.cfi_rules.finish(&mut reader.builder);
    reader.builder.build(origin).with_machine(reader.machine).with_problems(problems.finish())
}

/// The processor by Breakpad's word for it.
fn machine(cpu: &str) -> Option<Machine> {
    Some(match cpu {
        "x86" => Machine::X86,
        "x86_64" => Machine::X64,
        "arm" => Machine::Arm,
        "arm64" | "arm64e" => Machine::Arm64,
        "mips" | "mips64" => Machine::Mips,
        _ => return None,
    })
}

/// A `FUNC` record.
struct Function {
    rva: u32,
    size: u32,
    name: String,
}

/// A line record.
struct Line {
    rva: u32,
    size: u32,
    file: u32,
    line: u32,
    /// Index of the function that it stands below; `None` below one that could not be read.
    function: Option<usize>,
}

struct Reader {
    builder: TableBuilder,
    /// Numbers of the text to numbers of the table.
    files: HashMap<u32, u32>,
    origins: HashMap<u32, String>,
    identity: Option<Identity>,
    machine: Option<Machine>,
    functions: Vec<Function>,
    lines: Vec<Line>,
    frame_rules: FrameRules,
    cfi_rules: CfiRules,
    stack_records: usize,
    is_in_function: bool,
    is_function_read: bool,
}

impl Reader {
    fn declaration(&mut self, line: &str) -> Result<(), String> {
        let mut words = Words(line);
        match words.word() {
            Some("MODULE") => self.module(words),
            Some("FILE") => {
                let number = words.decimal("file number")?;
                let file = self.builder.file(words.rest());
                self.files.insert(number, file);
                Ok(())
            }
            Some("INLINE_ORIGIN") => {
                let number = words.decimal("origin number")?;
                self.origins.insert(number, words.rest().to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn record(&mut self, line: &str) -> Result<(), String> {
        let mut words = Words(line);
        match words.word() {
            None | Some("MODULE" | "FILE" | "INLINE_ORIGIN" | "INFO") => Ok(()),
            Some("FUNC") => self.function(words),
            Some("PUBLIC") => self.public(words),
            Some("INLINE") => self.inline(words),
            Some("STACK") => self.stack(words),
            Some(word) if hex(word).is_some() => self.line(Words(line)),
            Some(word) => Err(format!("'{word}' is no record of Breakpad")),
        }
    }

    fn stack(&mut self, mut words: Words) -> Result<(), String> {
        match words.word() {
            Some("WIN") => self.frame_rules.add(words),
            Some("CFI") => self.cfi_rules.add(words),
            _ => {
                self.stack_records += 1;
                Ok(())
            }
        }
    }

    /// `MODULE os cpu id name`
    fn module(&mut self, mut words: Words) -> Result<(), String> {
        let (_os, cpu) = (words.word(), words.word());
        self.machine = cpu.and_then(machine);
        let id = words.word().ok_or("the module has no identity")?;
        let identity = identity(id).ok_or_else(|| format!("identity '{id}' is no GUID and age"))?;
        if self.identity.is_some_and(|known| known != identity) {
            return Err("a second module in one file".to_owned());
        }
        self.identity = Some(identity);
        Ok(())
    }

    /// `FUNC [m] address size parameter-bytes name`
    fn function(&mut self, words: Words) -> Result<(), String> {
        self.is_in_function = true;
        self.is_function_read = false;
        let mut words = after_multiple(words);
        let (rva, size) = (words.hex("address")?, words.hex("size")?);
        words.hex("parameter size")?;
        let name = name(words)?;
        self.builder.symbol(Rva(rva), size, name, SymbolKind::Function);
        self.functions.push(Function { rva, size, name: name.to_owned() });
        self.is_function_read = true;
        Ok(())
    }

    /// `PUBLIC [m] address parameter-bytes name`
    fn public(&mut self, words: Words) -> Result<(), String> {
        self.is_in_function = false;
        let mut words = after_multiple(words);
        let rva = words.hex("address")?;
        words.hex("parameter size")?;
        self.builder.symbol(Rva(rva), 0, name(words)?, SymbolKind::Public);
        Ok(())
    }

    /// `address size line file`
    fn line(&mut self, mut words: Words) -> Result<(), String> {
        if !self.is_in_function {
            return Err("a line record outside a function".to_owned());
        }
        let (rva, size) = (words.hex("address")?, words.hex("size")?);
        let line = words.decimal("line")?;
        let file = self.file(words.decimal("file number")?)?;
        let function = self.functions.len().checked_sub(1).filter(|_| self.is_function_read);
        self.lines.push(Line { rva, size, file, line, function });
        Ok(())
    }

    /// `INLINE depth call-line call-file origin {address size}...`
    fn inline(&mut self, mut words: Words) -> Result<(), String> {
        let (depth, line) = (words.decimal("depth")?, words.decimal("line of the call")?);
        let file = self.file(words.decimal("file number of the call")?)?;
        let origin = words.decimal("origin number")?;
        let function = self.origins.get(&origin).ok_or_else(|| format!("origin {origin} is not declared"))?;
        if depth > DEEPEST {
            return Err(format!("depth {depth} is over {DEEPEST}"));
        }
        while !words.rest().is_empty() {
            let (rva, size) = (words.hex("address")?, words.hex("size")?);
            self.builder.inline(Rva(rva), size, depth, function, (file, line));
        }
        Ok(())
    }

    /// Adds the lines; tells how many lie outside of their function. Code that was moved after linking is in several
    /// functions of one name, and the first has the lines of all. Some records of assembly code run past their end.
    fn add_lines(&mut self) -> usize {
        let mut by_address: Vec<&Function> = self.functions.iter().collect();
        by_address.sort_by_key(|function| function.rva);
        let mut outside = 0;
        for line in &self.lines {
            let at = by_address.partition_point(|function| function.rva <= line.rva);
            let room = at.checked_sub(1).map(|index| by_address[index]).and_then(|function| {
                let own = &self.functions[line.function?];
                let offset = line.rva - function.rva;
                (own.name == function.name).then(|| function.size.checked_sub(offset))?
            });
            match room {
                Some(room) if room > 0 => {
                    self.builder.line(Rva(line.rva), line.size.min(room), line.file, line.line);
                }
                _ => outside += 1,
            }
        }
        outside
    }

    fn file(&self, number: u32) -> Result<u32, String> {
        self.files.get(&number).copied().ok_or_else(|| format!("file {number} is not declared"))
    }
}

/// `m` says that several symbols had this address and one was chosen.
fn after_multiple(words: Words<'_>) -> Words<'_> {
    let mut after = words;
    if after.word() == Some("m") { after } else { words }
}

fn name(words: Words<'_>) -> Result<&str, String> {
    Some(words.rest()).filter(|name| !name.is_empty()).ok_or_else(|| "the name is missing".to_owned())
}

/// 32 digits of a GUID in the order of its fields, then one to eight of the age.
fn identity(id: &str) -> Option<Identity> {
    let (guid, age) = id.split_at_checked(32).filter(|_| id.is_ascii())?;
    let number = |digits: &str| hex(digits);
    let data4 = number(&guid[16..])?.to_be_bytes();
    let guid = Guid {
        data1: u32::try_from(number(&guid[..8])?).ok()?,
        data2: u16::try_from(number(&guid[8..12])?).ok()?,
        data3: u16::try_from(number(&guid[12..16])?).ok()?,
        data4,
    };
    Some(Identity::Guid { guid, age: u32::try_from(number(age)?).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol_file::SymbolFile;

    const TEXT: &str = "MODULE windows x86_64 00112233445566778899AABBCCDDEEFFa app.pdb\r
INFO CODE_ID 5DDC1E9B6C000 app.exe
FILE 0 c:\\src\\my app.c
FILE 7 c:\\src\\add.h
INLINE_ORIGIN 3 add(int, int)
INLINE_ORIGIN 4 carry
FUNC m 1000 30 8 app::main(int, char**)
INLINE 0 11 0 3 1008 8 1020 4
INLINE 1 21 7 4 100c 2
1000 8 10 0
1008 8 20 7
1010 10 12 0
1020 4 20 7
1024 c 13 0
PUBLIC m 1040 0 _after
PUBLIC 1080 c last one
STACK WIN 4 1000 30 0 0 0 0 0 0 0 0
STACK CFI INIT 1000 30 .cfa: $rsp 8 + .ra: .cfa -8 + ^
STACK OTHER 1
";

    fn problems(text: &str) -> Vec<String> {
        read("a.sym", text.as_bytes()).problems().iter().map(Problem::to_string).collect()
    }

    #[test]
    fn every_record_is_read() {
        let table = read("a.sym", TEXT.as_bytes());
        let identity = table.origin().identity.unwrap().to_string();
        assert_eq!(identity, "00112233-4455-6677-8899-aabbccddeeff age 10");
        assert_eq!(problems(TEXT), ["a.sym: 1 STACK records (unwind rules) are not used"]);
        let name = |rva| table.symbol_at(Rva(rva)).map(|symbol| (symbol.name, symbol.size));
        assert_eq!(name(0xfff), None);
        assert_eq!(name(0x102f), Some(("app::main(int, char**)".into(), Some(0x30))));
        assert_eq!(name(0x1040), Some(("_after".into(), None)));
        assert_eq!(name(0x2000), Some(("last one".into(), None)));
    }

    #[test]
    fn lines_and_inlined_pieces() {
        let table = read("a.sym", TEXT.as_bytes());
        let check = |rva, expected: &[(&str, &str, u32)]| {
            let frames = table.frames_at(Rva(rva)).into_iter();
            let frames: Vec<_> = frames.map(|frame| (frame.function, frame.line.unwrap())).collect();
            let frames: Vec<_> =
                frames.iter().map(|(name, line)| (name.as_ref(), line.file.as_ref(), line.line)).collect();
            assert_eq!(frames, expected, "{rva:x}");
        };
        let (app, add) = ("c:\\src\\my app.c", "c:\\src\\add.h");
        let main = "app::main(int, char**)";
        check(0x1007, &[(main, app, 10)]);
        check(0x1008, &[("add(int, int)", add, 20), (main, app, 11)]);
        check(0x100d, &[("carry", add, 20), ("add(int, int)", add, 21), (main, app, 11)]);
        check(0x1020, &[("add(int, int)", add, 20), (main, app, 11)]);
        check(0x1024, &[(main, app, 13)]);
        check(0x1040, &[]);
    }

    #[test]
    fn bad_lines_are_told_and_the_rest_is_kept() {
        let check = |line: &str, expected: &str| {
            let text =
                format!("MODULE windows x86 000000000000000000000000000000001 a.pdb\n{line}\nPUBLIC 10 0 kept\n");
            assert_eq!(problems(&text), [format!("a.sym: line 2: {expected}")], "{line}");
            let kept = read("a.sym", text.as_bytes()).symbol_at(Rva(0x10)).unwrap();
            assert_eq!(&*kept.name, "kept");
        };
        check("FUNC", "address is missing");
        check("FUNC 1000 x 0 f", "size 'x' is no hexadecimal number");
        check("FUNC 1000 1 0", "the name is missing");
        check("PUBLIC 123456789 0 f", "address 123456789 is over 4 GB, too much for an image");
        check("1000 1 1 1", "a line record outside a function");
        check("INLINE 0 1 1 0 1000 4", "file 1 is not declared");
        check("hello world", "'hello' is no record of Breakpad");
        check("FILE x", "file number 'x' is no decimal number of 32 bits");
        check("MODULE a b c d", "identity 'c' is no GUID and age");
    }

    #[test]
    fn lines_stay_within_their_function() {
        let text = "MODULE windows x86 000000000000000000000000000000001 a.pdb
FILE 1 a.c
FUNC 10 10 0 f
10 20 1 1
48 8 2 1
68 8 3 1
FUNC 20 10 0 g
2c 4 4 1
FUNC 40 10 0 f
FUNC 60 10 0 h
FUNC bad
60 4 5 1
";
        let table = read("a.sym", text.as_bytes());
        let line = |rva| table.frames_at(Rva(rva)).first().map(|frame| frame.line.clone().unwrap().line);
        assert_eq!([0x10, 0x1f, 0x20, 0x2c].map(line), [Some(1), Some(1), None, Some(4)]);
        assert_eq!([0x48, 0x60, 0x68].map(line), [Some(2), None, None]);
        let told: Vec<_> = problems(text);
        assert_eq!(told[1], "a.sym: 2 line records lie outside of their functions and are left out");
    }

    #[test]
    fn a_file_without_module_line_says_so() {
        assert_eq!(problems("PUBLIC 10 0 f\n"), ["a.sym: does not begin with a MODULE line"]);
        assert_eq!(problems(""), ["a.sym: does not begin with a MODULE line"]);
    }
}

//! The machine's processor beside Unicorn's: single random instructions in random states, register by register.
//!
//! Unicorn is GPL-2.0. It runs in a process of its own, a Python program at the other end of a pipe; nothing of it is
//! linked or distributed.

mod generate;
mod record;
mod table;

use generate::Random;
use record::{CODE, DATA, Record};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use table::{FAMILIES, Family};
use vatlas_machine::cpu::{Board, Engine, F80, HostTraps, Interpreter, Registers};
use vatlas_machine::{Event, Ram};
use vatlas_space::Pa;

/// Instructions that are compared for each encoding, unless the command says otherwise.
pub const USUAL_COUNT: usize = 300;
/// Physical addresses of our page directory and its only table, which map code and data alone.
const DIRECTORY: u32 = 0x1000;
const TABLE: u32 = 0x2000;
/// Differences of a family that are printed.
const SHOWN: usize = 3;
/// The other side.
const SCRIPT: &str = include_str!("compare_cpu/unicorn.py");

/// Compares `count` instructions of each encoding; whether none differed.
///
/// # Errors
/// When Unicorn cannot be installed or started.
pub fn run(root: &Path, count: usize) -> Result<bool, String> {
    let mut unicorn = Unicorn::start(&root.join("target/tools/unicorn"))?;
    let mut random = Random::new(0x7661_746c_6173);
    let (mut compared, mut differing) = (0, 0);
    println!("| family | compared | different |\n| --- | ---: | ---: |");
    for family in FAMILIES {
        let (cases, differences) = compare_family(family, count, &mut random, &mut unicorn)?;
        println!("| {} | {cases} | {} |", family.name, differences.len());
        differences.iter().take(SHOWN).for_each(|difference| eprintln!("{difference}"));
        compared += cases;
        differing += differences.len();
    }
    println!("| all | {compared} | {differing} |");
    Ok(differing == 0)
}

fn compare_family(
    family: &Family,
    count: usize,
    random: &mut Random,
    unicorn: &mut Unicorn,
) -> Result<(usize, Vec<String>), String> {
    let mut ours = Ours::new();
    random.is_aligned = family.name.starts_with("SSE");
    let (mut cases, mut differences) = (0, Vec::new());
    for notation in family.encodings.split(',') {
        for _ in 0..count {
            let bytes = random.encode(notation);
            let mut record = random.record();
            record.code[..bytes.len()].copy_from_slice(&bytes);
            let theirs = unicorn.execute(&record)?;
            let ours = ours.execute(&record);
            cases += 1;
            let different = differences_of(&ours, &theirs, family.undefined, notation);
            if !different.is_empty() {
                differences.push(format!(
                    "{notation}: {bytes:02x?}: {}\n  before {}",
                    different.join(", "),
                    brief(&record)
                ));
            }
        }
    }
    Ok((cases, differences))
}

/// The registers of a state for a person who looks for the cause.
fn brief(record: &Record) -> String {
    format!(
        "gpr {:08x?} eflags {:x} mxcsr {:x} fpcw {:x} fpsw {:x} st {:x?} xmm {:032x?}",
        record.gpr, record.eflags, record.mxcsr, record.control, record.status, record.st, record.xmm
    )
}

/// What differs. After a fault only that both faulted counts.
fn differences_of(ours: &Record, theirs: &Record, undefined: u32, notation: &str) -> Vec<String> {
    if ours.has_faulted || theirs.has_faulted {
        let same = ours.has_faulted == theirs.has_faulted;
        return if same { Vec::new() } else { vec![format!("fault {} {}", ours.has_faulted, theirs.has_faulted)] };
    }
    let mut found = Vec::new();
    let mut check = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{what} {ours} {theirs}"));
        }
    };
    let hex = |value: u32| format!("{value:x}");
    check("eip", hex(ours.eip), hex(theirs.eip));
    for (number, (ours, theirs)) in ours.gpr.iter().zip(theirs.gpr).enumerate() {
        check(&format!("r{number}"), hex(*ours), hex(theirs));
    }
    let flags = 0xcd5 & !undefined;
    check("eflags", hex(ours.eflags & flags), hex(theirs.eflags & flags));
    let changed = (0..ours.data.len()).find(|at| ours.data[*at] != theirs.data[*at]);
    if let Some(at) = changed {
        let end = (at + 10).min(ours.data.len());
        check("data", format!("{at}: {:02x?}", &ours.data[at..end]), format!("{:02x?}", &theirs.data[at..end]));
    }
    for (number, (ours, theirs)) in ours.xmm.iter().zip(theirs.xmm).enumerate() {
        if !is_same_but_for_nans(*ours, theirs) {
            check(&format!("xmm{number}"), format!("{ours:032x}"), format!("{theirs:032x}"));
        }
    }
    let is_x87 = notation.starts_with('D') && !matches!(&notation[..2], "D0" | "D1" | "D2" | "D3" | "D4" | "D5" | "D7");
    if is_x87 {
        // What empty registers hold is not looked at.
        for (number, (ours, theirs)) in ours.st.iter().zip(theirs.st).enumerate().take(5) {
            check(&format!("st{number}"), format!("{ours:x?}"), format!("{theirs:x?}"));
        }
        // C1 says how a result was rounded; Unicorn does not, and it sets C2 for the root of a negative number.
        let compared = if notation == "D9 FA" { 0x7900 } else { 0x7d00 };
        check("fpsw", hex(u32::from(ours.status & compared)), hex(u32::from(theirs.status & compared)));
    }
    found
}

/// Equal in all lanes, singles or doubles, but that of two NaNs either may come out: Unicorn follows the rule of x87 in
/// SSE, too. That the first one comes out is tested against real processors.
fn is_same_but_for_nans(ours: u128, theirs: u128) -> bool {
    (0..2).all(|lane| {
        let (ours, theirs) = ((ours >> (64 * lane)) as u64, (theirs >> (64 * lane)) as u64);
        let is_same =
            |ours: u32, theirs: u32| ours == theirs || f32::from_bits(ours).is_nan() && f32::from_bits(theirs).is_nan();
        ours == theirs
            || f64::from_bits(ours).is_nan() && f64::from_bits(theirs).is_nan()
            || is_same(ours as u32, theirs as u32) && is_same((ours >> 32) as u32, (theirs >> 32) as u32)
    })
}

/// The machine's processor.
struct Ours {
    engine: Interpreter,
    board: Board,
}

impl Ours {
    fn new() -> Self {
        let mut ram = Ram::new(0x21);
        let entries = [(DIRECTORY, TABLE), (TABLE + (CODE >> 12) * 4, CODE), (TABLE + (DATA >> 12) * 4, DATA)];
        for (at, frame) in entries {
            assert!(ram.write_u32(Pa(at.into()), frame | 7));
        }
        Self { engine: Interpreter::new(), board: Board::new(ram) }
    }

    fn execute(&mut self, record: &Record) -> Record {
        let mut registers = Registers::flat();
        registers.eip = CODE;
        registers.gpr = record.gpr;
        registers.eflags = record.eflags;
        registers.fpu.xmm = record.xmm;
        registers.fpu.mxcsr = record.mxcsr;
        registers.fpu.control = record.control;
        registers.fpu.status = record.status;
        let top = usize::from(record.status >> 11 & 7);
        registers.fpu.empty = 1 << ((top + 6) & 7) | 1 << ((top + 7) & 7);
        registers.control.cr0 |= 1 << 31;
        registers.control.cr3 = DIRECTORY;
        for (number, (mantissa, sign_exponent)) in record.st.into_iter().enumerate() {
            registers.fpu.st[(top + number) & 7] = F80 { mantissa, sign_exponent };
        }
        self.engine.set_registers(&registers);
        *self.engine.traps() = HostTraps::all();
        assert!(
            self.board.ram.write(Pa(CODE.into()), &record.code) && self.board.ram.write(Pa(DATA.into()), &record.data)
        );
        let run = self.engine.run(&mut self.board, 1);
        self.answer(record, matches!(run.event, Some(Event::Exception(_))))
    }

    fn answer(&self, record: &Record, has_faulted: bool) -> Record {
        let registers = self.engine.registers();
        let mut answer = record.clone();
        answer.eip = registers.eip;
        answer.has_faulted = has_faulted;
        answer.gpr = registers.gpr;
        answer.eflags = registers.eflags;
        self.board.ram.read(Pa(DATA.into()), &mut answer.data);
        answer.xmm = registers.fpu.xmm;
        answer.mxcsr = registers.fpu.mxcsr;
        answer.control = registers.fpu.control;
        answer.status = registers.fpu.status;
        let top = usize::from(registers.fpu.top());
        for (number, value) in answer.st.iter_mut().enumerate() {
            let F80 { mantissa, sign_exponent } = registers.fpu.st[(top + number) & 7];
            *value = (mantissa, sign_exponent);
        }
        answer
    }
}

/// Unicorn at the other end of two pipes.
struct Unicorn {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
}

impl Unicorn {
    /// Installs Unicorn's Python package into a folder of its own, unless it is there, and starts it.
    fn start(folder: &Path) -> Result<Self, String> {
        let python = unicorn_python(folder)?;
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|cause| format!("python: {cause}"))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (to, from) = pipes.ok_or("python: no pipes")?;
        Ok(Self { child, to, from })
    }

    fn execute(&mut self, record: &Record) -> Result<Record, String> {
        let sent = record.write(&mut self.to);
        sent.and_then(|()| Record::read(&mut self.from)).map_err(|cause| format!("unicorn: {cause}"))
    }
}

impl Drop for Unicorn {
    fn drop(&mut self) {
        // It ends by itself when its input does; it has nothing to keep.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python of the folder, with Unicorn's package in it; both are installed when they are not there.
///
/// # Errors
/// There is no Python, or the package cannot be installed.
pub fn unicorn_python(folder: &Path) -> Result<PathBuf, String> {
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let step = |program: &Path, arguments: &[&str]| {
        let status = Command::new(program).args(arguments).stdout(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{} {}: {status}", program.display(), arguments.join(" "))),
            Err(cause) => Err(format!("{}: {cause}", program.display())),
        }
    };
    if step(&python, &["-c", "import unicorn"]).is_err() {
        step(Path::new("python3"), &["-m", "venv", &folder.to_string_lossy()])?;
        step(&python, &["-m", "pip", "install", "--quiet", "unicorn==2.1.4"])?;
    }
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_an_instruction_that_the_machine_has() {
        let mut random = Random::new(1);
        let mut ours = Ours::new();
        for family in FAMILIES {
            for notation in family.encodings.split(',') {
                let bytes = random.encode(notation);
                let mut record = random.record();
                record.code[..bytes.len()].copy_from_slice(&bytes);
                ours.execute(&record);
                let run = ours.engine.run(&mut ours.board, 0);
                assert_eq!(run.unsupported, [], "{notation}: {bytes:02x?}");
            }
        }
    }

    #[test]
    fn differences_are_seen_and_undefined_flags_are_not() {
        let ours = Record { eflags: 0x811, ..Record::default() };
        let theirs = Record { gpr: [0, 1, 0, 0, 0, 0, 0, 0], ..ours };
        assert_eq!(differences_of(&ours, &theirs, 0, "00 /r"), ["r1 0 1"]);
        let theirs = Record { eflags: 0x801, ..ours };
        assert_eq!(differences_of(&ours, &theirs, table::AF, "00 /r"), Vec::<String>::new());
        assert_eq!(differences_of(&ours, &theirs, 0, "00 /r"), ["eflags 811 801"]);
    }
}

//! What the user says about the device: module list, process, processor.

use crate::{
    draw::text::printable,
    failure::{Exit, Failure},
    open::words,
    output::Output,
};
use clap::{Args, ValueEnum};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use vatlas_rules::{
    PlaceFacts,
    ce::slot::Slot,
    module_list::{ModuleList, parse, slot_number},
};
use vatlas_space::{LayoutName, Machine};

/// Options that tell more than the address does.
#[derive(Args, Debug)]
pub struct FactArgs {
    /// List of modules and processes of the device
    #[arg(long, value_name = "FILE")]
    pub modules: Option<PathBuf>,
    /// Process whose memory slot 0 shows: its name in the list, its slot (2 to 32), or the slot's base
    #[arg(long, value_name = "NAME|SLOT")]
    process: Option<String>,
    /// Processor: some areas and rules differ
    #[arg(long, value_name = "NAME")]
    machine: Option<Processor>,
    /// Short for --machine arm
    #[arg(long, conflicts_with = "machine")]
    arm: bool,
}

/// A processor as the user types it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Processor {
    /// 32-bit x86
    X86,
    /// 64-bit x86
    X64,
    /// 32-bit ARM
    Arm,
    /// MIPS
    Mips,
    /// Hitachi SuperH
    Sh,
}

/// `IMAGE_FILE_MACHINE_SH4`.
const SH4: Machine = Machine::Other(0x1a6);

impl From<Processor> for Machine {
    fn from(processor: Processor) -> Self {
        match processor {
            Processor::X86 => Self::X86,
            Processor::X64 => Self::X64,
            Processor::Arm => Self::Arm,
            Processor::Mips => Self::Mips,
            Processor::Sh => SH4,
        }
    }
}

/// A processor in the word that the option takes.
pub fn machine_word(machine: Machine) -> String {
    if machine == SH4 { "sh".to_owned() } else { machine.to_string().to_ascii_lowercase() }
}

impl FactArgs {
    /// Reads the list and finds the process. Lines that cannot be read are warned about, and the answer is partial.
    ///
    /// # Errors
    /// The list cannot be read at all, or there is no such process.
    pub fn read(&self, layout: LayoutName, output: &Output) -> Result<(PlaceFacts, Exit), Failure> {
        let (list, exit) = match &self.modules {
            Some(path) => read_list(path, output)?,
            None => (ModuleList::default(), Exit::Done),
        };
        let process = match &self.process {
            Some(text) => Some(process_slot(text, &list, layout)?),
            None => None,
        };
        let machine = if self.arm { Some(Machine::Arm) } else { self.machine.map(Machine::from) };
        Ok((PlaceFacts { list, process, machine }, exit))
    }
}

fn process_slot(text: &str, list: &ModuleList, layout: LayoutName) -> Result<Slot, Failure> {
    if !layout.has_slots() {
        return Err(Failure::usage(format!("--process: layout {layout} has no process slots"))
            .hint("slots are in --layout ce3, ce4, ce5 and wm6"));
    }
    let listed: Vec<Slot> = list
        .processes
        .iter()
        .filter(|process| process.name.eq_ignore_ascii_case(text))
        .map(|process| process.slot)
        .collect();
    match listed.as_slice() {
        [slot] => return Ok(*slot),
        [_, _, ..] => {
            let slots: Vec<String> = listed.iter().map(Slot::to_string).collect();
            return Err(Failure::usage(format!("--process: the list has '{text}' in slots {}", slots.join(", ")))
                .hint("name the slot instead"));
        }
        [] => {}
    }
    slot_number(text).ok_or_else(|| {
        let known: Vec<&str> = list.processes.iter().map(|process| process.name.as_str()).collect();
        let hint = match known.is_empty() {
            true => "give a slot from 2 to 32, or a list with --modules that has a line 'process NAME SLOT'".to_owned(),
            false => format!("give a slot from 2 to 32, or a process of the list: {}", known.join(", ")),
        };
        let hint = printable(&hint);
        Failure::usage(format!("--process: '{text}' is neither a process slot nor a process of the list")).hint(hint)
    })
}

/// A list of more bytes is none.
const MOST_BYTES: u64 = 16 << 20;

/// So many lines are warned about.
const MOST_WARNINGS: usize = 20;

fn read_list(path: &Path, output: &Output) -> Result<(ModuleList, Exit), Failure> {
    let (list, problems) = parse(&read_text(path)?);
    for problem in problems.iter().take(MOST_WARNINGS) {
        let line = problem.place.trim_start_matches("module list: ");
        let hint = problem.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        output.remark(&format!("warning: {}: {line}: {}{hint}", path.display(), problem.cause));
    }
    if problems.len() > MOST_WARNINGS {
        output.remark(&format!("warning: {}: {} more lines", path.display(), problems.len() - MOST_WARNINGS));
    }
    let exit = if problems.is_empty() { Exit::Done } else { Exit::Partial };
    Ok((list, exit))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let failed = |cause: String| Failure::could_not(format!("--modules {}: {cause}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(words(&error)))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(failed("more than 16 MB are no module list".to_owned()));
    }
    decode(bytes).map_err(|cause| failed(cause).hint("save the list as UTF-8 text"))
}

/// UTF-8, or UTF-16 with a byte order mark, as Windows shells write what they redirect.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let units = |from: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes[2..].as_chunks::<2>();
        String::from_utf16(&pairs.iter().map(|pair| from(*pair)).collect::<Vec<_>>())
            .map_err(|_| "a character of the UTF-16 text is broken".to_owned())
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => units(u16::from_le_bytes),
        Some([0xfe, 0xff]) => units(u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|error| {
            let (good, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            format!("line {line}: a byte that is no UTF-8 text, at offset {:#x}", good.len())
        }),
    }
}

//! A module list: what the user knows about one device, as a text file of one fact a line.
//!
//! ```text
//! # comment, to the end of the line
//! NAME BASE SIZE [RWSTART RWEND] [process=NAME]     a module; its writable data when they lie apart
//! process NAME SLOT                                 a process and its slot
//! exe-size SIZE                                     bytes of the EXE of the process that is looked at
//! dll-low ADDRESS                                   lowest address of DLL space (KINX_DLL_LOW), slot-0 form
//! ```
//!
//! Numbers are hexadecimal, with or without `0x`, except SLOT: a decimal number from 2 to 32, or the base address of the
//! slot in eight hexadecimal digits. Names with blanks, and names that are keywords, stand in double quotes.

use crate::ce::slot::{Slot, offset_of, slot_of};
use vatlas_space::{Problem, Va, VaRange};

/// A module of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedModule {
    /// Name as given.
    pub name: String,
    /// The image: from its base on.
    pub image: VaRange,
    /// Writable data that lie apart from the image, in slot-0 form (ROM DLLs).
    pub data: Option<VaRange>,
    /// The process that has it, when the list says so.
    pub process: Option<String>,
}

impl ListedModule {
    /// Whether its name ends in `.exe`.
    pub fn is_exe(&self) -> bool {
        self.name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("exe"))
    }
}

/// A process of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedProcess {
    /// Name as given.
    pub name: String,
    /// Where it lives.
    pub slot: Slot,
}

/// What the list says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModuleList {
    /// Modules in the order of the file.
    pub modules: Vec<ListedModule>,
    /// Processes in the order of the file.
    pub processes: Vec<ListedProcess>,
    /// Bytes of the EXE of the process that is looked at, from its base `00010000`.
    pub exe_size: Option<u32>,
    /// Lowest address of DLL space, slot-0 form.
    pub dll_low: Option<Va>,
}

impl ModuleList {
    /// The process that lives in `slot`.
    pub fn process_in(&self, slot: Slot) -> Option<&ListedProcess> {
        self.processes.iter().find(|process| process.slot == slot)
    }

    /// The slot of the only process of this name, in any case; `None` when there are none or several.
    pub fn slot_of(&self, process: &str) -> Option<Slot> {
        let mut found = self.processes.iter().filter(|listed| listed.name.eq_ignore_ascii_case(process));
        let first = found.next()?;
        if found.next().is_some() { None } else { Some(first.slot) }
    }
}

/// Reads a module list. A line that cannot be read becomes a problem; all others count.
pub fn parse(text: &str) -> (ModuleList, Vec<Problem>) {
    let mut list = ModuleList::default();
    let mut problems = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if let Err(fault) = read_line(line, &mut list) {
            let place = format!("module list: line {}", index + 1);
            problems.push(Problem::damage(place, fault.cause).hint(fault.hint));
        }
    }
    (list, problems)
}

struct Fault {
    cause: String,
    hint: &'static str,
}

const MODULE_FORM: &str = "a module is NAME BASE SIZE [RWSTART RWEND] [process=NAME], numbers in hexadecimal";
const PROCESS_FORM: &str = "a process is: process NAME SLOT, SLOT from 2 to 32 or its base in eight hexadecimal digits";
const EXE_SIZE_FORM: &str = "write: exe-size SIZE, at most 1FF0000 hexadecimal";
const DLL_LOW_FORM: &str = "write: dll-low ADDRESS, an address of slot 0 above 00010000";
const QUOTE_FORM: &str = "a name with blanks begins and ends with a double quote";

fn fault(cause: impl Into<String>, hint: &'static str) -> Fault {
    Fault { cause: cause.into(), hint }
}

fn read_line(line: &str, list: &mut ModuleList) -> Result<(), Fault> {
    let words = words(line)?;
    let Some((first, rest)) = words.split_first() else { return Ok(()) };
    match (first.quoted, first.text.as_str()) {
        (false, "process") => list.processes.push(process(rest)?),
        (false, "exe-size") => list.exe_size = Some(exe_size(rest)?),
        (false, "dll-low") => list.dll_low = Some(dll_low(rest)?),
        _ => list.modules.push(module(&first.text, rest)?),
    }
    Ok(())
}

/// A word of a line.
struct Word {
    text: String,
    quoted: bool,
}

/// Splits at blanks; a double quote opens and closes a part that may have blanks and `#` in it.
fn words(line: &str) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    let mut current: Option<Word> = None;
    let mut inside = false;
    for letter in line.chars() {
        match letter {
            '"' => {
                inside = !inside;
                current.get_or_insert(Word { text: String::new(), quoted: true });
            }
            '#' if !inside => break,
            _ if letter.is_whitespace() && !inside => words.extend(current.take()),
            _ => current.get_or_insert(Word { text: String::new(), quoted: false }).text.push(letter),
        }
    }
    if inside {
        return Err(fault("a double quote is not closed", QUOTE_FORM));
    }
    words.extend(current);
    Ok(words)
}

fn module(name: &str, rest: &[Word]) -> Result<ListedModule, Fault> {
    let (process, numbers) = match rest.split_last() {
        Some((last, before)) if last.text.starts_with("process=") => (last.text.strip_prefix("process="), before),
        _ => (None, rest),
    };
    if name.is_empty() || process == Some("") {
        return Err(fault("a name is empty", MODULE_FORM));
    }
    let numbers = numbers.iter().map(|word| number(&word.text, MODULE_FORM)).collect::<Result<Vec<_>, _>>()?;
    let (base, size, data) = match *numbers.as_slice() {
        [base, size] => (base, size, None),
        [base, size, start, end] => (base, size, data_range(start, end)?),
        _ => {
            return Err(fault(
                format!("{} numbers follow the name '{name}', not two or four", numbers.len()),
                MODULE_FORM,
            ));
        }
    };
    let image = VaRange::sized(Va(base), size)
        .ok_or_else(|| fault(format!("the image of {size:X} bytes from {base:08X} on is no range"), MODULE_FORM))?;
    Ok(ListedModule { name: name.to_owned(), image, data, process: process.map(str::to_owned) })
}

/// The data range `[start, end)`. `FFFFFFFF 0` (no separate data) and `0 0` (EXEs) are how the kernel writes "none".
fn data_range(start: u64, end: u64) -> Result<Option<VaRange>, Fault> {
    if matches!((start, end), (0xffff_ffff | 0, 0)) {
        return Ok(None);
    }
    let range = end.checked_sub(1).and_then(|last| VaRange::new(Va(start), Va(last)));
    range.map(Some).ok_or_else(|| fault(format!("the data from {start:08X} to {end:08X} are no range"), MODULE_FORM))
}

fn process(rest: &[Word]) -> Result<ListedProcess, Fault> {
    let [name, slot] = rest else {
        return Err(fault(format!("{} words follow 'process', not two", rest.len()), PROCESS_FORM));
    };
    if name.text.is_empty() {
        return Err(fault("a name is empty", PROCESS_FORM));
    }
    let slot =
        slot_number(&slot.text).ok_or_else(|| fault(format!("'{}' is no process slot", slot.text), PROCESS_FORM))?;
    Ok(ListedProcess { name: name.text.clone(), slot })
}

/// A process slot as a person types it: a decimal number from 2 to 32, or the base address of the slot in eight
/// hexadecimal digits.
pub fn slot_number(text: &str) -> Option<Slot> {
    let slot = match text.trim_start_matches("0x").len() {
        8 => {
            let base = Va(hexadecimal(text)?);
            slot_of(base).filter(|_| offset_of(base) == 0)?
        }
        _ => Slot::new(text.parse().ok()?)?,
    };
    slot.process().map(|_| slot)
}

fn exe_size(rest: &[Word]) -> Result<u32, Fault> {
    let [size] = rest else { return Err(fault("one number must follow 'exe-size'", EXE_SIZE_FORM)) };
    match number(&size.text, EXE_SIZE_FORM)? {
        bytes @ 1..=0x1ff_0000 => Ok(bytes as u32),
        bytes => Err(fault(format!("an EXE of {bytes:X} bytes does not fit into a slot"), EXE_SIZE_FORM)),
    }
}

fn dll_low(rest: &[Word]) -> Result<Va, Fault> {
    let [address] = rest else { return Err(fault("one address must follow 'dll-low'", DLL_LOW_FORM)) };
    match number(&address.text, DLL_LOW_FORM)? {
        va @ 0x1_0000..=0x1ff_ffff => Ok(Va(va)),
        va => Err(fault(format!("{va:08X} is no address of slot 0"), DLL_LOW_FORM)),
    }
}

fn number(text: &str, hint: &'static str) -> Result<u64, Fault> {
    hexadecimal(text).ok_or_else(|| fault(format!("'{text}' is no hexadecimal number of at most 16 digits"), hint))
}

fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    // `from_str_radix` would take a sign.
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> VaRange {
        VaRange::new(Va(first), Va(last)).unwrap()
    }

    fn check_fault(line: &str, expected: &str) {
        let (list, problems) = parse(line);
        assert_eq!(list, ModuleList::default());
        let found: Vec<String> =
            problems.iter().map(|problem| format!("{}: {}", problem.place, problem.cause)).collect();
        assert_eq!(found, [format!("module list: line 1: {expected}")]);
        assert!(problems[0].hint.is_some());
    }

    #[test]
    fn a_list() {
        let text = "# a device\r\n\
                    coredll.dll 03F4E000 96000 01FFC000 01FFCC88  # ROM\r\n\
                    libexpat-1.dll 0x013E0000 0x20000 FFFFFFFF 0\n\
                    \n\
                    \"my tool.exe\" 20010000 E000 0 0 process=\"my tool.exe\"\n\
                    \"process\" 7FF80000 1000\n\
                    process \"my tool.exe\" 16\n\
                    process gwes.exe 0C000000\n\
                    exe-size E000\n\
                    dll-low 013C0000";
        let (list, problems) = parse(text);
        assert_eq!(problems, []);
        assert_eq!(list.modules.len(), 4);
        assert_eq!(list.modules[0].image, range(0x03f4_e000, 0x03fe_3fff));
        assert_eq!(list.modules[0].data, Some(range(0x01ff_c000, 0x01ff_cc87)));
        assert_eq!(list.modules[1].data, None);
        assert_eq!(list.modules[2].process.as_deref(), Some("my tool.exe"));
        assert!(list.modules[2].is_exe() && !list.modules[0].is_exe());
        assert_eq!(list.modules[3].name, "process");
        assert_eq!(list.slot_of("MY TOOL.EXE"), Slot::new(16));
        assert_eq!(list.slot_of("gwes.exe"), Slot::new(6));
        assert_eq!(list.slot_of("nobody.exe"), None);
        assert_eq!((list.exe_size, list.dll_low), (Some(0xe000), Some(Va(0x013c_0000))));
    }

    #[test]
    fn faults() {
        check_fault("coredll.dll", "0 numbers follow the name 'coredll.dll', not two or four");
        check_fault("coredll.dll 03F4E000", "1 numbers follow the name 'coredll.dll', not two or four");
        check_fault("coredll.dll 03F4E00G 96000", "'03F4E00G' is no hexadecimal number of at most 16 digits");
        check_fault("coredll.dll +3F4E000 96000", "'+3F4E000' is no hexadecimal number of at most 16 digits");
        check_fault("coredll.dll 03F4E000 0", "the image of 0 bytes from 03F4E000 on is no range");
        check_fault("a.dll FFFFFFFFFFFFFFFF 2", "the image of 2 bytes from FFFFFFFFFFFFFFFF on is no range");
        check_fault("a.dll 1000 1000 2000 1000", "the data from 00002000 to 00001000 are no range");
        check_fault("\"a.dll 1000 1000", "a double quote is not closed");
        check_fault("process a.exe", "1 words follow 'process', not two");
        check_fault("process a.exe 1", "'1' is no process slot");
        check_fault("process a.exe 33", "'33' is no process slot");
        check_fault("process a.exe 42000000", "'42000000' is no process slot");
        check_fault("process a.exe 12000001", "'12000001' is no process slot");
        check_fault("exe-size 2000000", "an EXE of 2000000 bytes does not fit into a slot");
        check_fault("dll-low 42000000", "42000000 is no address of slot 0");
    }

    #[test]
    fn two_processes_of_one_name_have_no_slot() {
        let (list, _) = parse("process a.exe 5\nprocess a.exe 6");
        assert_eq!(list.slot_of("a.exe"), None);
    }
}

//! Which process is meant: by id, by name, or on Windows CE up to 5.x by its slot.

use vatlas_space::{Process, ProcessIndex, Target, ThreadId, Va};

/// The processes that a text means; of one name there may be several. Ids are decimal or hexadecimal numbers, names are
/// compared without regard to case and may leave out their extension; a slot is its number, or its lowest address in
/// eight digits.
pub fn processes_called(target: &dyn Target, wanted: &str) -> Vec<ProcessIndex> {
    let wanted = wanted.trim();
    let rules: [&dyn Fn(&Process) -> bool; 3] = [
        &|process| process.id.is_some_and(|id| is_number(wanted, id.0)),
        &|process| process.name.as_deref().is_some_and(|name| is_called(name, wanted)),
        &|process| is_in_slot(process, wanted),
    ];
    let found = |rule: &dyn Fn(&Process) -> bool| -> Vec<ProcessIndex> {
        let all = target.processes().iter().enumerate();
        all.filter(|(_, process)| rule(process)).map(|(index, _)| ProcessIndex(index)).collect()
    };
    rules.into_iter().map(found).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Reads an id: decimal, or hexadecimal with `0x` or in eight digits, as handles are written.
pub fn parse_id(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(digits, 16).ok();
    }
    let is_handle = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_handle { u32::from_str_radix(text, 16).ok() } else { text.parse().ok() }
}

/// The process in whose slot an address lies; `None` for addresses that all share, and without slots.
pub fn owner_of(target: &dyn Target, va: Va) -> Option<ProcessIndex> {
    let is_owner = |process: &Process| process.home.is_some_and(|home| home.range().contains(va));
    target.processes().iter().position(is_owner).map(ProcessIndex)
}

/// The process that a thread belongs to.
pub fn process_of_thread(target: &dyn Target, thread: ThreadId) -> Option<ProcessIndex> {
    target.processes().iter().position(|process| process.thread(thread).is_some()).map(ProcessIndex)
}

fn is_number(text: &str, id: u32) -> bool {
    // Eight digits may be decimal on a system that counts.
    text.parse() == Ok(id) || parse_id(text) == Some(id)
}

fn is_called(name: &str, wanted: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    name.eq_ignore_ascii_case(wanted) || stem.eq_ignore_ascii_case(wanted)
}

fn is_in_slot(process: &Process, wanted: &str) -> bool {
    let Some(home) = process.home else { return false };
    let digits = wanted.strip_prefix("0x").unwrap_or(wanted);
    let by_base = digits.len() == 8 && u64::from_str_radix(digits, 16) == Ok(home.base.0);
    by_base || wanted.parse() == Ok(home.slot())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTarget;
    use vatlas_space::{PointerWidth, ProcessId, SlotHome};

    fn check(wanted: &str, expected: &[usize]) {
        let mut target = TestTarget::new(PointerWidth::Bits32);
        let first = target.process();
        first.name = Some("scale.exe".to_owned());
        first.id = Some(ProcessId(0xa71e_3c42));
        first.home = Some(SlotHome { number: 4, base: Va(0x0a00_0000), access_key: 0x10 });
        let found: Vec<_> = processes_called(&target, wanted).into_iter().map(|index| index.0).collect();
        assert_eq!(found, expected, "{wanted}");
    }

    #[test]
    fn by_id_name_and_slot() {
        for wanted in ["0xa71e3c42", "A71E3C42", "2803776578", "scale.exe", "SCALE", "5", "0a000000", "0x0A000000"] {
            check(wanted, &[0]);
        }
        for wanted in ["", "4", "scal", "0x5", "0a000001", "a71e3c43", "6"] {
            check(wanted, &[]);
        }
    }

    #[test]
    fn ids_as_people_write_them() {
        for (text, id) in [("1704", 1704), ("0x6a8", 1704), ("a71e4f0a", 0xa71e_4f0a), ("00410002", 0x41_0002)] {
            assert_eq!(parse_id(text), Some(id), "{text}");
        }
        for text in ["", "0x", "-1", "a71e4f0", "1704x", "99999999999"] {
            assert_eq!(parse_id(text), None, "{text}");
        }
    }
}

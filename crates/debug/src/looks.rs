//! What the bytes at an address look like: instruction, pointer, table of functions, text, zeros, pattern.
//!
//! These are readings of bytes, not facts; each says what it saw.

use crate::{
    disassembly::{Instruction, LONGEST, disassemble, disassemble_arm},
    usage::Usage,
    usage_index::UsageIndex,
};
use vatlas_rules::value_look;
use vatlas_space::{Machine, PointerWidth, Region, RegionState, Va};

/// Bytes that are looked at.
const WINDOW: usize = 256;
/// Instructions that are shown.
const INSTRUCTIONS: usize = 4;
/// Shorter runs of characters are not called text.
const SHORTEST_TEXT: usize = 4;
/// So many pointers to code in a row look like a table of functions.
const SHORTEST_TABLE: usize = 3;
/// Shorter runs of zeros are not worth a word.
const SHORTEST_ZEROS: usize = 16;

/// One reading of the bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Look {
    /// Code: the address may be executed.
    Code {
        /// The first instructions.
        instructions: Vec<Instruction>,
    },
    /// A pointer.
    Pointer {
        /// Where it points.
        to: Va,
        /// What is there.
        usage: Usage,
        /// Bits of it.
        width: PointerWidth,
    },
    /// Pointers to code in a row, as in a virtual function table.
    CodePointers {
        /// How many; at least this many when the window ends in one.
        count: usize,
        /// The first few.
        first: Vec<(Va, Usage)>,
    },
    /// 8-bit text.
    Text(String),
    /// UTF-16 text.
    WideText(String),
    /// Zeros.
    Zeros {
        /// How many bytes.
        count: usize,
        /// Whether more may follow behind what was looked at.
        open: bool,
    },
    /// A value that debug heaps and compilers fill memory with.
    Pattern {
        /// The value.
        value: Va,
        /// Who writes it.
        meaning: &'static str,
    },
}

/// What the bytes at `va` look like, and how many bytes could be looked at; `is_code` when they are executed.
pub fn looks(index: &UsageIndex<'_>, va: Va, machine: Machine, is_code: bool) -> (Vec<Look>, usize) {
    let mut window = [0; WINDOW];
    let held = index.space().read_available(va, &mut window);
    let bytes = &window[..held];
    let width = pointer_width(index, va);
    let mut looks = Vec::new();
    if is_code {
        let bytes = &bytes[..held.min(INSTRUCTIONS * LONGEST)];
        let instructions = match machine {
            Machine::Arm if is_arm_code(index, va) => disassemble_arm(va, bytes, INSTRUCTIONS),
            _ => disassemble(machine, va, bytes, INSTRUCTIONS),
        };
        if !instructions.is_empty() {
            looks.push(Look::Code { instructions });
        }
    } else {
        looks.extend(code_pointers(index, bytes, width).or_else(|| pointer(index, bytes, width)));
        looks.extend(pattern(bytes, width));
    }
    // A pointer may read as a few letters by chance.
    let shortest = if looks.is_empty() { SHORTEST_TEXT } else { width.bytes() + 1 };
    let bytes_text = text(bytes).filter(|text| text.len() >= shortest);
    looks.extend(bytes_text.map(Look::Text).or_else(|| wide_text(bytes).map(Look::WideText)));
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    if zeros >= SHORTEST_ZEROS {
        looks.push(Look::Zeros { count: zeros, open: zeros == bytes.len() });
    }
    (looks, held)
}

/// Windows CE runs code of 4-byte instructions unless the address is odd or a thread's flags there say Thumb; Windows NT
/// runs Thumb code only.
fn is_arm_code(index: &UsageIndex<'_>, va: Va) -> bool {
    const THUMB: u64 = 0x20;
    let is_ce = index.process().layout.is_some_and(|layout| layout.name.is_ce());
    let threads = index.process().threads.iter().filter_map(|thread| thread.registers());
    let here = threads.filter(|registers| index.own_form(registers.pc) == index.own_form(va));
    is_ce && va.0 & 1 == 0 && !here.into_iter().any(|registers| registers.get("cpsr").unwrap_or(0) & THUMB != 0)
}

/// Whether code may run at `va`, by the protection of the region or by the flags of the section.
pub fn is_executable(index: &UsageIndex<'_>, va: Va, region: &Region) -> bool {
    if let Some(protection) = region.protection {
        return region.state == RegionState::Committed && protection.is_executable();
    }
    let table = index.sections_at(va);
    let va = index.own_form(va);
    table.is_some_and(|table| table.sections.iter().any(|section| section.executable && section.range.contains(va)))
}

/// Pointers of a WOW64 process are 32 bits wide in its lower 4 GB.
fn pointer_width(index: &UsageIndex<'_>, va: Va) -> PointerWidth {
    let in_lower_half = va <= PointerWidth::Bits32.last();
    if index.process().peb32.is_some() && in_lower_half { PointerWidth::Bits32 } else { index.process().width }
}

fn pointer(index: &UsageIndex<'_>, bytes: &[u8], width: PointerWidth) -> Option<Look> {
    let to = width.pointer(bytes)?;
    let usage = used(index, to)?;
    Some(Look::Pointer { to, usage, width })
}

/// The use of an address that somebody uses.
fn used(index: &UsageIndex<'_>, va: Va) -> Option<Usage> {
    if va.0 < 0x1_0000 {
        return None;
    }
    let region = index.space().region(va);
    let in_use = matches!(region.state, RegionState::Committed | RegionState::Reserved);
    let usage = index.in_region(va, &region).usage;
    let is_nothing = matches!(usage, Usage::Free | Usage::Unknown | Usage::System { .. });
    (in_use || !is_nothing).then_some(usage)
}

fn code_pointers(index: &UsageIndex<'_>, bytes: &[u8], width: PointerWidth) -> Option<Look> {
    let pointers = bytes.chunks_exact(width.bytes()).filter_map(|word| width.pointer(word));
    let to_code: Vec<_> = pointers
        .map_while(|to| {
            let region = index.space().region(to);
            is_executable(index, to, &region).then(|| (to, index.in_region(to, &region).usage))
        })
        .collect();
    let count = to_code.len();
    (count >= SHORTEST_TABLE).then(|| Look::CodePointers { count, first: to_code.into_iter().take(4).collect() })
}

fn pattern(bytes: &[u8], width: PointerWidth) -> Option<Look> {
    let value = width.pointer(bytes)?;
    let (meaning, _) = value_look::fill_pattern(value, width)?;
    Some(Look::Pattern { value, meaning })
}

/// Printable ASCII up to a NUL, another byte or the end of the window.
fn text(bytes: &[u8]) -> Option<String> {
    let printable = bytes.iter().take_while(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e));
    let text: String = printable.map(|byte| char::from(*byte)).collect();
    (text.len() >= SHORTEST_TEXT).then_some(text)
}

/// UTF-16 letters, of which most must be of the Latin range to tell text from chance.
fn wide_text(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: Vec<char> = char::decode_utf16(units)
        .map_while(|unit| {
            unit.ok().filter(|letter| *letter != '\0' && (!letter.is_control() || "\t\r\n".contains(*letter)))
        })
        .collect();
    let latin = text.iter().filter(|letter| **letter < '\u{250}').count();
    (text.len() >= SHORTEST_TEXT && latin * 10 >= text.len() * 9).then(|| text.into_iter().collect())
}

//! MIPS instructions as text, by `rabbitizer`.

use super::Instruction;
use rabbitizer::{InstructionDisplayFlags, InstructionFlags, Vram, isa::IsaVersion};
use vatlas_space::Va;

/// Disassembles instructions of MIPS II, which Windows CE's MIPS processors all know; ends at the first that is none.
pub(super) fn disassemble(va: Va, bytes: &[u8], most: usize) -> Vec<Instruction> {
    let words = bytes.chunks_exact(4).take(most).enumerate();
    words.map_while(|(number, bytes)| instruction(Va(va.0.wrapping_add(4 * number as u64)), bytes)).collect()
}

fn instruction(va: Va, bytes: &[u8]) -> Option<Instruction> {
    let word = u32::from_le_bytes(*bytes.first_chunk()?);
    let flags = InstructionFlags::new(IsaVersion::MIPS_II);
    let decoded = rabbitizer::Instruction::new_checked(word, Vram::new(va.0 as u32), flags)?;
    let goes_to = goes_to(va, word);
    let target = goes_to.map(|va| va.to_string());
    let text = decoded.display(&InstructionDisplayFlags::default(), target.as_deref(), 0).to_string();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Instruction { va, bytes: bytes.to_vec(), text, goes_to })
}

/// Where jumps and branches go: 26 bits of words in the 256 MB of the next instruction, or 16 bits of words from it on.
fn goes_to(va: Va, word: u32) -> Option<Va> {
    let next = (va.0 as u32).wrapping_add(4);
    let is_of_coprocessor = || word >> 21 & 0x1f == 8;
    let to = match word >> 26 {
        2 | 3 => next & 0xf000_0000 | word << 6 >> 4,
        // Traps have a number there.
        1 if word >> 19 & 3 == 1 => return None,
        1 | 4..=7 | 20..=23 => branch(next, word),
        16..=19 if is_of_coprocessor() => branch(next, word),
        _ => return None,
    };
    Some(Va(to.into()))
}

fn branch(next: u32, word: u32) -> u32 {
    next.wrapping_add_signed(i32::from(word as u16 as i16) * 4)
}

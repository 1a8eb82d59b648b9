//! Register contexts: which words of them are which registers.
//!
//! Real files have two, both of ARM; their labels say what they are. For other processors no file was seen. A context
//! of theirs is named only if it is the public `CONTEXT` of Windows CE's `winnt.h` for that processor: its size and its
//! `ContextFlags` must be right, and its program counter the one that the dump states elsewhere. Any other context is
//! kept as words with numbers.

use super::{elements::Element, raw::u32_at};
use vatlas_space::{Machine, Register, Registers, Va, WideRegister};

/// The register contexts of one thread.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ThreadContexts {
    /// General registers.
    pub general: Option<Registers>,
    /// Where the file has them: offset and bytes.
    pub parts: Vec<ContextPart>,
}

/// One context of a thread, as it stands in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContextPart {
    /// What the file calls it.
    pub label: String,
    /// Offset in the file, and bytes.
    pub place: (usize, usize),
}

/// Reads all contexts of an element. `pc` is what the dump states as the program counter elsewhere.
pub(super) fn contexts(
    element: &Element<'_>,
    columns: &[super::Column],
    machine: Machine,
    pc: Option<u32>,
) -> ThreadContexts {
    let mut found = ThreadContexts::default();
    for column in columns.iter().filter(|column| is_context(&column.label)) {
        let (Some(bytes), Some(place)) = (element.bytes(column), element.place(column)) else { continue };
        found.general = found.general.take().or_else(|| general(&column.label, bytes, machine, pc));
        found.parts.push(ContextPart { label: column.label.clone(), place });
    }
    // A context that nobody can name is better than none.
    if found.general.is_none() {
        let first = columns.iter().find(|column| is_context(&column.label) && !is_float(&column.label));
        found.general = first.and_then(|column| words(element.bytes(column)?, machine, pc));
    }
    found
}

fn is_context(label: &str) -> bool {
    label.to_ascii_lowercase().contains("context")
}

fn is_float(label: &str) -> bool {
    label.to_ascii_lowercase().contains("fpu")
}

fn general(label: &str, bytes: &[u8], machine: Machine, pc: Option<u32>) -> Option<Registers> {
    let label = label.to_ascii_lowercase();
    if label.contains("arm") && label.contains("integer") {
        return arm(bytes);
    }
    let public = PUBLIC.iter().find(|public| public.fits(bytes, machine, pc))?;
    public.registers(bytes, machine)
}

/// Psr, R0 to R12, Sp, Lr, Pc.
fn arm(bytes: &[u8]) -> Option<Registers> {
    const NAMES: [&str; 16] =
        ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc"];
    let word = |index: usize| u32_at(bytes, index * 4).map(u64::from);
    let mut general = Vec::with_capacity(17);
    for (index, name) in NAMES.into_iter().enumerate() {
        general.push(Register { name, value: word(index + 1)? });
    }
    general.push(Register { name: "cpsr", value: word(0)? });
    Some(Registers { machine: Machine::Arm, pc: Va(word(16)?), sp: Va(word(14)?), general })
}

/// A public `CONTEXT`: where its registers are, counted in words.
struct PublicContext {
    machine: fn(Machine) -> bool,
    /// Bytes of it; more may follow.
    size: usize,
    /// The word of `ContextFlags`, and the bit that marks the processor.
    flags: (usize, u32),
    pc: usize,
    sp: usize,
    names: &'static [(usize, &'static str)],
}

const PUBLIC: [PublicContext; 3] = [
    PublicContext {
        machine: |machine| machine == Machine::X86,
        size: 0xcc,
        flags: (0, 0x1_0000),
        pc: 46,
        sp: 49,
        names: &[
            (44, "eax"),
            (41, "ebx"),
            (43, "ecx"),
            (42, "edx"),
            (40, "esi"),
            (39, "edi"),
            (46, "eip"),
            (49, "esp"),
            (45, "ebp"),
            (48, "efl"),
            (47, "cs"),
            (50, "ss"),
            (38, "ds"),
            (37, "es"),
            (36, "fs"),
            (35, "gs"),
        ],
    },
    PublicContext {
        machine: |machine| machine == Machine::Mips,
        size: 0x130,
        flags: (73, 0x1_0000),
        pc: 71,
        sp: 65,
        names: &[
            (36, "zero"),
            (37, "at"),
            (38, "v0"),
            (39, "v1"),
            (40, "a0"),
            (41, "a1"),
            (42, "a2"),
            (43, "a3"),
            (44, "t0"),
            (45, "t1"),
            (46, "t2"),
            (47, "t3"),
            (48, "t4"),
            (49, "t5"),
            (50, "t6"),
            (51, "t7"),
            (52, "s0"),
            (53, "s1"),
            (54, "s2"),
            (55, "s3"),
            (56, "s4"),
            (57, "s5"),
            (58, "s6"),
            (59, "s7"),
            (60, "t8"),
            (61, "t9"),
            (62, "k0"),
            (63, "k1"),
            (64, "gp"),
            (65, "sp"),
            (66, "s8"),
            (67, "ra"),
            (71, "pc"),
            (68, "lo"),
            (69, "hi"),
            (72, "psr"),
        ],
    },
    PublicContext {
        machine: |machine| matches!(machine, Machine::Other(0x1a2..=0x1a6)),
        size: 0x5c,
        flags: (0, 0x40),
        pc: 21,
        sp: 20,
        names: &[
            (5, "r0"),
            (6, "r1"),
            (7, "r2"),
            (8, "r3"),
            (9, "r4"),
            (10, "r5"),
            (11, "r6"),
            (12, "r7"),
            (13, "r8"),
            (14, "r9"),
            (15, "r10"),
            (16, "r11"),
            (17, "r12"),
            (18, "r13"),
            (19, "r14"),
            (20, "r15"),
            (21, "pc"),
            (1, "pr"),
            (2, "mach"),
            (3, "macl"),
            (4, "gbr"),
            (22, "sr"),
        ],
    },
];

impl PublicContext {
    fn fits(&self, bytes: &[u8], machine: Machine, pc: Option<u32>) -> bool {
        let word = |index: usize| u32_at(bytes, index * 4);
        let has_mark = word(self.flags.0).is_some_and(|flags| flags & self.flags.1 != 0);
        (self.machine)(machine) && bytes.len() >= self.size && has_mark && pc.is_some() && word(self.pc) == pc
    }

    fn registers(&self, bytes: &[u8], machine: Machine) -> Option<Registers> {
        let word = |index: usize| u32_at(bytes, index * 4).map(u64::from);
        let general = self.names.iter().filter_map(|(index, name)| Some(Register { name, value: word(*index)? }));
        Some(Registers { machine, pc: Va(word(self.pc)?), sp: Va(word(self.sp)?), general: general.collect() })
    }
}

/// Names of words whose meaning is not known.
const WORDS: [&str; 80] = [
    "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11", "w12", "w13", "w14", "w15", "w16", "w17",
    "w18", "w19", "w20", "w21", "w22", "w23", "w24", "w25", "w26", "w27", "w28", "w29", "w30", "w31", "w32", "w33",
    "w34", "w35", "w36", "w37", "w38", "w39", "w40", "w41", "w42", "w43", "w44", "w45", "w46", "w47", "w48", "w49",
    "w50", "w51", "w52", "w53", "w54", "w55", "w56", "w57", "w58", "w59", "w60", "w61", "w62", "w63", "w64", "w65",
    "w66", "w67", "w68", "w69", "w70", "w71", "w72", "w73", "w74", "w75", "w76", "w77", "w78", "w79",
];

/// The words of a context that has no names here; the program counter as the dump states it elsewhere, the stack pointer
/// not known.
fn words(bytes: &[u8], machine: Machine, pc: Option<u32>) -> Option<Registers> {
    let words = bytes.chunks_exact(4).zip(WORDS);
    let general = words.filter_map(|(word, name)| Some(Register { name, value: u32_at(word, 0)?.into() }));
    Some(Registers { machine, pc: Va(pc?.into()), sp: Va(0), general: general.collect() })
}

impl ThreadContexts {
    /// The floating-point registers: on ARM `Fpscr`, `FpExc`, S0 to S31 and what follows; else words with numbers.
    pub fn wide(&self, file: &[u8]) -> Vec<WideRegister> {
        let part = self.parts.iter().find(|part| is_float(&part.label));
        let bytes = part.and_then(|part| file.get(part.place.0..part.place.0.checked_add(part.place.1)?));
        let is_arm = part.is_some_and(|part| part.label.to_ascii_lowercase().contains("arm"));
        let name = |index: usize| match index {
            _ if !is_arm => format!("w{index}"),
            0 => "fpscr".to_owned(),
            1 => "fpexc".to_owned(),
            2..=34 => format!("s{}", index - 2),
            _ => format!("fpextra{}", index - 35),
        };
        let words = bytes.unwrap_or_default().chunks_exact(4).enumerate();
        words.map(|(index, word)| WideRegister { name: name(index), bytes: word.to_vec() }).collect()
    }
}

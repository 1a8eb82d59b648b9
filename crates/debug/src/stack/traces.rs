//! Stacks of programs that ran in a processor emulator, which knows the true callers: at every instruction, prologues
//! and epilogues too, the walk must find them. `fixtures/stack/trace.py` makes the traces and describes their lines.

mod risc;

use super::{FoundBy, Stack, StackEnd, StackStart, Trust, walk};
use crate::{symbol_provider::SymbolProvider, testing::TestTarget};
use std::{collections::BTreeMap, rc::Rc};
use vatlas_fixtures::random::Random;
use vatlas_space::{
    Machine, Module, PointerWidth, Register, Registers, Rva, Section, SectionTable, Source, StackExtent, Va, VaRange,
};
use vatlas_symbols::{FileKind, ModuleSymbols, Origin, SymbolKind, TableBuilder};

const X64: &str = include_str!("../../../../fixtures/stack/x64.trace");
const ARM64: &str = include_str!("../../../../fixtures/stack/arm64.trace");
const X86: &str = include_str!("../../../../fixtures/stack/x86.trace");

/// A caller, as the emulator knew it.
#[derive(Clone)]
struct TrueCaller {
    pc: u64,
    sp: u64,
    registers: BTreeMap<usize, u64>,
}

/// A trace while it is read.
#[derive(Clone)]
struct Trace {
    machine: Machine,
    names: &'static [&'static str],
    sections: Vec<(String, u64, u64, bool)>,
    functions: Vec<(String, u64, u64)>,
    memory: Vec<(u64, Vec<u8>)>,
    stack: (u64, Vec<u8>),
    registers: BTreeMap<usize, u64>,
    callers: Vec<TrueCaller>,
    /// What the walk may use.
    sources: Sources,
}

/// What a walk may use besides code and stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sources {
    /// Function tables and symbols.
    All,
    /// Symbols.
    Symbols,
    /// Neither.
    Nothing,
}

impl SymbolProvider for Trace {
    fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        let mut builder = TableBuilder::default();
        if self.sources == Sources::Nothing {
            return Rc::default();
        }
        for (name, start, size) in &self.functions {
            let rva = Rva(u32::try_from(start - module.range.first().0).unwrap());
            builder.symbol(rva, u32::try_from(*size).unwrap(), name, SymbolKind::Function);
        }
        let origin = Origin { file: "frames.map".into(), kind: FileKind::MsvcMap, identity: None };
        Rc::new(ModuleSymbols::new(vec![Box::new(builder.build(origin))]))
    }
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap()).collect()
}

impl Trace {
    fn new(machine: Machine) -> Self {
        let names: &[&str] = match machine {
            Machine::X64 => &[
                "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                "r15",
            ],
            Machine::X86 => &["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"],
            Machine::Arm => {
                &["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "cpsr"]
            }
            Machine::Mips => &[
                "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "s0",
                "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8", "ra",
            ],
            Machine::Other(_) => &[
                "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                "pr",
            ],
            _ => &[
                "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "lr",
                "sp",
            ],
        };
        Self {
            machine,
            names,
            sections: Vec::new(),
            functions: Vec::new(),
            memory: Vec::new(),
            stack: (0, Vec::new()),
            registers: BTreeMap::new(),
            callers: Vec::new(),
            sources: Sources::All,
        }
    }

    /// Reads a line; the instruction pointer where it is a state.
    fn line(&mut self, line: &str) -> Option<Va> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["section", name, address, size, flags] => {
                self.sections.push((name.to_owned(), hex(address), hex(size), flags == "x"));
            }
            ["function", name, address, size] => self.functions.push((name.to_owned(), hex(address), hex(size))),
            ["memory", address, content] => self.memory.push((hex(address), bytes(content))),
            ["stack", address, size] => self.stack = (hex(address), vec![0; hex(size) as usize]),
            ["w", address, content] => {
                let at = (hex(address) - self.stack.0) as usize;
                let content = bytes(content);
                self.stack.1[at..at + content.len()].copy_from_slice(&content);
            }
            ["c", pc, ref changed @ ..] => {
                self.change(changed);
                let sp = self.registers[&self.sp()]
                    + if matches!(self.machine, Machine::X86 | Machine::X64) { self.word() } else { 0 };
                self.callers.push(TrueCaller { pc: hex(pc), sp, registers: self.registers.clone() });
            }
            ["r"] => drop(self.callers.pop()),
            ["@", pc, ref changed @ ..] => {
                self.change(changed);
                return Some(Va(hex(pc)));
            }
            _ => panic!("{line}"),
        }
        None
    }

    fn change(&mut self, changed: &[&str]) {
        for (number, value) in changed.iter().map(|change| change.split_once('=').unwrap()) {
            self.registers.insert(hex(number) as usize, hex(value));
        }
    }

    fn word(&self) -> u64 {
        self.machine.width().unwrap().bytes() as u64
    }

    fn sp(&self) -> usize {
        let is_sp = |name: &&str| name.ends_with("sp");
        self.names.iter().position(is_sp).unwrap_or(15)
    }

    /// The image as a module, and the stack.
    fn target(&self) -> TestTarget {
        let base = self.memory[0].0;
        let mut target = TestTarget::new(self.machine.width().unwrap_or(PointerWidth::Bits64));
        target = target.module("frames.dll", base, 0x8000);
        let is_table =
            |address: u64| self.sections.iter().any(|(name, start, ..)| *start == address && name == ".pdata");
        let is_header = |address: u64| address == base;
        let is_shown = |address: u64| self.sources == Sources::All || !is_table(address) && !is_header(address);
        for (address, content) in self.memory.iter().filter(|(address, _)| is_shown(*address)) {
            target = target.captured(*address, content);
        }
        let section = |(name, address, size, executable): &(String, u64, u64, bool)| Section {
            name: name.clone(),
            range: VaRange::sized(Va(*address), *size).unwrap(),
            executable: *executable,
            writable: false,
            file: None,
        };
        let sections = self.sections.iter().map(section).collect();
        let source = Source::ImageHeader { module: "frames.dll".to_owned() };
        target = target.sections(base, SectionTable { header_size: 0x400, sections, source });
        target.private(self.stack.0, self.stack.1.len() as u64).captured(self.stack.0, &self.stack.1)
    }

    fn start(&self, pc: Va) -> StackStart {
        let general =
            self.registers.iter().map(|(number, value)| Register { name: self.names[*number], value: *value });
        let general = general.collect();
        let registers = Registers { machine: self.machine, pc, sp: Va(self.registers[&self.sp()]), general };
        let limit = Va(self.stack.0);
        let base = limit.checked_add(self.stack.1.len() as u64);
        let stack = StackExtent { captured: None, base, limit: Some(limit), reserve: None };
        StackStart { thread: None, machine: self.machine, registers: Some(registers), stack, is_at_exception: true }
    }

    /// What differs from the truth; nothing when the stack is right.
    fn difference(&self, stack: &Stack, preserved: &[usize]) -> Option<String> {
        let found: Vec<u64> = stack.frames.iter().skip(1).map(|frame| frame.pc.0).collect();
        let expected: Vec<u64> = self.callers.iter().rev().map(|caller| caller.pc).collect();
        if found != expected {
            let ways: Vec<_> = stack.frames.iter().map(|frame| frame.found_by).collect();
            return Some(format!("callers {found:x?}, in truth {expected:x?}, by {ways:?}"));
        }
        for (frame, caller) in stack.frames.iter().skip(1).zip(self.callers.iter().rev()) {
            if frame.sp.0 != caller.sp {
                return Some(format!("stack pointer {:x}, in truth {:x}", frame.sp, caller.sp));
            }
            for number in preserved {
                let (name, value) = (self.names[*number], caller.registers[number]);
                let known = frame.registers.get(name);
                if known.is_some_and(|known| known != value)
                    || known.is_none() && frame.found_by == FoundBy::UnwindData && frame.trust == Trust::Exact
                {
                    return Some(format!("{name} {known:x?}, in truth {value:x}"));
                }
            }
        }
        (stack.end != StackEnd::Bottom).then(|| stack.end.to_string())
    }
}

/// Walks the stack of every state; tells how many there were and what was wrong.
fn run(machine: Machine, text: &str, preserved: &[usize], judge: impl FnMut(&Stack, &Trace)) -> (usize, Vec<String>) {
    run_from(Trace::new(machine), text, preserved, 1, judge)
}

/// From every state, or from one of `stride`.
fn run_from(
    mut trace: Trace,
    text: &str,
    preserved: &[usize],
    stride: usize,
    mut judge: impl FnMut(&Stack, &Trace),
) -> (usize, Vec<String>) {
    let (mut states, mut passed, mut wrong) = (0, 0, Vec::new());
    for line in text.lines() {
        let Some(pc) = trace.line(line) else { continue };
        passed += 1;
        if passed % stride != 0 {
            continue;
        }
        let target = trace.target();
        let stack = walk(&target.index(), &trace, &trace.start(pc), 64);
        let difference = trace.difference(&stack, preserved);
        judge(&stack, &trace);
        states += 1;
        wrong.extend(difference.map(|difference| format!("at {pc}: {difference}")));
    }
    (states, wrong)
}

/// Unwind data are exact everywhere.
fn check_exact(machine: Machine, text: &str, preserved: &[usize]) {
    let (states, wrong) = run(machine, text, preserved, |stack, _| {
        let is_told = |found_by| matches!(found_by, FoundBy::Context | FoundBy::UnwindData | FoundBy::LeafReturn);
        assert!(stack.frames.iter().all(|frame| is_told(frame.found_by) && frame.trust == Trust::Exact), "{stack:#?}");
    });
    assert!(states > 400, "{states} states");
    assert_eq!(wrong, Vec::<String>::new(), "{} of {states}", wrong.len());
}

#[test]
fn unwind_data_of_x64_are_right_at_every_instruction() {
    check_exact(Machine::X64, X64, &[3, 5, 6, 7, 12, 13, 14, 15]);
}

#[test]
fn unwind_data_of_arm64_are_right_at_every_instruction() {
    check_exact(Machine::Arm64, ARM64, &[19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
}

#[test]
fn code_of_x86_is_read_right() {
    let (states, wrong) = run(Machine::X86, X86, &[3, 5, 6, 7], |stack, trace| {
        let exact = stack.frames.iter().skip(1).take_while(|frame| frame.trust == Trust::Exact);
        for (frame, caller) in exact.zip(trace.callers.iter().rev()) {
            assert_eq!((frame.pc.0, frame.sp.0), (caller.pc, caller.sp), "{stack:#?}");
        }
    });
    assert!(states > 400, "{states} states");
    assert_eq!(wrong, Vec::<String>::new(), "{} of {states}", wrong.len());
}

/// Changes some bytes of the image, of the stack and of the registers. Half of the changes hit the unwind data.
fn damage(trace: &mut Trace, random: &mut Random) {
    for _ in 0..=random.below(12) {
        let value = random.pick(&[0, 1, 4, 0x7f, 0x80, 0xff, 0x20]);
        match random.below(4) {
            0 | 1 => {
                let piece = random.below(trace.memory.len());
                let piece = &mut trace.memory[piece].1;
                let at = random.below(piece.len());
                piece[at] = value;
            }
            2 => {
                let at = trace.stack.1.len() - 1 - random.below(0x800);
                trace.stack.1[at] = value;
            }
            _ => {
                let number = random.below(trace.names.len());
                let near = trace.stack.0 + random.below(trace.stack.1.len()) as u64;
                trace.registers.insert(number, random.pick(&[value.into(), near, near & !7, u64::MAX - 7]));
            }
        }
    }
}

/// Whatever is in memory, a walk ends, and soon.
#[test]
fn damaged_stacks_and_unwind_data_end_every_walk() {
    for (machine, text) in [(Machine::X64, X64), (Machine::Arm64, ARM64), (Machine::X86, X86)] {
        check_damaged(Trace::new(machine), text, 2000);
    }
}

fn check_damaged(mut trace: Trace, text: &str, seeds: u64) {
    let states: Vec<(Va, Trace)> = text.lines().filter_map(|line| Some((trace.line(line)?, trace.clone()))).collect();
    for seed in 0..seeds {
        let mut random = Random::new(seed);
        let (pc, state) = &states[random.below(states.len())];
        let mut damaged = state.clone();
        damage(&mut damaged, &mut random);
        let target = damaged.target();
        let stack = walk(&target.index(), &damaged, &damaged.start(*pc), 300);
        assert!(stack.frames.len() <= 300);
        for pair in stack.frames.windows(2) {
            assert!(pair[0].sp <= pair[1].sp && pair[0].trust >= pair[1].trust, "{} seed {seed}", trace.machine);
        }
    }
}

//! The engine that interprets: finds blocks, runs them within the budget, and deals with everything that leaves one.

mod state;

pub use state::ProcessorState;

use super::blocks::{Block, Blocks};
use super::call_record::OpenCall;
use super::core::{Core, ESP};
use super::decode::{BLOCK_INSTRUCTIONS, decode, name_at};
use super::deliver::Cause;
use super::exit::{Exit, Outcome, Trap};
use super::flags::{IF, TF};
use super::mmu::Access;
use super::op::Op;
use super::registers::{Fpu, Segment, SegmentRegister};
use super::{Board, DEBUG, Engine, Event, Exception, HostTraps, INVALID_OPCODE, Registers, Run, Unsupported};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_space::{Pa, Va};

/// Places of the table of recent jumps.
const JUMPS: usize = 4096;
/// Reports of unsupported instructions that one run keeps.
const MOST_REPORTS: usize = 64;

/// A block that was found for an address and privilege, while nothing moved.
#[derive(Clone, Copy, Debug)]
struct Jump {
    /// EIP, and above it the number of the state of the translations.
    key: u64,
    block: Block,
}

/// The interpreter for one processor.
#[derive(Debug)]
pub struct Interpreter {
    core: Core,
    jumps: Box<[Jump; JUMPS]>,
    /// Number of the state of translations and blocks; jumps with another one are not used.
    state: u32,
    seen_generation: u32,
    /// Interrupts that wait, one bit for each vector.
    waiting: [u64; 4],
    unsupported: Vec<Unsupported>,
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::new()
    }
}

impl Interpreter {
    /// A processor with [`Registers::flat`].
    pub fn new() -> Self {
        let none = Jump { key: u64::MAX, block: Block::default() };
        Self {
            core: Core::new(),
            jumps: Box::new([none; JUMPS]),
            state: 1,
            seen_generation: 0,
            waiting: [0; 4],
            unsupported: Vec::new(),
        }
    }

    /// General registers, EIP and EFLAGS: what a trap saves, without a copy of everything else.
    pub fn user_state(&self) -> ([u32; 8], u32, u32) {
        let mut general = [0; 8];
        general.copy_from_slice(&self.core.gpr[..8]);
        (general, self.core.eip, self.core.eflags())
    }

    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI or EDI, by number.
    #[inline(always)]
    pub fn general(&self, number: usize) -> u32 {
        self.core.gpr[number & 7]
    }

    /// EIP.
    pub const fn eip(&self) -> u32 {
        self.core.eip
    }

    /// EFLAGS.
    pub fn eflags(&self) -> u32 {
        self.core.eflags()
    }

    /// Sets general registers, EIP and EFLAGS.
    #[inline(always)]
    pub fn set_user_state(&mut self, general: &[u32; 8], eip: u32, eflags: u32) {
        self.core.gpr[..8].copy_from_slice(general);
        self.core.eip = eip;
        self.core.set_eflags(eflags);
        self.core.shadow = false;
        self.core.passing = u64::MAX;
    }

    /// The kernel went on with the running thread somewhere else: calls whose return addresses lie below the stack pointer
    /// are over, those among them that the kernel itself answered. Does something only while calls are written down.
    #[inline]
    pub fn note_stack_pointer(&mut self) {
        if self.core.calls.is_some() {
            self.core.note_stack_pointer();
        }
    }

    /// From now on calls and returns are written down. To be called before anything was executed: blocks that were
    /// decoded before do not do it.
    pub fn record_calls(&mut self) {
        self.core.calls.get_or_insert_default();
    }

    /// The calls that the running thread made and that have not returned, innermost first; none unless calls are
    /// written down.
    pub fn open_calls(&self) -> Vec<OpenCall> {
        let record = self.core.calls.as_ref();
        record.map_or(Vec::new(), |record| record.chain(self.core.thread(), self.core.gpr[ESP]))
    }

    /// Reads what a program that is in user mode would read there now without a fault, changing nothing; whether it is
    /// known without a walk where that is.
    pub(crate) fn read_known(&self, ram: &Ram, va: u32, buffer: &mut [u8]) -> bool {
        let Ok(length) = u32::try_from(buffer.len()) else { return false };
        if !self.core.is_user || length == 0 || length > FRAME_BYTES as u32 {
            return false;
        }
        self.core.tlb.read.find(va, length).is_some_and(|pa| ram.read(Pa(pa.into()), buffer))
    }

    /// A segment register.
    pub fn segment(&self, register: SegmentRegister) -> Segment {
        self.core.segments[register as usize]
    }

    /// Sets a segment register, with CS the privilege.
    pub fn set_segment(&mut self, register: SegmentRegister, segment: Segment) {
        match register {
            SegmentRegister::Cs => self.core.set_code_segment(segment),
            _ => self.core.segments[register as usize] = segment,
        }
    }

    /// x87 and SSE registers.
    pub fn fpu(&self) -> &Fpu {
        &self.core.fpu
    }

    /// x87 and SSE registers, to be changed.
    pub fn fpu_mut(&mut self) -> &mut Fpu {
        &mut self.core.fpu
    }

    /// Debug registers.
    pub fn debug_registers(&self) -> [u32; 8] {
        self.core.control.dr
    }

    /// CR3.
    pub fn page_directory(&self) -> u32 {
        self.core.control.cr3
    }

    /// Instructions that it executed so far.
    pub fn executed(&self) -> u64 {
        self.core.executed
    }

    /// Walks of page tables so far, because a translation was not known.
    pub fn table_walks(&self) -> u64 {
        self.core.table_walks
    }

    /// Sets CR3; translations are forgotten.
    pub fn set_page_directory(&mut self, cr3: u32) {
        self.core.control.cr3 = cr3;
        self.core.flush();
    }

    /// Runs until the budget is used up or the host is wanted.
    fn execute(&mut self, blocks: &mut Blocks, end: u64) -> Option<Event> {
        loop {
            self.catch_up(blocks);
            if let Some(event) = self.deliver_interrupt() {
                return Some(event);
            }
            if self.core.executed >= end {
                return None;
            }
            let exit = match self.find(blocks, self.core.eip) {
                Ok(block) => self.run_blocks(blocks, block, end),
                Err(_) => Exit::Fault,
            };
            if exit == Exit::Jump {
                continue;
            }
            if let Some(event) = self.follow(blocks) {
                return Some(event);
            }
        }
    }

    /// Follows blocks while they end in jumps to blocks that are known, and the budget lasts.
    fn run_blocks(&mut self, blocks: &Blocks, first: Block, end: u64) -> Exit {
        if self.core.system_flags & TF != 0 || self.core.shadow {
            return self.run_one();
        }
        let mut block = first;
        let core = &mut self.core;
        let key = jump_key(self.state, core.is_user);
        loop {
            let left = end - core.executed;
            let mut ops = blocks.ops(block);
            if left < u64::from(block.count) {
                ops = first_instructions(ops, left as u32);
                if ops.is_empty() {
                    // The budget ends between a comparison and the jump that is one operation with it.
                    return if left == 0 { Exit::Jump } else { self.run_one() };
                }
            }
            core.block = core.eip;
            let exit = run_ops(core, ops);
            if exit != Exit::Jump {
                return exit;
            }
            let jump = self.jumps[place(core.eip)];
            if jump.key != key | u64::from(core.eip) || core.executed >= end {
                return Exit::Jump;
            }
            block = jump.block;
        }
    }

    /// Decodes and runs one instruction by itself; while TF is set a single step follows.
    #[cold]
    fn run_one(&mut self) -> Exit {
        let core = &mut self.core;
        let is_stepping = core.system_flags & TF != 0;
        core.shadow = false;
        let eip = core.eip;
        let decoded = core.translate(eip, Access::Execute).and_then(|pa| decode(core, eip, pa, 1));
        let Ok(decoded) = decoded else { return Exit::Fault };
        core.block = eip;
        let exit = run_ops(core, &decoded.ops);
        if is_stepping && exit != Exit::Fault && core.trap == Trap::None {
            core.trap = single_step(core);
            return Exit::Complete;
        }
        exit
    }

    /// The block at an address: from recent jumps, from all blocks, or decoded.
    fn find(&mut self, blocks: &mut Blocks, eip: u32) -> Outcome<Block> {
        let key = jump_key(self.state, self.core.is_user) | u64::from(eip);
        let jump = self.jumps[place(eip)];
        if jump.key == key {
            return Ok(jump.block);
        }
        let is_at_breakpoint = !blocks.breaks.is_empty() && self.breakpoint(blocks, eip)?;
        let core = &mut self.core;
        let pa = match core.tlb.execute.find(eip, 1) {
            Some(pa) => pa,
            None => core.translate(eip, Access::Execute)?,
        };
        let known = match blocks.find(pa) {
            Some(block) if block.second != u32::MAX => {
                let second = core.translate((eip | 0xfff).wrapping_add(1), Access::Execute)?;
                Some(block).filter(|block| block.second == second >> 12)
            }
            known => known,
        };
        let block = match known {
            Some(block) => block,
            None => {
                let decoded = decode(core, eip, pa, BLOCK_INSTRUCTIONS)?;
                blocks.insert(pa, &decoded)
            }
        };
        self.catch_up(blocks);
        let block = if blocks.breaks.is_empty() { block } else { self.cut(blocks, block, eip) };
        if !is_at_breakpoint {
            let key = jump_key(self.state, self.core.is_user) | u64::from(eip);
            self.jumps[place(eip)] = Jump { key, block };
        }
        Ok(block)
    }

    /// Whether a breakpoint is at an address. The run ends there, unless the host let this one pass.
    #[cold]
    fn breakpoint(&mut self, blocks: &Blocks, eip: u32) -> Outcome<bool> {
        let is_here = blocks.breaks.is_at(eip, self.core.control.cr3);
        if is_here && self.core.passing != self.core.executed {
            self.core.trap = Trap::Event(Event::CodeBreakpoint);
            return Err(Exit::Fault);
        }
        Ok(is_here)
    }

    /// The block as far as the next breakpoint in it. What it is cut from is shared with other address spaces; the rest
    /// of it is found here only, where the state of the translations stands for the space.
    #[cold]
    fn cut(&self, blocks: &Blocks, block: Block, eip: u32) -> Block {
        let ops = blocks.ops(block);
        let bytes = ops.last().map_or(0, |op| op.at() + u32::from(op.length));
        let Some(at) = blocks.breaks.next_behind(eip, bytes, self.core.control.cr3) else { return block };
        // An operation of two instructions is not run at all where the second one has the breakpoint.
        let is_behind =
            |op: &Op| op.at() >= at - eip || op.completes() > 1 && op.at() + u32::from(op.length) > at - eip;
        let Some(length) = ops.iter().position(is_behind) else { return block };
        match ops[..length].last() {
            Some(last) => Block { length: length as u32, count: last.number() + last.completes(), ..block },
            // No budget is enough for it: its first instruction is run by itself.
            None => Block { length: 0, count: u32::MAX, ..block },
        }
    }

    /// Lets the breakpoint at the next instruction pass: it was reported, or is none of its owner's.
    pub fn pass_breakpoint(&mut self) {
        self.core.passing = self.core.executed;
    }

    /// The next breakpoint counts, whatever was reported: the processor is at another moment.
    pub(crate) fn pass_no_breakpoint(&mut self) {
        self.core.passing = u64::MAX;
    }

    /// Takes note of everything that moved: translations, blocks, frames that now hold code.
    fn catch_up(&mut self, blocks: &mut Blocks) {
        if self.core.ram.is_stale() {
            let stale = self.core.ram.take_stale();
            blocks.forget(&stale);
        }
        if self.core.code_moved || blocks.generation != self.seen_generation {
            self.core.code_moved = false;
            self.seen_generation = blocks.generation;
            self.state = self.state.wrapping_add(1) & 0x7fff_ffff;
            if self.state == 0 {
                self.jumps.iter_mut().for_each(|jump| jump.key = u64::MAX);
            }
        }
        let epoch = self.core.ram.write_epoch();
        if epoch != self.core.write_epoch {
            self.core.write_epoch = epoch;
            self.core.tlb.clear_writes();
            self.core.other_tlb.clear_writes();
        }
    }

    /// Does what the instruction that left its block asked for.
    fn follow(&mut self, blocks: &mut Blocks) -> Option<Event> {
        match std::mem::replace(&mut self.core.trap, Trap::None) {
            Trap::None => None,
            Trap::Exception(exception) => self.core.deliver(Cause::Exception(exception)),
            Trap::Interrupt { vector, at } => self.core.deliver(Cause::Software { vector, at }),
            Trap::Event(event) => Some(event),
            Trap::CodeWrite => self.write_code(blocks),
            Trap::Undefined => {
                let at = Va(self.core.eip.into());
                if self.unsupported.len() < MOST_REPORTS {
                    let name = name_at(&mut self.core, at.0 as u32);
                    self.core.trap = Trap::None;
                    self.unsupported.push(Unsupported { at, name });
                }
                self.core.deliver(Cause::Exception(Exception::plain(INVALID_OPCODE)))
            }
        }
    }

    /// Does one instruction that writes to decoded bytes, and forgets those.
    fn write_code(&mut self, blocks: &mut Blocks) -> Option<Event> {
        self.core.may_write_code = true;
        let exit = self.run_one();
        self.core.may_write_code = false;
        self.catch_up(blocks);
        let event = if exit == Exit::Jump { None } else { self.follow(blocks) };
        if !self.core.ram.watches().has_touches() {
            return event;
        }
        let is_done = exit != Exit::Fault;
        self.core.ram.watches().keep_of_processor(is_done);
        // Whatever else it asks for comes first; what it touched waits.
        event.or_else(|| self.core.ram.watches().has_touches().then_some(Event::DataBreakpoint))
    }

    /// Delivers the highest vector that waits, when the flags allow one.
    fn deliver_interrupt(&mut self) -> Option<Event> {
        if self.waiting == [0; 4] || self.core.system_flags & IF == 0 || self.core.shadow {
            return None;
        }
        let word = (0..4).rev().find(|word| self.waiting[*word] != 0)?;
        let bit = 63 - self.waiting[word].leading_zeros();
        self.waiting[word] &= !(1 << bit);
        self.core.deliver(Cause::External((word as u32 * 64 + bit) as u8))
    }
}

/// The upper half of the keys of jumps in this state.
#[inline(always)]
fn jump_key(state: u32, is_user: bool) -> u64 {
    u64::from(state << 1 | u32::from(is_user)) << 32
}

/// The place of an address among recent jumps.
#[inline(always)]
fn place(eip: u32) -> usize {
    (eip ^ eip >> 12) as usize % JUMPS
}

/// Runs operations until one leaves. Running off the end is a jump, too.
#[inline(always)]
fn run_ops(core: &mut Core, ops: &[Op]) -> Exit {
    match ops.split_first() {
        Some((op, rest)) => (op.chain)(core, op, rest),
        None => Exit::Jump,
    }
}

/// The operations of at most the first `count` instructions.
fn first_instructions(ops: &[Op], count: u32) -> &[Op] {
    let beyond = ops.iter().position(|op| op.number() + op.completes() > count);
    &ops[..beyond.unwrap_or(ops.len())]
}

/// The trap after an instruction while TF is set.
fn single_step(core: &mut Core) -> Trap {
    core.control.dr[6] |= 1 << 14;
    Trap::Exception(Exception::plain(DEBUG))
}

impl Engine for Interpreter {
    fn run_into(&mut self, board: &mut Board, budget: u64, run: &mut Run) {
        std::mem::swap(&mut self.core.ram, &mut board.ram);
        let start = self.core.executed;
        run.event = self.execute(&mut board.blocks, start.saturating_add(budget));
        std::mem::swap(&mut self.core.ram, &mut board.ram);
        run.executed = self.core.executed - start;
        if !self.unsupported.is_empty() {
            run.unsupported.append(&mut self.unsupported);
        }
    }

    fn registers(&self) -> Registers {
        self.core.registers()
    }

    fn set_registers(&mut self, registers: &Registers) {
        self.core.load(registers);
    }

    fn traps(&mut self) -> &mut HostTraps {
        &mut self.core.traps
    }

    fn flush(&mut self) {
        self.core.flush();
    }

    fn invalidate(&mut self, va: Va) {
        if let Ok(va) = u32::try_from(va.0) {
            self.core.invalidate(va);
        }
    }

    fn interrupt(&mut self, vector: u8) {
        self.waiting[usize::from(vector / 64)] |= 1 << (vector % 64);
    }

    fn read(&self, board: &Board, va: Va, buffer: &mut [u8]) -> usize {
        let mut done = 0;
        while done < buffer.len() {
            let Some(at) = va.checked_add(done as u64).and_then(|va| u32::try_from(va.0).ok()) else { break };
            let length = (0x1000 - (at as usize & 0xfff)).min(buffer.len() - done);
            let Some(pa) = self.core.look(&board.ram, at) else { break };
            if !board.ram.read(Pa(pa), &mut buffer[done..done + length]) {
                break;
            }
            done += length;
        }
        done
    }
}

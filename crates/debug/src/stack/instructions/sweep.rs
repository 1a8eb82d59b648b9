//! A sweep over a function from its beginning to `pc`: how deep the stack is, where the frame pointer leads, where
//! registers were saved. Depths are bytes below the place of the return address.
//!
//! The sweep goes straight on. Where it cannot (behind a jump or a return) the depth is the one that a jump brought
//! there, else that of the prologue's end. What a called function takes off the stack is read in its own return.

use super::{decoder, displacement, is_bp, is_immediate, is_kept, is_preserved, is_register, is_sp};
use crate::stack::{
    frame::{FoundBy, ReturnCheck, Trust},
    register_file::x86_number,
    step::{Caller, Cursor},
    surroundings::Surroundings,
};
use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind, Register};
use std::collections::HashMap;
use vatlas_space::{Machine, PointerWidth, Va};

/// Bytes of a function that are swept.
const SWEPT: usize = 8192;
/// Bytes of a called function in which its return is looked for.
const CALLED: usize = 2048;

/// What a sweep has found.
pub(super) struct Sweep<'s, 'a, 't> {
    around: &'s Surroundings<'a, 't>,
    cursor: &'s Cursor,
    /// `None` where it is not known.
    depth: Option<i64>,
    /// The depth at the first instruction that does not go straight on.
    body_depth: Option<i64>,
    /// The depth that the frame pointer leads to, while it is one.
    frame: Option<i64>,
    /// Registers and the depth where they were saved.
    saved: Vec<(usize, i64)>,
    /// Depths that jumps bring with them.
    targets: HashMap<u64, i64>,
    /// The last instruction does not go on to the next one.
    is_cut: bool,
    /// A called function may have taken something off the stack.
    is_uncertain: bool,
    /// The last number put into `eax`: what `__chkstk` is told to make room for.
    ax: Option<i64>,
}

impl<'s, 'a, 't> Sweep<'s, 'a, 't> {
    /// Sweeps the function that begins at `start` up to the frame's `pc`; `None` when not all of it can be read, and
    /// when it may have ended before, because nobody tells its size.
    pub fn to(around: &'s Surroundings<'a, 't>, cursor: &'s Cursor, (start, has_size): (Va, bool)) -> Option<Self> {
        let pc = cursor.registers.pc;
        let length = usize::try_from(pc.offset_from(start)?).ok().filter(|length| *length <= SWEPT)?;
        let mut bytes = vec![0; length];
        around.space().read_exact(start, &mut bytes).ok()?;
        let mut sweep = Self {
            around,
            cursor,
            depth: Some(0),
            body_depth: None,
            frame: None,
            saved: Vec::new(),
            targets: HashMap::new(),
            is_cut: false,
            is_uncertain: false,
            ax: None,
        };
        for instruction in decoder(cursor.registers.machine, &bytes, start) {
            if instruction.is_invalid() {
                return None;
            }
            sweep.arrive(instruction.ip(), has_size)?;
            // The stack of a frame that called somebody is as the call found it.
            if instruction.next_ip() < pc.0 || cursor.is_exact_pc {
                sweep.apply(&instruction);
            }
        }
        sweep.arrive(pc.0, has_size)?;
        Some(sweep)
    }

    /// Behind a jump or a return the depth comes from elsewhere. Where no jump leads, another function may begin.
    fn arrive(&mut self, ip: u64, has_size: bool) -> Option<()> {
        if self.is_cut && self.depth.is_none() {
            self.depth = self.targets.get(&ip).copied();
            if self.depth.is_none() && !has_size {
                return None;
            }
            self.depth = self.depth.or(self.body_depth);
        }
        self.is_cut = false;
        Some(())
    }

    fn word(&self) -> i64 {
        self.cursor.registers.width().bytes() as i64
    }

    fn apply(&mut self, instruction: &Instruction) {
        match instruction.flow_control() {
            FlowControl::Next => self.apply_straight(instruction),
            FlowControl::Call | FlowControl::IndirectCall => {
                self.body_begins_unless_probe(instruction);
            }
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                self.body_begins();
                if let Some(depth) = self.depth {
                    self.targets.entry(instruction.near_branch_target()).or_insert(depth);
                }
                if instruction.flow_control() == FlowControl::UnconditionalBranch {
                    self.cut();
                }
            }
            FlowControl::Return => {
                self.body_begins();
                self.cut();
            }
            // The cases of a `switch` follow one behind the other.
            _ => self.body_begins(),
        }
    }

    fn cut(&mut self) {
        self.depth = None;
        self.is_cut = true;
    }

    fn body_begins(&mut self) {
        self.body_depth = self.body_depth.or(self.depth);
    }

    /// A call of `__chkstk` belongs to the prologue; on x86 it moves the stack pointer itself.
    fn body_begins_unless_probe(&mut self, instruction: &Instruction) {
        let target = self.call_target(instruction);
        let machine = self.cursor.registers.machine;
        if let (Some(bytes), true) = (self.ax, target.is_some_and(|target| self.is_probe(target))) {
            if machine == Machine::X86 {
                self.grow(bytes);
            }
            return;
        }
        self.body_begins();
        if machine == Machine::X86 {
            match target.and_then(|target| self.popped_by(target)) {
                Some(popped) => self.grow(-popped),
                None => self.is_uncertain = true,
            }
        }
    }

    fn call_target(&self, instruction: &Instruction) -> Option<Va> {
        match instruction.flow_control() {
            FlowControl::Call => Some(Va(instruction.near_branch_target())),
            // `call [import]`
            _ if instruction.op_kind(0) == OpKind::Memory
                && instruction.memory_base() == Register::None
                && instruction.memory_index() == Register::None =>
            {
                self.around.pointer(Va(instruction.memory_displacement64()), PointerWidth::Bits32)
            }
            _ => None,
        }
    }

    fn is_probe(&self, target: Va) -> bool {
        let lookup = self.around.symbols_at(target).and_then(|(symbols, rva)| symbols.lookup(rva));
        lookup.filter(|lookup| lookup.is_inside).is_some_and(|lookup| {
            let name = &lookup.symbol.name;
            name.contains("chkstk") || name.contains("alloca_probe")
        })
    }

    /// The bytes that a function takes off the stack when it returns.
    fn popped_by(&self, target: Va) -> Option<i64> {
        let mut bytes = [0; CALLED];
        let count = self.around.space().read_available(target, &mut bytes);
        let mut instructions = decoder(Machine::X86, &bytes[..count], target).into_iter();
        let end = instructions.find(|instruction| {
            instruction.is_invalid() || matches!(instruction.mnemonic(), Mnemonic::Ret | Mnemonic::Int3)
        })?;
        match (end.mnemonic(), end.op_count()) {
            (Mnemonic::Ret, 0) => Some(0),
            (Mnemonic::Ret, _) => Some(end.immediate16().into()),
            _ => None,
        }
    }

    fn apply_straight(&mut self, instruction: &Instruction) {
        let word = self.word();
        match instruction.mnemonic() {
            Mnemonic::Push | Mnemonic::Pushfd | Mnemonic::Pushfq => {
                self.grow(word);
                if is_register(instruction, 0, is_preserved) {
                    self.save(instruction.op0_register().number(), self.depth);
                }
            }
            Mnemonic::Pop | Mnemonic::Popfd | Mnemonic::Popfq => {
                self.grow(-word);
                if is_register(instruction, 0, is_bp) {
                    self.frame = None;
                }
            }
            Mnemonic::Leave => {
                self.set_depth(self.frame.and_then(|depth| depth.checked_sub(word)));
                self.frame = None;
            }
            Mnemonic::Enter => {
                self.grow(word);
                self.save(x86_number::BP, self.depth);
                self.frame = self.depth;
                self.grow(instruction.immediate16().into());
            }
            Mnemonic::Mov if instruction.op_kind(0) == OpKind::Memory => self.store(instruction),
            _ if is_register(instruction, 0, is_sp) => self.set_sp(instruction),
            _ if is_register(instruction, 0, is_bp) => self.set_bp(instruction),
            Mnemonic::Mov if is_register(instruction, 0, |register| register == Register::EAX) => {
                self.ax = is_immediate(instruction).then(|| instruction.immediate(1) as i64);
            }
            Mnemonic::Cmp | Mnemonic::Test => {}
            // `shl eax, 4` and the like: how much room is made is not known any more.
            _ if is_register(instruction, 0, |register| register.full_register32() == Register::EAX) => self.ax = None,
            _ => {}
        }
    }

    /// An instruction whose first operand is the stack pointer.
    fn set_sp(&mut self, instruction: &Instruction) {
        let immediate = is_immediate(instruction).then(|| instruction.immediate(1) as i64);
        match instruction.mnemonic() {
            Mnemonic::Sub => match immediate.or(self.ax.filter(|_| is_ax(instruction))) {
                Some(bytes) => self.grow(bytes),
                None => self.set_depth(None),
            },
            Mnemonic::Add => self.set_depth(self.depth.zip(immediate).and_then(|(depth, add)| depth.checked_sub(add))),
            Mnemonic::Mov if is_register(instruction, 1, is_bp) => self.set_depth(self.frame),
            Mnemonic::Lea if instruction.memory_index() == Register::None => {
                let base = match instruction.memory_base() {
                    base if is_bp(base) => self.frame,
                    base if is_sp(base) => self.depth,
                    _ => None,
                };
                self.set_depth(base.and_then(|base| base.checked_sub(displacement(instruction))));
            }
            Mnemonic::Cmp | Mnemonic::Test => {}
            // Rounded down, or taken from elsewhere.
            _ => self.lose_depth(),
        }
    }

    /// An instruction whose first operand is the frame pointer.
    fn set_bp(&mut self, instruction: &Instruction) {
        match instruction.mnemonic() {
            Mnemonic::Mov if is_register(instruction, 1, is_sp) => self.frame = self.depth,
            Mnemonic::Lea if is_sp(instruction.memory_base()) && instruction.memory_index() == Register::None => {
                self.frame = self.depth.and_then(|depth| depth.checked_sub(displacement(instruction)));
            }
            Mnemonic::Cmp | Mnemonic::Test => {}
            _ => self.frame = None,
        }
    }

    /// `mov [rsp+8], rbx` saves a register in the caller's room for arguments.
    fn store(&mut self, instruction: &Instruction) {
        let is_plain = is_sp(instruction.memory_base()) && instruction.memory_index() == Register::None;
        if is_plain && is_register(instruction, 1, is_preserved) {
            let depth = self.depth.and_then(|depth| depth.checked_sub(displacement(instruction)));
            self.save(instruction.op1_register().number(), depth);
        }
    }

    fn grow(&mut self, bytes: i64) {
        self.set_depth(self.depth.and_then(|depth| depth.checked_add(bytes)));
    }

    /// A new depth; what was saved below is gone.
    fn set_depth(&mut self, depth: Option<i64>) {
        self.depth = depth;
        if let Some(depth) = depth {
            self.saved.retain(|(_, saved)| *saved <= depth);
        }
    }

    fn lose_depth(&mut self) {
        self.depth = None;
        self.body_depth = None;
        self.targets.clear();
    }

    /// Only the first place counts: later ones hold what the function itself uses the register for.
    fn save(&mut self, register: usize, depth: Option<i64>) {
        if let Some(depth) = depth
            && !self.saved.iter().any(|(saved, _)| *saved == register)
        {
            self.saved.push((register, depth));
        }
    }

    /// The caller when nothing but the prologue has run.
    pub fn caller_of_prologue(&self) -> Option<Caller> {
        let place = self.cursor.registers.sp().0.checked_add_signed(self.depth?)?;
        let is_prologue = self.body_depth.is_none() && self.targets.is_empty();
        let caller = self.caller_at(Va(place), true).filter(|_| is_prologue)?;
        Some(Caller { trust: Trust::Exact, ..caller })
    }

    /// The caller when `pc` is further on: by the frame pointer if there is one, else by the depth.
    pub fn caller_of_body(&self) -> Option<Caller> {
        if let Some(depth) = self.frame {
            let place = Va(self.cursor.registers.get(x86_number::BP)?.checked_add_signed(depth)?);
            return self.caller_at(place, false).filter(|_| self.cursor.may_be_stack(place));
        }
        let place = Va(self.cursor.registers.sp().0.checked_add_signed(self.depth?)?);
        let caller = self.caller_at(place, false)?;
        let check = self.around.check_return(caller.registers.machine, caller.registers.pc);
        let is_plausible = match check {
            ReturnCheck::AfterCall | ReturnCheck::Zero => true,
            ReturnCheck::NotCaptured => !self.is_uncertain,
            ReturnCheck::NoCall | ReturnCheck::NotCode | ReturnCheck::ServerReturn => false,
        };
        is_plausible.then_some(caller)
    }

    /// The caller, if the return address is at `place`.
    fn caller_at(&self, place: Va, is_exact: bool) -> Option<Caller> {
        let mut caller = self.cursor.registers.clone();
        let (width, machine) = (caller.width(), caller.machine);
        caller.pc = self.around.pointer(place, width)?;
        // Another way through the function may have saved further registers; the frame pointer is saved at once.
        caller.keep(|number| is_kept(machine, number) && (is_exact || number == x86_number::BP));
        for (register, depth) in &self.saved {
            let value = place.0.checked_add_signed(-depth).and_then(|va| self.around.pointer(Va(va), width));
            caller.set(*register, value.map(|value| value.0));
        }
        caller.set_sp(place.checked_add(width.bytes() as u64)?);
        Some(Caller::new(caller, FoundBy::Prologue, Trust::Likely, Some(place)))
    }
}

fn is_ax(instruction: &Instruction) -> bool {
    is_register(instruction, 1, |register| register.number() == x86_number::AX)
}

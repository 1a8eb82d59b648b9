//! One step of a walk: what a method says about the caller of a frame, and methods that several processors share.

use super::{
    frame::{FoundBy, ReturnCheck, StackEnd, Trust},
    register_file::RegisterFile,
    surroundings::Surroundings,
};
use vatlas_space::{Va, VaRange};

/// Words of the stack that a scan looks at where the code before a candidate can be read.
const WORDS_WITH_CODE: u64 = 512;
/// The same where it cannot be read, and a candidate is anything that points at code.
const WORDS_WITHOUT_CODE: u64 = 40;

/// A frame whose caller is looked for.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    pub registers: RegisterFile,
    /// `pc` has not run yet: the frame did not call anybody.
    pub is_exact_pc: bool,
    /// Bytes of arguments that the frame below it took, where known; they lie at the stack pointer.
    pub callee_parameters: Option<u32>,
    /// Bytes that the frame below it took off the stack besides the return address, where known.
    pub callee_popped: Option<u32>,
    pub trust: Trust,
    pub found_by: FoundBy,
    /// The stack is as it was when the registers were: not that of a thread that went on running while the dump was
    /// written, whose top frame may be gone.
    pub is_steady: bool,
    /// The addresses that the stack pointer may have.
    pub bounds: Option<VaRange>,
    /// The return address was overwritten, and the stack pointer stands above it now: no code tells depths from there.
    pub is_above_damage: bool,
}

impl Cursor {
    /// The address that tells the function: `pc`, or a byte of the call before it.
    pub fn lookup_va(&self) -> Va {
        if self.is_exact_pc { self.registers.pc } else { Va(self.registers.pc.0.saturating_sub(1)) }
    }

    /// Whether a word of the stack may be at `va`.
    pub fn may_be_stack(&self, va: Va) -> bool {
        va >= self.registers.sp() && self.bounds.is_none_or(|bounds| bounds.contains(va))
    }
}

/// What a method says about the caller.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Its registers; `pc` is the return address.
    pub registers: RegisterFile,
    pub found_by: FoundBy,
    pub trust: Trust,
    /// Where the return address is stored.
    pub place: Option<Va>,
    /// It was interrupted, not called.
    pub is_interrupted: bool,
    /// The way was written down by the compiler, or read in its code: a return address that leads nowhere was
    /// overwritten, and zero is the bottom.
    pub is_told: bool,
    /// Bytes of arguments of the frame that returns to it.
    pub parameters: Option<u32>,
    /// Bytes that it takes off the stack besides the return address.
    pub popped: Option<u32>,
}

impl Caller {
    pub fn new(registers: RegisterFile, found_by: FoundBy, trust: Trust, place: Option<Va>) -> Self {
        let is_told = matches!(
            found_by,
            FoundBy::UnwindData | FoundBy::FrameData | FoundBy::Fpo | FoundBy::Cfi | FoundBy::Prologue
        );
        Self { registers, found_by, trust, place, is_interrupted: false, is_told, parameters: None, popped: None }
    }

    /// The canonical frame address of the frame that returns to it: the stack pointer as it was before the call.
    pub fn cfa(&self) -> Option<Va> {
        (!self.is_interrupted).then_some(self.registers.sp())
    }
}

/// The answer of a method.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The caller, to be checked.
    Caller(Box<Caller>),
    /// The walk is over, for certain.
    End(StackEnd),
    /// The method does not apply here.
    NotHere,
}

impl From<Option<Caller>> for Attempt {
    fn from(caller: Option<Caller>) -> Self {
        caller.map_or(Self::NotHere, |caller| Self::Caller(Box::new(caller)))
    }
}

/// A way to find the caller of a frame.
pub(super) type Method = fn(&Surroundings, &Cursor) -> Attempt;

/// A jump or call went to where no code is: what called is still on top of the stack.
pub(super) fn leaf_of_bad_jump(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let registers = &cursor.registers;
    let check = around.check_return(registers.machine, registers.pc);
    // An address that stands for a call of the kernel (Windows CE) is called like a function.
    let is_code = !matches!(check, ReturnCheck::NotCode | ReturnCheck::ServerReturn) && registers.pc.0 != 0;
    if !cursor.is_exact_pc || is_code {
        return Attempt::NotHere;
    }
    Attempt::from(pop_return_address(around, registers, FoundBy::LeafReturn, Trust::Likely))
}

/// The caller of a function that has pushed nothing: the return address is on top of the stack.
pub(super) fn pop_return_address(
    around: &Surroundings,
    registers: &RegisterFile,
    found_by: FoundBy,
    trust: Trust,
) -> Option<Caller> {
    let place = registers.sp();
    let mut caller = registers.clone();
    caller.set_target(around.pointer(place, registers.width())?.0);
    caller.set_sp(place.checked_add(registers.width().bytes() as u64)?);
    Some(Caller::new(caller, found_by, trust, Some(place)))
}

/// The frame whose pointer is in `register`: the caller's frame pointer lies there, the return address above it.
pub(super) fn frame_pointer(around: &Surroundings, cursor: &Cursor, register: usize) -> Option<Caller> {
    let width = cursor.registers.width();
    let word = width.bytes() as u64;
    let frame = Va(cursor.registers.get(register)?);
    let place = frame.checked_add(word)?;
    if !frame.is_aligned(word) || !cursor.may_be_stack(frame) || !cursor.may_be_stack(place) {
        return None;
    }
    let next = around.pointer(frame, width)?;
    let mut caller = cursor.registers.clone();
    caller.set_target(around.pointer(place, width)?.0);
    caller.keep(|_| false);
    caller.set(register, Some(next.0));
    caller.set_sp(place.checked_add(word)?);
    Some(Caller::new(caller, FoundBy::FramePointer, Trust::Likely, Some(place)))
}

/// The nearest word of the stack that points at code behind a call. `register` is the frame pointer: it stays as it is
/// where it points further up, or is taken from the word below when that one does.
pub(super) fn scan(around: &Surroundings, cursor: &Cursor, from: Va, register: usize) -> Attempt {
    let machine = cursor.registers.machine;
    let width = cursor.registers.width();
    let word = width.bytes() as u64;
    let Some(first) = from.checked_add(word - 1).map(|va| va.align_down(word)) else { return Attempt::NotHere };
    for number in 0..WORDS_WITH_CODE {
        let Some(place) = first.checked_add(number * word).filter(|place| cursor.may_be_stack(*place)) else { break };
        let Some(value) = around.pointer(place, width) else { break };
        let is_candidate = match around.check_return(machine, value) {
            ReturnCheck::AfterCall => true,
            // The same address again is more often an argument or a table than recursion.
            ReturnCheck::NotCaptured => {
                number < WORDS_WITHOUT_CODE && value != cursor.registers.pc && around.is_in_function(value)
            }
            _ => false,
        };
        if is_candidate && let Some(sp) = place.checked_add(word) {
            let mut caller = cursor.registers.clone();
            caller.set_target(value.0);
            caller.keep(|_| false);
            caller.set_sp(sp);
            caller.set(register, scanned_frame_pointer(around, cursor, place, register));
            return Attempt::Caller(Box::new(Caller::new(caller, FoundBy::Scan, Trust::Guess, Some(place))));
        }
    }
    Attempt::NotHere
}

/// The frame pointer of a caller whose return address was found at `place`.
fn scanned_frame_pointer(around: &Surroundings, cursor: &Cursor, place: Va, register: usize) -> Option<u64> {
    let word = cursor.registers.width().bytes() as u64;
    let leads_up = |frame: &Va| *frame > place && frame.is_aligned(word) && cursor.may_be_stack(*frame);
    let pushed = place.checked_sub(word).filter(|below| *below >= cursor.registers.sp());
    let pushed = pushed.and_then(|below| around.pointer(below, cursor.registers.width())).filter(leads_up);
    let kept = cursor.registers.get(register).map(Va).filter(leads_up);
    pushed.or(kept).map(|frame| frame.0)
}

//! What code does to its frame, for processors whose functions are followed instruction by instruction (ARM, Thumb,
//! MIPS, SH): from a function's beginning along every way to `pc`, or from `pc` straight on to the return.
//!
//! A register or a word of the stack holds, as far as the code tells, the sum of a register on entry and a number, a
//! word that lay somewhere on entry, a number, or something else ([`Content`]). Where two ways meet, only what both say
//! is known. At `pc` the stack pointer is then "stack pointer on entry less 40", and a saved register is where it was
//! stored: one rule for prologue, body and epilogue.

mod caller;
mod content;
mod follow;
mod search;
mod state;

pub(super) use caller::{ByFlow, by_flow, by_prologue, run_to_return};
pub(super) use content::Content;
pub(super) use follow::Function;
pub(super) use search::by_search;
pub(super) use state::State;

use super::surroundings::Surroundings;
use vatlas_space::Va;

/// The most registers that are followed.
pub(super) const REGISTERS: usize = 32;

/// An instruction set, as far as frames are concerned.
pub(super) struct CodeSet {
    /// Number of the stack pointer.
    pub sp: u8,
    /// Number of the register that calls put the return address into.
    pub link: u8,
    /// Bytes of the shortest instruction: all begin at a multiple of it.
    pub unit: u64,
    /// Whether calls preserve a register.
    pub is_kept: fn(usize) -> bool,
    /// Follows one instruction; `None` for one that cannot be.
    pub step: fn(&mut State, &Step) -> Option<After>,
    /// What an instruction tells of the place where a function begins.
    pub prologue: fn(u32) -> PrologueSign,
}

/// What an instruction tells of the place where a function begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PrologueSign {
    /// It stores the return address, or makes room: a prologue.
    Certain,
    /// It may stand in a prologue before such a one.
    Possible,
    /// Nothing.
    None,
}

/// An instruction to follow.
pub(super) struct Step<'a> {
    /// Its address.
    pub va: Va,
    /// Its bytes and, of a shorter one, those behind it, as a little-endian number; zero where nothing can be read.
    pub word: u32,
    /// Reads a word that the code has beside it.
    pub read: &'a dyn Fn(Va) -> Option<u32>,
}

/// Where an instruction leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// To the next one.
    Next,
    /// To an address.
    Jump(Va),
    /// To an address or to the next one.
    Branch(Va),
    /// To another function and back.
    Call,
    /// To where a content says: a return, or a jump through a table or pointer.
    Leave(Content),
    /// There, or to the next one.
    MayLeave(Content),
}

/// Whether the instruction behind a jump runs before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Delay {
    /// No.
    None,
    /// It does.
    Always,
    /// Only when the jump is taken ("likely" branches of MIPS).
    IfTaken,
}

/// What follows an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct After {
    /// Its bytes.
    pub size: u64,
    /// Where it leads.
    pub flow: Flow,
    /// Whether the one behind runs first.
    pub delay: Delay,
    /// What is known at the next instruction when a condition did not hold, where that cannot be said together.
    pub otherwise: Option<Box<State>>,
}

impl After {
    pub const fn new(size: u64, flow: Flow) -> Self {
        Self { size, flow, delay: Delay::None, otherwise: None }
    }

    /// With an instruction behind it that runs before a jump that is taken.
    pub const fn delayed_if_taken(size: u64, flow: Flow) -> Self {
        Self { size, flow, delay: Delay::IfTaken, otherwise: None }
    }

    /// With an instruction behind it that runs first.
    pub const fn delayed(size: u64, flow: Flow) -> Self {
        Self { size, flow, delay: Delay::Always, otherwise: None }
    }
}

/// Follows an instruction that runs only under a condition of ARM (four bits): both ways count. Where the stack pointer
/// is changed on one of them, they are followed apart, each with what it takes for true, up to the next comparison.
pub(super) fn under_condition(
    state: &mut State,
    condition: u8,
    sp: u8,
    size: u64,
    step: impl FnOnce(&mut State) -> Option<After>,
) -> Option<After> {
    match state.assumed {
        Some(assumed) if assumed == condition => return step(state),
        Some(assumed) if assumed == condition ^ 1 => return Some(After::new(size, Flow::Next)),
        _ => {}
    }
    let before = state.clone();
    let mut after = step(state)?;
    after.flow = match after.flow {
        Flow::Jump(to) => Flow::Branch(to),
        Flow::Leave(to) => Flow::MayLeave(to),
        flow => flow,
    };
    if matches!(after.flow, Flow::Branch(_) | Flow::MayLeave(_)) {
        *state = before;
    } else if state.get(sp) != before.get(sp) {
        after.otherwise = Some(Box::new(before.assuming(Some(condition ^ 1))));
        state.assumed = Some(condition);
    } else {
        state.meet(&before);
    }
    Some(after)
}

/// Whether a condition holds, by the flags N, Z, C and V in the highest bits of ARM's status register.
fn holds(condition: u8, status: u32) -> bool {
    let [n, z, c, v] = [31, 30, 29, 28].map(|bit| status >> bit & 1 == 1);
    let holds = match condition >> 1 {
        0 => z,
        1 => c,
        2 => n,
        3 => v,
        4 => c && !z,
        5 => n == v,
        6 => n == v && !z,
        _ => return true,
    };
    holds == (condition & 1 == 0)
}

/// The instruction at an address; `None` when not even its first bytes can be read.
fn with_step<R>(
    around: &Surroundings,
    code: &CodeSet,
    va: Va,
    read: &dyn Fn(Va) -> Option<u32>,
    run: impl FnOnce(&Step) -> R,
) -> Option<R> {
    let mut bytes = [0; 4];
    let count = around.space().read_available(va, &mut bytes);
    (count as u64 >= code.unit).then(|| run(&Step { va, word: u32::from_le_bytes(bytes), read }))
}

/// Follows the instruction at an address.
fn step_at(around: &Surroundings, code: &CodeSet, va: Va, state: &mut State) -> Option<After> {
    with_step(around, code, va, &|va| around.u32(va), |step| (code.step)(state, step)).flatten()
}

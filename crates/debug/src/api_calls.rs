//! API calls that a stack remembers: on Windows CE for ARM a call jumps to an address that stands for it, and those
//! addresses stay behind in registers and on stacks.

use vatlas_rules::ce::api_call::{ApiCall, decode};
use vatlas_space::{AddressSpace, LayoutName, Machine, Process, Va, VaRange};

/// Bytes of a stack that are looked through.
const MOST: u64 = 1 << 20;

/// A word that stands for an API call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RememberedCall {
    /// Where it was found.
    pub at: Va,
    /// The word.
    pub value: Va,
    /// The call.
    pub call: ApiCall,
}

/// The API call that a value stands for, in a process of Windows CE on ARM.
pub fn api_call(process: &Process, machine: Option<Machine>, value: Va) -> Option<ApiCall> {
    let layout: LayoutName = process.layout?.name;
    let is_arm = machine == Some(Machine::Arm);
    decode(value, layout).filter(|_| is_arm)
}

/// The calls in a range of stack, lowest address first; words lie at multiples of four.
pub fn remembered_calls(
    process: &Process,
    machine: Option<Machine>,
    space: &dyn AddressSpace,
    stack: VaRange,
) -> Vec<RememberedCall> {
    if process.layout.is_none_or(|layout| decode(vatlas_rules::ce::api_call::BASE_CE5, layout.name).is_none()) {
        return Vec::new();
    }
    let first = stack.first().0.next_multiple_of(4);
    let size = stack.last().0.saturating_sub(first).saturating_add(1).min(MOST);
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    let held = space.read_available(Va(first), &mut bytes);
    let words = bytes[..held].chunks_exact(4).zip((first..).step_by(4));
    let found = words.filter_map(|(word, at)| {
        let value = Va(u32::from_le_bytes(*word.first_chunk()?).into());
        Some(RememberedCall { at: Va(at), value, call: api_call(process, machine, value)? })
    });
    found.collect()
}

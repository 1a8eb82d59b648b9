//! References: which registers and which words of memory point at an address, or into a range around it.
//!
//! A word is a reference when its value is an address of the target; nobody can tell a pointer from a number that
//! happens to look like one. Registers come first, then memory in order of address; nothing is collected.

#[cfg(test)]
mod tests;

use crate::{
    search::{Match, Pattern, Progress, SearchOptions, SearchSummary, owners, pointer_widths, search},
    usage_index::{Located, UsageIndex},
};
use std::ops::ControlFlow;
use vatlas_space::{Machine, Process, Region, Registers, Source, Step, Target, ThreadId, Va, VaRange};

/// How much around an address counts as the thing that is pointed at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Around {
    /// The address alone.
    #[default]
    Address,
    /// Its region: pages of one state and protection.
    Region,
    /// Its allocation: all that was asked of the system at once.
    Allocation,
    /// All around it that has the same use: a section, a stack, a heap segment.
    Usage,
}

/// What is pointed at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pointee {
    /// The address that was asked for; of a range, its first.
    pub va: Va,
    /// The addresses that count.
    pub range: VaRange,
    /// How the range was found.
    pub step: Step,
    /// The same bytes at other addresses: on Windows CE up to 5 in the slot of the process, or in slot 0.
    other: Option<(Va, VaRange)>,
}

impl Pointee {
    /// A range that the user gave.
    pub fn range(range: VaRange) -> Self {
        let finding = format!("{range} was asked for");
        Self { va: range.first(), range, step: Step::new(finding, Source::User), other: None }
    }

    /// `va` and what counts around it.
    pub fn around(index: &UsageIndex<'_>, va: Va, around: Around) -> Self {
        let region = index.space().region(va);
        let (range, step) = match around {
            Around::Address => (None, Step::new(format!("{va} alone was asked for"), Source::User)),
            Around::Region => (Some(region.range), Step::new("the region of the address", region.source)),
            Around::Allocation => match region.allocation_base {
                Some(base) => (allocation(index, base, va), Step::new("the allocation of the address", region.source)),
                None => {
                    let finding = "no allocation is known here; this is the region of the address";
                    (Some(region.range), Step::new(finding, region.source))
                }
            },
            Around::Usage => {
                let row = owners::row(index, va);
                (Some(row.range), row.located.step)
            }
        };
        let range = range.filter(|range| range.contains(va)).or_else(|| VaRange::new(va, va));
        let range = range.unwrap_or(region.range);
        Self { va, range, step, other: other_form(index, va, range) }
    }

    /// Whether a pointer points exactly at the address that was asked for.
    pub fn is_exact(&self, value: Va) -> bool {
        value == self.va || self.other.is_some_and(|(va, _)| value == va)
    }

    /// Bytes from the front of the range to where a pointer points; `None` when it points elsewhere.
    pub fn offset(&self, value: Va) -> Option<u64> {
        self.range.offset_of(value).or_else(|| self.other.and_then(|(_, range)| range.offset_of(value)))
    }
}

/// An address and a range around it in their other form.
fn other_form(index: &UsageIndex<'_>, va: Va, range: VaRange) -> Option<(Va, VaRange)> {
    let process = index.process();
    let other = process.other_form(va)?;
    let (first, last) = (process.other_form(range.first())?, process.other_form(range.last())?);
    Some((other, VaRange::new(first, last).filter(|range| range.contains(other))?))
}

/// The regions from `base` on that belong to one allocation, as far as they adjoin; `va` lies in one of them.
fn allocation(index: &UsageIndex<'_>, base: Va, va: Va) -> Option<VaRange> {
    let regions = index.space().regions_from(base);
    let parts = regions.take_while(|region| region.allocation_base == Some(base) || region.range.contains(va));
    VaRange::new(base, parts.last()?.range.last())
}

/// Where a reference stands.
#[derive(Clone, Debug)]
pub enum Place<'a> {
    /// In a register of a thread.
    Register {
        /// The thread.
        thread: ThreadId,
        /// The processor of its side.
        machine: Machine,
        /// Name of the register.
        name: &'static str,
        /// Whether this is its value when the exception was raised, which is not its value now.
        at_exception: bool,
    },
    /// In memory.
    Memory {
        /// Address of the word.
        va: Va,
        /// Bytes of the word: 4 or 8.
        length: usize,
        /// Whether the word lies at a multiple of its size.
        is_aligned: bool,
        /// Its region.
        region: &'a Region,
        /// The use of that memory, and what says so.
        owner: &'a Located,
    },
}

/// A reference. It lives as long as the call that reports it.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    /// Where it stands.
    pub place: Place<'a>,
    /// Where it points.
    pub value: Va,
}

/// Where to look for references.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RefsOptions {
    /// Also words at addresses that are no multiple of their size.
    pub unaligned: bool,
    /// Also the bytes that only image files hold. Their pointers are those before relocation.
    pub image_files: bool,
}

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RefsSummary {
    /// Threads whose registers are known.
    pub threads: usize,
    /// References in registers.
    pub in_registers: u64,
    /// The memory that was searched, and the references in it.
    pub memory: SearchSummary,
}

/// Finds who points into `pointee`. `found` sees each reference and may stop; `progress` is called now and then.
pub fn references(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    pointee: &Pointee,
    options: &RefsOptions,
    found: &mut dyn FnMut(&Reference<'_>) -> ControlFlow<()>,
    progress: &mut dyn FnMut(Progress),
) -> RefsSummary {
    let mut summary = RefsSummary::default();
    for (thread, registers, at_exception) in register_sets(target, index.process()) {
        summary.threads += usize::from(!at_exception);
        for (name, value) in pointers(registers).filter(|(_, value)| pointee.offset(*value).is_some()) {
            if at_exception && is_still_held(index.process(), thread, registers.machine, name, value) {
                continue;
            }
            summary.in_registers += 1;
            let place = Place::Register { thread, machine: registers.machine, name, at_exception };
            if found(&Reference { place, value }).is_break() {
                summary.memory.stopped = true;
                return summary;
            }
        }
    }
    let options = SearchOptions { within: None, aligned_only: !options.unaligned, image_files: options.image_files };
    let mut in_memory = |word: &Match<'_>| found(&in_memory(word));
    let mut memory = |range| {
        let pattern = Pattern::pointers_into(range, pointer_widths(index.process()))?;
        Some(search(index, &pattern, &options, &mut in_memory, progress))
    };
    summary.memory = memory(pointee.range).unwrap_or_default();
    let other = pointee.other.filter(|_| !summary.memory.stopped).and_then(|(_, range)| memory(range));
    if let Some(other) = other {
        // The same memory, looked through for the other addresses.
        summary.memory.matches += other.matches;
        summary.memory.stopped = other.stopped;
    }
    summary
}

fn in_memory<'a>(word: &Match<'a>) -> Reference<'a> {
    let &Match { va, length, is_aligned, region, owner, .. } = word;
    let value = Va(word.value.unwrap_or_default());
    Reference { place: Place::Memory { va, length, is_aligned, region, owner }, value }
}

/// All sets of registers of a process, those of the exception last and marked.
fn register_sets<'t>(
    target: &'t dyn Target,
    process: &'t Process,
) -> impl Iterator<Item = (ThreadId, &'t Registers, bool)> {
    let sides = process.threads.iter().flat_map(|thread| thread.sides.iter().map(|side| (thread.id, side)));
    let of_threads = sides.filter_map(|(thread, side)| Some((thread, side.registers.as_ref()?, false)));
    let exception = target.exception().filter(|exception| process.thread(exception.thread).is_some());
    let of_exception = exception.and_then(|exception| Some((exception.thread, exception.registers.as_ref()?, true)));
    of_threads.chain(of_exception)
}

/// Registers that never hold an address: flags and segment selectors.
const NO_POINTERS: [&str; 10] = ["efl", "eflags", "rflags", "cpsr", "cs", "ss", "ds", "es", "fs", "gs"];

fn pointers(registers: &Registers) -> impl Iterator<Item = (&'static str, Va)> + '_ {
    let general = registers.general.iter().filter(|register| !NO_POINTERS.contains(&register.name));
    general.map(|register| (register.name, Va(register.value)))
}

/// Whether the thread's own registers say the same.
fn is_still_held(process: &Process, thread: ThreadId, machine: Machine, name: &str, value: Va) -> bool {
    let sides = process.thread(thread).into_iter().flat_map(|thread| &thread.sides);
    let mut sets = sides.filter_map(|side| side.registers.as_ref()).filter(|registers| registers.machine == machine);
    sets.any(|registers| registers.get(name) == Some(value.0))
}

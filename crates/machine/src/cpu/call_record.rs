//! True call chains: in a mode for tests a processor writes down every call and return of its threads.
//!
//! A chain is found by address space and TEB, so nobody has to say when threads are switched. A call puts a return
//! address at a place of the stack: everything that was at or below it is gone. A return takes the one that is there
//! away, and so does a kernel that puts the stack pointer above it. What is below the stack pointer is left over from
//! `longjmp` and the like, and not told.

use super::core::{Core, ESP};
use super::registers::SegmentRegister;
use std::collections::BTreeMap;

/// A call that has not returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenCall {
    /// Where its return address is.
    pub at: u32,
    /// The return address.
    pub back: u32,
    /// The address that was called.
    pub entry: u32,
}

/// The calls of all threads of a processor.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallRecord {
    /// By page directory and base of FS, outermost first.
    chains: BTreeMap<(u32, u32), Vec<OpenCall>>,
}

impl CallRecord {
    /// The calls that have not returned while the stack pointer is here, innermost first.
    pub fn chain(&self, thread: (u32, u32), esp: u32) -> Vec<OpenCall> {
        let all = self.chains.get(&thread).map(Vec::as_slice).unwrap_or_default();
        all.iter().rev().skip_while(|call| call.at < esp).copied().collect()
    }

    fn forget_to(chain: &mut Vec<OpenCall>, at: u32) {
        let kept = chain.iter().rposition(|call| call.at > at).map_or(0, |last| last + 1);
        chain.truncate(kept);
    }
}

impl Core {
    /// Whose calls these are.
    pub fn thread(&self) -> (u32, u32) {
        (self.control.cr3, self.segments[SegmentRegister::Fs as usize].base)
    }

    /// A call was made: its return address is on top of the stack.
    pub fn note_call(&mut self, back: u32, entry: u32) {
        let (thread, at) = (self.thread(), self.gpr[ESP]);
        if let Some(record) = &mut self.calls {
            let chain = record.chains.entry(thread).or_default();
            CallRecord::forget_to(chain, at);
            chain.push(OpenCall { at, back, entry });
        }
    }

    /// The kernel put the stack pointer somewhere: calls whose return addresses lie below it are over, those among them
    /// that the kernel itself answered and returned from.
    pub fn note_stack_pointer(&mut self) {
        let (thread, esp) = (self.thread(), self.gpr[ESP]);
        if let Some(chain) = self.calls.as_mut().and_then(|record| record.chains.get_mut(&thread))
            && let Some(below) = esp.checked_sub(1)
        {
            CallRecord::forget_to(chain, below);
        }
    }

    /// A return is complete that found its address here.
    pub fn note_return(&mut self, at: u32) {
        let thread = self.thread();
        if let Some(record) = &mut self.calls {
            CallRecord::forget_to(record.chains.entry(thread).or_default(), at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_returns_and_what_is_left_over() {
        let mut core = Core::new();
        core.calls = Some(Box::default());
        let call = |core: &mut Core, at: u32, back: u32| {
            core.gpr[ESP] = at;
            core.note_call(back, 0);
        };
        let backs = |core: &Core, esp| -> Vec<u32> {
            let record = core.calls.as_ref().unwrap();
            record.chain(core.thread(), esp).iter().map(|call| call.back).collect()
        };
        call(&mut core, 0x1000, 1);
        call(&mut core, 0xff0, 2);
        call(&mut core, 0xfe0, 3);
        assert_eq!(backs(&core, 0xfe0), [3, 2, 1]);
        assert_eq!(backs(&core, 0xfe4), [2, 1], "the return address was popped");
        core.note_return(0xfe0);
        assert_eq!(backs(&core, 0), [2, 1]);
        call(&mut core, 0xfd0, 4);
        call(&mut core, 0xff0, 5);
        assert_eq!(backs(&core, 0), [5, 1], "two calls were left without a return");
        core.note_return(0x800);
        assert_eq!(backs(&core, 0), [5, 1], "a return to an address that was pushed");
        core.gpr[ESP] = 0xff4;
        core.note_stack_pointer();
        assert_eq!(backs(&core, 0), [1], "the kernel returned from a call");
    }
}

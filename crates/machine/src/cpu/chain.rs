//! From one operation to the next without coming back: the last thing that each does is to enter what follows it.
//!
//! In an optimized build that is a jump, and the host's processor learns for every kind of operation apart what comes
//! behind it. In others calls nest, never deeper than a block is long.

use super::core::Core;
use super::exit::Exit;
use super::op::Op;

/// Enters the operation behind one that is complete. Running off the end of a block is a jump, too.
#[inline(always)]
pub(crate) fn go_on(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    match rest.split_first() {
        Some((next, rest)) => (next.chain)(core, next, rest),
        None => run_off(core, op),
    }
}

#[inline(never)]
fn run_off(core: &mut Core, op: &Op) -> Exit {
    let eip = core.after(op);
    jump(core, op, eip)
}

/// An operation is complete; the block that follows is at `eip`.
#[inline(always)]
pub(crate) fn jump(core: &mut Core, op: &Op, eip: u32) -> Exit {
    core.eip = eip;
    core.executed += u64::from(op.number() + op.completes());
    Exit::Jump
}

/// Does an operation by its general handler.
#[inline(never)]
pub(crate) fn plain(core: &mut Core, op: &Op, rest: &[Op]) -> Exit {
    match (op.run)(core, op) {
        Ok(()) => go_on(core, op, rest),
        Err(exit) => leave(core, op, exit),
    }
}

/// An operation left its block: counts instructions, and after a fault makes EIP true.
fn leave(core: &mut Core, op: &Op, exit: Exit) -> Exit {
    let done = match exit {
        Exit::Fault => {
            core.eip = core.here(op);
            op.number()
        }
        Exit::Jump | Exit::Complete => op.number() + op.completes(),
    };
    core.executed += u64::from(done);
    exit
}

//! The stopped machine in place of a file: `vatlas run --then` asks it what dumps are asked.

use std::{cell::RefCell, rc::Rc};
use vatlas_space::Target;

/// What stands for the machine where a command wants a file. While no machine is stopped it is a file's name like others.
pub const MACHINE: &str = "machine:";

/// The stopped machine, and the name of its program.
#[derive(Clone)]
struct Stopped {
    target: Rc<dyn Target>,
    name: String,
}

thread_local! {
    static STOPPED: RefCell<Option<Stopped>> = const { RefCell::new(None) };
}

/// Does something while [`MACHINE`] is a stopped machine.
pub fn with_machine<R>(target: &Rc<dyn Target>, name: &str, ask: impl FnOnce() -> R) -> R {
    let before = STOPPED.replace(Some(Stopped { target: Rc::clone(target), name: name.to_owned() }));
    let answer = ask();
    STOPPED.set(before);
    answer
}

/// The stopped machine and its program, if there is one.
pub fn stopped() -> Option<(Rc<dyn Target>, String)> {
    STOPPED.with_borrow(|stopped| stopped.clone()).map(|stopped| (stopped.target, stopped.name))
}

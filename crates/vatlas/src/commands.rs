//! Every command, in one table: the command line, its help, completions and manual pages are made from it.

mod completions;
mod demo;
mod diff;
mod explain;
mod info;
mod layout_args;
mod man;
mod map;
mod memory;
mod modules;
mod paragraph;
mod place;
mod read;
mod refs;
mod search;
mod slots;
mod threads;

pub use explain::headline;

use crate::{
    failure::{Exit, Failure},
    output::Output,
};
use clap::Subcommand;

/// What vatlas can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Explain a small dump of our own, and show what to try next
    Demo(demo::Args),
    /// Say what an address means on Windows CE and NT, without any file
    Place(place::Args),
    /// Show how a layout divides its address space
    Slots(slots::Args),
    /// Say what a dump is, why it was written, and what could not be read
    Info(info::Args),
    /// Explain addresses of a dump: what, whose, what is stored there, and why
    Explain(explain::Args),
    /// List the regions of a process, add them up, draw them
    Map(map::Args),
    /// List loaded and unloaded modules
    Modules(modules::Args),
    /// List threads with stacks and registers
    Threads(threads::Args),
    /// Show memory as hexadecimal digits and text
    Memory(memory::Args),
    /// Copy memory to a file
    Read(read::Args),
    /// Find bytes, text, integers or pointers in memory
    Search(search::Args),
    /// Find who points at an address
    Refs(refs::Args),
    /// Compare two dumps: modules, threads, regions, memory
    Diff(diff::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print the manual page
    Man(man::Args),
}

/// Runs a command.
pub fn run(command: &Command, output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => demo::run(args, output),
        Command::Place(args) => place::run(args, output),
        Command::Slots(args) => slots::run(args, output),
        Command::Info(args) => info::run(args, output),
        Command::Explain(args) => explain::run(args, output),
        Command::Map(args) => map::run(args, output),
        Command::Modules(args) => modules::run(args, output),
        Command::Threads(args) => threads::run(args, output),
        Command::Memory(args) => memory::run(args, output),
        Command::Read(args) => read::run(args, output),
        Command::Search(args) => search::run(args, output),
        Command::Refs(args) => refs::run(args, output),
        Command::Diff(args) => diff::run(args, output),
        Command::Completions(args) => completions::run(args, output),
        Command::Man(args) => man::run(args, output),
    }
}

//! Every command, in one table: the command line, its help, completions and manual pages are made from it.

mod analyze;
mod completions;
mod debug;
mod demo;
mod diff;
mod explain;
mod find;
mod frames;
mod info;
mod layout_args;
mod lines;
mod log;
mod lookup;
mod man;
mod map;
mod memory;
mod minidump;
mod modules;
mod objects;
mod open;
mod paragraph;
mod place;
mod processes;
mod pte;
mod read;
mod refs;
mod resume;
mod rom;
mod run;
mod search;
mod sharing;
mod slots;
mod stack;
mod symbols;
mod threads;
mod types;
mod vad;
mod watch;

pub use explain::{headline, module_offset};
pub use layout_args::name_parser as layout_name_parser;

use crate::{
    failure::{Exit, Failure},
    output::Output,
};
use clap::Subcommand;

/// Makes of the table what the command line needs of it.
macro_rules! commands {
    ($($(#[doc = $about:literal])* $variant:ident($module:ident),)*) => {
        /// What vatlas can do.
        #[derive(Subcommand, Debug)]
        pub enum Command {
            $($(#[doc = $about])* $variant($module::Args),)*
        }

        /// Runs a command.
        pub fn run(command: &Command, output: &mut Output) -> Result<Exit, Failure> {
            match command {
                $(Command::$variant(args) => $module::run(args, output),)*
            }
        }

        impl Command {
            /// The arguments of the command with this name, without those of all others: to build them all takes
            /// longer than most answers.
            pub fn alone(name: &str) -> Option<clap::Command> {
                match name {
                    $(stringify!($module) => Some(<$module::Args as clap::Args>::augment_args(clap::Command::new(name.to_owned()))),)*
                    _ => None,
                }
            }
        }
    };
}

commands! {
    /// Explain a small dump of our own, and show what to try next
    Demo(demo),
    /// Say what an address means on Windows CE and NT, without any file
    Place(place),
    /// Show how a layout divides its address space, or who lives in the slots of a device
    Slots(slots),
    /// Say what a dump is, why it was written, and what could not be read
    Info(info),
    /// Say what a support engineer asks first: what happened, where, why, what is odd
    Analyze(analyze),
    /// Explain addresses of a dump: what, whose, what is stored there, and why
    Explain(explain),
    /// List the processes of a device or system, with their slots
    Processes(processes),
    /// List the regions of a process, add them up, draw them
    Map(map),
    /// Say which processes share the frames of which image, and what relocation cost
    Sharing(sharing),
    /// Account for physical memory and the commit charge, list frames
    Frames(frames),
    /// List the address descriptors of a process (VADs)
    Vad(vad),
    /// Show page-table entries and where the page is
    Pte(pte),
    /// List loaded and unloaded modules
    Modules(modules),
    /// List processes, threads, modules, sections, files and handles, and how they belong together
    Objects(objects),
    /// List threads with stacks and registers
    Threads(threads),
    /// Show call stacks: who called whom, how each frame was found, how far it is trusted
    Stack(stack),
    /// Show memory as hexadecimal digits and text
    Memory(memory),
    /// Copy memory to a file
    Read(read),
    /// Find bytes, text, integers or pointers in memory
    Search(search),
    /// Find who points at an address
    Refs(refs),
    /// Say what in a folder belongs to one device, and answer with all of it
    Open(open),
    /// List what a ROM image of Windows CE holds, and write it out
    Rom(rom),
    /// Find and explain the crashes in a log of Windows CE
    Log(log),
    /// Name addresses: module, function, line, inlined functions
    Lookup(lookup),
    /// Find names: addresses of functions and variables
    Find(find),
    /// Show a function line by line, with source text and instructions
    Lines(lines),
    /// Show the layout of a type, and its values at an address
    Type(types),
    /// Show values of expressions in a process, a thread and a frame
    Watch(watch),
    /// Say which symbols modules have and which are missing, and what a symbol file holds
    Symbols(symbols),
    /// Run a program for 32-bit Windows on the machine, and ask it questions when it stops
    Run(run),
    /// Go on with a machine from its snapshot
    Resume(resume),
    /// Write a process as an ordinary Windows minidump
    Minidump(minidump),
    /// Debug a program on the machine, forwards and backwards, or look at a dump
    Debug(debug),
    /// Compare two dumps: modules, threads, regions, memory
    Diff(diff),
    /// Print completions for a shell
    Completions(completions),
    /// Print the manual page
    Man(man),
}

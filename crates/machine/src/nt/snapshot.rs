//! A system as a file, and a system from a file.

use crate::computer::{Computer, ComputerState};
use crate::cpu::{Engine, HostTraps};
use crate::files::{Files, Host, StoreError};
use crate::memory::{PageFileStore, SpaceIndex};
use crate::nt::System;
use crate::nt::checkpoint::KernelState;
use crate::nt::services::SERVICES;
use crate::ram::FRAME_BYTES;
use crate::state::{
    Container, SectionKind, SnapshotSystem, WrongNumber, check_numbers, data_section, shape_of, shape_section,
    write_snapshot,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::OnceLock;
use vatlas_space::Problem;

/// Most frames of a machine: 4 GB.
const MOST_FRAMES: u32 = 1 << 20;

/// What a snapshot says of itself.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct SnapshotAbout {
    /// What the system runs.
    pub name: String,
    /// Instructions that were executed.
    pub instructions: u64,
    /// Frames of physical memory.
    pub frames: u32,
    /// Whether the host granted a folder.
    pub has_folder: bool,
}

/// Makes the store of a page file, given its number.
pub type MakeStore<'m> = &'m mut dyn FnMut(usize) -> Result<Box<dyn PageFileStore>, String>;

/// The shape of what a snapshot has as plain data.
fn shape() -> u64 {
    static SHAPE: OnceLock<u64> = OnceLock::new();
    *SHAPE.get_or_init(shape_of::<(SnapshotAbout, ComputerState, KernelState, Files)>)
}

fn damage(cause: impl Into<String>) -> Problem {
    Problem::damage("snapshot", cause.into())
}

impl System {
    /// The whole state as the bytes of a snapshot. `name` says what the system runs.
    ///
    /// # Errors
    /// A page of a page file cannot be read.
    pub fn snapshot(&self, name: &str) -> Result<Vec<u8>, Problem> {
        let has_folder = self.files.borrow_mut().recorder().has_files();
        let (instructions, frames) = (self.instructions(), self.ram().frames());
        let about = SnapshotAbout { name: name.to_owned(), instructions, frames, has_folder };
        let sections = [
            shape_section(shape()),
            data_section(SectionKind::About, &about)?,
            data_section(SectionKind::Computer, &self.computer.state())?,
            data_section(SectionKind::Kernel, &self.kernel_state())?,
            data_section(SectionKind::Files, &*self.files.borrow())?,
            (SectionKind::PageFiles, self.page_files_section()?),
        ];
        Ok(write_snapshot(SnapshotSystem::Nt, &sections, self.ram()))
    }

    /// The pages that hold something, of all page files in order: which they are is in the state of the kernel.
    fn page_files_section(&self) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        let mut page_bytes = [0; FRAME_BYTES];
        for (number, file) in self.memory.page_files().iter().enumerate() {
            for page in file.taken_pages() {
                let read = file.read(page, &mut page_bytes);
                read.map_err(|error| damage(format!("page {page} of page file {number}: {:?}", error.0)))?;
                bytes.extend_from_slice(&page_bytes);
            }
        }
        Ok(bytes)
    }

    /// What a snapshot says of itself.
    ///
    /// # Errors
    /// It is no snapshot of this kernel, or damaged.
    pub fn about_snapshot(bytes: &[u8]) -> Result<SnapshotAbout, Problem> {
        let container = Container::open(bytes)?;
        container.check_shape(shape())?;
        container.data(SectionKind::About)
    }

    /// A system from the bytes of a snapshot, with a host of its own and new stores for its page files. Files that were
    /// open in the granted folder are opened again.
    ///
    /// # Errors
    /// The snapshot is damaged or of another version; a file that was open is not there any more; a store cannot be
    /// made.
    pub fn resume(bytes: &[u8], host: Box<dyn Host>, make_store: MakeStore<'_>) -> Result<Self, Problem> {
        let mut system = Self::look_at_snapshot(bytes)?;
        let given = system.files.borrow_mut().recorder().give(host);
        given.map_err(|(path, error)| cannot_reopen(&path, error))?;
        for (number, file) in system.memory.page_files.iter_mut().enumerate() {
            let failed = |cause: String| damage(format!("page file {number}: {cause}"));
            let store = make_store(number).map_err(failed)?;
            file.set_store(store).map_err(|error| failed(format!("{:?}", error.0)))?;
        }
        Ok(system)
    }

    /// A system from the bytes of a snapshot, to be looked at: it has no host and is not to be run.
    ///
    /// # Errors
    /// The snapshot is damaged or of another version.
    pub fn look_at_snapshot(bytes: &[u8]) -> Result<Self, Problem> {
        let container = Container::open(bytes)?;
        if container.system() != SnapshotSystem::Nt {
            return Err(damage("it is of another kernel"));
        }
        container.check_shape(shape())?;
        let about: SnapshotAbout = container.data(SectionKind::About)?;
        let processors: ComputerState = container.data(SectionKind::Computer)?;
        let mut state: KernelState = container.data(SectionKind::Kernel)?;
        let files: Files = container.data(SectionKind::Files)?;
        if !processors.is_sound() || !state.is_sound(processors.processors().len()) || about.frames > MOST_FRAMES {
            return Err(damage("its parts do not fit together"));
        }
        state.check_numbers(about.frames).map_err(|wrong| damage(format!("its parts do not fit together: {wrong}")))?;
        let ram = container.memory(about.frames)?;
        read_page_files(&mut state, &container.section(SectionKind::PageFiles)?)?;
        let mut computer = Computer::new(ram, processors.processors().len());
        for processor in &mut computer.processors {
            *processor.traps() = HostTraps::all();
        }
        computer.set_state(&processors);
        let mut system = state.into_system(computer, Rc::new(RefCell::new(files)));
        system.map_files_again();
        Ok(system)
    }
}

/// A file that the system had open cannot be had again.
fn cannot_reopen(path: &[String], error: StoreError) -> Problem {
    if path.is_empty() {
        return damage("the system had a folder of this computer").hint("grant it again with --root");
    }
    let cause = format!("the system has {} open, which is not to be had: {error:?}", path.join("/"));
    damage(cause).hint("grant the folder as it was, with --root")
}

fn read_page_files(state: &mut KernelState, mut bytes: &[u8]) -> Result<(), Problem> {
    let wrong = || damage("its page files have another size than it says");
    for file in &mut state.memory.page_files {
        for page in file.taken_pages().collect::<Vec<_>>() {
            let (contents, rest) = bytes.split_first_chunk().ok_or_else(wrong)?;
            file.put_back(page, contents);
            bytes = rest;
        }
    }
    if bytes.is_empty() { Ok(()) } else { Err(wrong()) }
}

impl KernelState {
    /// Looks whether numbers of threads, processes, address spaces, frames and priorities are those of some.
    fn check_numbers(&self, frames: u32) -> Result<(), WrongNumber> {
        let is_right = |of: &str, field: &str, number: u64| match (of, field) {
            ("ThreadIndex", _) => number < self.threads.len() as u64,
            ("ProcessIndex", _) => number < self.processes.len() as u64,
            ("SpaceIndex", _) => usize::try_from(number).is_ok_and(|space| self.memory.has_space(SpaceIndex(space))),
            ("Pfn", _) => number < u64::from(frames),
            ("Thread" | "Process", "priority" | "base_priority" | "boost") => number < 32,
            _ => true,
        };
        check_numbers(self, &is_right)
    }

    /// Whether numbers of threads, processes and address spaces lead to some.
    fn is_sound(&self, processors: usize) -> bool {
        let (threads, processes) = (self.threads.len(), self.processes.len());
        let is_thread = |thread: crate::nt::ThreadIndex| thread.0 < threads;
        let of_processors = self.scheduler.processors.iter();
        let mut current = of_processors.flat_map(|known| [Some(known.current), known.next, Some(known.idle)]);
        self.scheduler.processors.len() == processors
            && current.all(|thread| thread.is_none_or(is_thread))
            && self.threads.iter().all(|thread| thread.process.0 < processes && thread.processor < processors)
            && self.processes.iter().all(|process| self.memory.has_space(process.space))
            && self.processes.iter().all(|process| process.threads.iter().all(|thread| is_thread(*thread)))
            && self.pending_files.iter().all(|pending| is_thread(pending.call.thread))
            && self.calls.len() == SERVICES.len()
            && self.memory.page_files.iter().all(crate::memory::PageFile::is_sound)
    }
}

//! Checkpoints of a device, its bytes for a snapshot, and a number for its whole state.

use super::object::Object;
use super::{Device, Rom, State, call};
use crate::computer::{Computer, ComputerState};
use crate::control::Control;
use crate::cpu::Engine;
use crate::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};
use crate::ram::{FRAME_BYTES, RamSnapshot};
use crate::state::{Container, SectionKind, SnapshotSystem, data_section, shape_of, shape_section, write_snapshot};
use std::sync::Arc;
use vatlas_images::rom::RomImage;
use vatlas_space::{Pfn, Problem};

/// What the kernel keeps beside memory, with a handful of processes.
const STATE_BYTES: u64 = 48 << 10;
/// Most frames of a device: a window.
const MOST_FRAMES: u32 = 0x2_0000;

/// A device at one moment. It is cheap to copy and keeps frames that others share. The device that made it can go back,
/// or forward again, to it.
#[derive(Clone)]
pub struct Checkpoint {
    ram: RamSnapshot,
    rest: Arc<(ComputerState, State)>,
}

impl Checkpoint {
    /// Instructions that had been executed.
    pub fn instructions(&self) -> u64 {
        self.rest.1.executed
    }

    /// Bytes that it takes beyond what it shares with another one. What the kernel keeps beside memory is estimated.
    pub(crate) fn bytes_beyond(&self, other: Option<&Self>) -> u64 {
        let own = self.ram.frames().count_beyond(other.map(|other| other.ram.frames()));
        (own * FRAME_BYTES) as u64 + STATE_BYTES
    }
}

/// What a snapshot says of itself.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct SnapshotAbout {
    /// What the device runs.
    pub name: String,
    /// Instructions that were executed.
    pub instructions: u64,
    /// Frames of physical memory.
    pub frames: u32,
}

/// The shape of what a snapshot has as plain data.
fn shape() -> u64 {
    static SHAPE: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *SHAPE.get_or_init(shape_of::<(SnapshotAbout, ComputerState, State)>)
}

fn damage(cause: impl Into<String>) -> Problem {
    Problem::damage("snapshot", cause.into())
}

impl Device {
    /// Keeps the state of this moment. The cost is a copy of the frames that changed since the checkpoint before, and of
    /// what the kernel keeps beside memory. A device asks nothing of its host, so that nothing need be recorded.
    pub fn checkpoint(&mut self) -> Checkpoint {
        let rest = Arc::new((self.computer.state(), self.state.clone()));
        Checkpoint { ram: self.computer.board.ram.snapshot(), rest }
    }

    /// Goes to a checkpoint of this device, before or after this moment. What was printed since is not printed again.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        self.computer.board.ram.restore(&checkpoint.ram);
        self.computer.set_state(&checkpoint.rest.0);
        self.state = checkpoint.rest.1.clone();
        self.flush();
    }

    /// What the device did after this moment does not count any more: from here on what it prints is printed.
    pub fn forget_future(&mut self) {
        self.told = self.state.printed;
    }

    /// A number of the whole state: physical memory, registers, and what the kernel keeps beside them.
    pub fn state_hash(&self) -> u64 {
        let mut sums = [crc32fast::Hasher::new_with_initial(1), crc32fast::Hasher::new_with_initial(0x5eed)];
        for frame in 0..self.ram().frames() {
            let bytes = self.ram().frame(Pfn(frame.into())).unwrap_or_default();
            sums[0].update(bytes);
        }
        let registers = self.computer.processors[0].registers();
        let rest = format!("{registers:?}{:?}{:?}", registers.segments, registers.fpu);
        sums[1].update(rest.as_bytes());
        sums[1].update(&postcard::to_stdvec(&self.state).unwrap_or_default());
        let [memory, rest] = sums.map(crc32fast::Hasher::finalize);
        u64::from(memory) << 32 | u64::from(rest)
    }

    /// The whole state as the bytes of a snapshot. `name` says what the device runs.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn snapshot(&self, name: &str) -> Result<Vec<u8>, Problem> {
        let frames = self.ram().frames();
        let about = SnapshotAbout { name: name.to_owned(), instructions: self.state.executed, frames };
        let sections = [
            shape_section(shape()),
            data_section(SectionKind::About, &about)?,
            data_section(SectionKind::Computer, &self.computer.state())?,
            data_section(SectionKind::Kernel, &self.state)?,
            (SectionKind::Rom, self.rom.bytes.clone()),
        ];
        Ok(write_snapshot(SnapshotSystem::Ce, &sections, self.ram()))
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

    /// A device from the bytes of a snapshot, with a host of its own.
    ///
    /// # Errors
    /// The snapshot is damaged or of another version.
    pub fn resume(bytes: &[u8], host: Box<dyn Host>) -> Result<Self, Problem> {
        Ok(Self { host, ..Self::look_at_snapshot(bytes)? })
    }

    /// A device from the bytes of a snapshot, to be looked at: what it would print nobody gets.
    ///
    /// # Errors
    /// The snapshot is damaged or of another version.
    pub fn look_at_snapshot(bytes: &[u8]) -> Result<Self, Problem> {
        let container = Container::open(bytes)?;
        if container.system() != SnapshotSystem::Ce {
            return Err(damage("is not of a Windows CE device"));
        }
        container.check_shape(shape())?;
        let about: SnapshotAbout = container.data(SectionKind::About)?;
        let computer_state: ComputerState = container.data(SectionKind::Computer)?;
        let state: State = container.data(SectionKind::Kernel)?;
        if about.frames > MOST_FRAMES || !computer_state.is_sound() || computer_state.processors().len() != 1 {
            return Err(damage("says what no device can be"));
        }
        let rom_bytes = container.section(SectionKind::Rom)?;
        let image = RomImage::read(&rom_bytes)?;
        let ram = container.memory(about.frames)?;
        let mut computer = Computer::new(ram, 1);
        *computer.processors[0].traps() = crate::cpu::HostTraps::all();
        computer.set_state(&computer_state);
        if !state.is_sound() {
            return Err(damage("the state of the kernel contradicts itself"));
        }
        let told = state.printed;
        Ok(Self {
            computer,
            state,
            rom: Arc::new(Rom { bytes: rom_bytes, image }),
            host: Box::new(Nobody),
            handlers: Arc::new(call::handlers()),
            control: Control::default(),
            told,
        })
    }
}

/// The host of a device that is only looked at.
struct Nobody;

impl Console for Nobody {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        ConsoleKind::Character
    }

    fn read(&mut self, _: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        Ok(ConsoleInput::End)
    }

    fn write(&mut self, _: ConsoleEnd, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Host for Nobody {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        None
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

impl State {
    /// Whether what names something else names something that is there.
    fn is_sound(&self) -> bool {
        let threads = self.threads.len();
        let images = self.images.len() as u32;
        let is_thread = |index: &u32| (*index as usize) < threads;
        self.processes.len() == 32
            && self.running.as_ref().is_none_or(is_thread)
            && self.kernel_image.is_none_or(|image| image < images)
            && self.processes.iter().flatten().all(|process| {
                process.image < images && process.threads.iter().all(is_thread) && is_thread(&process.main_thread)
                    || process.threads.is_empty() && process.image < images
            })
            && self.modules.iter().flatten().all(|module| module.image < images)
            && self.scheduler.is_sound(threads as u32)
            && self.handles.values().all(|handle| {
                handle.waiters.iter().all(is_thread)
                    && match &handle.object {
                        Object::Thread(index) => is_thread(index),
                        Object::Mutex { owner, .. } => owner.as_ref().is_none_or(is_thread),
                        _ => true,
                    }
            })
            && self.critical.values().flatten().all(is_thread)
            && self
                .processes
                .iter()
                .flatten()
                .all(|process| process.modules.iter().all(|module| (*module as usize) < self.modules.len()))
    }
}

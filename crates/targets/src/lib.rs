//! Targets: a file joined with the rules of its operating system, ready to be asked by address.
//!
//! This crate is given bytes and gives back a [`vatlas_space::Target`]; opening files is the program's
//! business, and so is finding image files ([`ImageFiles`]).

pub mod ce_machine;
pub mod control;
pub mod image_files;
pub mod kdmp;
pub mod kernel_dump;
mod loaded_images;
pub mod machine;
pub mod minidump;
pub mod module_target;
pub mod nt_system;
pub mod process_dump;
pub mod recognize;
pub mod rom;
mod section_table;
pub mod snapshot;

pub use ce_machine::{CeMachineTarget, ce_machine_target};
pub use image_files::{FileBytes, ImageFile, ImageFiles, NoImageFiles};
pub use kdmp::KdmpTarget;
pub use kernel_dump::open_kernel_dump;
pub use machine::{MachineTarget, machine_target};
pub use minidump::MinidumpTarget;
pub use module_target::{ModuleFacts, ModuleTarget};
pub use recognize::{Format, recognize};
pub use rom::{RomFiles, RomTarget};
pub use snapshot::open_snapshot;

use vatlas_space::{Problem, Target};

/// Opens whatever `bytes` are as a target.
///
/// # Errors
/// The bytes are of no format that can be opened; the problem names the format where it is known.
pub fn open(bytes: FileBytes, images: Box<dyn ImageFiles>) -> Result<Box<dyn Target>, Problem> {
    match recognize((*bytes).as_ref()) {
        Format::Minidump => Ok(Box::new(MinidumpTarget::open(bytes, images)?)),
        Format::CeDump => Ok(Box::new(KdmpTarget::open(bytes, images)?)),
        Format::RomBin | Format::RomRaw => Ok(Box::new(RomTarget::open(bytes)?)),
        Format::KernelDump32 => Ok(Box::new(open_kernel_dump(bytes)?)),
        Format::Snapshot => open_snapshot((*bytes).as_ref()),
        other => Err(recognize::not_a_target(other)),
    }
}

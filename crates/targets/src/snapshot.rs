//! A snapshot of the machine: the machine as it was, to be asked like the one that is stopped.

use crate::ce_machine::ce_machine_target;
use crate::machine::machine_target;
use std::rc::Rc;
use vatlas_machine::ce::Device;
use vatlas_machine::nt::System;
use vatlas_machine::state::{Container, SnapshotSystem};
use vatlas_space::{Problem, Target};

/// Opens a snapshot, of either kernel.
///
/// # Errors
/// It is damaged, or of another version.
pub fn open_snapshot(bytes: &[u8]) -> Result<Box<dyn Target>, Problem> {
    match Container::open(bytes)?.system() {
        SnapshotSystem::Nt => {
            let about = System::about_snapshot(bytes)?;
            let system = Rc::new(System::look_at_snapshot(bytes)?);
            Ok(Box::new(machine_target(&system, &about.name)))
        }
        SnapshotSystem::Ce => {
            let about = Device::about_snapshot(bytes)?;
            let device = Rc::new(Device::look_at_snapshot(bytes)?);
            Ok(Box::new(ce_machine_target(&device, &about.name)))
        }
    }
}

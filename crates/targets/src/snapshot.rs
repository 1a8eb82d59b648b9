//! A snapshot of the machine: the machine as it was, to be asked like the one that is stopped.

use crate::machine::{MachineTarget, machine_target};
use std::rc::Rc;
use vatlas_machine::nt::System;
use vatlas_space::Problem;

/// Opens a snapshot.
///
/// # Errors
/// It is damaged, of another version, or of another kernel.
pub fn open_snapshot(bytes: &[u8]) -> Result<MachineTarget, Problem> {
    let about = System::about_snapshot(bytes)?;
    let system = Rc::new(System::look_at_snapshot(bytes)?);
    Ok(machine_target(&system, &about.name))
}

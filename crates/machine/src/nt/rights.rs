//! Rights of handles of processes and threads: what each call needs, and what the generic rights stand for.

use crate::memory::NtStatus;
use crate::nt::objects::{Body, ObjectType};
use crate::nt::process::ProcessIndex;
use crate::nt::thread::ThreadIndex;
use crate::nt::{Call, System, status};

/// `PROCESS_*`.
pub(crate) mod process {
    pub(crate) const TERMINATE: u32 = 0x1;
    pub(crate) const CREATE_THREAD: u32 = 0x2;
    pub(crate) const VM_OPERATION: u32 = 0x8;
    pub(crate) const VM_READ: u32 = 0x10;
    pub(crate) const VM_WRITE: u32 = 0x20;
    pub(crate) const DUP_HANDLE: u32 = 0x40;
    pub(crate) const CREATE_PROCESS: u32 = 0x80;
    pub(crate) const SET_QUOTA: u32 = 0x100;
    pub(crate) const SET_INFORMATION: u32 = 0x200;
    pub(crate) const QUERY_INFORMATION: u32 = 0x400;
    pub(crate) const SUSPEND_RESUME: u32 = 0x800;
}

/// `THREAD_*`.
pub(crate) mod thread {
    pub(crate) const TERMINATE: u32 = 0x1;
    pub(crate) const SUSPEND_RESUME: u32 = 0x2;
    pub(crate) const SET_INFORMATION: u32 = 0x20;
    pub(crate) const QUERY_INFORMATION: u32 = 0x40;
}

const MAXIMUM_ALLOWED: u32 = 0x0200_0000;
/// `GENERIC_READ`, `GENERIC_WRITE`, `GENERIC_EXECUTE`, `GENERIC_ALL`, and what they are for a type of object.
type GenericMapping = [(u32, u32); 4];
const GENERIC_ALL: u32 = 0x1000_0000;
const PROCESS_MAPPING: GenericMapping =
    [(0x8000_0000, 0x2_0410), (0x4000_0000, 0x2_0beb), (0x2000_0000, 0x12_0000), (GENERIC_ALL, 0x1f_0fff)];
const THREAD_MAPPING: GenericMapping =
    [(0x8000_0000, 0x2_0048), (0x4000_0000, 0x2_0037), (0x2000_0000, 0x12_0000), (GENERIC_ALL, 0x1f_03ff)];

/// The rights that a handle of a type gets when so much is asked for. Nobody is refused anything: there are no
/// security descriptors.
pub(crate) fn granted(kind: ObjectType, access: u32) -> u32 {
    let mapping = match kind {
        ObjectType::Process => PROCESS_MAPPING,
        ObjectType::Thread => THREAD_MAPPING,
        _ => return access,
    };
    let asked = if access & MAXIMUM_ALLOWED != 0 { access & !MAXIMUM_ALLOWED | GENERIC_ALL } else { access };
    let expand = |rights: u32, (generic, rest): (u32, u32)| {
        if rights & generic != 0 { rights & !generic | rest } else { rights }
    };
    mapping.into_iter().fold(asked, expand)
}

impl System {
    /// The process that a handle names, if the handle has all these rights.
    pub(crate) fn process_for(&self, call: &Call, handle: u32, rights: u32) -> Result<ProcessIndex, NtStatus> {
        let process = self.process_by_handle(call, handle)?;
        self.check_rights(call, handle, rights)?;
        Ok(process)
    }

    /// The same, and it has its memory yet.
    pub(crate) fn living_process_for(&self, call: &Call, handle: u32, rights: u32) -> Result<ProcessIndex, NtStatus> {
        let process = self.process_for(call, handle, rights)?;
        if self.processes[process.0].is_gone { Err(status::PROCESS_IS_TERMINATING) } else { Ok(process) }
    }

    /// The thread that a handle names, if the handle has all these rights.
    pub(crate) fn thread_for(&self, call: &Call, handle: u32, rights: u32) -> Result<ThreadIndex, NtStatus> {
        let thread = self.thread_by_handle(call, handle)?;
        self.check_rights(call, handle, rights)?;
        Ok(thread)
    }

    fn check_rights(&self, call: &Call, handle: u32, rights: u32) -> Result<(), NtStatus> {
        let entry = self.entry_by_handle(call, handle)?;
        if rights & !entry.access == 0 { Ok(()) } else { Err(status::ACCESS_DENIED) }
    }

    /// What kind of object a number is.
    pub(crate) fn kind_of(&self, object: crate::nt::objects::ObjectId) -> Option<ObjectType> {
        self.objects.body(object).map(Body::kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generic_rights() {
        let check = |kind, access: u32, expected: u32| assert_eq!(granted(kind, access), expected, "{access:x}");
        check(ObjectType::Process, 0x8000_0000, 0x2_0410);
        check(ObjectType::Process, 0x1f_0fff, 0x1f_0fff);
        check(ObjectType::Process, 0x0200_0000, 0x1f_0fff);
        check(ObjectType::Process, 0x1000_0001, 0x1f_0fff);
        check(ObjectType::Thread, 0xc000_0000, 0x2_007f);
        check(ObjectType::Event, 0x8000_0000, 0x8000_0000);
    }
}

//! Making processes: from an image section, or as a copy of another process.

use crate::memory::NtStatus;
use crate::nt::birth::NewProcess;
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::objects::{Body, ObjectId, ObjectType};
use crate::nt::process::ProcessIndex;
use crate::nt::{Reply, System, rights, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtCreateProcess", |system, call| create(system, call, call.arguments[4] & 0xff != 0)),
    ("NtCreateProcessEx", create_ex),
];

/// `PS_INHERIT_HANDLES`, and all flags: break away from a job, no debugger for the child.
const INHERIT_HANDLES: u32 = 4;
const KNOWN_FLAGS: u32 = 7;

/// `NtCreateProcessEx(Handle, Access, Attributes, Parent, Flags, Section, DebugPort, ExceptionPort, JobMemberLevel)`.
fn create_ex(system: &mut System, call: &Call) -> Reply {
    let flags = call.arguments[4];
    if flags & !KNOWN_FLAGS != 0 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    create(system, call, flags & INHERIT_HANDLES != 0)
}

/// `NtCreateProcess(Handle, Access, Attributes, Parent, InheritHandles, Section, DebugPort, ExceptionPort)`: the same
/// but for one argument.
fn create(system: &mut System, call: &Call, inherits_handles: bool) -> Reply {
    let [out, access, attributes, parent, _, section, debug_port, exception_port, ..] = call.arguments;
    system.probe_write(call.space, out, 4)?;
    let attributes = system.read_attributes(call, attributes)?;
    let parent = system.living_process_for(call, parent, rights::process::CREATE_PROCESS)?;
    // There are no ports, so no handle names one.
    if debug_port != 0 || exception_port != 0 {
        return Err(status::INVALID_HANDLE);
    }
    let process = match section {
        0 => system.fork_process(parent, inherits_handles)?,
        handle => {
            let section = system.object_by_handle(call, handle, ObjectType::Section)?;
            let name = image_name(system, section)?;
            let new = NewProcess { name: &name, section, parent: Some(parent), inherits_handles };
            system.create_image_process(&new).map_err(|error| error.status)?
        }
    };
    give(system, call, (out, access, attributes.flags), process)
}

/// A process whose handle cannot be given ends again.
fn give(system: &mut System, call: &Call, (out, access, flags): (u32, u32, u32), process: ProcessIndex) -> Reply {
    let object = system.processes[process.0].object;
    if let Err(status) = system.give_handle(call, (out, access, flags), object) {
        system.terminate_process(process, status.0);
        return Err(status);
    }
    SUCCESS
}

/// The file name of a program, as `EPROCESS.ImageFileName` has it.
fn image_name(system: &System, section: ObjectId) -> Result<String, NtStatus> {
    let Some(Body::Section(body)) = system.objects.body(section) else { return Err(status::INVALID_HANDLE) };
    let path = system.section_path(body.control_area()).ok_or(status::SECTION_NOT_IMAGE)?;
    Ok(path.rsplit('\\').next().unwrap_or_default().to_owned())
}

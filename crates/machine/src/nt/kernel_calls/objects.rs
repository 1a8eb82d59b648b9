//! Objects that drivers make and name, and objects of programs that they hold.

use super::{Answer, KernelRequest, answer};
use crate::memory::NtStatus;
use crate::nt::objects::{Body, ObjectId};
use crate::nt::{Done, System, services, status};

/// Kinds of `HostInsertObject`.
const DEVICE: u32 = 1;

/// `HostInsertObject(Kind, Body, Name)`: a device or driver gets its name; a device may have none.
pub(super) fn insert(system: &mut System, request: &KernelRequest) -> Answer {
    let [kind, body, name, ..] = request.arguments;
    answer(system.insert_driver_object(kind, body, name))
}

/// `HostRemoveObject(Body)`.
pub(super) fn remove(system: &mut System, request: &KernelRequest) -> Answer {
    if let Some(object) = system.ring0.bodies.remove(&request.arguments[0]) {
        system.leave_room(object);
        system.release_object(object);
    }
    Answer::Value(0)
}

/// `IoCreateSymbolicLink(Link, Target)`.
pub(super) fn create_link(system: &mut System, request: &KernelRequest) -> Answer {
    let [link, target, ..] = request.arguments;
    answer(system.create_driver_link(link, target))
}

/// `IoDeleteSymbolicLink(Link)`.
pub(super) fn delete_link(system: &mut System, request: &KernelRequest) -> Answer {
    answer(system.delete_driver_link(request.arguments[0]))
}

/// `ObReferenceObjectByHandle(Handle, Access, Type, Mode, Object, Information)`. The type is not looked at.
pub(super) fn reference_by_handle(system: &mut System, request: &KernelRequest) -> Answer {
    let [handle, _, _, _, out, ..] = request.arguments;
    let pointer = system.reference_by_handle(request, handle);
    answer(pointer.and_then(|pointer| {
        system.write_system(out, &pointer.to_le_bytes())?;
        Ok(status::SUCCESS)
    }))
}

/// `ObfDereferenceObject(Object)`.
pub(super) fn dereference(system: &mut System, request: &KernelRequest) -> Answer {
    system.dereference_pointer(request.ecx);
    Answer::Value(0)
}

/// `ZwClose(Handle)`.
pub(super) fn close(system: &mut System, request: &KernelRequest) -> Answer {
    let mut call = request.call();
    call.arguments[0] = request.arguments[0];
    call.number = services::service_by_name("NtClose").map_or(0, |service| service.number);
    match system.handle(call.number, &call) {
        Ok(Done::Status(status)) | Err(status) => Answer::Value(status.0),
        Ok(Done::Later) => Answer::Later,
    }
}

/// A name of the Win32 name space as the object manager has it.
fn linked_name(name: String) -> String {
    match name.split_at_checked("\\DosDevices\\".len()) {
        Some((front, rest)) if front.eq_ignore_ascii_case("\\DosDevices\\") => format!("\\??\\{rest}"),
        _ => name,
    }
}

impl System {
    fn insert_driver_object(&mut self, kind: u32, body: u32, name: u32) -> Result<NtStatus, NtStatus> {
        let name = if name == 0 { None } else { Some(self.read_system_string(name)?) };
        if let Some(name) = &name {
            if self.objects.find("\\Driver").is_none() {
                let directory = self.make_object(Body::Directory)?;
                self.name_object(directory, "\\Driver")?;
            }
            if self.objects.find(name).is_some() {
                return Err(status::OBJECT_NAME_COLLISION);
            }
        }
        let object = self.make_object(if kind == DEVICE { Body::Device(body) } else { Body::Driver(body) })?;
        if let Some(name) = name
            && let Err(status) = self.name_object(object, &name)
        {
            self.leave_room(object);
            self.release_object(object);
            return Err(status);
        }
        self.ring0.bodies.insert(body, object);
        Ok(status::SUCCESS)
    }

    fn create_driver_link(&mut self, link: u32, target: u32) -> Result<NtStatus, NtStatus> {
        let link = linked_name(self.read_system_string(link)?);
        let target = self.read_system_string(target)?;
        if self.objects.find(&link).is_some() {
            return Err(status::OBJECT_NAME_COLLISION);
        }
        let object = self.make_object(Body::SymbolicLink(target))?;
        self.name_object(object, &link).inspect_err(|_| self.release_object(object))?;
        Ok(status::SUCCESS)
    }

    fn delete_driver_link(&mut self, link: u32) -> Result<NtStatus, NtStatus> {
        let link = linked_name(self.read_system_string(link)?);
        let object = self.objects.find(&link).ok_or(status::OBJECT_NAME_NOT_FOUND)?;
        if !matches!(self.objects.body(object), Some(Body::SymbolicLink(_))) {
            return Err(status::OBJECT_TYPE_MISMATCH);
        }
        self.release_object(object);
        Ok(status::SUCCESS)
    }

    /// The pointer by which a driver knows what a handle names; it holds a reference.
    fn reference_by_handle(&mut self, request: &KernelRequest, handle: u32) -> Result<u32, NtStatus> {
        let object = self.entry_by_handle(&request.call(), handle)?.object;
        let pointer = self.object_pointer(object)?;
        self.reference_object(object);
        Ok(pointer)
    }

    /// Where drivers see an object: its body.
    fn object_pointer(&mut self, object: ObjectId) -> Result<u32, NtStatus> {
        let known = self.ring0.bodies.iter().find(|(_, known)| **known == object).map(|(pointer, _)| *pointer);
        if let Some(pointer) = known {
            return Ok(pointer);
        }
        let pointer = match self.objects.body(object) {
            Some(Body::Process(process)) => self.processes[process.0].block.va(0),
            Some(Body::Thread(thread)) => self.threads[thread.0].block.va(0),
            Some(Body::DeviceFile(file)) => *file,
            Some(_) => self.objects.get(object).map_or(0, |object| object.place.body().va(0)),
            None => return Err(status::INVALID_HANDLE),
        };
        self.ring0.bodies.insert(pointer, object);
        Ok(pointer)
    }

    fn dereference_pointer(&mut self, pointer: u32) {
        let Some(object) = self.ring0.bodies.get(&pointer).copied() else { return };
        let is_last = self.objects.get(object).is_some_and(|object| object.references <= 1);
        if is_last {
            self.ring0.bodies.remove(&pointer);
        }
        self.release_object(object);
    }
}

//! Files, pipes and the console: one call of [`Files`] for one system call here.

use crate::files::{
    Answer, CreateRequest, Created, DirectoryQuery, FileHandle, FileNumber, LockRange, ObjectName, PipeRequest,
};
use crate::memory::{FileIdentity, NtStatus};
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::calls::named::Attributes;
use crate::nt::dispatcher::WaitRequest;
use crate::nt::objects::{Body, ObjectId, ObjectType};
use crate::nt::thread::WaitReason;
use crate::nt::{Done, PendingFile, Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtCreateFile", create_file),
    ("NtOpenFile", open_file),
    ("NtReadFile", read_file),
    ("NtWriteFile", write_file),
    ("NtFlushBuffersFile", flush_buffers_file),
    ("NtQueryInformationFile", query_information_file),
    ("NtSetInformationFile", set_information_file),
    ("NtQueryVolumeInformationFile", query_volume_information_file),
    ("NtQueryAttributesFile", |system, call| query_attributes(system, call, false)),
    ("NtQueryFullAttributesFile", |system, call| query_attributes(system, call, true)),
    ("NtQueryDirectoryFile", query_directory_file),
    ("NtDeleteFile", delete_file),
    ("NtLockFile", lock_file),
    ("NtUnlockFile", unlock_file),
    ("NtFsControlFile", control_file),
    ("NtDeviceIoControlFile", control_file),
    ("NtCreateNamedPipeFile", create_named_pipe_file),
    ("NtCancelIoFile", cancel_io_file),
];

/// Bytes that one call moves at most between a program and a file; more is refused as on a system short of memory.
const MOST_BYTES: u32 = 64 << 20;
/// Units of a name in a query.
const MOST_PATTERN: u16 = 0x1000;
/// `FSCTL_PIPE_WAIT`, whose input says how long.
const PIPE_WAIT: u32 = 0x0011_0018;

impl System {
    /// The file object of a handle, with the access of the handle.
    pub(crate) fn file_by_handle(&self, call: &Call, handle: u32) -> Result<FileHandle, NtStatus> {
        let entry = self.entry_by_handle(call, handle)?;
        match self.objects.body(entry.object) {
            Some(Body::File(file)) => Ok(FileHandle { file: *file, granted: entry.access }),
            Some(_) => Err(status::OBJECT_TYPE_MISMATCH),
            None => Err(status::INVALID_HANDLE),
        }
    }

    /// The object of a file that was just opened, which is closed when there is no room.
    fn make_file_object(&mut self, file: FileNumber) -> Result<ObjectId, NtStatus> {
        self.make_object(Body::File(file)).inspect_err(|_| {
            self.files.borrow_mut().cleanup(file);
            self.files.borrow_mut().close(file);
        })
    }

    /// A handle for a file object that was just made.
    pub(crate) fn open_created(
        &mut self,
        process: crate::nt::ProcessIndex,
        created: &Created,
    ) -> Result<u32, NtStatus> {
        let object = self.make_file_object(created.file)?;
        self.open_new(process, object, created.granted)
    }

    /// The name in `OBJECT_ATTRIBUTES` and the file object to which it is relative.
    fn file_name(&self, call: &Call, attributes: &Attributes) -> Result<(Option<FileNumber>, Vec<u16>), NtStatus> {
        let root = match attributes.root {
            0 => None,
            handle => Some(self.file_by_handle(call, handle)?.file),
        };
        let name = attributes.name.as_deref().unwrap_or_default();
        Ok((root, name.encode_utf16().collect()))
    }

    /// `IO_STATUS_BLOCK`.
    fn write_status_block(&mut self, call: &Call, at: u32, status: NtStatus, count: u32) -> Result<(), NtStatus> {
        self.write_u32(call.space, at, status.0)?;
        self.write_u32(call.space, at.wrapping_add(4), count)
    }

    /// Bytes for the program's buffer and the status block; the event of the call is set.
    fn finish(&mut self, call: &Call, (block, buffer, event): (u32, u32, u32), answer: &Answer) -> Reply {
        self.write_user(call.space, buffer, &answer.bytes)?;
        self.complete(call, (block, event), answer.status, answer.bytes.len() as u32)
    }

    fn complete(&mut self, call: &Call, (block, event): (u32, u32), status: NtStatus, count: u32) -> Reply {
        self.write_status_block(call, block, status, count)?;
        self.count_transfer(call, count);
        if event != 0 {
            let object = self.object_by_handle(call, event, ObjectType::Event)?;
            self.set_event(object);
        }
        Ok(Done::Status(status))
    }

    /// The call is made again when the file object is ready; until then its thread waits. Our choice: also for file
    /// objects that were not opened for synchronous calls.
    fn wait_for_file(&mut self, call: &Call, file: FileNumber, timeout: Option<i64>) -> Reply {
        let again = self.pending_files.iter().any(|pending| pending.call.thread == call.thread);
        if !again {
            self.pending_files.push(PendingFile { file, call: *call });
            let request = WaitRequest {
                is_all: false,
                is_alertable: false,
                timeout,
                reason: WaitReason::UserRequest,
                on_timeout: status::IO_TIMEOUT,
            };
            self.begin_wait(call.thread, &request);
        }
        Ok(Done::Later)
    }

    /// Makes the calls again that wait for files; only those that are ready, or all.
    pub(crate) fn retry_files(&mut self, is_all: bool) {
        let ready = self.files.borrow_mut().take_ready();
        if self.pending_files.is_empty() || ready.is_empty() && !is_all {
            return;
        }
        let waiting = std::mem::take(&mut self.pending_files);
        let (due, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|pending| is_all || ready.contains(&pending.file));
        self.pending_files = rest;
        for pending in due {
            self.pending_files.push(pending);
            let reply = self.handle(pending.call.number, &pending.call);
            if let Ok(Done::Status(status)) | Err(status) = reply {
                self.pending_files.retain(|other| other.call.thread != pending.call.thread);
                self.end_wait(pending.call.thread, status, 1);
            }
        }
    }
}

/// `NtCreateFile(Handle, Access, Attributes, StatusBlock, AllocationSize, FileAttributes, Share, Disposition, Options,
/// EaBuffer, EaLength)`.
fn create_file(system: &mut System, call: &Call) -> Reply {
    let [_, access, _, _, size, attributes, share, disposition, options, ea, ..] = call.arguments;
    if ea != 0 {
        return Err(status::EAS_NOT_SUPPORTED);
    }
    if size != 0 {
        system.read_i64(call.space, size)?;
    }
    create(system, call, &CreateRequest { access, attributes, share, disposition, options })
}

/// `NtOpenFile(Handle, Access, Attributes, StatusBlock, Share, Options)`.
fn open_file(system: &mut System, call: &Call) -> Reply {
    let [_, access, _, _, share, options, ..] = call.arguments;
    create(system, call, &CreateRequest { access, attributes: 0, share, disposition: 1, options })
}

fn create(system: &mut System, call: &Call, request: &CreateRequest) -> Reply {
    let [out, _, attributes, block, ..] = call.arguments;
    system.probe_write(call.space, out, 4)?;
    system.probe_write(call.space, block, 8)?;
    let attributes = system.read_attributes(call, attributes)?;
    let wanted = (request.access, request.share, request.options);
    if let Some(reply) = system.open_device(call, &attributes, wanted) {
        return reply;
    }
    let (root, name) = system.file_name(call, &attributes)?;
    let created = system.files.borrow_mut().create(ObjectName { root, name: &name }, request);
    let is_nowhere =
        |status: &NtStatus| [status::OBJECT_NAME_NOT_FOUND, status::OBJECT_PATH_NOT_FOUND].contains(status);
    if created.as_ref().is_err_and(is_nowhere) && system.load_driver_of(call, &attributes) {
        return Ok(Done::Later);
    }
    let created = created?;
    give(system, call, (out, block, attributes.flags), &created)
}

fn give(system: &mut System, call: &Call, (out, block, flags): (u32, u32, u32), created: &Created) -> Reply {
    let object = system.make_file_object(created.file)?;
    let given = system.give_handle(call, (out, created.granted, flags), object);
    system.release_object(object);
    given?;
    system.write_status_block(call, block, status::SUCCESS, created.information)?;
    SUCCESS
}

fn read_offset(system: &mut System, call: &Call, at: u32) -> Result<Option<i64>, NtStatus> {
    if at == 0 { Ok(None) } else { system.read_i64(call.space, at).map(Some) }
}

/// `NtReadFile(Handle, Event, ApcRoutine, ApcContext, StatusBlock, Buffer, Length, ByteOffset, Key)`.
fn read_file(system: &mut System, call: &Call) -> Reply {
    let [handle, event, _, _, block, buffer, length, offset, ..] = call.arguments;
    if let Some(device) = system.device_file(call, handle) {
        return system.transfer_device(call, device, false);
    }
    let file = system.file_by_handle(call, handle)?;
    system.probe_write(call.space, block, 8)?;
    if length > MOST_BYTES {
        return Err(status::INSUFFICIENT_RESOURCES);
    }
    system.probe_write(call.space, buffer, length)?;
    let offset = read_offset(system, call, offset)?;
    system.flush_mapped(file.file)?;
    let answer = system.files.borrow_mut().read(file, offset, length)?;
    if answer.status == status::PENDING {
        return system.wait_for_file(call, file.file, None);
    }
    let reply = system.finish(call, (block, buffer, event), &answer);
    system.retry_files(false);
    reply
}

/// `NtWriteFile(Handle, Event, ApcRoutine, ApcContext, StatusBlock, Buffer, Length, ByteOffset, Key)`.
fn write_file(system: &mut System, call: &Call) -> Reply {
    let [handle, event, _, _, block, buffer, length, offset, ..] = call.arguments;
    if let Some(device) = system.device_file(call, handle) {
        return system.transfer_device(call, device, true);
    }
    let file = system.file_by_handle(call, handle)?;
    system.probe_write(call.space, block, 8)?;
    if length > MOST_BYTES {
        return Err(status::INSUFFICIENT_RESOURCES);
    }
    let bytes = system.read_vec(call.space, buffer, length as usize)?;
    let offset = read_offset(system, call, offset)?;
    let position = system.position_before(file, offset);
    let written = system.files.borrow_mut().write(file, offset, &bytes)?;
    if written.status == status::PENDING {
        return system.wait_for_file(call, file.file, None);
    }
    system.show_written(file.file, position, &bytes);
    let reply = system.complete(call, (block, event), written.status, written.bytes);
    system.retry_files(false);
    reply
}

/// `NtFlushBuffersFile(Handle, StatusBlock)`.
fn flush_buffers_file(system: &mut System, call: &Call) -> Reply {
    let [handle, block, ..] = call.arguments;
    let file = system.file_by_handle(call, handle)?;
    system.files.borrow_mut().flush(file)?;
    system.complete(call, (block, 0), status::SUCCESS, 0)
}

/// `NtQueryInformationFile(Handle, StatusBlock, Buffer, Length, Class)`.
fn query_information_file(system: &mut System, call: &Call) -> Reply {
    let [handle, block, buffer, length, class, ..] = call.arguments;
    let file = system.file_by_handle(call, handle)?;
    let answer = system.files.borrow_mut().query_information(file, class, length)?;
    system.finish(call, (block, buffer, 0), &answer)
}

/// `NtQueryVolumeInformationFile(Handle, StatusBlock, Buffer, Length, Class)`.
fn query_volume_information_file(system: &mut System, call: &Call) -> Reply {
    let [handle, block, buffer, length, class, ..] = call.arguments;
    let file = system.file_by_handle(call, handle)?;
    let answer = system.files.borrow_mut().query_volume(file, class, length)?;
    system.finish(call, (block, buffer, 0), &answer)
}

/// `NtSetInformationFile(Handle, StatusBlock, Buffer, Length, Class)`.
fn set_information_file(system: &mut System, call: &Call) -> Reply {
    const RENAME: u32 = 10;
    let [handle, block, buffer, length, class, ..] = call.arguments;
    let file = system.file_by_handle(call, handle)?;
    if length > u32::from(u16::MAX) {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    let bytes = system.read_vec(call.space, buffer, length as usize)?;
    let root = bytes.get(4..8).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_le_bytes(*word));
    let root = match (class, root) {
        (RENAME, 1..) => Some(system.file_by_handle(call, root)?.file),
        _ => None,
    };
    system.files.borrow_mut().set_information(file, class, &bytes, root)?;
    system.complete(call, (block, 0), status::SUCCESS, 0)
}

/// `NtQueryAttributesFile(Attributes, Buffer)`.
fn query_attributes(system: &mut System, call: &Call, is_full: bool) -> Reply {
    let [attributes, buffer, ..] = call.arguments;
    let attributes = system.read_attributes(call, attributes)?;
    let (root, name) = system.file_name(call, &attributes)?;
    let bytes = system.files.borrow_mut().query_attributes(ObjectName { root, name: &name }, is_full)?;
    system.write_user(call.space, buffer, &bytes)?;
    SUCCESS
}

/// `NtQueryDirectoryFile(Handle, Event, ApcRoutine, ApcContext, StatusBlock, Buffer, Length, Class, ReturnSingleEntry,
/// FileName, RestartScan)`.
fn query_directory_file(system: &mut System, call: &Call) -> Reply {
    let [handle, event, _, _, block, buffer, length, class, is_single, pattern, restarts, ..] = call.arguments;
    let file = system.file_by_handle(call, handle)?;
    let pattern: Option<Vec<u16>> = match pattern {
        0 => None,
        at => {
            let length = system.read_u16(call.space, at)?.min(MOST_PATTERN);
            let text = system.read_u32(call.space, at.wrapping_add(4))?;
            let bytes = system.read_vec(call.space, text, usize::from(length & !1))?;
            Some(bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect())
        }
    };
    let query = DirectoryQuery {
        class,
        length,
        is_single: is_single & 0xff != 0,
        restarts: restarts & 0xff != 0,
        pattern: pattern.as_deref(),
    };
    let answer = system.files.borrow_mut().query_directory(file, &query)?;
    system.finish(call, (block, buffer, event), &answer)
}

/// `NtDeleteFile(Attributes)`: opened to be deleted on close.
fn delete_file(system: &mut System, call: &Call) -> Reply {
    const DELETE: u32 = 0x1_0000;
    const DELETE_ON_CLOSE: u32 = 0x1000;
    let attributes = system.read_attributes(call, call.arguments[0])?;
    let (root, name) = system.file_name(call, &attributes)?;
    let request = CreateRequest { access: DELETE, attributes: 0, share: 7, disposition: 1, options: DELETE_ON_CLOSE };
    let created = system.files.borrow_mut().create(ObjectName { root, name: &name }, &request)?;
    system.files.borrow_mut().close(created.file);
    SUCCESS
}

fn lock_range(system: &mut System, call: &Call, (offset, length, key): (u32, u32, u32)) -> Result<LockRange, NtStatus> {
    let offset = system.read_i64(call.space, offset)? as u64;
    let length = system.read_i64(call.space, length)? as u64;
    Ok(LockRange { offset, length, key })
}

/// `NtLockFile(Handle, Event, ApcRoutine, ApcContext, StatusBlock, Offset, Length, Key, FailImmediately, Exclusive)`.
/// Our choice: a lock that is not to fail at once fails, too.
fn lock_file(system: &mut System, call: &Call) -> Reply {
    let [handle, event, _, _, block, offset, length, key, _, is_exclusive, ..] = call.arguments;
    let file = system.file_by_handle(call, handle)?;
    let range = lock_range(system, call, (offset, length, key))?;
    system.files.borrow_mut().lock(file, range, is_exclusive & 0xff != 0)?;
    system.complete(call, (block, event), status::SUCCESS, 0)
}

/// `NtUnlockFile(Handle, StatusBlock, Offset, Length, Key)`.
fn unlock_file(system: &mut System, call: &Call) -> Reply {
    let [handle, block, offset, length, key, ..] = call.arguments;
    let file = system.file_by_handle(call, handle)?;
    let range = lock_range(system, call, (offset, length, key))?;
    system.files.borrow_mut().unlock(file, range)?;
    system.complete(call, (block, 0), status::SUCCESS, 0)
}

/// `NtFsControlFile(Handle, Event, ApcRoutine, ApcContext, StatusBlock, Code, Input, InputLength, Output,
/// OutputLength)`; `NtDeviceIoControlFile` has the same arguments.
fn control_file(system: &mut System, call: &Call) -> Reply {
    let [handle, event, _, _, block, code, input, input_length, output, output_length, ..] = call.arguments;
    if let Some(device) = system.device_file(call, handle) {
        return system.control_device(call, device);
    }
    let file = system.file_by_handle(call, handle)?;
    if input_length > MOST_BYTES || output_length > MOST_BYTES {
        return Err(status::INSUFFICIENT_RESOURCES);
    }
    let bytes = system.read_vec(call.space, input, input_length as usize)?;
    let answer = system.files.borrow_mut().control(file, code, &bytes, output_length)?;
    if answer.status == status::PENDING {
        let timeout = if code == PIPE_WAIT { system.files.borrow().wait_timeout(&bytes) } else { None };
        return system.wait_for_file(call, file.file, timeout);
    }
    let reply = system.finish(call, (block, output, event), &answer);
    system.retry_files(false);
    reply
}

/// `NtCreateNamedPipeFile(Handle, Access, Attributes, StatusBlock, Share, Disposition, Options, Type, ReadMode,
/// CompletionMode, MaximumInstances, InboundQuota, OutboundQuota, DefaultTimeout)`.
fn create_named_pipe_file(system: &mut System, call: &Call) -> Reply {
    let [
        out,
        access,
        attributes,
        block,
        share,
        disposition,
        options,
        kind,
        mode,
        completion,
        most,
        inbound,
        outbound,
        timeout,
        ..,
    ] = call.arguments;
    system.probe_write(call.space, out, 4)?;
    system.probe_write(call.space, block, 8)?;
    let attributes = system.read_attributes(call, attributes)?;
    let (root, name) = system.file_name(call, &attributes)?;
    let timeout = read_offset(system, call, timeout)?;
    let create = CreateRequest { access, attributes: 0, share, disposition, options };
    let request = PipeRequest {
        create,
        pipe_type: kind,
        read_mode: mode,
        completion_mode: completion,
        most_instances: most,
        inbound_quota: inbound,
        outbound_quota: outbound,
        timeout,
    };
    let created = system.files.borrow_mut().create_pipe(ObjectName { root, name: &name }, &request)?;
    let reply = give(system, call, (out, block, attributes.flags), &created);
    system.retry_files(false);
    reply
}

/// `NtCancelIoFile(Handle, StatusBlock)`: a thread that calls has nothing that waits.
fn cancel_io_file(system: &mut System, call: &Call) -> Reply {
    let [handle, block, ..] = call.arguments;
    system.file_by_handle(call, handle)?;
    system.complete(call, (block, 0), status::SUCCESS, 0)
}

impl System {
    fn mapped_identity(&self, file: FileNumber) -> Option<FileIdentity> {
        self.files.borrow().identity(file).ok()
    }

    /// Before a call reads a file: what views changed is written.
    fn flush_mapped(&mut self, file: FileNumber) -> Result<(), NtStatus> {
        let Some(identity) = self.mapped_identity(file) else { return Ok(()) };
        let result = self.memory.flush_file(&mut self.computer.board.ram, identity);
        self.obey_flush();
        result
    }

    /// Where a write will begin, as far as views must know it.
    fn position_before(&mut self, file: FileHandle, offset: Option<i64>) -> Option<u64> {
        const POSITION: u32 = 14;
        const STANDARD: u32 = 5;
        let identity = self.mapped_identity(file.file)?;
        if !self.memory.is_mapped(identity, false) {
            return None;
        }
        let mut files = self.files.borrow_mut();
        let mut number = |class, length, at: usize| {
            let answer = files.query_information(file, class, length).ok()?;
            answer.bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u64::from_le_bytes(*bytes))
        };
        match offset {
            Some(-1) => number(STANDARD, 24, 8),
            Some(offset) if offset >= 0 => u64::try_from(offset).ok(),
            _ => number(POSITION, 8, 0),
        }
    }

    /// After a call wrote a file: views show it.
    fn show_written(&mut self, file: FileNumber, position: Option<u64>, bytes: &[u8]) {
        if let (Some(position), Some(identity)) = (position, self.mapped_identity(file)) {
            self.memory.file_written(&mut self.computer.board.ram, identity, position, bytes);
        }
    }
}

//! Devices of drivers as programs see them: names, file objects, reading, writing, control.
//!
//! The kernel copies between programs and drivers (buffered input and output); what neither buffer nor memory
//! descriptor list is asked for gets the program's own addresses. Requests with memory descriptor lists (direct input
//! and output) are not there. Every request is synchronous (our choice): the thread waits until its driver is done.

use crate::files::access::map_generic;
use crate::memory::{NtStatus, PoolKind};
use crate::nt::calls::Attributes;
use crate::nt::driver::AfterLoad;
use crate::nt::objects::{Body, ObjectType};
use crate::nt::ring0::Then;
use crate::nt::user_memory::utf16;
use crate::nt::{Call, Done, Reply, System, status};
use vatlas_space::Va;

/// `IRP_MJ_*`.
const READ: u32 = 3;
const WRITE: u32 = 4;
const DEVICE_CONTROL: u32 = 0x0e;
/// `DO_BUFFERED_IO`, `DO_DIRECT_IO`.
const BUFFERED: u32 = 0x4;
const DIRECT: u32 = 0x10;
/// Where `Flags` are in a `DEVICE_OBJECT`, the device in a `FILE_OBJECT`, and its position.
const DEVICE_FLAGS: u32 = 0x1c;
const FILE_DEVICE: u32 = 0x04;
/// Bytes that one request may move.
const MOST_BYTES: u32 = 1 << 20;
/// Symbolic links that one name may lead through.
const MOST_LINKS: usize = 8;

/// A request that a driver works on.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Transfer {
    call: Call,
    block: u32,
    event: u32,
    /// The buffer of the system; 0 when there is none.
    buffer: u32,
    /// Where its bytes go in the program, and how many at most.
    output: (u32, u32),
}

/// What is asked of a driver.
struct Request {
    function: u32,
    code: u32,
    /// Buffers of the program: address and length.
    input: (u32, u32),
    output: (u32, u32),
    offset: i64,
    is_buffered: bool,
}

impl System {
    /// The device that a name leads to, and what follows the device's own name.
    fn device_by_name(&self, name: &str) -> Option<(u32, String)> {
        let mut path = name.to_owned();
        for _ in 0..MOST_LINKS {
            if let Some(rest) = strip_prefix(&path, "\\DosDevices\\") {
                path = format!("\\??\\{rest}");
            }
            let prefixes = path.char_indices().filter(|(_, c)| *c == '\\').map(|(at, _)| at).skip(1);
            let ends: Vec<usize> = prefixes.chain([path.len()]).collect();
            let found = ends.into_iter().rev().find_map(|end| {
                let body = self.objects.find(&path[..end]).and_then(|object| self.objects.body(object))?;
                matches!(body, Body::Device(_) | Body::SymbolicLink(_)).then(|| (body.clone(), path[end..].to_owned()))
            })?;
            match found {
                (Body::Device(device), rest) => return Some((device, rest)),
                (Body::SymbolicLink(target), rest) => path = target + &rest,
                _ => return None,
            }
        }
        None
    }

    /// Opens a device when the name is one's; `None` when it is not.
    pub(crate) fn open_device(
        &mut self,
        call: &Call,
        attributes: &Attributes,
        (access, share, options): (u32, u32, u32),
    ) -> Option<Reply> {
        if !self.ring0.host.is_there() || attributes.root != 0 {
            return None;
        }
        let (device, rest) = self.device_by_name(attributes.name.as_deref()?)?;
        let mut name = utf16(&rest);
        name.extend([0, 0]);
        let block = match self.pool_block(PoolKind::NonPaged, *b"IoNm", name.len() as u32) {
            Ok(block) => block,
            Err(status) => return Some(Err(status)),
        };
        self.put(block, 0, &name);
        let arguments = [device, block.va(0), map_generic(access), share, options];
        let routine = self.ring0.host.open_device();
        let mut call = *call;
        // The block of the name, given back when the device was opened.
        call.arguments[MEMO] = block.va(0);
        self.call_kernel(call.thread, routine, &arguments, Then::Opened { call });
        Some(Ok(Done::Later))
    }

    /// Loads the driver of a device that nobody knows: its name is the driver's. Whether that began.
    pub(crate) fn load_driver_of(&mut self, call: &Call, attributes: &Attributes) -> bool {
        let name = attributes.name.as_deref().and_then(|name| strip_prefix(name, "\\??\\"));
        let Some(name) = name.filter(|_| attributes.root == 0 && !self.is_in_ring0(call.thread)) else { return false };
        self.load_driver(call.thread, name, AfterLoad::Open(*call)).is_ok()
    }

    /// `IRP_MJ_CREATE` was done.
    pub(crate) fn device_opened(&mut self, call: &Call, result: NtStatus, file: u32) {
        let [out, access, attributes, status_block, ..] = call.arguments;
        self.memory.pool_free(&mut self.computer.board.ram, Va(call.arguments[MEMO].into()));
        if status::is_error(result) {
            return self.set_result(call.thread, result);
        }
        // It takes no memory: there is room before the file object.
        let Ok(object) = self.make_object(Body::DeviceFile(file)) else { return };
        let flags = self.read_attributes(call, attributes).map_or(0, |attributes| attributes.flags);
        let access = map_generic(access);
        let given = self.give_handle(call, (out, access, flags), object);
        let told = given.and_then(|()| self.write_u32(call.space, status_block, result.0));
        // FILE_OPENED.
        let told = told.and_then(|()| self.write_u32(call.space, status_block.wrapping_add(4), 1));
        if self.objects.get(object).is_some_and(|object| object.handles == 0) {
            self.leave_room(object);
            self.ring0.closing.push(file);
        }
        self.release_object(object);
        self.set_result(call.thread, told.err().unwrap_or(result));
        self.close_device_files(call.thread);
    }

    /// The file object of a device that a handle names.
    pub(crate) fn device_file(&self, call: &Call, handle: u32) -> Option<u32> {
        let entry = self.entry_by_handle(call, handle).ok()?;
        match self.objects.body(entry.object) {
            Some(Body::DeviceFile(file)) => Some(*file),
            _ => None,
        }
    }

    fn kernel_word(&self, at: u32) -> u32 {
        self.memory.read_kernel_u32(&self.computer.board.ram, Va(at.into())).unwrap_or_default()
    }

    /// `NtReadFile` and `NtWriteFile` of a device: what a driver gets depends on what its device says.
    pub(crate) fn transfer_device(&mut self, call: &Call, file: u32, is_write: bool) -> Reply {
        let [_, _, _, _, _, buffer, length, offset, ..] = call.arguments;
        let offset = if offset == 0 { 0 } else { self.read_i64(call.space, offset)? };
        let flags = self.kernel_word(self.kernel_word(file.wrapping_add(FILE_DEVICE)).wrapping_add(DEVICE_FLAGS));
        if flags & DIRECT != 0 {
            return Err(NtStatus::NOT_SUPPORTED);
        }
        let (input, output) = if is_write { ((buffer, length), (0, 0)) } else { ((0, 0), (buffer, length)) };
        let function = if is_write { WRITE } else { READ };
        let is_buffered = flags & BUFFERED != 0;
        self.ask_device(call, file, &Request { function, code: 0, input, output, offset, is_buffered })
    }

    /// `NtDeviceIoControlFile` of a device: the low two bits of the code say how buffers travel.
    pub(crate) fn control_device(&mut self, call: &Call, file: u32) -> Reply {
        let [_, _, _, _, _, code, input, input_length, output, output_length, ..] = call.arguments;
        let is_buffered = match code & 3 {
            0 => true,
            3 if self.memory.has_separate_kernel() => return Err(NtStatus::NOT_SUPPORTED),
            3 => false,
            _ => return Err(NtStatus::NOT_SUPPORTED),
        };
        let (input, output) = ((input, input_length), (output, output_length));
        self.ask_device(call, file, &Request { function: DEVICE_CONTROL, code, input, output, offset: 0, is_buffered })
    }

    fn ask_device(&mut self, call: &Call, file: u32, request: &Request) -> Reply {
        let [_, event, _, _, block, ..] = call.arguments;
        let Request { function, code, input, output, offset, is_buffered } = *request;
        self.probe_write(call.space, block, 8)?;
        if event != 0 {
            self.object_by_handle(call, event, ObjectType::Event)?;
        }
        let longest = input.1.max(output.1);
        if longest > MOST_BYTES {
            return Err(status::INSUFFICIENT_RESOURCES);
        }
        let mut buffer = 0;
        if is_buffered && longest > 0 {
            self.probe_write(call.space, output.0, output.1)?;
            let bytes = self.read_vec(call.space, input.0, input.1 as usize)?;
            let ram = &mut self.computer.board.ram;
            let at = self.memory.pool_allocate(ram, PoolKind::NonPaged, *b"Io  ", longest)?;
            self.memory.write_kernel(&mut self.computer.board.ram, at, &bytes);
            buffer = at.0 as u32;
        }
        let (direct_input, direct_output) = if is_buffered { (0, 0) } else { (input.0, output.0) };
        let (low, high) = (offset as u32, (offset >> 32) as u32);
        let arguments = [file, function, buffer, input.1, output.1, code, direct_input, direct_output, low, high];
        let routine = self.ring0.host.driver_request();
        let transfer = Transfer { call: *call, block, event, buffer, output };
        self.call_kernel(call.thread, routine, &arguments, Then::Transferred(transfer));
        Ok(Done::Later)
    }

    /// A driver is done: bytes for the program, the status block, the event.
    pub(crate) fn device_transferred(&mut self, transfer: &Transfer, result: NtStatus, count: u32) {
        let Transfer { call, event, buffer, .. } = *transfer;
        self.count_transfer(&call, count);
        let told = self.deliver(transfer, result, count);
        if buffer != 0 {
            self.memory.pool_free(&mut self.computer.board.ram, Va(buffer.into()));
            self.obey_flush();
        }
        if event != 0
            && let Ok(object) = self.object_by_handle(&call, event, ObjectType::Event)
        {
            self.set_event(object);
        }
        self.set_result(call.thread, told.err().unwrap_or(result));
    }

    fn deliver(&mut self, transfer: &Transfer, result: NtStatus, count: u32) -> Result<(), NtStatus> {
        if status::is_error(result) {
            return Ok(());
        }
        let Transfer { call, block, buffer, output, .. } = *transfer;
        if buffer != 0 {
            let mut bytes = vec![0; count.min(output.1) as usize];
            self.memory.read_kernel(&self.computer.board.ram, Va(buffer.into()), &mut bytes);
            self.write_user(call.space, output.0, &bytes)?;
        }
        self.write_u32(call.space, block, result.0)?;
        self.write_u32(call.space, block.wrapping_add(4), count)
    }
}

/// A place among the arguments of `NtCreateFile` and `NtOpenFile` that neither uses.
const MEMO: usize = 16;

/// What follows a prefix, without regard to case.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (front, rest) = text.split_at_checked(prefix.len())?;
    front.eq_ignore_ascii_case(prefix).then_some(rest)
}

//! `NtCreateNamedPipeFile` and a client's open: instances are made and found.

use crate::files::Files;
use crate::files::access::{
    FILE_ALL_ACCESS, FILE_READ_DATA, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_WRITE_DATA, map_generic,
};
use crate::files::create::{CreateRequest, Created, FILE_CREATE, FILE_OPEN, FILE_OPEN_IF, ObjectName, grant};
use crate::files::name::{Destination, fold};
use crate::files::object::Device;
use crate::files::pipe::{End, Instance, PipeEnd, PipeKind, PipeState};
use crate::files::status;
use crate::memory::NtStatus;

/// The arguments of `NtCreateNamedPipeFile`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PipeRequest {
    /// Access, sharing (which says in which directions it goes), disposition and options.
    pub create: CreateRequest,
    /// 0: bytes, 1: messages.
    pub pipe_type: u32,
    /// How the server reads: 0: bytes, 1: messages.
    pub read_mode: u32,
    /// 0: the server's calls wait, 1: they do not.
    pub completion_mode: u32,
    /// Most instances; all ones is no limit.
    pub most_instances: u32,
    /// Room for bytes to the server.
    pub inbound_quota: u32,
    /// Room for bytes to the client.
    pub outbound_quota: u32,
    /// How long a client waits for an instance, in units of 100 ns, negative from now.
    pub timeout: Option<i64>,
}

impl PipeRequest {
    fn check(&self) -> Result<(), NtStatus> {
        let share = self.create.share;
        let is_wrong = share == 0
            || share & !(FILE_SHARE_READ | FILE_SHARE_WRITE) != 0
            || ![FILE_OPEN, FILE_CREATE, FILE_OPEN_IF].contains(&self.create.disposition)
            || self.pipe_type > 1
            || self.read_mode > self.pipe_type
            || self.completion_mode > 1
            || self.most_instances == 0
            || self.timeout.is_some_and(|timeout| timeout >= 0);
        if is_wrong { Err(status::INVALID_PARAMETER) } else { self.create.check() }
    }

    /// A server that lets others only write reads itself.
    const fn configuration(&self) -> u32 {
        match self.create.share & (FILE_SHARE_READ | FILE_SHARE_WRITE) {
            FILE_SHARE_WRITE => 0,
            FILE_SHARE_READ => 1,
            _ => 2,
        }
    }
}

impl Files {
    /// Makes an instance of a pipe: the server's end, to which a client can connect at once.
    ///
    /// # Errors
    /// `INSTANCE_NOT_AVAILABLE` beyond the most instances; `ACCESS_DENIED` when the pipe exists with another type or
    /// direction; `INVALID_PARAMETER`; `OBJECT_NAME_INVALID` when the name is not that of a pipe.
    pub fn create_pipe(&mut self, name: ObjectName<'_>, request: &PipeRequest) -> Result<Created, NtStatus> {
        request.check()?;
        let Destination::Pipe(name) = self.destination(name)? else { return Err(status::OBJECT_NAME_INVALID) };
        let access = map_generic(request.create.access);
        if access == 0 {
            return Err(status::ACCESS_DENIED);
        }
        let key = fold(&name);
        let instances = self.pipes.instances.values().filter(|instance| instance.key == key).count();
        let (has_messages, configuration) = (request.pipe_type == 1, request.configuration());
        let information = match self.pipes.kinds.get(&key) {
            None if request.create.disposition == FILE_OPEN => return Err(status::OBJECT_NAME_NOT_FOUND),
            None => {
                let (timeout, most_instances) = (request.timeout.unwrap_or(-500_000), request.most_instances);
                let kind = PipeKind { name, has_messages, configuration, most_instances, timeout };
                self.pipes.kinds.insert(key.clone(), kind);
                2
            }
            Some(kind) => {
                let is_full = usize::try_from(kind.most_instances).is_ok_and(|most| instances >= most);
                if is_full {
                    return Err(status::INSTANCE_NOT_AVAILABLE);
                }
                let is_other = kind.has_messages != has_messages || kind.configuration != configuration;
                if request.create.disposition == FILE_CREATE || is_other {
                    return Err(status::ACCESS_DENIED);
                }
                FILE_OPEN
            }
        };
        Ok(self.add_instance(key, request, grant(access, 0), information))
    }

    fn add_instance(&mut self, key: String, request: &PipeRequest, granted: u32, information: u32) -> Created {
        let pipes = &mut self.pipes;
        while pipes.instances.contains_key(&pipes.next) {
            pipes.next = pipes.next.wrapping_add(1);
        }
        let number = pipes.next;
        pipes.next = pipes.next.wrapping_add(1);
        let mut server = End::new(request.inbound_quota);
        server.set_modes(request.read_mode == 1, request.completion_mode == 1);
        let client = End::new(request.outbound_quota);
        pipes.instances.insert(number, Instance { key, state: PipeState::Listening, server, client });
        pipes.ready.append(&mut pipes.waiting);
        let device = Device::Pipe(PipeEnd { instance: number, is_server: true });
        let created = self.created(device, &request.create, granted, information);
        if let Some(instance) = self.pipes.instances.get_mut(&number) {
            instance.server.file = Some(created.file);
        }
        created
    }

    /// A client opens a pipe by name: the first instance that listens is its own from now on.
    pub(crate) fn open_pipe(&mut self, name: &str, request: &CreateRequest, access: u32) -> Result<Created, NtStatus> {
        let key = fold(name);
        let kind = self.pipes.kinds.get(&key).ok_or(status::OBJECT_NAME_NOT_FOUND)?;
        let denied = match kind.configuration {
            0 => FILE_READ_DATA,
            1 => FILE_WRITE_DATA,
            _ => 0,
        };
        if access & denied != 0 {
            return Err(status::ACCESS_DENIED);
        }
        let listens = |instance: &Instance| instance.key == key && instance.state == PipeState::Listening;
        let found = self.pipes.instances.iter().find(|(_, instance)| listens(instance)).map(|(number, _)| *number);
        let number = found.ok_or(status::PIPE_NOT_AVAILABLE)?;
        let device = Device::Pipe(PipeEnd { instance: number, is_server: false });
        let created = self.created(device, request, grant(access, denied) & FILE_ALL_ACCESS, FILE_OPEN);
        if let Some(instance) = self.pipes.instances.get_mut(&number) {
            instance.state = PipeState::Connected;
            instance.client.file = Some(created.file);
            instance.client.set_modes(false, false);
            self.pipes.ready.extend(instance.server.file);
        }
        Ok(created)
    }
}

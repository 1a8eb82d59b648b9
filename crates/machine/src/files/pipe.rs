//! Pipes: instances with two ends and a queue in each direction. What must wait is told, never waited for.

use crate::files::object::FileNumber;
use crate::files::raw::Raw;
use crate::files::status;
use crate::files::transfer::{Answer, Written};
use crate::memory::NtStatus;
use std::collections::{BTreeMap, VecDeque};

/// Room of a queue when none is asked for, and the most that is given.
const USUAL_QUOTA: u32 = 4096;
const MOST_QUOTA: u32 = 1 << 20;
/// Most messages that wait in a queue: empty ones need no room.
const MOST_MESSAGES: usize = 1 << 16;

/// One of the two ends of an instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct PipeEnd {
    pub(crate) instance: u32,
    pub(crate) is_server: bool,
}

/// `FILE_PIPE_DISCONNECTED_STATE` to `FILE_PIPE_CLOSING_STATE`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum PipeState {
    Disconnected = 1,
    Listening = 2,
    Connected = 3,
    Closing = 4,
}

/// Bytes on their way to one end, and where messages end in them.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Queue {
    bytes: VecDeque<u8>,
    /// Lengths of the messages; empty in a pipe of bytes.
    messages: VecDeque<usize>,
    quota: u32,
}

/// What one end chose, and what comes to it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct End {
    pub(crate) file: Option<FileNumber>,
    incoming: Queue,
    reads_messages: bool,
    /// `FILE_PIPE_COMPLETE_OPERATION`: calls never wait.
    is_immediate: bool,
}

/// What all instances of a name have in common.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct PipeKind {
    pub(crate) name: String,
    pub(crate) has_messages: bool,
    /// 0: to the server, 1: to the client, 2: both.
    pub(crate) configuration: u32,
    pub(crate) most_instances: u32,
    /// How long a client waits when it does not say; a relative time is negative.
    pub(crate) timeout: i64,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Instance {
    /// Folded name.
    pub(crate) key: String,
    pub(crate) state: PipeState,
    pub(crate) server: End,
    pub(crate) client: End,
}

/// All pipes.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Pipes {
    pub(crate) kinds: BTreeMap<String, PipeKind>,
    pub(crate) instances: BTreeMap<u32, Instance>,
    pub(crate) next: u32,
    pub(crate) ready: Vec<FileNumber>,
    /// Handles of the pipe device that wait for an instance.
    pub(crate) waiting: Vec<FileNumber>,
}

impl End {
    /// An end to which `quota` bytes can be on their way.
    pub(crate) fn new(quota: u32) -> Self {
        let quota = if quota == 0 { USUAL_QUOTA } else { quota.min(MOST_QUOTA) };
        let incoming = Queue { quota, ..Queue::default() };
        Self { file: None, incoming, reads_messages: false, is_immediate: false }
    }

    pub(crate) const fn set_modes(&mut self, reads_messages: bool, is_immediate: bool) {
        (self.reads_messages, self.is_immediate) = (reads_messages, is_immediate);
    }

    pub(crate) const fn is_immediate(&self) -> bool {
        self.is_immediate
    }

    pub(crate) fn empty(&mut self) {
        self.incoming.bytes.clear();
        self.incoming.messages.clear();
    }
}

impl Queue {
    fn room(&self) -> usize {
        usize::try_from(self.quota).unwrap_or(usize::MAX).saturating_sub(self.bytes.len())
    }

    fn has_something(&self) -> bool {
        !self.bytes.is_empty() || !self.messages.is_empty()
    }

    /// Takes bytes across the ends of messages.
    fn take_bytes(&mut self, length: usize) -> Vec<u8> {
        let mut left = length.min(self.bytes.len());
        let bytes = self.bytes.drain(..left).collect();
        while let Some(first) = self.messages.front_mut() {
            if *first > left {
                *first -= left;
                break;
            }
            left -= *first;
            self.messages.pop_front();
        }
        bytes
    }

    /// Takes of the first message what fits; the rest stays for the next read.
    fn take_message(&mut self, length: usize) -> Answer {
        let Some(first) = self.messages.front_mut() else { return Answer::success(self.take_bytes(length)) };
        let taken = length.min(*first);
        let bytes = self.bytes.drain(..taken.min(self.bytes.len())).collect();
        *first -= taken;
        if *first > 0 {
            return Answer { status: status::BUFFER_OVERFLOW, bytes };
        }
        self.messages.pop_front();
        Answer::success(bytes)
    }

    /// Bytes taken in: of a message all or none, unless nothing else waits, when its size does not matter.
    fn put(&mut self, bytes: &[u8], is_message: bool) -> usize {
        if !is_message {
            let taken = self.room().min(bytes.len());
            self.bytes.extend(&bytes[..taken]);
            return taken;
        }
        if self.has_something() && (self.room() < bytes.len() || self.messages.len() >= MOST_MESSAGES) {
            return 0;
        }
        self.bytes.extend(bytes);
        self.messages.push_back(bytes.len());
        bytes.len()
    }
}

impl Instance {
    fn end(&mut self, end: PipeEnd) -> (&mut End, &mut End) {
        if end.is_server { (&mut self.server, &mut self.client) } else { (&mut self.client, &mut self.server) }
    }

    /// Why a call fails that needs another end. After the other end is closed, reading and writing differ.
    const fn check(&self, closing: NtStatus) -> Result<(), NtStatus> {
        match self.state {
            PipeState::Connected => Ok(()),
            PipeState::Listening => Err(status::PIPE_LISTENING),
            PipeState::Disconnected => Err(status::PIPE_DISCONNECTED),
            PipeState::Closing => Err(closing),
        }
    }
}

impl Pipes {
    pub(crate) fn take_ready(&mut self) -> Vec<FileNumber> {
        std::mem::take(&mut self.ready)
    }

    pub(crate) fn instance(&mut self, end: PipeEnd) -> Result<&mut Instance, NtStatus> {
        self.instances.get_mut(&end.instance).ok_or(status::PIPE_DISCONNECTED)
    }

    fn kind(&self, end: PipeEnd) -> Result<(&PipeKind, &Instance), NtStatus> {
        let instance = self.instances.get(&end.instance).ok_or(status::PIPE_DISCONNECTED)?;
        Ok((self.kinds.get(&instance.key).ok_or(status::PIPE_DISCONNECTED)?, instance))
    }

    /// Reads what is there; `PENDING` when nothing is and something may come.
    pub(crate) fn read(&mut self, end: PipeEnd, length: u32) -> Result<Answer, NtStatus> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let instance = self.instance(end)?;
        let checked = instance.check(status::PIPE_BROKEN);
        let (own, other) = instance.end(end);
        if !own.incoming.has_something() {
            checked?;
            return if own.is_immediate { Err(status::PIPE_EMPTY) } else { Ok(Answer::pending()) };
        }
        let answer = if own.reads_messages {
            own.incoming.take_message(length)
        } else {
            Answer::success(own.incoming.take_bytes(length))
        };
        let writer = other.file;
        self.ready.extend(writer);
        Ok(answer)
    }

    /// Writes what has room; `PENDING` with the number of bytes taken when the rest must wait.
    pub(crate) fn write(&mut self, end: PipeEnd, bytes: &[u8]) -> Result<Written, NtStatus> {
        let has_messages = self.kind(end)?.0.has_messages;
        let instance = self.instance(end)?;
        instance.check(status::PIPE_CLOSING)?;
        let (own, other) = instance.end(end);
        let taken = other.incoming.put(bytes, has_messages);
        let is_done = taken == bytes.len() && (taken > 0 || other.incoming.has_something() || !has_messages);
        let reader = other.file.filter(|_| taken > 0 || is_done);
        let status = if is_done || own.is_immediate { status::SUCCESS } else { status::PENDING };
        self.ready.extend(reader);
        Ok(Written { status, ..Written::all(taken) })
    }

    /// One end is closed: the other reads what is left and then finds the pipe broken.
    pub(crate) fn close(&mut self, end: PipeEnd) {
        let Ok(instance) = self.instance(end) else { return };
        let (own, other) = instance.end(end);
        own.file = None;
        own.empty();
        let other = other.file;
        if instance.state == PipeState::Connected {
            instance.state = PipeState::Closing;
        }
        self.ready.extend(other);
        if other.is_none() {
            self.remove(end.instance);
        }
    }

    fn remove(&mut self, number: u32) {
        if let Some(instance) = self.instances.remove(&number)
            && !self.instances.values().any(|other| other.key == instance.key)
        {
            self.kinds.remove(&instance.key);
            self.ready.append(&mut self.waiting);
        }
    }

    /// `FILE_PIPE_INFORMATION`.
    pub(crate) fn modes(&self, end: PipeEnd) -> Result<Raw, NtStatus> {
        let (_, instance) = self.kind(end)?;
        let own = if end.is_server { &instance.server } else { &instance.client };
        Ok(Raw::default().u32(u32::from(own.reads_messages)).u32(u32::from(own.is_immediate)))
    }

    /// Sets what `FILE_PIPE_INFORMATION` says.
    pub(crate) fn set_modes(&mut self, end: PipeEnd, read_mode: u32, completion: u32) -> Result<(), NtStatus> {
        let has_messages = self.kind(end)?.0.has_messages;
        if read_mode > 1 || completion > 1 || read_mode == 1 && !has_messages {
            return Err(status::INVALID_PARAMETER);
        }
        self.instance(end)?.end(end).0.set_modes(read_mode == 1, completion == 1);
        Ok(())
    }

    /// `FILE_PIPE_LOCAL_INFORMATION`.
    pub(crate) fn describe(&self, end: PipeEnd) -> Result<Raw, NtStatus> {
        let (kind, instance) = self.kind(end)?;
        let instances = self.instances.values().filter(|other| other.key == instance.key).count();
        let (inbound, outbound) = (&instance.server.incoming, &instance.client.incoming);
        let (to_read, to_write) = if end.is_server { (inbound, outbound) } else { (outbound, inbound) };
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let raw = Raw::default().u32(u32::from(kind.has_messages)).u32(kind.configuration).u32(kind.most_instances);
        let raw = raw.u32(number(instances)).u32(inbound.quota).u32(number(to_read.bytes.len())).u32(outbound.quota);
        Ok(raw.u32(number(to_write.room())).u32(instance.state as u32).u32(u32::from(end.is_server)))
    }

    /// Name, quotas together, bytes to read.
    pub(crate) fn facts(&self, end: PipeEnd) -> Result<(&str, u32, u32), NtStatus> {
        let (kind, instance) = self.kind(end)?;
        let (server, client) = (&instance.server.incoming, &instance.client.incoming);
        let available = if end.is_server { server.bytes.len() } else { client.bytes.len() };
        let quota = server.quota.saturating_add(client.quota);
        Ok((&kind.name, quota, u32::try_from(available).unwrap_or(u32::MAX)))
    }

    /// `FSCTL_PIPE_PEEK`: state, bytes and messages there, length of the first message, and what fits of it.
    pub(crate) fn peek(&mut self, end: PipeEnd, length: u32) -> Result<Answer, NtStatus> {
        let instance = self.instance(end)?;
        let state = instance.state;
        let queue = &instance.end(end).0.incoming;
        match state {
            PipeState::Closing if !queue.has_something() => return Err(status::PIPE_BROKEN),
            PipeState::Connected | PipeState::Closing => {}
            PipeState::Listening | PipeState::Disconnected => return Err(status::INVALID_PIPE_STATE),
        }
        if length < 16 {
            return Err(status::INVALID_PARAMETER);
        }
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let first = queue.messages.front().copied();
        let raw = Raw::default().u32(state as u32).u32(number(queue.bytes.len()));
        let mut raw = raw.u32(number(queue.messages.len())).u32(number(first.unwrap_or(0)));
        let shown = first.unwrap_or(queue.bytes.len()).min(usize::try_from(length - 16).unwrap_or(0));
        raw.0.extend(queue.bytes.iter().take(shown));
        let is_all = shown >= queue.bytes.len();
        Ok(Answer { status: if is_all { status::SUCCESS } else { status::BUFFER_OVERFLOW }, bytes: raw.0 })
    }
}

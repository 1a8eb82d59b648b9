//! The host as the machine has it: its answers go into a log while there are checkpoints, and come from it again after
//! a restore.
//!
//! Open files have numbers of their own, which are part of the state. The host's are found by them, and a file is opened
//! again by its path where the host does not have it open: after a resume, or when a run took another way.

use crate::files::{
    Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, Metadata, MetadataChange, StoreError, StoreFile,
    VolumeSpace,
};
use crate::state::Live;
use crate::state::host_log::{Answer, CallNumber, Entry, HostLog, Logged, Moment};
use std::collections::BTreeMap;

/// A file of the host that the machine has open.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct OpenFile {
    pub(crate) path: Vec<String>,
    pub(crate) is_writable: bool,
}

/// The host itself, and what it answered.
struct Attached {
    host: Box<dyn Host>,
    /// The host's numbers of open files.
    files: BTreeMap<u32, StoreFile>,
    log: HostLog,
    is_recording: bool,
}

/// A host whose answers are recorded while that is wanted.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct RecordedHost {
    attached: Live<Attached>,
    has_files: bool,
    kinds: [ConsoleKind; 3],
    open: BTreeMap<u32, OpenFile>,
    next: u32,
    /// The number of the next answer.
    position: u64,
    /// When the machine asks again for what it waits for.
    #[serde(skip)]
    poll: Option<Moment>,
}

impl RecordedHost {
    /// A host that is not recorded yet. What its console is does not change.
    pub fn new(host: Box<dyn Host>) -> Self {
        let mut new = Self {
            attached: Live::none(),
            has_files: false,
            kinds: [ConsoleKind::default(); 3],
            open: BTreeMap::new(),
            next: 0,
            position: 0,
            poll: None,
        };
        new.attach(host);
        new
    }

    fn attach(&mut self, mut host: Box<dyn Host>) {
        self.has_files = host.files().is_some();
        self.kinds = [ConsoleEnd::Input, ConsoleEnd::Output, ConsoleEnd::Error].map(|end| host.console().kind(end));
        let (files, log) = (BTreeMap::new(), HostLog::default());
        self.attached = Live::new(Attached { host, files, log, is_recording: false });
    }

    /// Gives the host again after a resume. Files that were open are opened again.
    ///
    /// # Errors
    /// The path of the first file that cannot be opened, and why; an empty path when there is no folder any more.
    pub(crate) fn give(&mut self, host: Box<dyn Host>) -> Result<(), (Vec<String>, StoreError)> {
        let had_files = self.has_files;
        self.attach(host);
        if had_files && !self.has_files {
            return Err((Vec::new(), StoreError::NotFound));
        }
        let Some(attached) = self.attached.get_mut() else { return Ok(()) };
        for (number, file) in &self.open {
            attached.open(*number, file).map_err(|error| (file.path.clone(), error))?;
        }
        Ok(())
    }

    /// Takes the host of the state that this one takes the place of.
    pub(crate) fn take_host(&mut self, from: &mut Self) {
        self.attached = std::mem::take(&mut from.attached);
    }

    /// Whether the host grants a folder.
    pub(crate) const fn has_files(&self) -> bool {
        self.has_files
    }

    /// Begins to record, or stops.
    pub(crate) fn record(&mut self, is_recording: bool) {
        let position = self.position;
        if let Some(attached) = self.attached.get_mut().filter(|attached| attached.is_recording != is_recording) {
            attached.is_recording = is_recording;
            attached.log.restart(position);
        }
    }

    /// The number of the next answer.
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    /// Forgets answers before a number.
    pub(crate) fn forget_before(&mut self, number: u64) {
        if let Some(attached) = self.attached.get_mut() {
            attached.log.forget_before(number);
        }
    }

    /// Whether answers come from the log.
    pub(crate) fn is_replaying(&self) -> bool {
        self.attached.get().is_some_and(|attached| attached.is_recording && self.position < attached.log.end())
    }

    /// Answers that are in the log.
    pub(crate) fn recorded(&self) -> usize {
        self.attached.get().map_or(0, |attached| attached.log.len())
    }

    /// Asks the host from here on. Its open files are those of another run: they are opened again when needed.
    pub(crate) fn forget_future(&mut self) {
        let position = self.position;
        let Some(attached) = self.attached.get_mut() else { return };
        if position >= attached.log.end() {
            return;
        }
        attached.log.forget_from(position);
        let files = std::mem::take(&mut attached.files);
        if let Some(store) = attached.host.files() {
            files.into_values().for_each(|file| store.close(file));
        }
    }

    /// From now on the machine asks again for what it waits for; `None`: it asks at an instruction of its own.
    pub(crate) const fn set_poll(&mut self, moment: Option<Moment>) {
        self.poll = moment;
    }

    /// Reads a file for somebody who looks from outside: nothing is recorded, and nothing comes from the log. How many
    /// bytes were there; `None` when the host grants no files.
    pub(crate) fn look(&mut self, path: &[String], offset: u64, bytes: &mut [u8]) -> Option<usize> {
        if !self.has_files {
            return None;
        }
        let store = self.attached.get_mut().and_then(|attached| attached.host.files());
        let read = store.and_then(|store| {
            let file = store.open(path, false).ok()?;
            let read = store.read(file, offset, bytes);
            store.close(file);
            read.ok()
        });
        Some(read.unwrap_or(0))
    }

    /// When the next input comes that the machine waits for, during a replay.
    pub(crate) fn next_input(&self) -> Option<Moment> {
        match self.entry()?.answer {
            Answer::Input(_, _, moment) => moment,
            _ => None,
        }
    }

    /// The answer in the log that is next.
    fn entry(&self) -> Option<&Entry> {
        self.attached.get().filter(|attached| attached.is_recording)?.log.get(self.position)
    }

    /// Whether what is next in the log answers another call: then the log ends here.
    fn take_logged<T: Logged>(&mut self, call: CallNumber) -> Option<T> {
        let entry = self.entry()?;
        let answer = Some(entry).filter(|entry| entry.call == call.get());
        if let Some(answer) = answer.and_then(|entry| T::from_answer(&entry.answer)) {
            self.position += 1;
            return Some(answer);
        }
        self.forget_future();
        None
    }

    /// An answer of the log, or of the host.
    fn answer<T>(
        &mut self,
        call: CallNumber,
        ask: impl FnOnce(&mut Attached) -> Result<T, StoreError>,
    ) -> Result<T, StoreError>
    where
        Result<T, StoreError>: Logged,
    {
        if let Some(answer) = self.take_logged(call) {
            return answer;
        }
        let attached = self.attached.get_mut().ok_or(StoreError::Failed)?;
        let answer = ask(attached);
        if attached.is_recording {
            attached.log.push(Entry { call: call.get(), answer: answer.to_answer() });
            self.position += 1;
        }
        answer
    }

    fn opened(&self, file: StoreFile) -> Result<OpenFile, StoreError> {
        self.open.get(&file.0).cloned().ok_or(StoreError::Failed)
    }
}

impl Attached {
    fn store(&mut self) -> Result<&mut dyn FileStore, StoreError> {
        self.host.files().ok_or(StoreError::Failed)
    }

    /// Opens a file of the machine at the host.
    fn open(&mut self, number: u32, file: &OpenFile) -> Result<StoreFile, StoreError> {
        let opened = self.store()?.open(&file.path, file.is_writable)?;
        if let Some(before) = self.files.insert(number, opened) {
            self.store()?.close(before);
        }
        Ok(opened)
    }

    /// The host's number of an open file.
    fn file(&mut self, number: StoreFile, file: &OpenFile) -> Result<StoreFile, StoreError> {
        match self.files.get(&number.0) {
            Some(found) => Ok(*found),
            None => self.open(number.0, file),
        }
    }
}

impl Host for RecordedHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        if self.has_files { Some(self) } else { None }
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

impl FileStore for RecordedHost {
    fn metadata(&mut self, path: &[String]) -> Result<Metadata, StoreError> {
        self.answer(CallNumber::of("metadata").path(path), |host| host.store()?.metadata(path))
    }

    fn find(&mut self, path: &[String]) -> Result<Option<(String, Metadata)>, StoreError> {
        self.answer(CallNumber::of("find").path(path), |host| host.store()?.find(path))
    }

    fn list(&mut self, folder: &[String]) -> Result<Vec<(String, Metadata)>, StoreError> {
        self.answer(CallNumber::of("list").path(folder), |host| host.store()?.list(folder))
    }

    fn create_file(&mut self, path: &[String]) -> Result<(), StoreError> {
        self.answer(CallNumber::of("create file").path(path), |host| host.store()?.create_file(path))
    }

    fn create_folder(&mut self, path: &[String]) -> Result<(), StoreError> {
        self.answer(CallNumber::of("create folder").path(path), |host| host.store()?.create_folder(path))
    }

    fn remove(&mut self, path: &[String]) -> Result<(), StoreError> {
        self.answer(CallNumber::of("remove").path(path), |host| host.store()?.remove(path))
    }

    fn rename(&mut self, from: &[String], to: &[String]) -> Result<(), StoreError> {
        self.answer(CallNumber::of("rename").path(from).path(to), |host| host.store()?.rename(from, to))
    }

    fn change(&mut self, path: &[String], change: &MetadataChange) -> Result<(), StoreError> {
        let call = CallNumber::of("change").path(path);
        let number = |time: Option<crate::files::NtTime>| time.map_or(u64::MAX, |time| time.0 as u64);
        let call = call.number(change.attributes.map_or(u64::MAX, u64::from)).number(number(change.created));
        let call = call.number(number(change.accessed)).number(number(change.written));
        self.answer(call, |host| host.store()?.change(path, change))
    }

    fn open(&mut self, path: &[String], is_writable: bool) -> Result<StoreFile, StoreError> {
        while self.open.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let number = self.next;
        let file = OpenFile { path: path.to_vec(), is_writable };
        let call = CallNumber::of("open").path(path).number(is_writable.into());
        self.answer(call, |host| host.open(number, &file).map(|_| ()))?;
        self.open.insert(number, file);
        self.next = number.wrapping_add(1);
        Ok(StoreFile(number))
    }

    fn close(&mut self, file: StoreFile) {
        if self.open.remove(&file.0).is_none() {
            return;
        }
        let closed = self.answer(CallNumber::of("close").number(file.0.into()), |host| {
            if let Some(number) = host.files.remove(&file.0) {
                host.store()?.close(number);
            }
            Ok(())
        });
        // Closing has no answer that anybody waits for.
        let _ = closed;
    }

    fn length(&mut self, file: StoreFile) -> Result<u64, StoreError> {
        let open = self.opened(file)?;
        self.answer(CallNumber::of("length").number(file.0.into()), |host| {
            let number = host.file(file, &open)?;
            host.store()?.length(number)
        })
    }

    fn read(&mut self, file: StoreFile, offset: u64, bytes: &mut [u8]) -> Result<usize, StoreError> {
        let open = self.opened(file)?;
        let call = CallNumber::of("read").number(file.0.into()).number(offset).number(bytes.len() as u64);
        let read = self.answer(call, |host| {
            let number = host.file(file, &open)?;
            let mut read = vec![0; bytes.len()];
            let count = host.store()?.read(number, offset, &mut read)?;
            read.truncate(count);
            Ok(read)
        })?;
        let count = read.len().min(bytes.len());
        bytes[..count].copy_from_slice(&read[..count]);
        Ok(count)
    }

    fn write(&mut self, file: StoreFile, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let open = self.opened(file)?;
        let call = CallNumber::of("write").number(file.0.into()).number(offset).data(bytes);
        self.answer(call, |host| {
            let number = host.file(file, &open)?;
            host.store()?.write(number, offset, bytes)
        })
    }

    fn set_length(&mut self, file: StoreFile, length: u64) -> Result<(), StoreError> {
        let open = self.opened(file)?;
        self.answer(CallNumber::of("set length").number(file.0.into()).number(length), |host| {
            let number = host.file(file, &open)?;
            host.store()?.set_length(number, length)
        })
    }

    fn flush(&mut self, file: StoreFile) -> Result<(), StoreError> {
        let open = self.opened(file)?;
        self.answer(CallNumber::of("flush").number(file.0.into()), |host| {
            let number = host.file(file, &open)?;
            host.store()?.flush(number)
        })
    }

    fn space(&mut self) -> Result<VolumeSpace, StoreError> {
        self.answer(CallNumber::of("space"), |host| host.store()?.space())
    }
}

/// What is next in the log for a read of standard input.
enum Input {
    /// This came.
    Came(Result<ConsoleInput, StoreError>, Vec<u8>),
    /// Nothing has come yet.
    NotYet,
    /// The log does not say.
    AskHost,
}

impl RecordedHost {
    fn logged_input(&mut self, call: CallNumber) -> Input {
        let Some(entry) = self.entry() else { return Input::AskHost };
        let input = match &entry.answer {
            Answer::Input(result, bytes, came) if entry.call == call.get() => Some((*result, bytes.clone(), *came)),
            _ => None,
        };
        match (input, self.poll) {
            (Some((result, bytes, Some(came))), Some(now)) if now >= came => {
                self.position += 1;
                Input::Came(result, bytes)
            }
            // What is next in the log is not for one who asks again: nothing had come at this moment.
            (_, Some(_)) => Input::NotYet,
            (Some((result, bytes, None)), None) => {
                self.position += 1;
                Input::Came(result, bytes)
            }
            _ => {
                self.forget_future();
                Input::AskHost
            }
        }
    }
}

impl Console for RecordedHost {
    fn kind(&mut self, end: ConsoleEnd) -> ConsoleKind {
        self.kinds[end as usize]
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        let call = CallNumber::of("input").number(bytes.len() as u64);
        match self.logged_input(call) {
            Input::Came(result, came) => {
                let count = came.len().min(bytes.len());
                bytes[..count].copy_from_slice(&came[..count]);
                return result;
            }
            Input::NotYet => return Ok(ConsoleInput::NotYet),
            Input::AskHost => {}
        }
        let attached = self.attached.get_mut().ok_or(StoreError::Failed)?;
        let result = attached.host.console().read(bytes);
        // That nothing came is an answer only at an instruction of the machine's own.
        let is_answer = self.poll.is_none() || result != Ok(ConsoleInput::NotYet);
        if attached.is_recording && is_answer {
            let count = if let Ok(ConsoleInput::Bytes(count)) = result { count.min(bytes.len()) } else { 0 };
            let answer = Answer::Input(result, bytes[..count].to_vec(), self.poll);
            attached.log.push(Entry { call: call.get(), answer });
            self.position += 1;
        }
        result
    }

    fn write(&mut self, end: ConsoleEnd, bytes: &[u8]) -> Result<(), StoreError> {
        let call = CallNumber::of("output").number(end as u64).data(bytes);
        self.answer(call, |host| host.host.console().write(end, bytes))
    }
}

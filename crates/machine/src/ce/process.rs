//! Processes: a number, a slot, an image, a main thread; and how they end.

use super::error::CeError;
use super::layout::{e32, info, process};
use super::object::{
    ApiSet, Cause, ImageIndex, Notice, Object, Process, ProcessNumber, Reason, Then, ThreadIndex, ThreadState, Waitable,
};
use super::processor::USER;
use super::region::{BLOCK, Region, RegionKind};
use super::space::{SLOT, slot_of};
use super::thread::NewThread;
use crate::ce::Device;
use std::collections::VecDeque;
use vatlas_rules::ce::api_sets::API_SETS;
use vatlas_rules::ce::slot::PROCESSES;

/// How windows of a program begin; what CE's shell passes.
const SHOW: u32 = 5;

impl Device {
    /// Starts a program: its number and main thread. The thread does not run before `resume_thread`.
    pub(crate) fn create_process(
        &mut self,
        path: &str,
        arguments: &str,
        is_suspended: bool,
    ) -> Result<(ProcessNumber, ThreadIndex), CeError> {
        let number = (1..PROCESSES).find(|number| self.process(*number).is_none()).ok_or(CeError::NO_PROC_SLOTS)?;
        let path = if path.rsplit('\\').next().is_some_and(|name| name.contains('.')) {
            path.to_owned()
        } else {
            format!("{path}.exe")
        };
        let image = self.find_image(&path)?;
        if self.state.images[image as usize].is_dll() {
            return Err(CeError::BAD_EXE_FORMAT);
        }
        let made = self.make_process(number, image).and_then(|notices| {
            let thread = self.start_process(number, notices, arguments)?;
            Ok((number, thread))
        });
        match made {
            Ok((number, thread)) => {
                self.state.counters.processes_created += 1;
                if !is_suspended {
                    self.make_ready(thread);
                } else {
                    self.thread_mut(thread).suspended = 1;
                }
                Ok((number, thread))
            }
            Err(error) => {
                self.remove_process(number);
                Err(error)
            }
        }
    }

    fn make_process(&mut self, number: ProcessNumber, image: ImageIndex) -> Result<Vec<Notice>, CeError> {
        let at = self.state.process_array + u32::from(number) * process::BYTES;
        let slot = self.process_base(number);
        self.make_section(slot_of(slot))?;
        let it = &self.state.images[image as usize];
        let (name, in_rom) = (it.name.clone(), matches!(it.source, super::image::ImageSource::Rom(_)));
        self.state.serial += 1;
        let serial = self.state.serial;
        let handle = self.new_handle(Object::Process(number, serial), at, number)?;
        if let Some(handle) = self.state.handles.get_mut(&handle) {
            handle.is_pinned = true;
        }
        self.state.processes[usize::from(number)] = Some(Process {
            at,
            handle,
            name,
            image,
            threads: Vec::new(),
            main_thread: 0,
            modules: Vec::new(),
            command_line: 0,
            exit_code: None,
            is_ending: false,
            blocks: Vec::new(),
        });
        self.tell_process_start(number);
        self.map_kdata(slot)?;
        if let Some(region) = self.rom_dll_region(number) {
            self.reserve(region)?;
        }
        self.place_program(number, image)?;
        self.show_process(number, in_rom)?;
        let mut notices = Vec::new();
        self.bind(number, image, &mut notices, 0)?;
        Ok(notices)
    }

    /// Maps a program at its base, or at 00010000 where its own base is not in a slot.
    fn place_program(&mut self, number: ProcessNumber, index: ImageIndex) -> Result<(), CeError> {
        let slot = self.process_base(number);
        let image = &self.state.images[index as usize];
        let fits = image.base >= BLOCK && image.base.is_multiple_of(BLOCK) && image.base < SLOT;
        if !fits {
            self.state.images[index as usize].relocate(BLOCK)?;
        }
        let image = &self.state.images[index as usize];
        let size =
            image.size.checked_next_multiple_of(BLOCK).filter(|size| *size > 0).ok_or(CeError::BAD_EXE_FORMAT)?;
        let end = image.base.checked_add(size).filter(|end| *end <= self.state.dll_low);
        end.ok_or(CeError::NOT_ENOUGH_MEMORY)?;
        let region = Region { base: slot + image.base, size, process: number, kind: RegionKind::Image };
        self.reserve(region)?;
        self.map_image(index, slot, USER)
    }

    /// Fills PROCESS.
    pub(crate) fn show_process(&mut self, number: ProcessNumber, is_trusted: bool) -> Result<(), CeError> {
        let Some(it) = self.process(number) else { return Ok(()) };
        let (at, handle, index, name) = (it.at, it.handle, it.image, it.name.clone());
        let base = self.process_base(number);
        let image = self.state.images[index as usize].clone();
        let text = self.allocate_text(&name)?;
        let table = self.make_o32(&image)?;
        self.set_byte(at + process::NUMBER, number);
        self.set_byte(at + process::TRUST, if is_trusted { 2 } else { 1 });
        for (offset, value) in [
            (process::HANDLE, handle),
            (process::VM_BASE, base),
            (process::KEY, 1 << number),
            (process::BASE, image.base),
            (process::NAME, text),
            // Slots 0 to 3 of TLS are the system's.
            (process::TLS_LOW, 0xf),
            (process::TLS_HIGH, 0),
            (process::O32, table.map_or(0, |(table, _)| table)),
        ] {
            self.set_word(at + offset, value);
        }
        self.put_open_exe(at + process::OPEN_EXE, &image, text);
        self.put_e32(at + process::E32, &image);
        const { assert!(process::E32 + e32::BYTES <= process::O32) };
        if let Some(it) = self.process_mut(number) {
            it.blocks.push((text, super::memory::utf16(&name).len() as u32));
            it.blocks.extend(table);
        }
        Ok(())
    }

    fn start_process(
        &mut self,
        number: ProcessNumber,
        notices: Vec<Notice>,
        arguments: &str,
    ) -> Result<ThreadIndex, CeError> {
        let Some(it) = self.process(number) else { return Err(CeError::INVALID_HANDLE) };
        let (handle, image) = (it.handle, &self.state.images[it.image as usize]);
        let (start, stack) = (image.address(image.entry), image.stack);
        let new = NewThread { process: number, start, stack, ..NewThread::default() };
        let thread = self.new_thread(&new)?;
        if let Some(it) = self.process_mut(number) {
            it.main_thread = thread;
        }
        self.show_threads(number);
        let line = self.put_command_line(thread, arguments)?;
        let then = Then::Begin { start, arguments: [handle, 0, line, SHOW], count: 4 };
        self.begin_notices(thread, VecDeque::from(notices), then);
        Ok(thread)
    }

    /// Ends a process; `index` is a thread of it that is to do the rest, in whichever process it is now.
    pub(crate) fn end_process(&mut self, index: ThreadIndex, code: u32) {
        let owner = self.thread(index).owner;
        let Some(it) = self.process_mut(owner) else { return };
        if it.is_ending {
            let was_last = it.main_thread == index;
            self.end_thread(index, code);
            // The thread that was to do the rest failed in it: the rest is left out.
            if was_last {
                self.remove_process(owner);
            }
            return;
        }
        it.is_ending = true;
        it.exit_code = Some(code);
        it.main_thread = index;
        let others: Vec<ThreadIndex> = it.threads.iter().copied().filter(|thread| *thread != index).collect();
        self.rewind(index);
        for other in others {
            self.kill_thread(other, code);
        }
        self.tell_servers(index, 0, Cause::Exiting, code);
    }

    /// Tells the servers, one after the other, what happens to a thread's process, then goes on with its end.
    pub(crate) fn tell_servers(&mut self, index: ThreadIndex, first: u8, cause: Cause, code: u32) {
        let it = self.thread(index);
        let (owner, thread) = (it.owner, it.handle);
        let process = self.process(owner).map_or(0, |process| process.handle);
        self.rewind(index);
        for number in first..API_SETS {
            let set = self.set_of_number(number);
            let is_told = |set: &ApiSet| !set.is_handle && set.server != owner;
            let Some(set) = set.filter(|set| self.state.sets.get(set).is_some_and(is_told)) else { continue };
            let then = Then::TellServers { set: number + 1, cause, code };
            if self.call_method(index, set, 0, &[cause as u32, process, thread], Some(then)).is_ok() {
                return;
            }
        }
        match cause {
            Cause::Detach => self.close_process(index, code),
            // Threads that are in a server's call end when they come back.
            Cause::Exiting if self.process(owner).is_some_and(|process| process.threads.len() > 1) => self.park(index),
            Cause::Exiting => self.last_thread(index, code),
        }
    }

    /// Ends a thread from outside: at once, or when it comes back from a server.
    pub(crate) fn kill_thread(&mut self, index: ThreadIndex, code: u32) {
        let it = self.thread(index);
        if it.current == it.owner {
            self.end_thread(index, code);
        } else {
            self.thread_mut(index).dying = Some(code);
            self.show_state(index);
            self.break_wait(index);
        }
    }

    /// A thread that is to end waits in a server no longer: the wait fails (our choice). For a critical section it goes
    /// on waiting, as whoever enters one believes that it is his then.
    fn break_wait(&mut self, index: ThreadIndex) {
        let it = self.thread_mut(index);
        it.suspended = 0;
        let is_critical = it.wait.objects.iter().any(|object| matches!(object, Waitable::Critical(_)));
        match it.state {
            ThreadState::Suspended => self.make_ready(index),
            ThreadState::Waiting if !is_critical => {
                self.set_last_error(index, CeError::OPERATION_ABORTED);
                self.wake(index, u64::from(u32::MAX));
            }
            _ => {}
        }
    }

    /// When only the last thread of a process that ends is left, it does the rest.
    pub(crate) fn resume_end_of_process(&mut self, number: ProcessNumber) {
        let Some(it) = self.process(number).filter(|process| process.is_ending && process.threads.len() == 1) else {
            return;
        };
        let (last, code) = (it.main_thread, it.exit_code.unwrap_or(0));
        if it.threads.contains(&last) && self.is_parked(last) {
            self.last_thread(last, code);
            self.make_ready(last);
        }
    }

    fn last_thread(&mut self, index: ThreadIndex, code: u32) {
        let owner = self.thread(index).owner;
        let modules = self.process(owner).map(|process| process.modules.clone()).unwrap_or_default();
        let notices = modules.iter().rev().map(|module| Notice { module: *module, reason: Reason::ProcessDetach });
        let then = Then::TellServers { set: 0, cause: Cause::Detach, code };
        self.begin_notices(index, notices.collect(), then);
    }

    /// Closes what a process has open in servers, then takes it away.
    pub(crate) fn close_process(&mut self, index: ThreadIndex, code: u32) {
        let owner = self.thread(index).owner;
        let open = self.state.handles.iter().find_map(|(value, handle)| match handle.object {
            Object::Api { set, word } if handle.users.contains_key(&owner) => Some((*value, set, word)),
            _ => None,
        });
        if let Some((value, set, word)) = open {
            self.rewind(index);
            let is_last = self.state.handles.get_mut(&value).is_some_and(|handle| {
                handle.users.remove(&owner);
                handle.users.is_empty()
            });
            if is_last {
                self.state.handles.remove(&value);
                if self.call_method(index, set, 0, &[word], Some(Then::EndProcess(code))).is_ok() {
                    return;
                }
            }
            return self.close_process(index, code);
        }
        self.end_thread(index, code);
        self.remove_process(owner);
    }

    /// Takes a process away: modules, memory, slot.
    pub(crate) fn remove_process(&mut self, number: ProcessNumber) {
        let Some(it) = self.process(number).cloned() else {
            return self.empty_slot(slot_of(self.process_base(number)));
        };
        let code = it.exit_code.unwrap_or(u32::MAX);
        for thread in it.threads {
            self.end_thread(thread, code);
        }
        self.tell_process_end(number, code);
        let mut modules = it.modules;
        while let Some(module) = modules.pop() {
            while self.uses(number, module) {
                self.drop_module(number, module);
            }
        }
        let slot = slot_of(self.process_base(number));
        for region in self.regions_of_slot(slot) {
            self.free_region(&region);
        }
        let shared: Vec<Region> =
            self.state.regions.values().copied().filter(|region| region.process == number).collect();
        for region in &shared {
            self.free_region(region);
            self.state.views.remove(&region.base);
        }
        self.state.space.leave(&mut self.computer.board.ram, slot);
        self.empty_slot(slot);
        self.flush();
        self.close_handles_of(number);
        self.remove_sets_of(number);
        self.give_up_program(it.image);
        it.blocks.iter().for_each(|(at, bytes)| self.release(*at, *bytes));
        self.state.processes[usize::from(number)] = None;
        self.put(it.at, &[0; process::BYTES as usize]);
        let handle = it.handle;
        self.state.exit_codes.insert(handle, code);
        self.wake_all(handle);
        self.unpin(handle);
        if self.state.watched == Some(number) {
            self.state.ended = Some((it.name, code));
        }
        self.set_info(info::FREE_PAGES, self.state.frames.free());
    }

    fn uses(&self, number: ProcessNumber, module: u32) -> bool {
        let module = self.state.modules.get(module as usize).and_then(Option::as_ref);
        module.is_some_and(|module| module.references.get(&number).is_some_and(|count| *count > 0))
    }

    /// Shared pages of a program that nobody runs any more.
    fn give_up_program(&mut self, image: ImageIndex) {
        let runs = self.state.processes.iter().flatten().filter(|process| process.image == image).count();
        if runs <= 1 {
            let Some(image) = self.state.images.get_mut(image as usize) else { return };
            let frames: Vec<u32> = std::mem::take(&mut image.shared).into_values().collect();
            frames.into_iter().for_each(|frame| self.give_frame(frame));
        }
    }

    /// Where a thread is has changed: slot 0 and the open slots follow, if it runs.
    pub(crate) fn place_changed(&mut self, index: ThreadIndex) {
        if self.state.running != Some(index) {
            return;
        }
        let it = self.thread(index);
        let (home, key) = (self.process_base(it.current), it.key);
        let ram = &mut self.computer.board.ram;
        let switched = self.state.space.switch(ram, home);
        let closed = self.state.space.close(ram, key);
        if switched || closed {
            self.flush();
        }
        self.show_current(index);
    }
}

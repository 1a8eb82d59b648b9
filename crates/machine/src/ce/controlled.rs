//! The device under control: what it tells, and where it asks whether to stop.
//!
//! Ids of processes and threads are their handles. A thread is in the process that its code belongs to: in a call, the
//! server.

use super::object::{ExceptionRecord, ProcessNumber, ThreadIndex};
use super::processor;
use super::{Checkpoint, Device, Stop, ThreadState};
use crate::computer::Computer;
use crate::control::{self, Control, Controlled};
use crate::cpu::{self, Event, Exception};
use vatlas_rules::ce::api_call::BASE_CE5;
use vatlas_rules::ce::api_sets::{API_RETURN, api_set};
use vatlas_space::Va;
use vatlas_space::control::{EventKind, Judge, RunEnd, What, Who};

impl Controlled for Device {
    type Kept = Checkpoint;

    fn computer(&self) -> &Computer {
        &self.computer
    }

    fn computer_mut(&mut self) -> &mut Computer {
        &mut self.computer
    }

    fn control(&self) -> &Control {
        &self.control
    }

    fn control_mut(&mut self) -> &mut Control {
        &mut self.control
    }

    fn instructions(&self) -> u64 {
        self.state.executed
    }

    fn who(&self, processor: usize) -> Who {
        match self.state.running {
            Some(index) => Who { processor, ..self.who_is(index) },
            None => Who { processor, ..Who::default() },
        }
    }

    fn executed_by(&self, thread: u32) -> Option<u64> {
        let index = self.living_thread(thread).ok()?;
        Some(self.thread(index).executed)
    }

    fn find(&self, process: u32, va: u32) -> Option<(u32, u32)> {
        let number = self.process_of(process).ok()?;
        let pa = self.physical_of(self.mapped_for(number, va))?;
        Some((u32::try_from(pa.0).ok()?, self.state.space.directory))
    }

    fn find_directory(&self, _: u32) -> Option<u32> {
        // All processes share one.
        None
    }

    fn run_judged(&mut self, budget: u64, judge: &mut Judge<'_>) -> RunEnd {
        self.control.begin_run();
        let stop = self.run_to_stop(budget, judge);
        if self.control.has_stopped() {
            return RunEnd::Stopped;
        }
        match stop {
            Stop::Budget => RunEnd::Budget,
            Stop::Idle => RunEnd::Deadlock,
            Stop::Ended { code, .. } => RunEnd::Exited(code),
        }
    }

    fn set_register(&mut self, thread: u32, number: u8, value: u32) -> bool {
        let Ok(index) = self.living_thread(thread) else { return false };
        let mut registers = self.registers(index);
        match number {
            0..8 => registers.general[usize::from(number)] = value,
            8 => registers.pc = value,
            _ => registers.set_flags(value),
        }
        self.set_registers(index, &registers);
        true
    }

    fn freeze(&mut self, thread: u32, is_frozen: bool) -> bool {
        let Ok(index) = self.living_thread(thread) else { return false };
        if self.is_entering(thread) {
            return false;
        }
        if is_frozen {
            self.suspend_thread(index);
            return true;
        }
        self.resume_thread(index) > 0
    }

    fn keep(&mut self) -> Checkpoint {
        self.checkpoint()
    }

    fn go_back(&mut self, kept: &Checkpoint) {
        self.restore(kept);
    }

    fn kept_bytes(kept: &Checkpoint, before: Option<&Checkpoint>) -> u64 {
        kept.bytes_beyond(before)
    }

    fn forget_future(&mut self) {
        Self::forget_future(self);
    }

    fn show(&mut self) {
        self.show_all();
        self.computer.board.take_touches();
    }
}

impl Device {
    /// A thread as its controller is told of it.
    fn who_is(&self, index: ThreadIndex) -> Who {
        let it = self.thread(index);
        let process = self.process(it.current).map_or(0, |process| process.handle);
        Who { process, thread: it.handle, processor: 0 }
    }

    /// Shows in guest memory what is only in the processor and in our own counts.
    pub(crate) fn show_all(&mut self) {
        if let Some(index) = self.state.running {
            self.save(index);
        }
        self.show_memory();
    }

    /// Whether a run ends for what the kernel told since it was entered.
    #[inline]
    pub(crate) fn tells(&mut self, pc: Option<u32>, judge: &mut Judge<'_>) -> bool {
        self.control.is_on() && control::is_told(self, 0, pc, judge)
    }

    /// The processor stopped: whether the controller stops the run for that, or for what the kernel then told.
    pub(crate) fn meets(&mut self, index: ThreadIndex, event: &Event, judge: &mut Judge<'_>) -> bool {
        if !self.control.is_on() {
            self.trap(index, event);
            return false;
        }
        match event {
            Event::CodeBreakpoint => return control::meets_code(self, 0, judge),
            Event::DataBreakpoint => return control::meets_data(self, 0, None, judge),
            _ => {}
        }
        let what = self.entry_of(event);
        if control::meets_entry(self, 0, event, what, judge) {
            return true;
        }
        self.enter(index, event, judge)
    }

    fn enter(&mut self, index: ThreadIndex, event: &Event, judge: &mut Judge<'_>) -> bool {
        let pc = self.computer.processors[0].user_state().1;
        self.trap(index, event);
        // Who runs next belongs to the same entry.
        self.dispatch();
        self.tells(Some(pc), judge)
    }

    /// The entry that the last run stopped before. Whether the run ends again behind it.
    pub(crate) fn enters_pending(&mut self, judge: &mut Judge<'_>) -> bool {
        let Some((_, event)) = self.control.take_pending() else { return false };
        self.state.running.is_some_and(|index| self.enter(index, &event, judge))
    }

    /// What the controller wants to know before the kernel is entered.
    fn entry_of(&self, event: &Event) -> Option<What> {
        let Event::Exception(exception) = event else { return None };
        if exception.vector != cpu::PAGE_FAULT {
            return None;
        }
        let (_, pc, _) = self.computer.processors[0].user_state();
        let va = exception.address?;
        let calls = API_RETURN.0 + 4..=BASE_CE5.0;
        if va.0 == u64::from(pc) && calls.contains(&va.0) {
            return self.control.wants(EventKind::SystemCall).then(|| self.call_at(va));
        }
        let has = |bit| exception.error.is_some_and(|error| error & bit != 0);
        self.control.wants(EventKind::PageFault).then_some(What::PageFault {
            va,
            pc: Va(pc.into()),
            is_write: has(Exception::WRITE),
            is_present: has(Exception::PRESENT),
        })
    }

    fn call_at(&self, va: Va) -> What {
        use crate::cpu::Engine;
        let number = (BASE_CE5.0 - va.0) / 4;
        let (set, method) = ((number >> 8 & 0x3f) as u8, number as u8);
        let Some(known) = api_set(set).and_then(|set| set.method(method)) else {
            return What::SystemCall { name: format!("set {set} method {method}"), arguments: Vec::new() };
        };
        let engine = &self.computer.processors[0];
        let stack = engine.user_state().0[processor::STACK];
        let mut bytes = vec![0; 4 * known.arguments.len()];
        let read = engine.read(&self.computer.board, Va(u64::from(stack.wrapping_add(4))), &mut bytes);
        let arguments = bytes[..read].as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        What::SystemCall { name: known.name.to_owned(), arguments }
    }

    /// An exception, at its first or its second chance.
    pub(crate) fn tell_exception(&mut self, index: ThreadIndex, record: &ExceptionRecord, is_first: bool) {
        if self.control.wants(EventKind::Exception) {
            let who = self.who_is(index);
            let parameters = record.parameters.iter().take(record.count as usize).copied().collect();
            let address = Va(record.address.into());
            self.control.note(who, What::Exception { code: record.code, address, parameters, is_first });
        }
    }

    /// Text for the debug port.
    pub(crate) fn tell_output(&mut self, text: &str) {
        if self.control.wants(EventKind::DebugOutput) {
            let who = self.who(0);
            self.control.note(who, What::DebugOutput { text: text.to_owned() });
        }
    }

    /// The processor got another thread, or none.
    pub(crate) fn tell_switch(&mut self, old: Option<ThreadIndex>, new: Option<ThreadIndex>) {
        if (old.is_some() || new.is_some()) && self.control.wants(EventKind::ContextSwitch) {
            let is_there = |index: &ThreadIndex| self.thread(*index).state != ThreadState::Ended;
            let who = |index: Option<ThreadIndex>| index.map_or_else(Who::default, |index| self.who_is(index));
            let (from, to) = (who(old.filter(is_there)), who(new));
            self.control.note(to, What::ContextSwitch { from, to });
        }
    }

    /// A thread was made.
    pub(crate) fn tell_thread_start(&mut self, index: ThreadIndex) {
        if self.control.wants(EventKind::ThreadStart) {
            let who = self.who_is(index);
            self.control.note(who, What::ThreadStart { process: who.process, thread: who.thread });
        }
    }

    /// A thread ended.
    pub(crate) fn tell_thread_end(&mut self, index: ThreadIndex, status: u32) {
        if self.control.wants(EventKind::ThreadEnd) {
            let who = self.who_is(index);
            self.control.note(who, What::ThreadEnd { process: who.process, thread: who.thread, status });
        }
    }

    /// A process was made.
    pub(crate) fn tell_process_start(&mut self, number: ProcessNumber) {
        if self.control.wants(EventKind::ProcessStart)
            && let Some(it) = self.process(number)
        {
            let (process, name) = (it.handle, it.name.clone());
            self.control.note(Who { process, ..Who::default() }, What::ProcessStart { process, name });
        }
    }

    /// A process ended.
    pub(crate) fn tell_process_end(&mut self, number: ProcessNumber, status: u32) {
        if self.control.wants(EventKind::ProcessEnd)
            && let Some(it) = self.process(number)
        {
            let (process, name) = (it.handle, it.name.clone());
            self.control.note(Who { process, ..Who::default() }, What::ProcessEnd { process, name, status });
        }
    }

    /// A process began to use a module, or does not any more.
    pub(crate) fn tell_module(&mut self, number: ProcessNumber, module: u32, is_load: bool) {
        let kind = if is_load { EventKind::ModuleLoad } else { EventKind::ModuleUnload };
        if !self.control.wants(kind) {
            return;
        }
        let process = self.process(number).map_or(0, |process| process.handle);
        let Some(image) = self.module_image(module).and_then(|image| self.state.images.get(image as usize)) else {
            return;
        };
        let (base, name) = (Va(image.base.into()), image.name.clone());
        let what = if is_load { What::ModuleLoad { base, name } } else { What::ModuleUnload { base, name } };
        self.control.note(Who { process, ..Who::default() }, what);
    }
}

//! The kernel under control: what it tells, and where it asks whether to stop.

use crate::computer::Computer;
use crate::control::{self, Control, Controlled};
use crate::cpu::{self, Event, Exception};
use crate::fault::Resolution;
use crate::nt::call::{Done, Reply};
use crate::nt::checkpoint::Checkpoint;
use crate::nt::exception::ExceptionRecord;
use crate::nt::process::ProcessIndex;
use crate::nt::services::service_by_number;
use crate::nt::thread::{ThreadIndex, ThreadState};
use crate::nt::trap_frame::word;
use crate::nt::{System, SystemStop};
use vatlas_space::Va;
use vatlas_space::control::{EventKind, Judge, RunEnd, What, Who};

/// `DBG_PRINTEXCEPTION_C`: a program prints for its debugger; length and address of the text are its parameters.
const PRINT_EXCEPTION: u32 = 0x4001_0006;
/// Longest text of those that is told.
const MOST_TEXT: usize = 4096;
/// Bytes between EDX and the arguments of `sysenter`: two return addresses.
const FAST_ARGUMENTS: u32 = 8;

impl Controlled for System {
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
        self.clock.executed
    }

    fn who(&self, processor: usize) -> Who {
        let Some(state) = self.scheduler.processors.get(processor) else { return Who::default() };
        if state.current == state.idle {
            return Who { processor, ..Who::default() };
        }
        self.who_is(state.current)
    }

    fn executed_by(&self, thread: u32) -> Option<u64> {
        let index = self.thread_by_id(thread).ok()?;
        Some(Self::executed_by(self, index))
    }

    fn find(&self, process: u32, va: u32) -> Option<(u32, u32)> {
        let space = self.processes[self.process_by_id(process).ok()?.0].space;
        let mapping = self.memory.walk(&self.computer.board.ram, space, Va(va.into())).mapping()?;
        Some((u32::try_from(mapping.pa.0).ok()?, self.memory.space(space).cr3()))
    }

    fn find_directory(&self, process: u32) -> Option<u32> {
        let process = self.process_by_id(process).ok()?;
        Some(self.memory.space(self.processes[process.0].space).cr3())
    }

    fn run_judged(&mut self, budget: u64, judge: &mut Judge<'_>) -> RunEnd {
        self.control.begin_run();
        let stop = self.run_to_stop(budget, judge);
        if self.control.has_stopped() {
            return RunEnd::Stopped;
        }
        match stop {
            SystemStop::Budget => RunEnd::Budget,
            SystemStop::Exited { status } => RunEnd::Exited(status),
            SystemStop::Deadlock => RunEnd::Deadlock,
            SystemStop::NeedsInput => RunEnd::NeedsInput,
            SystemStop::BugCheck(check) => RunEnd::Broken(check.to_string()),
            SystemStop::Broken(why) => RunEnd::Broken(why),
        }
    }

    fn set_register(&mut self, thread: u32, number: u8, value: u32) -> bool {
        let Ok(index) = self.thread_by_id(thread) else { return false };
        let state = &self.threads[index.0];
        let processor = state.processor;
        if state.state == ThreadState::Running && !self.scheduler.processors[processor].is_saved {
            let engine = &mut self.computer.processors[processor];
            let (mut general, mut eip, mut flags) = engine.user_state();
            match number {
                0..8 => general[usize::from(number)] = value,
                8 => eip = value,
                _ => flags = value,
            }
            engine.set_user_state(&general, eip, flags);
            return true;
        }
        let mut frame = self.frame(index);
        match number {
            0..8 => frame.set_general(usize::from(number), value),
            8 => frame.set(word::EIP, value),
            _ => frame.set(word::EFLAGS, value),
        }
        self.set_frame(index, &frame);
        true
    }

    fn freeze(&mut self, thread: u32, is_frozen: bool) -> bool {
        let Ok(index) = self.thread_by_id(thread) else { return false };
        if self.is_entering(thread) {
            return false;
        }
        match is_frozen {
            true => self.suspend_thread(index).is_ok(),
            false => self.resume_thread(index) > 0,
        }
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
        self.show_processes();
        self.computer.board.take_touches();
    }
}

impl System {
    /// A thread as its controller is told of it.
    fn who_is(&self, thread: ThreadIndex) -> Who {
        let state = &self.threads[thread.0];
        Who { process: self.processes[state.process.0].id, thread: state.id, processor: state.processor }
    }

    /// Whether a run ends for what the kernel told since it was entered.
    #[inline]
    pub(crate) fn tells(&mut self, entered: Option<(usize, u32)>, judge: &mut Judge<'_>) -> bool {
        if !self.control.is_on() {
            return false;
        }
        let (processor, pc) = entered.map_or((self.computer.next(), None), |(processor, pc)| (processor, Some(pc)));
        control::is_told(self, processor, pc, judge)
    }

    /// A processor stopped: whether its controller stops the run for that, or for what the kernel then told.
    pub(crate) fn meets(&mut self, processor: usize, event: &Event, judge: &mut Judge<'_>) -> bool {
        if !self.control.is_on() {
            self.trap(processor, event);
            return false;
        }
        match event {
            Event::CodeBreakpoint => return control::meets_code(self, processor, judge),
            Event::DataBreakpoint => return control::meets_data(self, processor, None, judge),
            _ => {}
        }
        let what = self.entry(processor, event);
        if control::meets_entry(self, processor, event, what, judge) {
            return true;
        }
        self.enter(processor, event, judge)
    }

    fn enter(&mut self, processor: usize, event: &Event, judge: &mut Judge<'_>) -> bool {
        let pc = self.computer.processors[processor].user_state().1;
        self.trap(processor, event);
        self.tells(Some((processor, pc)), judge)
    }

    /// The entry that the last run stopped before. Whether the run ends again behind it.
    pub(crate) fn enters_pending(&mut self, judge: &mut Judge<'_>) -> bool {
        let Some((processor, event)) = self.control.take_pending() else { return false };
        self.enter(processor, &event, judge)
    }

    /// What the controller wants to know before the kernel is entered.
    fn entry(&self, processor: usize, event: &Event) -> Option<What> {
        let (general, eip, _) = self.computer.processors[processor].user_state();
        match event {
            Event::SystemEnter if self.control.wants(EventKind::SystemCall) => {
                Some(self.call_of(processor, general[0], general[2].wrapping_add(FAST_ARGUMENTS)))
            }
            Event::Interrupt(0x2e) if self.control.wants(EventKind::SystemCall) => {
                Some(self.call_of(processor, general[0], general[2]))
            }
            Event::Exception(exception)
                if exception.vector == cpu::PAGE_FAULT && self.control.wants(EventKind::PageFault) =>
            {
                let has = |bit| exception.error.is_some_and(|error| error & bit != 0);
                Some(What::PageFault {
                    va: exception.address?,
                    pc: Va(eip.into()),
                    is_write: has(Exception::WRITE),
                    is_present: has(Exception::PRESENT),
                })
            }
            _ => None,
        }
    }

    fn call_of(&self, processor: usize, number: u32, at: u32) -> What {
        use crate::cpu::Engine;
        let Some(service) = service_by_number(number) else {
            return What::SystemCall { name: format!("service {number:#x}"), arguments: Vec::new() };
        };
        let mut bytes = vec![0; 4 * usize::from(service.arguments)];
        let engine = &self.computer.processors[processor];
        let read = engine.read(&self.computer.board, Va(at.into()), &mut bytes);
        let arguments = bytes[..read].as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        What::SystemCall { name: service.name.to_owned(), arguments }
    }

    /// A page came, or may be written now.
    pub(crate) fn tell_resolved(&mut self, thread: ThreadIndex, va: Va, how: Resolution) {
        if self.control.wants(EventKind::PageFaultResolved) {
            let who = self.who_is(thread);
            self.control.note(who, What::PageFaultResolved { va, how: words(how) });
        }
    }

    /// A system call is about to return.
    pub(crate) fn tell_returned(&mut self, thread: ThreadIndex, name: &str, reply: Reply) {
        if self.control.wants(EventKind::SystemCallReturn) {
            let who = self.who_is(thread);
            let status = match reply {
                Ok(Done::Status(status)) | Err(status) => Some(status.0),
                Ok(Done::Later) => None,
            };
            self.control.note(who, What::SystemCallReturn { name: name.to_owned(), status });
        }
    }

    /// An exception, at its first or its second chance.
    pub(crate) fn tell_exception(&mut self, thread: ThreadIndex, record: &ExceptionRecord, is_first: bool) {
        let who = self.who_is(thread);
        if record.code == PRINT_EXCEPTION && is_first && self.control.wants(EventKind::DebugOutput) {
            let text = self.printed(who.process, record);
            self.control.note(who, What::DebugOutput { text });
        }
        if self.control.wants(EventKind::Exception) {
            let (code, parameters) = (record.code, record.parameters.clone());
            self.control.note(who, What::Exception { code, address: Va(record.address.into()), parameters, is_first });
        }
    }

    /// The text of a print, as far as it is in physical memory.
    fn printed(&self, process: u32, record: &ExceptionRecord) -> String {
        let [length, at, ..] = record.parameters[..] else { return String::new() };
        let mut text = Vec::new();
        for offset in 0..(length as usize).min(MOST_TEXT) as u32 {
            let mut byte = [0];
            let Some((pa, _)) = self.find(process, at.wrapping_add(offset)) else { break };
            self.computer.board.ram.read(vatlas_space::Pa(pa.into()), &mut byte);
            text.push(byte[0]);
        }
        String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned()
    }

    /// A processor got another thread.
    pub(crate) fn tell_switch(&mut self, processor: usize, old: ThreadIndex, new: ThreadIndex) {
        if self.control.wants(EventKind::ContextSwitch) {
            let idle = self.scheduler.processors[processor].idle;
            let nobody = Who { processor, ..Who::default() };
            let who = |thread| if thread == idle { nobody } else { Who { processor, ..self.who_is(thread) } };
            let (from, to) = (who(old), who(new));
            self.control.note(to, What::ContextSwitch { from, to });
        }
    }

    /// A thread was made.
    pub(crate) fn tell_thread_start(&mut self, thread: ThreadIndex) {
        if self.control.wants(EventKind::ThreadStart) {
            let who = self.who_is(thread);
            self.control.note(who, What::ThreadStart { process: who.process, thread: who.thread });
        }
    }

    /// A thread ended.
    pub(crate) fn tell_thread_end(&mut self, thread: ThreadIndex, status: u32) {
        if self.control.wants(EventKind::ThreadEnd) {
            let who = self.who_is(thread);
            self.control.note(who, What::ThreadEnd { process: who.process, thread: who.thread, status });
        }
    }

    /// A process was made.
    pub(crate) fn tell_process_start(&mut self, process: ProcessIndex) {
        if self.control.wants(EventKind::ProcessStart) {
            let (id, name) = (self.processes[process.0].id, self.processes[process.0].name.clone());
            self.control.note(Who { process: id, ..Who::default() }, What::ProcessStart { process: id, name });
        }
    }

    /// The last thread of a process ended.
    pub(crate) fn tell_process_end(&mut self, process: ProcessIndex) {
        if self.control.wants(EventKind::ProcessEnd) {
            let ended = &self.processes[process.0];
            let (id, name, status) = (ended.id, ended.name.clone(), ended.exit_status.unwrap_or_default());
            self.control.note(Who { process: id, ..Who::default() }, What::ProcessEnd { process: id, name, status });
        }
    }

    /// An image was mapped into a process.
    pub(crate) fn tell_module_load(&mut self, process: ProcessIndex, base: u32) {
        if self.control.wants(EventKind::ModuleLoad)
            && let Some(name) = self.image_name(process, base)
        {
            let who = Who { process: self.processes[process.0].id, ..Who::default() };
            self.control.note(who, What::ModuleLoad { base: Va(base.into()), name });
        }
    }

    /// An image is about to be unmapped.
    pub(crate) fn tell_module_unload(&mut self, process: ProcessIndex, base: u32) {
        if self.control.wants(EventKind::ModuleUnload)
            && let Some(name) = self.image_name(process, base)
        {
            let who = Who { process: self.processes[process.0].id, ..Who::default() };
            self.control.note(who, What::ModuleUnload { base: Va(base.into()), name });
        }
    }

    /// The file of the image at an address.
    fn image_name(&self, process: ProcessIndex, base: u32) -> Option<String> {
        let vad = self.memory.space(self.processes[process.0].space).vads().find(base >> 12)?;
        let view = vad.view.filter(|view| view.is_image)?;
        self.section_path(view.area)
    }

    /// Watched addresses are found again after a page came while the kernel works for a program.
    #[inline]
    pub(crate) fn find_watched_again(&mut self) {
        if self.control.has_data() {
            control::refresh(self);
        }
    }
}

/// How a page fault was resolved, for a person.
const fn words(how: Resolution) -> &'static str {
    match how {
        Resolution::DemandZero => "a page of zeroes (demand zero)",
        Resolution::Transition => "the page was still in a frame (transition)",
        Resolution::PageFile => "the page was read from a page file",
        Resolution::File => "the page was read from its file",
        Resolution::CopyOnWrite => "the process got its own copy (copy on write)",
        Resolution::Shared => "the page is shared and was in memory",
        Resolution::StackGrowth => "the stack has grown by a page (guard page)",
        Resolution::FirstWrite => "the first write to a clean page",
        Resolution::Spurious => "the entry allows the access: the translation was older",
    }
}

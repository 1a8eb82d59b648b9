//! Threads: made, begun, ended; and the calls that the kernel makes into programs.
//!
//! ```text
//! stack   lowest page free (overflow)   pages on first touch   arguments, command line   FS block 80   TLS 100   end
//! ```
//!
//! A call into a program returns to `API_RETURN`, where the kernel takes the newest call record.

use super::error::CeError;
use super::layout::{call, process, thread};
use super::memory::PAGE;
use super::object::{
    CallKind, CallRecord, Notice, Object, ProcessNumber, Reason, Then, Thread, ThreadIndex, ThreadState, Wait,
};
use super::processor::{
    self, BLOCK_SELF, END_OF_LIST, EXCEPTION_LIST, RESULT, RESULT_HIGH, STACK, STACK_END, STACK_LIMIT,
    THREAD_BLOCK_BYTES, ThreadRegisters,
};
use super::region::{Region, RegionKind, whole_blocks};
use super::virtual_memory::READ_WRITE;
use crate::ce::Device;
use std::collections::VecDeque;
use vatlas_rules::ce::api_sets::API_RETURN;

/// Bytes of the TLS area: 64 words.
pub(crate) const TLS_BYTES: u32 = 0x100;
/// Stack of a thread that does not say: 64 KB (`wince.md` 2.5).
pub(crate) const DEFAULT_STACK: u32 = 0x1_0000;
/// `THREAD_PRIORITY_NORMAL` in CE's numbers.
pub(crate) const NORMAL_PRIORITY: u8 = 251;
/// Milliseconds.
pub(crate) const DEFAULT_QUANTUM: u32 = 100;
/// Arguments of a call into a program.
const MOST_ARGUMENTS: usize = 4;

/// What a thread is made with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NewThread {
    pub process: ProcessNumber,
    pub start: u32,
    pub argument: u32,
    pub stack: u32,
    pub is_suspended: bool,
}

impl Device {
    /// The registers of a thread.
    pub(crate) fn registers(&self, index: ThreadIndex) -> ThreadRegisters {
        match self.state.running == Some(index) {
            true => processor::registers(&self.computer.processors[0]),
            false => self.thread(index).registers,
        }
    }

    /// Sets the registers of a thread.
    pub(crate) fn set_registers(&mut self, index: ThreadIndex, registers: &ThreadRegisters) {
        match self.state.running == Some(index) {
            true => processor::set_registers(&mut self.computer.processors[0], registers),
            false => self.thread_mut(index).registers = *registers,
        }
    }

    /// Sets the result of a thread's call.
    pub(crate) fn set_result(&mut self, index: ThreadIndex, value: u64) {
        let mut registers = self.registers(index);
        registers.general[RESULT] = value as u32;
        registers.general[RESULT_HIGH] = (value >> 32) as u32;
        self.set_registers(index, &registers);
    }

    /// Kernel mode or user mode for a thread.
    pub(crate) fn set_mode(&mut self, index: ThreadIndex, in_kernel_mode: bool) {
        self.thread_mut(index).in_kernel_mode = in_kernel_mode;
        if self.state.running == Some(index) {
            processor::set_mode(&mut self.computer.processors[0], in_kernel_mode);
        }
    }

    /// A thread with its stack; it does not run yet.
    pub(crate) fn new_thread(&mut self, new: &NewThread) -> Result<ThreadIndex, CeError> {
        let number = new.process;
        let size = whole_blocks(new.stack.max(DEFAULT_STACK)).ok_or(CeError::NOT_ENOUGH_MEMORY)?;
        let (first, end) = self.private_range(number);
        let base = self.find_free(first, end, size).ok_or(CeError::NOT_ENOUGH_MEMORY)?;
        self.reserve(Region { base, size, process: number, kind: RegionKind::Stack })?;
        let region = self.region(base);
        let made = self.commit(base + size - PAGE, PAGE, READ_WRITE).and_then(|()| self.make_thread(new, base, size));
        if made.is_err()
            && let Some(region) = region
        {
            self.free_region(&region);
        }
        made
    }

    fn make_thread(&mut self, new: &NewThread, base: u32, size: u32) -> Result<ThreadIndex, CeError> {
        let at = self.allocate(thread::BYTES)?;
        let index = self.free_thread();
        let handle = self.new_handle(Object::Thread(index), at, new.process)?;
        if let Some(handle) = self.state.handles.get_mut(&handle) {
            handle.is_pinned = true;
        }
        let tls = base + size - TLS_BYTES;
        let created = self.now();
        let key = self.key_of(new.process);
        let thread = Thread {
            at,
            handle,
            owner: new.process,
            current: new.process,
            key,
            in_kernel_mode: self.state.full_kernel_mode,
            state: ThreadState::Suspended,
            base_priority: NORMAL_PRIORITY,
            priority: NORMAL_PRIORITY,
            quantum: DEFAULT_QUANTUM,
            quantum_left: DEFAULT_QUANTUM,
            suspended: u32::from(new.is_suspended),
            registers: ThreadRegisters::starting(new.start, tls - THREAD_BLOCK_BYTES),
            floats: processor::floats(),
            stack_base: base,
            stack_size: size,
            tls,
            calls: Vec::new(),
            wait: Wait::default(),
            owns: Vec::new(),
            dying: None,
            exit_code: 0,
            created,
            executed: 0,
        };
        match self.state.threads.get_mut(index as usize) {
            Some(place) => *place = thread,
            None => self.state.threads.push(thread),
        }
        let owner = self.process(new.process).map_or(0, |process| process.at);
        for (offset, value) in [
            (thread::PROCESS, owner),
            (thread::OWNER, owner),
            (thread::KEY, key),
            (thread::STACK_BASE, base),
            (thread::STACK_SIZE, size),
            (thread::TLS, tls),
            (thread::HANDLE, handle),
            (thread::CREATED, created as u32),
            (thread::CREATED + 4, (created >> 32) as u32),
            (thread::START, new.start),
        ] {
            self.set_word(at + offset, value);
        }
        self.fill_thread_block(index)?;
        if let Some(process) = self.process_mut(new.process) {
            process.threads.push(index);
        }
        self.show_threads(new.process);
        self.show_state(index);
        self.tell_thread_start(index);
        Ok(index)
    }

    /// A place for a thread: that of one that is gone and that no handle stands for, else a new one.
    fn free_thread(&self) -> ThreadIndex {
        let is_free = |index: usize| {
            let it = &self.state.threads[index];
            let known = self.state.handles.get(&it.handle).map(|handle| &handle.object);
            it.state == ThreadState::Ended && known != Some(&Object::Thread(index as ThreadIndex))
        };
        let count = self.state.threads.len();
        let running = self.state.running.map(|index| index as usize);
        (0..count).find(|index| Some(*index) != running && is_free(*index)).unwrap_or(count) as ThreadIndex
    }

    /// The key of a thread that begins: its process, and NK (`wince.md` 2.3).
    fn key_of(&self, number: ProcessNumber) -> u32 {
        1 << number | 1
    }

    /// What the thread's own structures hold at first: the words below the TLS area among them (`wince.md` 5.5).
    fn fill_thread_block(&mut self, index: ThreadIndex) -> Result<(), CeError> {
        let it = self.thread(index);
        let (tls, base, size, number) = (it.tls, it.stack_base, it.stack_size, it.owner);
        let block = tls - THREAD_BLOCK_BYTES;
        let end = base + size;
        for (at, value) in [
            (block + EXCEPTION_LIST, END_OF_LIST),
            (block + STACK_END, end),
            (block + STACK_LIMIT, end - PAGE),
            (block + BLOCK_SELF, block),
            (tls - 4, base),
            (tls - 8, end - PAGE),
            (tls - 16, size),
            (tls - 20, u32::from(self.state.full_kernel_mode)),
            (tls - 28, self.process_base(number)),
        ] {
            self.write_word(index, at, value)?;
        }
        Ok(())
    }

    /// Shows how far down a stack is committed.
    pub(crate) fn show_stack(&mut self, index: ThreadIndex, lowest: u32) {
        let tls = self.thread(index).tls;
        for at in [tls - 8, tls - THREAD_BLOCK_BYTES + STACK_LIMIT] {
            if let Some(pa) = self.physical_of(at) {
                self.computer.board.ram.write_u32(pa, lowest);
            }
        }
    }

    /// `CreateThread`: the thread with the calls of DLLs that come first.
    pub(crate) fn create_thread(&mut self, new: &NewThread) -> Result<ThreadIndex, CeError> {
        let index = self.new_thread(new)?;
        let notices = self.thread_notices(new.process, Reason::ThreadAttach);
        let then = Then::Begin { start: new.start, arguments: [new.argument, 0, 0, 0], count: 1 };
        self.begin_notices(index, notices, then);
        self.state.counters.threads_created += 1;
        if !new.is_suspended {
            self.make_ready(index);
        }
        Ok(index)
    }

    /// Calls of DLLs for a thread that begins or ends.
    pub(crate) fn thread_notices(&self, number: ProcessNumber, reason: Reason) -> VecDeque<Notice> {
        let Some(process) = self.process(number) else { return VecDeque::new() };
        let wants = |index: &&u32| {
            self.state
                .modules
                .get(**index as usize)
                .is_some_and(|module| module.as_ref().is_some_and(|module| module.wants_thread_notices))
        };
        let mut notices: VecDeque<Notice> =
            process.modules.iter().filter(wants).map(|index| Notice { module: *index, reason }).collect();
        if reason == Reason::ThreadDetach {
            notices.make_contiguous().reverse();
        }
        notices
    }

    /// Makes a thread call entries of DLLs one after the other, then go on with `then`.
    pub(crate) fn begin_notices(&mut self, index: ThreadIndex, notices: VecDeque<Notice>, then: Then) {
        let registers = self.registers(index);
        self.next_notice(index, notices, then, (registers.pc, registers.general[STACK]));
    }

    fn next_notice(&mut self, index: ThreadIndex, mut left: VecDeque<Notice>, then: Then, back: (u32, u32)) {
        while let Some(now) = left.pop_front() {
            let Some(Some(module)) = self.state.modules.get(now.module as usize) else { continue };
            let (hmodule, image) = (module.at, &self.state.images[module.image as usize]);
            if image.entry == 0 {
                continue;
            }
            let entry = image.address(image.entry);
            let mut registers = self.registers(index);
            registers.pc = back.0;
            registers.general[STACK] = back.1;
            self.set_registers(index, &registers);
            let reserved = u32::from(matches!(then, Then::Begin { .. } | Then::TellServers { .. }));
            let kind = CallKind::Notices { left, now, then };
            if self.call_program(index, entry, &[hmodule, now.reason as u32, reserved], kind).is_err() {
                self.finish(index, then, back);
            }
            return;
        }
        self.finish(index, then, back);
    }

    /// Makes a thread call a function; its record says what follows.
    pub(crate) fn call_program(
        &mut self,
        index: ThreadIndex,
        function: u32,
        arguments: &[u32],
        kind: CallKind,
    ) -> Result<(), CeError> {
        let mut registers = self.registers(index);
        let (pc, stack) = (registers.pc, registers.general[STACK]);
        let top = self.push_call(index, stack, arguments)?;
        self.push_record(index, kind, pc, stack)?;
        registers.pc = function;
        registers.general[STACK] = top;
        self.set_registers(index, &registers);
        Ok(())
    }

    /// Puts arguments and the kernel's return address below a stack pointer.
    fn push_call(&mut self, index: ThreadIndex, stack: u32, arguments: &[u32]) -> Result<u32, CeError> {
        let words = 1 + arguments.len().min(MOST_ARGUMENTS) as u32;
        let top = (stack & !3).wrapping_sub(4 * words);
        self.write_word(index, top, API_RETURN.0 as u32)?;
        for (number, argument) in arguments.iter().take(MOST_ARGUMENTS).enumerate() {
            self.write_word(index, top.wrapping_add(4 + 4 * number as u32), *argument)?;
        }
        Ok(top)
    }

    /// Adds a record to a thread's call stack.
    pub(crate) fn push_record(
        &mut self,
        index: ThreadIndex,
        kind: CallKind,
        return_address: u32,
        stack: u32,
    ) -> Result<(), CeError> {
        let at = self.allocate(call::BYTES)?;
        let it = self.thread(index);
        let (number, key, in_kernel_mode) = (it.current, it.key, it.in_kernel_mode);
        let next = it.calls.last().map_or(0, |call| call.at);
        let last = self.process(number).map_or(0, |process| process.at);
        for (offset, value) in [
            (call::NEXT, next),
            (call::RETURN, return_address),
            (call::PROCESS, last),
            (call::KEY, key),
            (call::STACK, stack),
            (call::MODES, u32::from(!in_kernel_mode) * 3),
        ] {
            self.set_word(at + offset, value);
        }
        let is_server = matches!(kind, CallKind::Server { .. });
        let exceptions = if is_server { self.swap_exceptions(index, END_OF_LIST) } else { 0 };
        self.set_word(at + call::EXCEPTIONS, exceptions);
        let record = CallRecord { at, kind, return_address, stack, process: number, key, in_kernel_mode, exceptions };
        self.thread_mut(index).calls.push(record);
        self.show_place(index);
        Ok(())
    }

    /// A server has its own list of exception handlers: the caller's are not asked (our choice).
    fn swap_exceptions(&mut self, index: ThreadIndex, list: u32) -> u32 {
        let at = self.thread(index).tls - THREAD_BLOCK_BYTES + EXCEPTION_LIST;
        let Some(pa) = self.physical_of(at) else { return END_OF_LIST };
        let old = self.computer.board.ram.read_u32(pa).unwrap_or(END_OF_LIST);
        self.computer.board.ram.write_u32(pa, list);
        old
    }

    /// Takes the newest record: the thread is where it was when the record was made.
    pub(crate) fn pop_record(&mut self, index: ThreadIndex) -> Option<CallRecord> {
        let record = self.thread_mut(index).calls.pop()?;
        self.release(record.at, call::BYTES);
        if matches!(record.kind, CallKind::Server { .. }) {
            self.swap_exceptions(index, record.exceptions);
        }
        let it = self.thread_mut(index);
        (it.current, it.key) = (record.process, record.key);
        self.set_mode(index, record.in_kernel_mode);
        self.show_place(index);
        self.place_changed(index);
        Some(record)
    }

    /// The thread came back to the kernel from a call that the kernel made, or from its first function.
    pub(crate) fn api_return(&mut self, index: ThreadIndex) {
        let result = self.registers(index).general[RESULT];
        if self.thread(index).calls.last().is_some_and(|call| matches!(call.kind, CallKind::Dispatch { .. })) {
            self.drop_stale_records(index);
        }
        let Some(record) = self.pop_record(index) else { return self.thread_returned(index, result) };
        let back = (record.return_address, record.stack);
        match record.kind {
            CallKind::Server { then, .. } => {
                let mut registers = self.registers(index);
                registers.pc = back.0;
                // The return address is gone; arguments are the caller's.
                registers.general[STACK] = back.1.wrapping_add(4);
                self.set_registers(index, &registers);
                match then {
                    Some(then) => self.finish(index, then, back),
                    None => self.end_if_dying(index),
                }
            }
            CallKind::Notices { left, now, then } => {
                if result == 0 && now.reason == Reason::ProcessAttach {
                    return self.refused(index, then, back);
                }
                self.next_notice(index, left, then, back);
            }
            CallKind::Dispatch { context, record: exception } => self.dispatched(index, context, &exception, result),
        }
    }

    /// The entry of a DLL said no.
    fn refused(&mut self, index: ThreadIndex, then: Then, back: (u32, u32)) {
        match then {
            Then::Loaded(module) => {
                let is_kernel = self.state.modules[module as usize].as_ref().is_some_and(|module| module.is_kernel);
                let number = if is_kernel { 0 } else { self.thread(index).current };
                self.drop_module(number, module);
                self.set_last_error(index, CeError::DLL_INIT_FAILED);
                self.finish(index, Then::Return(0), back);
            }
            Then::Begin { .. } => self.end_process(index, CeError::DLL_INIT_FAILED.0),
            then => self.finish(index, then, back),
        }
    }

    /// Does what follows when all calls are made.
    pub(crate) fn finish(&mut self, index: ThreadIndex, then: Then, back: (u32, u32)) {
        let mut registers = self.registers(index);
        (registers.pc, registers.general[STACK]) = back;
        match then {
            Then::Return(value) => registers.general[RESULT] = value,
            Then::Loaded(module) => {
                registers.general[RESULT] = self.state.modules[module as usize].as_ref().map_or(0, |module| module.at);
            }
            Then::Unload(module) => {
                registers.general[RESULT] = 1;
                let number = self.thread(index).current;
                self.drop_module(number, module);
            }
            Then::Begin { start, arguments, count } => {
                let arguments = &arguments[..usize::from(count).min(4)];
                let Ok(top) = self.push_call(index, back.1, arguments) else {
                    return self.end_thread(index, super::fault::ACCESS_VIOLATION);
                };
                registers = ThreadRegisters::starting(start, top);
            }
            Then::EndThread(code) => return self.end_thread(index, code),
            Then::EndProcess(code) => return self.close_process(index, code),
            Then::TellServers { set, cause, code } => return self.tell_servers(index, set, cause, code),
        }
        self.set_registers(index, &registers);
        self.end_if_dying(index);
    }

    /// The thread's first function returned.
    fn thread_returned(&mut self, index: ThreadIndex, code: u32) {
        self.exit_thread(index, code);
    }

    /// `ExitThread`: the main thread takes its process with it.
    pub(crate) fn exit_thread(&mut self, index: ThreadIndex, code: u32) {
        let owner = self.thread(index).owner;
        let is_main = self.process(owner).is_some_and(|process| process.main_thread == index);
        if is_main {
            return self.end_process(index, code);
        }
        if self.process(owner).is_some_and(|process| process.is_ending) {
            return self.end_thread(index, code);
        }
        let notices = self.thread_notices(owner, Reason::ThreadDetach);
        self.rewind(index);
        self.begin_notices(index, notices, Then::EndThread(code));
    }

    /// Takes a thread out of every call: it is in its own process, at the top of its stack.
    pub(crate) fn rewind(&mut self, index: ThreadIndex) {
        while self.pop_record(index).is_some() {}
        let it = self.thread(index);
        let top = it.tls - THREAD_BLOCK_BYTES;
        let registers = ThreadRegisters::starting(API_RETURN.0 as u32, top);
        self.set_registers(index, &registers);
    }

    /// A thread that shall end and is in its own process again does.
    pub(crate) fn end_if_dying(&mut self, index: ThreadIndex) {
        let it = self.thread(index);
        if let Some(code) = it.dying
            && it.current == it.owner
            && it.state != ThreadState::Ended
        {
            self.thread_mut(index).dying = None;
            self.exit_thread(index, code);
        }
    }

    /// A thread is gone: whoever waits for it goes on; what it owned is abandoned.
    pub(crate) fn end_thread(&mut self, index: ThreadIndex, code: u32) {
        if self.thread(index).state == ThreadState::Ended {
            return;
        }
        while self.pop_record(index).is_some() {}
        self.tell_thread_end(index, code);
        self.leave_waits(index);
        self.abandon(index);
        self.unschedule(index);
        let it = self.thread_mut(index);
        (it.state, it.exit_code) = (ThreadState::Ended, code);
        let (owner, handle, base, at) = (it.owner, it.handle, it.stack_base, it.at);
        it.stack_size = 0;
        self.show_state(index);
        if let Some(process) = self.process_mut(owner) {
            process.threads.retain(|thread| *thread != index);
        }
        self.show_threads(owner);
        if let Some(region) = self.region(base).filter(|region| region.kind == RegionKind::Stack) {
            self.free_region(&region);
        }
        self.wake_all(handle);
        self.unpin(handle);
        self.release(at, thread::BYTES);
        self.resume_end_of_process(owner);
    }

    /// Sets what `GetLastError` says.
    pub(crate) fn set_last_error(&mut self, index: ThreadIndex, error: CeError) {
        let at = self.thread(index).at;
        self.set_word(at + thread::LAST_ERROR, error.0);
    }

    /// Shows the command line of a process.
    pub(crate) fn put_command_line(&mut self, index: ThreadIndex, text: &str) -> Result<u32, CeError> {
        let bytes = super::memory::utf16(text);
        let mut registers = self.registers(index);
        let at = (registers.general[STACK].wrapping_sub(bytes.len() as u32)) & !3;
        self.write(index, at, &bytes)?;
        registers.general[STACK] = at;
        self.set_registers(index, &registers);
        let owner = self.thread(index).owner;
        if let Some(it) = self.process_mut(owner) {
            it.command_line = at;
            let place = it.at + process::COMMAND_LINE;
            self.set_word(place, at);
        }
        Ok(at)
    }
}

//! API sets of servers, and calls that move a thread into them (`wince.md` 5.3).
//!
//! In a server the thread has the server's slot in slot 0 and one key bit more; its stack is where it was, since a stack
//! is known by its slot address. Arguments that the set's signature calls pointers are mapped to the caller.

use super::error::CeError;
use super::layout::{info, set};
use super::object::{ApiSet, CallKind, Object, ProcessNumber, Then, ThreadIndex, Waitable};
use super::processor::STACK;
use super::space::SLOT;
use crate::ce::Device;
use vatlas_rules::ce::api_sets::{API_RETURN, API_SETS};

/// Methods of a set.
const MOST_METHODS: u32 = 256;
/// A call of a kind of handles: registered with this bit.
const FOR_HANDLES: u32 = 1 << 31;

impl Device {
    /// `CreateAPISet`: the handle of a new set of the process that the thread is in.
    pub(crate) fn create_api_set(
        &mut self,
        index: ThreadIndex,
        name: u32,
        count: u32,
        (methods, signatures): (u32, u32),
    ) -> Result<u32, CeError> {
        if count > MOST_METHODS {
            return Err(CeError::INVALID_PARAMETER);
        }
        let mut tag = [0; 4];
        self.read(index, name, &mut tag)?;
        let mut addresses = Vec::with_capacity(count as usize);
        let mut words = Vec::new();
        for number in 0..count {
            addresses.push(self.read_word(index, methods.wrapping_add(4 * number))?);
            if signatures != 0 {
                words.push(self.read_word(index, signatures.wrapping_add(4 * number))?);
            }
        }
        let server = self.thread(index).current;
        let at = self.allocate(set::BYTES)?;
        self.put(at + set::NAME, &tag);
        self.set_half(at + set::COUNT, count as u16);
        self.set_word(at + set::METHODS, self.mapped_for(server, methods));
        self.set_word(at + set::SIGNATURES, self.mapped_for(server, signatures));
        self.set_word(at + set::SERVER, self.process(server).map_or(0, |process| process.at));
        let name = String::from_utf8_lossy(&tag).trim_end_matches('\0').to_owned();
        let (methods, signatures) = (addresses, words);
        let it = ApiSet { at, name, server, methods, signatures, number: None, is_handle: false };
        let handle = self.new_handle(Object::ApiSet(at), at, server)?;
        self.state.sets.insert(handle, it);
        Ok(handle)
    }

    /// `RegisterAPISet`: from now on calls of this number go there.
    pub(crate) fn register_api_set(&mut self, handle: u32, number: u32) -> Result<(), CeError> {
        let is_handle = number & FOR_HANDLES != 0;
        let number = u8::try_from(number & !FOR_HANDLES).ok().filter(|number| *number < API_SETS);
        let number = number.ok_or(CeError::INVALID_PARAMETER)?;
        // Files and devices are one kind of handle with two servers: the handle says whose it is.
        if self.set_of_number(number).is_some() && !is_handle {
            return Err(CeError::ALREADY_EXISTS);
        }
        let it = self.state.sets.get_mut(&handle).ok_or(CeError::INVALID_HANDLE)?;
        (it.number, it.is_handle) = (Some(number), is_handle);
        let at = it.at;
        self.set_byte(at + set::KIND, if is_handle { number } else { 0 });
        self.set_word(self.state.api_sets_at + 4 * u32::from(number), at);
        self.show_api_mask();
        self.wake_waiters_of(Waitable::ApiSet(number));
        self.start_due_programs();
        Ok(())
    }

    fn show_api_mask(&mut self) {
        let numbers = self.state.sets.values().filter_map(|set| set.number);
        let mask = numbers.fold(0, |mask, number| mask | 1 << number);
        self.set_info(info::API_MASK, mask);
    }

    /// The handle of the set that is registered under a number.
    pub(crate) fn set_of_number(&self, number: u8) -> Option<u32> {
        self.state.sets.iter().find(|(_, set)| set.number == Some(number)).map(|(handle, _)| *handle)
    }

    /// Moves a thread into the server of a set whose method it called.
    pub(crate) fn enter_server(&mut self, index: ThreadIndex, handle: u32, method: u8) -> Result<(), CeError> {
        let handle = self.set_of_argument(index, handle)?;
        let it = self.state.sets.get(&handle).ok_or(CeError::INVALID_HANDLE)?;
        let function = it.methods.get(usize::from(method)).copied().filter(|function| *function != 0);
        let function = function.ok_or(CeError::NOT_SUPPORTED)?;
        let (server, number, is_handle) = (it.server, it.number.unwrap_or(0), it.is_handle);
        let signature = it.signatures.get(usize::from(method)).copied().unwrap_or(0);
        let stack = self.registers(index).general[STACK];
        let return_address = self.read_word(index, stack)?;
        if is_handle {
            let word = self.word_for_server(index, stack, handle)?;
            self.write_word(index, stack.wrapping_add(4), word)?;
        }
        self.map_arguments(index, stack, signature)?;
        self.write_word(index, stack, API_RETURN.0 as u32)?;
        let kind = CallKind::Server { set: number, method, then: None };
        self.push_record(index, kind, return_address, stack)?;
        self.go_to(index, server, function, stack);
        self.state.counters.server_calls += 1;
        Ok(())
    }

    /// Of several sets of one kind of handle, the one that the handle in the first argument was made with.
    fn set_of_argument(&mut self, index: ThreadIndex, handle: u32) -> Result<u32, CeError> {
        let Some(number) = self.state.sets.get(&handle).filter(|set| set.is_handle).map(|set| set.number) else {
            return Ok(handle);
        };
        let stack = self.registers(index).general[STACK];
        let value = self.read_word(index, stack.wrapping_add(4))?;
        Ok(match self.state.handles.get(&value).map(|handle| &handle.object) {
            Some(Object::Api { set: of, .. }) if self.state.sets.get(of).is_some_and(|set| set.number == number) => *of,
            _ => handle,
        })
    }

    /// What a server gave to `CreateAPIHandle` for the handle that is the first argument.
    fn word_for_server(&mut self, index: ThreadIndex, stack: u32, set: u32) -> Result<u32, CeError> {
        let value = self.read_word(index, stack.wrapping_add(4))?;
        match self.state.handles.get(&value).map(|handle| &handle.object) {
            Some(Object::Api { set: of, word }) if *of == set => Ok(*word),
            _ => Err(CeError::INVALID_HANDLE),
        }
    }

    /// Pointers into slot 0 get the caller's slot.
    fn map_arguments(&mut self, index: ThreadIndex, stack: u32, signature: u32) -> Result<(), CeError> {
        let caller = self.process_base(self.thread(index).current);
        for number in 0..16 {
            if signature >> (2 * number) & 3 != 1 {
                continue;
            }
            let place = stack.wrapping_add(4 + 4 * number);
            let pointer = self.read_word(index, place)?;
            if pointer != 0 && pointer < SLOT {
                self.write_word(index, place, pointer | caller)?;
            }
        }
        Ok(())
    }

    /// The thread runs a function of a process now.
    fn go_to(&mut self, index: ThreadIndex, server: ProcessNumber, function: u32, stack: u32) {
        let it = self.thread_mut(index);
        it.current = server;
        it.key |= 1 << server;
        let mut registers = self.registers(index);
        registers.pc = function;
        registers.general[STACK] = stack;
        self.set_registers(index, &registers);
        self.show_place(index);
        self.place_changed(index);
    }

    /// Makes a thread call a method of a set by itself: the kernel's own call.
    pub(crate) fn call_method(
        &mut self,
        index: ThreadIndex,
        handle: u32,
        method: u8,
        arguments: &[u32],
        then: Option<Then>,
    ) -> Result<(), CeError> {
        let it = self.state.sets.get(&handle).ok_or(CeError::INVALID_HANDLE)?;
        let function = it.methods.get(usize::from(method)).copied().filter(|function| *function != 0);
        let function = function.ok_or(CeError::NOT_SUPPORTED)?;
        let (server, set) = (it.server, it.number.unwrap_or(0));
        self.call_program(index, function, arguments, CallKind::Server { set, method, then })?;
        // The record counts from the stack pointer behind the return address.
        let stack = self.registers(index).general[STACK];
        if let Some(record) = self.thread_mut(index).calls.last_mut() {
            record.stack = record.stack.wrapping_sub(4);
        }
        self.go_to(index, server, function, stack);
        Ok(())
    }

    /// The process that called into the one that a thread is in: the last other one.
    pub(crate) fn caller_of(&self, index: ThreadIndex) -> ProcessNumber {
        let it = self.thread(index);
        let servers = it.calls.iter().rev().filter(|call| matches!(call.kind, CallKind::Server { .. }));
        servers.map(|call| call.process).next().unwrap_or(it.owner)
    }

    /// API sets of a process that ended answer no more.
    pub(crate) fn remove_sets_of(&mut self, number: ProcessNumber) {
        let gone: Vec<u32> =
            self.state.sets.iter().filter(|(_, set)| set.server == number).map(|(handle, _)| *handle).collect();
        for handle in gone {
            let Some(it) = self.state.sets.remove(&handle) else { continue };
            if let Some(number) = it.number {
                self.set_word(self.state.api_sets_at + 4 * u32::from(number), 0);
            }
            self.release(it.at, set::BYTES);
        }
        self.show_api_mask();
    }
}

//! Programs without an image: pieces of code and data at addresses, as tests and measurements need them.

use crate::cpu::Fpu;
use crate::memory::{AddressLimits, AllocationRequest, MEM_COMMIT, MEM_RESERVE, NtStatus};
use crate::nt::process::ProcessIndex;
use crate::nt::thread::{NewThread, ThreadIndex};
use crate::nt::trap_frame::{TrapFrame, word};
use crate::nt::user_stack::InitialTeb;
use crate::nt::{System, UserEntries};
use vatlas_space::{Protection, Va};

/// Bytes of the stack of each thread.
const STACK_BYTES: u32 = 0x1_0000;

/// A program without an image.
#[derive(Clone, Debug, Default)]
pub struct BareProgram {
    /// Name of its process.
    pub name: String,
    /// Address and bytes of each piece; memory is executable and writable.
    pub pieces: Vec<(u32, Vec<u8>)>,
    /// EIP of each thread that it begins with.
    pub threads: Vec<u32>,
    /// Where the kernel enters user mode; zero for what the program does not need.
    pub entries: UserEntries,
}

impl System {
    /// Starts a program without an image, as `NtCreateProcess` does without a section. Each thread gets a TEB and a
    /// stack of 64 KB.
    ///
    /// # Errors
    /// Memory is used up, or a piece is where none can be.
    pub fn start_bare(&mut self, program: &BareProgram) -> Result<ProcessIndex, NtStatus> {
        let process = self.create_process(&program.name, AddressLimits::TWO_GB, 4)?;
        for (at, bytes) in &program.pieces {
            self.add_bare_piece(process, *at, bytes)?;
        }
        self.set_user_entries(process, program.entries);
        for eip in &program.threads {
            self.bare_thread(process, *eip)?;
        }
        self.first_process.get_or_insert(process);
        Ok(process)
    }

    /// Puts one more piece into a program, where nothing is yet.
    ///
    /// # Errors
    /// Memory is used up, or something is there.
    pub fn add_bare_piece(&mut self, process: ProcessIndex, at: u32, bytes: &[u8]) -> Result<(), NtStatus> {
        self.bare_memory(process, at, bytes.len() as u32)?;
        let space = self.processes[process.0].space;
        self.write_user(space, at, bytes)
    }

    fn bare_memory(&mut self, process: ProcessIndex, at: u32, size: u32) -> Result<u32, NtStatus> {
        let (kind, protection) = (MEM_RESERVE | MEM_COMMIT, Protection::EXECUTE_READWRITE);
        let request = AllocationRequest { base: Va(at.into()), zero_bits: 0, size, kind, protection };
        let space = self.processes[process.0].space;
        self.memory.allocate(&mut self.computer.board.ram, space, &request).map(|(base, _)| base.0 as u32)
    }

    fn bare_thread(&mut self, process: ProcessIndex, eip: u32) -> Result<ThreadIndex, NtStatus> {
        let stack = self.bare_memory(process, 0, STACK_BYTES)?;
        let stack = InitialTeb { base: stack + STACK_BYTES, limit: stack, allocation: stack };
        let id = self.next_id();
        let teb = self.create_teb(process, id, &stack)?;
        let mut frame = TrapFrame::user();
        frame.set(word::EIP, eip);
        frame.set(word::ESP, stack.base - 16);
        let new = NewThread { frame, fpu: Fpu::default(), teb, id, start_address: eip, apc: None, is_suspended: false };
        self.create_thread(process, &new)
    }

    /// Reads memory of a process that is in frames now, changing nothing. How many bytes there were.
    pub fn read_resident(&self, process: ProcessIndex, va: u32, buffer: &mut [u8]) -> usize {
        let Some(space) = self.processes.get(process.0).filter(|process| !process.is_gone).map(|process| process.space)
        else {
            return 0;
        };
        let ram = &self.computer.board.ram;
        let mut done = 0;
        while done < buffer.len() {
            let at = Va(u64::from(va) + done as u64);
            let Some(mapping) = self.memory.walk(ram, space, at).mapping() else { break };
            let end = buffer.len().min(done + 0x1000 - (at.0 as usize & 0xfff));
            if !ram.read(mapping.pa, &mut buffer[done..end]) {
                break;
            }
            done = end;
        }
        done
    }
}

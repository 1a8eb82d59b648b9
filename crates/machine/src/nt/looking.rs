//! What a debugger asks of a stopped system beyond its memory: where to begin, what processors hold, what files hold.
//!
//! Nothing here changes the machine: the same questions are answered from a kernel dump where it has the answers.

use crate::cpu::{Interpreter, OpenCall};
use crate::memory::ControlAreaIndex;
use crate::nt::System;
use crate::nt::float_image::encode_fx;
use crate::nt::thread::{ThreadIndex, ThreadState};
use crate::ram::FRAME_BYTES;
use vatlas_rules::nt::pte::PteRules;
use vatlas_space::{Pa, Va};

/// Where a debugger begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DebuggerRoots {
    /// Any page directory: the kernel half is the same in all.
    pub directory: Pa,
    /// `PsActiveProcessHead`.
    pub process_list: Va,
    /// `MmPfnDatabase`.
    pub frame_database: Va,
    /// `MmSystemRangeStart`.
    pub range_start: Va,
    /// `PsLoadedModuleList`, when there is an image of the kernel.
    pub module_list: Option<Va>,
    /// `ObpRootDirectoryObject`.
    pub root_directory: Option<Va>,
    /// Frames of physical memory.
    pub frames: u64,
    /// Bases that software forms of entries count from.
    pub rules: PteRules,
}

/// Registers of a thread that a processor runs now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunningRegisters {
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
    pub general: [u32; 8],
    /// EIP.
    pub eip: u32,
    /// EFLAGS.
    pub eflags: u32,
}

impl System {
    /// Where a debugger begins.
    pub fn debugger_roots(&self) -> DebuggerRoots {
        DebuggerRoots {
            directory: self
                .processes
                .first()
                .map_or(Pa(0), |process| Pa(self.memory.space(process.space).directory().0 << 12)),
            process_list: Va(self.variables.active_process_head.into()),
            frame_database: self.memory.frame_database_address(),
            range_start: self.memory.system_range_start(),
            module_list: Some(Va(self.ring0.host.loaded_module_list().into())).filter(|list| list.0 != 0),
            root_directory: self
                .memory
                .read_kernel_u32(self.ram(), Va(self.variables.root_directory.into()))
                .map(|root| Va(root.into())),
            frames: self.ram().frames().into(),
            rules: crate::memory::RULES,
        }
    }

    /// The `EPROCESS` of each process that lives, in the order of `PsActiveProcessHead`.
    pub fn process_objects(&self) -> Vec<u32> {
        let mut living: Vec<_> = self.processes.iter().filter(|process| !process.is_gone && process.id != 0).collect();
        // Ids are never used again, and whoever comes is the last of the list.
        living.sort_by_key(|process| process.id);
        living.iter().map(|process| process.block.va(0)).collect()
    }

    /// Processors.
    pub fn processors(&self) -> usize {
        self.scheduler.processors.len()
    }

    /// The registers of the thread whose `ETHREAD` is at an address, while a processor has them: its trap frame is
    /// older then.
    pub fn running_registers(&self, thread: Va) -> Option<RunningRegisters> {
        let running = self.threads.iter().find(|known| u64::from(known.block.va(0)) == thread.0)?;
        let is_saved = self.scheduler.processors.get(running.processor)?.is_saved;
        if running.state != ThreadState::Running || is_saved {
            return None;
        }
        let (general, eip, eflags) = self.computer.processors.get(running.processor)?.user_state();
        Some(RunningRegisters { general, eip, eflags })
    }

    /// The x87 and SSE registers of such a thread, as `fxsave` writes them.
    pub fn running_floats(&self, thread: Va) -> Option<[u8; 512]> {
        let known = self.threads.iter().position(|known| u64::from(known.block.va(0)) == thread.0)?;
        let is_on_a_processor = self.threads[known].state == ThreadState::Running;
        is_on_a_processor.then(|| encode_fx(&self.thread_fpu(ThreadIndex(known))))
    }

    /// From now on calls and returns of programs are written down. To be called before the first run.
    pub fn record_calls(&mut self) {
        self.computer.processors.iter_mut().for_each(Interpreter::record_calls);
    }

    /// What a processor runs now, and the calls there that have not returned, innermost first; `None` while it is idle.
    /// A thread that was on other processors before has calls there.
    pub fn open_calls(&self, processor: usize) -> Option<(RunningRegisters, Vec<OpenCall>)> {
        let state = self.scheduler.processors.get(processor)?;
        let engine = self.computer.processors.get(processor)?;
        if state.current == state.idle || state.is_saved {
            return None;
        }
        let (general, eip, eflags) = engine.user_state();
        Some((RunningRegisters { general, eip, eflags }, engine.open_calls()))
    }

    /// Reads a page of a page file; `false` where it cannot be read.
    pub fn read_page_file(&self, file: u8, page: u32, bytes: &mut [u8; FRAME_BYTES]) -> bool {
        let file = self.memory.page_files().get(usize::from(file));
        file.is_some_and(|file| file.read(page, bytes).is_ok())
    }

    /// The path from the root of its volume of the file behind a section: `\\folder\\file`.
    pub(crate) fn section_path(&self, area: ControlAreaIndex) -> Option<String> {
        self.files.borrow().path_of(self.memory.area(area)?.file()?)
    }

    /// The path of the file behind a control area: `C:\WINDOWS\system32\ntdll.dll`.
    pub fn mapped_file_name(&self, control_area: Va) -> Option<String> {
        let (_, area) = self.memory.areas().find(|(_, area)| area.address() == control_area)?;
        Some(format!("C:{}", self.files.borrow().path_of(area.file()?)?))
    }

    /// Reads the file behind a control area; how many bytes were there.
    pub fn read_mapped_file(&self, control_area: Va, offset: u64, buffer: &mut [u8]) -> usize {
        let area = self.memory.areas().find(|(_, area)| area.address() == control_area);
        let identity = area.and_then(|(_, area)| area.file());
        identity.map_or(0, |file| self.files.borrow_mut().look(file, offset, buffer))
    }
}

//! The machine as a target: a stopped system, read as a kernel dump is read.

use crate::nt_system::{KernelMemory, NtRoots, NtTarget, seconds_since_1970};
use std::rc::Rc;
use vatlas_machine::nt::{CommitOwner, ExceptionRecord as GuestException, RunningRegisters, System};
use vatlas_space::{
    Commit, CommitPart, CommitUse, ExceptionRecord, Host, Machine, OsFamily, Pa, Register, Registers, TargetKind,
    ThreadId, Va,
};

/// The machine's names of general registers in the order of their numbers.
const GENERAL: [&str; 8] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];

/// A stopped machine. Questions read it; none changes it.
pub struct MachineMemory {
    system: Rc<System>,
}

/// What the stopped machine shows.
pub type MachineTarget = NtTarget<MachineMemory>;

/// Looks at a stopped machine.
pub fn machine_target(system: &Rc<System>, name: &str) -> MachineTarget {
    let roots = system.debugger_roots();
    let roots = NtRoots {
        directory: roots.directory,
        process_list: roots.process_list,
        frame_database: roots.frame_database,
        frames: roots.frames,
        rules: roots.rules,
        range_start: roots.range_start,
        module_list: roots.module_list,
        root_directory: roots.root_directory,
    };
    let report = system.report();
    let kind = TargetKind {
        format: "machine",
        description: format!("the machine, stopped after {} instructions; it runs {name}", report.instructions),
        taken_at: seconds_since_1970(report.time),
        contents: Vec::new(),
        streams: Vec::new(),
    };
    let host = Host {
        os: OsFamily::Windows,
        version: [5, 1, 2600],
        service_pack: Some("Service Pack 3".to_owned()),
        machine: Machine::X86,
        processors: u8::try_from(system.processors()).unwrap_or(u8::MAX),
    };
    let exception = report.crashes.last().map(|crash| exception(crash.thread, &crash.record));
    let memory = Rc::new(MachineMemory { system: Rc::clone(system) });
    NtTarget::new(&memory, &roots, kind, host).with_exception(exception)
}

fn exception(thread: u32, record: &GuestException) -> ExceptionRecord {
    ExceptionRecord {
        thread: ThreadId(thread),
        code: record.code,
        flags: record.flags,
        address: Va(record.address.into()),
        parameters: record.parameters.iter().map(|parameter| u64::from(*parameter)).collect(),
        registers: None,
    }
}

impl KernelMemory for MachineMemory {
    fn read_physical(&self, at: Pa, buffer: &mut [u8]) -> bool {
        self.system.ram().read(at, buffer)
    }

    fn read_page_file(&self, file: u8, page: u32, bytes: &mut [u8; 4096]) -> bool {
        self.system.read_page_file(file, page, bytes)
    }

    fn file_name(&self, control_area: Va) -> Option<String> {
        self.system.mapped_file_name(control_area)
    }

    fn read_file(&self, control_area: Va, offset: u64, buffer: &mut [u8]) -> usize {
        self.system.read_mapped_file(control_area, offset, buffer)
    }

    fn running_registers(&self, thread: Va) -> Option<Registers> {
        self.system.running_registers(thread).map(|running| registers(&running))
    }

    fn running_floats(&self, thread: Va) -> Option<[u8; 512]> {
        self.system.running_floats(thread)
    }

    fn commit_parts(&self) -> Vec<CommitPart> {
        let owner = |owner| match owner {
            CommitOwner::Memory(id) => CommitUse::Memory(id),
            CommitOwner::PageTables(id) => CommitUse::PageTables(id),
            CommitOwner::Ended => CommitUse::Ended,
            CommitOwner::Sections => CommitUse::Sections,
            CommitOwner::Kernel => CommitUse::Kernel,
        };
        let parts = self.system.commit_parts().into_iter();
        parts.map(|(part, pages)| CommitPart { owner: owner(part), pages: pages.into() }).collect()
    }

    fn commit(&self) -> Option<Commit> {
        let commit = self.system.memory().commit();
        Some(Commit { charged: commit.charged().into(), limit: commit.limit().into() })
    }
}

fn registers(running: &RunningRegisters) -> Registers {
    let general = GENERAL.iter().zip(running.general);
    let general = general.chain([(&"eip", running.eip), (&"efl", running.eflags)]);
    let general = general.map(|(name, value)| Register { name, value: value.into() }).collect();
    Registers { machine: Machine::X86, pc: Va(running.eip.into()), sp: Va(running.general[4].into()), general }
}

//! A full kernel dump of 32-bit Windows as a target: physical memory, read as that of the stopped machine is.
//!
//! The header says where to begin; the debugger's data block, when the system had one, says where pools begin and end.
//! Only dumps without PAE are read, because the tables of one are walked.

use crate::image_files::FileBytes;
use crate::nt_system::{KernelMemory, NtRoots, NtTarget, seconds_since_1970};
use std::rc::Rc;
use vatlas_images::kernel_dump::KernelDump;
use vatlas_images::minidump::context::x86_context;
use vatlas_rules::nt::bug_check;
use vatlas_rules::nt::pte::{PteRules, PteWidth};
use vatlas_rules::nt::structures::{debugger_data, ethread};
use vatlas_rules::walk::{X86, walk};
use vatlas_space::{
    ExceptionRecord, Host, Machine, OsFamily, Pa, Pfn, Problem, Registers, Target, TargetKind, ThreadId, Va,
};

/// `KDBG`.
const OWNER_TAG: u32 = 0x4742_444b;
const PAGE: u64 = 4096;

/// Physical memory of a dump.
pub struct DumpMemory {
    bytes: FileBytes,
    dump: KernelDump,
    registers: Option<Registers>,
}

/// An opened kernel dump.
pub type KernelDumpTarget = NtTarget<DumpMemory>;

/// Opens a full kernel dump.
///
/// # Errors
/// It ends inside its header, is not a full dump, has entries of 8 bytes, or is of another processor.
pub fn open_kernel_dump(bytes: FileBytes) -> Result<KernelDumpTarget, Problem> {
    let mut dump = KernelDump::read((*bytes).as_ref())?;
    if dump.has_pae || dump.machine != 0x14c {
        let cause = if dump.has_pae { "its page-table entries have 8 bytes (PAE)" } else { "it is not of x86" };
        return Err(Problem::damage("kernel dump", cause.to_owned()).hint("dumps of x86 without PAE are read"));
    }
    let registers = x86_context(&dump.context);
    let problems = std::mem::take(&mut dump.problems);
    let memory = Rc::new(DumpMemory { bytes, dump, registers });
    let roots = memory.roots();
    let (kind, host) = (memory.kind(), memory.host());
    let exception = memory.exception(&roots);
    let target = NtTarget::new(&memory, &roots, kind, host).with_exception(exception).with_problems(problems);
    if target.processes().is_empty() {
        let problem = Problem::damage("kernel dump", "no process is found in its memory".to_owned());
        return Err(problem.hint("the file may be truncated"));
    }
    Ok(target)
}

impl DumpMemory {
    fn word(&self, va: Va) -> Option<u32> {
        let mapping = walk::<X86>(self.dump.directory.0, va, |at| {
            let mut bytes = [0; 4];
            self.read_physical(at, &mut bytes).then(|| u32::from_le_bytes(bytes).into())
        });
        let mut bytes = [0; 4];
        self.read_physical(mapping.mapping()?.pa, &mut bytes).then(|| u32::from_le_bytes(bytes))
    }

    /// The value of a variable whose address is in the debugger's data block.
    fn variable(&self, offset: u32) -> Option<Va> {
        let block = self.dump.debugger_data;
        let at = |offset: u32| block.checked_add(offset.into());
        if self.word(at(debugger_data::OWNER_TAG)?)? != OWNER_TAG {
            return None;
        }
        let variable = Va(self.word(at(offset)?)?.into());
        self.word(variable).map(|value| Va(value.into()))
    }

    /// Where the reader begins. What no block says is where Windows XP has it.
    fn roots(&self) -> NtRoots {
        let kernel = self.dump.debugger_data.checked_add(debugger_data::KERNEL_BASE.into());
        let kernel_base = kernel.and_then(|at| self.word(at)).unwrap_or_default();
        let is_high = kernel_base >= 0xc000_0000 || self.dump.pfn_database >= Va(0xc000_0000);
        let last = self.dump.runs.iter().map(|run| run.first.0 + u64::from(run.pages)).max().unwrap_or_default();
        let variable = |offset, default| self.variable(offset).filter(|va| va.0 != 0).unwrap_or(Va(default));
        NtRoots {
            directory: self.dump.directory,
            process_list: self.dump.process_list,
            frame_database: self.dump.pfn_database,
            frames: last,
            rules: PteRules {
                width: PteWidth::NonPae,
                prototype_base: variable(debugger_data::PAGED_POOL_START, 0xe100_0000),
                subsection_base: variable(debugger_data::SUBSECTION_BASE, 0x8000_0000),
                nonpaged_pool_end: variable(debugger_data::NONPAGED_POOL_END, 0xffbe_0000),
            },
            range_start: if is_high { Va(0xc000_0000) } else { Va(0x8000_0000) },
            module_list: Some(self.dump.module_list).filter(|list| list.0 != 0),
            root_directory: self.variable(debugger_data::ROOT_DIRECTORY_OBJECT).filter(|root| root.0 != 0),
        }
    }

    fn kind(&self) -> TargetKind {
        let (code, [first, second, third, fourth]) = self.dump.bug_check;
        let name = bug_check::name(code).map(|name| format!(" {name}")).unwrap_or_default();
        let why = match code {
            0 => "stopped from outside".to_owned(),
            _ => format!("bug check {code:#x}{name} ({first:08x}, {second:08x}, {third:08x}, {fourth:08x})"),
        };
        TargetKind {
            format: "kernel dump",
            description: format!("a full kernel dump of 32-bit Windows, {} pages: {why}", self.dump.pages()),
            taken_at: seconds_since_1970(self.dump.time),
            contents: Vec::new(),
            streams: Vec::new(),
        }
    }

    fn host(&self) -> Host {
        Host {
            os: OsFamily::Windows,
            version: [5, 1, self.dump.version.1],
            service_pack: None,
            machine: Machine::X86,
            processors: u8::try_from(self.dump.processors).unwrap_or(u8::MAX),
        }
    }

    /// The exception of the header, on the thread whose kernel stack the context is on.
    fn exception(&self, roots: &NtRoots) -> Option<ExceptionRecord> {
        let (code, flags, address) = self.dump.exception;
        let thread = crate::nt_system::thread_of_stack(self, roots, self.registers.as_ref()?.sp);
        Some(ExceptionRecord {
            thread: thread.unwrap_or(ThreadId(0)),
            code,
            flags,
            address,
            parameters: Vec::new(),
            registers: self.registers.clone(),
        })
        .filter(|_| self.dump.bug_check.0 != 0)
    }
}

impl KernelMemory for DumpMemory {
    fn read_physical(&self, at: Pa, buffer: &mut [u8]) -> bool {
        let mut done = 0;
        while done < buffer.len() {
            let Some(place) = at.0.checked_add(done as u64) else { return false };
            let end = buffer.len().min(done + (PAGE - place % PAGE) as usize);
            let page = self.dump.page_offset(Pfn(place / PAGE)).and_then(|offset| {
                let start = usize::try_from(offset + place % PAGE).ok()?;
                (*self.bytes).as_ref().get(start..start.checked_add(end - done)?)
            });
            let Some(bytes) = page else { return false };
            buffer[done..end].copy_from_slice(bytes);
            done = end;
        }
        true
    }

    fn read_page_file(&self, _: u8, _: u32, _: &mut [u8; PAGE as usize]) -> bool {
        false
    }

    fn read_file(&self, _: Va, _: u64, _: &mut [u8]) -> usize {
        0
    }

    fn running_registers(&self, thread: Va) -> Option<Registers> {
        let registers = self.registers.as_ref().filter(|_| self.dump.bug_check.0 != 0)?;
        let bound = |offset: u32| self.word(thread.checked_add(offset.into())?);
        let (limit, base) = (bound(ethread::STACK_LIMIT)?, bound(ethread::INITIAL_STACK)?);
        (limit..base).contains(&(registers.sp.0 as u32)).then(|| registers.clone())
    }
}

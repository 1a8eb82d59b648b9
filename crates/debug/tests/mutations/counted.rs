//! A target that counts the questions which reach its address space: an answer that takes millions of them is as good
//! as one that never comes, and a count, unlike a clock, is the same on every host.

use std::cell::Cell;
use vatlas_space::{
    AddressSpace, Backing, ExceptionRecord, Handle, Host, Module, Problem, Process, ProcessIndex, ReadFault, Region,
    SectionTable, Target, TargetKind, ThreadId, Va, VaRange, WideRegister,
};

/// More questions than this about one small file are taken for a loop without end.
pub const MOST_QUESTIONS: u64 = 2_000_000;

pub struct Counted<'t> {
    target: &'t dyn Target,
    spaces: Vec<CountedSpace<'t>>,
}

struct CountedSpace<'t> {
    space: &'t dyn AddressSpace,
    questions: Cell<u64>,
}

impl<'t> Counted<'t> {
    pub fn new(target: &'t dyn Target) -> Self {
        let spaces = (0..target.processes().len()).filter_map(|index| target.space(ProcessIndex(index)));
        Self { target, spaces: spaces.map(|space| CountedSpace { space, questions: Cell::new(0) }).collect() }
    }
}

impl CountedSpace<'_> {
    fn count(&self) {
        self.questions.set(self.questions.get() + 1);
        assert!(self.questions.get() <= MOST_QUESTIONS, "more than {MOST_QUESTIONS} questions");
    }
}

impl AddressSpace for CountedSpace<'_> {
    fn range(&self) -> VaRange {
        self.space.range()
    }

    fn region(&self, va: Va) -> Region {
        self.count();
        let region = self.space.region(va);
        assert!(region.range.contains(va), "the region at {va} is {}", region.range);
        region
    }

    fn backing(&self, va: Va) -> Backing {
        self.count();
        let backing = self.space.backing(va);
        assert!(backing.range.contains(va), "the extent at {va} is {}", backing.range);
        backing
    }

    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault> {
        self.count();
        let read = self.space.read_within(va, buffer)?;
        assert!(read <= buffer.len() && (read > 0 || buffer.is_empty()), "{read} bytes at {va}");
        Ok(read)
    }
}

impl Target for Counted<'_> {
    fn kind(&self) -> &TargetKind {
        self.target.kind()
    }

    fn host(&self) -> Option<&Host> {
        self.target.host()
    }

    fn processes(&self) -> &[Process] {
        self.target.processes()
    }

    fn space(&self, process: ProcessIndex) -> Option<&dyn AddressSpace> {
        self.spaces.get(process.0).map(|space| space as &dyn AddressSpace)
    }

    fn sections(&self, process: ProcessIndex, module: &Module) -> Option<SectionTable> {
        self.target.sections(process, module)
    }

    fn wide_registers(&self, process: ProcessIndex, thread: ThreadId) -> Vec<WideRegister> {
        self.target.wide_registers(process, thread)
    }

    fn handles(&self, process: ProcessIndex) -> (Vec<Handle>, Vec<Problem>) {
        self.target.handles(process)
    }

    fn exception(&self) -> Option<&ExceptionRecord> {
        self.target.exception()
    }

    fn problems(&self) -> &[Problem] {
        self.target.problems()
    }
}

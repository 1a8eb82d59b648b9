//! A small target for tests, put together call by call: modules, threads, regions, bytes, an exception.
//!
//! ```text
//! let target = TestTarget::new(PointerWidth::Bits32)
//!     .module("app.exe", 0x40_0000, 0x3000)
//!     .private(0x1_0000, 0x2000)
//!     .captured(0x1_0000, b"Hello")
//!     .thread(7, Machine::X86, &[("eax", 0x1_0004)]);
//! let index = target.index();
//! ```
//!
//! Extents are kept as they were given: two that adjoin in address stay two, as in a file where their bytes lie
//! apart.

use crate::usage_index::UsageIndex;
use vatlas_space::{
    AddressSpace, Backing, ExceptionRecord, FileOffset, Handle, Host, LayoutChoice, LayoutName, Machine, Module,
    OsFamily, PointerWidth, Problem, Process, ProcessId, ProcessIndex, Protection, ReadFault, Region, RegionKind,
    RegionState, Register, Registers, SectionTable, Side, Source, StackExtent, Store, Target, TargetKind, Thread,
    ThreadId, Va, VaRange, WideRegister,
};

/// What stands for the stream that would name a test's facts.
const TEST: Source = Source::Stream("test");

/// A target of one process, all of it in memory.
#[derive(Debug)]
pub(crate) struct TestTarget {
    kind: TargetKind,
    host: Option<Host>,
    processes: Vec<Process>,
    space: TestSpace,
    sections: Vec<(Va, SectionTable)>,
    exception: Option<ExceptionRecord>,
    wide: Vec<WideRegister>,
}

/// The addresses of `size` bytes from `first` on.
pub(crate) fn range(first: u64, size: u64) -> VaRange {
    VaRange::sized(Va(first), size).unwrap()
}

impl TestTarget {
    /// A process in which nothing is known yet: no module, no thread, no region, no byte.
    pub fn new(width: PointerWidth) -> Self {
        let process = Process {
            id: Some(ProcessId(100)),
            name: Some("app.exe".to_owned()),
            create_time: None,
            layout: None,
            width,
            home: None,
            peb: None,
            peb32: None,
            modules: Vec::new(),
            unloaded: Vec::new(),
            threads: Vec::new(),
        };
        let description = "a target for tests".to_owned();
        let kind =
            TargetKind { format: "test", description, taken_at: None, contents: Vec::new(), streams: Vec::new() };
        let space = TestSpace {
            range: VaRange::new(Va::ZERO, width.last()).unwrap(),
            rest: RegionState::Unknown,
            regions: Vec::new(),
            extents: Vec::new(),
        };
        Self {
            kind,
            host: None,
            processes: vec![process],
            space,
            sections: Vec::new(),
            exception: None,
            wide: Vec::new(),
        }
    }

    /// An index over the process.
    pub fn index(&self) -> UsageIndex<'_> {
        UsageIndex::new(self, ProcessIndex(0)).unwrap()
    }

    /// The process, to set facts that have no call of their own.
    pub fn process(&mut self) -> &mut Process {
        &mut self.processes[0]
    }

    /// The rules that the addresses follow.
    pub fn layout(mut self, name: LayoutName) -> Self {
        self.process().layout = Some(LayoutChoice::usual(name));
        self
    }

    /// The name of the executable.
    pub fn called(mut self, name: &str) -> Self {
        self.process().name = Some(name.to_owned());
        self
    }

    /// The system that the process ran on.
    pub fn host(mut self, os: OsFamily, version: [u32; 3], machine: Machine) -> Self {
        self.host = Some(Host { os, version, service_pack: None, machine, processors: 1 });
        self
    }

    /// When the picture was taken.
    pub fn taken_at(mut self, seconds: u32) -> Self {
        self.kind.taken_at = Some(seconds);
        self
    }

    /// A loaded image, and the image region that it fills.
    pub fn module(self, path: &str, base: u64, size: u64) -> Self {
        self.stamped_module(path, base, size, 0)
    }

    /// As [`Self::module`], with the time stamp of its header.
    pub fn stamped_module(mut self, path: &str, base: u64, size: u64, time_date_stamp: u32) -> Self {
        self.process().modules.push(Module {
            path: path.to_owned(),
            range: range(base, size),
            data: None,
            time_date_stamp,
            checksum: 0,
            version: None,
            debug_record: None,
        });
        self.region(base, size, RegionState::Committed, Some(RegionKind::Image), Some(Protection::EXECUTE_READ))
    }

    /// The sections of the module at `base`.
    pub fn sections(mut self, base: u64, table: SectionTable) -> Self {
        self.sections.push((Va(base), table));
        self
    }

    /// A region, its own allocation. It must not overlap an earlier one.
    pub fn region(
        mut self,
        first: u64,
        size: u64,
        state: RegionState,
        kind: Option<RegionKind>,
        protection: Option<Protection>,
    ) -> Self {
        let region = Region {
            state,
            kind,
            protection,
            allocation_base: kind.map(|_| Va(first)),
            allocation_protection: protection,
            ..Region::unknown(range(first, size), TEST)
        };
        let index = self.space.regions.partition_point(|other| other.range.last() < region.range.first());
        let above = self.space.regions.get(index);
        assert!(above.is_none_or(|above| above.range.intersection(region.range).is_none()), "regions overlap");
        self.space.regions.insert(index, region);
        self
    }

    /// The region at `first` belongs to the allocation at `base`.
    pub fn allocated_at(mut self, first: u64, base: u64) -> Self {
        let region = self.space.regions.iter_mut().find(|region| region.range.first() == Va(first)).unwrap();
        region.allocation_base = Some(Va(base));
        self
    }

    /// Committed private memory, readable and writable.
    pub fn private(self, first: u64, size: u64) -> Self {
        self.region(first, size, RegionState::Committed, Some(RegionKind::Private), Some(Protection::READWRITE))
    }

    /// Reserved private memory.
    pub fn reserved(self, first: u64, size: u64) -> Self {
        self.region(first, size, RegionState::Reserved, Some(RegionKind::Private), None)
    }

    /// Addresses without a region of their own are free; without this call nothing is known of them.
    pub fn rest_is_free(mut self) -> Self {
        self.space.rest = RegionState::Free;
        self
    }

    /// Bytes that the picture holds.
    pub fn captured(self, first: u64, bytes: &[u8]) -> Self {
        self.extent(first, bytes, |offset| Store::Captured(FileOffset(offset)))
    }

    /// Bytes that an image file adds.
    pub fn in_image_file(self, first: u64, bytes: &[u8], name: &str) -> Self {
        self.extent(first, bytes, |offset| Store::ImageFile { name: name.to_owned(), offset: FileOffset(offset) })
    }

    /// Bytes that are listed as captured, of which the picture's file holds only the first `there`.
    pub fn cut_off(self, first: u64, bytes: &[u8], there: usize) -> Self {
        let mut cut = self.captured(first, bytes);
        let extent = cut.space.extents.iter_mut().find(|extent| extent.range.first() == Va(first)).unwrap();
        extent.bytes.truncate(there);
        cut
    }

    fn extent(mut self, first: u64, bytes: &[u8], store: impl Fn(u64) -> Store) -> Self {
        let range = range(first, bytes.len() as u64);
        // Far apart in the file, and in the order of the calls.
        let store = store((self.space.extents.len() as u64 + 1) << 32);
        let index = self.space.extents.partition_point(|other| other.range.last() < range.first());
        let above = self.space.extents.get(index);
        assert!(above.is_none_or(|above| above.range.intersection(range).is_none()), "extents overlap");
        self.space.extents.insert(index, Extent { range, store, bytes: bytes.to_vec() });
        self
    }

    /// A thread with one side, without a stack. Registers `pc` and `sp` also set the two fields of these names.
    pub fn thread(mut self, id: u32, machine: Machine, general: &[(&'static str, u64)]) -> Self {
        let side = side(machine, general);
        self.process().threads.push(Thread {
            id: ThreadId(id),
            name: None,
            suspend_count: 0,
            priority_class: 0,
            priority: 0,
            sides: vec![side],
            ce: None,
        });
        self
    }

    /// One more side of the thread that was added last: the emulated one of WOW64.
    pub fn side(mut self, machine: Machine, general: &[(&'static str, u64)]) -> Self {
        self.process().threads.last_mut().unwrap().sides.push(side(machine, general));
        self
    }

    /// The stack of the thread that was added last: `size` bytes from `limit` on, and the TEB that says so.
    pub fn stack(mut self, limit: u64, size: u64, teb: u64) -> Self {
        let side = self.process().threads.last_mut().unwrap().sides.last_mut().unwrap();
        side.teb = Some(Va(teb));
        side.stack =
            StackExtent { captured: None, base: Some(Va(limit + size)), limit: Some(Va(limit)), reserve: None };
        self
    }

    /// A floating-point or vector register of every thread.
    pub fn wide(mut self, name: &str, bytes: &[u8]) -> Self {
        self.wide.push(WideRegister { name: name.to_owned(), bytes: bytes.to_vec() });
        self
    }

    /// The exception that the picture was taken for.
    pub fn exception(mut self, exception: ExceptionRecord) -> Self {
        self.exception = Some(exception);
        self
    }

    /// The picture was taken for no exception.
    pub fn no_exception(&mut self) {
        self.exception = None;
    }

    /// The registers of the exception.
    pub fn at_exception(mut self, registers: Registers) -> Self {
        if let Some(exception) = &mut self.exception {
            exception.registers = Some(registers);
        }
        self
    }

    /// Other bytes in an extent that was captured.
    pub fn overwritten(mut self, first: u64, bytes: &[u8]) -> Self {
        let extent = self.space.extents.iter_mut().find(|extent| extent.range.contains(Va(first))).unwrap();
        let at = usize::try_from(first - extent.range.first().0).unwrap();
        extent.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// An access violation of a thread, with the registers that it had.
    pub fn access_violation(
        self,
        thread: u32,
        address: u64,
        machine: Machine,
        general: &[(&'static str, u64)],
    ) -> Self {
        self.exception(ExceptionRecord {
            thread: ThreadId(thread),
            code: 0xc000_0005,
            flags: 0,
            address: Va(address),
            parameters: vec![0, 0],
            registers: Some(registers(machine, general)),
        })
    }
}

fn side(machine: Machine, general: &[(&'static str, u64)]) -> Side {
    Side { machine, teb: None, stack: StackExtent::default(), registers: Some(registers(machine, general)) }
}

/// Registers; `pc` and `sp` are taken from the list where it names them.
pub(crate) fn registers(machine: Machine, general: &[(&'static str, u64)]) -> Registers {
    let named = |name| general.iter().find(|(other, _)| *other == name).map_or(Va::ZERO, |&(_, value)| Va(value));
    Registers {
        machine,
        pc: named("pc"),
        sp: named("sp"),
        general: general.iter().map(|&(name, value)| Register { name, value }).collect(),
    }
}

impl Target for TestTarget {
    fn kind(&self) -> &TargetKind {
        &self.kind
    }

    fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    fn processes(&self) -> &[Process] {
        &self.processes
    }

    fn space(&self, process: ProcessIndex) -> Option<&dyn AddressSpace> {
        (process.0 == 0).then_some(&self.space as &dyn AddressSpace)
    }

    fn sections(&self, _process: ProcessIndex, module: &Module) -> Option<SectionTable> {
        let table = self.sections.iter().find(|(base, _)| *base == module.range.first());
        table.map(|(_, table)| table.clone())
    }

    fn wide_registers(&self, _process: ProcessIndex, _thread: ThreadId) -> Vec<WideRegister> {
        self.wide.clone()
    }

    fn handles(&self, _process: ProcessIndex) -> (Vec<Handle>, Vec<Problem>) {
        (Vec::new(), Vec::new())
    }

    fn exception(&self) -> Option<&ExceptionRecord> {
        self.exception.as_ref()
    }

    fn problems(&self) -> &[Problem] {
        &[]
    }
}

/// Regions and extents in order of address, neither overlapping its like.
#[derive(Debug)]
struct TestSpace {
    range: VaRange,
    rest: RegionState,
    regions: Vec<Region>,
    extents: Vec<Extent>,
}

#[derive(Debug)]
struct Extent {
    range: VaRange,
    store: Store,
    bytes: Vec<u8>,
}

impl TestSpace {
    fn extent(&self, va: Va) -> Option<&Extent> {
        let index = self.extents.partition_point(|extent| extent.range.last() < va);
        self.extents.get(index).filter(|extent| extent.range.contains(va))
    }

    /// The stretch around `va` that no range of a sorted list covers.
    fn gap<T>(&self, list: &[T], va: Va, range: impl Fn(&T) -> VaRange) -> VaRange {
        let index = list.partition_point(|item| range(item).last() < va);
        let first = index.checked_sub(1).and_then(|below| range(&list[below]).next()).unwrap_or(Va::ZERO);
        let last = list.get(index).and_then(|above| range(above).first().checked_sub(1));
        VaRange::new(first, last.unwrap_or(self.range.last())).unwrap()
    }
}

impl AddressSpace for TestSpace {
    fn range(&self) -> VaRange {
        self.range
    }

    fn region(&self, va: Va) -> Region {
        let index = self.regions.partition_point(|region| region.range.last() < va);
        match self.regions.get(index).filter(|region| region.range.contains(va)) {
            Some(region) => region.clone(),
            None => {
                let gap = self.gap(&self.regions, va, |region| region.range);
                Region { state: self.rest, ..Region::unknown(gap, TEST) }
            }
        }
    }

    fn backing(&self, va: Va) -> Backing {
        if let Some(extent) = self.extent(va) {
            return Backing { range: extent.range, store: extent.store.clone() };
        }
        let region = self.region(va);
        let store = match region.state {
            RegionState::Free => Store::Free,
            RegionState::Reserved => Store::Reserved,
            RegionState::Committed => Store::NotCaptured,
            RegionState::Unknown => Store::Unknown,
        };
        let gap = self.gap(&self.extents, va, |extent| extent.range);
        Backing { range: gap.intersection(region.range).unwrap(), store }
    }

    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault> {
        let extent = self.extent(va).ok_or_else(|| ReadFault { va, store: self.backing(va).store })?;
        let skipped = usize::try_from(va.0 - extent.range.first().0).unwrap();
        let bytes = extent.bytes.get(skipped..).filter(|bytes| !bytes.is_empty());
        let bytes = bytes.ok_or_else(|| ReadFault { va, store: extent.store.clone() })?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }
}

//! Small files that claim much: thousands of records that all name the same bytes, or overlap in every way.
//!
//! No random damage makes these; somebody who wants a reader to die does.

use crate::{
    MOST_MEMORY, open,
    questions::{Seen, ask},
};
use vatlas_fixtures::{meter::measure, random::Random};
use vatlas_space::{ProcessIndex, Store, Target};

/// Records of each list.
const MANY: u64 = 10_000;

/// A minidump in the making: a header, room for a directory, then streams and what they name.
struct Dump {
    bytes: Vec<u8>,
    streams: Vec<(u32, u32, u32)>,
}

const DIRECTORY: usize = 32;
const MOST_STREAMS: usize = 16;

impl Dump {
    /// A dump of a 64-bit Windows process, with nothing but the system stream.
    fn new() -> Self {
        let mut dump = Self { bytes: vec![0; DIRECTORY + MOST_STREAMS * 12], streams: Vec::new() };
        let mut system = vec![0; 56];
        system[0] = 9;
        system[16] = 2;
        dump.stream(7, &system);
        dump
    }

    /// Bytes that records name; returns where they are.
    fn blob(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = self.bytes.len() as u32;
        self.bytes.extend(bytes);
        at
    }

    /// A text of so many UTF-16 units, all of which need three bytes in UTF-8.
    fn text(&mut self, units: u32) -> u32 {
        let length = (units * 2).to_le_bytes();
        let units = (0..units).flat_map(|_| 0x4e2d_u16.to_le_bytes());
        self.blob(&length.into_iter().chain(units).collect::<Vec<_>>())
    }

    fn stream(&mut self, number: u32, body: &[u8]) {
        let at = self.blob(body);
        self.streams.push((number, body.len() as u32, at));
    }

    /// A list: its header, then `MANY` records.
    fn list(&mut self, number: u32, header: &[u8], record: impl Fn(u64) -> Vec<u8>) {
        let body: Vec<u8> = header.iter().copied().chain((0..MANY).flat_map(record)).collect();
        self.stream(number, &body);
    }

    fn write(mut self) -> Vec<u8> {
        self.bytes[..8].copy_from_slice(b"MDMP\x93\xa7\0\0");
        self.bytes[8..12].copy_from_slice(&(self.streams.len() as u32).to_le_bytes());
        self.bytes[12..16].copy_from_slice(&(DIRECTORY as u32).to_le_bytes());
        for (index, (number, size, at)) in self.streams.iter().enumerate() {
            let entry = [*number, *size, *at].map(u32::to_le_bytes).concat();
            self.bytes[DIRECTORY + index * 12..][..12].copy_from_slice(&entry);
        }
        self.bytes
    }
}

/// 32-bit and 64-bit words, one after another.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn longs(longs: &[u64]) -> Vec<u8> {
    longs.iter().flat_map(|long| long.to_le_bytes()).collect()
}

const COUNT: [u8; 4] = (MANY as u32).to_le_bytes();

fn module(base: u64, size: u32, name: u32, debug_record: (u32, u32)) -> Vec<u8> {
    let mut record = [longs(&[base]), words(&[size, 0, 0, name]), vec![0; 108 - 24]].concat();
    record[76..84].copy_from_slice(&words(&[debug_record.0, debug_record.1]));
    record
}

fn thread(id: u64, stack: u64, stack_bytes: (u32, u32), context: (u32, u32)) -> Vec<u8> {
    let teb = 0x7ff0_0000_0000 + id * 0x1000;
    let fields = [stack_bytes.0, stack_bytes.1, context.0, context.1];
    [words(&[id as u32, 0, 0, 0]), longs(&[teb, stack]), words(&fields)].concat()
}

fn committed(base: u64, size: u64) -> Vec<u8> {
    [longs(&[base, base]), words(&[4, 0]), longs(&[size]), words(&[0x1000, 4, 0x2_0000, 0])].concat()
}

/// Asks everything about a dump, within the memory that any small file may take.
fn check(name: &str, dump: Dump) -> Seen {
    let bytes = dump.write();
    let size = bytes.len();
    assert!(size < 3 << 20, "{name} is not small: {size} bytes");
    let good = open(Dump::new().write(), Vec::new()).expect("the empty dump opens");
    let (seen, memory) = measure(|| {
        let target = open(bytes, Vec::new()).expect("the dump opens");
        let seen = ask(&target, &good, 1, &mut Random::new(1));
        check_proportion(&target, size);
        seen
    });
    assert!(memory.peak < MOST_MEMORY && memory.largest < MOST_MEMORY, "{name}, {size} bytes: {memory:?}");
    seen
}

/// What a target shows is in proportion to its file, however often the file names the same bytes.
fn check_proportion(target: &dyn Target, size: usize) {
    let process = &target.processes()[0];
    let (handles, _) = target.handles(ProcessIndex(0));
    assert!(handles.len() <= size / 32);
    let contexts = process.threads.iter().filter(|thread| thread.registers().is_some()).count();
    assert!(contexts <= size / 1232, "{contexts} threads have registers");
    let space = target.space(ProcessIndex(0)).unwrap();
    let captured = space.backings_in(space.range()).filter(|backing| matches!(backing.store, Store::Captured(_)));
    let captured: u64 = captured.map(|backing| backing.range.size()).sum();
    // Once by the memory list, once by the stacks of threads.
    assert!(captured <= 2 * size as u64, "{captured} bytes of memory out of {size}");
}

#[test]
fn modules_that_share_a_name_and_a_debug_record() {
    let mut dump = Dump::new();
    let name = dump.text(0x7fff);
    let record = dump.blob(&[b"RSDS".as_slice(), &[0xff; 0xffff]].concat());
    let size = 4 + 0xffff;
    dump.list(4, &COUNT, |index| module(0x1_0000 + index * 0x1_0000, 0x1_0000, name, (size, record)));
    dump.list(14, &words(&[12, 24, MANY as u32]), |index| {
        [longs(&[0x7000_0000 + index * 0x1_0000]), words(&[0x1_0000, 0, 0, name])].concat()
    });
    check("shared names", dump);
}

#[test]
fn handles_and_threads_that_share_a_name() {
    let mut dump = Dump::new();
    let name = dump.text(0x7fff);
    dump.list(12, &words(&[16, 32, MANY as u32, 0]), |index| {
        [longs(&[index * 4]), words(&[name, name, 0, 0, 1, 1])].concat()
    });
    dump.list(3, &COUNT, |index| thread(index, 0, (0, 0), (0, 0)));
    dump.list(24, &COUNT, |index| [words(&[index as u32]), longs(&[name.into()])].concat());
    check("shared texts", dump);
}

#[test]
fn threads_that_share_a_context_and_a_stack() {
    let mut dump = Dump::new();
    let mut context = vec![0x11; 1232];
    context[0x30..0x34].copy_from_slice(&words(&[0x0010_001f]));
    let context = dump.blob(&context);
    let stack = dump.blob(&[0x22; 0x10_0000]);
    dump.list(3, &COUNT, |index| {
        thread(index, 0x1_0000_0000 + index * 0x100_0000, (0x10_0000, stack), (1232, context))
    });
    check("shared contexts", dump);
}

#[test]
fn memory_ranges_that_share_their_bytes() {
    let mut dump = Dump::new();
    let bytes = dump.blob(&[0; 0x10_0000]);
    dump.list(5, &COUNT, |index| [longs(&[index * 0x100_0000]), words(&[0x10_0000, bytes])].concat());
    check("shared bytes", dump);
}

#[test]
fn many_regions_in_a_module_with_a_long_name() {
    let mut dump = Dump::new();
    let name = dump.text(0x7fff);
    dump.stream(4, &[1_u32.to_le_bytes().to_vec(), module(0, u32::MAX, name, (0, 0))].concat());
    dump.list(16, &[words(&[16, 48]), longs(&[MANY])].concat(), |index| committed(index * 0x2000, 0x1000));
    let seen = check("a long name", dump);
    assert!(seen.rows > 2 * MANY as usize, "{seen:?}");
}

#[test]
fn modules_memory_and_regions_that_overlap() {
    let mut dump = Dump::new();
    let name = dump.text(8);
    // Each encloses all that follow.
    let nested = |index: u64| (0x10_0000 + index * 0x1000, (2 * (MANY - index) * 0x1000) as u32);
    dump.list(4, &COUNT, |index| module(nested(index).0, nested(index).1, name, (0, 0)));
    dump.list(5, &COUNT, |index| [longs(&[index * 7]), words(&[100, 0])].concat());
    check("nested modules", dump);
    let mut dump = Dump::new();
    dump.list(16, &[words(&[16, 48]), longs(&[MANY])].concat(), |index| committed(index, u64::MAX - 2 * index));
    check("nested regions", dump);
}

#[test]
fn a_directory_that_goes_on_for_ever() {
    let mut dump = Dump::new();
    dump.blob(&(0..40_000).flat_map(|number| words(&[number, u32::MAX, 0])).collect::<Vec<_>>());
    let mut bytes = dump.write();
    bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (target, memory) = measure(|| open(bytes, Vec::new()).expect("the dump opens"));
    assert!(target.kind().streams.len() <= 1000 && !target.problems().is_empty());
    assert!(memory.peak < 1 << 20, "{memory:?}");
}

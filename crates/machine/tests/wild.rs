//! Programs that call every service with wild numbers, handles and pointers: the kernel goes on, their neighbours do
//! not notice, and nothing is left of them.
//!
//! 100,000 calls; `cargo xtask wild` makes a million, `VATLAS_WILD_CALLS` and `VATLAS_WILD_SEED` others.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::Arg::N;
use kernel_support::{Code, TestHost, code};
use vatlas_machine::nt::services::{SERVICES, service_by_name};
use vatlas_machine::nt::{BareProgram, Configuration, ProcessIndex, System, SystemStop, UserEntries};

/// The program: its code, its calls, and memory that calls may lead to.
const CODE: u32 = 0x0040_0000;
const TABLE: u32 = 0x0050_0000;
const POOL: u32 = 0x0060_0000;
const POOL_BYTES: u32 = 0x4000;
/// Calls of a round, each with its number and 17 arguments.
const CALLS: u32 = 250;
const RECORD: u32 = 4 * 18;
/// What the neighbour looks after.
const TREASURE: u32 = 0x0070_0000;
const TREASURE_BYTES: u32 = 0x8000;
/// Calls that end the round, or make the program wait for ever: seldom.
const RARE: [&str; 12] = [
    "NtTerminateProcess",
    "NtTerminateThread",
    "NtContinue",
    "NtRaiseException",
    "NtSuspendThread",
    "NtSuspendProcess",
    "NtSetContextThread",
    "NtWaitForSingleObject",
    "NtWaitForMultipleObjects",
    "NtDelayExecution",
    "NtWaitForKeyedEvent",
    "NtReleaseKeyedEvent",
];
/// Addresses of the kernel: descriptor tables, processor region, page tables, frames, pools, stacks, the shared page.
const KERNEL: [u32; 10] = [
    0x8003_f000,
    0xffdf_f000,
    0x8055_a158,
    0xc000_0000,
    0xc030_0000,
    0x80c0_0000,
    0x8300_0008,
    0xe100_0008,
    0xeb00_1000,
    0xffdf_0000,
];

/// Numbers by a shift register: the same on every host.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, end: u32) -> u32 {
        self.next() % end
    }

    /// A word that means something to some call. Never the ids of the neighbours, who shall not be found by chance.
    fn word(&mut self) -> u32 {
        let word = self.any_word();
        if (0x100..0x120).contains(&(word & !3)) { 0 } else { word }
    }

    fn any_word(&mut self) -> u32 {
        match self.below(18) {
            0 => 0,
            1 | 2 => self.below(20),
            3 | 4 => 4 + 4 * self.below(24),
            5 => u32::MAX - self.below(2),
            6 | 7 => POOL + 0x10 * self.below(POOL_BYTES / 0x10),
            8 => POOL + self.below(POOL_BYTES),
            9 => POOL + POOL_BYTES - self.below(24),
            10 => 0x8000_0000 | self.next(),
            11 => KERNEL[self.below(10) as usize] + self.below(64),
            12 => self.next(),
            13 => self.next() >> 1,
            14 => 1 << self.below(32),
            15 => 0x1000 * self.below(64),
            16 => [CODE, TABLE, 0x7ffe_0000, 0x7ffd_f000, 0x7ffd_e000, 0x7ffe_fff8][self.below(6) as usize],
            _ => 0x18,
        }
    }

    /// A service, those that end a round seldom.
    fn service(&mut self) -> u32 {
        loop {
            // Numbers that are in no table, too.
            let number = self.below(SERVICES.len() as u32 + 8);
            let name = SERVICES.get(number as usize).map_or("", |service| service.name);
            if !RARE.contains(&name) || self.below(40) == 0 {
                return number;
            }
        }
    }

    /// A call with its arguments. Nobody gets the list of all processes.
    fn call(&mut self) -> Vec<u32> {
        let mut record: Vec<u32> = (0..18).map(|_| self.word()).collect();
        record[0] = self.service();
        if Some(record[0]) == service_by_name("NtQuerySystemInformation").map(|service| service.number.into()) {
            record[1] &= !5;
        }
        record
    }
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Objects of most types, so that the first handles name something. What they need lies behind the pool's front.
fn first_calls() -> Vec<Vec<u32>> {
    let call = |name: &str, arguments: &[u32]| {
        let mut record = vec![service_by_name(name).unwrap().number.into()];
        record.extend(arguments);
        record.resize(18, 0);
        record
    };
    let (out, all, size) = (POOL, 0x1f_ffff, POOL + 0x20);
    vec![
        call("NtCreateEvent", &[out, all, 0, 0, 1]),
        call("NtCreateMutant", &[out, all, 0, 0]),
        call("NtCreateSemaphore", &[out, all, 0, 2, 9]),
        call("NtCreateTimer", &[out, all, 0, 0]),
        call("NtCreateSection", &[out, all, 0, size, 4, 0x800_0000, 0]),
        call("NtCreateKeyedEvent", &[out, all, 0, 0]),
        call("NtCreateDirectoryObject", &[out, all, 0]),
        call("NtDuplicateObject", &[u32::MAX, u32::MAX, u32::MAX, out, 0, 0, 2]),
        call("NtDuplicateObject", &[u32::MAX, u32::MAX - 1, u32::MAX, out, 0, 0, 2]),
        call("NtCreateProcess", &[out, all, 0, u32::MAX, 1, 0, 0, 0]),
    ]
}

/// Makes all calls of the table, one after the other, then ends.
fn caller() -> Code {
    code(|c| {
        // mov esi, TABLE; mov edi, CALLS; again: mov eax, [esi]; lea edx, [esi+4]; int 2Eh
        c.raw(&[0xbe]).raw(&TABLE.to_le_bytes()).raw(&[0xbf]).raw(&CALLS.to_le_bytes());
        c.raw(&[0x8b, 0x06, 0x8d, 0x56, 0x04, 0xcd, 0x2e]);
        // add esi, RECORD; dec edi; jnz again
        c.raw(&[0x83, 0xc6, RECORD as u8, 0x4f, 0x75, 0xf3]);
        c.exit(0);
    })
}

fn wild(random: &mut Random) -> BareProgram {
    let mut calls = first_calls();
    calls.resize_with(CALLS as usize, || random.call());
    let mut pool: Vec<u32> = (0..POOL_BYTES / 4).map(|_| random.word()).collect();
    // A size, and object attributes with a name, where pointers often lead.
    pool[8..10].copy_from_slice(&[0x4000, 0]);
    for at in (0x40..POOL_BYTES / 4 - 0x40).step_by(0x80) {
        let name = POOL + 4 * at + 0x20;
        let fields = [0x18, 0, name, 0x40 | (2 * random.below(2)), 0, 0, 0, 0, 0x28_0028, name + 8];
        pool[at as usize..][..10].copy_from_slice(&fields);
        let text: Vec<u16> = format!("\\BaseNamedObjects\\w{}", random.below(4)).encode_utf16().collect();
        for (place, pair) in pool[at as usize + 10..].iter_mut().zip(text.chunks(2)) {
            *place = u32::from(pair[0]) | pair.get(1).map_or(0, |unit| u32::from(*unit) << 16);
        }
    }
    BareProgram {
        name: "wild.exe".into(),
        pieces: vec![(CODE, caller().bytes), (TABLE, bytes_of(&calls.concat())), (POOL, bytes_of(&pool))],
        threads: vec![CODE],
        entries: UserEntries::default(),
    }
}

const TURNS: u32 = TREASURE + TREASURE_BYTES - 4;

/// Sums its treasure, again and again, and ends when the sum is not what it was.
fn neighbour() -> BareProgram {
    let words: Vec<u32> = (0..TREASURE_BYTES / 4 - 8).map(|word| word.wrapping_mul(0x9e37_79b9)).collect();
    let sum = words.iter().fold(0_u32, |sum, word| sum.wrapping_add(*word));
    let mut bytes = bytes_of(&words);
    bytes.resize(TREASURE_BYTES as usize, 0);
    let delay = TREASURE + TREASURE_BYTES - 16;
    let code = code(|c| {
        // again: 10 ms of sleep; xor eax, eax; mov ecx, words; mov esi, TREASURE
        c.store(delay, (-100_000_i32) as u32).store(delay + 4, u32::MAX);
        c.call("NtDelayExecution", &[N(0), N(delay)]);
        c.raw(&[0x31, 0xc0, 0xb9]).raw(&(words.len() as u32).to_le_bytes()).raw(&[0xbe]).raw(&TREASURE.to_le_bytes());
        // next: add eax, [esi]; add esi, 4; dec ecx; jnz next; cmp eax, sum; jne bad
        c.raw(&[0x03, 0x06, 0x83, 0xc6, 0x04, 0x49, 0x75, 0xf8, 0x3d]).raw(&sum.to_le_bytes()).raw(&[0x75, 0x0b]);
        c.count(TURNS);
        // jmp again
        let back = -(c.bytes.len() as i32 + 5);
        c.raw(&[0xe9]).raw(&back.to_le_bytes()).exit(1);
    });
    BareProgram {
        name: "neighbour.exe".into(),
        pieces: vec![(CODE, code.bytes), (TREASURE, bytes)],
        threads: vec![CODE],
        entries: UserEntries::default(),
    }
}

fn turns(system: &System, neighbour: ProcessIndex) -> u32 {
    let mut bytes = [0; 4];
    assert_eq!(system.read_resident(neighbour, TURNS, &mut bytes), 4);
    u32::from_le_bytes(bytes)
}

/// What is in use: frames, commit, the kernel's pages, address spaces, control areas.
fn in_use(system: &System) -> (u32, u32, u32, usize, usize) {
    let memory = system.memory();
    let charged = memory.commit().charged();
    (memory.frames().available(), charged, memory.kernel_pages(), memory.spaces().count(), memory.areas().count())
}

/// Ends everything but the neighbour.
fn clean(system: &mut System, neighbour: ProcessIndex) {
    for process in system.report().processes.iter().filter(|process| !process.is_gone) {
        if process.index != neighbour {
            system.end_program(process.index, 1);
        }
    }
}

/// Runs rounds of wild programs until so many calls were made.
fn check(calls: u64, seed: u64) {
    let configuration =
        Configuration { frames: 4096, processors: 2, instructions_per_unit: 1, ..Configuration::default() };
    let mut system = System::new(configuration, Box::new(TestHost::default())).unwrap();
    let neighbour = system.start_bare(&neighbour()).unwrap();
    assert_eq!(system.run(200_000), SystemStop::Budget);
    // After the first round: page tables of the kernel's half stay.
    let mut before = None;
    let mut random = Random(seed | 1);
    let start = system.report().system_calls;
    let mut round = 0;
    while system.report().system_calls - start < calls {
        let turn = turns(&system, neighbour);
        system.start_bare(&wild(&mut random)).unwrap();
        let stop = system.run(150_000);
        assert_eq!(stop, SystemStop::Budget, "round {round}");
        assert!(turns(&system, neighbour) > turn, "round {round}: the neighbour stands still");
        clean(&mut system, neighbour);
        assert_eq!(system.run(1000), SystemStop::Budget, "round {round}");
        assert_eq!(in_use(&system), *before.get_or_insert(in_use(&system)), "round {round}: something is left");
        round += 1;
    }
    let called = system.report().services.len();
    assert!(called + 8 >= SERVICES.len(), "only {called} services were called");
}

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn wild_calls_harm_nobody() {
    check(variable("VATLAS_WILD_CALLS", 100_000), variable("VATLAS_WILD_SEED", 1));
}

/// What a program gets that reads an address of the kernel, by an instruction and by a call.
#[test]
fn kernel_memory_cannot_be_read() {
    for address in KERNEL {
        let mut bench = kernel_support::Bench::new(&[code(|c| {
            // mov eax, [address]
            c.raw(&[0xa1]).raw(&address.to_le_bytes()).exit(0);
        })]);
        assert_eq!(bench.run(), 0xc000_0005, "{address:x}");
        let crash = &bench.system.report().crashes[0];
        assert_eq!(crash.record.parameters, [0, address]);
        let copy = kernel_support::DATA;
        for (service, arguments) in [
            ("NtReadVirtualMemory", [N(u32::MAX), N(address), N(copy), N(4), N(0)]),
            ("NtWriteVirtualMemory", [N(u32::MAX), N(copy), N(address), N(4), N(0)]),
        ] {
            let mut bench = kernel_support::Bench::new(&[code(|c| {
                c.call_to(copy + 4, service, &arguments);
                c.call("NtTerminateProcess", &[N(u32::MAX), kernel_support::Arg::At(copy + 4)]);
            })]);
            assert!(matches!(bench.run(), 0x8000_000d | 0xc000_0005), "{service} {address:x}");
        }
    }
}

//! The system as a whole: its numbers, its time, its locale.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::timer::TICK;
use crate::nt::{Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtQuerySystemInformation", query_system_information),
    ("NtQuerySystemTime", query_system_time),
    ("NtQueryPerformanceCounter", query_performance_counter),
    ("NtQueryTimerResolution", query_timer_resolution),
    ("NtSetTimerResolution", set_timer_resolution),
    ("NtQueryDefaultLocale", query_default_locale),
    ("NtQueryDefaultUILanguage", query_language),
    ("NtQueryInstallUILanguage", query_language),
    ("NtDisplayString", display_string),
    ("NtAllocateLocallyUniqueId", allocate_locally_unique_id),
];

/// Classes of information about the system.
const BASIC: u32 = 0;
const PROCESSOR: u32 = 1;
const PERFORMANCE: u32 = 2;
const TIME_OF_DAY: u32 = 3;
const PROCESSES: u32 = 5;
const KERNEL_DEBUGGER: u32 = 35;
const RANGE_START: u32 = 50;
/// Ticks of the performance counter in a second: the ACPI timer's.
const FREQUENCY: u64 = 3_579_545;
const UNITS_A_SECOND: u64 = 10_000_000;
/// English (United States).
const LOCALE: u32 = 0x409;
/// Most text of `NtDisplayString`.
const MOST_TEXT: u16 = 1024;

/// `NtQuerySystemInformation(Class, Buffer, Length, ReturnLength)`.
fn query_system_information(system: &mut System, call: &Call) -> Reply {
    let [class, buffer, length, returned, ..] = call.arguments;
    let bytes = match class {
        BASIC => words(&basic(system)),
        PROCESSOR => processor(),
        PERFORMANCE => words(&performance(system)),
        TIME_OF_DAY => time_of_day(system, length),
        PROCESSES => system.process_list(buffer),
        KERNEL_DEBUGGER => vec![0, 1],
        RANGE_START => words(&[system.kernel_start()]),
        _ => return Err(status::INVALID_INFO_CLASS),
    };
    if returned != 0 {
        system.write_u32(call.space, returned, bytes.len() as u32)?;
    }
    if (length as usize) < bytes.len() {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    system.write_user(call.space, buffer, &bytes)?;
    SUCCESS
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// `SYSTEM_BASIC_INFORMATION`: reserved, maximum increment, page size, physical pages, lowest and highest frame,
/// granularity, lowest and highest user address, processors.
fn basic(system: &System) -> [u32; 11] {
    let frames = system.computer.board.ram.frames();
    let highest = system.kernel_start() - 0x1_0001;
    let count = system.scheduler.processors.len() as u32;
    let affinity = system.all_processors();
    [0, TICK as u32, 0x1000, frames, 1, frames.saturating_sub(1), 0x1_0000, 0x1_0000, highest, affinity, count]
}

/// `SYSTEM_PROCESSOR_INFORMATION`: x86, family 6, model 8 stepping 1, features.
fn processor() -> Vec<u8> {
    let mut bytes = Vec::new();
    for half in [0_u16, 6, 0x0801, 0] {
        bytes.extend_from_slice(&half.to_le_bytes());
    }
    bytes.extend_from_slice(&0x0000_2fff_u32.to_le_bytes());
    bytes
}

/// The first words of `SYSTEM_PERFORMANCE_INFORMATION`, which has 312 bytes; what is not counted is zero.
fn performance(system: &System) -> [u32; 78] {
    let mut words = [0; 78];
    let commit = system.memory.commit();
    let counters = system.memory.counters();
    words[0] = system.clock.skipped as u32;
    words[1] = (system.clock.skipped >> 32) as u32;
    words[11] = system.memory.frames().available();
    words[12] = commit.charged();
    words[13] = commit.limit();
    words[14] = commit.peak();
    words[15] = system.counters.page_faults as u32;
    words[16] = counters.copy_on_write as u32;
    words[17] = counters.transition as u32;
    words[19] = counters.demand_zero as u32;
    words[20] = (counters.page_ins + counters.image_page_ins) as u32;
    words[77] = system.counters.system_calls as u32;
    words
}

/// `SYSTEM_TIMEOFDAY_INFORMATION`: boot time, now, zone bias, zone; as much of it as was asked for.
fn time_of_day(system: &System, length: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for time in [system.clock.boot_time, system.clock.now(), 0, 0, 0, 0] {
        bytes.extend_from_slice(&time.to_le_bytes());
    }
    bytes.truncate((length as usize).min(48));
    bytes
}

/// `NtQuerySystemTime(Time)`.
fn query_system_time(system: &mut System, call: &Call) -> Reply {
    let now = system.clock.now();
    system.write_user(call.space, call.arguments[0], &now.to_le_bytes())?;
    SUCCESS
}

/// `NtQueryPerformanceCounter(Counter, Frequency)`.
fn query_performance_counter(system: &mut System, call: &Call) -> Reply {
    let [counter, frequency, ..] = call.arguments;
    let ticks = u128::from(system.clock.interrupt_time()) * u128::from(FREQUENCY) / u128::from(UNITS_A_SECOND);
    system.write_user(call.space, counter, &(ticks as u64).to_le_bytes())?;
    if frequency != 0 {
        system.write_user(call.space, frequency, &FREQUENCY.to_le_bytes())?;
    }
    SUCCESS
}

/// `NtQueryTimerResolution(Coarsest, Finest, Current)`: there is one.
fn query_timer_resolution(system: &mut System, call: &Call) -> Reply {
    for at in &call.arguments[..3] {
        system.write_u32(call.space, *at, TICK as u32)?;
    }
    SUCCESS
}

/// `NtSetTimerResolution(Wanted, Set, Current)`.
fn set_timer_resolution(system: &mut System, call: &Call) -> Reply {
    system.write_u32(call.space, call.arguments[2], TICK as u32)?;
    SUCCESS
}

/// `NtQueryDefaultLocale(UserProfile, Locale)`.
fn query_default_locale(system: &mut System, call: &Call) -> Reply {
    system.write_u32(call.space, call.arguments[1], LOCALE)?;
    SUCCESS
}

/// `NtQueryDefaultUILanguage(Language)`.
fn query_language(system: &mut System, call: &Call) -> Reply {
    system.write_user(call.space, call.arguments[0], &(LOCALE as u16).to_le_bytes())?;
    SUCCESS
}

/// `NtDisplayString(String)`: what the loader says before there is a console.
fn display_string(system: &mut System, call: &Call) -> Reply {
    let at = call.arguments[0];
    let length = system.read_u16(call.space, at)?.min(MOST_TEXT);
    let buffer = system.read_u32(call.space, at.wrapping_add(4))?;
    let text = system.read_text(call.space, buffer, length)?;
    system.note_hard_error(call.process, NtStatus(0), &[text]);
    SUCCESS
}

/// `NtAllocateLocallyUniqueId(Id)`.
fn allocate_locally_unique_id(system: &mut System, call: &Call) -> Reply {
    let id = u64::from(system.next_id());
    system.write_user(call.space, call.arguments[0], &id.to_le_bytes())?;
    SUCCESS
}

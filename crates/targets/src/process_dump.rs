//! A process of any target as an ordinary Windows minidump.

use std::io::{self, Write};
use vatlas_images::fx_image;
use vatlas_images::minidump::{MinidumpContents, write_minidump};
use vatlas_space::{
    AddressSpace, Host, Machine, OsFamily, Problem, ProcessIndex, Region, RegionState, Target, Va, VaRange,
};

/// The last address of a process of 2 GB, when nothing says more.
const HIGHEST_USER: Va = Va(0x7ffe_ffff);
const PAGE: u64 = 0x1000;
/// Bytes that are tried at once.
const PIECE: usize = 1 << 16;

/// Whether minidumps are written of a target's processes; why not.
///
/// # Errors
/// Its processor or its system is another one than 32-bit Windows.
pub fn check_process_dump(target: &dyn Target) -> Result<&Host, Problem> {
    let wrong = |cause: &str| Problem::damage("minidump", cause.to_owned());
    let host = target.host().ok_or_else(|| wrong("the target does not say which system it is of"))?;
    if host.os != OsFamily::Windows || host.machine != Machine::X86 {
        return Err(wrong("minidumps are written of processes of 32-bit Windows only"));
    }
    Ok(host)
}

/// Writes a minidump of a process with all of its memory that can be read. Pages that lie in a page file or a file that
/// is not at hand are left out, as a dump leaves out what it could not read.
///
/// # Errors
/// The target is of another system, there is no such process, or writing fails.
pub fn write_process_dump(target: &dyn Target, process: ProcessIndex, out: &mut dyn Write) -> io::Result<()> {
    let host = check_process_dump(target).map_err(|problem| io::Error::other(problem.to_string()))?;
    let facts = target.processes().get(process.0);
    let (Some(facts), Some(space)) = (facts, target.space(process)) else {
        return Err(io::Error::other("there is no such process"));
    };
    let highest_user = facts.layout.and_then(|layout| layout.highest_user).unwrap_or(HIGHEST_USER);
    let regions = user_regions(space, highest_user);
    let memory: Vec<VaRange> = regions
        .iter()
        .filter(|region| region.state == RegionState::Committed)
        .flat_map(|region| readable(space, region))
        .collect();
    let (handles, _) = target.handles(process);
    let exception = target.exception().filter(|exception| facts.thread(exception.thread).is_some());
    // Images of the kernel are in a list of their own, and not in a dump of a process.
    let mut own = facts.clone();
    own.modules.retain(|module| regions.iter().any(|region| region.range.contains(module.range.first())));
    let contents = MinidumpContents {
        time: target.kind().taken_at.unwrap_or_default(),
        host,
        process: &own,
        regions: &regions,
        memory: &joined(memory),
        handles: &handles,
        exception,
        floats: &|thread| fx_image::of_registers(&target.wide_registers(process, thread)),
    };
    let mut read = |range: VaRange, buffer: &mut [u8]| {
        space.read_exact(range.first(), buffer).map_err(|fault| io::Error::other(fault.to_string()))
    };
    write_minidump(&contents, &mut read, out)
}

/// The regions of the part that is the process's own, which ends where `VirtualQuery` ends.
fn user_regions(space: &dyn AddressSpace, highest_user: Va) -> Vec<Region> {
    let users = space.regions_from(Va(0)).take_while(|region| region.range.first() <= highest_user);
    let cut = users.filter_map(|region| {
        let last = region.range.last().min(highest_user);
        Some(Region { range: VaRange::new(region.range.first(), last)?, ..region })
    });
    cut.filter(|region| region.state != RegionState::Unknown).collect()
}

/// The pages of a region that can be read.
fn readable(space: &dyn AddressSpace, region: &Region) -> Vec<VaRange> {
    let mut found = Vec::new();
    let mut piece = vec![0; PIECE];
    let mut next = Some(region.range.first());
    while let Some(at) = next.filter(|at| *at <= region.range.last()) {
        let left = (region.range.last().0 - at.0).saturating_add(1).min(PIECE as u64);
        let read = space.read_available(at, &mut piece[..left as usize]) as u64 / PAGE * PAGE;
        found.extend(VaRange::sized(at, read));
        // Behind what was read is a page that cannot be.
        next = at.checked_add(if read < left { read + PAGE } else { read });
    }
    found
}

/// Ranges that follow each other without a gap as one.
fn joined(ranges: Vec<VaRange>) -> Vec<VaRange> {
    let mut all: Vec<VaRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        let before = all.last().filter(|before| before.next() == Some(range.first())).copied();
        match before.and_then(|before| VaRange::new(before.first(), range.last())) {
            Some(whole) => {
                all.pop();
                all.push(whole);
            }
            None => all.push(range),
        }
    }
    all
}

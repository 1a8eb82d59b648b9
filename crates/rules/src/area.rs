//! An area: a range of a layout, what it is for, what it can hold, and what says so.

use crate::statement::Support;
use std::{borrow::Cow, fmt};
use vatlas_space::{Va, VaRange};

/// Whose addresses these are: enough to choose a colour by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// One process.
    Process,
    /// Every process sees the same bytes here.
    EveryProcess,
    /// The kernel.
    Kernel,
    /// Nobody: no memory can be here.
    Nobody,
    /// No source says who.
    NotEstablished,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $word:literal $owner:ident,)*) => {
        /// What an area is, in one word.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum AreaKind {
            $($(#[$doc])* $name,)*
        }

        impl AreaKind {
            /// Every kind, in the order of a legend.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// A stable word for programs and legends.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// Whose addresses an area of this kind has.
            pub const fn owner(self) -> Owner {
                match self {
                    $(Self::$name => Owner::$owner,)*
                }
            }
        }
    };
}

kinds! {
    /// The bottom 64 KB, never allocated.
    NullPartition "null" Nobody,
    /// A 64 KB guard, or the rest of a 64 KB block that is not given out.
    Guard "guard" Nobody,
    /// Windows CE: slot 0, alias of the process that runs now.
    CurrentProcess "current-process" Process,
    /// Windows CE: the slot of one process.
    ProcessSlot "process-slot" Process,
    /// Windows CE: code of ROM DLLs in slot 1.
    RomDllCode "rom-dll-code" EveryProcess,
    /// Windows CE: DLLs that every process sees at the same address.
    SharedDlls "shared-dlls" EveryProcess,
    /// Windows CE: resource-only DLLs.
    ResourceDlls "resource-dlls" EveryProcess,
    /// Windows CE: large VirtualAllocs, memory-mapped files, object store.
    SharedArea "shared" EveryProcess,
    /// Windows CE 6 and 7: memory shared read-only with processes.
    SharedHeap "shared-heap" EveryProcess,
    /// Addresses that the process may use.
    User "user" Process,
    /// The 64-bit half of a WOW64 process.
    User64 "user64" Process,
    /// User addresses of the system that this process may not use.
    BeyondProcess "beyond-process" Nobody,
    /// The page that the system shares with every process, read-only.
    SharedUserData "shared-user-data" EveryProcess,
    /// 64-bit Windows: the rest of the 64 KB block of the shared page.
    SharedBlock "shared-block" EveryProcess,
    /// The page with the kernel's current thread, process and tables.
    KernelData "kernel-data" Kernel,
    /// The kernel's own process slot.
    KernelSlot "kernel-slot" Kernel,
    /// Physical memory seen through the cache.
    PhysicalCached "physical-cached" Kernel,
    /// Physical memory seen past the cache.
    PhysicalUncached "physical-uncached" Kernel,
    /// Addresses that stand for API calls; no memory behind them.
    ApiCalls "api-calls" Nobody,
    /// Kernel, hardware abstraction layer and boot drivers.
    KernelImages "kernel-images" Kernel,
    /// DLLs of the kernel.
    KernelDlls "kernel-dlls" Kernel,
    /// Windows CE: the object store.
    ObjectStore "object-store" Kernel,
    /// Virtual memory of the kernel, its servers and drivers.
    KernelVirtual "kernel-virtual" Kernel,
    /// Session space.
    Session "session" Kernel,
    /// Page tables seen through the self-map.
    PageTables "page-tables" Kernel,
    /// Hyperspace: temporary mappings and working-set list of the current process.
    Hyperspace "hyperspace" Kernel,
    /// The working-set list of the system.
    SystemWorkingSet "system-working-set" Kernel,
    /// The file cache.
    SystemCache "system-cache" Kernel,
    /// Paged pool.
    PagedPool "paged-pool" Kernel,
    /// System page-table entries: kernel stacks, mapped buffers.
    SystemPtes "system-ptes" Kernel,
    /// Nonpaged pool.
    NonpagedPool "nonpaged-pool" Kernel,
    /// Hardware abstraction layer and devices.
    Hal "hal" Kernel,
    /// Processor-specific part of the kernel's half.
    ProcessorSpecific "processor-specific" Kernel,
    /// Kernel addresses whose use no source establishes.
    KernelOther "kernel" Kernel,
    /// Addresses that the processor does not accept.
    NonCanonical "non-canonical" Nobody,
    /// Not an address of this space at all: more bits than it has.
    OutsideSpace "outside" Nobody,
}

impl fmt::Display for AreaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A range of a layout and what its rules say about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Area {
    /// The whole range.
    pub range: VaRange,
    /// What it is, in one word.
    pub kind: AreaKind,
    /// A short name for a table.
    pub name: Cow<'static, str>,
    /// What it is for.
    pub purpose: Cow<'static, str>,
    /// What can be found here.
    pub holds: &'static str,
    /// What cannot be here.
    pub never_holds: &'static str,
    /// The reason, or how it is known.
    pub because: Cow<'static, str>,
    /// How well that is supported.
    pub support: &'static [Support],
}

/// A row of a layout table: an area without its end, which is where the next row begins.
#[derive(Clone)]
pub(crate) struct Row {
    pub first: u64,
    pub kind: AreaKind,
    pub name: Cow<'static, str>,
    pub purpose: Cow<'static, str>,
    pub holds: &'static str,
    pub never: &'static str,
    pub because: Cow<'static, str>,
    pub support: &'static [Support],
}

/// Makes areas out of rows in rising order: each ends where the next begins, so there is neither gap nor overlap.
/// A row that begins where its successor begins is empty and left out.
pub(crate) fn tile(rows: Vec<Row>, last: Va) -> Vec<Area> {
    let starts: Vec<u64> = rows.iter().map(|row| row.first).collect();
    let ends = starts.iter().skip(1).map(|next| next.checked_sub(1).map(Va)).chain([Some(last)]);
    rows.into_iter().zip(ends).filter_map(|(row, end)| area(row, end?)).collect()
}

fn area(row: Row, last: Va) -> Option<Area> {
    Some(Area {
        range: VaRange::new(Va(row.first), last)?,
        kind: row.kind,
        name: row.name,
        purpose: row.purpose,
        holds: row.holds,
        never_holds: row.never,
        because: row.because,
        support: row.support,
    })
}

/// A table of rows: one `first kind "name" { fields }` per area.
macro_rules! rows {
    ($($first:literal $kind:ident $name:literal
        for $purpose:literal holds $holds:literal never $never:literal because $because:literal $support:expr;)*) => {
        &[$(crate::area::Row {
            first: $first,
            kind: crate::area::AreaKind::$kind,
            name: std::borrow::Cow::Borrowed($name),
            purpose: std::borrow::Cow::Borrowed($purpose),
            holds: $holds,
            never: $never,
            because: std::borrow::Cow::Borrowed($because),
            support: $support,
        }),*]
    };
}
pub(crate) use rows;

//! The words of vatlas: addresses, regions, backings, address spaces and targets.
//!
//! Everything here is plain data or a trait with few methods. `rules` computes it, `targets` joins it
//! with files or with the machine, `debug` reads it. This crate opens no file, prints nothing and knows
//! neither dumps nor processors.

pub mod address;
pub mod backing;
pub mod ce;
pub mod control;
pub mod crash_text;
pub mod disjoint;
pub mod evidence;
pub mod layout_name;
pub mod memory;
pub mod module;
pub mod process;
pub mod protection;
pub mod range;
pub mod region;
pub mod registers;
pub mod system;
pub mod target;
pub mod walk;

pub use address::{FileOffset, Pa, Pfn, PointerWidth, Rva, Va};
pub use backing::{Backing, Store};
pub use ce::{Alias, CeCallStack, CeFrame, CeSystem, CeThread, SlotHome};
pub use crash_text::{CrashField, CrashForm, CrashText, DebuggerPrefix, LogNote, PrintedModule, TextPlace};
pub use disjoint::disjoint;
pub use evidence::{Problem, Severity, Source, Step};
pub use layout_name::{LayoutChoice, LayoutName};
pub use memory::{AddressSpace, ReadFault};
pub use module::{DebugRecord, FileVersion, Guid, Module, Section, SectionTable, UnloadedModule};
pub use process::{Handle, Process, ProcessId, Side, StackExtent, Thread, ThreadId};
pub use protection::Protection;
pub use range::VaRange;
pub use region::{Region, RegionKind, RegionState};
pub use registers::{Machine, Register, Registers, WideRegister};
pub use system::{
    Commit, CommitPart, CommitUse, Frame, FrameCounts, FramePart, FrameState, FrameUse, Page, PageHome, System,
    SystemObject, Vad,
};
pub use target::{ExceptionRecord, Fact, FactsOf, Host, OsFamily, ProcessIndex, StreamEntry, Target, TargetKind};
pub use walk::{Mapping, PageTableEntry, TableLevel, Walk, WalkEnd, WalkStep};

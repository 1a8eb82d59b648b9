//! The machine: an emulated 32-bit x86 computer, whose truth lies in its own memory.
//!
//! This part is the processor, its memory management unit, physical memory and NT's memory manager. A kernel in Rust
//! owns them: it lets [`Computer`] run and handles the [`Event`]s in which a run ends, page faults among them
//! ([`fault`]). This crate opens no file, prints nothing and reads no clock; equal state gives equal runs on every
//! host.

pub mod ce;
pub mod computer;
pub mod control;
pub mod cpu;
pub mod fault;
pub mod files;
pub mod kernel;
pub mod memory;
pub mod nt;
pub mod ram;
pub mod state;

pub use computer::Computer;
pub use cpu::{Engine, Event, Exception, HostTraps, Registers, Run, Segment, SegmentRegister, Unsupported};
pub use fault::{FaultAccess, FaultException, Resolution};
pub use memory::{Memory, NtStatus, SpaceIndex};
pub use ram::Ram;

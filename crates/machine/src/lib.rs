//! The machine: an emulated 32-bit x86 computer, whose truth lies in its own memory.
//!
//! This part is the processor, its memory management unit and physical memory. A kernel in Rust owns them: it writes
//! page tables into [`Ram`], lets [`Computer`] run, and handles the [`Event`]s in which a run ends. This crate opens
//! no file, prints nothing and reads no clock; equal state gives equal runs on every host.

pub mod computer;
pub mod cpu;
pub mod ram;

pub use computer::Computer;
pub use cpu::{Engine, Event, Exception, HostTraps, Registers, Run, Segment, SegmentRegister, Unsupported};
pub use ram::Ram;

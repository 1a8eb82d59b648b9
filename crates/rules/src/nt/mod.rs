//! The rules of Windows NT: address space layouts, the page-table self-map, exceptions.

pub mod bug_check;
pub mod exception;
pub mod fast_fail;
pub mod pte;
pub mod self_map;
pub mod structures;
pub mod user_half;
pub mod x64_map;
pub mod x86_map;

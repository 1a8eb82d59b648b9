//! The chores of this repository: the gates that hold its rules, and the makers of its committed files.
//!
//! The rules themselves are pure functions over files that were already read, so that each can be shown
//! to fail on a small input; `gates` joins them with the working tree and with cargo.

pub mod arrows;
pub mod bench;
pub mod compare_cpu;
pub mod compare_kernel_dump;
pub mod compare_symbols;
pub mod dist;
pub mod fixtures;
pub mod gates;
pub mod guest;
pub mod guest_ce;
pub mod tidy;
pub mod tree;
pub mod true_stacks;
pub mod wild;

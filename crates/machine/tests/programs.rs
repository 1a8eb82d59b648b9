//! Compiled programs give the results that the same code gives on a real processor, whatever the budget.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::Bench;

/// Result of the same machine code on a real processor, and instructions that this processor counts.
#[track_caller]
fn check(program: &[u8], rounds: u32, expected: (u32, u64)) {
    for piece in [u64::MAX, 1_000_003, 1009, 7] {
        assert_eq!(Bench::new(program).run_program(rounds, piece), expected, "in pieces of {piece}");
    }
}

#[test]
fn integer_code() {
    check(include_bytes!("../../../fixtures/machine/work.bin"), 3, (2_311_482_542, 2_712_410));
}

#[test]
fn x87_code() {
    check(include_bytes!("../../../fixtures/machine/floats-x87.bin"), 3, (805_573_141, 70_111));
}

#[test]
fn sse2_code() {
    check(include_bytes!("../../../fixtures/machine/floats-sse2.bin"), 3, (805_573_140, 42_306));
}

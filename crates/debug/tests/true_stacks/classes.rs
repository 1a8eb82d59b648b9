//! What a thread was doing when it was stopped: beginning a function, ending one, on its way to another one, or in one.

use vatlas_machine::cpu::OpenCall;
use vatlas_space::{AddressSpace, Va};

/// Where a thread was stopped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// The frame of the function is built.
    Body,
    /// Before or among the instructions that build it.
    Prologue,
    /// Among those that take it down, up to the return.
    Epilogue,
    /// In a jump to an imported function, or in the stub of a system call.
    Stub,
}

/// Bytes that are looked at.
const BYTES: usize = 32;

/// The class of a stop at `eip`. The innermost call says where the function begins.
pub fn class_of(space: &dyn AddressSpace, eip: u32, calls: &[OpenCall]) -> Class {
    let code = |at: u32| {
        let mut bytes = [0xcc; BYTES];
        let _ = space.read_within(Va(at.into()), &mut bytes);
        bytes
    };
    let entry = calls.first().map_or(eip, |call| call.entry);
    if is_stub(&code(eip)) || is_stub(&code(entry)) {
        Class::Stub
    } else if eip >= entry && eip - entry <= prologue(&code(entry)) {
        Class::Prologue
    } else if is_epilogue(&code(eip)) {
        Class::Epilogue
    } else {
        Class::Body
    }
}

/// `jmp [import]`; `mov eax, number; mov edx, 7FFE0300h`; `mov edx, esp; sysenter`; `ret`.
fn is_stub(code: &[u8; BYTES]) -> bool {
    matches!(
        code,
        [0xff, 0x25, ..]
            | [0x89, 0xe2, 0x0f, 0x34, ..]
            | [0x8b, 0xd4, 0x0f, 0x34, ..]
            | [0xb8, _, _, _, _, 0xba, 0x00, 0x03, 0xfe, 0x7f, ..]
    )
}

/// Bytes of the instructions at the beginning of a function that build its frame.
fn prologue(code: &[u8; BYTES]) -> u32 {
    let mut at = 0;
    loop {
        at += match &code[at..] {
            [0x50..=0x57, ..] => 1,
            [0x89, 0xe5, ..] | [0x8b, 0xec, ..] | [0x8b, 0xff, ..] => 2,
            [0x83, 0xec | 0xe4, _, ..] => 3,
            [0x81, 0xec, _, _, _, _, ..] => 6,
            _ => return at as u32,
        };
    }
}

/// Whether nothing but taking down the frame is before the return.
fn is_epilogue(code: &[u8; BYTES]) -> bool {
    let mut at = 0;
    loop {
        at += match &code[at..] {
            [0xc3 | 0xc2, ..] => return true,
            [0x58..=0x5f | 0xc9, ..] => 1,
            [0x89, 0xec, ..] | [0x8b, 0xe5, ..] => 2,
            [0x83, 0xc4, _, ..] | [0x8d, 0x65, _, ..] => 3,
            [0x81, 0xc4, _, _, _, _, ..] => 6,
            _ => return false,
        };
    }
}

//! The x86 code of a process, page by page, and what is known of the functions in it: read once for a walk.

use super::callee::Called;
use crate::stack::{
    frame::ReturnCheck,
    surroundings::{CodeKind, Surroundings},
};
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, Register};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};
use vatlas_space::{Machine, PointerWidth, Va};

/// Bytes that are read at once.
const PAGE: u32 = 0x1000;
/// Pages that are kept.
const MOST_PAGES: usize = 1024;
/// Bytes of the longest instruction.
const LONGEST: usize = 15;
/// Instructions that are decoded for all frames of a walk.
const BUDGET: usize = 2_000_000;
/// Jumps between a call and the function, as import tables and linkers make them.
const MOST_JUMPS: usize = 4;

/// What a walk has read of the code.
#[derive(Default)]
pub(in crate::stack) struct CodeRead {
    pages: RefCell<HashMap<u32, Rc<[u8]>>>,
    pub(super) called: RefCell<HashMap<u32, Called>>,
    decoded: Cell<usize>,
}

impl CodeRead {
    fn page(&self, around: &Surroundings, first: u32) -> Rc<[u8]> {
        if let Some(known) = self.pages.borrow().get(&first) {
            return Rc::clone(known);
        }
        let mut bytes = vec![0; PAGE as usize];
        let at = Va(first.into());
        let is_code = around.code_at(at) != CodeKind::None;
        let count = if is_code { around.space().read_available(around.shown(at), &mut bytes) } else { 0 };
        let page: Rc<[u8]> = bytes.into_iter().take(count).collect();
        let mut pages = self.pages.borrow_mut();
        if pages.len() >= MOST_PAGES {
            pages.clear();
        }
        pages.insert(first, Rc::clone(&page));
        page
    }

    /// Forgets everything: another process's code is at the same addresses now.
    pub fn forget(&self) {
        self.pages.borrow_mut().clear();
        self.called.borrow_mut().clear();
    }

    /// The code at an address, as much of it as an instruction can have.
    fn bytes(&self, around: &Surroundings, at: u32) -> ([u8; LONGEST], usize) {
        let mut bytes = [0; LONGEST];
        let mut count = 0;
        while count < LONGEST {
            let Some(va) = at.checked_add(count as u32) else { break };
            let page = self.page(around, va - va % PAGE);
            let rest = page.get((va % PAGE) as usize..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            for (slot, byte) in bytes[count..].iter_mut().zip(rest) {
                *slot = *byte;
                count += 1;
            }
        }
        (bytes, count)
    }

    /// The instruction at an address; `None` where there is none, and when enough was decoded.
    pub fn instruction(&self, around: &Surroundings, at: u32) -> Option<Instruction> {
        let decoded = self.decoded.get();
        if decoded >= BUDGET {
            return None;
        }
        self.decoded.set(decoded + 1);
        let (bytes, count) = self.bytes(around, at);
        let instruction = Decoder::with_ip(32, &bytes[..count], at.into(), DecoderOptions::NONE).decode();
        (!instruction.is_invalid()).then_some(instruction)
    }
}

/// The function that a call before a return address goes to, where the call itself says so.
pub(super) fn called_before(around: &Surroundings, back: u32) -> Option<u32> {
    const CALL: u32 = 6;
    let mut call = [0; CALL as usize];
    around.space().read_exact(around.shown(Va(back.checked_sub(CALL)?.into())), &mut call).ok()?;
    let target = match call {
        [_, 0xe8, a, b, c, d] => back.wrapping_add(u32::from_le_bytes([a, b, c, d])),
        [0xff, 0x15, a, b, c, d] => word(around, u32::from_le_bytes([a, b, c, d]))?,
        _ => return None,
    };
    Some(behind_jumps(around, target))
}

/// Where the jumps of an import or of a linker lead.
pub(super) fn behind_jumps(around: &Surroundings, mut target: u32) -> u32 {
    for _ in 0..MOST_JUMPS {
        let Some(jump) = around.x86.instruction(around, target).filter(|it| it.mnemonic() == Mnemonic::Jmp) else {
            break;
        };
        let is_word = jump.memory_base() == Register::None && jump.memory_index() == Register::None;
        let next = match jump.near_branch_target() {
            0 if is_word && jump.op0_register() == Register::None => word(around, jump.memory_displacement32()),
            0 => None,
            target => Some(target as u32),
        };
        let Some(next) = next else { break };
        target = next;
    }
    target
}

/// A word in memory.
pub(super) fn word(around: &Surroundings, address: u32) -> Option<u32> {
    around.pointer(Va(address.into()), PointerWidth::Bits32).map(|value| value.0 as u32)
}

/// Whether what a process has at an address can be followed as code.
pub(super) fn is_code(around: &Surroundings, address: u32) -> bool {
    matches!(around.code_at(Va(address.into())), CodeKind::Code | CodeKind::Perhaps)
}

/// Whether nothing but instructions that do nothing lies between an address and the next multiple of 16, where a
/// function may begin: padding, as compilers put it behind a call that does not return, and before loops.
pub(super) fn is_padding(around: &Surroundings, from: u32) -> bool {
    let mut at = from;
    while !at.is_multiple_of(16) {
        let Some(instruction) = around.x86.instruction(around, at) else { return false };
        let is_nothing = match instruction.mnemonic() {
            Mnemonic::Nop => true,
            Mnemonic::Lea | Mnemonic::Mov | Mnemonic::Xchg => {
                let written = instruction.op0_register();
                let is_itself = instruction.memory_base() == written && instruction.memory_displacement32() == 0;
                instruction.op_register(1) == written || instruction.mnemonic() == Mnemonic::Lea && is_itself
            }
            _ => false,
        };
        if !is_nothing || instruction.next_ip() > u64::from(u32::MAX) {
            return false;
        }
        at = instruction.next_ip() as u32;
    }
    at != from
}

/// Whether something is a return address: code behind a call, or where the kernel of Windows CE goes back to a caller.
pub(super) fn is_return(around: &Surroundings, back: u32) -> bool {
    matches!(check(around, back), ReturnCheck::AfterCall | ReturnCheck::ServerReturn)
}

/// Whether an address stands for a call that the kernel of Windows CE answers: a jump there returns to the caller.
pub(super) fn is_kernel_call(around: &Surroundings, address: u32) -> bool {
    check(around, address) == ReturnCheck::ServerReturn
}

fn check(around: &Surroundings, address: u32) -> ReturnCheck {
    around.check_return(Machine::X86, Va(address.into()))
}

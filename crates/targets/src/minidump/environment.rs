//! TEBs and the PEB: what they tell of stacks, heaps and the two sides of a WOW64 process.
//!
//! Offsets are those of the public symbols of `ntdll` (`_TEB`, `_PEB`), the same from NT 4 to Windows 11 for
//! the fields used here.

use vatlas_images::minidump::{Minidump, ThreadRecord, x86_context};
use vatlas_space::{AddressSpace, Machine, PointerWidth, Side, StackExtent, Thread, Va};

/// Offsets in a TEB of one width.
struct TebFields {
    stack_base: u64,
    stack_limit: u64,
    self_pointer: u64,
    peb: u64,
    deallocation_stack: u64,
}

const TEB32: TebFields =
    TebFields { stack_base: 0x4, stack_limit: 0x8, self_pointer: 0x18, peb: 0x30, deallocation_stack: 0xe0c };
const TEB64: TebFields =
    TebFields { stack_base: 0x8, stack_limit: 0x10, self_pointer: 0x30, peb: 0x60, deallocation_stack: 0x1478 };

/// `TlsSlots` of a 64-bit TEB; slot 1 of a WOW64 thread points at its saved 32-bit state.
const TEB64_TLS_SLOTS: u64 = 0x1480;
/// Where the 32-bit TEB of a WOW64 thread lies when the 64-bit TEB does not say.
const TEB32_BEHIND_TEB64: u64 = 0x2000;

/// Threads with both sides, and the process environment blocks.
pub(super) struct Environment {
    pub threads: Vec<Thread>,
    pub peb: Option<Va>,
    pub peb32: Option<Va>,
}

impl Environment {
    /// Joins thread records with what their TEBs say, where those were captured; looks for the 32-bit side of
    /// each thread when `is_wow64`.
    pub fn read(space: &dyn AddressSpace, dump: &Minidump, width: PointerWidth, is_wow64: bool) -> Self {
        let fields = if width == PointerWidth::Bits64 { &TEB64 } else { &TEB32 };
        let machine = dump.host.as_ref().map_or(Machine::Other(0), |host| host.machine);
        let mut environment = Self { threads: Vec::with_capacity(dump.threads.len()), peb: None, peb32: None };
        for record in &dump.threads {
            let native = native_side(space, record, machine, fields, width);
            let pointer = |teb: Option<Va>, field, width| read_nonzero(space, teb?.checked_add(field)?, width);
            environment.peb = environment.peb.or_else(|| pointer(native.teb, fields.peb, width));
            let mut sides = vec![native];
            if is_wow64 {
                let side = wow64_side(space, record.teb);
                let teb32 = side.as_ref().and_then(|side| side.teb);
                environment.peb32 = environment.peb32.or_else(|| pointer(teb32, TEB32.peb, PointerWidth::Bits32));
                sides.extend(side);
            }
            environment.threads.push(Thread {
                id: record.id,
                name: record.name.clone(),
                suspend_count: record.suspend_count,
                priority_class: record.priority_class,
                priority: record.priority,
                sides,
                ce: None,
            });
        }
        environment
    }
}

fn native_side(
    space: &dyn AddressSpace,
    record: &ThreadRecord,
    machine: Machine,
    fields: &TebFields,
    width: PointerWidth,
) -> Side {
    let told = record.teb.map(|teb| stack(space, teb, fields, width)).unwrap_or_default();
    Side {
        machine,
        teb: record.teb,
        stack: StackExtent { captured: record.stack, ..told },
        registers: record.registers.clone(),
    }
}

/// The stack bounds of a TEB; none of them when the TEB is not captured or does not point at itself.
fn stack(space: &dyn AddressSpace, teb: Va, fields: &TebFields, width: PointerWidth) -> StackExtent {
    let field = |offset| read_nonzero(space, teb.checked_add(offset)?, width);
    if field(fields.self_pointer) != Some(teb) {
        return StackExtent::default();
    }
    let (base, limit) = (field(fields.stack_base), field(fields.stack_limit));
    if base <= limit {
        return StackExtent::default();
    }
    let reserve = field(fields.deallocation_stack).filter(|reserve| Some(*reserve) <= limit);
    StackExtent { captured: None, base, limit, reserve }
}

/// The 32-bit side: its TEB is named by the first field of the 64-bit one, its registers lie in a block whose
/// address is in thread-local storage slot 1, after one word.
fn wow64_side(space: &dyn AddressSpace, teb64: Option<Va>) -> Option<Side> {
    let teb64 = teb64?;
    let is_teb32 = |teb: &Va| {
        let own =
            teb.checked_add(TEB32.self_pointer).and_then(|field| read_nonzero(space, field, PointerWidth::Bits32));
        own == Some(*teb)
    };
    let named = read_nonzero(space, teb64, PointerWidth::Bits64).filter(is_teb32);
    let teb = named.or_else(|| teb64.checked_add(TEB32_BEHIND_TEB64).filter(is_teb32));
    let registers = teb64
        .checked_add(TEB64_TLS_SLOTS + 8)
        .and_then(|slot| read_nonzero(space, slot, PointerWidth::Bits64))
        .and_then(|state| state.checked_add(4))
        .and_then(|context| {
            let mut bytes = [0; 716];
            space.read_exact(context, &mut bytes).ok()?;
            x86_context(&bytes)
        });
    if teb.is_none() && registers.is_none() {
        return None;
    }
    let stack = teb.map(|teb| stack(space, teb, &TEB32, PointerWidth::Bits32)).unwrap_or_default();
    Some(Side { machine: Machine::X86, teb, stack, registers })
}

fn read_nonzero(space: &dyn AddressSpace, va: Va, width: PointerWidth) -> Option<Va> {
    space.read_pointer(va, width).ok().filter(|pointer| pointer.0 != 0)
}

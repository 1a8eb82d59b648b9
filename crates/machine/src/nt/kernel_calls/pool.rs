//! Pool for drivers: nonpaged, or pageable; with a tag; charged to a process when it is asked for.

use super::{Answer, KernelRequest};
use crate::memory::PoolKind;
use crate::nt::System;
use vatlas_space::Va;

/// `PagedPool` of `POOL_TYPE`; the other bits say what happens when there is no memory.
const PAGED: u32 = 1;
/// Bytes of pool that one process may be charged for.
const MOST_QUOTA: u32 = 4 << 20;

/// `ExAllocatePoolWithTag(Type, Bytes, Tag)`: 0 when there is no memory.
pub(super) fn allocate(system: &mut System, request: &KernelRequest) -> Answer {
    let [kind, bytes, tag, ..] = request.arguments;
    let kind = if kind & PAGED != 0 { PoolKind::Pageable } else { PoolKind::NonPaged };
    let ram = &mut system.computer.board.ram;
    let block = system.memory.pool_allocate(ram, kind, tag.to_le_bytes(), bytes);
    system.obey_flush();
    Answer::Value(block.map_or(0, |block| block.0 as u32))
}

/// `ExAllocatePoolWithQuotaTag`: the process of the thread pays, up to 4 MB (our choice: one quota for both pools, and
/// 0 where NT raises an exception).
pub(super) fn allocate_with_quota(system: &mut System, request: &KernelRequest) -> Answer {
    let id = system.processes[request.process.0].id;
    let used: u32 = system.ring0.quotas.values().filter(|(owner, _)| *owner == id).map(|(_, bytes)| bytes).sum();
    let bytes = request.arguments[1];
    if used.saturating_add(bytes) > MOST_QUOTA {
        return Answer::Value(0);
    }
    let Answer::Value(block) = allocate(system, request) else { return Answer::Later };
    if block != 0 {
        system.ring0.quotas.insert(block, (id, bytes));
    }
    Answer::Value(block)
}

/// `ExFreePoolWithTag(Block, Tag)`. What is no block stops the system, as NT does: BAD_POOL_CALLER.
pub(super) fn free(system: &mut System, request: &KernelRequest) -> Answer {
    let [block, tag, ..] = request.arguments;
    system.ring0.quotas.remove(&block);
    if !system.memory.is_pool_block(Va(block.into())) {
        system.stop_system(request.thread, request.caller, (0xc2, [7, 0, tag, block]));
        return Answer::Later;
    }
    system.memory.pool_free(&mut system.computer.board.ram, Va(block.into()));
    system.obey_flush();
    Answer::Value(0)
}

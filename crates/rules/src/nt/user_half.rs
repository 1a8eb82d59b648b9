//! The user half of Windows NT: what a process with a given user limit may use, and what is kept from it.

use crate::{
    area::{AreaKind, Row, rows},
    statement::Support::{self, Arithmetic, Documented, Reimplementation, Unverified},
};

/// The page that the system shares with every process (`KUSER_SHARED_DATA`), on x86 and x64.
pub const SHARED_USER_DATA: u64 = 0x7ffe_0000;

const BLOCK: u64 = 0x1_0000;

const LOW: &[Row] = rows! {
    0x0000_0000 NullPartition "null partition"
        for "catches null pointers"
        holds "nothing"
        never "memory of any kind"
        because "the first 64 KB can never be allocated, every access faults"
        &[Documented];
    0x0001_0000 User "user"
        for "the process: images, stacks, heaps, mapped files, PEB and TEBs"
        holds "everything that a program allocates or maps"
        never "memory of another process, memory of the kernel"
        because "the same address means another byte in another process"
        &[Documented];
    0x7ffe_0000 SharedUserData "shared user data"
        for "KUSER_SHARED_DATA: time, tick count, version, system call stub; read-only for the process"
        holds "one page that the kernel writes and every process reads"
        never "anything that the process wrote"
        because "the page stays at 7FFE0000 on every version, with /3GB and on x64 too"
        &[Documented];
    0x7ffe_1000 Guard "rest of the shared block"
        for "rest of the 64 KB block of the shared page"
        holds "nothing"
        never "memory of any kind"
        because "allocations begin on 64 KB boundaries and this block is taken"
        &[Reimplementation];
};

/// In place of the last row of [`LOW`] on 64-bit Windows.
const LOW_64: &[Row] = rows! {
    0x7ffe_1000 SharedBlock "rest of the shared block"
        for "rest of the 64 KB block of the shared page"
        holds "on newer versions perhaps one more page that the system shares with processes"
        never "memory that a program allocated"
        because "allocations begin on 64 KB boundaries and this block is taken"
        &[Unverified];
};

/// What differs between the systems that use this half.
pub(crate) struct UserHalf {
    /// Highest address that the process may use; its low 16 bits are set.
    pub highest_user: u64,
    /// First address behind the user half of the system.
    pub end: u64,
    /// 32-bit NT: the last 64 KB below the limit are never allocated either.
    pub closed_top: bool,
    /// Why the addresses between the limit and the end are not for this process.
    pub beyond: &'static str,
}

impl UserHalf {
    /// The rows from address 0 to the end of the half.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = LOW.to_vec();
        if !self.closed_top {
            rows.truncate(LOW.len() - LOW_64.len());
            rows.extend_from_slice(LOW_64);
        }
        let guard = self.highest_user + 1;
        if guard > SHARED_USER_DATA + BLOCK {
            rows.push(self.upper_user());
            if self.closed_top {
                rows.push(closed_top(guard - BLOCK));
            }
        }
        rows.push(guard_row(guard, "64 KB guard", "no address of the process reaches into it"));
        let last_block = self.end - BLOCK;
        if guard < last_block {
            rows.push(self.beyond_row(guard + BLOCK));
            rows.push(guard_row(last_block, "64 KB guard of the system", "the end of the largest user range"));
        }
        rows
    }

    fn upper_user(&self) -> Row {
        Row {
            first: SHARED_USER_DATA + BLOCK,
            kind: AreaKind::User,
            name: "user".into(),
            purpose: "more of the process: images, stacks, heaps, mapped files".into(),
            holds: "everything that a program allocates or maps",
            never: "memory of another process, memory of the kernel",
            because: "the user range of this process goes on behind the shared page".into(),
            support: &[Documented],
        }
    }

    fn beyond_row(&self, first: u64) -> Row {
        Row {
            first,
            kind: AreaKind::BeyondProcess,
            name: "not for this process".into(),
            purpose: "user addresses of the system that this process may not use".into(),
            holds: "nothing of this process",
            never: "an allocation, image or stack of this process",
            because: self.beyond.into(),
            support: BEYOND,
        }
    }
}

const BEYOND: &[Support] = &[Documented];

fn closed_top(first: u64) -> Row {
    Row {
        first,
        kind: AreaKind::Guard,
        name: "last user block".into(),
        purpose: "no allocation ends here".into(),
        holds: "nothing",
        never: "memory of any kind",
        because: "the highest address of an allocation is 16 pages below the highest user address".into(),
        support: &[Reimplementation, Arithmetic],
    }
}

fn guard_row(first: u64, name: &'static str, because: &'static str) -> Row {
    Row {
        first,
        kind: AreaKind::Guard,
        name: name.into(),
        purpose: "keeps user and kernel addresses apart".into(),
        holds: "nothing",
        never: "memory of any kind",
        because: because.into(),
        support: &[Documented],
    }
}

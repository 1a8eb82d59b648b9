//! Access masks of files, and who may share a file with whom.

use crate::files::status::SHARING_VIOLATION;
use crate::memory::NtStatus;

/// Reading data; of a folder: listing it.
pub const FILE_READ_DATA: u32 = 0x1;
/// Writing data; of a folder: making a file in it.
pub const FILE_WRITE_DATA: u32 = 0x2;
/// Writing at the end; of a folder: making a folder in it.
pub const FILE_APPEND_DATA: u32 = 0x4;
/// Mapping as a program; of a folder: going through it.
pub const FILE_EXECUTE: u32 = 0x20;
/// Reading times and attributes.
pub const FILE_READ_ATTRIBUTES: u32 = 0x80;
/// Writing times and attributes.
pub const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
/// Deleting and renaming.
pub const DELETE: u32 = 0x1_0000;
/// Waiting on the object.
pub const SYNCHRONIZE: u32 = 0x10_0000;
/// Everything that can be had.
pub const MAXIMUM_ALLOWED: u32 = 0x200_0000;
/// All specific and standard rights of a file.
pub const FILE_ALL_ACCESS: u32 = 0x1f_01ff;

/// Others may read.
pub const FILE_SHARE_READ: u32 = 1;
/// Others may write.
pub const FILE_SHARE_WRITE: u32 = 2;
/// Others may delete and rename.
pub const FILE_SHARE_DELETE: u32 = 4;

const FILE_WRITE_EA: u32 = 0x10;
/// Generic right, what it stands for: `FILE_GENERIC_READ`, `_WRITE`, `_EXECUTE`, `_ALL`.
const GENERIC: [(u32, u32); 4] =
    [(0x8000_0000, 0x12_0089), (0x4000_0000, 0x12_0116), (0x2000_0000, 0x12_00a0), (0x1000_0000, FILE_ALL_ACCESS)];
const READS: u32 = FILE_READ_DATA | FILE_EXECUTE;
const WRITES: u32 = FILE_WRITE_DATA | FILE_APPEND_DATA;
/// What a read-only file forbids.
pub(crate) const CHANGES_DATA: u32 = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA;
/// What overwriting asks for besides.
pub(crate) const OVERWRITES: u32 = FILE_WRITE_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES;

/// Generic rights of a mask replaced by those of a file that they stand for. `MAXIMUM_ALLOWED` stays.
pub fn map_generic(access: u32) -> u32 {
    GENERIC.iter().fold(
        access & 0x0fff_ffff,
        |mask, (generic, rights)| {
            if access & generic == 0 { mask } else { mask | rights }
        },
    )
}

/// The opens of a file, counted by what they do and what they let others do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ShareAccess {
    opens: u32,
    doing: [u32; 3],
    letting: [u32; 3],
}

/// What an open of a file does and lets others do: read, write, delete.
fn columns(access: u32, share: u32) -> [(bool, bool); 3] {
    [
        (access & READS != 0, share & FILE_SHARE_READ != 0),
        (access & WRITES != 0, share & FILE_SHARE_WRITE != 0),
        (access & DELETE != 0, share & FILE_SHARE_DELETE != 0),
    ]
}

/// Opens for attributes only take no part in sharing.
const fn counts(access: u32) -> bool {
    access & (READS | WRITES | DELETE) != 0
}

impl ShareAccess {
    /// Whether one more open fits: it does nothing that another does not let, and lets all that others do.
    pub(crate) fn check(&self, access: u32, share: u32) -> Result<(), NtStatus> {
        let mut fits = columns(access, share).into_iter().zip(self.doing).zip(self.letting);
        let fits = fits.all(|(((does, lets), doing), letting)| !(does && letting < self.opens || !lets && doing > 0));
        if !counts(access) || fits { Ok(()) } else { Err(SHARING_VIOLATION) }
    }

    /// Counts an open that was checked.
    pub(crate) fn add(&mut self, access: u32, share: u32) {
        self.count(access, share, |number| number.saturating_add(1));
    }

    /// Takes back what [`ShareAccess::add`] counted for the same masks.
    pub(crate) fn remove(&mut self, access: u32, share: u32) {
        self.count(access, share, |number| number.saturating_sub(1));
    }

    fn count(&mut self, access: u32, share: u32, step: impl Fn(u32) -> u32) {
        if !counts(access) {
            return;
        }
        self.opens = step(self.opens);
        for (place, (does, lets)) in columns(access, share).into_iter().enumerate() {
            if does {
                self.doing[place] = step(self.doing[place]);
            }
            if lets {
                self.letting[place] = step(self.letting[place]);
            }
        }
    }

    /// Whether an open may write.
    pub(crate) const fn is_written(&self) -> bool {
        self.doing[1] > 0
    }
}

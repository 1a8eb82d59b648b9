//! `NtLockFile` and `NtUnlockFile`: ranges of bytes that one file object keeps for itself.

use crate::files::Files;
use crate::files::access::{FILE_READ_DATA, FILE_WRITE_DATA};
use crate::files::object::{Device, FileHandle, FileNumber};
use crate::files::status;
use crate::memory::{FileIdentity, NtStatus};

/// Most locks of a file.
const MOST_LOCKS: usize = 65536;

/// A range of bytes and the key that its owner chose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct LockRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
    /// The owner's key.
    pub key: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
struct Lock {
    owner: FileNumber,
    range: LockRange,
    is_exclusive: bool,
}

/// The locks of a file.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Locks(Vec<Lock>);

impl LockRange {
    /// Ranges without bytes meet nothing.
    const fn meets(&self, offset: u64, length: u64) -> bool {
        self.length > 0
            && length > 0
            && offset <= self.offset.saturating_add(self.length - 1)
            && self.offset <= offset.saturating_add(length - 1)
    }
}

impl Locks {
    /// Whether a file object may read or write a range: no exclusive lock of another, and none at all for a write
    /// but its own exclusive ones.
    pub(crate) fn check(&self, who: FileNumber, offset: u64, length: u64, is_write: bool) -> Result<(), NtStatus> {
        let forbids = |lock: &Lock| {
            lock.range.meets(offset, length) && if lock.is_exclusive { lock.owner != who } else { is_write }
        };
        if self.0.iter().any(forbids) { Err(status::FILE_LOCK_CONFLICT) } else { Ok(()) }
    }

    fn add(&mut self, owner: FileNumber, range: LockRange, is_exclusive: bool) -> Result<(), NtStatus> {
        let meets = |lock: &&Lock| lock.range.meets(range.offset, range.length);
        let forbids = |lock: &Lock| lock.is_exclusive || is_exclusive;
        if self.0.iter().filter(meets).any(forbids) {
            return Err(status::LOCK_NOT_GRANTED);
        }
        if self.0.len() >= MOST_LOCKS {
            return Err(status::INSUFFICIENT_RESOURCES);
        }
        self.0.push(Lock { owner, range, is_exclusive });
        Ok(())
    }

    fn remove(&mut self, owner: FileNumber, range: LockRange) -> Result<(), NtStatus> {
        let place = self.0.iter().position(|lock| lock.owner == owner && lock.range == range);
        self.0.remove(place.ok_or(status::RANGE_NOT_LOCKED)?);
        Ok(())
    }

    pub(crate) fn remove_owner(&mut self, owner: FileNumber) {
        self.0.retain(|lock| lock.owner != owner);
    }
}

impl Files {
    /// Locks a range. A caller that wants to wait for it asks again.
    ///
    /// # Errors
    /// `LOCK_NOT_GRANTED` when a lock meets it that is exclusive, or this one is.
    pub fn lock(&mut self, handle: FileHandle, range: LockRange, is_exclusive: bool) -> Result<(), NtStatus> {
        let identity = self.lockable(handle)?;
        if range.offset.checked_add(range.length.saturating_sub(1)).is_none() {
            return Err(status::INVALID_LOCK_RANGE);
        }
        self.nodes.get_mut(identity)?.locks.add(handle.file, range, is_exclusive)
    }

    /// Gives a locked range back; it must be the same range with the same key.
    ///
    /// # Errors
    /// `RANGE_NOT_LOCKED`.
    pub fn unlock(&mut self, handle: FileHandle, range: LockRange) -> Result<(), NtStatus> {
        let identity = self.lockable(handle)?;
        self.nodes.get_mut(identity)?.locks.remove(handle.file, range)
    }

    fn lockable(&self, handle: FileHandle) -> Result<FileIdentity, NtStatus> {
        match self.object(handle, FILE_READ_DATA | FILE_WRITE_DATA)?.device {
            Device::Disk(identity) if !self.nodes.get(identity)?.is_folder => Ok(identity),
            Device::Disk(_) => Err(status::INVALID_PARAMETER),
            _ => Err(status::INVALID_DEVICE_REQUEST),
        }
    }
}

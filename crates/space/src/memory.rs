//! An address space: what one process sees at one moment, asked by address.

use crate::{
    address::{PointerWidth, Va},
    backing::{Backing, Store},
    ce::Alias,
    range::VaRange,
    region::Region,
};
use std::fmt;

/// One address space at one moment. Looking never changes it.
pub trait AddressSpace {
    /// All addresses that the space has.
    fn range(&self) -> VaRange;

    /// What was asked of the system at `va`: the whole region around it. Never fails; an address above
    /// [`AddressSpace::range`] gives an unknown region.
    fn region(&self, va: Va) -> Region;

    /// What holds the bytes at `va`: the whole extent around it. Never fails.
    fn backing(&self, va: Va) -> Backing;

    /// The range around `va` whose bytes are seen at other addresses too, and belong there: whoever counts or searches
    /// memory leaves it out. `None` for an ordinary address.
    fn alias_at(&self, _va: Va) -> Option<Alias> {
        None
    }

    /// Copies bytes from `va` on into `buffer`, up to the end of the extent that backs `va`, and returns
    /// how many (at least one, unless `buffer` is empty).
    ///
    /// # Errors
    /// The first byte cannot be read: the fault carries the backing, which says why.
    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault>;
}

/// A byte could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadFault {
    /// The address.
    pub va: Va,
    /// Why: the store that is no store of bytes.
    pub store: Store,
}

impl fmt::Display for ReadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: {}", self.va, self.store)
    }
}

impl std::error::Error for ReadFault {}

impl dyn AddressSpace + '_ {
    /// Fills the whole of `buffer` from `va` on, across extents.
    ///
    /// # Errors
    /// The first byte that cannot be read.
    pub fn read_exact(&self, va: Va, buffer: &mut [u8]) -> Result<(), ReadFault> {
        let mut done = 0;
        while done < buffer.len() {
            let Some(at) = va.checked_add(done as u64) else {
                return Err(ReadFault { va, store: Store::Unknown });
            };
            done += self.read_within(at, &mut buffer[done..])?;
        }
        Ok(())
    }

    /// Reads from `va` on until `buffer` is full or a byte cannot be read; returns how many were read.
    pub fn read_available(&self, va: Va, buffer: &mut [u8]) -> usize {
        let mut done = 0;
        while done < buffer.len() {
            let Some(at) = va.checked_add(done as u64) else { break };
            match self.read_within(at, &mut buffer[done..]) {
                Ok(count) => done += count,
                Err(_) => break,
            }
        }
        done
    }

    /// Reads a pointer.
    ///
    /// # Errors
    /// As `read_exact`.
    pub fn read_pointer(&self, va: Va, width: PointerWidth) -> Result<Va, ReadFault> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..width.bytes()];
        self.read_exact(va, bytes)?;
        Ok(width.pointer(bytes).unwrap_or_default())
    }

    /// Reads a little-endian 32-bit number.
    ///
    /// # Errors
    /// As `read_exact`.
    pub fn read_u32(&self, va: Va) -> Result<u32, ReadFault> {
        let mut bytes = [0; 4];
        self.read_exact(va, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Regions in order of address: the one that holds `from`, then every later one.
    pub fn regions_from(&self, from: Va) -> impl Iterator<Item = Region> + '_ {
        let end = self.range().last();
        let mut next = Some(from);
        std::iter::from_fn(move || {
            let at = next.filter(|at| *at <= end)?;
            let region = self.region(at);
            next = region.range.next();
            Some(region)
        })
    }

    /// Extents of the addresses in `range`, in order, each cut to `range`.
    pub fn backings_in(&self, range: VaRange) -> impl Iterator<Item = Backing> + '_ {
        let mut next = Some(range.first());
        std::iter::from_fn(move || {
            let at = next.filter(|at| *at <= range.last())?;
            let backing = cut(self.backing(at), at, range.last());
            next = backing.range.next();
            Some(backing)
        })
    }
}

/// The part of `backing` from `first` to at most `last`; file offsets follow the new first byte.
fn cut(backing: Backing, first: Va, last: Va) -> Backing {
    let whole = backing.range;
    let Some(range) = VaRange::new(first, last.min(whole.last())) else { return backing };
    let skipped = first.0.saturating_sub(whole.first().0);
    let store = match backing.store {
        Store::Captured(offset) => Store::Captured(crate::FileOffset(offset.0 + skipped)),
        Store::ImageFile { name, offset } => Store::ImageFile { name, offset: crate::FileOffset(offset.0 + skipped) },
        Store::Frame(pa) => Store::Frame(crate::Pa(pa.0 + skipped)),
        Store::PageFile { file, offset } => Store::PageFile { file, offset: crate::FileOffset(offset.0 + skipped) },
        other => other,
    };
    Backing { range, store }
}

//! The bytes of a value, each at hand or not, and where they come from.

use std::rc::Rc;
use vatlas_space::{AddressSpace, Store, Va};

/// Most bytes that are read at once.
const MOST: u64 = 1 << 16;

/// Bytes, each at hand or not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bytes {
    /// The bytes; `None` for one that is not at hand.
    pub bytes: Vec<Option<u8>>,
    /// Why the first one that is missing is not at hand.
    pub reason: Option<String>,
}

impl Bytes {
    /// All bytes are at hand.
    pub fn known(bytes: &[u8]) -> Self {
        Self { bytes: bytes.iter().copied().map(Some).collect(), reason: None }
    }

    /// None is.
    pub fn missing(size: u64, reason: impl Into<String>) -> Self {
        let size = usize::try_from(size.min(MOST)).unwrap_or_default();
        Self { bytes: vec![None; size], reason: Some(reason.into()) }
    }

    /// The bytes, when all are at hand.
    pub fn all(&self) -> Option<Vec<u8>> {
        self.bytes.iter().copied().collect()
    }

    /// Bytes from `offset` on; what lies past the end is missing.
    pub fn part(&self, offset: u64, size: u64) -> Self {
        let first = usize::try_from(offset).unwrap_or(usize::MAX);
        let size = usize::try_from(size.min(MOST)).unwrap_or_default();
        let inside = self.bytes.get(first..).unwrap_or_default().iter().take(size).copied();
        let mut bytes: Vec<_> = inside.collect();
        let is_short = bytes.len() < size;
        bytes.resize(size, None);
        let past = || "past the end of the value".to_owned();
        let reason = bytes.contains(&None).then(|| self.reason.clone().filter(|_| !is_short).unwrap_or_else(past));
        Self { bytes, reason }
    }

    /// Two digits a byte in order of address, `??` for one that is not at hand.
    pub fn hex(&self) -> String {
        let digits = |byte: &Option<u8>| byte.map_or("??".to_owned(), |byte| format!("{byte:02x}"));
        self.bytes.iter().map(digits).collect::<Vec<_>>().join(" ")
    }
}

/// Where the bytes of a value are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In memory.
    Memory(Va),
    /// Here: they were in registers, are a constant, or were computed.
    Here {
        /// The bytes of the whole value.
        bytes: Rc<Bytes>,
        /// Where in them this value begins.
        offset: u64,
    },
}

impl Place {
    /// A value that is not in memory.
    pub fn here(bytes: Bytes) -> Self {
        Self::Here { bytes: Rc::new(bytes), offset: 0 }
    }

    /// The place `bytes` further on; `None` past the last address.
    pub fn plus(&self, bytes: u64) -> Option<Self> {
        Some(match self {
            Self::Memory(va) => Self::Memory(va.checked_add(bytes)?),
            Self::Here { bytes: all, offset } => {
                Self::Here { bytes: Rc::clone(all), offset: offset.checked_add(bytes)? }
            }
        })
    }

    /// The address, of a value in memory.
    pub const fn va(&self) -> Option<Va> {
        match self {
            Self::Memory(va) => Some(*va),
            Self::Here { .. } => None,
        }
    }
}

/// Reads at most 64 KB at a place.
pub(super) fn read(space: Option<&dyn AddressSpace>, place: &Place, size: u64) -> Bytes {
    match (place, space) {
        (Place::Memory(va), Some(space)) => from_memory(space, *va, size.min(MOST)),
        (Place::Memory(_), None) => Bytes::missing(size, "the file holds no memory"),
        (Place::Here { bytes, offset }, _) => bytes.part(*offset, size),
    }
}

fn from_memory(space: &dyn AddressSpace, va: Va, size: u64) -> Bytes {
    let mut buffer = vec![0; usize::try_from(size).unwrap_or_default()];
    let mut bytes = Vec::with_capacity(buffer.len());
    let mut reason = None;
    while bytes.len() < buffer.len() {
        let done = bytes.len();
        let Some(at) = va.checked_add(done as u64).filter(|at| space.range().contains(*at)) else {
            reason.get_or_insert_with(|| "past the last address".to_owned());
            bytes.resize(buffer.len(), None);
            break;
        };
        match space.read_within(at, &mut buffer[done..]) {
            Ok(count) => {
                let count = count.clamp(1, buffer.len() - done);
                bytes.extend(buffer[done..done + count].iter().copied().map(Some));
            }
            Err(fault) => {
                let hole = hole(space, at, &fault.store).min((buffer.len() - done) as u64);
                reason.get_or_insert_with(|| why(&fault.store));
                bytes.resize(done + usize::try_from(hole).unwrap_or(1), None);
            }
        }
    }
    Bytes { bytes, reason }
}

/// How many bytes from `va` on are missing, at least one.
fn hole(space: &dyn AddressSpace, va: Va, store: &Store) -> u64 {
    // Bytes that a file should hold and does not are tried one by one: only some may be cut off.
    if store.is_readable() {
        return 1;
    }
    let last = space.backing(va).range.last();
    last.offset_from(va).unwrap_or_default().saturating_add(1)
}

fn why(store: &Store) -> String {
    match store {
        Store::Captured(_) | Store::ImageFile { .. } => "cut off: the file ends before".to_owned(),
        Store::Reserved => "reserved".to_owned(),
        Store::Free => "free".to_owned(),
        other => other.to_string(),
    }
}

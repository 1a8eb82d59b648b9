//! What the host answered, in order, so that it can be given again.
//!
//! Each entry has a number of the call it answers. A call that differs from the one in the log means that the machine
//! does something else than it did: the rest of the log is then of no use.

use crate::files::{ConsoleInput, Metadata, StoreError, VolumeSpace};
use std::collections::VecDeque;

/// When something came in that the machine did not ask for at an instruction of its own: input that was waited for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Moment {
    /// Instructions that all processors had executed.
    pub executed: u64,
    /// Units of time that nobody worked.
    pub skipped: u64,
    /// Clock interrupts.
    pub ticks: u64,
}

/// What the host answered to a call.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Answer {
    Done(Result<(), StoreError>),
    Metadata(Result<Metadata, StoreError>),
    Found(Result<Option<(String, Metadata)>, StoreError>),
    List(Result<Vec<(String, Metadata)>, StoreError>),
    Length(Result<u64, StoreError>),
    Bytes(Result<Vec<u8>, StoreError>),
    Space(Result<VolumeSpace, StoreError>),
    /// Standard input, and when it came if it was waited for.
    Input(Result<ConsoleInput, StoreError>, Vec<u8>, Option<Moment>),
}

/// An answer that the log can hold.
pub(crate) trait Logged: Sized {
    /// As an entry.
    fn to_answer(&self) -> Answer;
    /// From an entry; `None` when it answers another kind of call.
    fn from_answer(answer: &Answer) -> Option<Self>;
}

macro_rules! logged {
    ($($variant:ident: $type:ty),* $(,)?) => {$(
        impl Logged for Result<$type, StoreError> {
            fn to_answer(&self) -> Answer {
                Answer::$variant(self.clone())
            }
            fn from_answer(answer: &Answer) -> Option<Self> {
                if let Answer::$variant(answer) = answer { Some(answer.clone()) } else { None }
            }
        }
    )*};
}
logged! {
    Done: (),
    Metadata: Metadata,
    Found: Option<(String, Metadata)>,
    List: Vec<(String, Metadata)>,
    Length: u64,
    Bytes: Vec<u8>,
    Space: VolumeSpace,
}

/// One answer, and what it answers.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    pub(crate) call: u64,
    pub(crate) answer: Answer,
}

/// Answers by number. Those before the oldest checkpoint are forgotten.
#[derive(Debug, Default)]
pub(crate) struct HostLog {
    entries: VecDeque<Entry>,
    first: u64,
}

impl HostLog {
    /// Begins anew: the next answer has this number.
    pub(crate) fn restart(&mut self, at: u64) {
        self.entries.clear();
        self.first = at;
    }

    /// The number of the next answer.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// An answer.
    pub(crate) fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Adds the next one.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
    }

    /// Forgets all from this one on.
    pub(crate) fn forget_from(&mut self, number: u64) {
        self.entries.truncate(usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX));
    }

    /// Forgets those before this one.
    pub(crate) fn forget_before(&mut self, number: u64) {
        let count = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries.drain(..count);
        self.first += count as u64;
    }

    /// Answers that are kept.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// The number of a call: 64-bit FNV-1a of its name and arguments.
#[derive(Clone, Copy)]
pub(crate) struct CallNumber(u64);

impl CallNumber {
    pub(crate) fn of(name: &str) -> Self {
        Self(0xcbf2_9ce4_8422_2325).bytes(name.as_bytes())
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Self(mix(bytes.iter().fold(self.0, |hash, byte| mix(hash, *byte)), 0xff))
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    pub(crate) fn path(self, path: &[String]) -> Self {
        path.iter().fold(self.number(path.len() as u64), |number, name| number.bytes(name.as_bytes()))
    }

    /// The bytes of a write: by length and checksum.
    pub(crate) fn data(self, bytes: &[u8]) -> Self {
        self.number(bytes.len() as u64).number(crc32fast::hash(bytes).into())
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_by_number() {
        let mut log = HostLog::default();
        log.restart(10);
        for call in 0..5 {
            log.push(Entry { call, answer: Answer::Done(Ok(())) });
        }
        assert_eq!((log.end(), log.get(12).map(|entry| entry.call), log.get(9)), (15, Some(2), None));
        log.forget_before(12);
        assert_eq!((log.len(), log.get(11), log.get(12).map(|entry| entry.call)), (3, None, Some(2)));
        log.forget_from(13);
        assert_eq!((log.len(), log.end()), (1, 13));
        log.forget_before(100);
        assert_eq!((log.len(), log.end()), (0, 13));
    }

    #[test]
    fn different_calls_have_different_numbers() {
        let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let number = |name: &str, names: &[&str]| CallNumber::of(name).path(&path(names)).get();
        assert_eq!(number("open", &["a", "b"]), number("open", &["a", "b"]));
        assert_ne!(number("open", &["a", "b"]), number("open", &["ab"]));
        assert_ne!(number("open", &["a"]), number("list", &["a"]));
        assert_ne!(CallNumber::of("write").data(b"x").get(), CallNumber::of("write").data(b"y").get());
    }
}

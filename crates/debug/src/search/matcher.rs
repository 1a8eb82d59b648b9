//! Finding one alternative of a pattern in a buffer: plain bytes, masked bytes, words in a range of values.

use memchr::{memchr2, memmem};
use vatlas_space::Va;

/// How an alternative is recognized. All matches have the same length.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// These bytes.
    Plain(Box<memmem::Finder<'static>>),
    /// Bytes of which some bits or letters may differ.
    Masked(Box<Masked>),
    /// A little-endian number from `low` to `low + span`.
    Word { bytes: usize, low: u64, span: u64 },
}

/// Where a match may begin: at an index of the buffer not below `from`, and at a multiple of `alignment` of the
/// address, `base` being the address of the buffer.
#[derive(Clone, Copy)]
pub(super) struct StartAt {
    pub index: usize,
    pub base: Va,
    pub alignment: u64,
}

impl StartAt {
    /// The first index that is aligned, from `index` on.
    fn aligned(self, index: usize) -> Option<usize> {
        let address = self.base.0.wrapping_add(index as u64);
        let short = address.wrapping_neg() & (self.alignment - 1);
        index.checked_add(usize::try_from(short).ok()?)
    }
}

impl Matcher {
    /// Recognizes `bytes`; `None` when there are none.
    pub fn plain(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self::Plain(Box::new(memmem::Finder::new(bytes).into_owned())))
    }

    /// Recognizes what agrees with `places`, one entry a byte; `None` when every byte would do.
    pub fn masked(places: Vec<Place>, choices: Vec<Choice>) -> Option<Self> {
        if places.iter().all(|place| place.mask == 0xff) {
            let bytes: Vec<u8> = places.iter().map(|place| place.value).collect();
            return Self::plain(&bytes);
        }
        let anchor = Anchor::of(&places);
        places.iter().any(|place| place.mask != 0).then(|| Self::Masked(Box::new(Masked { places, choices, anchor })))
    }

    /// Recognizes little-endian numbers of 1, 2, 4 or 8 bytes from `low` to `high`; `None` when there are none.
    pub fn word(bytes: usize, low: u64, high: u64) -> Option<Self> {
        let span = high.checked_sub(low)?;
        match bytes {
            1 | 2 | 4 | 8 if span == 0 => Self::plain(&low.to_le_bytes()[..bytes]),
            1 | 2 | 4 | 8 => Some(Self::Word { bytes, low, span }),
            _ => None,
        }
    }

    /// Bytes of every match; at least one.
    pub fn length(&self) -> usize {
        match self {
            Self::Plain(finder) => finder.needle().len(),
            Self::Masked(masked) => masked.places.len(),
            Self::Word { bytes, .. } => *bytes,
        }
    }

    /// The index of the first match that lies whole in `buffer`.
    pub fn find(&self, buffer: &[u8], from: StartAt) -> Option<usize> {
        match self {
            Self::Plain(finder) => find_aligned(from, |index| Some(finder.find(buffer.get(index..)?)? + index)),
            Self::Masked(masked) => find_aligned(from, |index| masked.find(buffer, index)),
            &Self::Word { bytes: 1, low, span } => find_word::<1>(buffer, from, low, span),
            &Self::Word { bytes: 2, low, span } => find_word::<2>(buffer, from, low, span),
            &Self::Word { bytes: 4, low, span } => find_word::<4>(buffer, from, low, span),
            &Self::Word { low, span, .. } => find_word::<8>(buffer, from, low, span),
        }
    }
}

/// The first aligned one of the matches that `find` gives from an index on.
fn find_aligned(from: StartAt, find: impl Fn(usize) -> Option<usize>) -> Option<usize> {
    let mut index = from.index;
    loop {
        let found = find(index)?;
        let aligned = from.aligned(found)?;
        if aligned == found {
            return Some(found);
        }
        index = aligned;
    }
}

/// Words are tested in blocks without a branch in between, so that the compiler may use wide registers.
const BLOCK: usize = 64;

/// `low <= word <= low + span`, as one comparison: `word - low <= span`, modulo 2^64.
fn find_word<const N: usize>(buffer: &[u8], from: StartAt, low: u64, span: u64) -> Option<usize> {
    let step = usize::try_from(from.alignment).ok()?;
    let mut index = from.aligned(from.index)?;
    let is_match = |word: &[u8; N]| number(word).wrapping_sub(low) <= span;
    while let Some(block) = buffer.get(index..index + (BLOCK - 1) * step + N) {
        let any = if step == N {
            block.as_chunks::<N>().0.iter().fold(false, |any, word| any | is_match(word))
        } else {
            let starts = (0..BLOCK).map(|word| block[word * step..].first_chunk::<N>());
            starts.fold(false, |any, word| any | word.is_some_and(is_match))
        };
        if any {
            break;
        }
        index += BLOCK * step;
    }
    while let Some(word) = buffer.get(index..).and_then(|rest| rest.first_chunk::<N>()) {
        if is_match(word) {
            return Some(index);
        }
        index += step;
    }
    None
}

/// A little-endian number of up to eight bytes.
fn number<const N: usize>(bytes: &[u8; N]) -> u64 {
    let mut wide = [0; 8];
    wide[..N].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

/// One byte of a masked pattern: `byte & mask == value`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub value: u8,
    pub mask: u8,
}

impl Place {
    /// Any byte.
    pub const ANY: Self = Self { value: 0, mask: 0 };
}

/// A character of which the masks do not tell all: its bytes must be one of `spellings`, all of one length.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Choice {
    /// Index of its first byte in the pattern.
    pub index: usize,
    /// The ways to write it.
    pub spellings: Vec<Vec<u8>>,
}

/// A pattern of bytes that are known in part.
#[derive(Clone, Debug)]
pub(super) struct Masked {
    places: Vec<Place>,
    choices: Vec<Choice>,
    anchor: Anchor,
}

/// The part of a masked pattern that is looked for first.
#[derive(Clone, Debug)]
enum Anchor {
    /// Known bytes at an index of the pattern.
    Bytes(usize, Box<memmem::Finder<'static>>),
    /// A letter in either case.
    Letter(usize, u8, u8),
    /// Nothing that can be looked for quickly.
    None,
}

/// Letters of English, the most frequent first: the later one occurs, the better an anchor it is.
const BY_FREQUENCY: &[u8] = b"etaoinshrdlucmfwypvbgkjqxz";

impl Anchor {
    fn of(places: &[Place]) -> Self {
        let letters = places.iter().enumerate().filter_map(|(index, place)| {
            let free = !place.mask;
            free.is_power_of_two().then_some((index, place.value, place.value | free))
        });
        let rarity =
            |byte: u8| BY_FREQUENCY.iter().position(|other| byte.eq_ignore_ascii_case(other)).unwrap_or(usize::MAX);
        let letter = letters.max_by_key(|(_, one, _)| rarity(*one));
        match (longest_run(places), letter) {
            (Some((_, bytes)), Some((index, one, other))) if telling(&bytes) < 2 => Self::Letter(index, one, other),
            (Some((index, bytes)), _) => Self::Bytes(index, Box::new(memmem::Finder::new(&bytes).into_owned())),
            (None, Some((index, one, other))) => Self::Letter(index, one, other),
            (None, None) => Self::None,
        }
    }
}

/// The run of known bytes that tells most.
fn longest_run(places: &[Place]) -> Option<(usize, Vec<u8>)> {
    let mut index = 0;
    let runs = places.chunk_by(|a, b| (a.mask == 0xff) == (b.mask == 0xff)).map(|run| {
        let first = index;
        index += run.len();
        (first, run)
    });
    let known = runs.filter(|(_, run)| run[0].mask == 0xff);
    known
        .map(|(first, run)| (first, run.iter().map(|place| place.value).collect::<Vec<u8>>()))
        .max_by_key(|(_, bytes)| (telling(bytes), bytes.len()))
}

/// How many bytes are not of the ones that fill memory everywhere.
fn telling(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !matches!(byte, 0 | b' ' | 0xff)).count()
}

impl Masked {
    fn find(&self, buffer: &[u8], from: usize) -> Option<usize> {
        let last = buffer.len().checked_sub(self.places.len())?;
        let mut index = from;
        while index <= last {
            index += match &self.anchor {
                Anchor::Bytes(place, finder) => {
                    finder.find(&buffer[index + place..=last + place + finder.needle().len() - 1])?
                }
                Anchor::Letter(place, one, other) => memchr2(*one, *other, &buffer[index + place..=last + place])?,
                Anchor::None => 0,
            };
            if self.is_match(&buffer[index..index + self.places.len()]) {
                return Some(index);
            }
            index += 1;
        }
        None
    }

    fn is_match(&self, bytes: &[u8]) -> bool {
        bytes.iter().zip(&self.places).all(|(byte, place)| byte & place.mask == place.value)
            && self
                .choices
                .iter()
                .all(|choice| choice.spellings.iter().any(|spelling| bytes[choice.index..].starts_with(spelling)))
    }
}

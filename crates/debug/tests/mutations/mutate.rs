//! Damage: what a bad disk, a crash while writing, or malice may do to a file.

use std::ops::Range;
use vatlas_fixtures::random::Random;

/// A good file, and the parts of it that steer a reader.
pub struct Sample {
    pub name: String,
    pub bytes: Vec<u8>,
    /// Tables, lists and headers: most of the damage is done here, the rest anywhere.
    pub steering: Vec<Range<usize>>,
    /// Offset of the directory of a minidump and the number of its entries.
    pub directory: Option<(usize, usize)>,
}

/// Bytes of the header of a minidump, and of an entry of its directory: number, size, offset.
const HEADER: usize = 32;
const ENTRY: usize = 12;

impl Sample {
    /// A minidump, with its streams as far as they are lists: memory and contexts lie outside of them.
    pub fn minidump(name: &str, bytes: Vec<u8>) -> Self {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (count, directory) = (word(8), word(12));
        let entries = (0..count).map(|index| directory + index * ENTRY);
        let streams = entries.map(|at| word(at + 8)..word(at + 8) + word(at + 4));
        let steering = [0..HEADER, directory..directory + count * ENTRY].into_iter().chain(streams).collect();
        Self { name: name.to_owned(), bytes, steering, directory: Some((directory, count)) }
    }

    /// A file whose front steers its reader.
    pub fn other(name: &str, bytes: Vec<u8>) -> Self {
        let front = 0..bytes.len().min(0x300);
        Self { name: name.to_owned(), bytes, steering: vec![front], directory: None }
    }

    /// The file with damage. Equal seeds give equal bytes.
    pub fn damaged(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for _ in 0..1 + random.below(4) * random.below(4) {
            self.damage(&mut bytes, random);
        }
        bytes
    }

    fn damage(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        match random.below(16) {
            0 | 1 => flip(bytes, self.place(random, 1), random),
            2..=5 => put(bytes, self.place(random, 4), number(random, self.bytes.len()), 4),
            6 | 7 => put(bytes, self.place(random, 8), number(random, self.bytes.len()), 8),
            8 => shift(bytes, self.place(random, 4), random),
            9 => repeat(bytes, self.place(random, 4), self.place(random, 4), random),
            10 => move_behind(bytes, random),
            11 => fill(bytes, self.place(random, 1), random),
            12 => self.blow_up(bytes, random),
            13 | 14 => self.redirect(bytes, random),
            _ if random.one_in(4) => bytes.truncate(random.below(self.bytes.len())),
            _ => bytes.truncate(self.place(random, 1)),
        }
    }

    /// A place in a steering part, or now and then anywhere, at a multiple of `alignment` of the part.
    fn place(&self, random: &mut Random, alignment: usize) -> usize {
        let part = if random.one_in(4) {
            0..self.bytes.len()
        } else {
            let index = random.below(self.steering.len());
            self.steering[index].clone()
        };
        part.start + random.below(part.len()) / alignment * alignment
    }

    /// A count or a size at the front of a steering part becomes enormous.
    fn blow_up(&self, bytes: &mut [u8], random: &mut Random) {
        let index = random.below(self.steering.len());
        let at = self.steering[index].start + random.pick(&[0, 0, 4, 8, 12]);
        let value = random.pick(&[u64::MAX, 1 << 31, 0xffff_ffff, 1 << 40, 1 << 20, 0x1_0001]);
        put(bytes, at, value, random.pick(&[4, 8]));
    }

    /// An entry of the directory points where another one does, or swaps its number with it.
    fn redirect(&self, bytes: &mut [u8], random: &mut Random) {
        let Some((directory, count)) = self.directory else { return flip(bytes, self.place(random, 1), random) };
        let (one, other) = (directory + random.below(count) * ENTRY, directory + random.below(count) * ENTRY);
        let part = random.pick(&[(0, 4), (4, 8), (4, 4), (8, 4)]);
        if let Some(copy) = bytes.get(other + part.0..other + part.0 + part.1).map(<[u8]>::to_vec) {
            write(bytes, one + part.0, &copy);
        }
    }
}

/// Overwrites as much as the file holds.
fn write(bytes: &mut [u8], at: usize, new: &[u8]) {
    let held = bytes.len().saturating_sub(at).min(new.len());
    if held > 0 {
        bytes[at..at + held].copy_from_slice(&new[..held]);
    }
}

fn put(bytes: &mut [u8], at: usize, value: u64, width: usize) {
    write(bytes, at, &value.to_le_bytes()[..width]);
}

fn flip(bytes: &mut [u8], at: usize, random: &mut Random) {
    let bit = random.below(8);
    bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << bit);
}

/// Adds or takes a little: off by one, off by a page.
fn shift(bytes: &mut [u8], at: usize, random: &mut Random) {
    let Some(old) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return };
    let change = random.pick(&[1_u32, 2, 4, 8, 0x1000, 0x1_0000]);
    let old = u32::from_le_bytes(*old);
    let new = if random.one_in(2) { old.wrapping_add(change) } else { old.wrapping_sub(change) };
    put(bytes, at, new.into(), 4);
}

/// Copies a piece over another one.
fn repeat(bytes: &mut [u8], from: usize, to: usize, random: &mut Random) {
    let length = random.pick(&[4, 8, 12, 16, 24, 48, 108, 0x400]);
    let end = bytes.len().min(from + length);
    if let Some(piece) = bytes.get(from..end).map(<[u8]>::to_vec) {
        write(bytes, to, &piece);
    }
}

/// Inserts a copy of a piece, so that everything behind it moves.
fn move_behind(bytes: &mut Vec<u8>, random: &mut Random) {
    let from = random.below(bytes.len());
    let end = bytes.len().min(from + 1 + random.below(0x100));
    let to = random.below(bytes.len());
    let piece = bytes[from..end].to_vec();
    bytes.splice(to..to, piece);
}

fn fill(bytes: &mut [u8], at: usize, random: &mut Random) {
    let length = random.pick(&[1, 4, 8, 16, 64, 0x1000]);
    let value = random.pick(&[0, 0, 0xff, 0x41, 0x80]);
    bytes.iter_mut().skip(at).take(length).for_each(|byte| *byte = value);
}

/// A number at which readers stumble: ends of ranges, sizes of things, places in the file.
fn number(random: &mut Random, file: usize) -> u64 {
    const ENDS: [u64; 24] = [
        0,
        1,
        2,
        3,
        7,
        8,
        0xff,
        0xfff,
        0x1000,
        0xffff,
        0x1_0000,
        0x7ffe_0000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_f000,
        0xffff_fffe,
        0xffff_ffff,
        0x1_0000_0000,
        0x7fff_ffff_ffff,
        0xffff_8000_0000_0000,
        1 << 63,
        u64::MAX - 0xfff,
        u64::MAX - 1,
        u64::MAX,
    ];
    match random.below(4) {
        0 | 1 => random.pick(&ENDS),
        2 => (random.below(file + 2)) as u64,
        _ => random.number() >> random.below(64),
    }
}

#[test]
fn damage_is_the_same_every_time_and_differs_from_seed_to_seed() {
    let sample = Sample::other("counting", (0..=255).cycle().take(4096).collect());
    let damaged = |seed| sample.damaged(&mut Random::new(seed));
    assert_eq!(damaged(1), damaged(1));
    let different = (0..100).filter(|seed| damaged(*seed) != sample.bytes).count();
    assert!(different > 90, "{different}");
}

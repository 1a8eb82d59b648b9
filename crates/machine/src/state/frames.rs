//! Physical memory as a section of a snapshot: a bit for each frame that is not all zeroes, then those frames.
//!
//! It is written and read block by block: 64 MB that are made only to be packed cost more than packing them.

use super::container::{Blocks, Packer};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_space::{Pa, Pfn};

/// Packs the frames of a memory.
pub(super) fn pack_frames(ram: &Ram, packer: &mut Packer<'_>) {
    let mut present = vec![0; ram.frames().div_ceil(8) as usize];
    for (number, _) in frames(ram) {
        present[number as usize / 8] |= 1 << (number % 8);
    }
    packer.push(&present);
    frames(ram).for_each(|(_, frame)| packer.push(frame));
}

/// The frames that are not all zeroes.
fn frames(ram: &Ram) -> impl Iterator<Item = (u32, &[u8])> {
    let all = (0..ram.frames()).filter_map(|number| Some((number, ram.frame(Pfn(number.into()))?)));
    all.filter(|(_, frame)| {
        let (words, _) = frame.as_chunks::<16>();
        words.iter().any(|word| u128::from_le_bytes(*word) != 0)
    })
}

/// A memory of `count` frames, at most those of 4 GB, from a section; `None` when it is not of such a memory.
pub(super) fn unpack_frames(count: u32, blocks: &mut Blocks<'_>) -> Option<Ram> {
    let mut present = vec![0; count.div_ceil(8) as usize];
    blocks.fill(&mut present)?;
    let frames: usize = present.iter().map(|bits| bits.count_ones() as usize).sum();
    if blocks.remaining() != frames * FRAME_BYTES {
        return None;
    }
    let mut ram = Ram::new(count);
    let mut frame = [0; FRAME_BYTES];
    for number in (0..count).filter(|number| present[*number as usize / 8] >> (number % 8) & 1 != 0) {
        blocks.fill(&mut frame)?;
        ram.write(Pa(u64::from(number) << 12), &frame);
    }
    blocks.is_at_end().then_some(ram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Container, SnapshotSystem, write_snapshot};

    #[test]
    fn memory_comes_back_and_another_size_is_refused() {
        // More than a block, with frames across its ends.
        let mut ram = Ram::new(1003);
        for number in (0..1003_u32).filter(|number| number % 7 != 0) {
            ram.write_u32(Pa(u64::from(number) * 0x1000 + 0xffc), number.wrapping_mul(0x9e37_79b9));
        }
        let file = write_snapshot(SnapshotSystem::Nt, &[], &ram);
        let container = Container::open(&file).unwrap();
        let read = container.memory(1003).unwrap();
        for number in 0..1003 {
            assert_eq!(read.frame(Pfn(number)), ram.frame(Pfn(number)), "{number}");
        }
        for other in [0, 8, 1000, 1009, 1 << 20] {
            assert!(container.memory(other).is_err(), "{other}");
        }
    }
}

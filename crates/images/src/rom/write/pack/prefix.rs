//! Canonical prefix codes: lengths by how often each element is used, and how LZX writes the lengths.

use super::bits::Bits;
use std::{cmp::Reverse, collections::BinaryHeap};

/// Elements of the code that lengths are written with, and the longest of its own words.
const PRETREE: usize = 20;
const PRETREE_LONGEST: u8 = 15;
/// Zero lengths that one element tells: from 4 and from 20 on.
const FEW: usize = 4;
const MANY: usize = 20;
const MOST: usize = MANY + 31;

/// A code.
pub(super) struct Code {
    /// Bits of each element's word; 0 for elements that are not used.
    pub lengths: Vec<u8>,
    words: Vec<u32>,
}

impl Code {
    /// A code for elements that are used so often, with no word longer than `longest`.
    pub fn new(uses: &[u32], longest: u8) -> Self {
        let mut uses = uses.to_vec();
        let lengths = loop {
            let lengths = lengths(&uses);
            if lengths.iter().all(|length| *length <= longest) {
                break lengths;
            }
            // Rare elements come nearer to frequent ones.
            uses.iter_mut().filter(|uses| **uses > 0).for_each(|uses| *uses = *uses / 2 + 1);
        };
        let words = words(&lengths);
        Self { lengths, words }
    }

    /// Writes an element.
    pub fn put(&self, bits: &mut Bits, element: usize) {
        bits.put(self.words[element], self.lengths[element].into());
    }
}

/// Huffman's lengths. A code of one element gets a second one, so that it is complete.
fn lengths(uses: &[u32]) -> Vec<u8> {
    let mut lengths = vec![0; uses.len()];
    let used: Vec<usize> = (0..uses.len()).filter(|element| uses[*element] > 0).collect();
    if let [only] = used[..] {
        lengths[only] = 1;
        lengths[usize::from(only == 0)] = 1;
        return lengths;
    }
    let mut heap: BinaryHeap<_> =
        used.iter().enumerate().map(|(order, element)| Reverse((uses[*element], order, vec![*element]))).collect();
    let mut order = used.len();
    while let (Some(Reverse((one, _, mut elements))), Some(Reverse((other, _, more)))) = (heap.pop(), heap.pop()) {
        elements.extend(more);
        elements.iter().for_each(|element| lengths[*element] += 1);
        heap.push(Reverse((one + other, order, elements)));
        order += 1;
        if heap.len() == 1 {
            break;
        }
    }
    lengths
}

/// Canonical words: shorter ones first, then by element.
fn words(lengths: &[u8]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..lengths.len()).filter(|element| lengths[*element] > 0).collect();
    order.sort_by_key(|element| (lengths[*element], *element));
    let mut words = vec![0; lengths.len()];
    let (mut word, mut length) = (0_u32, 0);
    for element in order {
        word <<= lengths[element] - length;
        length = lengths[element];
        words[element] = word;
        word += 1;
    }
    words
}

/// Writes lengths where none were before: each as what is to be taken from 17, zeros in runs.
pub(super) fn put_lengths(bits: &mut Bits, lengths: &[u8]) {
    let mut elements: Vec<(usize, u32, u32)> = Vec::new();
    let mut at = 0;
    while at < lengths.len() {
        let zeros = lengths[at..].iter().take(MOST).take_while(|length| **length == 0).count();
        let (element, value, count, run) = match zeros {
            MANY.. => (18, zeros - MANY, 5, zeros),
            FEW.. => (17, (zeros - FEW).min(15), 4, zeros.min(FEW + 15)),
            _ => (usize::from(17 - lengths[at]) % 17, 0, 0, 1),
        };
        elements.push((element, value as u32, count));
        at += run;
    }
    let mut uses = [0; PRETREE];
    elements.iter().for_each(|(element, ..)| uses[*element] += 1);
    let code = Code::new(&uses, PRETREE_LONGEST);
    code.lengths.iter().for_each(|length| bits.put((*length).into(), 4));
    for (element, value, count) in elements {
        code.put(bits, element);
        bits.put(value, count);
    }
}

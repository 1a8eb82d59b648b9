//! Ready queues: one for each priority, first in first out, and the best of them without a search.

use std::collections::VecDeque;

/// Threads that could run, by priority. Which end of the numbers is the best is the owner's business: `first` finds the
/// lowest number.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ReadyQueues<T> {
    queues: Vec<VecDeque<T>>,
    /// Bit n: queue n has somebody.
    occupied: [u64; 4],
}

impl<T: Copy + PartialEq> ReadyQueues<T> {
    /// Empty queues for 256 priorities.
    pub fn new() -> Self {
        Self { queues: (0..256).map(|_| VecDeque::new()).collect(), occupied: [0; 4] }
    }

    /// Puts a thread behind its equals.
    pub fn push_back(&mut self, priority: u8, thread: T) {
        self.queues[usize::from(priority)].push_back(thread);
        self.occupied[usize::from(priority) / 64] |= 1 << (priority % 64);
    }

    /// Puts a thread before its equals: it was interrupted.
    pub fn push_front(&mut self, priority: u8, thread: T) {
        self.queues[usize::from(priority)].push_front(thread);
        self.occupied[usize::from(priority) / 64] |= 1 << (priority % 64);
    }

    /// The lowest number at which somebody is.
    pub fn first(&self) -> Option<u8> {
        let word = self.occupied.iter().position(|word| *word != 0)?;
        Some((word * 64) as u8 + self.occupied[word].trailing_zeros() as u8)
    }

    /// Whether somebody is at a priority.
    pub fn has(&self, priority: u8) -> bool {
        self.occupied[usize::from(priority) / 64] >> (priority % 64) & 1 != 0
    }

    /// Takes the first thread of the lowest number.
    pub fn pop(&mut self) -> Option<T> {
        let priority = self.first()?;
        let thread = self.queues[usize::from(priority)].pop_front();
        self.settle(priority);
        thread
    }

    /// Takes a thread out; whether it was there.
    pub fn remove(&mut self, priority: u8, thread: T) -> bool {
        let queue = &mut self.queues[usize::from(priority)];
        let Some(place) = queue.iter().position(|other| *other == thread) else { return false };
        queue.remove(place);
        self.settle(priority);
        true
    }

    /// Everybody.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.queues.iter().flatten()
    }

    fn settle(&mut self, priority: u8) {
        if self.queues[usize::from(priority)].is_empty() {
            self.occupied[usize::from(priority) / 64] &= !(1 << (priority % 64));
        }
    }
}

impl<T: Copy + PartialEq> Default for ReadyQueues<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_number_first_and_equals_in_turn() {
        let mut queues = ReadyQueues::new();
        for (priority, thread) in [(251, 1), (0, 2), (251, 3), (100, 4)] {
            queues.push_back(priority, thread);
        }
        queues.push_front(251, 5);
        assert_eq!((queues.first(), queues.has(100), queues.has(99)), (Some(0), true, false));
        assert!(queues.remove(100, 4) && !queues.remove(100, 4));
        let order: Vec<i32> = std::iter::from_fn(|| queues.pop()).collect();
        assert_eq!((order, queues.first()), (vec![2, 5, 1, 3], None));
    }
}

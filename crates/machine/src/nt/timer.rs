//! The clock and what is due on it. Time is instructions; it jumps when every thread waits.
//!
//! ```text
//! interrupt time = instructions / (instructions in 100 ns) + skipped        system time = boot time + interrupt time
//! ```
//!
//! A tick is 15.625 ms, as on multiprocessor boards. Waits and timers end on ticks.

use crate::nt::objects::ObjectId;
use crate::nt::thread::ThreadIndex;
use std::collections::BTreeMap;

/// Units of 100 ns in a tick.
pub(crate) const TICK: u64 = 156_250;

/// When something is due, in interrupt time, and a number that keeps equal times in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct TimerKey {
    pub due: u64,
    number: u64,
}

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Due {
    /// A thread's wait is over.
    Wait(ThreadIndex),
    /// A timer object is signaled.
    Timer(ObjectId),
}

/// The clock.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Clock {
    pub boot_time: u64,
    /// Instructions in a unit.
    rate: u64,
    /// Instructions that all processors executed.
    pub executed: u64,
    /// Units that nobody worked.
    pub skipped: u64,
    pub ticks: u64,
    /// The second in which memory was balanced last.
    pub balanced: u64,
    queue: BTreeMap<TimerKey, Due>,
    number: u64,
}

impl Clock {
    pub(crate) fn new(boot_time: u64, rate: u32) -> Self {
        let rate = u64::from(rate.max(1));
        Self { boot_time, rate, executed: 0, skipped: 0, ticks: 0, balanced: 0, queue: BTreeMap::new(), number: 0 }
    }

    /// Units since the system started.
    pub(crate) const fn interrupt_time(&self) -> u64 {
        self.executed / self.rate + self.skipped
    }

    /// Units since 1601, to the instruction.
    pub(crate) const fn now(&self) -> u64 {
        self.boot_time.wrapping_add(self.interrupt_time())
    }

    /// So many instructions as units of 100 ns.
    pub(crate) const fn units(&self, instructions: u64) -> u64 {
        instructions / self.rate
    }

    /// Counts the ticks that time has reached.
    pub(crate) const fn count_ticks(&mut self) {
        self.ticks = self.interrupt_time() / TICK;
    }

    /// Instructions to the next tick, at least one unless it is due.
    pub(crate) const fn until_tick(&self) -> u64 {
        let at = (self.ticks + 1).saturating_mul(TICK).saturating_sub(self.skipped);
        at.saturating_mul(self.rate).saturating_sub(self.executed)
    }

    /// When a program's timeout is over: negative is from now on, positive since 1601.
    pub(crate) const fn due(&self, timeout: i64) -> u64 {
        if timeout < 0 {
            self.interrupt_time().saturating_add(timeout.unsigned_abs())
        } else {
            (timeout as u64).saturating_sub(self.boot_time)
        }
    }

    pub(crate) fn insert(&mut self, due: u64, what: Due) -> TimerKey {
        self.number += 1;
        let key = TimerKey { due, number: self.number };
        self.queue.insert(key, what);
        key
    }

    pub(crate) fn cancel(&mut self, key: TimerKey) {
        self.queue.remove(&key);
    }

    /// The next one that is due now.
    pub(crate) fn expired(&mut self) -> Option<Due> {
        let first = self.queue.first_entry()?;
        let is_due = first.key().due <= self.executed / self.rate + self.skipped;
        is_due.then(|| first.remove())
    }

    /// Jumps to the tick at which the next timer ends; `false` when there is none.
    pub(crate) fn skip_to_next(&mut self) -> bool {
        let Some((key, _)) = self.queue.first_key_value() else { return false };
        let at = key.due.div_ceil(TICK).max(self.ticks + 1).saturating_mul(TICK);
        self.skipped += at.saturating_sub(self.interrupt_time());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_instructions_and_jumps() {
        let mut clock = Clock::new(1000, 10);
        assert_eq!(clock.until_tick(), 1_562_500);
        clock.executed = 25;
        assert_eq!((clock.interrupt_time(), clock.now(), clock.until_tick()), (2, 1002, 1_562_475));
        clock.insert(clock.due(-300_000), Due::Wait(ThreadIndex(7)));
        assert!(clock.skip_to_next());
        assert_eq!(clock.interrupt_time(), 312_500);
        assert_eq!((clock.expired(), clock.expired()), (Some(Due::Wait(ThreadIndex(7))), None));
        assert!(!clock.skip_to_next());
        assert_eq!((clock.due(999), clock.due(5000)), (0, 4000));
    }
}

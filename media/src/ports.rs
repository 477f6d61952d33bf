//! Which ports a worker binds next.
//!
//! Owns the worker's part of the range, by slot. A slot is idle, in stock (bound and told to the engine) or open (a
//! leg has it). Slots are used least recently used first and rest after use, so that late packets of one call do not
//! reach the next. When stock runs short a tired slot is better than none. A slot whose port another program holds is
//! tried again after a rest. Binding is done by `media-io`.

use alloc::collections::VecDeque;
use core::time::Duration;

/// The slots of one worker.
#[derive(Debug)]
pub struct PortRange {
    count: u32,
    rest: Duration,
    /// Below this many in stock, rest is cut short.
    reserve: u32,
    /// Least recently used first, with the time each was last used.
    idle: VecDeque<(u32, Option<Duration>)>,
    /// Held by other programs, with the time they were found so.
    foreign: VecDeque<(u32, Duration)>,
    /// Asked for and not delivered yet.
    wanted: u32,
    stocked: u32,
    told_exhausted: bool,
}

impl PortRange {
    /// Slots 0 to `count` - 1, none of them used yet. `level` is the stock the engine keeps: with less than a quarter
    /// of it left, slots do not rest.
    pub fn new(count: u32, level: u32, rest: Duration) -> Self {
        Self {
            count,
            rest,
            reserve: (level / 4).max(1),
            idle: (0..count).map(|slot| (slot, None)).collect(),
            foreign: VecDeque::new(),
            wanted: 0,
            stocked: 0,
            told_exhausted: false,
        }
    }

    /// Takes an order for more.
    pub fn want(&mut self, count: u32) {
        // More than the range has can never be delivered.
        self.wanted = self.wanted.saturating_add(count).min(self.count);
    }

    /// The next slot to bind; it counts as stocked.
    pub fn poll_slot(&mut self, now: Duration) -> Option<u32> {
        self.welcome_back(now);
        if self.wanted == 0 {
            return None;
        }
        let &(slot, used) = self.idle.front()?;
        let rested = used.is_none_or(|used| now.saturating_sub(used) >= self.rest);
        if !rested && self.stocked >= self.reserve {
            return None;
        }
        self.idle.pop_front();
        self.wanted -= 1;
        self.stocked += 1;
        self.told_exhausted = false;
        Some(slot)
    }

    /// The slot could not be bound: another program has its ports.
    pub fn bind_failed(&mut self, now: Duration, slot: u32) {
        self.stocked = self.stocked.saturating_sub(1);
        self.wanted = self.wanted.saturating_add(1);
        self.foreign.push_back((slot, now));
    }

    /// A slot of the stock became open.
    pub fn opened(&mut self) {
        self.stocked = self.stocked.saturating_sub(1);
    }

    /// An open slot was closed.
    pub fn closed(&mut self, now: Duration, slot: u32) {
        self.idle.push_back((slot, Some(now)));
    }

    /// A slot of the stock came back unused.
    pub fn given_back(&mut self, now: Duration, slot: u32) {
        self.opened();
        self.closed(now, slot);
    }

    /// Whether to sound the alarm: something is wanted, and neither stock nor range has it. True once until a slot
    /// becomes free.
    pub fn poll_exhausted(&mut self) -> bool {
        let exhausted = self.wanted > 0 && self.stocked == 0 && self.idle.is_empty();
        exhausted && !core::mem::replace(&mut self.told_exhausted, true)
    }

    /// When [`PortRange::poll_slot`] may have something that it has not now.
    pub fn poll_timeout(&self) -> Option<Duration> {
        if self.wanted == 0 {
            return None;
        }
        let idle = self
            .idle
            .front()
            .map(|&(_, used)| used.map_or(Duration::ZERO, |used| used + self.rest));
        let foreign = self.foreign.front().map(|&(_, found)| found + self.rest);
        idle.into_iter().chain(foreign).min()
    }

    /// Slots that are bound and not open.
    pub fn stocked(&self) -> u32 {
        self.stocked
    }

    fn welcome_back(&mut self, now: Duration) {
        while let Some(&(slot, found)) = self.foreign.front()
            && now.saturating_sub(found) >= self.rest
        {
            self.foreign.pop_front();
            self.idle.push_back((slot, Some(found)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const REST: Duration = Duration::from_secs(30);

    fn at(s: u64) -> Duration {
        Duration::from_secs(1_800_000_000 + s)
    }

    fn drain(range: &mut PortRange, now: Duration) -> Vec<u32> {
        core::iter::from_fn(|| range.poll_slot(now)).collect()
    }

    #[test]
    fn least_recently_used_first() {
        let mut range = PortRange::new(6, 4, REST);
        range.want(4);
        assert_eq!(drain(&mut range, at(0)), [0, 1, 2, 3]);
        for slot in [2, 0] {
            range.opened();
            range.closed(at(1), slot);
        }
        range.want(4);
        assert_eq!(drain(&mut range, at(40)), [4, 5, 2, 0]);
    }

    #[test]
    fn used_slots_rest_while_there_are_enough() {
        let mut range = PortRange::new(4, 8, REST);
        range.want(4);
        drain(&mut range, at(0));
        range.opened();
        range.closed(at(0), 0);
        range.want(1);
        assert_eq!(
            drain(&mut range, at(29)),
            [],
            "three are in stock, a quarter of the level is two"
        );
        assert_eq!(range.poll_timeout(), Some(at(30)));
        assert_eq!(drain(&mut range, at(30)), [0]);
    }

    #[test]
    fn a_tired_slot_is_better_than_none() {
        let mut range = PortRange::new(3, 8, REST);
        range.want(3);
        drain(&mut range, at(0));
        for _ in 0..3 {
            range.opened();
        }
        range.want(8);
        assert!(range.poll_exhausted());
        assert!(!range.poll_exhausted(), "told once");
        range.closed(at(1), 2);
        assert!(!range.poll_exhausted(), "one is free");
        assert_eq!(drain(&mut range, at(1)), [2]);
        range.opened();
        assert!(range.poll_exhausted(), "told anew");
    }

    #[test]
    fn foreign_ports_are_tried_again_after_a_rest() {
        let mut range = PortRange::new(1, 8, REST);
        range.want(1);
        assert_eq!(drain(&mut range, at(0)), [0]);
        range.bind_failed(at(0), 0);
        assert_eq!(drain(&mut range, at(1)), []);
        assert!(range.poll_exhausted());
        assert_eq!(range.poll_timeout(), Some(at(30)));
        assert_eq!(drain(&mut range, at(30)), [0]);
    }

    #[test]
    fn nothing_wanted_nothing_waited_for() {
        let mut range = PortRange::new(1, 8, REST);
        assert_eq!(range.poll_timeout(), None);
        assert!(!range.poll_exhausted());
        assert_eq!(range.poll_slot(at(0)), None);
    }

    proptest! {
        /// Whatever happens, a slot is in one place only.
        #[test]
        fn no_slot_is_lost_or_doubled(steps in proptest::collection::vec((0_u8..5, any::<prop::sample::Index>(), 0_u64..20), 0..200)) {
            let mut range = PortRange::new(10, 8, REST);
            let (mut stock, mut open, mut now) = (Vec::new(), Vec::new(), 0);
            for (step, index, wait) in steps {
                now += wait;
                match step {
                    0 => range.want(3),
                    1 => stock.extend(range.poll_slot(at(now))),
                    2 if !stock.is_empty() => {
                        open.push(stock.remove(index.index(stock.len())));
                        range.opened();
                    }
                    3 if !open.is_empty() => range.closed(at(now), open.remove(index.index(open.len()))),
                    4 if !stock.is_empty() => range.given_back(at(now), stock.remove(index.index(stock.len()))),
                    _ => {}
                }
                prop_assert_eq!(range.stocked() as usize, stock.len());
                let mut all: Vec<u32> = stock.iter().chain(&open).copied().collect();
                all.extend(range.idle.iter().map(|(slot, _)| *slot));
                all.sort_unstable();
                prop_assert_eq!(all, (0..10).collect::<Vec<_>>());
            }
        }
    }
}

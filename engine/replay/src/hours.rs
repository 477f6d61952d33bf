//! When queues open and close by another centre: its calendars, under the overrides that supervisors set on the day.
//!
//! The engine looks at its calendars when they change, a little late as every clock is. Where the day has such a look at the
//! same queue with the same finding, it is now at that very moment, too; else at the calendar's own.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use acd::{Acd, QueueId};
use engine::paper::{Paper, PaperHours};

use crate::day::{Day, Fixed, Key};

/// By how much a look may be later than the change that it finds: the wall's clock is looked at every 30 s.
const LATE_US: i64 = 60_000_000;

/// Queues found open or closed, in order.
pub(crate) fn looks(day: &Day, paper: &Paper, core: Option<&Acd>) -> Vec<(Key, QueueId, bool)> {
    let mut finder = Finder {
        day,
        hours: paper.hours(&day.overrides),
        looks: looks_of(day),
        found: Vec::new(),
        ahead_us: day.begin_utc_us.saturating_sub(signed(day.begin.0)),
    };
    finder.begin(core);
    for (key, utc_us, fixed) in &day.fixed {
        finder.until(*utc_us);
        finder.ahead_us = utc_us.saturating_sub(signed(key.0));
        finder.meet(*key, *utc_us, fixed);
    }
    finder.until(day.end_utc_us);
    finder.found.sort_by_key(|(key, queue, _)| (*key, *queue));
    finder.found
}

struct Finder<'a> {
    day: &'a Day,
    hours: PaperHours<'a>,
    /// The day's own looks: queue, finding, and when, UTC.
    looks: BTreeMap<(QueueId, bool), Vec<i64>>,
    found: Vec<(Key, QueueId, bool)>,
    /// By how much the clock on the wall is ahead of the engine's.
    ahead_us: i64,
}

impl Finder<'_> {
    /// Where the day goes on from a checkpoint, queues are as they were then.
    fn begin(&mut self, core: Option<&Acd>) {
        let at = (self.day.begin.0, self.day.begin.1, 1);
        let found = self.hours.look(self.day.begin_utc_us);
        let Some(core) = core else { return };
        for (queue, open) in found {
            // A queue that is new to it is closed.
            let was_open = core.queue(queue).is_some_and(|before| before.open);
            if was_open != open {
                self.found.push((at, queue, open));
            }
        }
    }

    /// What changes by itself before this moment.
    fn until(&mut self, utc_us: i64) {
        while let Some(next_us) = self.hours.next_change_us().filter(|at| *at < utc_us) {
            let at = (unsigned(next_us.saturating_sub(self.ahead_us)), 0, 0);
            let changed = self.hours.look(next_us);
            for (queue, open) in changed {
                if !self.is_met(queue, open, next_us) {
                    self.found.push((at, queue, open));
                }
            }
            if self.hours.next_change_us() == Some(next_us) {
                break;
            }
        }
    }

    /// Whether the day looks at the queue soon after, and finds the same.
    fn is_met(&self, queue: QueueId, open: bool, utc_us: i64) -> bool {
        let looks = self.looks.get(&(queue, open));
        looks.is_some_and(|looks| {
            let after = looks.partition_point(|at| *at < utc_us);
            looks
                .get(after)
                .is_some_and(|at| *at <= utc_us.saturating_add(LATE_US))
        })
    }

    fn meet(&mut self, key: Key, utc_us: i64, fixed: &Fixed) {
        match fixed {
            Fixed::Look { queue, .. } => {
                self.hours.look(utc_us);
                let open = self.hours.is_open(*queue);
                self.found.push((key, *queue, open));
            }
            Fixed::Override(record) => {
                self.hours.set_override(record);
                self.changed(key, utc_us);
            }
            Fixed::Centre => self.taken_up(key, utc_us),
            Fixed::Input(_) | Fixed::Arrival(_) => {}
        }
    }

    fn changed(&mut self, key: Key, utc_us: i64) {
        for (queue, open) in self.hours.look(utc_us) {
            if !self.is_met(queue, open, utc_us) {
                self.found.push(((key.0, key.1, 1), queue, open));
            }
        }
    }

    /// The core knows the centre's queues from now on; those that are new to it are closed until it hears otherwise.
    fn taken_up(&mut self, key: Key, utc_us: i64) {
        self.hours.look(utc_us);
        for queue in self.hours.all() {
            let open = self.hours.is_open(queue);
            if open && !self.is_met(queue, true, utc_us) {
                self.found.push(((key.0, key.1, 1), queue, true));
            }
        }
    }
}

fn looks_of(day: &Day) -> BTreeMap<(QueueId, bool), Vec<i64>> {
    let mut looks: BTreeMap<(QueueId, bool), Vec<i64>> = BTreeMap::new();
    for (_, utc_us, fixed) in &day.fixed {
        if let Fixed::Look { queue, open } = fixed {
            looks.entry((*queue, *open)).or_default().push(*utc_us);
        }
    }
    looks.values_mut().for_each(|looks| looks.sort_unstable());
    looks
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

fn unsigned(us: i64) -> u64 {
    u64::try_from(us).unwrap_or(0)
}

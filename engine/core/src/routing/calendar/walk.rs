//! The instants at which a calendar's answer may change, one after the other.
//!
//! The clock on the wall runs straight between two of its moves, and there each edge of a date is one instant. So the
//! walk goes from move to move, from date to date and from edge to edge, always forward in time: also where the clock goes
//! back over midnight, and where a whole date is skipped.

use alloc::vec::Vec;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::{Hours, seconds_of};

/// An instant at which the rule may be another one.
pub(super) struct Edge {
    /// When.
    pub(super) at: Timestamp,
    /// The date on the wall from then on.
    pub(super) date: Date,
    /// Seconds by which the clock goes forward at that instant.
    pub(super) clock_moved_seconds: i32,
}

/// All edges after an instant.
pub(super) struct Walk<'a> {
    hours: &'a Hours,
    /// What the clock on the wall is ahead of UTC, and until when.
    offset: Offset,
    until: Option<Timestamp>,
    /// The date, and what is left of it.
    date: Date,
    edges: Vec<u32>,
    next: usize,
}

impl<'a> Walk<'a> {
    /// A walk that starts with the first edge after `at`.
    pub(super) fn new(hours: &'a Hours, at: Timestamp) -> Self {
        let mut walk = Self {
            hours,
            offset: Offset::UTC,
            until: None,
            date: Date::default(),
            edges: Vec::new(),
            next: 0,
        };
        walk.enter(at);
        walk
    }

    /// Reads off the clock anew.
    fn enter(&mut self, at: Timestamp) {
        let zone = self.hours.time_zone();
        self.offset = zone.to_offset(at);
        let mut moves = zone.following(at).map(|change| change.timestamp());
        self.until = moves.find(|instant| *instant > at);
        let local = self.offset.to_datetime(at);
        self.date = local.date();
        self.edges = self.hours.edges_on(self.date);
        let second = seconds_of(local.time());
        self.next = self.edges.partition_point(|edge| *edge <= second);
    }

    fn instant(&self, second: u32) -> Option<Timestamp> {
        let local = self.date.to_datetime(time_of(second)?);
        self.offset.to_timestamp(local).ok()
    }

    /// The clock is moved before the date's next edge comes.
    fn move_clock(&mut self, at: Timestamp) -> Edge {
        let before = self.offset;
        self.enter(at);
        Edge {
            at,
            date: self.date,
            clock_moved_seconds: self.offset.seconds() - before.seconds(),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        loop {
            let Some(second) = self.edges.get(self.next).copied() else {
                self.date = self.date.tomorrow().ok()?;
                self.edges = self.hours.edges_on(self.date);
                self.next = 0;
                continue;
            };
            let at = self.instant(second);
            if let Some(until) = self.until
                && at.is_none_or(|at| at >= until)
            {
                return Some(self.move_clock(until));
            }
            self.next += 1;
            #[cfg(test)]
            count();
            return Some(Edge {
                at: at?,
                date: self.date,
                clock_moved_seconds: 0,
            });
        }
    }
}

#[cfg(test)]
std::thread_local! {
    static HANDED_OUT: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

#[cfg(test)]
fn count() {
    HANDED_OUT.set(HANDED_OUT.get() + 1);
}

/// How many edges all walks of this thread have handed out so far.
#[cfg(test)]
pub(super) fn edges_handed_out() -> usize {
    HANDED_OUT.get()
}

fn time_of(second: u32) -> Option<Time> {
    let part = |value: u32| i8::try_from(value).ok();
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

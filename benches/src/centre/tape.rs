//! [`Tape`]: what happened under a load, to be played to a distributor without the load and its clocks.

use std::time::Duration;

use super::load::{Distributor, Effects, Event};

/// A distributor, and all that it was told.
#[derive(Debug)]
pub struct Tape<D> {
    distributor: D,
    events: Vec<(Duration, Event)>,
}

impl<D> Tape<D> {
    /// Nothing has happened yet.
    #[must_use]
    pub const fn new(distributor: D) -> Self {
        Self {
            distributor,
            events: Vec::new(),
        }
    }

    /// All that happened, and when.
    #[must_use]
    pub fn events(&self) -> &[(Duration, Event)] {
        &self.events
    }
}

impl<D: Distributor> Distributor for Tape<D> {
    fn on(&mut self, now: Duration, event: Event, effects: &mut Effects) {
        self.events.push((now, event));
        self.distributor.on(now, event, effects);
    }
}

/// Plays events to a distributor, one after the other.
#[inline(never)]
pub fn play<D: Distributor>(distributor: &mut D, events: &[(Duration, Event)]) {
    let effects = &mut Effects::default();
    for (now, event) in events {
        distributor.on(*now, *event, effects);
        effects.alerts.clear();
        effects.talks.clear();
    }
}

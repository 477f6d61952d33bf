//! Hundreds of people who call, answer, refuse, hang up, hold, vanish and come back as the dice say.
//!
//! A run begins with phones that register and agents who log in, goes on until so many callers have come, and ends when the
//! last has gone and all has been quiet for two minutes: then nothing may be left. On the way the daemon is killed and
//! started again now and then, the last moments of its journal lost.

mod centre;
mod deeds;
mod habits;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::Event;
use engine::event::LegRole;

use crate::dice::Dice;
use crate::inner::{Inner, Plan};
use crate::network::Weather;
use crate::ua::{CallRef, Registration};
use crate::world::{CARRIER, PBX};
use deeds::Deed;

/// What a run is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The seed of all chance.
    pub seed: u64,
    /// How many calls begin.
    pub calls: u64,
    /// How many lines of trace are shown when something is wrong.
    pub trace: usize,
}

/// What came of a run in which nothing was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Equal for two runs only if all outputs were.
    pub digest: u64,
    /// Calls on record.
    pub calls: usize,
    /// Alerts.
    pub alerts: u64,
    /// Turns of the engine.
    pub turns: u64,
    /// How much time passed in the world.
    pub time: Duration,
    /// How often the daemon was killed.
    pub crashes: u32,
    /// What happened, in words: to see that a crowd does all it can.
    pub seen: BTreeSet<String>,
}

/// The crowd in its world.
pub(crate) struct Crowd {
    inner: Inner,
    dice: Dice,
    agenda: BTreeMap<(Duration, u64), Deed>,
    count: u64,
    run: Run,
    started: u64,
    /// No new calls and no more mischief.
    closing: bool,
    crashes: u32,
    priority: u64,
    /// Calls that a UA made, not answered.
    outgoing: BTreeSet<(SocketAddr, CallRef)>,
    /// Extensions whose phones have vanished at some time.
    vanished: BTreeSet<String>,
    desks: BTreeMap<SocketAddr, (String, String)>,
    seen: BTreeSet<String>,
}

impl Run {
    /// Plays it.
    ///
    /// # Panics
    ///
    /// When anything is wrong; the text says what, with the seed and the last lines of the trace.
    pub fn play(self) -> Summary {
        Crowd::new(self, Habit::default()).play().0
    }

    /// The same, with the journal it wrote, from its first entry on, as it was found on the disk.
    ///
    /// # Panics
    ///
    /// As [`play`](Self::play).
    pub fn play_and_keep(self) -> (Summary, Vec<engine::journal::Entry>) {
        let habit = Habit {
            keeps_journal: true,
            leaves_centre: false,
        };
        Crowd::new(self, habit).play()
    }

    /// The same, and nobody changes the centre, whose text comes with it.
    ///
    /// # Panics
    ///
    /// As [`play`](Self::play).
    pub fn play_in_one_centre(self) -> (Summary, Vec<engine::journal::Entry>, String) {
        let habit = Habit {
            keeps_journal: true,
            leaves_centre: true,
        };
        let (summary, journal) = Crowd::new(self, habit).play();
        (summary, journal, centre::text(0))
    }
}

/// What is different in some runs.
#[derive(Debug, Clone, Copy, Default)]
struct Habit {
    /// The whole journal is kept.
    keeps_journal: bool,
    /// The centre stays as it is.
    leaves_centre: bool,
}

impl Crowd {
    fn new(run: Run, habit: Habit) -> Self {
        let mut dice = Dice::new(run.seed ^ 0x5eed);
        let weather = Weather {
            lost: dice.below(60),
            doubled: dice.below(40),
            delay_ms: (1, 1 + dice.below(80)),
        };
        let plan = Plan {
            seed: run.seed,
            // A quarter of an hour before the queue `night` closes for twenty minutes.
            start: "2026-11-02T16:05:00Z".parse().expect("a constant"),
            settings: String::new(),
            centre: centre::text(0),
            weather,
            late_us: dice.below(3_000),
            trace: run.trace,
            keep_journal: habit.keeps_journal,
            again: format!(
                "cargo run --profile ci -p sim -- --seed {} --calls {}",
                run.seed, run.calls
            ),
        };
        let mut inner = Inner::new(plan);
        inner.add_ua("carrier", CARRIER, None);
        inner.add_ua("pbx", PBX, None);
        let mut crowd = Self {
            inner,
            dice,
            agenda: BTreeMap::new(),
            count: 0,
            run,
            started: 0,
            closing: false,
            crashes: 0,
            priority: 0,
            outgoing: BTreeSet::new(),
            vanished: BTreeSet::new(),
            desks: BTreeMap::new(),
            seen: BTreeSet::new(),
        };
        crowd.open(habit);
        crowd
    }

    /// Phones register, agents log in, and everything that happens now and then is planned.
    fn open(&mut self, habit: Habit) {
        self.inner.mark_vips(1, &centre::VIP_NUMBERS);
        for ((username, extension, _), host) in centre::DESKS.into_iter().zip(1..) {
            let address = SocketAddr::from(([10, 1, 0, host], 5060));
            let extension = extension.to_string();
            let expires = u32::try_from(self.dice.between(60, 300)).unwrap_or(60);
            let registration =
                Registration::new(&extension, &format!("{username}'s secret"), expires);
            self.inner.add_ua(username, address, Some(registration));
            self.desks.insert(address, (username.into(), extension));
            // Every second phone has call waiting.
            if host % 2 == 0 {
                self.inner.with_ua(address, |ua, _| ua.set_call_waiting());
            }
            let soon = self.dice.millis(0, 2_000);
            self.plan(soon, Deed::PlugIn(address));
        }
        let attendants = centre::DESKS.into_iter().chain(centre::ON_PBX);
        for (username, ..) in attendants.filter(|(.., queues)| !queues.is_empty()) {
            let soon = self.dice.millis(1_000, 4_000);
            self.plan(soon, Deed::Wish(username.into()));
        }
        let deeds = Deed::NOW_AND_THEN.into_iter();
        for deed in deeds.filter(|deed| !(habit.leaves_centre && deed.changes_centre())) {
            let soon = self.dice.millis(3_000, 60_000);
            self.plan(soon, deed.clone());
        }
    }

    fn plan(&mut self, after: Duration, deed: Deed) {
        self.count += 1;
        self.agenda
            .insert((self.inner.now + after, self.count), deed);
    }

    fn play(mut self) -> (Summary, Vec<engine::journal::Entry>) {
        while !self.closing {
            self.go_on();
        }
        self.close();
        let start = Duration::from_micros(
            self.inner
                .plan
                .start
                .as_microsecond()
                .try_into()
                .unwrap_or(0),
        );
        let summary = Summary {
            digest: self.inner.digest(),
            calls: self.inner.records.calls(),
            alerts: self.inner.alerts.count,
            turns: self.inner.turns(),
            time: self.inner.now - start,
            crashes: self.crashes,
            seen: self.seen,
        };
        (summary, self.inner.disk.journal())
    }

    /// The next thing: somebody's deed, or what happens by itself.
    fn go_on(&mut self) {
        let next = self.inner.next();
        let first = self.agenda.first_key_value().map(|((at, _), _)| *at);
        if first.is_some_and(|at| at <= next) {
            if let Some(((at, _), deed)) = self.agenda.pop_first() {
                self.inner.run_until(at.max(self.inner.now));
                self.carry_out(deed);
            }
        } else {
            self.inner.step();
        }
        while let Some((address, happening)) = self.inner.happenings.pop_front() {
            self.react(address, &happening);
        }
        self.note_events();
    }

    fn note_events(&mut self) {
        for (_, event) in std::mem::take(&mut self.inner.events) {
            self.note(&event);
        }
    }

    /// What a crowd has to do at least once in its life.
    fn note(&mut self, event: &Arc<Event>) {
        let word = match &**event {
            Event::AlertEnded { end, .. } => format!("alert {end:?}"),
            Event::CallEnded { cause, .. } => format!("call {:?}", cause.result),
            Event::CallLeftQueue { why, .. } => format!("left {why:?}"),
            Event::CallDiverted { why, .. } => format!("diverted {why:?}"),
            Event::CallStarted { direction, .. } => format!("started {direction:?}"),
            Event::CallConnected { .. } => "connected".into(),
            Event::CallHeld { .. } => "held".into(),
            Event::CallResumed { .. } => "resumed".into(),
            Event::CallTransferred { .. } => "transferred".into(),
            Event::CallRecalled { .. } => "recalled".into(),
            Event::CallParked { .. } => "parked".into(),
            Event::CallRetrieved { .. } => "retrieved".into(),
            _ => return,
        };
        self.seen.insert(word);
    }

    /// All put their handsets down; then two minutes of quiet, and nothing may be left.
    fn close(&mut self) {
        let until = self.inner.now + Duration::from_secs(400);
        while self.inner.now < until && !self.is_over() {
            self.go_on();
        }
        let addresses: Vec<SocketAddr> = self.desks.keys().copied().collect();
        for address in addresses {
            let gone = self
                .inner
                .uas
                .get(&address)
                .is_some_and(|ua| !ua.is_online());
            if gone {
                self.inner.with_ua(address, crate::ua::Ua::plug_in);
            }
        }
        self.hang_up_orphans();
        self.inner
            .uas
            .values_mut()
            .for_each(crate::ua::Ua::stop_refreshing);
        let quiet = self.inner.now + Duration::from_secs(120);
        while self.inner.now < quiet {
            let next = self.inner.next();
            if next > quiet {
                self.inner.run_until(quiet);
            } else {
                self.inner.step();
            }
        }
        self.note_events();
        self.inner.check_quiet();
        let on_record = self.inner.records.calls() as u64;
        if on_record == 0 {
            self.inner.fail("no call is on record");
        }
    }

    fn is_over(&self) -> bool {
        let idle = self
            .inner
            .uas
            .values()
            .all(|ua| ua.active().next().is_none());
        idle && self.inner.view.calls.is_empty()
    }

    /// A call that waits, or rings, or is on hold for a phone that lost its power has nobody left who could end it: a
    /// supervisor does. Of those who talk we find out by ourselves.
    fn hang_up_orphans(&mut self) {
        let calls: Vec<_> = self
            .inner
            .view
            .calls
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect();
        for (call, row) in calls {
            let lost = |leg: &engine::view::LegRow| {
                leg.trunk.is_none() && self.vanished.contains(&leg.number)
            };
            let talks = row.connected.is_some() && row.held_by.is_empty();
            if talks || !row.legs.values().all(lost) {
                self.inner.fail(&format!("a call does not end: {row:?}"));
            }
            self.hang_up_by_supervisor(call);
        }
        let _ = LegRole::Caller;
    }
}

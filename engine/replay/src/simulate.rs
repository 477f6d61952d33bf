//! The day played against another centre: the real distribution core, and everybody else as they were or are drawn.
//!
//! Everything that comes has its key: the time and the number of its entry on the day. As long as what happens is what happened,
//! answers come at the very keys of the day, so that an unchanged centre makes the same decisions in the same order. Where
//! it is something else, the answer comes as long after its cause as it did then, or as was drawn ([`Model`]).

mod answers;
mod callers;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use acd::config::AcdConfig;
use acd::{Acd, AgentId, Incarnation, Input, InteractionId, MatchId, Output, QueueId};
use engine::journal::ServedRecord;
use engine::paper::Paper;

use crate::day::{Day, Fixed, Key, Visit, would_change};
use crate::hours;
use crate::model::Model;
use crate::outcome::Ledger;
use crate::sabotage;
use callers::CallNow;

/// After whatever else has the same time and entry.
const LATE: u32 = 1 << 30;

/// What of a replay is the same for every run: worked out once.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    pub(crate) day: &'a Day,
    pub(crate) paper: &'a Paper,
    pub(crate) model: &'a Model,
    config: AcdConfig,
    /// Whether the core is told of the centre when the day begins: on the day it was not, so only where that changes anything.
    tells_at_once: bool,
    looks: Vec<(Key, QueueId, bool)>,
}

impl<'a> Script<'a> {
    pub(crate) fn new(day: &'a Day, paper: &'a Paper, model: &'a Model) -> Self {
        let core = day.goes_on.then(|| day.core()).flatten();
        let looks = hours::looks(day, paper, core.as_ref());
        let config = paper.config();
        let begin = Duration::from_micros(day.begin.0);
        Self {
            day,
            paper,
            model,
            tells_at_once: core.is_some_and(|core| would_change(core, begin, &config)),
            config,
            looks,
        }
    }

    /// Plays it, with draws of their own for each seed.
    pub(crate) fn play(&self, seed: u64) -> Played {
        let mut run = Run::new(self, seed);
        run.begin();
        while run.step() {}
        run.ledger.end(Duration::from_micros(self.day.end.0));
        Played {
            state: run.acd.state_hash(),
            ledger: run.ledger,
        }
    }
}

/// What came of one run.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) ledger: Ledger,
    pub(crate) state: u128,
}

/// Something that is going to happen, unless it has no reason any more.
#[derive(Debug, Clone)]
enum Happening {
    Input(Input),
    Arrival(InteractionId),
    /// A caller who was sent on comes to the next queue.
    SentOn(acd::Enqueue),
    /// A caller's patience is at its end, or somebody ends the call: on that visit.
    Leaves(Visit),
    TalkEnds(Visit),
    /// The agent says what it is about.
    Codes(Visit),
    /// A call comes to the queues again: somebody sent it there, or it comes back.
    Again(InteractionId),
    /// What comes back from an alert. `kept`: as on the day, whatever has become of it meanwhile.
    Answer {
        input: Input,
        of: MatchId,
        kept: bool,
    },
    /// An agent does something about their wrap-up. `kept`: as on the day.
    WrapUp {
        agent: AgentId,
        input: Input,
        kept: bool,
    },
    /// An agent who did not answer is back.
    Back(AgentId),
    /// The core looks at its deadlines.
    Due,
}

struct Run<'a> {
    script: &'a Script<'a>,
    seed: u64,
    acd: Acd,
    now: Key,
    agenda: BTreeMap<Key, Happening>,
    calls: BTreeMap<InteractionId, CallNow>,
    /// Those that are out of the queues and will come again.
    away: BTreeMap<InteractionId, CallNow>,
    rung: BTreeMap<(InteractionId, AgentId), u32>,
    /// Alerts that run.
    alerts: BTreeSet<MatchId>,
    /// Who served whom last, by the caller's number (rule 9).
    served: BTreeMap<String, ServedRecord>,
    /// Who is on break for not answering.
    missed: BTreeSet<AgentId>,
    ledger: Ledger,
}

impl<'a> Run<'a> {
    fn new(script: &'a Script<'a>, seed: u64) -> Self {
        let day = script.day;
        let first = Incarnation {
            epoch: 0,
            node: 0,
            number: 0,
        };
        let acd = day.core().unwrap_or_else(|| Acd::new(first));
        Self {
            script,
            seed,
            ledger: Ledger::new(Duration::from_micros(day.begin.0), &acd),
            acd,
            now: day.begin,
            agenda: BTreeMap::new(),
            calls: BTreeMap::new(),
            away: BTreeMap::new(),
            rung: BTreeMap::new(),
            alerts: BTreeSet::new(),
            served: day.served_before.clone(),
            missed: BTreeSet::new(),
        }
    }

    fn begin(&mut self) {
        let day = self.script.day;
        for (key, _, fixed) in &day.fixed {
            let happening = match fixed {
                Fixed::Input(input) => Happening::Input(input.clone()),
                Fixed::Arrival(call) => Happening::Arrival(*call),
                Fixed::Centre => {
                    let config = Box::new(self.script.config.clone());
                    Happening::Input(Input::ConfigChanged(config))
                }
                Fixed::Look { .. } | Fixed::Override(_) => continue,
            };
            self.plan(*key, happening);
        }
        for (key, queue, open) in &self.script.looks {
            let queue = *queue;
            let input = if *open {
                Input::QueueOpened { queue }
            } else {
                Input::QueueClosed { queue }
            };
            self.plan(*key, Happening::Input(input));
        }
        if day.goes_on {
            self.take_over();
        }
    }

    /// Goes on with what was up when the day began.
    fn take_over(&mut self) {
        self.take_up_calls();
        if self.script.tells_at_once {
            let config = Box::new(self.script.config.clone());
            self.feed(Input::ConfigChanged(config));
        }
    }

    /// At this key or the next that is free.
    fn plan(&mut self, key: Key, happening: Happening) {
        let mut key = key.max(self.now);
        if sabotage::order() {
            key.1 = u64::MAX - key.1;
        }
        while self.agenda.contains_key(&key) {
            key.2 += 1;
        }
        self.agenda.insert(key, happening);
    }

    /// The next thing; false when the day is over.
    fn step(&mut self) -> bool {
        let first = self.agenda.first_key_value().map(|(key, _)| *key);
        let due = self.due();
        let next = match (first, due) {
            (Some(first), Some(due)) => first.min(due),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return false,
        };
        if next > self.script.day.end {
            return false;
        }
        self.now = self.now.max(next);
        let happening = if first == Some(next) {
            self.agenda.remove(&next)
        } else {
            Some(Happening::Due)
        };
        if let Some(happening) = happening {
            self.happens(happening);
        }
        true
    }

    /// When the core's next deadline is looked at: after whatever looked at it on the day, else at once.
    fn due(&self) -> Option<Key> {
        let due = self.acd.poll_timeout()?;
        let served = self.script.day.served.get(&due);
        let key = match served {
            Some((at_us, seq, _)) => (*at_us, *seq, LATE),
            None => (crate::day::micros(due), 0, 0),
        };
        Some(key.max(self.now))
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Due => self.feed(Input::Timeout),
            Happening::Input(input) => self.comes(input),
            Happening::Arrival(call) => self.arrives(call),
            Happening::SentOn(enqueue) => self.comes_on(enqueue),
            Happening::Leaves(visit) => self.leaves(visit),
            Happening::TalkEnds(visit) => self.talk_ends(visit),
            Happening::Codes(visit) => self.codes(visit),
            Happening::Again(call) => self.comes_again(call),
            Happening::Answer { input, of, kept } => {
                if kept || self.alerts.contains(&of) {
                    self.feed(input);
                }
            }
            Happening::WrapUp { agent, input, kept } => {
                if kept || self.is_in_wrap_up(agent) {
                    self.feed(input);
                }
            }
            Happening::Back(agent) => self.comes_back(agent),
        }
    }

    /// Something from outside that is as it was.
    fn comes(&mut self, input: Input) {
        match &input {
            // Estimates are not made anew: one that was too long is so where it matters.
            Input::TooLong { interaction } => {
                let found = self.acd.interaction(*interaction);
                let paper = self.script.paper;
                if !found.is_some_and(|found| paper.judges_estimates(found.at)) {
                    return;
                }
            }
            Input::Restarted(_) => self.restart(),
            Input::Rerank {
                interaction,
                tier,
                priority,
            } => {
                let call = self.calls.get_mut(interaction);
                if let Some(call) = call.filter(|call| call.waits()) {
                    call.tier = tier.unwrap_or(call.tier);
                    call.priority = priority.unwrap_or(call.priority);
                }
            }
            _ => {}
        }
        self.feed(input);
    }

    /// The daemon starts anew, as it did then: the calls that are up are lost.
    fn restart(&mut self) {
        self.calls.clear();
        self.away.clear();
        self.alerts.clear();
        self.ledger.restart(Duration::from_micros(self.now.0));
    }

    /// Gives something to the core, and sees to what it decides.
    fn feed(&mut self, input: Input) {
        let now = Duration::from_micros(self.now.0);
        if let Input::Enqueue(enqueue) = &input {
            self.ledger.comes(enqueue);
        }
        self.acd.handle_input(now, input);
        while let Some(output) = self.acd.poll_output() {
            self.ledger.decided(now, &output);
            self.decided(output);
        }
    }

    fn decided(&mut self, output: Output) {
        match output {
            Output::Alert {
                match_id,
                interaction,
                agent,
                ..
            } => self.rings(match_id, interaction, agent),
            Output::Entered {
                interaction, to, ..
            } => self.entered(interaction, to),
            Output::AlertFinished { match_id, .. } => {
                self.alerts.remove(&match_id);
            }
            Output::Connect {
                interaction, agent, ..
            } => self.connects(interaction, agent),
            Output::Divert {
                interaction,
                from,
                reason,
            } => {
                let way = self.script.paper.diverted(from, reason);
                self.sends_on(interaction, way);
            }
            Output::Refuse {
                interaction,
                to,
                reason,
            } => {
                if let Some(way) = self.script.paper.refused(to, reason) {
                    self.sends_on(interaction, way);
                }
            }
            Output::ServiceLevelReached {
                interaction, step, ..
            } => self.service_level(interaction, step),
            Output::AgentStateChanged { agent, state } => self.agent_changed(agent, &state),
            _ => {}
        }
    }
}

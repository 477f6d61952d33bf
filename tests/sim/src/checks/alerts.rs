//! What holds of every alert (distribution.md, I3 to I5): the agent is free, the call waits and was not rejected by
//! them, and no other call they may take comes before it.

use std::collections::{BTreeMap, BTreeSet};

use config::{Centre, Name, Seconds, Skills, Strategy};
use engine::event::{AlertEnd, Presence, Rank};
use engine::{CallId, Event, LegId};

#[derive(Debug)]
struct Waiting {
    place: Place,
    rank: Rank,
    /// Since when it is in this place, UTC microseconds.
    entered_us: i64,
    /// How many agents it alerts.
    alerted: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Queue(String),
    User(String),
}

#[derive(Debug, Default)]
pub(crate) struct Alerts {
    waiting: BTreeMap<CallId, Waiting>,
    /// Where each call waits, or waited before an agent had it.
    places: BTreeMap<CallId, Place>,
    /// Which call each agent is alerted for, or has.
    has: BTreeSet<(String, CallId)>,
    on_hold: BTreeSet<(CallId, LegId)>,
    presence: BTreeMap<String, Presence>,
    /// The queues that agents have left.
    left: BTreeMap<String, Vec<String>>,
    rejected: BTreeSet<(CallId, String)>,
    /// For whom alone a call waits.
    held_for: BTreeMap<CallId, String>,
    /// Those of them that came back to that agent, whatever queues are theirs (rule 4).
    recalled: BTreeSet<CallId>,
    /// Until when a call that an agent let ring out does not alert them again, UTC microseconds.
    resting: BTreeMap<(CallId, String), i64>,
    /// Who was alerted in this turn, without having picked up, and from where.
    alerted: Vec<(String, Place)>,
    faults: Vec<String>,
    /// How many alerts there were.
    pub(crate) count: u64,
}

impl Alerts {
    pub(crate) fn apply(&mut self, utc_us: i64, event: &Event, centre: &Centre) {
        match event {
            Event::CallQueued {
                call,
                queue,
                user,
                rank,
                ..
            } => {
                let place = match (queue, user) {
                    (Some(queue), _) => Place::Queue(queue.clone()),
                    (None, user) => Place::User(user.clone().unwrap_or_default()),
                };
                self.places.insert(*call, place.clone());
                let before = self
                    .waiting
                    .get(call)
                    .filter(|before| before.place == place);
                let waiting = Waiting {
                    entered_us: before.map_or(utc_us, |before| before.entered_us),
                    alerted: before.map_or(0, |before| before.alerted),
                    place,
                    rank: *rank,
                };
                self.waiting.insert(*call, waiting);
            }
            Event::CallLeftQueue { call, .. } => {
                self.waiting.remove(call);
                self.rejected.retain(|(of, _)| of != call);
                self.resting.retain(|(of, _), _| of != call);
                self.held_for.remove(call);
                self.recalled.remove(call);
            }
            Event::CallTransferred { call, .. } | Event::CallParked { call, .. } => {
                self.has.retain(|(_, of)| of != call);
                self.on_hold.retain(|(of, _)| of != call);
            }
            Event::CallReserved {
                call, by, recall, ..
            } => {
                if *recall {
                    self.recalled.insert(*call);
                } else {
                    self.recalled.remove(call);
                }
                match by {
                    Some(by) => self.held_for.insert(*call, by.clone()),
                    None => self.held_for.remove(call),
                };
            }
            Event::AlertStarted {
                call,
                agent,
                picked_up,
                ..
            } => {
                self.count += 1;
                self.check_alert(*call, agent, *picked_up, centre);
                if !picked_up {
                    self.check_choice(utc_us, *call, agent, centre);
                    let theirs = self.recalled.contains(call);
                    let place = self.waiting.get(call).filter(|_| !theirs);
                    let place = place.map(|waiting| waiting.place.clone());
                    self.alerted
                        .extend(place.map(|place| (agent.clone(), place)));
                }
                self.has.insert((agent.clone(), *call));
                if let Some(waiting) = self.waiting.get_mut(call) {
                    waiting.alerted += 1;
                }
            }
            Event::AlertEnded {
                call, agent, end, ..
            } => self.alert_ended(utc_us, *call, agent, *end, centre),
            Event::CallEnded { call, .. } => {
                self.has.retain(|(_, of)| of != call);
                self.on_hold.retain(|(of, _)| of != call);
                self.places.remove(call);
            }
            Event::CallHeld { call, by } => {
                self.on_hold.insert((*call, *by));
            }
            Event::CallResumed { call, by } => {
                self.on_hold.remove(&(*call, *by));
            }
            Event::AgentChanged {
                agent,
                presence,
                left_queues,
                ..
            } => {
                self.presence.insert(agent.clone(), *presence);
                self.left.insert(agent.clone(), left_queues.clone());
            }
            _ => {}
        }
    }

    fn alert_ended(
        &mut self,
        utc_us: i64,
        call: CallId,
        agent: &str,
        end: AlertEnd,
        centre: &Centre,
    ) {
        let waiting = self.waiting.get_mut(&call);
        let queue = waiting.as_ref().and_then(|waiting| match &waiting.place {
            Place::Queue(queue) => centre.queues.get(queue),
            Place::User(_) => None,
        });
        let retry_after = queue.map_or(0, |queue| {
            std::time::Duration::from(queue.retry_after).as_micros()
        });
        if let Some(waiting) = waiting {
            waiting.alerted = waiting.alerted.saturating_sub(1);
        }
        let pair = (call, agent.to_owned());
        match end {
            AlertEnd::Accepted => return,
            AlertEnd::Rejected => {
                self.rejected.insert(pair);
            }
            AlertEnd::TimedOut => {
                self.resting
                    .insert(pair, utc_us + i64::try_from(retry_after).unwrap_or(0));
            }
            AlertEnd::Withdrawn | AlertEnd::Failed => {}
        }
        self.has.remove(&(agent.to_owned(), call));
    }

    /// What holds also of what the agent picked up: whom they talk to is on hold then (rule 13).
    fn check_alert(&mut self, call: CallId, agent: &str, picked_up: bool, centre: &Centre) {
        let mut fault = |text: String| {
            self.faults
                .push(format!("alert of {agent} for {call}: {text}"))
        };
        for (_, other) in self.has.iter().filter(|(has, _)| has == agent) {
            let is_on_hold = self.on_hold.iter().any(|(call, _)| call == other);
            if !picked_up || !is_on_hold {
                fault(format!("they have {other} (I3)"));
            }
        }
        match self.waiting.get(&call) {
            None => fault("it does not wait (I1)".into()),
            Some(waiting) if waiting.alerted > 0 && !rings_for_all(&waiting.place, centre) => {
                fault("it alerts somebody already (I3)".into());
            }
            Some(_) => {}
        }
    }

    /// What holds of what was chosen for the agent.
    fn check_choice(&mut self, utc_us: i64, call: CallId, agent: &str, centre: &Centre) {
        let mut fault = |text: String| {
            self.faults
                .push(format!("alert of {agent} for {call}: {text}"))
        };
        if self.rejected.contains(&(call, agent.to_owned())) {
            fault("they rejected it (I5)".into());
        }
        if let Some(holder) = self.held_for.get(&call).filter(|holder| *holder != agent) {
            fault(format!("it is held for {holder} (I5)"));
        }
        let held = self.held_for.contains_key(&call);
        let Some(chosen) = self.waiting.get(&call) else {
            return;
        };
        let left = self.left.get(agent).map_or(&[][..], Vec::as_slice);
        let comes_back = held && self.recalled.contains(&call);
        if !comes_back && !may_take(agent, &chosen.place, &[], centre) {
            fault("its queue is not theirs (rule 7)".into());
        }
        let busy = |place: &Place| {
            let here = |call: &&CallId| self.places.get(*call) == Some(place);
            self.has.iter().map(|(_, call)| call).filter(here).count()
        };
        let fits = |waiting: &Waiting| {
            let age_us = utc_us - waiting.entered_us;
            fits(agent, &waiting.place, age_us, busy(&waiting.place), centre)
        };
        if !held && !fits(chosen) {
            fault("skills, delay or max_busy forbid it (rules 7 and 8)".into());
        }
        let before = self.waiting.iter().find(|(other, waiting)| {
            let pair = (**other, agent.to_owned());
            let rests = self.resting.get(&pair).is_some_and(|until| utc_us < *until);
            let other_held = match self.held_for.get(other) {
                Some(holder) if holder == agent => true,
                Some(_) => return false,
                None => false,
            };
            waiting.alerted == 0
                && (other_held || fits(waiting))
                && (!other_held, waiting.rank) < (!held, chosen.rank)
                && !rests
                && !self.rejected.contains(&pair)
                && (other_held && self.recalled.contains(other)
                    || may_take(agent, &waiting.place, left, centre))
        });
        if let Some((other, _)) = before {
            fault(format!("{other} comes before it (I4)"));
        }
    }

    /// Whoever was alerted in this turn is available and has not left that queue: an agent's changes are told at its end.
    pub(crate) fn end_turn(&mut self) {
        for (agent, place) in std::mem::take(&mut self.alerted) {
            let left = self.left.get(&agent);
            if let Place::Queue(queue) = &place
                && left.is_some_and(|left| left.contains(queue))
            {
                self.faults.push(format!(
                    "{agent} has left {queue} and is alerted for it (rule 7)"
                ));
            }
            if self.presence.get(&agent) != Some(&Presence::Available) {
                self.faults
                    .push(format!("{agent} is alerted, but not available (rule 7)"));
            }
        }
    }

    /// The engine starts anew: nobody waits, nobody is alerted.
    pub(crate) fn crashed(&mut self) {
        self.waiting.clear();
        self.places.clear();
        self.has.clear();
        self.on_hold.clear();
        self.rejected.clear();
        self.held_for.clear();
        self.recalled.clear();
        self.resting.clear();
    }

    pub(crate) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }
}

fn may_take(agent: &str, place: &Place, left: &[String], centre: &Centre) -> bool {
    match place {
        Place::User(user) => user == agent,
        Place::Queue(queue) if left.contains(queue) => false,
        Place::Queue(queue) => centre.users.get(agent).is_some_and(|user| {
            user.queues
                .iter()
                .any(|assignment| *assignment.queue == **queue)
        }),
    }
}

fn queue_at<'a>(place: &Place, centre: &'a Centre) -> Option<&'a config::Queue> {
    match place {
        Place::Queue(name) => centre.queues.get(name).map(|queue| &**queue),
        Place::User(_) => None,
    }
}

fn rings_for_all(place: &Place, centre: &Centre) -> bool {
    queue_at(place, centre).is_some_and(|queue| queue.strategy == Strategy::RingAll)
}

/// Whether skills, delay and `max_busy` let an agent take who waits there for so long, while so many are busy.
fn fits(agent: &str, place: &Place, age_us: i64, busy: usize, centre: &Centre) -> bool {
    let (Some(queue), Some(user)) = (queue_at(place, centre), centre.users.get(agent)) else {
        return true;
    };
    let passed = |after: Seconds| i64::from(after.0) * 1_000_000 <= age_us;
    let meets = |required: &Skills| {
        let has = |(name, level): (&Name, &u32)| user.skills.get(name) >= Some(level);
        required.iter().all(has)
    };
    let mut steps = queue.relax.iter().filter(|step| passed(step.after));
    let skilled = meets(&queue.skills) || steps.any(|step| meets(&step.skills));
    let mut assigned = user.queues.iter();
    let old_enough = assigned.any(|it| it.queue == queue.name && passed(it.delay));
    let room = queue.max_busy == 0 || busy < queue.max_busy as usize;
    skilled && old_enough && room
}

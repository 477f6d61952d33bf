//! Reads a day: the journal's entries, played again so that it is known what was decided.

use alloc::collections::{BTreeMap, BTreeSet, btree_map};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use acd::{
    AgentChange, AgentId, Enqueue, EntryKind, Input, InteractionId, MatchId, Output, Presence,
    QueueId, Stage,
};
use engine::event::LeftQueue;
use engine::journal::{Body, Entry, ServedRecord};
use engine::{Event, Restore};

use super::{
    AlertDay, CallDay, Day, Fixed, Key, Unfit, Visit, Who, WrapUpDay, is_no_answer, waits_for_them,
};
use crate::outcome::{Ledger, Promise};

/// Reads a day from its entries.
#[derive(Debug, Default)]
pub struct DayReader {
    restore: Restore,
    day: Option<Day>,
    last_seq: u64,
    callers: BTreeMap<InteractionId, Who>,
    /// Why the last call that left a queue did so.
    leaving: Option<(InteractionId, LeftQueue)>,
    /// The last call that was connected.
    connected: Option<InteractionId>,
    matches: BTreeMap<MatchId, (InteractionId, AgentId, u32)>,
    rung: BTreeMap<(InteractionId, AgentId), u32>,
    sent_on: BTreeMap<InteractionId, u32>,
    /// Whom a person sent on, or what came back, until it comes to a queue.
    sent: BTreeSet<InteractionId>,
    /// The number of who remained when a person sent a call on or parked it.
    sent_numbers: BTreeMap<InteractionId, String>,
    /// Which visit of a call is its last; those that are not in it have had one.
    visits: BTreeMap<InteractionId, u32>,
    last_call: BTreeMap<AgentId, Visit>,
    missed: BTreeMap<AgentId, u64>,
}

impl DayReader {
    /// Takes the next entry: first the journal's first, or a checkpoint.
    ///
    /// # Errors
    ///
    /// [`Unfit`] when the day cannot be played against another centre.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Unfit> {
        if self.last_seq != 0 && entry.seq != self.last_seq + 1 {
            return Err(Unfit::Missing {
                first_seq: self.last_seq + 1,
                last_seq: entry.seq.saturating_sub(1),
            });
        }
        self.last_seq = entry.seq;
        let key = (entry.stamp.mono_us, entry.seq, 0);
        if self.day.is_none() {
            return self.begin(key, entry);
        }
        if let Some(day) = &mut self.day {
            if matches!(entry.body, Body::Started { .. }) {
                day.cut_off.insert(day.end.0);
            }
            day.end = (key.0, key.1, u32::MAX);
            day.end_utc_us = entry.stamp.utc_us;
        }
        match &entry.body {
            Body::Acd(bytes) => self.heard(key, entry, bytes),
            Body::Event(event) => {
                self.happened(event);
                self.apply(entry).map(drop)
            }
            Body::Override(record) => {
                self.fix(key, entry.stamp.utc_us, Fixed::Override(record.clone()));
                self.apply(entry).map(drop)
            }
            Body::Served(record) => {
                self.served(record);
                self.apply(entry).map(drop)
            }
            Body::Checkpoint(_) => Ok(()),
            Body::Started { .. }
            | Body::Dialog(_)
            | Body::DialogGone(_)
            | Body::Binding(_)
            | Body::BindingGone(_)
            | Body::Name(_)
            | Body::Unknown { .. } => self.apply(entry).map(drop),
        }
    }

    /// The day, its entries being at their end.
    ///
    /// # Errors
    ///
    /// [`Unfit::Empty`] when there were none.
    pub fn finish(self) -> Result<Day, Unfit> {
        let mut day = self.day.ok_or(Unfit::Empty)?;
        day.names.clone_from(&self.restore.durable().names);
        day.state = self.restore.acd_hash();
        let figures = &self.restore.durable().board.queues;
        let numbered = day.names.iter().filter(|name| name.is_queue);
        let promised = numbered.filter_map(|name| {
            let promise = figures.get(&name.name)?.promise;
            let us = |length: i64| u64::try_from(length).unwrap_or(0);
            let promise = Promise {
                within_us: us(promise.within_us),
                short_us: us(promise.short_us),
            };
            Some((QueueId(name.id), promise))
        });
        day.promises = promised.collect();
        day.ledger.end(Duration::from_micros(day.end.0));
        Ok(day)
    }

    fn begin(&mut self, key: Key, entry: &Entry) -> Result<(), Unfit> {
        self.apply(entry)?;
        let acd = self.restore.acd();
        let mut day = Day {
            acd: acd.encode(),
            goes_on: matches!(entry.body, Body::Checkpoint(_)),
            begin: key,
            end: key,
            begin_utc_us: entry.stamp.utc_us,
            end_utc_us: entry.stamp.utc_us,
            names: Vec::new(),
            overrides: self.restore.durable().overrides.clone(),
            served_before: self.restore.durable().served.clone(),
            fixed: Vec::new(),
            calls: BTreeMap::new(),
            sent_on: BTreeMap::new(),
            diverted: BTreeSet::new(),
            cut_off: BTreeSet::new(),
            alerts: BTreeMap::new(),
            wrap_ups: BTreeMap::new(),
            served: BTreeMap::new(),
            no_answer: BTreeMap::new(),
            ledger: Ledger::new(Duration::from_micros(key.0), acd),
            promises: BTreeMap::new(),
            state: 0,
        };
        for found in acd.interactions() {
            let enqueue = Enqueue {
                interaction: found.interaction,
                to: found.at,
                tier: found.tier,
                priority: found.priority,
                arrival: found.arrival,
                kind: EntryKind::New,
                service_acted: false,
                sticky: None,
            };
            let mut call = CallDay::new(None, enqueue, None, key.0);
            match found.stage {
                Stage::Connected { agent, .. } => call.connected = Some((key.0, agent)),
                Stage::Alerting { match_id, agent } => {
                    let alert = (found.interaction, agent, 0);
                    self.matches.insert(match_id, alert);
                    self.rung.insert((found.interaction, agent), 1);
                    day.alerts.insert(alert, AlertDay::new(key.0));
                }
                Stage::Waiting => {}
            }
            day.calls.insert((found.interaction, 0), call);
        }
        self.day = Some(day);
        Ok(())
    }

    fn apply(&mut self, entry: &Entry) -> Result<Vec<Output>, Unfit> {
        let mut outputs = Vec::new();
        let applied = self
            .restore
            .apply_and_hear(entry, |output| outputs.push(output));
        let unreadable = |error: engine::RestoreError| Unfit::Unreadable(error.to_string());
        applied.map(|()| outputs).map_err(unreadable)
    }

    fn happened(&mut self, event: &Event) {
        match event {
            Event::CallStarted {
                call,
                caller,
                called,
                user,
                vip,
                ..
            } => {
                let who = Who {
                    number: caller.number.clone(),
                    called: called.clone(),
                    user: user.clone(),
                    vip: *vip,
                };
                self.callers.insert(InteractionId(call.0), who);
            }
            Event::CallLeftQueue { call, why } => {
                self.leaving = Some((InteractionId(call.0), *why));
            }
            Event::CallConnected { call, .. } => {
                self.connected = Some(InteractionId(call.0));
            }
            Event::CallTransferred { call, party, .. } | Event::CallParked { call, party, .. } => {
                let call = InteractionId(call.0);
                self.sent.insert(call);
                self.sent_numbers.insert(call, party.number.clone());
            }
            Event::CallRecalled { call, .. } => {
                self.sent.insert(InteractionId(call.0));
            }
            Event::CallEnded { call, .. } => {
                self.callers.remove(&InteractionId(call.0));
                self.sent.remove(&InteractionId(call.0));
                self.sent_numbers.remove(&InteractionId(call.0));
            }
            _ => {}
        }
    }

    /// Of a call that was up when the day began this tells who called.
    fn served(&mut self, record: &ServedRecord) {
        let visit = self.connected.map(|call| self.visit(call));
        let calls = self.day.as_mut().map(|day| &mut day.calls);
        let call = calls.zip(visit);
        if let Some(call) = call.and_then(|(calls, visit)| calls.get_mut(&visit))
            && call.arrived.is_none()
        {
            call.caller.get_or_insert_with(|| Who {
                number: record.number.clone(),
                called: String::new(),
                user: None,
                vip: false,
            });
        }
    }

    /// The visit of a call that goes on.
    fn visit(&self, call: InteractionId) -> Visit {
        (call, self.visits.get(&call).copied().unwrap_or(0))
    }

    /// It comes to a queue as a person sent it, or comes back: where it would have gone by what was dialled does not matter.
    fn comes_again(&mut self, key: Key, enqueue: &Enqueue) -> Option<Fixed> {
        let id = enqueue.interaction;
        let before = self.visit(id);
        let day = self.day.as_mut()?;
        let mut call = CallDay::new(Some(key), enqueue.clone(), None, key.0);
        call.moved = self.sent_on.get(&id).copied().unwrap_or(0);
        call.sent_number = self.sent_numbers.get(&id).cloned();
        if let btree_map::Entry::Vacant(first) = day.calls.entry(before) {
            first.insert(call);
            return Some(Fixed::Arrival(id));
        }
        let (_, nth) = before;
        self.visits.insert(id, nth + 1);
        day.calls.insert((id, nth + 1), call);
        None
    }

    fn fix(&mut self, key: Key, utc_us: i64, fixed: Fixed) {
        if let Some(day) = &mut self.day {
            day.fixed.push((key, utc_us, fixed));
        }
    }

    /// One input of the distribution core.
    fn heard(&mut self, key: Key, entry: &Entry, bytes: &[u8]) -> Result<(), Unfit> {
        let input: Input = minicbor::decode(bytes).map_err(|error| {
            Unfit::Unreadable(format!("the input in entry {}: {error}", entry.seq))
        })?;
        let now = Duration::from_micros(key.0);
        if let Some(due) = self.restore.acd().poll_timeout().filter(|due| *due <= now)
            && let Some(day) = &mut self.day
        {
            day.served.entry(due).or_insert(key);
        }
        if let Some(fixed) = self.place(key, &input) {
            self.fix(key, entry.stamp.utc_us, fixed);
        }
        if let (Input::Enqueue(enqueue), Some(day)) = (&input, &mut self.day) {
            day.ledger.comes(enqueue);
        }
        let outputs = self.apply(entry)?;
        self.decided(key, &input, &outputs);
        Ok(())
    }

    /// Where an input belongs: what it answers, or that it came from outside.
    fn place(&mut self, key: Key, input: &Input) -> Option<Fixed> {
        if let Input::Enqueue(enqueue) = input
            && self.sent.remove(&enqueue.interaction)
        {
            return self.comes_again(key, enqueue);
        }
        let visits = &self.visits;
        let visit = |call: InteractionId| (call, visits.get(&call).copied().unwrap_or(0));
        let day = self.day.as_mut()?;
        match input {
            // The clock's: it strikes in every replay.
            Input::Timeout => None,
            Input::ConfigChanged(_) => Some(Fixed::Centre),
            Input::QueueOpened { queue } => Some(Fixed::Look {
                queue: *queue,
                open: true,
            }),
            Input::QueueClosed { queue } => Some(Fixed::Look {
                queue: *queue,
                open: false,
            }),
            Input::Enqueue(enqueue) if day.calls.contains_key(&(enqueue.interaction, 0)) => {
                let before = self.sent_on.entry(enqueue.interaction).or_default();
                let further = (enqueue.interaction, *before);
                day.sent_on.insert(further, (key, enqueue.clone()));
                *before += 1;
                None
            }
            Input::Enqueue(enqueue) => {
                let caller = self.callers.get(&enqueue.interaction).cloned();
                let call = CallDay::new(Some(key), enqueue.clone(), caller, key.0);
                day.calls.insert((enqueue.interaction, 0), call);
                Some(Fixed::Arrival(enqueue.interaction))
            }
            Input::Leave { interaction } | Input::InteractionEnded { interaction } => {
                self.gone(key, *interaction);
                None
            }
            Input::AlertRinging { match_id } | Input::AlertEnded { match_id, .. } => {
                let alert = self.matches.get(match_id);
                let Some(alert) = alert.and_then(|alert| day.alerts.get_mut(alert)) else {
                    return Some(Fixed::Input(input.clone()));
                };
                alert.answers.push((key, input.clone()));
                None
            }
            Input::AgentChanged {
                agent,
                change: AgentChange::Coded { interaction },
            } if has_it(&self.restore, *agent, *interaction) => {
                if let Some(call) = day.calls.get_mut(&visit(*interaction)) {
                    call.coded = Some(key);
                }
                None
            }
            Input::AgentChanged {
                agent,
                change:
                    change @ (AgentChange::WrapUpEnded
                    | AgentChange::WrapUpExtended { .. }
                    | AgentChange::WrapUpCutShort
                    | AgentChange::Coded { .. }),
            } => {
                let call = self.last_call.get(agent).copied();
                let wrap_up = call.and_then(|call| day.wrap_ups.get_mut(&(*agent, call)));
                let Some(wrap_up) = wrap_up else {
                    return Some(Fixed::Input(input.clone()));
                };
                wrap_up.changes.push((key, change.clone()));
                None
            }
            Input::Restarted(_) => {
                for up in self.restore.acd().interactions() {
                    if let Some(call) = day.calls.get_mut(&visit(up.interaction)) {
                        call.cut_off(key.0);
                    }
                }
                Some(Fixed::Input(input.clone()))
            }
            Input::AgentChanged { .. }
            | Input::DailyReset
            | Input::PickUp { .. }
            | Input::TooLong { .. }
            | Input::Reserve { .. }
            | Input::Release { .. }
            | Input::Rerank { .. } => Some(Fixed::Input(input.clone())),
        }
    }

    /// A caller gives up, or a talk is over.
    fn gone(&mut self, key: Key, id: InteractionId) {
        let knows = self.restore.acd().interaction(id).is_some();
        let visit = self.visit(id);
        let Some(day) = &mut self.day else { return };
        let Some(call) = day.calls.get_mut(&visit).filter(|_| knows) else {
            return;
        };
        call.out_us = key.0;
        let gave_up = self.leaving == Some((id, LeftQueue::Abandoned));
        match call.connected {
            Some((_, agent)) => {
                call.ended = Some(key);
                self.last_call.insert(agent, visit);
                let wrap_up = WrapUpDay {
                    began_us: key.0,
                    waits: false,
                    changes: Vec::new(),
                };
                day.wrap_ups.insert((agent, visit), wrap_up);
            }
            None => {
                call.left = Some(key);
                call.gave_up = gave_up;
                call.seen_us = key.0;
                day.ledger.leaves(Duration::from_micros(key.0), id, gave_up);
            }
        }
    }

    /// What the distribution core made of it.
    fn decided(&mut self, key: Key, input: &Input, outputs: &[Output]) {
        let visits = &self.visits;
        let visit = |call: InteractionId| (call, visits.get(&call).copied().unwrap_or(0));
        let Some(day) = &mut self.day else { return };
        let now = Duration::from_micros(key.0);
        if let Input::InteractionEnded { interaction } = input
            && let visit = visit(*interaction)
            && let Some((_, agent)) = day.calls.get(&visit).and_then(|call| call.connected)
            && let Some(wrap_up) = day.wrap_ups.get_mut(&(agent, visit))
        {
            let view = self.restore.acd().agent(agent);
            wrap_up.waits = view.is_some_and(|view| waits_for_them(&view));
        }
        if matches!(input, Input::Restarted(_)) {
            self.matches.clear();
            day.ledger.restart(now);
        }
        for output in outputs {
            day.ledger.decided(now, output);
            match output {
                Output::Alert {
                    match_id,
                    interaction,
                    agent,
                    ..
                } => {
                    let before = self.rung.entry((*interaction, *agent)).or_default();
                    let alert = (*interaction, *agent, *before);
                    *before += 1;
                    self.matches.insert(*match_id, alert);
                    day.alerts.insert(alert, AlertDay::new(key.0));
                }
                Output::AlertFinished { match_id, how, .. } => {
                    let alert = self.matches.get(match_id);
                    if let Some(alert) = alert.and_then(|alert| day.alerts.get_mut(alert)) {
                        alert.ended = Some((key.0, *how));
                    }
                }
                Output::Connect {
                    interaction, agent, ..
                } => {
                    if let Some(call) = day.calls.get_mut(&visit(*interaction)) {
                        call.connected = Some((key.0, *agent));
                        call.seen_us = key.0;
                    }
                }
                Output::Divert { interaction, .. } | Output::Refuse { interaction, .. } => {
                    day.diverted.insert((*interaction, key.0));
                    if let Some(call) = day.calls.get_mut(&visit(*interaction)) {
                        call.seen_us = key.0;
                        call.out_us = key.0;
                    }
                }
                Output::AgentStateChanged { agent, state } => {
                    if is_no_answer(&state.presence) {
                        self.missed.entry(*agent).or_insert(key.0);
                        day.no_answer.entry((*agent, key.0)).or_default();
                    } else if let Some(since) = self.missed.remove(agent)
                        && state.presence == Presence::Available
                    {
                        day.no_answer
                            .insert((*agent, since), Some(key.0.saturating_sub(since)));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether they talk in that call.
fn has_it(restore: &Restore, agent: AgentId, interaction: InteractionId) -> bool {
    let view = restore.acd().agent(agent);
    view.is_some_and(|view| view.interactions.contains(&interaction))
}

//! One turn of the engine: what was decided in it, and what the journal says of that.
//!
//! An event that only a decision of the distribution core can bring about has to have that decision before it, with the same
//! agent, queue and end; a decision that has no event when the turn ends is a difference, too, unless its call was gone by then.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use acd::{
    AgentId, AlertEnd as AcdEnd, AlertOutcome, DivertReason, Input, InteractionId, MatchId, Output,
    RefuseReason, Target,
};
use engine::event::{AlertEnd, Choice, Diversion};
use engine::{CallId, Event, Restore};

use crate::sabotage;

/// What has been decided and not been told of yet.
#[derive(Debug, Default)]
pub(super) struct Turn {
    alerts: BTreeMap<MatchId, Alerted>,
    ends: BTreeMap<MatchId, AlertOutcome>,
    connected: BTreeMap<InteractionId, AgentId>,
    diverted: BTreeMap<InteractionId, Sent>,
    /// In order: one call may be held and released in one turn.
    held: Vec<Held>,
    /// Alerts that the journal has told of and not ended. They outlast the turn.
    running: BTreeSet<MatchId>,
    /// The engine closes what a stop has left open: no decision of the core.
    is_first: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Alerted {
    call: InteractionId,
    agent: AgentId,
    from: Target,
    picked_up: bool,
}

/// What is held for whom from then on, and why: sticky, or a recall.
#[derive(Debug)]
struct Held {
    call: InteractionId,
    agent: Option<AgentId>,
    sticky: bool,
    recall: bool,
}

/// Where from, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Diverted(Target, DivertReason),
    Refused(Target, RefuseReason),
}

impl Turn {
    /// The daemon starts.
    pub(super) fn start(&mut self) {
        *self = Self {
            is_first: true,
            ..Self::default()
        };
    }

    /// The core decided something again.
    pub(super) fn decided(&mut self, output: Output) {
        if self.is_first {
            return;
        }
        match output {
            Output::Alert {
                match_id,
                interaction,
                agent,
                from,
                picked_up,
                ..
            } => {
                let alerted = Alerted {
                    call: interaction,
                    agent,
                    from,
                    picked_up,
                };
                self.alerts.insert(match_id, alerted);
            }
            Output::AlertFinished { match_id, how, .. } => {
                self.ends.insert(match_id, how);
            }
            Output::Connect {
                interaction, agent, ..
            } => {
                self.connected.insert(interaction, agent);
            }
            Output::Divert {
                interaction,
                from,
                reason,
            } => {
                let sent = Sent::Diverted(from, reason);
                self.diverted.insert(interaction, sent);
            }
            Output::Refuse {
                reason: RefuseReason::Duplicate,
                ..
            } => {}
            Output::Refuse {
                interaction,
                to,
                reason,
            } => {
                let sent = Sent::Refused(to, reason);
                self.diverted.insert(interaction, sent);
            }
            Output::Held {
                interaction,
                agent,
                sticky,
                recall,
            } => {
                self.held.push(Held {
                    call: interaction,
                    agent,
                    sticky,
                    recall,
                });
            }
            Output::Withdraw { .. }
            | Output::Entered { .. }
            | Output::AgentStateChanged { .. }
            | Output::AgentRemoved { .. }
            | Output::ServiceLevelReached { .. }
            | Output::Unattended { .. }
            | Output::Attended { .. }
            | Output::Denied { .. } => {}
        }
    }

    /// An input of this turn. An alert whose caller was gone already is answered without a word to anybody.
    pub(super) fn heard(&mut self, input: &[u8]) {
        if let Ok(Input::AlertEnded {
            match_id,
            end: AcdEnd::NoBinding,
        }) = minicbor::decode(input)
        {
            self.alerts.remove(&match_id);
        }
    }

    /// The journal tells of something: was it decided again?
    ///
    /// # Errors
    ///
    /// What was decided instead, in words.
    pub(super) fn happened(&mut self, state: &Restore, event: &Event) -> Result<(), String> {
        if self.is_first {
            return Ok(());
        }
        let names = Names(state);
        match event {
            Event::AlertStarted { alert, choice, .. } => {
                let alert = MatchId(*alert);
                self.running.insert(alert);
                let again = self.alerts.remove(&alert);
                let again = again.map(|alerted| {
                    // Why it was they is told in names that may have changed; what was decided is compared.
                    names.alert_started(alert, &alerted, choice.clone())
                });
                same(event, again)
            }
            Event::AlertEnded {
                alert, call, agent, ..
            } => {
                let alert = MatchId(*alert);
                self.running.remove(&alert);
                let how = self.ends.remove(&alert);
                let (call, agent) = (*call, agent.clone());
                let again = how.map(|how| alert_ended(alert, call, agent, how));
                same(event, again)
            }
            Event::CallConnected { call, user, .. } => {
                let Some(agent) = self.connected.remove(&InteractionId(call.0)) else {
                    // Somebody dialled somebody.
                    return Ok(());
                };
                let again = names.agent(agent);
                check(user.as_deref() == Some(again), || {
                    format!("call {call} connected with {again}")
                })
            }
            Event::CallDiverted {
                call, why, queue, ..
            } => {
                let Some(sent) = self.diverted.remove(&InteractionId(call.0)) else {
                    return Err(format!("call {call} stays"));
                };
                let (from, again) = names.sent(sent);
                // A queue that is unknown to the core may be so to the centre as well.
                let unknown = matches!(sent, Sent::Refused(_, RefuseReason::Unknown));
                check(unknown || again == *why && from == queue.as_deref(), || {
                    format!("call {call} diverted as {again:?} from {from:?}")
                })
            }
            Event::CallReserved { call, by, .. } => {
                let again = self.next_held(InteractionId(call.0));
                let again = again.map(|held| Event::CallReserved {
                    call: *call,
                    by: held.agent.map(|agent| names.agent(agent).into()),
                    sticky: held.sticky,
                    recall: held.recall,
                });
                check(again.as_ref() == Some(event), || match &again {
                    Some(_) => format!("call {call} reserved by another than {by:?}"),
                    None => format!("call {call} not reserved"),
                })
            }
            _ => Ok(()),
        }
    }

    fn next_held(&mut self, call: InteractionId) -> Option<Held> {
        let place = self.held.iter().position(|held| held.call == call)?;
        Some(self.held.remove(place))
    }

    /// The turn is over; what was decided again and never told of. `cut` when the daemon went away in it.
    pub(super) fn end(&mut self, state: &Restore, cut: bool) -> Option<String> {
        let running = core::mem::take(&mut self.running);
        let left = core::mem::take(self);
        if cut || left.is_first {
            self.running = running;
            return None;
        }
        let names = Names(state);
        let undone = left.undone(&names, &running);
        self.running = running;
        undone
    }

    fn undone(self, names: &Names<'_>, running: &BTreeSet<MatchId>) -> Option<String> {
        let up = |call: InteractionId| names.0.durable().calls.contains_key(&CallId(call.0));
        let alert = self.alerts.into_iter().find(|(_, alert)| up(alert.call));
        let end = self.ends.into_iter().find(|(id, _)| running.contains(id));
        let connected = self.connected.into_iter().find(|(call, _)| up(*call));
        let sent = self.diverted.into_iter().find(|(call, _)| up(*call));
        let held = self.held.into_iter().find(|held| up(held.call));
        alert
            .map(|(id, alert)| words(&names.alert_started(id, &alert, None)))
            .or_else(|| end.map(|(id, how)| format!("alert {} ended: {how:?}", id.0)))
            .or_else(|| {
                connected.map(|(call, agent)| {
                    format!(
                        "call {} connected with {}",
                        CallId(call.0),
                        names.agent(agent)
                    )
                })
            })
            .or_else(|| {
                sent.map(|(call, sent)| format!("call {} sent on: {sent:?}", CallId(call.0)))
            })
            .or_else(|| {
                held.map(|held| format!("call {} reserved or released", CallId(held.call.0)))
            })
    }
}

fn same(event: &Event, again: Option<Event>) -> Result<(), String> {
    check(again.as_ref() == Some(event), || {
        again.as_ref().map_or_else(|| "no such thing".into(), words)
    })
}

fn check(same: bool, again: impl FnOnce() -> String) -> Result<(), String> {
    if same || sabotage::verify() {
        Ok(())
    } else {
        Err(again())
    }
}

/// An event as it is shown where two are compared.
pub(super) fn words(event: &Event) -> String {
    format!("{event:?}")
}

fn alert_ended(alert: MatchId, call: CallId, agent: String, how: AlertOutcome) -> Event {
    let (end, sip_status) = match how {
        AlertOutcome::Accepted => (AlertEnd::Accepted, None),
        AlertOutcome::Rejected => (AlertEnd::Rejected, None),
        AlertOutcome::TimedOut => (AlertEnd::TimedOut, None),
        AlertOutcome::Withdrawn(_) => (AlertEnd::Withdrawn, None),
        AlertOutcome::Failed { status } => (AlertEnd::Failed, Some(status)),
    };
    Event::AlertEnded {
        alert: alert.0,
        call,
        agent,
        end,
        sip_status,
    }
}

/// The names of the core's numbers.
struct Names<'a>(&'a Restore);

impl<'a> Names<'a> {
    fn agent(&self, agent: AgentId) -> &'a str {
        self.name(false, agent.0)
    }

    fn queue(&self, target: Target) -> Option<&'a str> {
        match target {
            Target::Queue(queue) => Some(self.name(true, queue.0)),
            Target::Personal(_) => None,
        }
    }

    fn name(&self, is_queue: bool, id: u32) -> &'a str {
        let names = self.0.durable().names.iter();
        let mut found = names.filter(|name| name.is_queue == is_queue && name.id == id);
        found.next().map_or("", |name| &name.name)
    }

    fn alert_started(&self, alert: MatchId, alerted: &Alerted, choice: Option<Choice>) -> Event {
        Event::AlertStarted {
            alert: alert.0,
            call: CallId(alerted.call.0),
            agent: self.agent(alerted.agent).into(),
            queue: self.queue(alerted.from).map(String::from),
            picked_up: alerted.picked_up,
            choice,
        }
    }

    fn sent(&self, sent: Sent) -> (Option<&'a str>, Diversion) {
        match sent {
            Sent::Diverted(from, reason) => (self.queue(from), diverted_as(from, reason)),
            Sent::Refused(to, reason) => (self.queue(to), refused_as(to, reason)),
        }
    }
}

fn diverted_as(from: Target, reason: DivertReason) -> Diversion {
    match reason {
        DivertReason::MaxWait | DivertReason::MaxEstimate if matches!(from, Target::Queue(_)) => {
            Diversion::Overflow
        }
        DivertReason::Nobody => Diversion::Nobody,
        DivertReason::ServiceLevel => Diversion::ServiceLevel,
        DivertReason::Closed => Diversion::Closing,
        DivertReason::QueueRemoved => Diversion::Removed,
        DivertReason::AgentRemoved
        | DivertReason::AgentOffline
        | DivertReason::AgentOnBreak
        | DivertReason::AgentRejected
        | DivertReason::AgentNoAnswer
        | DivertReason::AgentUnreachable
        | DivertReason::MaxWait
        | DivertReason::MaxEstimate => Diversion::Unavailable,
    }
}

fn refused_as(to: Target, reason: RefuseReason) -> Diversion {
    match (to, reason) {
        (Target::Personal(_), _) => Diversion::Unavailable,
        (Target::Queue(_), RefuseReason::Closed) => Diversion::Closed,
        (Target::Queue(_), RefuseReason::Full) => Diversion::Full,
        (Target::Queue(_), RefuseReason::NobodyLoggedIn | RefuseReason::NobodyAvailable) => {
            Diversion::Refused
        }
        (Target::Queue(_), RefuseReason::Unknown | RefuseReason::Duplicate) => Diversion::Removed,
    }
}

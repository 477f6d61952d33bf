//! What the events tell, in the words of the stories.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::event::{AlertEnd, EndResult, EndedBy};
use engine::{CallId, Event};
use sim::World;

/// Who was connected to whom, in order: the caller's number and the user.
pub(crate) fn connections(w: &World) -> Vec<(String, String)> {
    let mut callers = BTreeMap::new();
    let mut connections = Vec::new();
    for (_, event) in w.events() {
        match &*event {
            Event::CallStarted { call, caller, .. } => {
                callers.insert(*call, caller.number.clone());
            }
            Event::CallConnected { call, user, .. } => {
                let caller = callers.get(call).cloned().unwrap_or_default();
                connections.push((caller, user.clone().unwrap_or_default()));
            }
            _ => {}
        }
    }
    connections
}

/// Who was alerted, in order, and how each alert ended.
pub(crate) fn alerts(w: &World) -> Vec<(String, AlertEnd)> {
    let ended = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::AlertEnded { agent, end, .. } => Some((agent.clone(), *end)),
            _ => None,
        });
    ended.collect()
}

/// How each call ended, in order.
pub(crate) fn ends(w: &World) -> Vec<(EndResult, EndedBy)> {
    let ended = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::CallEnded { cause, by, .. } => Some((cause.result, *by)),
            _ => None,
        });
    ended.collect()
}

/// Where calls were sent by a rule, as destinations are written.
pub(crate) fn diversions(w: &World) -> Vec<String> {
    let diverted = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::CallDiverted { to, .. } => Some(to.clone()),
            _ => None,
        });
    diverted.collect()
}

/// The queues that calls were sent on from: that did not let them in, or that they waited in.
pub(crate) fn sent_on_from(w: &World) -> Vec<Option<String>> {
    let diverted = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::CallDiverted { queue, .. } => Some(queue.clone()),
            _ => None,
        });
    diverted.collect()
}

/// The calls that are up.
pub(crate) fn calls_up(w: &World) -> Vec<CallId> {
    w.view().calls.keys().copied().collect()
}

/// When agents were first alerted.
pub(crate) fn first_alert(w: &World, agent: &str) -> Option<Duration> {
    let of = |event: &Event| matches!(event, Event::AlertStarted { agent: of, .. } if of == agent);
    w.times_of(of).first().copied()
}

/// The call of this caller, as a console shows it.
pub(crate) fn call_of(w: &World, number: &str) -> CallId {
    let view = w.view();
    let found = view
        .calls
        .iter()
        .find(|(_, row)| row.caller.number == number);
    *found.expect("they call").0
}

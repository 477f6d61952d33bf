//! Agents: they answer what rings, do something about their wrap-up, and come back from where they were sent.

use alloc::vec::Vec;

use acd::{
    Activity, AgentChange, AgentId, AgentState, AlertOutcome, Input, InteractionId, MatchId,
    Presence,
};

use super::{Happening, Run};
use crate::day::{Visit, ends_wrap_up, is_manual, is_no_answer};
use crate::model::Answer;

impl Run<'_> {
    /// A phone rings. The same alert as on the day is answered as it was then; where it was taken back then before anybody
    /// answered, and is not now, the rest is drawn.
    pub(super) fn rings(&mut self, match_id: MatchId, call: InteractionId, agent: AgentId) {
        self.alerts.insert(match_id);
        let before = self.rung.entry((call, agent)).or_default();
        let alert = (call, agent, *before);
        *before += 1;
        let script = self.script;
        let now_us = self.now.0;
        let Some(then) = script.day.alerts.get(&alert) else {
            let answer = script.model.answer(self.seed, alert, 0);
            return self.answers(match_id, now_us, answer);
        };
        let same = then.began_us == now_us;
        for ((at_us, seq, _), input) in &then.answers {
            let input = renumbered(input, match_id);
            let key = if same {
                (*at_us, *seq, 0)
            } else {
                (
                    now_us.saturating_add(at_us.saturating_sub(then.began_us)),
                    *seq,
                    1,
                )
            };
            let of = match_id;
            let kept = same;
            self.plan(key, Happening::Answer { input, of, kept });
        }
        let silent_us = match then.ended {
            Some((at_us, AlertOutcome::Withdrawn(_) | AlertOutcome::TimedOut)) => at_us,
            Some((_, AlertOutcome::Accepted | AlertOutcome::Rejected))
            | Some((_, AlertOutcome::Failed { .. })) => return,
            None => script.day.end.0,
        }
        .saturating_sub(then.began_us);
        let answer = Answer {
            rings_us: None,
            ..script.model.answer(self.seed, alert, silent_us)
        };
        self.answers(match_id, now_us, answer);
    }

    fn answers(&mut self, match_id: MatchId, now_us: u64, answer: Answer) {
        let ringing = answer
            .rings_us
            .map(|after| (after, Input::AlertRinging { match_id }));
        let end = answer
            .end
            .map(|(after, end)| (after, Input::AlertEnded { match_id, end }));
        for (after_us, input) in [ringing, end].into_iter().flatten() {
            let key = (now_us.saturating_add(after_us), 0, 0);
            let (of, kept) = (match_id, false);
            self.plan(key, Happening::Answer { input, of, kept });
        }
    }

    pub(super) fn is_in_wrap_up(&self, agent: AgentId) -> bool {
        let view = self.acd.agent(agent);
        view.is_some_and(|view| matches!(view.state.activity, Activity::WrapUp { .. }))
    }

    /// A talk is over: what the agent does about the wrap-up is what they did after the same call, or drawn where they have to
    /// end it.
    pub(super) fn wraps_up(&mut self, agent: AgentId, visit: Visit) {
        let script = self.script;
        let now_us = self.now.0;
        let then = script.day.wrap_ups.get(&(agent, visit));
        let same = then.is_some_and(|then| then.began_us == now_us);
        let view = self.acd.agent(agent);
        let manual = view.is_some_and(|view| is_manual(view.state.activity));
        let owed: Vec<InteractionId> = view.map_or_else(Vec::new, |view| {
            let owed = view.state.owes.iter();
            owed.map(|owed| owed.interaction).collect()
        });
        // Ends as it did then, or with the day.
        let mut ends = same && then.is_some_and(|then| then.waits);
        for ((at_us, seq, _), change) in then.iter().flat_map(|then| &then.changes) {
            ends |= ends_wrap_up(change);
            let key = if same {
                (*at_us, *seq, 0)
            } else {
                let after_us = at_us.saturating_sub(then.map_or(0, |then| then.began_us));
                (now_us.saturating_add(after_us), *seq, 1)
            };
            let change = change.clone();
            let input = Input::AgentChanged { agent, change };
            let kept = same;
            self.plan(key, Happening::WrapUp { agent, input, kept });
        }
        if (manual || !owed.is_empty()) && !ends {
            let (call, _) = visit;
            let after_us = script.model.wrap_up(self.seed, agent, call);
            // Codes first: without them the wrap-up does not end.
            let codes = owed
                .into_iter()
                .map(|interaction| AgentChange::Coded { interaction });
            let end = manual.then_some(AgentChange::WrapUpEnded);
            for (turn, change) in (0..).zip(codes.chain(end)) {
                let input = Input::AgentChanged { agent, change };
                let kept = false;
                let key = (now_us.saturating_add(after_us), 0, turn);
                self.plan(key, Happening::WrapUp { agent, input, kept });
            }
        }
    }

    /// Who is sent on break for not answering, and was not then, comes back after a while.
    pub(super) fn agent_changed(&mut self, agent: AgentId, state: &AgentState) {
        if !is_no_answer(&state.presence) {
            self.missed.remove(&agent);
            return;
        }
        let now_us = self.now.0;
        let then = self.script.day.no_answer.contains_key(&(agent, now_us));
        if self.missed.insert(agent) && !then {
            let after_us = self.script.model.away(self.seed, agent, now_us);
            let key = (now_us.saturating_add(after_us), 0, 0);
            self.plan(key, Happening::Back(agent));
        }
    }

    pub(super) fn comes_back(&mut self, agent: AgentId) {
        if self.missed.contains(&agent) {
            let change = AgentChange::Presence(Presence::Available);
            self.feed(Input::AgentChanged { agent, change });
        }
    }
}

/// The same answer, to an alert that has another number now.
fn renumbered(input: &Input, match_id: MatchId) -> Input {
    match input {
        Input::AlertRinging { .. } => Input::AlertRinging { match_id },
        Input::AlertEnded { end, .. } => Input::AlertEnded {
            match_id,
            end: *end,
        },
        other => other.clone(),
    }
}

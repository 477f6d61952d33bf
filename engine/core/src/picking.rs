//! Agents take what they choose (rule 13), or have it held for them (rule 14); supervisors rank anew (rule 3).
//!
//! Who may take what is the distribution core's to decide; here its answer becomes words.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use acd::{AgentId, Denial, Input as AcdInput, InteractionId, Output as AcdOutput};
use config::Role;

use crate::call::{Stage, Waiting};
use crate::command::{Actor, Done, Refusal};
use crate::engine::Engine;
use crate::event::Event;
use crate::ids::CallId;

impl Engine {
    pub(crate) fn pick_up(&mut self, actor: &Actor, call: CallId) -> Result<Done, Refusal> {
        let agent = self.agent_id(&actor.username)?;
        if !self.calls.contains_key(&call) {
            return Err(no_call(call));
        }
        let answer = self.take(agent, call, actor.role != Role::Attendant);
        let refusal = |why| self.refusal(&actor.username, call, why);
        answer.map(|()| Done::Ok).map_err(refusal)
    }

    /// Lets an agent have a call that waits; whom they talk to is on hold then (rule 13).
    pub(crate) fn take(
        &mut self,
        agent: AgentId,
        call: CallId,
        supervises: bool,
    ) -> Result<(), Denial> {
        self.acd_input(AcdInput::PickUp {
            interaction: InteractionId(call.0),
            agent,
            supervises,
        });
        self.acd_says(|engine| engine.hold_for_pick_up(agent, call))
    }

    pub(crate) fn reserve(&mut self, actor: &Actor, call: CallId) -> Result<Done, Refusal> {
        let agent = self.agent_id(&actor.username)?;
        let interaction = InteractionId(call.0);
        self.ask_acd(actor, call, AcdInput::Reserve { interaction, agent })
    }

    pub(crate) fn release(&mut self, actor: &Actor, call: CallId) -> Result<Done, Refusal> {
        let agent = self.agent_id(&actor.username)?;
        let input = AcdInput::Release {
            interaction: InteractionId(call.0),
            agent,
            supervises: actor.role != Role::Attendant,
        };
        self.ask_acd(actor, call, input)
    }

    /// Asks the distribution core for something about a call, and hears its answer.
    fn ask_acd(&mut self, actor: &Actor, call: CallId, input: AcdInput) -> Result<Done, Refusal> {
        if !self.calls.contains_key(&call) {
            return Err(no_call(call));
        }
        self.acd_input(input);
        let answer = self.acd_says(|_| {});
        let refusal = |why| self.refusal(&actor.username, call, why);
        answer.map(|()| Done::Ok).map_err(refusal)
    }

    /// Does what the distribution core says to an input that it may deny; before that `first`, if it does not.
    fn acd_says(&mut self, first: impl FnOnce(&mut Self)) -> Result<(), Denial> {
        let outputs: Vec<AcdOutput> = core::iter::from_fn(|| self.acd.poll_output()).collect();
        let denied = outputs.iter().find_map(denial);
        if denied.is_none() {
            first(self);
        }
        for output in outputs {
            self.handle_acd(output);
        }
        self.settle_acd();
        denied.map_or(Ok(()), Err)
    }

    /// A supervisor ranks one who waits anew (rule 3); `priority` as readers see it, with the queue's points.
    pub(crate) fn rerank(
        &mut self,
        call: CallId,
        tier: Option<config::Tier>,
        priority: Option<i32>,
    ) -> Result<Done, Refusal> {
        let found = self.calls.get(&call).ok_or_else(|| no_call(call))?;
        let Stage::Waiting(Waiting {
            place,
            entered: true,
            ..
        }) = &found.stage
        else {
            let why = format!("call {call} does not wait");
            return Err(Refusal::Conflict(why));
        };
        let queues = self.priority_of(place);
        let tier = tier.map(crate::call::tier);
        let priority = priority.map(|points| points.saturating_sub(queues));
        if let Some(found) = self.calls.get_mut(&call) {
            found.tier = tier.unwrap_or(found.tier);
            found.priority = priority.unwrap_or(found.priority);
        }
        self.acd_input(AcdInput::Rerank {
            interaction: InteractionId(call.0),
            tier,
            priority,
        });
        // Its new rank is told before whom it alerts by it.
        self.publish_queued(call);
        self.settle_acd();
        Ok(Done::Ok)
    }

    /// It waits for one agent, or for all again (rules 4, 9 and 14).
    pub(crate) fn held(
        &mut self,
        call: CallId,
        agent: Option<AgentId>,
        sticky: bool,
        recall: bool,
    ) {
        let by = agent
            .and_then(|agent| self.names.username(agent))
            .map(String::from);
        if self.calls.contains_key(&call) {
            self.publish(Event::CallReserved {
                call,
                by,
                sticky,
                recall,
            });
        }
    }

    /// In words, why they cannot have it.
    pub(crate) fn refusal(&self, username: &str, call: CallId, why: Denial) -> Refusal {
        Refusal::Conflict(match why {
            Denial::NotWaiting => format!("call {call} does not wait"),
            Denial::Taken { by } => format!("{} has call {call}", self.agent_name(by)),
            Denial::NotAssigned => {
                return Refusal::Forbidden(format!("call {call} waits in none of your queues"));
            }
            Denial::Offline => format!("{username} is not at work; log in first"),
            Denial::NoPhone => format!("the phone of {username} is not registered"),
            Denial::HeldFor { agent } => {
                format!("call {call} is held for {}", self.agent_name(agent))
            }
            Denial::OnBreak => format!("{username} is on break and can reserve nothing"),
            Denial::ReservedBefore => format!("{username} had reserved call {call} before"),
            Denial::Rejected => format!(
                "{username} rejected call {call}, so it will not ring there; it can be picked up"
            ),
            Denial::NotReserved => format!("call {call} is reserved by nobody"),
            Denial::Unskilled => {
                format!("{username} lacks a skill that the queue of call {call} requires")
            }
        })
    }

    fn agent_name(&self, agent: AgentId) -> String {
        self.names
            .username(agent)
            .map_or_else(|| format!("{agent}"), String::from)
    }
}

fn denial(output: &AcdOutput) -> Option<Denial> {
    if let AcdOutput::Denied { why, .. } = output {
        Some(*why)
    } else {
        None
    }
}

fn no_call(call: CallId) -> Refusal {
    Refusal::NotFound {
        what: "call",
        name: format!("{call}"),
    }
}

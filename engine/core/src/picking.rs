//! Agents take what they choose (rule 13), or have it held for them (rule 14).
//!
//! Who may take what is the distribution core's to decide; here its answer becomes words.

use alloc::format;
use alloc::string::String;

use acd::{AgentId, Denial, Input as AcdInput, InteractionId, Output as AcdOutput};
use config::Role;

use crate::command::{Actor, Done, Refusal};
use crate::engine::Engine;
use crate::ids::CallId;

impl Engine {
    pub(crate) fn pick_up(&mut self, actor: &Actor, call: CallId) -> Result<Done, Refusal> {
        let agent = self.agent_id(&actor.username)?;
        let input = AcdInput::PickUp {
            interaction: InteractionId(call.0),
            agent,
            supervises: actor.role != Role::Attendant,
        };
        self.ask_acd(actor, call, input)
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
            return Err(Refusal::NotFound {
                what: "call",
                name: format!("{call}"),
            });
        }
        self.acd_input(input);
        let mut denied = None;
        while let Some(output) = self.acd.poll_output() {
            if let AcdOutput::Denied { why, .. } = output {
                denied = Some(why);
            }
            self.handle_acd(output);
        }
        denied.map_or(Ok(Done::Ok), |why| Err(self.refusal(actor, call, why)))
    }

    fn refusal(&self, actor: &Actor, call: CallId, why: Denial) -> Refusal {
        let username = &actor.username;
        Refusal::Conflict(match why {
            Denial::NotWaiting => format!("call {call} does not wait"),
            Denial::Taken { by } => format!("{} has call {call}", self.agent_name(by)),
            Denial::NotAssigned => {
                return Refusal::Forbidden(format!("call {call} waits in none of your queues"));
            }
            Denial::Offline => format!("{username} is not at work; log in first"),
            Denial::Talking => format!(
                "{username} is on a call; it cannot be put on hold for another one yet, so end it first"
            ),
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
        })
    }

    fn agent_name(&self, agent: AgentId) -> String {
        self.names
            .username(agent)
            .map_or_else(|| format!("{agent}"), String::from)
    }
}

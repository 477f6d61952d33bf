//! The distribution core under the load.

use std::time::Duration;

use acd::{
    Acd, AgentChange, AgentId, AlertEnd, Device, Enqueue, EntryKind, Incarnation, Input, Output,
    QueueId, Target, Tier,
};

use super::load::{Distributor, Effects, Event};
use super::{AGENTS, QUEUES, config};

/// When the centre opens.
pub const OPENS: Duration = Duration::from_secs(1_800_000_000);

/// The core.
#[derive(Debug)]
pub struct Ours(Acd);

impl Ours {
    /// The centre is open, and all agents have come.
    #[must_use]
    pub fn open() -> Self {
        let mut ours = Self(Acd::new(Incarnation {
            epoch: 1,
            node: 1,
            number: 1,
        }));
        let effects = &mut Effects::default();
        ours.hears(OPENS, Input::ConfigChanged(Box::new(config())), effects);
        for queue in (0..QUEUES).map(QueueId) {
            ours.hears(OPENS, Input::QueueOpened { queue }, effects);
        }
        for agent in (0..AGENTS).map(AgentId) {
            let device = Device::Registered;
            let change = AgentChange::Login { device };
            ours.hears(OPENS, Input::AgentChanged { agent, change }, effects);
        }
        ours
    }

    fn hears(&mut self, now: Duration, input: Input, effects: &mut Effects) {
        self.0.handle_input(now, input);
        while let Some(output) = self.0.poll_output() {
            // What else is told changes nothing for the load.
            if let Output::Alert {
                match_id,
                interaction,
                agent,
                ..
            } = output
            {
                effects.alerts.push((match_id, interaction, agent));
            } else if let Output::Connect { interaction, .. } = output {
                effects.talks.push(interaction);
            }
        }
    }
}

impl Distributor for Ours {
    fn on(&mut self, now: Duration, event: Event, effects: &mut Effects) {
        let input = match event {
            Event::Comes {
                caller,
                queue,
                priority,
            } => Input::Enqueue(Enqueue {
                interaction: caller,
                to: Target::Queue(queue),
                tier: Tier::Normal,
                priority,
                arrival: now,
                kind: EntryKind::New,
                service_acted: false,
                sticky: None,
            }),
            Event::Reserves { caller, agent } => Input::Reserve {
                interaction: caller,
                agent,
            },
            Event::Rings(match_id) => Input::AlertRinging { match_id },
            Event::Accepts(match_id) => Input::AlertEnded {
                match_id,
                end: AlertEnd::Accepted,
            },
            Event::Rejects(match_id) => Input::AlertEnded {
                match_id,
                end: AlertEnd::Rejected,
            },
            Event::HangsUp(interaction) => Input::InteractionEnded { interaction },
        };
        self.hears(now, input, effects);
    }
}

//! What keeps an agent from whatever waits: [`Agent::is_free`] with its reason.

use super::Agent;
use crate::input::Presence;
use crate::sabotage;
use crate::why::Hindrance;

impl Agent {
    /// What keeps them from being alerted, by the order of rule 7; none exactly if they are free.
    pub(crate) fn hindrance(&self) -> Option<Hindrance> {
        self.absence()
            .or_else(|| {
                let until = self.wrap_up_until();
                let owes = self.owes.first().map(|owed| owed.interaction);
                self.wrap_up.map(|_| Hindrance::WrapUp { until, owes })
            })
            .or_else(|| self.phone.hindrance())
            .or_else(|| self.lack_of_room())
    }

    fn absence(&self) -> Option<Hindrance> {
        match &self.presence {
            Presence::Offline => Some(Hindrance::Offline),
            Presence::Break(reason) => Some(Hindrance::OnBreak {
                reason: reason.clone(),
            }),
            Presence::Available => None,
        }
    }

    fn lack_of_room(&self) -> Option<Hindrance> {
        if let Some((_, interaction)) = self.alert.filter(|_| !sabotage::double_alert()) {
            return Some(Hindrance::Alerting { interaction });
        }
        if let Some(interaction) = self.interactions.last() {
            let interaction = *interaction;
            return Some(Hindrance::Busy { interaction });
        }
        (self.own_calls > 0 && !sabotage::own_call()).then_some(Hindrance::OwnCall)
    }
}

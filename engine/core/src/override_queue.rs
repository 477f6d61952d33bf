//! A supervisor opens or closes a queue against its calendar (rule 19).

use alloc::string::String;

use crate::command::{Actor, Done, OverrideEnd, OverrideState, Refusal};
use crate::engine::Engine;
use crate::journal::{Body, OverrideRecord};

impl Engine {
    pub(crate) fn override_queue(
        &mut self,
        actor: &Actor,
        queue: &str,
        state: Option<OverrideState>,
        until: OverrideEnd,
    ) -> Result<Done, Refusal> {
        if !self.snapshot.centre.queues.contains_key(queue) {
            return Err(Refusal::NotFound {
                what: "queue",
                name: queue.into(),
            });
        }
        let until_us = match (state, until) {
            (None, _) | (_, OverrideEnd::Revoked) => None,
            (Some(_), OverrideEnd::At(at)) if at > self.now.utc_us => Some(at),
            (Some(_), OverrideEnd::At(_)) => {
                let message = String::from("lies in the past; give a time to come, or null");
                return Err(Refusal::Invalid {
                    field: "until",
                    message,
                });
            }
            (Some(_), OverrideEnd::NextChange) => Some(self.calendar_change(queue)?),
        };
        let record = OverrideRecord {
            queue: queue.into(),
            state,
            until_us,
            until_next_change: state.is_some() && until == OverrideEnd::NextChange,
            by: actor.username.clone(),
        };
        self.journal(Body::Override(record.clone()));
        self.openings.set_override(record);
        self.refresh_queues();
        Ok(Done::Ok)
    }

    fn calendar_change(&mut self, queue: &str) -> Result<i64, Refusal> {
        self.ask_calendars();
        let change = self.openings.calendar_change(&self.snapshot.centre, queue);
        change.ok_or_else(|| Refusal::Invalid {
            field: "until",
            message: alloc::format!(
                "queue {queue} has no calendar that ever opens or closes again; give a time, or null"
            ),
        })
    }
}

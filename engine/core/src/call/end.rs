//! The end of a leg and of a call: everything it had is given back, once.

use alloc::boxed::Box;

use acd::{Input as AcdInput, InteractionId};
use config::Role;
use sip::dialog::{Dialog, Snapshot};
use sip::{Flow, Method, Transport};

use super::{Leg, LegState, Stage};
use crate::command::{Actor, Done, Refusal};
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, EndedBy, Event, LeftQueue};
use crate::ids::{CallId, LegId};
use crate::journal::{Body, DialogRecord};
use crate::output::Output;
use crate::sabotage;

/// By how much a CSeq may have grown since it was written down: whatever the peer has seen, ours is higher.
pub(super) const CSEQ_MARGIN: u32 = 1_000;

impl Engine {
    /// Ends a call. `status` answers a caller who is not answered yet; everyone who is gets a BYE.
    pub(crate) fn end_call(
        &mut self,
        call: CallId,
        cause: EndCause,
        by: EndedBy,
        status: Option<u16>,
    ) {
        self.end_call_without(None, call, cause, by, status);
    }

    /// The same, where `gone` has ended its own leg.
    ///
    /// The distribution core hears of the call first, of the phones that are free again afterwards: what the call made room for
    /// goes by rank to whoever is free (I4), and nobody is alerted for their own call.
    pub(super) fn end_call_without(
        &mut self,
        gone: Option<LegId>,
        call: CallId,
        cause: EndCause,
        by: EndedBy,
        status: Option<u16>,
    ) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let (caller, other, stage) = (found.caller, found.other(), found.stage.clone());
        let interaction = InteractionId(call.0);
        let waited = matches!(stage, Stage::Waiting(_));
        match stage {
            Stage::Waiting(_) => {
                let abandoned = matches!(by, EndedBy::Caller);
                self.publish_left(
                    call,
                    if abandoned {
                        LeftQueue::Abandoned
                    } else {
                        LeftQueue::Ended
                    },
                );
                self.acd_input(AcdInput::Leave { interaction });
            }
            Stage::Connected {
                distributed: true, ..
            } => {
                self.acd_input(AcdInput::InteractionEnded { interaction });
            }
            Stage::Connected { .. }
            | Stage::Routing
            | Stage::Announcing
            | Stage::Dialling
            | Stage::Parked(_)
            | Stage::Placing { .. } => {}
        }
        let is_up = |leg: &LegId| {
            let state = self.legs.get(leg).map(|leg| &leg.state);
            matches!(state, Some(LegState::Up { .. }))
        };
        if let Some(gone) = gone.filter(is_up) {
            self.end_leg(gone, cause.clone());
        }
        self.stop_rings(call, EndResult::Withdrawn);
        self.finish_leg(caller, &cause, status);
        if let Some(other) = other {
            self.finish_leg(other, &cause, None);
        }
        self.remove_call(call);
        if waited {
            // Its alert ends before it does: nothing happens to a call after its end (I6).
            self.settle_acd();
        }
        if sabotage::double_record() && cause.result == EndResult::Abandoned {
            let cause = cause.clone();
            self.publish(Event::CallEnded { call, cause, by });
        }
        self.publish(Event::CallEnded { call, cause, by });
    }

    /// Tells the far end, then forgets the leg.
    fn finish_leg(&mut self, leg: LegId, cause: &EndCause, status: Option<u16>) {
        match self.legs.get(&leg).map(|leg| &leg.state) {
            Some(LegState::Incoming { .. }) => {
                let status = status
                    .or(cause.sip_status)
                    .filter(|status| *status >= 300)
                    .unwrap_or(480);
                self.refuse_leg(leg, status);
            }
            Some(LegState::Up { .. }) => {
                if !self.take_back(leg, status.unwrap_or(480)) {
                    self.send_bye(leg, None);
                }
            }
            Some(LegState::Placed | LegState::Calling { .. }) | None => {}
        }
        self.end_leg(leg, cause.clone());
    }

    /// Answers an INVITE of theirs with a status of 300 and more.
    pub(super) fn refuse_leg(&mut self, leg: LegId, status: u16) {
        if let Some(LegState::Incoming {
            server,
            invite,
            dialog,
        }) = self.legs.get(&leg).map(|leg| &leg.state)
        {
            let response = sip::ResponseBuilder::new(invite, status).to_tag(dialog.local_tag());
            let server = *server;
            self.count_leg_refused(leg, status);
            self.respond(server, response);
        }
    }

    /// Forgets a leg and says so.
    pub(crate) fn end_leg(&mut self, leg: LegId, cause: EndCause) {
        if let Some(call) = self.legs.get(&leg).map(|leg| leg.call) {
            self.forget_leg(leg);
            self.publish(Event::LegEnded { call, leg, cause });
        }
    }

    /// Takes a leg out of every index and gives its ports back.
    pub(crate) fn forget_leg(&mut self, leg: LegId) {
        self.close_media(leg);
        let Some(gone) = self.legs.remove(&leg) else {
            return;
        };
        let gone = *gone;
        let reliable = gone.extensions.reliable.as_ref();
        let alarms = [gone.extensions.alarm, reliable.and_then(|it| it.alarm)];
        self.output(Output::LegUntraced { leg });
        gone.timers
            .iter()
            .chain(alarms.iter().flatten())
            .for_each(|timer| self.timers.cancel(*timer));
        self.forget_errands(&gone);
        for early in gone.early_dialogs() {
            self.index.dialogs.remove(&early);
        }
        if let Some(client) = gone.asked {
            self.index.asked.remove(&client);
        }
        if let Some(dialog) = gone.dialog() {
            self.index.dialogs.remove(&dialog.key());
        }
        match &gone.state {
            LegState::Incoming { server, .. } => {
                self.index.servers.remove(*server);
            }
            LegState::Calling { client, .. } => {
                self.index.clients.remove(client);
            }
            LegState::Up { .. } => {
                self.index.servers.forget(leg);
                self.note_dialog_gone(leg);
            }
            LegState::Placed => {}
        }
        self.index.media.remove(&gone.media.key.leg);
        self.forget_seat(&gone);
    }

    /// The leg counts neither for its trunk nor for its phone any more.
    pub(super) fn forget_seat(&mut self, gone: &Leg) {
        if let Some(trunk) = &gone.trunk
            && let Some(count) = self.index.trunk_legs.get_mut(trunk)
        {
            *count = count.saturating_sub(1);
        }
        if let Some(extension) = &gone.extension
            && let Some(legs) = self.index.own.get_mut(extension)
            && legs.remove(&gone.id)
        {
            if legs.is_empty() {
                self.index.own.remove(extension);
            }
            self.own_calls_changed(extension);
        }
    }

    pub(crate) fn hang_up_by_command(
        &mut self,
        actor: &Actor,
        call: CallId,
    ) -> Result<Done, Refusal> {
        let not_found = || Refusal::NotFound {
            what: "call",
            name: alloc::format!("{call}"),
        };
        let found = self.calls.get(&call).ok_or_else(not_found)?;
        let sides = [Some(found.caller), found.other()];
        let mut of_user = sides
            .into_iter()
            .flatten()
            .filter_map(|leg| self.legs.get(&leg)?.user.as_deref());
        let own = of_user.any(|user| user == actor.username);
        if actor.role == Role::Attendant && !own {
            return Err(Refusal::Forbidden(alloc::format!(
                "call {call} is not one of yours"
            )));
        }
        let result = if found.is_connected() {
            EndResult::Answered
        } else {
            EndResult::Failed
        };
        let reason = Some(alloc::format!("ended by {}", actor.username));
        self.end_call(
            call,
            EndCause {
                result,
                sip_status: None,
                reason,
            },
            EndedBy::User,
            Some(480),
        );
        Ok(Done::Ok)
    }

    /// After a crash: every dialog that was up gets a BYE that its peer accepts.
    pub(crate) fn end_interrupted_dialogs(&mut self) {
        let records: alloc::vec::Vec<Box<DialogRecord>> =
            self.durable.dialogs.values().cloned().collect();
        for record in records {
            let leg = record.leg;
            self.end_interrupted_dialog(*record);
            self.journal(Body::DialogGone(leg));
        }
    }

    fn end_interrupted_dialog(&mut self, record: DialogRecord) -> Option<()> {
        let flow = Flow {
            transport: Transport::parse(&record.transport)?,
            local: record.local.parse().ok()?,
            remote: record.remote.parse().ok()?,
            connection: None,
        };
        let snapshot = Snapshot {
            call_id: record.call_id,
            local_tag: record.local_tag,
            remote_tag: record.remote_tag,
            local_cseq: record.local_cseq.saturating_add(CSEQ_MARGIN),
            remote_cseq: None,
            route_set: record.route_set,
            remote_target: record.remote_target,
            local_uri: record.local_uri,
            remote_uri: record.remote_uri,
            contact: alloc::format!("<{}>", self.contact_on(&flow, false)),
            secure: false,
            confirmed: true,
            owns_call_id: false,
        };
        let bye = Dialog::restore(snapshot).ok()?.request(Method::Bye);
        self.layer
            .send_request(self.now.mono, flow, bye)
            .ok()
            .map(|_| ())
    }
}

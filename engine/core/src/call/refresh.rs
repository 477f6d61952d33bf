//! Session timers of legs (RFC 4028): refreshes, those that fail, and sessions that nobody refreshed.
//!
//! A refresh is an UPDATE where the far end takes one, else a re-INVITE whose description says what the last one said. One
//! that is refused for a passing reason is tried again while the session holds; one that shows that the dialog is
//! gone ends the call, as does a far end that ought to have refreshed.

use core::time::Duration;

use ::media::sdp::{self, SdpAnswer};
use sip::dialog::{Due, SessionTimer, retry_after_glare};
use sip::transaction::ServerId;
use sip::{HeaderName, Message, Method};

use super::LegState;
use super::end::CSEQ_MARGIN;
use super::errands::Errand;
use crate::engine::{Engine, Timer};
use crate::event::{EndCause, EndedBy};
use crate::ids::LegId;
use crate::sabotage;

/// How soon a refresh is tried again that could not be sent because the other side's offer was under way.
const SOON: Duration = Duration::from_secs(1);

impl Engine {
    /// Refuses a request whose session would have to be refreshed too often.
    pub(super) fn refuses_interval(
        &mut self,
        server: ServerId,
        request: &Message,
        timer: &SessionTimer,
    ) -> bool {
        let Err(too_small) = timer.judge(request) else {
            return false;
        };
        let response = self.response(request, 422);
        self.respond(
            server,
            response.display(HeaderName::MinSe, too_small.min_se_s),
        );
        true
    }

    /// Sees to it that the session timer is heard when it has something to say.
    pub(super) fn set_session_alarm(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        if let Some(before) = found.extensions.alarm.take() {
            self.timers.cancel(before);
        }
        if let Some(at) = found.extensions.timer.poll_timeout() {
            found.extensions.alarm = Some(self.timers.set(at, Timer::Session(leg)));
        }
    }

    pub(crate) fn on_session_timer(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let timer = &mut found.extensions.timer;
        let interval_s = timer.interval_s();
        timer.handle_timeout(self.now.mono);
        match timer.poll_output() {
            Some(Due::Refresh) => {
                if self.refresh(leg).is_none() {
                    self.refresh_again(leg, Some(SOON));
                }
            }
            Some(Due::Expired) if !sabotage::session_expired() => {
                let seconds = interval_s.unwrap_or_default();
                let why = alloc::format!("did not refresh its session of {seconds} s");
                return self.session_is_over(leg, &why, None);
            }
            Some(Due::Expired) | None => {}
        }
        self.set_session_alarm(leg);
    }

    /// Sends a refresh; `None` when that cannot be now.
    fn refresh(&mut self, leg: LegId) -> Option<()> {
        let flow = self.in_dialog_flow(leg)?;
        let by_update = self.legs.get(&leg)?.extensions.takes_updates;
        let method = match by_update {
            true => Method::Update,
            // Only one INVITE at a time in a dialog (RFC 3261 §14.1).
            false if self.may_reinvite(leg) => Method::Invite,
            false => return None,
        };
        let found = self.legs.get_mut(&leg)?;
        let LegState::Up { dialog } = &mut found.state else {
            return None;
        };
        let body = match by_update {
            true => None,
            false => Some(found.media.negotiation.repeat()?.to_bytes()),
        };
        let request = dialog.request(method);
        let cseq = dialog.local_cseq();
        let request = request.header(HeaderName::Allow, super::requests::ALLOW);
        let request = found.extensions.write(request, method);
        let (request, errand) = match body {
            None => (request, Errand::Update),
            Some(body) => {
                found.offers.on_sent();
                let request = request.body(sdp::CONTENT_TYPE, body);
                (request, Errand::Reinvite { cseq })
            }
        };
        if cseq.is_multiple_of(CSEQ_MARGIN / 2) {
            // The BYE after a crash has to be above what the peer has seen.
            self.journal_dialog(leg);
        }
        self.send_errand(leg, flow, request, errand)
    }

    fn may_reinvite(&self, leg: LegId) -> bool {
        let quiet = self.legs.get(&leg).is_some_and(|leg| leg.offers.may_send());
        quiet && self.unacknowledged(leg).is_none()
    }

    /// A refresh of ours was accepted, and may name another target (RFC 3311 §5.1, RFC 3261 §12.2.1.2).
    pub(super) fn refreshed(&mut self, leg: LegId, response: &Message) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        found.extensions.timer.on_success(self.now.mono, response);
        found.extensions.note_allow(response);
        let moved = found.dialog_mut().is_some_and(|dialog| {
            let before = dialog.remote_target().clone();
            dialog.refresh_target(response).is_ok() && *dialog.remote_target() != before
        });
        if moved {
            self.journal_dialog(leg);
        }
        self.set_session_alarm(leg);
    }

    /// The same by a re-INVITE, whose answer holds from now on.
    pub(super) fn reinvited(&mut self, leg: LegId, response: &Message) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        found.offers.on_sent_done();
        let negotiation = &mut found.media.negotiation;
        let before = negotiation.agreed().copied();
        let answer = SdpAnswer::parse(&response.body());
        let agreed = answer.is_ok_and(|answer| negotiation.accept_answer(&answer).is_ok());
        if !agreed {
            // What was agreed before still holds: only the session was to be refreshed.
            negotiation.abandon_offer();
        }
        let changed = negotiation.agreed().copied() != before;
        self.refreshed(leg, response);
        if changed {
            self.session_changed(leg);
        }
    }

    /// A refresh of ours got another answer, or none.
    pub(super) fn refresh_failed(
        &mut self,
        leg: LegId,
        errand: Errand,
        response: Option<&Message>,
    ) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let by_update = errand == Errand::Update;
        if !by_update {
            found.offers.on_sent_done();
            found.media.negotiation.abandon_offer();
        }
        let owns_call_id = found.dialog().is_some_and(|dialog| dialog.owns_call_id());
        let Some((response, status)) = response.and_then(|it| Some((it, it.status()?))) else {
            return self.session_is_over(
                leg,
                "did not answer when its session was refreshed",
                None,
            );
        };
        let wait = match status {
            408 | 481 => {
                let why = alloc::format!("answered {status} when its session was refreshed");
                return self.session_is_over(leg, &why, Some(status));
            }
            405 | 501 if by_update => {
                found.extensions.takes_updates = false;
                Some(Duration::ZERO)
            }
            422 if found.extensions.timer.on_too_small(response) => Some(Duration::ZERO),
            491 => Some(retry_after_glare(owns_call_id, self.secrets.next())),
            _ => {
                let after = response.retry_after();
                after.map(|after| Duration::from_secs(after.seconds.into()))
            }
        };
        self.refresh_again(leg, wait);
        self.set_session_alarm(leg);
    }

    fn refresh_again(&mut self, leg: LegId, wait: Option<Duration>) {
        if let Some(found) = self.legs.get_mut(&leg) {
            found.extensions.timer.again(self.now.mono, wait);
        }
    }

    fn session_is_over(&mut self, leg: LegId, why: &str, status: Option<u16>) {
        let Some(call) = self.legs.get(&leg).map(|leg| leg.call) else {
            return;
        };
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let who = match found.caller == leg {
            true => "caller",
            false => "callee",
        };
        let cause = EndCause {
            result: found.result_if_left(),
            sip_status: status,
            reason: Some(alloc::format!("the {who}'s side {why} (RFC 4028)")),
        };
        self.end_call(call, cause, EndedBy::System, None);
    }
}

//! What a UA does when it is called, and with requests of the other side within a call.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use sipx_sip::{HeaderName, Method, Request, TransactionKey};

use super::{
    Alarm, CallRef, Cancel, Dialling, LINGER, Manner, RINGS_MAX, Repeat, Stage, Ua, UaCall, What,
    wire,
};
use crate::sdp::{Sdp, Way};

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

impl Ua {
    fn manner_of(&self, request: &Request) -> Manner {
        let line = wire::user(&request.uri);
        self.manners.get(&line).copied().unwrap_or_default()
    }

    /// An INVITE of a new call that this line does not hear, or not yet.
    pub(super) fn sleeps_through(&mut self, request: &Request, payload: &Bytes) -> bool {
        if request.method != Method::Invite
            || wire::tag(&request.headers, &HeaderName::To).is_some()
        {
            return false;
        }
        match self.manner_of(request) {
            Manner::IsSilent => true,
            Manner::RingsAfter(sleep) | Manner::AnswersAfter(sleep) => {
                let asleep = self
                    .alarms
                    .values()
                    .any(|alarm| matches!(alarm, Alarm::Read(read) if read == payload));
                if !asleep {
                    self.set_alarm(sleep, Alarm::Read(payload.clone()));
                }
                true
            }
            Manner::Rings
            | Manner::OnlyTries
            | Manner::Refuses(_)
            | Manner::Answers
            | Manner::PlaysTone
            | Manner::Progresses => false,
        }
    }

    pub(super) fn on_request(&mut self, key: &TransactionKey, request: Request) {
        let within = wire::tag(&request.headers, &HeaderName::To).is_some();
        match &request.method {
            Method::Invite if !within => self.on_call(key, request),
            Method::Invite => self.on_reinvite(key, &request),
            Method::Bye => self.on_bye(key, &request),
            Method::Cancel => self.on_cancel(key, &request),
            Method::Options if within => self.on_options(key, &request),
            Method::Notify if within => self.on_notify(key, &request),
            Method::Options => self.reply(key, &request, 200),
            _ => self.reply(key, &request, 405),
        }
    }

    pub(super) fn reply(&mut self, key: &TransactionKey, request: &Request, status: u16) {
        let tag = self.token();
        let contact = self.contact(&wire::user(&request.uri));
        self.respond(key, wire::response(request, status, &tag, &contact, None));
    }

    fn on_call(&mut self, key: &TransactionKey, request: Request) {
        let line = wire::user(&request.uri);
        let from = wire::uri(&request.headers, &HeaderName::From);
        let target = wire::uri(&request.headers, &HeaderName::Contact);
        match &target {
            Some(target) => self.check_target(target),
            None => self.faults.push("an INVITE has no Contact".into()),
        }
        let busy = !self.call_waiting && self.calls_of(&line).next().is_some();
        let (local_tag, port) = (self.token(), self.fresh_port());
        let call = UaCall {
            far: from.as_ref().map(wire::user).unwrap_or_default(),
            stage: Stage::Ringing,
            way: Way::Both,
            heard: Sdp::parse(request.body()),
            status: None,
            their_cseq: wire::cseq(&request.headers).map_or(0, |cseq| cseq.sequence),
            notified: Vec::new(),
            call_id: wire::text(&request.headers, &HeaderName::CallId),
            local: wire::text(&request.headers, &HeaderName::To),
            remote: from.map(|uri| format!("<{uri}>")).unwrap_or_default(),
            local_tag,
            remote_tag: wire::tag(&request.headers, &HeaderName::From),
            early_tag: None,
            target: target.map(|uri| uri.to_string()).unwrap_or_default(),
            cseq: 0,
            port,
            version: 0,
            dialling: Dialling::default(),
            invite: Some((key.clone(), request.clone())),
            progressed: false,
            cancel: Cancel::No,
            challenged: false,
            repeat: None,
            hangs_up: false,
            acks: BTreeMap::new(),
            bye_status: None,
            bye_came: false,
            survived_a_crash: false,
            dialled: false,
            reinvite: None,
            muted: false,
            silent_since: None,
            line,
        };
        let manner = self.manner_of(&request);
        let id = self.add_call(call);
        self.set_alarm(RINGS_MAX, Alarm::RangOut(id));
        if busy {
            return self.refuse(self.now, id, 486);
        }
        match manner {
            Manner::Rings | Manner::RingsAfter(_) => self.ring(id, 180, None),
            Manner::Progresses => self.ring(id, 183, None),
            Manner::PlaysTone => {
                let body = self.session_for(id, &request);
                self.ring(id, 183, body);
            }
            Manner::Refuses(status) => self.refuse(self.now, id, status),
            Manner::Answers | Manner::AnswersAfter(_) => self.answer(self.now, id),
            // The transaction says 100 by itself after 200 ms (RFC 3261 §17.2.1).
            Manner::OnlyTries | Manner::IsSilent => {}
        }
    }

    fn ring(&mut self, id: CallRef, status: u16, body: Option<String>) {
        self.respond_to_invite(id, status, body);
        self.tell(id, What::Rings);
    }

    /// Now it rings, whatever it said before.
    pub(crate) fn start_ringing(&mut self, now: Duration, id: CallRef) {
        self.now = now;
        self.respond_to_invite(id, 180, None);
    }

    fn respond_to_invite(&mut self, id: CallRef, status: u16, body: Option<String>) -> Option<()> {
        let call = self.calls.get(&id)?;
        let contact = self.contact(&call.line);
        let (key, request) = call.invite.clone()?;
        let response = wire::response(&request, status, &call.local_tag, &contact, body);
        if (200..300).contains(&status) {
            self.repeat_until_ack(id, key.clone(), response.clone());
        }
        self.respond(&key, response);
        Some(())
    }

    fn repeat_until_ack(&mut self, id: CallRef, key: TransactionKey, response: sipx_sip::Response) {
        let until = self.now + LINGER;
        if let Some(call) = self.calls.get_mut(&id) {
            call.repeat = Some(Repeat {
                key,
                response,
                interval: T1,
                until,
            });
        }
        self.set_alarm(T1, Alarm::Repeat(id));
    }

    /// The handset is lifted.
    pub(crate) fn answer(&mut self, now: Duration, id: CallRef) {
        self.now = now;
        let ringing = self
            .calls
            .get(&id)
            .filter(|call| call.stage == Stage::Ringing);
        let Some((_, request)) = ringing.and_then(|call| call.invite.clone()) else {
            return;
        };
        let Some(body) = self.session_for(id, &request) else {
            return self.refuse(now, id, 488);
        };
        self.respond_to_invite(id, 200, Some(body));
        if let Some(call) = self.calls.get_mut(&id) {
            call.stage = Stage::Up;
        }
        self.tell(id, What::Answered);
    }

    /// The call is refused.
    pub(crate) fn refuse(&mut self, now: Duration, id: CallRef, status: u16) {
        self.now = now;
        if self
            .calls
            .get(&id)
            .is_none_or(|call| call.stage != Stage::Ringing)
        {
            return;
        }
        self.respond_to_invite(id, status, None);
        self.end(id, What::Refused(status));
    }

    /// Our 2xx is sent again until its ACK comes (RFC 3261 §13.3.1.4).
    pub(super) fn repeat_success(&mut self, id: CallRef) {
        let Some(repeat) = self
            .calls
            .get_mut(&id)
            .and_then(|call| call.repeat.as_mut())
        else {
            return;
        };
        if self.now >= repeat.until {
            return self.hang_up(self.now, id);
        }
        repeat.interval = (repeat.interval * 2).min(T2);
        let (interval, key, response) =
            (repeat.interval, repeat.key.clone(), repeat.response.clone());
        self.respond(&key, response);
        self.set_alarm(interval, Alarm::Repeat(id));
    }

    /// The ACK of a 2xx of ours.
    pub(super) fn on_ack(&mut self, request: &Request) {
        let cseq = wire::cseq(&request.headers).map_or(0, |cseq| cseq.sequence);
        let Some(id) = self.call_of(request) else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let of_invite = call.repeat.as_ref().is_some_and(|repeat| {
            wire::cseq(&repeat.response.headers).is_some_and(|of| of.sequence == cseq)
        });
        if of_invite {
            call.repeat = None;
            if let Some(answer) = Sdp::parse(request.body()) {
                call.heard = Some(answer);
            }
            if call.hangs_up {
                self.hang_up(self.now, id);
            }
        }
    }

    fn on_reinvite(&mut self, key: &TransactionKey, request: &Request) {
        let Some(id) = self.in_order(request) else {
            return self.reply(key, request, 481);
        };
        let body = self.session_for(id, request);
        let status = if body.is_some() { 200 } else { 488 };
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let contact = self.contact(&call.line);
        let response = wire::response(request, status, &call.local_tag, &contact, body);
        if status == 200 {
            self.repeat_until_ack(id, key.clone(), response.clone());
        }
        self.respond(key, response);
    }

    fn on_bye(&mut self, key: &TransactionKey, request: &Request) {
        let Some(id) = self.in_order(request) else {
            if !self.rebooted {
                let call_id = wire::text(&request.headers, &HeaderName::CallId);
                self.faults.push(format!(
                    "a BYE came for {call_id}, which is not, or long over"
                ));
            }
            return self.reply(key, request, 481);
        };
        self.reply(key, request, 200);
        if let Some(call) = self.calls.get_mut(&id) {
            // Who was refused, and whose INVITE came once more later on, never sees the 2xx: only time ends that call.
            let refused = call.status.is_some_and(|status| status >= 300);
            let dialled = call.dialled && !call.dialling.withholds_ack && !refused;
            if dialled && call.acks.is_empty() && !call.survived_a_crash {
                self.faults
                    .push("a BYE came before the ACK to the 2xx had left".into());
            }
            call.bye_came = true;
        }
        self.end(id, What::Ended);
    }

    /// It is there, and answers as its maker thought best; to one who means a call that is not, 481.
    fn on_options(&mut self, key: &TransactionKey, request: &Request) {
        let call = self.in_order(request).and_then(|id| self.calls.get(&id));
        let is_up = call.is_some_and(|call| call.stage != Stage::Over);
        self.reply(key, request, if is_up { self.says_to_options } else { 481 });
    }

    /// The call of a request within it, whose CSeq must be higher than those before (RFC 3261 §12.2.2).
    pub(super) fn in_order(&mut self, request: &Request) -> Option<CallRef> {
        let id = self.call_of(request)?;
        let call = self.calls.get_mut(&id)?;
        let cseq = wire::cseq(&request.headers)?.sequence;
        // A 2xx of ours that came twice to a daemon just restarted is hung up twice: the second finds the call over.
        if cseq <= call.their_cseq && call.stage != Stage::Over {
            self.faults.push(format!(
                "{} came with CSeq {cseq} after {}",
                request.method, call.their_cseq
            ));
        }
        call.their_cseq = cseq;
        Some(id)
    }

    fn on_cancel(&mut self, key: &TransactionKey, request: &Request) {
        let call_id = wire::text(&request.headers, &HeaderName::CallId);
        let found = self.by_call_id.get(&call_id).copied();
        let branch = wire::branch(&request.headers);
        let matches = found
            .and_then(|id| self.calls.get(&id))
            .is_some_and(|call| {
                let invite = call.invite.as_ref();
                invite.is_some_and(|(_, invite)| wire::branch(&invite.headers) == branch)
            });
        if !matches {
            return self.reply(key, request, 481);
        }
        self.reply(key, request, 200);
        let Some(id) = found else { return };
        if self
            .calls
            .get(&id)
            .is_some_and(|call| call.stage == Stage::Ringing)
        {
            self.respond_to_invite(id, 487, None);
            self.end(id, What::Ended);
        }
    }
}

//! What a UA does with calls of its own making, and within a call that is up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use sipx_sip::{HeaderName, Message, Method, Request, Response};

use super::registering::is_stale;
use super::wire::{self, Outline};
use super::{Alarm, CallRef, Cancel, Dialling, LINGER, Purpose, Stage, Ua, UaCall, What};
use crate::sdp::{Sdp, Way};

impl Ua {
    /// Calls a number from one of its lines.
    pub(crate) fn dial(
        &mut self,
        now: Duration,
        line: &str,
        number: &str,
        dialling: Dialling,
    ) -> CallRef {
        self.now = now;
        let (call_id, local_tag, port) = (self.token(), self.token(), self.fresh_port());
        let target = format!("sip:{number}@{}", self.server);
        let call = UaCall {
            line: line.into(),
            far: number.into(),
            stage: Stage::Inviting,
            way: Way::Both,
            heard: None,
            status: None,
            their_cseq: 0,
            notified: Vec::new(),
            call_id,
            local: format!("<sip:{line}@{}>", self.domain),
            remote: format!("<sip:{number}@{}>", self.domain),
            local_tag,
            remote_tag: None,
            early_tag: None,
            target,
            cseq: 0,
            port,
            version: 0,
            dialling,
            invite: None,
            progressed: false,
            cancel: Cancel::No,
            challenged: false,
            repeat: None,
            hangs_up: false,
            acks: BTreeMap::new(),
            bye_status: None,
            bye_came: false,
            survived_a_crash: false,
            dialled: true,
            reinvite: None,
            muted: false,
            silent_since: None,
        };
        let id = self.add_call(call);
        self.send_invite(id, Vec::new());
        id
    }

    fn send_invite(&mut self, id: CallRef, extra: Vec<(HeaderName, String)>) {
        let offer = self
            .calls
            .get(&id)
            .is_some_and(|call| !call.dialling.late_offer);
        let body = offer.then(|| self.description(id, Way::Both)).flatten();
        let Some(request) = self.request_in(id, Method::Invite, extra, body) else {
            return;
        };
        let sent = self.send(request.clone(), Purpose::Invite(id));
        if let (Some(key), Some(call)) = (sent, self.calls.get_mut(&id)) {
            call.invite = Some((key, request));
        }
    }

    /// A request of this call, with the next CSeq.
    pub(super) fn request_in(
        &mut self,
        id: CallRef,
        method: Method,
        mut extra: Vec<(HeaderName, String)>,
        body: Option<String>,
    ) -> Option<Request> {
        let branch = self.branch();
        let contact = self.contact(&self.calls.get(&id)?.line);
        let address = self.address;
        let call = self.calls.get_mut(&id)?;
        call.cseq += 1;
        if matches!(method, Method::Invite | Method::Refer) {
            extra.push((HeaderName::Contact, contact));
        }
        let replaces = call.dialling.replaces.clone();
        let replaces = replaces.filter(|_| method == Method::Invite && call.remote_tag.is_none());
        extra.extend(replaces.map(|replaces| (HeaderName::Replaces, replaces)));
        let outline = call.outline(method, call.cseq, branch, address);
        Some(
            Outline {
                extra,
                body,
                ..outline
            }
            .request(),
        )
    }

    /// Our description, one version on.
    fn description(&mut self, id: CallRef, way: Way) -> Option<String> {
        let ip = self.address.ip();
        let call = self.calls.get_mut(&id)?;
        call.version += 1;
        let sdp = Sdp {
            address: (ip, call.port).into(),
            payloads: call.dialling.payloads.clone(),
            way,
        };
        Some(sdp.print(call.version))
    }

    /// Our answer to their offer; `None` when nothing is common.
    pub(super) fn answer_to(&mut self, id: CallRef, offer: &Sdp) -> Option<String> {
        let ip = self.address.ip();
        let call = self.calls.get_mut(&id)?;
        let answer =
            offer.answered_by((ip, call.port).into(), &call.dialling.payloads, Way::Both)?;
        call.version += 1;
        call.heard = Some(offer.clone());
        Some(answer.print(call.version))
    }

    /// What our 2xx has in it: an answer to their offer, or our offer.
    pub(super) fn session_for(&mut self, id: CallRef, request: &Request) -> Option<String> {
        match Sdp::parse(request.body()) {
            Some(offer) => self.answer_to(id, &offer),
            None => self.description(id, Way::Both),
        }
    }

    pub(super) fn on_invite_response(&mut self, id: CallRef, response: &Response) {
        let status = response.status.code();
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.status = Some(status);
        match status {
            100..200 => self.on_progress(id, response),
            200..300 => self.on_success(id, response),
            401 if call.cancel == Cancel::No
                && (!call.challenged || is_stale(&response.headers)) =>
            {
                call.challenged = true;
                let uri = call.target.clone();
                match self.prove(&response.headers, &uri) {
                    Some(proof) => self.send_invite(id, vec![proof]),
                    None => self.end(id, What::Refused(status)),
                }
            }
            _ => self.end(id, What::Refused(status)),
        }
    }

    fn on_progress(&mut self, id: CallRef, response: &Response) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.progressed = true;
        call.early_tag = wire::tag(&response.headers, &HeaderName::To);
        let status = response.status.code();
        if let Some(sdp) = Sdp::parse(response.body()) {
            call.heard = Some(sdp);
        }
        if call.cancel == Cancel::Wanted {
            self.send_cancel(id);
        }
        if status > 100 {
            self.tell(id, What::Progress(status));
        }
    }

    fn on_success(&mut self, id: CallRef, response: &Response) {
        let tag = wire::tag(&response.headers, &HeaderName::To);
        let target = wire::uri(&response.headers, &HeaderName::Contact);
        let cseq = wire::cseq(&response.headers).map_or(0, |cseq| cseq.sequence);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(ack) = call.acks.get(&cseq) {
            if call.remote_tag != tag {
                return self.end_second_answer(id, cseq, tag);
            }
            self.out.push_back(Message::Request(ack.clone()).to_bytes());
            return;
        }
        if call.stage == Stage::Up && call.remote_tag == tag {
            // Sent again for want of the ACK that we withhold.
            return;
        }
        call.remote_tag = tag;
        match target {
            Some(target) => {
                call.target = target.to_string();
                self.check_target(&target);
            }
            None => self.faults.push("a 200 to an INVITE has no Contact".into()),
        }
        self.take_session(id, response, cseq);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.stage == Stage::Inviting && call.cancel == Cancel::No {
            call.stage = Stage::Up;
            self.tell(id, What::Answered);
        } else {
            // It crossed our CANCEL: hung up as soon as it is acknowledged (RFC 3261 §9.1).
            call.stage = Stage::Up;
            self.hang_up(self.now, id);
        }
    }

    /// Reads the description of a 2xx and acknowledges it, with our answer when theirs was the offer.
    fn take_session(&mut self, id: CallRef, response: &Response, cseq: u32) {
        let heard = Sdp::parse(response.body());
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (late, withheld) = (call.dialling.late_offer, call.dialling.withholds_ack);
        match &heard {
            Some(sdp) => call.heard = Some(sdp.clone()),
            None => self
                .faults
                .push("a 200 to an INVITE has no description".into()),
        }
        let body = heard
            .filter(|_| late)
            .and_then(|offer| self.answer_to(id, &offer));
        if !withheld {
            self.send_ack(id, cseq, body);
        }
    }

    fn send_ack(&mut self, id: CallRef, cseq: u32, body: Option<String>) {
        let (branch, address) = (self.branch(), self.address);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let outline = call.outline(Method::Ack, cseq, branch, address);
        let ack = Outline { body, ..outline }.request();
        call.acks.insert(cseq, ack.clone());
        self.out.push_back(Message::Request(ack).to_bytes());
    }

    /// Sends the ACK that was withheld.
    pub(crate) fn acknowledge(&mut self, now: Duration, id: CallRef) {
        self.now = now;
        if let Some(cseq) = self.calls.get(&id).map(|call| call.cseq) {
            self.send_ack(id, cseq, None);
        }
    }

    /// Another answer to the same INVITE, as from a fork: acknowledged and hung up (RFC 3261 §13.2.2.4).
    fn end_second_answer(&mut self, id: CallRef, cseq: u32, tag: Option<String>) {
        let (branches, address) = ([self.branch(), self.branch()], self.address);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let first = std::mem::replace(&mut call.remote_tag, tag);
        let [ack, bye] = branches;
        let ack = call.outline(Method::Ack, cseq, ack, address).request();
        let bye = call.outline(Method::Bye, cseq + 1, bye, address).request();
        call.remote_tag = first;
        self.out.push_back(Message::Request(ack).to_bytes());
        self.send(bye, Purpose::Aside);
    }

    /// Puts the other side on hold.
    pub(crate) fn hold(&mut self, now: Duration, id: CallRef) {
        self.reinvite(now, id, Some(Way::SendOnly));
    }

    /// Takes the other side from hold.
    pub(crate) fn resume(&mut self, now: Duration, id: CallRef) {
        self.reinvite(now, id, Some(Way::Both));
    }

    /// A re-INVITE; without a way it has no offer in it.
    pub(crate) fn reinvite(&mut self, now: Duration, id: CallRef, way: Option<Way>) {
        self.now = now;
        if self
            .calls
            .get(&id)
            .is_none_or(|call| call.stage != Stage::Up)
        {
            return;
        }
        let body = way.and_then(|way| self.description(id, way));
        if let Some(call) = self.calls.get_mut(&id) {
            call.reinvite = Some(way.unwrap_or(call.way));
            call.dialling.late_offer = way.is_none();
        }
        if let Some(request) = self.request_in(id, Method::Invite, Vec::new(), body) {
            self.send(request, Purpose::Reinvite(id));
        }
    }

    pub(super) fn on_reinvite_response(&mut self, id: CallRef, response: &Response) {
        let status = response.status.code();
        let cseq = wire::cseq(&response.headers).map_or(0, |cseq| cseq.sequence);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.status = Some(status);
        if status < 200 {
            return;
        }
        if status < 300 {
            if let Some(ack) = call.acks.get(&cseq) {
                return self.out.push_back(Message::Request(ack.clone()).to_bytes());
            }
            if let Some(way) = call.reinvite.take() {
                call.way = way;
                call.note_silence(self.now);
            }
            self.take_session(id, response, cseq);
        }
        self.tell(id, What::Changed(status));
        // No dialog any more: there is nothing to hang up (RFC 3261 §14.1).
        if status == 481 || status == 408 {
            self.end(id, What::Lost);
        }
    }

    /// The handset is put down, whatever the call is at.
    pub(crate) fn hang_up(&mut self, now: Duration, id: CallRef) {
        self.now = now;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match call.stage {
            Stage::Inviting if call.cancel == Cancel::No && call.progressed => self.send_cancel(id),
            Stage::Inviting if call.cancel == Cancel::No => {
                call.cancel = Cancel::Wanted;
                self.set_alarm(2 * LINGER, Alarm::GiveUp(id));
            }
            Stage::Inviting | Stage::Over => {}
            Stage::Ringing => self.refuse(now, id, 486),
            // Not before the ACK to our 2xx, or the time for it is over (RFC 3261 §15).
            Stage::Up if call.repeat.as_ref().is_some_and(|it| now < it.until) => {
                call.hangs_up = true;
            }
            Stage::Up => {
                if let Some(request) = self.request_in(id, Method::Bye, Vec::new(), None) {
                    self.send(request, Purpose::Bye(id));
                }
                self.end(id, What::Ended);
            }
        }
    }

    fn send_cancel(&mut self, id: CallRef) {
        let address = self.address;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.cancel = Cancel::Sent;
        let Some((_, invite)) = &call.invite else {
            return;
        };
        // The INVITE's own branch, and no To tag (RFC 3261 §9.1).
        let branch = wire::branch(&invite.headers).unwrap_or_default();
        let request = Outline {
            uri: invite.uri.to_string(),
            to: call.remote.clone(),
            ..call.outline(Method::Cancel, call.cseq, branch, address)
        };
        let request = request.request();
        self.send(request, Purpose::Aside);
        self.set_alarm(LINGER, Alarm::GiveUp(id));
    }
}

impl UaCall {
    /// Who is muted or holds the other side sends no packets, and nobody does after the end.
    pub(super) fn note_silence(&mut self, now: Duration) {
        let silent = self.muted || self.way != Way::Both || self.stage == Stage::Over;
        self.silent_since = silent.then(|| self.silent_since.unwrap_or(now));
    }

    /// A request of this call, not yet with what is its own.
    fn outline(&self, method: Method, cseq: u32, branch: String, address: SocketAddr) -> Outline {
        let tagged = |uri: &str, tag: Option<&str>| {
            tag.map_or_else(|| uri.to_owned(), |tag| format!("{uri};tag={tag}"))
        };
        Outline {
            method,
            uri: self.target.clone(),
            from: tagged(&self.local, Some(&self.local_tag)),
            to: tagged(&self.remote, self.remote_tag.as_deref()),
            call_id: self.call_id.clone(),
            cseq,
            branch,
            address,
            hops: self.dialling.hops,
            extra: Vec::new(),
            body: None,
        }
    }
}

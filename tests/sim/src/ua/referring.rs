//! What a UA does to send its other side on, or to take the place of another (RFC 3515, RFC 3891).

use std::time::Duration;

use sipx_sip::{HeaderName, Method, Request, TransactionKey};

use super::{CallRef, Purpose, Stage, Ua, UaCall, wire};

impl Ua {
    /// Asks within a call for the other side to be sent on; `more` are header lines such as Refer-Sub.
    pub(crate) fn refer(
        &mut self,
        now: Duration,
        id: CallRef,
        to: &str,
        more: Vec<(HeaderName, String)>,
    ) {
        self.now = now;
        let is_up = |call: &UaCall| call.stage == Stage::Up;
        if !self.calls.get(&id).is_some_and(is_up) {
            return;
        }
        let mut extra = vec![(HeaderName::ReferTo, format!("<{to}>"))];
        extra.extend(more);
        if let Some(request) = self.request_in(id, Method::Refer, extra, None) {
            self.send(request, Purpose::Refer(id));
        }
    }

    /// A number as a phone writes it.
    pub(crate) fn uri_of_number(&self, number: &str) -> String {
        format!("sip:{number}@{}", self.server)
    }

    /// The URI by which somebody is asked to take the place of this call.
    pub(crate) fn uri_of(&self, id: CallRef) -> Option<String> {
        let call = self.calls.get(&id)?;
        let escaped = call.replaces().replace(';', "%3B").replace('=', "%3D");
        Some(format!(
            "sip:{}@{}?Replaces={escaped}",
            call.far, self.server
        ))
    }

    /// What becomes of what was asked for.
    pub(super) fn on_notify(&mut self, key: &TransactionKey, request: &Request) {
        let said = String::from_utf8_lossy(request.body()).trim().to_owned();
        let state = wire::text(&request.headers, &HeaderName::SubscriptionState);
        let event = wire::text(&request.headers, &HeaderName::Event);
        if let Some(id) = self.in_order(request)
            && let Some(call) = self.calls.get_mut(&id)
        {
            call.notified.push(format!("{event}: {said}: {state}"));
        }
        self.reply(key, request, 200);
    }
}

impl UaCall {
    /// The value of Replaces that names it to the other side.
    pub(crate) fn replaces(&self) -> String {
        let remote = self.remote_tag.as_ref().or(self.early_tag.as_ref());
        let remote = remote.map_or("", String::as_str);
        format!(
            "{};to-tag={remote};from-tag={}",
            self.call_id, self.local_tag
        )
    }
}

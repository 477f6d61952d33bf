//! The two messages that a transaction makes of its own INVITE: CANCEL, and the ACK to a refusal.

use bytes::Bytes;

use crate::{HeaderName, Message, Method, RequestBuilder};

/// The ACK to a response other than 2xx (RFC 3261 §17.1.1.3).
///
/// `invite` is the INVITE as it was sent. `None` if it cannot be read, which it can, being ours.
pub(crate) fn ack(invite: &Bytes, response: &Message) -> Option<Bytes> {
    let invite = Message::parse(invite.clone()).ok()?;
    let to = response.header(HeaderName::To)?;
    begin(&invite, Method::Ack)?
        .header(HeaderName::To, to)
        .build()
        .ok()
}

/// The CANCEL of an INVITE (RFC 3261 §9.1), with a Reason if there is a value for one.
pub(crate) fn cancel(invite: &Bytes, reason: Option<&str>) -> Option<Bytes> {
    let invite = Message::parse(invite.clone()).ok()?;
    let to = invite.header(HeaderName::To)?;
    let request = begin(&invite, Method::Cancel)?.header(HeaderName::To, to);
    match reason {
        Some(reason) => request.header(HeaderName::Reason, reason),
        None => request,
    }
    .build()
    .ok()
}

/// What both have in common with the INVITE: Request-URI, top Via, routes, From, Call-ID, number.
fn begin(invite: &Message, method: Method<'_>) -> Option<RequestBuilder> {
    let uri = invite.request_uri()?;
    let mut request = RequestBuilder::new(method, uri.as_str())
        .header(HeaderName::Via, invite.via().as_bytes())
        .max_forwards(70);
    for route in invite.headers(HeaderName::Route) {
        request = request.header(HeaderName::Route, route);
    }
    Some(
        request
            .header(HeaderName::From, invite.header(HeaderName::From)?)
            .header(HeaderName::CallId, invite.call_id())
            .cseq(invite.cseq().number),
    )
}

//! Messages as the phones print and read them: by `sipx-sip`, so that faults of our codec do not cancel out.

use std::net::SocketAddr;

use bytes::Bytes;
use sipx_sip::headers::CSeq;
use sipx_sip::{
    Address, HeaderName, Headers, Limits, Message, Method, Request, RequestBuilder, Response,
    ResponseBuilder, StatusCode, Uri, parse_datagram,
};

/// What a request is made of.
pub(crate) struct Outline {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) branch: String,
    pub(crate) address: SocketAddr,
    pub(crate) hops: u8,
    pub(crate) extra: Vec<(HeaderName, String)>,
    pub(crate) body: Option<String>,
}

impl Outline {
    pub(crate) fn request(self) -> Request {
        let uri = Uri::parse(self.uri.clone().into())
            .unwrap_or_else(|error| panic!("a phone cannot send to {:?}: {error}", self.uri));
        let via = format!("SIP/2.0/UDP {};branch={};rport", self.address, self.branch);
        let cseq = format!("{} {}", self.cseq, self.method);
        let mut builder = RequestBuilder::new(self.method, uri).max_forwards(self.hops);
        let fixed = [
            (HeaderName::Via, via),
            (HeaderName::From, self.from),
            (HeaderName::To, self.to),
            (HeaderName::CallId, self.call_id),
            (HeaderName::CSeq, cseq),
        ];
        for (name, value) in fixed.into_iter().chain(self.extra) {
            builder = builder
                .header(name, value)
                .expect("no phone writes line ends into a header");
        }
        if let Some(body) = self.body {
            builder = builder
                .header(HeaderName::ContentType, "application/sdp")
                .expect("a constant")
                .body(body);
        }
        builder.build()
    }
}

/// A response with our tag, Contact and body.
pub(crate) fn response(
    request: &Request,
    status: u16,
    tag: &str,
    contact: &str,
    body: Option<String>,
) -> Response {
    let code = StatusCode::new(status).expect("phones answer with codes of three digits");
    let mut builder = ResponseBuilder::to_request(request, code, reason(status))
        .expect("what was parsed has all it needs");
    let to = text(&request.headers, &HeaderName::To);
    if status > 100 && !to.contains(";tag=") {
        builder = builder
            .set_header(&HeaderName::To, format!("{to};tag={tag}"))
            .expect("tags are tokens");
    }
    if (101..300).contains(&status) {
        builder = builder
            .header(HeaderName::Contact, contact.to_owned())
            .expect("our own");
    }
    if let Some(body) = body {
        builder = builder
            .header(HeaderName::ContentType, "application/sdp")
            .expect("a constant")
            .body(body);
    }
    builder.build()
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        302 => "Moved Temporarily",
        404 => "Not Found",
        480 => "Temporarily Unavailable",
        481 => "Call Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Answer",
    }
}

/// Reads a datagram; `None` for what is no message, such as what keeps a NAT open.
pub(crate) fn parse(payload: &Bytes) -> Option<Message> {
    parse_datagram(payload.clone(), &Limits::datagram()).ok()
}

/// A header's value; empty when it is not there.
pub(crate) fn text(headers: &Headers, name: &HeaderName) -> String {
    let value = headers.value(name).unwrap_or_default();
    String::from_utf8_lossy(&value).trim().to_owned()
}

pub(crate) fn tag(headers: &Headers, name: &HeaderName) -> Option<String> {
    let value = headers.value(name)?;
    let address = Address::parse(&value, "an address").ok()?;
    address
        .tag()
        .map(|tag| String::from_utf8_lossy(tag).into_owned())
}

/// The URI of the first address in a header.
pub(crate) fn uri(headers: &Headers, name: &HeaderName) -> Option<Uri> {
    let value = headers.value(name)?;
    let first = Address::parse_list(&value, "an address")
        .ok()?
        .into_iter()
        .next()?;
    Some(first.uri)
}

pub(crate) fn user(uri: &Uri) -> String {
    let user = uri.decoded_user().unwrap_or_default();
    String::from_utf8_lossy(&user).into_owned()
}

pub(crate) fn cseq(headers: &Headers) -> Option<CSeq> {
    headers.typed::<CSeq>()?.ok()
}

/// The branch of the topmost Via.
pub(crate) fn branch(headers: &Headers) -> Option<String> {
    let via = headers.typed::<sipx_sip::Via>()?.ok()?;
    via.branch()
        .map(|branch| String::from_utf8_lossy(branch).into_owned())
}

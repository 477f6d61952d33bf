//! The tier of meaning: whether a request that can be read may be served (RFC 3261 §8.2).

use alloc::string::String;

use super::address::ContactHeader;
use super::fault::Fault;
use super::headers::ContentType;
use super::message::Message;
use super::method::Method;
use super::name::HeaderName;
use super::uri::Scheme;
use super::values::Values;
use super::via::Via;

/// What the server at hand can do.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The methods it serves. Others that have a name in [`Method`] get 405, the rest 501.
    pub methods: &'a [Method<'a>],
    /// The methods it passes on, so that Max-Forwards 0 ends them. A server that is itself the target
    /// answers such a request as any other (RFC 3261 §11, RFC 4475 §3.3.11).
    pub forwarded: &'a [Method<'a>],
    /// The option tags it understands in Require.
    pub extensions: &'a [&'a str],
    /// The schemes of Request-URIs it serves.
    pub schemes: &'a [Scheme<'a>],
    /// The types of bodies it reads in INVITE, UPDATE and PRACK, and writes in answers to INVITE.
    pub body_types: &'a [&'a str],
    /// Whether a Via is one that we wrote ourselves for this very request: a loop.
    pub is_loop: Option<&'a dyn Fn(&Via<'_>) -> bool>,
}

/// Judges a message: the headers that we are going to read, and then what they mean.
///
/// Of a response only the headers are judged. Nothing about ACK or CANCEL but their headers is judged
/// either: no one answers the one, and the other is answered by what it cancels.
///
/// A Date that cannot be read is no fault, since nothing is done with it (RFC 4475 §3.1.2.12 leaves
/// that open).
///
/// # Errors
///
/// The first fault found; its status is the answer.
pub fn validate(message: &Message, rules: &Rules<'_>) -> Result<(), Fault> {
    check_headers(message)?;
    if !message.is_request() {
        return Ok(());
    }
    let method = message.method();
    if message.cseq().method != method {
        return Err(Fault::MethodMismatch);
    }
    if !rules.methods.contains(&method) {
        return Err(if matches!(method, Method::Other(_)) {
            Fault::UnknownMethod
        } else {
            Fault::MethodNotAllowed
        });
    }
    check_request_uri(message, rules)?;
    if matches!(method, Method::Ack | Method::Cancel) {
        return Ok(());
    }
    check_way(message, rules)?;
    check_extensions(message, rules)?;
    check_bodies(message, rules)
}

/// Reads the headers that parsing left alone and the engine relies on.
fn check_headers(message: &Message) -> Result<(), Fault> {
    for via in message.vias() {
        if via?.sent_by_host().is_none() {
            return Err(Fault::header("Via", "has a sender that is no host"));
        }
    }
    message.from()?;
    message.to()?;
    let mut stars = 0;
    let mut contacts = 0;
    for contact in message.contacts() {
        contacts += 1;
        stars += usize::from(matches!(contact?, ContactHeader::Star));
    }
    let star_fits = stars == 0 || (contacts == 1 && message.method() == Method::Register);
    if !star_fits {
        return Err(Fault::header("Contact", "has a * where none may be"));
    }
    for name in [HeaderName::Route, HeaderName::RecordRoute] {
        for address in message.addresses(name) {
            address?;
        }
    }
    Ok(())
}

fn check_request_uri(message: &Message, rules: &Rules<'_>) -> Result<(), Fault> {
    let uri = message
        .request_uri()
        .ok_or(Fault::RequestLine("has a Request-URI that is none"))?;
    if !rules.schemes.contains(&uri.scheme()) {
        return Err(Fault::Scheme);
    }
    if uri.has_headers() || uri.params().has("method") {
        return Err(Fault::RequestUriHeaders);
    }
    Ok(())
}

/// Hops and loops.
fn check_way(message: &Message, rules: &Rules<'_>) -> Result<(), Fault> {
    if message.max_forwards() == Some(0) && rules.forwarded.contains(&message.method()) {
        return Err(Fault::TooManyHops);
    }
    if let Some(is_loop) = rules.is_loop
        && message.vias().flatten().any(|via| is_loop(&via))
    {
        return Err(Fault::Loop);
    }
    Ok(())
}

/// Proxy-Require counts too: a server between two sides is a proxy to whoever asks one for something.
fn check_extensions(message: &Message, rules: &Rules<'_>) -> Result<(), Fault> {
    let mut unsupported = String::new();
    let required = message
        .values(HeaderName::Require)
        .chain(message.values(HeaderName::ProxyRequire));
    for tag in required.map(String::from_utf8_lossy) {
        if rules
            .extensions
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&tag))
        {
            continue;
        }
        if !unsupported.is_empty() {
            unsupported.push_str(", ");
        }
        unsupported.push_str(&tag);
    }
    if unsupported.is_empty() {
        Ok(())
    } else {
        Err(Fault::Extension(unsupported))
    }
}

/// The body we would have to read, and the answer the peer would have to.
fn check_bodies(message: &Message, rules: &Rules<'_>) -> Result<(), Fault> {
    let method = message.method();
    let reads = matches!(method, Method::Invite | Method::Update | Method::Prack);
    if reads && !message.body().is_empty() && !is_optional(message) {
        let readable = message
            .content_type()?
            .is_some_and(|found| rules.body_types.iter().any(|known| found.is(known)));
        let encoded = message
            .values(HeaderName::ContentEncoding)
            .any(|coding| !coding.eq_ignore_ascii_case(b"identity"));
        if !readable || encoded {
            return Err(Fault::MediaType);
        }
    }
    if method == Method::Invite && !accepts(message, rules) {
        return Err(Fault::NotAcceptable);
    }
    Ok(())
}

/// Whether the peer does without an understood body (RFC 3261 §20.11).
fn is_optional(message: &Message) -> bool {
    message
        .token_with_params(HeaderName::ContentDisposition)
        .and_then(|(_, params)| params.get("handling"))
        .is_some_and(|handling| handling.eq_ignore_ascii_case("optional"))
}

/// Whether the peer accepts one of our types; without Accept it does (RFC 3261 §20.1).
fn accepts(message: &Message, rules: &Rules<'_>) -> bool {
    let mut lines = message.headers(HeaderName::Accept).peekable();
    lines.peek().is_none()
        || lines.flat_map(Values::new).any(|value| {
            ContentType::parse(value)
                .is_ok_and(|range| rules.body_types.iter().any(|ours| range.is(ours)))
        })
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use bytes::Bytes;

    use super::*;

    fn is_ours(via: &Via<'_>) -> bool {
        via.branch() == Some("z9hG4bKours")
    }

    const RULES: Rules<'static> = Rules {
        methods: &[
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Options,
            Method::Register,
        ],
        forwarded: &[Method::Invite],
        extensions: &["timer"],
        schemes: &[Scheme::Sip, Scheme::Tel],
        body_types: &["application/sdp"],
        is_loop: Some(&is_ours),
    };

    fn judge(method: &str, uri: &str, more: &str, body: &str) -> Option<u16> {
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:f@b>;tag=1\r\n\
            To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let message = Message::parse(Bytes::from(text)).expect(more);
        match validate(&message, &RULES) {
            Ok(()) => None,
            Err(fault) => fault.sip_status(),
        }
    }

    #[test]
    fn first_line() {
        let table = [
            ("INVITE", "sip:a@b", None),
            ("INVITE", "tel:+491", None),
            ("BYE", "sip:a@b", Some(405)),
            ("PING", "sip:a@b", Some(501)),
            ("invite", "sip:a@b", Some(501)),
            ("INVITE", "sips:a@b", Some(416)),
            ("INVITE", "http://b", Some(416)),
            ("INVITE", "sip:a@b?Subject=x", Some(400)),
            ("INVITE", "sip:a@b;method=BYE", Some(400)),
            ("CANCEL", "http://b", Some(416)),
            ("INVITE", "sip:2001:db8::10", Some(400)),
            ("INVITE", "sip:", Some(400)),
        ];
        for (method, uri, expected) in table {
            assert_eq!(judge(method, uri, "", ""), expected, "{method} {uri}");
        }
    }

    #[test]
    fn headers() {
        let table = [
            ("INVITE", "Max-Forwards: 0\r\n", Some(483)),
            ("INVITE", "Max-Forwards: 1\r\n", None),
            ("OPTIONS", "Max-Forwards: 0\r\n", None),
            (
                "INVITE",
                "Via: SIP/2.0/UDP x;branch=z9hG4bKours\r\n",
                Some(482),
            ),
            ("INVITE", "Via: broken\r\n", Some(400)),
            ("INVITE", "Via: SIP/2.0/UDP [1:2]\r\n", Some(400)),
            ("INVITE", "Require: timer, Timer\r\n", None),
            ("INVITE", "Require: timer\r\nRequire: 100rel\r\n", Some(420)),
            ("INVITE", "Proxy-Require: x\r\n", Some(420)),
            ("CANCEL", "Require: x\r\n", None),
            ("ACK", "Require: x\r\n", None),
            ("INVITE", "Accept: text/plain, application/*\r\n", None),
            ("INVITE", "Accept: text/plain\r\n", Some(406)),
            ("INVITE", "Accept:\r\n", Some(406)),
            ("OPTIONS", "Accept: text/plain\r\n", None),
            ("INVITE", "Contact: <sip:a@b>, <sip:c@d>\r\n", None),
            ("INVITE", "Contact: *\r\n", Some(400)),
            ("REGISTER", "Contact: *\r\n", None),
            ("REGISTER", "Contact: *, <sip:a@b>\r\n", Some(400)),
            ("INVITE", "Route: <sip:r;lr>, nonsense\r\n", Some(400)),
            ("INVITE", "Record-Route: <sip:r\r\n", Some(400)),
        ];
        for (method, more, expected) in table {
            assert_eq!(
                judge(method, "sip:a@b", more, ""),
                expected,
                "{method} {more}"
            );
        }
    }

    #[test]
    fn bodies() {
        let optional = "c: text/html\r\nContent-Disposition: render;handling=optional\r\n";
        let table = [
            ("INVITE", "c: application/sdp\r\n", None),
            ("INVITE", "c: APPLICATION/SDP;x=y\r\n", None),
            ("INVITE", "c: text/html\r\n", Some(415)),
            ("INVITE", "", Some(415)),
            ("INVITE", "c: text\r\n", Some(400)),
            ("INVITE", optional, None),
            ("INVITE", "c: application/sdp\r\ne: gzip\r\n", Some(415)),
            ("INVITE", "c: application/sdp\r\ne: identity\r\n", None),
            ("OPTIONS", "c: text/html\r\n", None),
        ];
        for (method, more, expected) in table {
            assert_eq!(
                judge(method, "sip:a@b", more, "v=0"),
                expected,
                "{method} {more}"
            );
        }
    }

    #[test]
    fn responses_are_judged_by_their_headers_only() {
        let text = "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h\r\nf: <sip:f@b>;tag=1\r\nt: <sip:a@b>\r\ni: c\r\n\
            CSeq: 1 PING\r\nRequire: x\r\nm: <sip:a@b>\r\n\r\n";
        let judge = |text: &str| {
            let message = Message::parse(Bytes::copy_from_slice(text.as_bytes())).expect(text);
            validate(&message, &RULES)
        };
        assert_eq!(judge(text), Ok(()));
        let broken = text.replace("m: <", "m: <<");
        assert_eq!(
            judge(&broken).map_err(|f| f.header_name()),
            Err(Some("Contact"))
        );
    }
}

//! Messages both ways.

use std::str::FromStr as _;

use rsip::headers::{ContentLength, UntypedHeader as _};
use rsip::{Header, Headers, Method, SipMessage, StatusCode, Version};
use sip::wire::BuildError;
use sip::{HeaderName, Message};

use crate::{Unrepresentable, uri_from_rsip, uri_to_rsip};

/// Turns one of our messages into rsip's: names in full, folds as spaces, Content-Length as it is.
///
/// # Errors
///
/// For what rsip's types cannot hold: other methods than its fourteen, headers that are no UTF-8, and
/// the URIs that [`uri_to_rsip`] refuses.
pub fn message_to_rsip(message: &Message) -> Result<SipMessage, Unrepresentable> {
    let headers = headers_to_rsip(message)?;
    let body = message.body().to_vec();
    if let Some(status) = message.status() {
        return Ok(SipMessage::Response(rsip::Response {
            status_code: status_to_rsip(status, message.reason()),
            version: Version::V2,
            headers,
            body,
        }));
    }
    let uri = message
        .request_uri()
        .ok_or_else(|| Unrepresentable::Refused("no Request-URI".to_owned()))?;
    Ok(SipMessage::Request(rsip::Request {
        method: method_to_rsip(message.method())?,
        uri: uri_to_rsip(uri)?,
        version: Version::V2,
        headers,
        body,
    }))
}

/// rsip would read `invite` as INVITE; to us it is another method (RFC 3261 §7.1).
fn method_to_rsip(method: sip::Method<'_>) -> Result<Method, Unrepresentable> {
    let known = Method::from_str(method.as_str()).ok();
    known
        .filter(|known| known.to_string() == method.as_str())
        .ok_or_else(|| Unrepresentable::Method(method.to_string()))
}

/// The reason phrase of a status that rsip knows is lost.
fn status_to_rsip(status: u16, reason: &[u8]) -> StatusCode {
    let known = StatusCode::from(status);
    if matches!(known, StatusCode::Other(..)) {
        return StatusCode::Other(status, String::from_utf8_lossy(reason).into_owned());
    }
    known
}

fn headers_to_rsip(message: &Message) -> Result<Headers, Unrepresentable> {
    let mut headers = Vec::with_capacity(message.header_count());
    for (name, value) in message.all_headers() {
        let name = HeaderName::new(name);
        let value =
            std::str::from_utf8(value).map_err(|_| Unrepresentable::NotUtf8(name.to_string()))?;
        headers.push(header_to_rsip(name.as_str(), value)?);
    }
    Ok(Headers::from(headers))
}

/// rsip has no way to make a header from a name and a value but to read a line.
fn header_to_rsip(name: &str, value: &str) -> Result<Header, Unrepresentable> {
    let line = (name.as_bytes(), value.as_bytes());
    let header: Header = rsip::headers::header::Tokenizer::from(line).try_into()?;
    Ok(header)
}

/// Turns one of rsip's messages into ours. Content-Length is set to what the body has.
///
/// # Errors
///
/// If a value would break out of its line, or if it is no message, since Via or From is missing, say.
pub fn message_from_rsip(message: &SipMessage) -> Result<Message, BuildError> {
    let (first_line, headers, body) = match message {
        SipMessage::Request(request) => {
            let uri = uri_from_rsip(&request.uri).map_err(|_| BuildError::Injection)?;
            let line = format!("{} {uri} SIP/2.0", request.method);
            (line, &request.headers, &request.body)
        }
        SipMessage::Response(response) => {
            let code = response.status_code.code();
            let reason = if let StatusCode::Other(_, reason) = &response.status_code {
                reason.as_str()
            } else {
                sip::wire::reason_phrase(code)
            };
            (
                format!("SIP/2.0 {code} {reason}"),
                &response.headers,
                &response.body,
            )
        }
    };
    let mut text = clean(first_line)?;
    for header in headers.iter() {
        if !matches!(header, Header::ContentLength(_)) {
            text.push_str(&clean(header.to_string())?);
        }
    }
    let length = ContentLength::new(body.len().to_string());
    text.push_str(&clean(Header::from(length).to_string())?);
    text.push_str("\r\n");
    let mut octets = text.into_bytes();
    octets.extend_from_slice(body);
    Ok(Message::parse(octets.into())?)
}

/// A line with its end, if nothing in it ends it before.
fn clean(mut line: String) -> Result<String, BuildError> {
    if line.contains(['\r', '\n', '\0']) {
        return Err(BuildError::Injection);
    }
    line.push_str("\r\n");
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:a@b;transport=tcp SIP/2.0\r\n\
        v: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
        f: \"F\" <sip:f@b>;tag=f\r\n\
        t:\r\n <sip:a@b>\r\n\
        i: c\r\n\
        CSeq: 1 INVITE\r\n\
        X-Odd: y\r\n\
        l: 5\r\n\
        \r\n\
        v=0\r\n";

    fn message() -> Message {
        Message::parse(INVITE.into()).expect("sound")
    }

    #[test]
    fn there_and_back_is_the_same_but_for_spelling() {
        let back = message_from_rsip(&message_to_rsip(&message()).expect("holds")).expect("sound");
        let expected = "INVITE sip:a@b;transport=TCP SIP/2.0\r\n\
            Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
            From: \"F\" <sip:f@b>;tag=f\r\n\
            To: <sip:a@b>\r\n\
            Call-ID: c\r\n\
            CSeq: 1 INVITE\r\n\
            X-Odd: y\r\n\
            Content-Length: 5\r\n\
            \r\n\
            v=0\r\n";
        assert_eq!(std::str::from_utf8(back.as_bytes()), Ok(expected));
        assert_eq!(back.request_uri(), message().request_uri());
    }

    #[test]
    fn a_body_stays_octets() {
        let body: Vec<u8> = (0..=255).collect();
        let message = sip::wire::Edit::new(&message())
            .body("x/y", body.into())
            .to_message();
        let message = message.expect("sound");
        let back = message_from_rsip(&message_to_rsip(&message).expect("holds")).expect("sound");
        assert_eq!(back.body(), message.body());
    }

    #[test]
    fn refuses_what_would_be_lost() {
        let other = |old: &str, new: &str| {
            message_to_rsip(&Message::parse(INVITE.replace(old, new).into()).expect(new)).err()
        };
        let method = Unrepresentable::Method("invite".to_owned());
        assert_eq!(other("INVITE", "invite"), Some(method));
        let scheme = Unrepresentable::Scheme("tel".to_owned());
        assert_eq!(other("sip:a@b;transport=tcp", "tel:+49"), Some(scheme));
        let octets = [INVITE.replace("X-Odd: y", "X-Odd: ").as_bytes(), b""].concat();
        let at = octets
            .windows(7)
            .position(|w| w == b"X-Odd: ")
            .expect("there")
            + 7;
        let octets = [&octets[..at], b"\xff", &octets[at..]].concat();
        let odd = Message::parse(octets.into()).expect("sound");
        let refused = message_to_rsip(&odd).err();
        assert_eq!(refused, Some(Unrepresentable::NotUtf8("X-Odd".to_owned())));
    }

    #[test]
    fn nothing_breaks_out_of_its_line() {
        let SipMessage::Request(mut request) = message_to_rsip(&message()).expect("holds") else {
            panic!("a request");
        };
        request.headers.push(Header::Subject("x\r\nEvil: y".into()));
        let refused = message_from_rsip(&SipMessage::Request(request));
        assert_eq!(refused, Err(BuildError::Injection));
    }
}

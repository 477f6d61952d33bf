//! SIP over WebSocket (RFC 7118), at `/sip` on the port of the API: what browsers speak.
//!
//! A message is a frame, and a frame a message, text or binary. The peer opens the connection and registers over it; there
//! is no other way to it, since what it writes as its host ends in `.invalid`. Pages of other origins are let in where
//! `http.origins` names them: a browser sends the origin of its page, other programs send none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{
    Message as Frame, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
};
use axum::extract::{ConnectInfo, State};
use axum::http::header::{HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use config::{HttpSettings, Origin};
use sip::wire::Framed;
use sip::{Fault, Message, Transport};
use tokio::time::{sleep, timeout};

use super::connections::Connections;
use super::intake::Left;
use super::stream::{End, Ends, WRITE_MAX};

/// What a client must ask for (RFC 7118 §4).
const SUBPROTOCOL: &str = "sip";
/// The longest frame, and the longest message.
const FRAME_MAX: usize = 64 * 1_024;
/// What the socket itself keeps unsent.
const WRITE_BUFFER_MAX: usize = 4 * FRAME_MAX;
/// How often a quiet client is asked for a sign of life; proxies in between forget quiet connections after a minute.
const PING_EVERY: Duration = Duration::from_secs(25);
/// For so long nothing may come, not even the answer to a ping.
const QUIET_MAX: Duration = Duration::from_secs(75);

/// What the route knows.
#[derive(Debug)]
struct Door {
    connections: Connections,
    transport: Transport,
    local: SocketAddr,
    origins: Vec<Origin>,
}

/// The route, for a port of the API that others see at that address.
pub(crate) fn router(
    connections: Connections,
    local: SocketAddr,
    settings: &HttpSettings,
) -> Router {
    let transport = match settings.tls {
        Some(_) => Transport::Wss,
        None => Transport::Ws,
    };
    let door = Door {
        connections,
        transport,
        local,
        origins: settings.origins.clone(),
    };
    Router::new()
        .route("/sip", get(upgrade))
        .with_state(Arc::new(door))
}

async fn upgrade(
    State(door): State<Arc<Door>>,
    ConnectInfo(remote): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    if !asks_for_sip(&headers) {
        let text = "SIP is spoken here: ask for it as Sec-WebSocket-Protocol: sip (RFC 7118)";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    if !is_welcome(&headers, &door.origins) {
        let text = "pages of this origin may not speak SIP here: see http.origins";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(FRAME_MAX)
        .max_frame_size(FRAME_MAX)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .on_upgrade(move |socket| async move {
            let (transport, local) = (door.transport, door.local);
            let connections = &door.connections;
            connections
                .serve_websocket(socket, transport, local, remote)
                .await;
        })
}

/// Whether one of the subprotocols is ours; their names are compared as they are written (RFC 6455 §11.3.4).
fn asks_for_sip(headers: &HeaderMap) -> bool {
    let asked = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    asked
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|name| name.trim() == SUBPROTOCOL)
}

/// Whether a page of this origin may come in: one of our own host, one that the settings name, or none at all.
fn is_welcome(headers: &HeaderMap, allowed: &[Origin]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    let is_own = own.is_some_and(|own| host.is_some_and(|host| host.eq_ignore_ascii_case(own)));
    let is_named = |allowed: &Origin| **allowed == *"*" || allowed.eq_ignore_ascii_case(origin);
    is_own || allowed.iter().any(is_named)
}

/// Serves a WebSocket to its end.
pub(super) async fn run(socket: WebSocket, ends: Ends) -> End {
    let mut connection = Connection { socket, ends };
    let end = connection.run().await;
    // Who is gone is not told; who does not read would keep us.
    if matches!(end, End::Unreadable | End::Idle | End::LetGo) {
        let _ = timeout(WRITE_MAX, connection.socket.send(Frame::Close(None))).await;
    }
    end
}

struct Connection {
    socket: WebSocket,
    ends: Ends,
}

impl Connection {
    async fn run(&mut self) -> End {
        let mut quiet = Duration::ZERO;
        loop {
            tokio::select! {
                frame = self.socket.recv() => {
                    let Some(Ok(frame)) = frame else { return End::Gone };
                    quiet = Duration::ZERO;
                    if let Err(end) = self.take(frame).await {
                        return end;
                    }
                },
                payload = self.ends.unsent.recv() => {
                    let Some(payload) = payload else { return End::LetGo };
                    if let Err(end) = self.write(frame_of(payload)).await {
                        return end;
                    }
                },
                () = sleep(PING_EVERY) => {
                    quiet += PING_EVERY;
                    if quiet > QUIET_MAX {
                        return End::Idle;
                    }
                    if let Err(end) = self.write(Frame::Ping(axum::body::Bytes::new())).await {
                        return end;
                    }
                },
            }
        }
    }

    async fn take(&mut self, frame: Frame) -> Result<(), End> {
        let octets = match frame {
            Frame::Text(text) => axum::body::Bytes::from(text),
            Frame::Binary(octets) => octets,
            // Pings are answered by the socket itself.
            Frame::Ping(_) | Frame::Pong(_) => return Ok(()),
            Frame::Close(_) => return Err(End::Gone),
        };
        match self.ends.take(framed(octets)) {
            Left::Nothing => Ok(()),
            Left::First(input) => {
                self.ends.intake.lanes.first_async(input).await;
                Ok(())
            }
            Left::Answer(answer) => self.write(frame_of(answer)).await,
        }
    }

    async fn write(&mut self, frame: Frame) -> Result<(), End> {
        let written = timeout(WRITE_MAX, self.socket.send(frame)).await;
        self.ends.written(written)
    }
}

/// One frame is one message (RFC 7118 §5): where another transport's stream would go on, only line ends may stand.
fn framed(octets: bytes::Bytes) -> Framed {
    let is_line_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
    if !octets.is_empty() && octets.iter().all(is_line_end) {
        return Framed::Ping;
    }
    let leading = octets.iter().take_while(|octet| is_line_end(octet)).count();
    let fault = match Message::parse(octets.clone()) {
        Ok(message) => {
            let behind = octets.get(leading + message.as_bytes().len()..);
            if behind.is_none_or(|behind| behind.iter().all(is_line_end)) {
                return Framed::Message(message);
            }
            Fault::ContentLength("is shorter than the frame")
        }
        Err(fault) => fault,
    };
    Framed::Faulty { raw: octets, fault }
}

/// Text where it is UTF-8, which browsers' programs like (RFC 7118 §5).
fn frame_of(payload: bytes::Bytes) -> Frame {
    match axum::extract::ws::Utf8Bytes::try_from(payload.clone()) {
        Ok(text) => Frame::Text(text),
        Err(_) => Frame::Binary(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bK1\r\nFrom: <sip:f@b>;tag=1\r\n\
        To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn a_frame_is_one_message() {
        let twice = OPTIONS.repeat(2);
        for (name, frame, expected) in [
            ("a message", OPTIONS.to_owned(), "message"),
            (
                "with line ends around it",
                format!("\r\n{OPTIONS}\r\n"),
                "message",
            ),
            ("two of them", twice, "faulty"),
            ("half a one", OPTIONS[..60].to_owned(), "faulty"),
            (
                "a body cut short",
                OPTIONS.replace("Length: 0", "Length: 9"),
                "faulty",
            ),
            ("a ping", "\r\n\r\n".into(), "ping"),
            ("a pong", "\r\n".into(), "ping"),
            ("nothing", String::new(), "faulty"),
            ("something else", "GET / HTTP/1.1\r\n\r\n".into(), "faulty"),
        ] {
            let framed = match framed(frame.into()) {
                Framed::Message(_) => "message",
                Framed::Ping => "ping",
                Framed::Faulty { .. } => "faulty",
            };
            assert_eq!(framed, expected, "{name}");
        }
    }

    fn headers(pairs: &[(axum::http::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_sip_is_spoken() {
        for (asked, expected) in [
            (Some("sip"), true),
            (Some("xmpp, sip"), true),
            (Some("SIP"), false),
            (Some("msrp"), false),
            (None, false),
        ] {
            let asked: Vec<_> = asked
                .map(|asked| (SEC_WEBSOCKET_PROTOCOL, asked))
                .into_iter()
                .collect();
            assert_eq!(asks_for_sip(&headers(&asked)), expected, "{asked:?}");
        }
    }

    #[test]
    fn pages_of_our_host_and_of_named_origins_are_welcome() {
        let named = ["https://phone.example.com".parse().unwrap()];
        let any = ["*".parse().unwrap()];
        for (name, origin, allowed, expected) in [
            ("no page", None, &[][..], true),
            ("our own", Some("https://pbx.example.com:8443"), &[], true),
            ("another port", Some("https://pbx.example.com"), &[], false),
            (
                "a named one",
                Some("https://phone.example.com"),
                &named,
                true,
            ),
            (
                "another scheme",
                Some("http://phone.example.com"),
                &named,
                false,
            ),
            (
                "a stranger",
                Some("https://evil.example.com"),
                &named,
                false,
            ),
            ("a file", Some("null"), &named, false),
            ("anyone", Some("null"), &any, true),
        ] {
            let mut pairs = vec![(HOST, "pbx.example.com:8443")];
            pairs.extend(origin.map(|origin| (ORIGIN, origin)));
            assert_eq!(is_welcome(&headers(&pairs), allowed), expected, "{name}");
        }
    }
}

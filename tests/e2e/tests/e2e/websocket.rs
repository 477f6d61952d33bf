//! SIP over WebSocket: a browser's phone, and what a client must and must not do.

use std::net::TcpStream;

use e2e::browser::{Browser, page_origin};
use e2e::centre::{attendant, queue};
use e2e::{Authority, Baresip, Daemon, Place, eventually};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::handshake::client::Request;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use crate::common::{CALLER_HZ, SOON};

fn request(place: &Place, subprotocol: Option<&str>, origin: Option<&str>) -> Request {
    let url = format!("ws://{}/sip", place.http());
    let mut request = url.into_client_request().unwrap();
    for (name, value) in [("Sec-WebSocket-Protocol", subprotocol), ("Origin", origin)] {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    request
}

/// The socket, or the status it was refused with.
fn connect(place: &Place, request: Request) -> Result<WebSocket<TcpStream>, u16> {
    let stream = TcpStream::connect(place.http()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    match tungstenite::client(request, stream) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

fn options(call: &str) -> String {
    format!(
        "OPTIONS sip:us@lampfield.local SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK{call}\r\n\
         From: <sip:page@lampfield.local>;tag=p\r\nTo: <sip:us@lampfield.local>\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
}

fn answer(socket: &mut WebSocket<TcpStream>) -> String {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other @ (Message::Binary(_) | Message::Close(_) | Message::Frame(_)) => {
                panic!("{other:?}")
            }
        }
    }
}

#[test]
fn e2e_a_client_of_websocket_says_one_message_in_a_frame() {
    let place = Place::take();
    let daemon = Daemon::start_with(&place, "", |settings| {
        settings.http_lines = "origins = [\"https://phone.example.com\"]".into();
    });
    let own = format!("http://{}", place.http());
    for (name, subprotocol, origin, expected) in [
        ("no subprotocol", None, None, Some(400)),
        ("another one", Some("mqtt"), None, Some(400)),
        (
            "a foreign page",
            Some("sip"),
            Some("https://evil.example.com"),
            Some(403),
        ),
        ("a page of ours", Some("sip"), Some(own.as_str()), None),
        (
            "a named page",
            Some("sip"),
            Some("https://phone.example.com"),
            None,
        ),
    ] {
        let refused = connect(&place, request(&place, subprotocol, origin)).err();
        assert_eq!(refused, expected, "{name}");
    }
    let plain = daemon.api().request("GET", "/sip", None);
    assert!(matches!(plain.status, 400 | 426), "{plain:?}");

    let mut socket = connect(&place, request(&place, Some("sip"), None)).unwrap();
    socket.send(Message::text("\r\n\r\n")).unwrap();
    assert_eq!(answer(&mut socket), "\r\n");
    socket.send(Message::text(options("text"))).unwrap();
    assert!(answer(&mut socket).starts_with("SIP/2.0 200 "));
    socket.send(Message::binary(options("binary"))).unwrap();
    assert!(answer(&mut socket).starts_with("SIP/2.0 200 "));
    // In two frames, which are one message to WebSocket.
    let whole = options("fragments");
    let (first, second) = whole.split_at(70);
    for (part, code, last) in [(first, Data::Text, false), (second, Data::Continue, true)] {
        let frame = Frame::message(part.to_owned(), OpCode::Data(code), last);
        socket.send(Message::Frame(frame)).unwrap();
    }
    assert!(answer(&mut socket).starts_with("SIP/2.0 200 "));
    socket
        .send(Message::text(options("one") + &options("two")))
        .unwrap();
    assert!(answer(&mut socket).starts_with("SIP/2.0 400 "));
    assert_eq!(daemon.metric("net_connections"), 1.0);
    // More than 64 kB is more than a message may have.
    let _ = socket.send(Message::text("x".repeat(70_000)));
    let closed = (0..3).any(|_| matches!(socket.read(), Err(_) | Ok(Message::Close(_))));
    assert!(closed, "a frame of 70 kB is taken");
}

/// A browser registers, is rung over the connection it registered by, and says that it is busy.
fn a_browser_is_a_phone(secure: bool) {
    let place = Place::take();
    let (port, origin) = page_origin();
    let authority = Authority::new(place.directory(), "authority");
    let ours = authority.issue("daemon", &[&place.daemon().to_string()], 1);
    let centre = queue("support", "2000", "")
        + &attendant("alice", "1001", "support")
        + &attendant("bob", "1002", "support");
    let daemon = Daemon::start_with(&place, &centre, |settings| {
        settings.http_lines = format!("origins = [\"{origin}\"]\n");
        if secure {
            settings.http_lines += &format!("tls = {{ {} }}", ours.fields());
        }
    });
    let scheme = if secure { "wss" } else { "ws" };
    let url = format!("{scheme}://{}/sip", place.http());
    let browser = Browser::start(&place, port, &url, "1001");
    let registered = browser.wait_for("registered ");
    assert!(
        registered.starts_with("200 ") && registered.contains(".invalid"),
        "{registered}"
    );
    assert!(
        daemon
            .printed()
            .contains(&format!(" {scheme}:{}", place.http()))
    );
    let mut bobs = Baresip::start(&place, "1002", CALLER_HZ);
    // The API is not asked: over HTTPS the tests have no client.
    eventually("the other phone is there", SOON, || {
        let said = daemon.printed();
        let is_it = |line: &str| line.contains("phone-registered") && line.contains("1002");
        said.lines().any(is_it).then_some(())
    });
    bobs.dial("1001");
    assert_eq!(browser.wait_for("called "), "remote 1002");
    bobs.wait_for("CALL_CLOSED", 1, SOON);
}

#[test]
fn e2e_a_browser_registers_over_websocket() {
    a_browser_is_a_phone(false);
}

#[test]
fn e2e_a_browser_registers_over_secure_websocket() {
    a_browser_is_a_phone(true);
}

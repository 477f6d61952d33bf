//! A gateway whose every message is written out: for what is said beyond RFC 3261, which no phone of the stories knows.
//!
//! It is a trunk of its own, reached by numbers that begin with 7, and calls from there as +497. What it sends and reads is
//! plain text, so that no codec of ours has a hand in it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use sim::{CENTRE, Peer, World, millis, secs, seed};

const ADDRESS: &str = "10.0.0.9:5060";
/// What it offers, and what it answers.
pub(crate) const SDP: &str = "v=0\no=- 7 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 30000 RTP/AVP 8 101\n\
    a=rtpmap:101 telephone-event/8000\na=sendrecv";
/// The same from another port: of another branch, or later on.
pub(crate) const OTHER_SDP: &str = "v=0\no=- 8 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 30002 RTP/AVP 8 101\n\
    a=rtpmap:101 telephone-event/8000\na=sendrecv";

/// A world with that gateway, whose trunk has these further lines.
pub(crate) fn world(trunk: &str) -> World {
    let centre = format!(
        "{CENTRE}\n[[numbers]]\nnumber = \"8000\"\nto = \"external:+49308\"\n\n[[trunks]]\nname = \"gateway\"\nkind = \"peer\"\n\
        address = \"sip:{ADDRESS}\"\nnumbers = [\"7*\"]\n{trunk}\n"
    );
    let w = World::builder(seed(50)).centre(&centre).build();
    w.agent("ann").available();
    w
}

/// The gateway.
pub(crate) struct Gateway {
    w: World,
    peer: Peer,
    inbox: RefCell<VecDeque<Text>>,
    cseq: Cell<u32>,
}

/// A message, as text.
#[derive(Debug, Clone)]
pub(crate) struct Text(pub(crate) String);

impl Text {
    pub(crate) fn first_line(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    /// A header's value; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.lines().skip(1);
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_default().trim()
    }

    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// A line of its description, such as `o=`.
    pub(crate) fn sdp_line(&self, start: &str) -> &str {
        let mut lines = self.body().lines();
        lines.find(|line| line.starts_with(start)).unwrap_or("")
    }

    pub(crate) fn cseq(&self) -> u32 {
        let mut words = self.header("CSeq").split(' ');
        words.next().and_then(|word| word.parse().ok()).unwrap_or(0)
    }
}

impl Gateway {
    pub(crate) fn new(w: &World) -> Self {
        Self {
            w: w.clone(),
            peer: w.stranger(ADDRESS),
            inbox: RefCell::default(),
            cseq: Cell::new(0),
        }
    }

    /// It sends no sound, and says that it is there when it is asked for that.
    fn collect(&self) {
        let texts: Vec<Text> = self.peer.received().into_iter().map(Text).collect();
        for text in texts {
            if text.first_line().starts_with("OPTIONS") {
                self.replies(&text, 200, "", "", "");
            } else {
                self.inbox.borrow_mut().push_back(text);
            }
        }
    }

    /// The first message not looked at yet whose first line begins so; those before it are dropped.
    pub(crate) fn next(&self, start: &str) -> Text {
        self.try_next(start)
            .unwrap_or_else(|seen| panic!("no {start} came, but {seen:#?}"))
    }

    fn try_next(&self, start: &str) -> Result<Text, Vec<String>> {
        self.collect();
        let mut seen = Vec::new();
        while let Some(text) = self.inbox.borrow_mut().pop_front() {
            if text.first_line().starts_with(start) {
                return Ok(text);
            }
            seen.push(text.first_line().to_owned());
        }
        Err(seen)
    }

    /// Lets time pass until such a message comes; when it came.
    pub(crate) fn wait_for(&self, start: &str, at_most: Duration) -> (Duration, Text) {
        let began = self.w.now();
        while self.w.now() < began + at_most {
            self.w.run_for(millis(10));
            if let Ok(text) = self.try_next(start) {
                return (self.w.now() - began, text);
            }
        }
        panic!("no {start} came within {at_most:?}");
    }

    /// Lets time pass, in which it stays there.
    pub(crate) fn waits(&self, time: Duration) {
        let until = self.w.now() + time;
        while self.w.now() < until {
            self.w.run_for(secs(1).min(until - self.w.now()));
            self.collect();
        }
    }

    /// The first lines of all that came since.
    pub(crate) fn first_lines(&self) -> Vec<String> {
        self.collect();
        let mut inbox = self.inbox.borrow_mut();
        inbox
            .drain(..)
            .map(|text| text.first_line().to_owned())
            .collect()
    }

    /// Calls; gives the INVITE. `headers` are further ones, each with its line end.
    pub(crate) fn invites(&self, to: &str, headers: &str, sdp: &str) -> Text {
        let contact = format!("Contact: <sip:gateway@{ADDRESS}>\n");
        let tag = "";
        self.request("INVITE", to, tag, &format!("{contact}{headers}"), sdp)
    }

    /// Sends a request of its call; `to_tag` is ours.
    pub(crate) fn request(
        &self,
        method: &str,
        to: &str,
        to_tag: &str,
        headers: &str,
        sdp: &str,
    ) -> Text {
        // An ACK has the number of the INVITE before it.
        if method != "ACK" {
            self.cseq.set(self.cseq.get() + 1);
        }
        let cseq = self.cseq.get();
        self.request_numbered(cseq, method, to, to_tag, headers, sdp)
    }

    pub(crate) fn request_numbered(
        &self,
        cseq: u32,
        method: &str,
        to: &str,
        to_tag: &str,
        headers: &str,
        sdp: &str,
    ) -> Text {
        let tag = match to_tag.is_empty() {
            true => String::new(),
            false => format!(";tag={to_tag}"),
        };
        let kind = match sdp.is_empty() {
            true => "",
            false => "Content-Type: application/sdp\n",
        };
        let text = format!(
            "{method} sip:{to}@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP {ADDRESS};branch=z9hG4bK{method}{cseq}\n\
            From: <sip:+4970@10.0.0.9>;tag=gw\nTo: <sip:{to}@10.0.0.1>{tag}\nCall-ID: gateway\nCSeq: {cseq} {method}\n\
            Max-Forwards: 70\n{headers}{kind}\n{sdp}"
        );
        self.peer.sends(&text);
        Text(text)
    }

    /// Answers a request of ours, with this tag and further headers.
    pub(crate) fn replies(&self, request: &Text, status: u16, tag: &str, headers: &str, sdp: &str) {
        let to = request.header("To");
        let to = match to.contains(";tag=") || tag.is_empty() {
            true => to.to_owned(),
            false => format!("{to};tag={tag}"),
        };
        let kind = match sdp.is_empty() {
            true => "",
            false => "Content-Type: application/sdp\n",
        };
        let user = match tag.is_empty() {
            true => "gateway",
            false => tag,
        };
        self.peer.sends(&format!(
            "SIP/2.0 {status} Whatever\nVia: {}\nFrom: {}\nTo: {to}\nCall-ID: {}\nCSeq: {}\n\
            Contact: <sip:{user}@{ADDRESS}>\n{headers}{kind}\n{sdp}",
            request.header("Via"),
            request.header("From"),
            request.header("Call-ID"),
            request.header("CSeq"),
        ));
    }
}

/// Our tag in a response.
pub(crate) fn tag(text: &Text) -> String {
    let (_, tag) = text.header("To").split_once(";tag=").unwrap_or_default();
    tag.to_owned()
}

/// Ann takes a call that comes to her extension, which the gateway acknowledges; gives the 200.
pub(crate) fn answered(w: &World, gateway: &Gateway, headers: &str) -> Text {
    gateway.invites("1001", headers, SDP);
    w.extension("ann").answers();
    let ok = gateway.next("SIP/2.0 200");
    gateway.request("ACK", "1001", &tag(&ok), "", "");
    ok
}

/// Ann calls the gateway, which answers with these headers; gives the INVITE.
pub(crate) fn dialled(w: &World, gateway: &Gateway, headers: &str) -> Text {
    w.extension("ann").calls("7001");
    let invite = gateway.next("INVITE");
    gateway.replies(&invite, 200, "gw", headers, SDP);
    gateway.next("ACK");
    assert!(w.extension("ann").talks());
    invite
}

/// Lets two minutes pass, in which nothing of the gateway's is left.
pub(crate) fn is_over(w: &World) {
    assert_eq!(w.figures().calls, 0);
    w.run_for(secs(40));
    w.expect_quiet();
}

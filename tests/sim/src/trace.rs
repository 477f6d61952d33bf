//! What went over the wire and what was decided, as a ladder to read.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::Event;
use engine::event::{AlertEnd, Presence};
use sipx_sip::{HeaderName, Message, Method};

use crate::network::Packet;
use crate::sdp::Sdp;
use crate::ua::wire;

/// One line.
#[derive(Debug, Clone)]
enum Rung {
    Sent {
        from: String,
        to: String,
        payload: Bytes,
    },
    Happened(Arc<Event>),
    Said(String),
}

/// The last lines of a run; all of them where that is asked for.
#[derive(Debug)]
pub(crate) struct Trace {
    start: Duration,
    rungs: VecDeque<(Duration, Rung)>,
    keep: usize,
    names: BTreeMap<SocketAddr, String>,
}

impl Trace {
    pub(crate) fn new(start: Duration, keep: usize) -> Self {
        Self {
            start,
            rungs: VecDeque::new(),
            keep,
            names: BTreeMap::new(),
        }
    }

    pub(crate) fn name(&mut self, address: SocketAddr, name: &str) {
        self.names.insert(address, name.into());
    }

    fn name_of(&self, address: SocketAddr) -> String {
        self.names
            .get(&address)
            .cloned()
            .unwrap_or_else(|| address.to_string())
    }

    fn push(&mut self, now: Duration, rung: Rung) {
        if self.rungs.len() == self.keep {
            self.rungs.pop_front();
        }
        self.rungs.push_back((now, rung));
    }

    pub(crate) fn sent(&mut self, now: Duration, packet: &Packet) {
        let rung = Rung::Sent {
            from: self.name_of(packet.from),
            to: self.name_of(packet.to),
            payload: packet.payload.clone(),
        };
        self.push(now, rung);
    }

    pub(crate) fn happened(&mut self, now: Duration, event: &Arc<Event>) {
        self.push(now, Rung::Happened(Arc::clone(event)));
    }

    /// The story begins here.
    pub(crate) fn clear(&mut self) {
        self.rungs.clear();
    }

    pub(crate) fn said(&mut self, now: Duration, text: &str) {
        self.push(now, Rung::Said(text.into()));
    }

    /// All lines as text, times in seconds since the start.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        for (at, rung) in &self.rungs {
            let line = match rung {
                Rung::Sent { from, to, payload } => match wire::parse(payload) {
                    // Phones register in their own time; a story says so when it matters.
                    Some(message) if is_register(&message) => continue,
                    Some(message) => format!("{from:>10} -> {to:<10} {}", summary(&message)),
                    None => continue,
                },
                Rung::Happened(event) => match told(event) {
                    Some(told) => format!("{:>26}* {told}", ""),
                    None => continue,
                },
                Rung::Said(said) => format!("# {said}"),
            };
            let at = at.saturating_sub(self.start);
            let _ = writeln!(text, "{:>4}.{:03} {line}", at.as_secs(), at.subsec_millis());
        }
        text
    }
}

fn is_register(message: &Message) -> bool {
    wire::cseq(message.headers()).is_some_and(|cseq| cseq.method == Method::Register)
}

/// A message in one line: what it is, its CSeq, its tags, what its description says, and its reason (RFC 3326).
pub(crate) fn summary(message: &Message) -> String {
    let headers = message.headers();
    let mut text = match message {
        Message::Request(request) => format!("{} {}", request.method, wire::user(&request.uri))
            .trim_end()
            .to_owned(),
        Message::Response(response) => format!(
            "{} {}",
            response.status.code(),
            String::from_utf8_lossy(&response.reason)
        ),
    };
    let cseq = wire::text(headers, &HeaderName::CSeq);
    let _ = write!(text, " ({cseq})");
    for (name, mark) in [(HeaderName::From, "from"), (HeaderName::To, "to")] {
        if let Some(tag) = wire::tag(headers, &name) {
            let _ = write!(text, " {mark}={tag}");
        }
    }
    if let Some(sdp) = Sdp::parse(message.body()) {
        let payloads: Vec<String> = sdp.payloads.iter().map(ToString::to_string).collect();
        let _ = write!(
            text,
            " [{} {} {}]",
            sdp.address,
            payloads.join(","),
            sdp.way.word()
        );
    }
    let why = wire::text(headers, &HeaderName::parse(&Bytes::from_static(b"Reason")));
    if !why.is_empty() {
        let _ = write!(text, " Reason: {why}");
    }
    text
}

/// An event in a few words; none for those that say nothing of calls.
fn told(event: &Event) -> Option<String> {
    let text = match event {
        Event::CallStarted { caller, called, .. } => {
            format!("call from {} to {called}", caller.number)
        }
        Event::CallAnswered { .. } => "caller answered".into(),
        Event::CallQueued { queue, user, .. } => {
            let place = queue.as_deref().or(user.as_deref()).unwrap_or_default();
            format!("waits for {place}")
        }
        Event::CallLeftQueue { why, .. } => format!("waits no more: {}", word(why)),
        Event::LegStarted { number, .. } => format!("leg to {number}"),
        Event::LegEnded { cause, .. } => format!("leg ended: {}", word(&cause.result)),
        Event::AlertStarted {
            agent,
            picked_up: true,
            ..
        } => format!("picked up by {agent}"),
        Event::AlertStarted { agent, .. } => format!("alert for {agent}"),
        Event::AlertEnded {
            agent,
            end,
            sip_status,
            ..
        } => {
            let status = sip_status.map_or_else(String::new, |status| format!(" by {status}"));
            format!("alert for {agent} {}{status}", alert_end(*end))
        }
        Event::CallConnected { user, .. } => {
            format!("connected to {}", user.as_deref().unwrap_or("outside"))
        }
        Event::CallTransferred { by, to, .. } => format!("transferred to {to} by {by}"),
        Event::CallRecalled { from, .. } => {
            format!("comes back from {}", from.as_deref().unwrap_or("a rule"))
        }
        Event::CallParked { slot, by, .. } => {
            format!("parked in {slot} by {}", by.as_deref().unwrap_or("a rule"))
        }
        Event::CallRetrieved { slot, by, .. } => format!("retrieved from {slot} by {by}"),
        Event::CallReserved {
            by: Some(by),
            recall: true,
            ..
        } => format!("held for {by}"),
        Event::CallReserved { by, .. } => by
            .as_ref()
            .map_or_else(|| "released".into(), |by| format!("reserved by {by}")),
        Event::CallCoded { agent, code, .. } => match code {
            Some(code) => format!("{agent} says it was about {code}"),
            None => format!("{agent} says nothing of it any more"),
        },
        Event::CallHeld { .. } => "held".into(),
        Event::CallResumed { .. } => "resumed".into(),
        Event::CallDiverted { why, to, .. } => format!("diverted to {to}: {}", word(why)),
        Event::ServiceLevelReached { queue, action, .. } => {
            format!("service level of {queue}: {action}")
        }
        Event::CallEnded { cause, by, .. } => {
            format!("call ended: {} by {}", word(&cause.result), word(by))
        }
        Event::AgentChanged {
            agent,
            presence: Presence::Break,
            reason: Some(reason),
            ..
        } => format!("{agent} on break: {reason}"),
        Event::QueueChanged { queue, open, .. } => {
            format!("{queue} is {}", if *open { "open" } else { "closed" })
        }
        Event::LegRinging { .. }
        | Event::LegAnswered { .. }
        | Event::AgentChanged { .. }
        | Event::PhoneRegistered { .. }
        | Event::PhoneUnregistered { .. }
        | Event::CentreChanged { .. }
        | Event::AlarmRaised { .. }
        | Event::AlarmCleared { .. }
        | Event::AgentLoggedIn { .. }
        | Event::AgentLoggedOut { .. }
        | Event::AgentRemoved { .. }
        | Event::ServiceLevelSet { .. }
        | Event::SourceBanned { .. }
        | Event::DialRefused { .. }
        | Event::DayBegan {} => return None,
    };
    Some(text)
}

fn word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn alert_end(end: AlertEnd) -> &'static str {
    match end {
        AlertEnd::Accepted => "accepted",
        AlertEnd::Rejected => "rejected",
        AlertEnd::TimedOut => "timed out",
        AlertEnd::Withdrawn => "withdrawn",
        AlertEnd::Failed => "failed",
    }
}

//! What holds on the wire: every message of ours can be read by others, every INVITE gets one final response, in
//! both directions, and every final response we get is acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sipx_sip::{HeaderName, Message, Method};

use crate::ua::wire::{branch, cseq, tag, text};

/// An INVITE by its branch and who sent it.
type Invite = (String, String);
/// A final response to an INVITE of ours: Call-ID, CSeq and To tag.
type Final = (String, u32, String);

/// 64 × T1: so long an INVITE waits for its first response (RFC 3261 §17.1.1.2, timer B).
const TIMER_B: Duration = Duration::from_secs(32);

/// An INVITE of ours.
#[derive(Debug)]
struct Sent {
    first: Duration,
    progressed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// INVITEs we received, and the final responses we gave: status and To tag.
    received: BTreeMap<Invite, Option<(u16, String)>>,
    /// Final responses to INVITEs of ours that have no ACK yet.
    unacknowledged: BTreeSet<Final>,
    /// INVITEs of ours, since the last start.
    sent: BTreeMap<Invite, Sent>,
    faults: Vec<String>,
}

impl Wire {
    /// A message has reached us.
    pub(crate) fn came(&mut self, now: Duration, message: &Message) {
        match message {
            Message::Request(request) if request.method == Method::Invite => {
                self.received.entry(key(message)).or_insert(None);
            }
            Message::Request(_) => {}
            Message::Response(response) if is_of_invite(message) => {
                let Some(sent) = self.sent.get_mut(&key(message)) else {
                    return;
                };
                // After timer B nobody waits for it any more.
                let in_time = sent.progressed || now < sent.first + TIMER_B;
                if response.status.code() < 200 {
                    sent.progressed |= in_time;
                } else if in_time {
                    sent.progressed = true;
                    self.unacknowledged.insert(final_of(message));
                }
            }
            Message::Response(_) => {}
        }
    }

    /// A message of ours leaves.
    pub(crate) fn left(&mut self, now: Duration, message: &Message) {
        let findings = sipx_sip::validate(message);
        if !findings.is_empty() {
            self.faults.push(format!(
                "{findings:?} in\n{}",
                String::from_utf8_lossy(&message.to_bytes())
            ));
        }
        match message {
            Message::Request(request) if request.method == Method::Ack => {
                self.unacknowledged.remove(&final_of(message));
            }
            Message::Request(request) if request.method == Method::Invite => {
                self.sent.entry(key(message)).or_insert(Sent {
                    first: now,
                    progressed: false,
                });
            }
            Message::Request(_) => {}
            Message::Response(response) => {
                let status = response.status.code();
                if status >= 200 && is_of_invite(message) {
                    self.answered(message, status);
                }
            }
        }
    }

    fn answered(&mut self, message: &Message, status: u16) {
        let to_tag = tag(message.headers(), &HeaderName::To).unwrap_or_default();
        let Some(given) = self.received.get_mut(&key(message)) else {
            return self
                .faults
                .push(format!("{status} to an INVITE that never came"));
        };
        let answer = (status, to_tag);
        match given {
            None => *given = Some(answer),
            Some(before) if *before == answer => {}
            // Shed, or challenged, without state: when that answer is lost, the next copy of the INVITE is judged anew.
            Some((401 | 503, _)) => *given = Some(answer),
            Some(before) => self
                .faults
                .push(format!("an INVITE got {before:?}, then {answer:?}")),
        }
    }

    /// We stopped in the middle: what was open stays open for ever.
    pub(crate) fn crashed(&mut self) {
        self.received.clear();
        self.unacknowledged.clear();
        self.sent.clear();
    }

    /// When all is quiet nothing is open.
    pub(crate) fn check_quiet(&mut self) {
        let open = self.received.iter().filter(|(_, given)| given.is_none());
        for (invite, _) in open {
            self.faults
                .push(format!("the INVITE {invite:?} got no final response"));
        }
        for response in &self.unacknowledged {
            self.faults
                .push(format!("a final response got no ACK: {response:?}"));
        }
    }

    pub(crate) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }
}

fn is_of_invite(message: &Message) -> bool {
    cseq(message.headers()).is_some_and(|cseq| cseq.method == Method::Invite)
}

fn key(message: &Message) -> Invite {
    let headers = message.headers();
    (
        branch(headers).unwrap_or_default(),
        text(headers, &HeaderName::CallId),
    )
}

fn final_of(message: &Message) -> Final {
    let headers = message.headers();
    (
        text(headers, &HeaderName::CallId),
        cseq(headers).map_or(0, |cseq| cseq.sequence),
        tag(headers, &HeaderName::To).unwrap_or_default(),
    )
}

//! Provisional responses of ours that the caller acknowledges (RFC 3262 §3).
//!
//! [`Provisionals`] belongs to one INVITE that we answer. It numbers the responses that are sent reliably, repeats the one that
//! is not acknowledged, keeps the next until it is, and says when the caller is given up. It ends with the final response:
//! a 2xx has to wait for it while what is not acknowledged carries a session description.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::{HeaderName, Message, Method, ResponseBuilder};

/// The option tag (RFC 3262 §8.1).
pub const TAG: &str = "100rel";
/// How many responses wait for the PRACK of the one before; a caller is told no more than that.
const QUEUE_MAX: usize = 8;
/// The first number is below this, so that there is room for all that follow (§3).
const FIRST_BELOW: u64 = 1 << 31;
const T1: Duration = Duration::from_millis(500);
/// How long a response is repeated.
const GIVE_UP: Duration = T1.saturating_mul(64);

/// The reliable provisional responses to one INVITE.
#[derive(Debug, Default)]
pub struct Provisionals {
    /// The number of the last that was sent; 0 before the first.
    last: u32,
    waiting: Option<Waiting>,
    queue: VecDeque<Unsent>,
    out: VecDeque<Output>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Output {
    /// Send this response, for the first time or again.
    Transmit(ResponseBuilder),
    /// No PRACK has come for 64*T1: refuse the INVITE with 504.
    GaveUp,
}

/// A PRACK that acknowledges nothing: it gets 481.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the RAck names no response that waits for it")]
pub struct NotAwaited;

#[derive(Debug)]
struct Unsent {
    invite_cseq: u32,
    response: ResponseBuilder,
    has_session: bool,
}

/// The response that is not acknowledged.
#[derive(Debug)]
struct Waiting {
    rseq: u32,
    invite_cseq: u32,
    has_session: bool,
    /// How it is repeated; `None` once the final response has left.
    repeat: Option<Repeat>,
}

#[derive(Debug)]
struct Repeat {
    response: ResponseBuilder,
    interval: Duration,
    next: Duration,
    until: Duration,
}

impl Provisionals {
    /// Sends a provisional response, neither 100 nor one with RSeq, to the INVITE of that CSeq; after those before it are
    /// acknowledged. `random` is what the first one is numbered by.
    pub fn send(
        &mut self,
        now: Duration,
        random: u64,
        invite_cseq: u32,
        response: ResponseBuilder,
        has_session: bool,
    ) {
        if self.last == 0 {
            self.last = u32::try_from(random % (FIRST_BELOW - 1)).unwrap_or(0);
        }
        if self.queue.len() < QUEUE_MAX || has_session {
            self.queue.push_back(Unsent {
                invite_cseq,
                response,
                has_session,
            });
        }
        self.send_next(now);
    }

    fn send_next(&mut self, now: Duration) {
        if self.waiting.is_some() {
            return;
        }
        let Some(next) = self.queue.pop_front() else {
            return;
        };
        self.last += 1;
        let response = next
            .response
            .header(HeaderName::Require, TAG)
            .display(HeaderName::RSeq, self.last);
        self.out.push_back(Output::Transmit(response.clone()));
        self.waiting = Some(Waiting {
            rseq: self.last,
            invite_cseq: next.invite_cseq,
            has_session: next.has_session,
            repeat: Some(Repeat {
                response,
                interval: T1,
                next: now + T1,
                until: now + GIVE_UP,
            }),
        });
    }

    /// Takes a PRACK. What was kept for it follows.
    ///
    /// # Errors
    ///
    /// If it acknowledges nothing that waits.
    pub fn on_prack(&mut self, now: Duration, prack: &Message) -> Result<(), NotAwaited> {
        let (rseq, cseq) = rack(prack).ok_or(NotAwaited)?;
        let names = |waiting: &Waiting| waiting.rseq == rseq && waiting.invite_cseq == cseq;
        if !self.waiting.as_ref().is_some_and(names) {
            return Err(NotAwaited);
        }
        self.waiting = None;
        self.send_next(now);
        Ok(())
    }

    /// Whether a 2xx has to wait: what is not acknowledged carries a session description (§3).
    #[must_use]
    pub fn hold_success(&self) -> bool {
        let waiting = self.waiting.as_ref().map(|waiting| waiting.has_session);
        let mut all = waiting
            .into_iter()
            .chain(self.queue.iter().map(|unsent| unsent.has_session));
        all.any(|has_session| has_session)
    }

    /// The final response leaves: nothing is repeated any more, but a PRACK under way is still known.
    pub fn on_final(&mut self) {
        self.queue.clear();
        if let Some(waiting) = &mut self.waiting {
            waiting.repeat = None;
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let repeat = self.waiting.as_ref()?.repeat.as_ref()?;
        Some(repeat.next.min(repeat.until))
    }

    /// Repeats what is due, doubling the interval without limit (§3). Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        let Some(repeat) = self
            .waiting
            .as_mut()
            .and_then(|waiting| waiting.repeat.as_mut())
        else {
            return;
        };
        if repeat.until <= now {
            self.on_final();
            self.out.push_back(Output::GaveUp);
        } else if repeat.next <= now {
            repeat.interval *= 2;
            repeat.next = now + repeat.interval;
            self.out
                .push_back(Output::Transmit(repeat.response.clone()));
        }
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }
}

/// The numbers of a RAck that names an INVITE (§7.2): RSeq and CSeq.
fn rack(prack: &Message) -> Option<(u32, u32)> {
    let mut words = prack.header_str(HeaderName::RAck)?.split_ascii_whitespace();
    let (rseq, cseq) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let names_invite = Method::new(words.next()?) == Method::Invite && words.next().is_none();
    names_invite.then_some((rseq, cseq))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use bytes::Bytes;

    use super::*;

    fn invite() -> Message {
        let text = "INVITE sip:us@a SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK1\r\nFrom: <sip:b@b>;tag=b\r\n\
            To: <sip:us@a>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n\r\n";
        Message::parse(Bytes::from(text)).unwrap()
    }

    fn prack(rack: &str) -> Message {
        let text = format!(
            "PRACK sip:us@a SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\r\nFrom: <sip:b@b>;tag=b\r\n\
            To: <sip:us@a>;tag=a\r\nCall-ID: c\r\nCSeq: 8 PRACK\r\nRAck: {rack}\r\n\r\n"
        );
        Message::parse(Bytes::from(text)).unwrap()
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// What came out: status and RSeq, or "gave up".
    fn drain(provisionals: &mut Provisionals) -> Vec<String> {
        core::iter::from_fn(|| provisionals.poll_output())
            .map(|output| match output {
                Output::GaveUp => "gave up".into(),
                Output::Transmit(response) => {
                    let message = response.message().unwrap();
                    assert!(message.has_token(HeaderName::Require, TAG));
                    let rseq = message.header_str(HeaderName::RSeq).unwrap();
                    format!("{} {rseq}", message.status().unwrap())
                }
            })
            .collect()
    }

    fn send(provisionals: &mut Provisionals, at: Duration, status: u16, has_session: bool) {
        let response = ResponseBuilder::new(&invite(), status).to_tag("a");
        provisionals.send(at, 41, 7, response, has_session);
    }

    #[test]
    fn it_is_repeated_until_its_prack_comes() {
        let mut provisionals = Provisionals::default();
        send(&mut provisionals, ms(0), 183, true);
        assert_eq!(drain(&mut provisionals), ["183 42"]);
        for at in [500, 1500, 3500, 7500] {
            assert_eq!(provisionals.poll_timeout(), Some(ms(at)));
            provisionals.handle_timeout(ms(at - 1));
            assert_eq!(drain(&mut provisionals), [""; 0], "early is harmless");
            provisionals.handle_timeout(ms(at));
            assert_eq!(drain(&mut provisionals), ["183 42"], "{at}");
        }
        assert_eq!(
            provisionals.on_prack(ms(7600), &prack("42 7 INVITE")),
            Ok(())
        );
        assert_eq!(provisionals.poll_timeout(), None);
        let again = provisionals.on_prack(ms(7700), &prack("42 7 INVITE"));
        assert_eq!(again, Err(NotAwaited), "acknowledged already");
    }

    #[test]
    fn after_64_t1_the_caller_is_given_up() {
        let mut provisionals = Provisionals::default();
        send(&mut provisionals, ms(0), 180, false);
        let mut said = Vec::new();
        while let Some(at) = provisionals.poll_timeout() {
            provisionals.handle_timeout(at);
            said.extend(drain(&mut provisionals).into_iter().map(|what| (at, what)));
        }
        let last = (ms(32_000), String::from("gave up"));
        assert_eq!((said.len(), said.pop()), (8, Some(last)));
        // Who comes after all is not told that there is nothing.
        assert_eq!(
            provisionals.on_prack(ms(32_500), &prack("42 7 INVITE")),
            Ok(())
        );
    }

    #[test]
    fn the_next_waits_for_the_prack_of_the_one_before() {
        let mut provisionals = Provisionals::default();
        send(&mut provisionals, ms(0), 180, false);
        send(&mut provisionals, ms(10), 183, true);
        assert_eq!(drain(&mut provisionals), ["180 42"]);
        assert!(provisionals.hold_success(), "one with a session is to come");
        provisionals
            .on_prack(ms(20), &prack("42 7 INVITE"))
            .unwrap();
        assert_eq!(drain(&mut provisionals), ["183 43"]);
        assert_eq!(provisionals.poll_timeout(), Some(ms(520)));
        provisionals
            .on_prack(ms(30), &prack("43 7 INVITE"))
            .unwrap();
        assert!(!provisionals.hold_success());
    }

    #[test]
    fn what_acknowledges_nothing() {
        for rack in [
            "41 7 INVITE",
            "43 7 INVITE",
            "42 8 INVITE",
            "42 7 UPDATE",
            "42 7",
            "42 7 INVITE x",
            "x 7 INVITE",
            "-1 7 INVITE",
            "99999999999 7 INVITE",
        ] {
            let mut provisionals = Provisionals::default();
            send(&mut provisionals, ms(0), 183, true);
            let judged = provisionals.on_prack(ms(1), &prack(rack));
            assert_eq!(judged, Err(NotAwaited), "{rack}");
            assert!(provisionals.hold_success(), "{rack}");
        }
        let none = Provisionals::default().on_prack(ms(0), &prack("0 7 INVITE"));
        assert_eq!(none, Err(NotAwaited), "none was sent");
    }

    #[test]
    fn after_the_final_response_nothing_is_repeated_but_a_prack_is_known() {
        let mut provisionals = Provisionals::default();
        send(&mut provisionals, ms(0), 180, false);
        send(&mut provisionals, ms(0), 183, false);
        assert!(!provisionals.hold_success(), "neither carries a session");
        drain(&mut provisionals);
        provisionals.on_final();
        assert_eq!(provisionals.poll_timeout(), None);
        assert_eq!(provisionals.on_prack(ms(5), &prack("42 7 INVITE")), Ok(()));
        assert_eq!(drain(&mut provisionals), [""; 0], "what waited is dropped");
    }

    #[test]
    fn the_first_number_leaves_room_for_more() {
        for (random, first) in [
            (0, "180 1"),
            (u64::MAX, "180 4"),
            ((1 << 31) - 2, "180 2147483647"),
        ] {
            let mut provisionals = Provisionals::default();
            let response = ResponseBuilder::new(&invite(), 180);
            provisionals.send(ms(0), random, 7, response, false);
            assert_eq!(drain(&mut provisionals), [first], "{random}");
        }
    }

    #[test]
    fn a_caller_who_acknowledges_nothing_is_told_only_so_much() {
        let mut provisionals = Provisionals::default();
        for _ in 0..100 {
            send(&mut provisionals, ms(0), 183, false);
        }
        assert_eq!(provisionals.queue.len(), QUEUE_MAX);
    }
}

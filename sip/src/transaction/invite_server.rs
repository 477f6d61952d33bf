//! The INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1), and the 2xx it repeats
//! (RFC 3261 §13.3.1.4).
//!
//! Owns the state and the timers G, H, I and L, and the 200 ms before we say 100 Trying. The bytes
//! of the last response, and who is told what, are the layer's. Life: `Proceeding` -> `Completed`
//! (refused) -> `Confirmed` (acknowledged) or `Accepted` (2xx) -> `Terminated`. The RFC leaves the
//! repeating of a 2xx to the user of the transaction; it is here, since it is the same clockwork.

use core::time::Duration;

use super::timers::{Resend, Timers};

/// What a timer asks of the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nobody answered within 200 ms: say 100 Trying.
    Trying,
    /// Timer G, or its like for a 2xx: send the last response again.
    Resend,
    /// The 2xx was never acknowledged: tell the user, who hangs up.
    AckMissing,
    /// Timer H, I or L: nothing more can come.
    Ended,
}

/// What an ACK asks of the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acked {
    /// The first ACK to our 2xx: tell the user.
    Success,
    /// An ACK to our refusal, or one that came before.
    Absorbed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The user works on it. `trying` until the first response.
    Proceeding {
        trying: Option<Duration>,
    },
    /// Refused. Timer G on unreliable transports, timer H.
    Completed {
        resend: Option<Resend>,
        give_up: Duration,
    },
    /// The refusal is acknowledged; swallows repeated ACKs until timer I.
    Confirmed {
        until: Duration,
    },
    /// A 2xx was sent; `resend` until it is acknowledged, timer L.
    Accepted {
        resend: Option<Resend>,
        until: Duration,
    },
    Terminated,
}

/// One INVITE that we received.
#[derive(Debug)]
pub(crate) struct InviteServer {
    state: State,
    timers: Timers,
    reliable: bool,
}

impl InviteServer {
    /// The INVITE has just come.
    pub(crate) fn new(now: Duration, timers: Timers, reliable: bool) -> Self {
        Self {
            state: State::Proceeding {
                trying: Some(now.saturating_add(timers.trying)),
            },
            timers,
            reliable,
        }
    }

    /// The INVITE came again: true if the last response is to be sent again.
    pub(crate) const fn on_request_again(&self) -> bool {
        matches!(
            self.state,
            State::Proceeding { .. } | State::Completed { .. }
        )
    }

    /// The user answers. False if there is nothing to answer any more.
    pub(crate) fn on_respond(&mut self, now: Duration, status: u16) -> bool {
        let State::Proceeding { .. } = self.state else {
            return false;
        };
        let timeout = now.saturating_add(self.timers.timeout());
        self.state = match status {
            0..=199 => State::Proceeding { trying: None },
            // Repeated on any transport: a proxy behind it may have an unreliable one.
            200..=299 => State::Accepted {
                resend: Some(Resend::after(now, self.timers.t1)),
                until: timeout,
            },
            _ => State::Completed {
                resend: (!self.reliable).then(|| Resend::after(now, self.timers.t1)),
                give_up: timeout,
            },
        };
        true
    }

    pub(crate) fn on_ack(&mut self, now: Duration) -> Acked {
        match &mut self.state {
            State::Completed { .. } => {
                self.confirm(now);
                Acked::Absorbed
            }
            State::Accepted { resend, .. } if resend.is_some() => {
                *resend = None;
                Acked::Success
            }
            State::Accepted { .. }
            | State::Proceeding { .. }
            | State::Confirmed { .. }
            | State::Terminated => Acked::Absorbed,
        }
    }

    /// The peer has our 2xx, as something else than its ACK has shown.
    pub(crate) const fn on_success_known(&mut self) {
        if let State::Accepted { resend, .. } = &mut self.state {
            *resend = None;
        }
    }

    /// Timer I is over at once where nothing is ever sent twice.
    fn confirm(&mut self, now: Duration) {
        self.state = if self.reliable {
            State::Terminated
        } else {
            State::Confirmed {
                until: now.saturating_add(self.timers.t4),
            }
        };
    }

    /// Fires what is due, one timer a call.
    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Option<Due> {
        match &mut self.state {
            State::Proceeding { trying } if trying.is_some_and(|at| at <= now) => {
                *trying = None;
                Some(Due::Trying)
            }
            State::Completed { give_up, .. } if *give_up <= now => self.end(Due::Ended),
            State::Accepted { resend, until } if *until <= now => {
                let due = if resend.is_some() {
                    Due::AckMissing
                } else {
                    Due::Ended
                };
                self.end(due)
            }
            State::Completed {
                resend: Some(resend),
                ..
            }
            | State::Accepted {
                resend: Some(resend),
                ..
            } if resend.at() <= now => {
                *resend = resend.next(now, self.timers.t2);
                Some(Due::Resend)
            }
            State::Confirmed { until } if *until <= now => self.end(Due::Ended),
            State::Proceeding { .. }
            | State::Completed { .. }
            | State::Confirmed { .. }
            | State::Accepted { .. }
            | State::Terminated => None,
        }
    }

    fn end(&mut self, due: Due) -> Option<Due> {
        self.state = State::Terminated;
        Some(due)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Proceeding { trying } => trying,
            State::Completed { resend, give_up } => {
                Some(resend.map_or(give_up, |resend| resend.at().min(give_up)))
            }
            State::Accepted { resend, until } => {
                Some(resend.map_or(until, |resend| resend.at().min(until)))
            }
            State::Confirmed { until } => Some(until),
            State::Terminated => None,
        }
    }

    /// No final response has been given: a CANCEL still has something to cancel.
    pub(crate) const fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// The last response may have to be sent again.
    pub(crate) const fn may_resend(&self) -> bool {
        matches!(
            self.state,
            State::Proceeding { .. }
                | State::Completed { .. }
                | State::Accepted {
                    resend: Some(_),
                    ..
                }
        )
    }

    pub(crate) const fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Again(bool),
        Respond(u64, u16, bool),
        Ack(u64, Acked),
        Known,
        Timeout(u64, Option<Due>),
        Next(Option<u64>),
        Over(bool),
    }
    use Step::{Ack, Again, Known, Next, Over, Respond, Timeout};

    fn check(name: &str, reliable: bool, steps: &[Step]) {
        let mut machine = InviteServer::new(Duration::ZERO, Timers::default(), reliable);
        for step in steps {
            match *step {
                Again(expected) => {
                    assert_eq!(machine.on_request_again(), expected, "{name}: {step:?}");
                }
                Respond(at, status, expected) => {
                    let taken = machine.on_respond(MS(at), status);
                    assert_eq!(taken, expected, "{name}: {step:?}");
                }
                Ack(at, expected) => {
                    assert_eq!(machine.on_ack(MS(at)), expected, "{name}: {step:?}");
                }
                Known => machine.on_success_known(),
                Timeout(at, expected) => {
                    assert_eq!(machine.handle_timeout(MS(at)), expected, "{name}: {step:?}");
                }
                Next(expected) => {
                    assert_eq!(machine.poll_timeout(), expected.map(MS), "{name}: {step:?}");
                }
                Over(expected) => assert_eq!(machine.is_terminated(), expected, "{name}"),
            }
        }
    }

    /// Fires all deadlines from the answer at 1 s on, with their times in milliseconds.
    fn run(reliable: bool, status: u16) -> Vec<(u128, Due)> {
        let mut machine = InviteServer::new(Duration::ZERO, Timers::default(), reliable);
        assert!(machine.on_respond(MS(1000), status));
        let mut fired = Vec::new();
        while let Some(at) = machine.poll_timeout() {
            let due = machine.handle_timeout(at).expect("a deadline fires");
            fired.push((at.as_millis(), due));
        }
        fired
    }

    const REPEATED: [u128; 10] = [
        1500, 2500, 4500, 8500, 12500, 16500, 20500, 24500, 28500, 32500,
    ];

    #[test]
    fn timer_g_doubles_up_to_t2_until_timer_h() {
        let mut expected: Vec<_> = REPEATED.map(|at| (at, Due::Resend)).into();
        expected.push((33_000, Due::Ended));
        assert_eq!(run(false, 486), expected);
        assert_eq!(run(true, 486), [(33_000, Due::Ended)], "reliable: only H");
    }

    #[test]
    fn a_2xx_is_repeated_on_every_transport_until_its_ack_is_missed() {
        let mut expected: Vec<_> = REPEATED.map(|at| (at, Due::Resend)).into();
        expected.push((33_000, Due::AckMissing));
        assert_eq!(run(false, 200), expected);
        assert_eq!(run(true, 200), expected);
    }

    #[test]
    fn unreliable() {
        let table: &[(&str, &[Step])] = &[
            (
                "100 after 200 ms",
                &[
                    Next(Some(200)),
                    Timeout(199, None),
                    Timeout(200, Some(Due::Trying)),
                    Timeout(200, None),
                    Next(None),
                ],
            ),
            (
                "no 100 once answered",
                &[
                    Respond(100, 180, true),
                    Next(None),
                    Timeout(200, None),
                    Again(true),
                ],
            ),
            (
                "refused, acknowledged, over after I",
                &[
                    Respond(100, 180, true),
                    Respond(1000, 486, true),
                    Again(true),
                    Next(Some(1500)),
                    Ack(1100, Acked::Absorbed),
                    Next(Some(6100)),
                    Again(false),
                    Ack(1200, Acked::Absorbed),
                    Timeout(6100, Some(Due::Ended)),
                    Over(true),
                ],
            ),
            (
                "RFC 6026: accepted, absorbs the INVITE and all ACKs but one until L",
                &[
                    Respond(1000, 200, true),
                    Again(false),
                    Ack(1100, Acked::Success),
                    Ack(1200, Acked::Absorbed),
                    Next(Some(33_000)),
                    Again(false),
                    Timeout(33_000, Some(Due::Ended)),
                    Over(true),
                ],
            ),
            (
                "a 2xx that is known to have come is not repeated, nor its ACK missed",
                &[
                    Respond(1000, 200, true),
                    Timeout(1500, Some(Due::Resend)),
                    Known,
                    Next(Some(33_000)),
                    Ack(1600, Acked::Absorbed),
                    Timeout(33_000, Some(Due::Ended)),
                    Over(true),
                ],
            ),
            (
                "a refusal goes on whatever is known",
                &[Respond(1000, 486, true), Known, Next(Some(1500))],
            ),
            (
                "one final response",
                &[
                    Respond(1000, 200, true),
                    Respond(1100, 200, false),
                    Respond(1100, 486, false),
                    Respond(1100, 180, false),
                ],
            ),
            (
                "one refusal",
                &[Respond(1000, 486, true), Respond(1100, 200, false)],
            ),
            (
                "an ACK before any answer is nothing",
                &[Ack(100, Acked::Absorbed), Over(false), Next(Some(200))],
            ),
            (
                "a late wake-up sends once",
                &[
                    Respond(0, 486, true),
                    Timeout(9000, Some(Due::Resend)),
                    Timeout(9000, None),
                ],
            ),
        ];
        for (name, steps) in table {
            check(name, false, steps);
        }
    }

    #[test]
    fn reliable_timer_i_is_zero() {
        check(
            "I",
            true,
            &[
                Respond(1000, 486, true),
                Next(Some(33_000)),
                Ack(1100, Acked::Absorbed),
                Over(true),
                Next(None),
            ],
        );
    }

    #[test]
    fn what_will_not_be_sent_again_need_not_be_kept() {
        let mut machine = InviteServer::new(Duration::ZERO, Timers::default(), false);
        assert!(machine.is_proceeding() && machine.may_resend());
        machine.on_respond(MS(1), 200);
        assert!(!machine.is_proceeding() && machine.may_resend());
        machine.on_ack(MS(2));
        assert!(!machine.may_resend());
    }
}

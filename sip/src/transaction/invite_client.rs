//! The INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2).
//!
//! Owns the state and the timers A, B, D and M. The bytes of INVITE, ACK and CANCEL, and who is
//! told what, are the layer's. Life: `Calling` -> `Proceeding` -> `Completed` (refused) or
//! `Accepted` (2xx) -> `Terminated`. How long a phone may ring is not decided here: in `Proceeding`
//! no timer runs until the INVITE is cancelled.

use core::time::Duration;

use super::timers::{Resend, Timers};

/// What a response asks of the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// A provisional response: tell the user.
    Provisional,
    /// A 2xx: tell the user if its To-tag is new, otherwise acknowledge it again.
    Success,
    /// The final refusal: acknowledge it and tell the user.
    Failure,
    /// A refusal again: acknowledge it again.
    FailureAgain,
    /// Nothing to do.
    Ignored,
}

/// What a timer asks of the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Timer A: send the INVITE again.
    Resend,
    /// Timer B, or 64*T1 after a CANCEL: tell the user that no answer comes.
    TimedOut,
    /// Timer D or M: nothing more can come.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing heard. Timer A on unreliable transports, timer B.
    Calling {
        resend: Option<Resend>,
        give_up: Duration,
    },
    /// A provisional response came. After a CANCEL, the time by which the 487 must be here.
    Proceeding {
        give_up: Option<Duration>,
    },
    /// Refused and acknowledged; answers repeated refusals until timer D.
    Completed {
        until: Duration,
    },
    /// A 2xx came; lets further ones through until timer M.
    Accepted {
        until: Duration,
    },
    Terminated,
}

/// One INVITE that we sent.
#[derive(Debug)]
pub(crate) struct InviteClient {
    state: State,
    timers: Timers,
    reliable: bool,
}

impl InviteClient {
    /// The INVITE has just been sent.
    pub(crate) fn new(now: Duration, timers: Timers, reliable: bool) -> Self {
        Self {
            state: State::Calling {
                resend: (!reliable).then(|| Resend::after(now, timers.t1)),
                give_up: now.saturating_add(timers.timeout()),
            },
            timers,
            reliable,
        }
    }

    pub(crate) fn on_response(&mut self, now: Duration, status: u16) -> Received {
        match (self.state, status) {
            (State::Calling { .. }, 100..=199) => {
                self.state = State::Proceeding { give_up: None };
                Received::Provisional
            }
            (State::Proceeding { .. }, 100..=199) => Received::Provisional,
            (State::Calling { .. } | State::Proceeding { .. }, 200..=299) => {
                self.state = State::Accepted {
                    until: now.saturating_add(self.timers.timeout()),
                };
                Received::Success
            }
            (State::Calling { .. } | State::Proceeding { .. }, 300..=699) => {
                self.complete(now);
                Received::Failure
            }
            (State::Accepted { .. }, 200..=299) => Received::Success,
            (State::Completed { .. }, 300..=699) => Received::FailureAgain,
            _ => Received::Ignored,
        }
    }

    /// Timer D is over at once where nothing is ever sent twice.
    fn complete(&mut self, now: Duration) {
        self.state = if self.reliable {
            State::Terminated
        } else {
            State::Completed {
                until: now.saturating_add(self.timers.timeout()),
            }
        };
    }

    /// A CANCEL has been sent: the INVITE ends in 64*T1 at the latest (RFC 3261 §9.1).
    pub(crate) fn on_cancel_sent(&mut self, now: Duration) {
        if let State::Proceeding { give_up: None } = self.state {
            self.state = State::Proceeding {
                give_up: Some(now.saturating_add(self.timers.timeout())),
            };
        }
    }

    /// The transport could not send. True if that ended the transaction: once somebody has
    /// answered, the final response may still find its way on another connection.
    pub(crate) fn on_transport_failed(&mut self) -> bool {
        let fatal = matches!(self.state, State::Calling { .. });
        if fatal || matches!(self.state, State::Completed { .. }) {
            self.state = State::Terminated;
        }
        fatal
    }

    /// Fires what is due, one timer a call.
    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Option<Due> {
        match &mut self.state {
            State::Calling { give_up, .. } if *give_up <= now => self.end(Due::TimedOut),
            State::Calling {
                resend: Some(resend),
                ..
            } if resend.at() <= now => {
                // Timer A has no ceiling: T2 is not for INVITEs (RFC 3261 §17.1.1.2).
                *resend = resend.next(now, Duration::MAX);
                Some(Due::Resend)
            }
            State::Proceeding {
                give_up: Some(give_up),
            } if *give_up <= now => self.end(Due::TimedOut),
            State::Completed { until } | State::Accepted { until } if *until <= now => {
                self.end(Due::Ended)
            }
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
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
            State::Calling { resend, give_up } => {
                Some(resend.map_or(give_up, |resend| resend.at().min(give_up)))
            }
            State::Proceeding { give_up } => give_up,
            State::Completed { until } | State::Accepted { until } => Some(until),
            State::Terminated => None,
        }
    }

    /// Nothing has been heard from the other side.
    pub(crate) const fn is_calling(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// The other side works on it and has not decided.
    pub(crate) const fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
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

    /// What happens to a machine, at a time in milliseconds.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Response(u64, u16, Received),
        Cancel(u64),
        Timeout(u64, Option<Due>),
        TransportFailed(bool),
        Next(Option<u64>),
        Over(bool),
    }
    use Step::{Cancel, Next, Over, Response, Timeout, TransportFailed};

    fn check(name: &str, reliable: bool, steps: &[Step]) {
        let mut machine = InviteClient::new(Duration::ZERO, Timers::default(), reliable);
        for step in steps {
            match *step {
                Response(at, status, expected) => {
                    let received = machine.on_response(MS(at), status);
                    assert_eq!(received, expected, "{name}: {step:?}");
                }
                Cancel(at) => machine.on_cancel_sent(MS(at)),
                Timeout(at, expected) => {
                    assert_eq!(machine.handle_timeout(MS(at)), expected, "{name}: {step:?}");
                }
                TransportFailed(expected) => {
                    assert_eq!(machine.on_transport_failed(), expected, "{name}");
                }
                Next(expected) => {
                    assert_eq!(machine.poll_timeout(), expected.map(MS), "{name}: {step:?}");
                }
                Over(expected) => assert_eq!(machine.is_terminated(), expected, "{name}"),
            }
        }
    }

    #[test]
    fn timer_a_doubles_without_ceiling_until_timer_b() {
        let mut machine = InviteClient::new(Duration::ZERO, Timers::default(), false);
        let mut fired = Vec::new();
        while let Some(at) = machine.poll_timeout() {
            fired.push((at.as_millis(), machine.handle_timeout(at)));
        }
        let resend = Some(Due::Resend);
        assert_eq!(
            fired,
            [
                (500, resend),
                (1500, resend),
                (3500, resend),
                (7500, resend),
                (15500, resend),
                (31500, resend),
                (32000, Some(Due::TimedOut)),
            ]
        );
    }

    #[test]
    fn unreliable() {
        use Received::{Failure, FailureAgain, Ignored, Provisional, Success};
        let table: &[(&str, &[Step])] = &[
            (
                "a provisional response stops A and B",
                &[
                    Response(100, 180, Provisional),
                    Next(None),
                    Timeout(40_000, None),
                ],
            ),
            (
                "every provisional response is told",
                &[
                    Response(1, 100, Provisional),
                    Response(2, 183, Provisional),
                    Response(3, 199, Provisional),
                ],
            ),
            (
                "a refusal is acknowledged, and again until D",
                &[
                    Response(100, 180, Provisional),
                    Response(1000, 486, Failure),
                    Response(1500, 486, FailureAgain),
                    Response(1600, 200, Ignored),
                    Response(1600, 180, Ignored),
                    Next(Some(33_000)),
                    Timeout(32_999, None),
                    Timeout(33_000, Some(Due::Ended)),
                    Over(true),
                    Response(33_001, 486, Ignored),
                ],
            ),
            (
                "a refusal without a provisional response",
                &[Response(100, 300, Failure), Next(Some(32_100))],
            ),
            (
                "RFC 6026: every 2xx comes through until M, nothing else",
                &[
                    Response(1000, 200, Success),
                    Response(1500, 200, Success),
                    Response(1600, 299, Success),
                    Response(1700, 486, Ignored),
                    Response(1800, 180, Ignored),
                    Next(Some(33_000)),
                    Timeout(33_000, Some(Due::Ended)),
                    Over(true),
                ],
            ),
            (
                "RFC 3261 9.1: cancelled and never answered",
                &[
                    Response(100, 180, Provisional),
                    Cancel(1000),
                    Next(Some(33_000)),
                    Cancel(2000),
                    Response(3000, 183, Provisional),
                    Next(Some(33_000)),
                    Timeout(33_000, Some(Due::TimedOut)),
                    Over(true),
                ],
            ),
            (
                "cancelled and answered 487",
                &[
                    Response(100, 180, Provisional),
                    Cancel(1000),
                    Response(1100, 487, Failure),
                    Next(Some(33_100)),
                ],
            ),
            (
                "a 2xx that crossed the CANCEL",
                &[
                    Response(100, 180, Provisional),
                    Cancel(1000),
                    Response(1100, 200, Success),
                    Next(Some(33_100)),
                ],
            ),
            (
                "a CANCEL before any answer changes nothing",
                &[Cancel(10), Next(Some(500))],
            ),
            (
                "transport error while calling",
                &[TransportFailed(true), Over(true), Next(None)],
            ),
            (
                "transport error while it rings",
                &[
                    Response(100, 180, Provisional),
                    TransportFailed(false),
                    Over(false),
                ],
            ),
            (
                "transport error of the ACK",
                &[
                    Response(100, 486, Failure),
                    TransportFailed(false),
                    Over(true),
                ],
            ),
            (
                "transport error after a 2xx",
                &[
                    Response(100, 200, Success),
                    TransportFailed(false),
                    Over(false),
                ],
            ),
            (
                "early and repeated calls are harmless",
                &[
                    Timeout(499, None),
                    Timeout(500, Some(Due::Resend)),
                    Timeout(500, None),
                ],
            ),
            (
                "a late wake-up sends once",
                &[
                    Timeout(9000, Some(Due::Resend)),
                    Timeout(9000, None),
                    Next(Some(10_000)),
                ],
            ),
            (
                "a status that is none",
                &[Response(1, 99, Ignored), Response(1, 700, Ignored)],
            ),
        ];
        for (name, steps) in table {
            check(name, false, steps);
        }
    }

    #[test]
    fn reliable() {
        let table: &[(&str, &[Step])] = &[
            (
                "no timer A, but B",
                &[
                    Next(Some(32_000)),
                    Timeout(32_000, Some(Due::TimedOut)),
                    Over(true),
                ],
            ),
            (
                "D is zero",
                &[
                    Response(100, 486, Received::Failure),
                    Over(true),
                    Next(None),
                ],
            ),
            (
                "M is not",
                &[Response(100, 200, Received::Success), Next(Some(32_100))],
            ),
        ];
        for (name, steps) in table {
            check(name, true, steps);
        }
    }
}

//! The non-INVITE server transaction (RFC 3261 §17.2.2).
//!
//! Owns the state and timer J; the bytes of the last response are the layer's.
//! Life: `Trying` -> `Proceeding` -> `Completed` -> `Terminated`.

use core::time::Duration;

use super::timers::Timers;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The user works on it; from 64*T1 on the other side has given up and so do we.
    Waiting {
        give_up: Duration,
    },
    /// Answered; answers repeated requests until timer J.
    Completed {
        until: Duration,
    },
    Terminated,
}

/// One request other than INVITE, ACK and CANCEL that we received.
#[derive(Debug)]
pub(crate) struct NonInviteServer {
    state: State,
    timers: Timers,
    reliable: bool,
}

impl NonInviteServer {
    /// The request has just come.
    ///
    /// RFC 3261 gives the waiting states no timer. A user that never answers would leave them for
    /// ever, so they end when the client's timer F has; a 408 is not sent then (RFC 4320 §4.2).
    pub(crate) fn new(now: Duration, timers: Timers, reliable: bool) -> Self {
        Self {
            state: State::Waiting {
                give_up: now.saturating_add(timers.timeout()),
            },
            timers,
            reliable,
        }
    }

    /// The request came again: true if the last response, should there be one, is to be sent again.
    pub(crate) const fn on_request_again(&self) -> bool {
        !self.is_terminated()
    }

    /// The user answers. False if there is nothing to answer any more.
    pub(crate) fn on_respond(&mut self, now: Duration, status: u16) -> bool {
        let State::Waiting { .. } = self.state else {
            return false;
        };
        if status >= 200 {
            self.complete(now);
        }
        true
    }

    /// Timer J is over at once where nothing is ever sent twice.
    fn complete(&mut self, now: Duration) {
        self.state = if self.reliable {
            State::Terminated
        } else {
            State::Completed {
                until: now.saturating_add(self.timers.timeout()),
            }
        };
    }

    /// True if that ended the transaction.
    pub(crate) fn handle_timeout(&mut self, now: Duration) -> bool {
        let due = self.poll_timeout().is_some_and(|at| at <= now);
        if due {
            self.state = State::Terminated;
        }
        due
    }

    pub(crate) const fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Waiting { give_up: at } | State::Completed { until: at } => Some(at),
            State::Terminated => None,
        }
    }

    /// No final response has been given.
    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    pub(crate) const fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn lives() {
        /// Name, whether reliable, responses with their times and whether they are taken, and the
        /// deadline after them; none if it is over.
        type Row = (&'static str, bool, &'static [(u64, u16, bool)], Option<u64>);
        let table: &[Row] = &[
            ("never answered", false, &[], Some(32_000)),
            ("provisional", false, &[(100, 100, true)], Some(32_000)),
            ("answered, J", false, &[(100, 200, true)], Some(32_100)),
            ("refused, J", false, &[(100, 404, true)], Some(32_100)),
            (
                "one final response",
                false,
                &[
                    (100, 100, true),
                    (200, 200, true),
                    (300, 404, false),
                    (400, 100, false),
                ],
                Some(32_200),
            ),
            ("reliable: J is zero", true, &[(100, 200, true)], None),
            ("reliable, unanswered", true, &[], Some(32_000)),
        ];
        for (name, reliable, responses, deadline) in table {
            let mut machine = NonInviteServer::new(Duration::ZERO, Timers::default(), *reliable);
            for (at, status, taken) in *responses {
                assert_eq!(machine.on_respond(MS(*at), *status), *taken, "{name}");
            }
            assert_eq!(machine.poll_timeout(), deadline.map(MS), "{name}");
            assert_eq!(machine.is_terminated(), deadline.is_none(), "{name}");
            if let Some(at) = deadline {
                assert!(!machine.handle_timeout(MS(at - 1)), "{name}: early");
                assert!(machine.handle_timeout(MS(*at)), "{name}: due");
                assert!(!machine.handle_timeout(MS(*at)), "{name}: once");
            }
            assert!(
                machine.is_terminated() && !machine.on_request_again(),
                "{name}"
            );
        }
    }
}

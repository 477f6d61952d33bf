//! The non-INVITE client transaction (RFC 3261 §17.1.2).
//!
//! Owns the state and the timers E, F and K; the bytes are the layer's.
//! Life: `Trying` -> `Proceeding` -> `Completed` -> `Terminated`.

use core::time::Duration;

use super::timers::{Resend, Timers};

/// What a response asks of the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// Tell the user.
    Deliver,
    /// Nothing to do: repeated, or too late.
    Ignored,
}

/// What a timer asks of the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Timer E: send the request again.
    Resend,
    /// Timer F: tell the user that no answer comes.
    TimedOut,
    /// Timer K: nothing more can come.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `proceeding`: a provisional response came, so that timer E runs at T2.
    Waiting {
        proceeding: bool,
        resend: Option<Resend>,
        give_up: Duration,
    },
    /// Answered; swallows repeated answers until timer K.
    Completed {
        until: Duration,
    },
    Terminated,
}

/// One request other than INVITE and ACK that we sent.
#[derive(Debug)]
pub(crate) struct NonInviteClient {
    state: State,
    timers: Timers,
    reliable: bool,
}

impl NonInviteClient {
    /// The request has just been sent.
    pub(crate) fn new(now: Duration, timers: Timers, reliable: bool) -> Self {
        Self {
            state: State::Waiting {
                proceeding: false,
                resend: (!reliable).then(|| Resend::after(now, timers.t1)),
                give_up: now.saturating_add(timers.timeout()),
            },
            timers,
            reliable,
        }
    }

    pub(crate) fn on_response(&mut self, now: Duration, status: u16) -> Received {
        match (&mut self.state, status) {
            (State::Waiting { proceeding, .. }, 100..=199) => {
                *proceeding = true;
                Received::Deliver
            }
            (State::Waiting { .. }, 200..=699) => {
                self.complete(now);
                Received::Deliver
            }
            _ => Received::Ignored,
        }
    }

    /// Timer K is over at once where nothing is ever sent twice.
    fn complete(&mut self, now: Duration) {
        self.state = if self.reliable {
            State::Terminated
        } else {
            State::Completed {
                until: now.saturating_add(self.timers.t4),
            }
        };
    }

    /// The transport could not send. True if the user has to know.
    pub(crate) fn on_transport_failed(&mut self) -> bool {
        let fatal = matches!(self.state, State::Waiting { .. });
        if fatal {
            self.state = State::Terminated;
        }
        fatal
    }

    /// Fires what is due, one timer a call.
    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Option<Due> {
        match &mut self.state {
            State::Waiting { give_up, .. } if *give_up <= now => self.end(Due::TimedOut),
            State::Waiting {
                proceeding,
                resend: Some(resend),
                ..
            } if resend.at() <= now => {
                let t2 = self.timers.t2;
                *resend = if *proceeding {
                    Resend::after(now, t2)
                } else {
                    resend.next(now, t2)
                };
                Some(Due::Resend)
            }
            State::Completed { until } if *until <= now => self.end(Due::Ended),
            State::Waiting { .. } | State::Completed { .. } | State::Terminated => None,
        }
    }

    fn end(&mut self, due: Due) -> Option<Due> {
        self.state = State::Terminated;
        Some(due)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Waiting {
                resend, give_up, ..
            } => Some(resend.map_or(give_up, |resend| resend.at().min(give_up))),
            State::Completed { until } => Some(until),
            State::Terminated => None,
        }
    }

    /// An answer, provisional or final, has come.
    pub(crate) const fn is_answered(&self) -> bool {
        !matches!(
            self.state,
            State::Waiting {
                proceeding: false,
                ..
            }
        )
    }

    /// A final answer has come: the request is never sent again.
    pub(crate) const fn is_completed(&self) -> bool {
        matches!(self.state, State::Completed { .. })
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

    /// Runs a machine to its end by its own deadlines, with responses at their times.
    fn run(reliable: bool, responses: &[(u64, u16)]) -> Vec<(u64, &'static str)> {
        let mut machine = NonInviteClient::new(Duration::ZERO, Timers::default(), reliable);
        let mut responses = responses.iter().copied().peekable();
        let mut told = Vec::new();
        loop {
            let deadline = machine.poll_timeout();
            let response = responses.next_if(|(at, _)| deadline.is_none_or(|d| MS(*at) <= d));
            if let Some((at, status)) = response {
                told.push((
                    at,
                    match machine.on_response(MS(at), status) {
                        Received::Deliver => "deliver",
                        Received::Ignored => "ignore",
                    },
                ));
                continue;
            }
            let Some(at) = deadline else { return told };
            let due = machine.handle_timeout(at).expect("a deadline fires");
            told.push((
                u64::try_from(at.as_millis()).unwrap(),
                match due {
                    Due::Resend => "resend",
                    Due::TimedOut => "timed out",
                    Due::Ended => "ended",
                },
            ));
        }
    }

    #[test]
    fn timer_e_doubles_up_to_t2_until_timer_f() {
        let times: Vec<_> = run(false, &[]).into_iter().map(|(at, _)| at).collect();
        assert_eq!(
            times,
            [
                500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000
            ]
        );
        assert_eq!(run(false, &[]).last(), Some(&(32_000, "timed out")));
    }

    #[test]
    fn lives() {
        /// Name, whether reliable, responses by time, what happens by time.
        type Row = (
            &'static str,
            bool,
            &'static [(u64, u16)],
            &'static [(u64, &'static str)],
        );
        let table: &[Row] = &[
            (
                "answered, then K",
                false,
                &[(100, 200)],
                &[(100, "deliver"), (5100, "ended")],
            ),
            (
                "answers repeated until K",
                false,
                &[(100, 404), (600, 404), (700, 200), (800, 100), (6000, 404)],
                &[
                    (100, "deliver"),
                    (600, "ignore"),
                    (700, "ignore"),
                    (800, "ignore"),
                    (5100, "ended"),
                    (6000, "ignore"),
                ],
            ),
            (
                "a provisional answer slows E to T2, F still runs",
                false,
                &[(600, 100)],
                &[
                    (500, "resend"),
                    (600, "deliver"),
                    (1500, "resend"),
                    (5500, "resend"),
                    (9500, "resend"),
                    (13500, "resend"),
                    (17500, "resend"),
                    (21500, "resend"),
                    (25500, "resend"),
                    (29500, "resend"),
                    (32000, "timed out"),
                ],
            ),
            ("reliable: only F", true, &[], &[(32_000, "timed out")]),
            (
                "reliable: K is zero",
                true,
                &[(100, 200)],
                &[(100, "deliver")],
            ),
        ];
        for (name, reliable, responses, expected) in table {
            assert_eq!(run(*reliable, responses), *expected, "{name}");
        }
    }

    #[test]
    fn a_transport_error_ends_it_unless_answered() {
        let mut waiting = NonInviteClient::new(Duration::ZERO, Timers::default(), false);
        assert!(waiting.on_transport_failed() && waiting.is_terminated());
        let mut answered = NonInviteClient::new(Duration::ZERO, Timers::default(), false);
        answered.on_response(MS(1), 200);
        assert!(!answered.on_transport_failed() && !answered.is_terminated());
    }

    #[test]
    fn early_and_late_calls_are_harmless() {
        let mut machine = NonInviteClient::new(Duration::ZERO, Timers::default(), false);
        assert_eq!(machine.handle_timeout(MS(499)), None);
        assert_eq!(machine.handle_timeout(MS(9000)), Some(Due::Resend));
        assert_eq!(machine.handle_timeout(MS(9000)), None);
        assert!(!machine.is_answered());
    }
}

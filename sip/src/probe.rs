//! Whether a peer is there, by asking it from time to time (RFC 3261 §11).
//!
//! An OPTIONS every so often; whatever it answers shows that it lives, but for 408 and 503, which say that it, or what is behind it,
//! does not. Three questions in vain one after the other make it down, two answers one after the other up again: one lost packet
//! changes nothing, and a peer that comes and goes is not believed at once. It is up until shown otherwise. The request itself and its transaction are the
//! owner's; an answer that takes longer than ten seconds comes too late.

use core::time::Duration;

/// Questions in vain one after the other that make a peer down.
const DOWN_AFTER: u8 = 3;
/// Answers one after the other that make it up again.
const UP_AFTER: u8 = 2;
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What happens to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The peer answered with this final status.
    Answer(u16),
    /// The question could not be sent, or its transaction is over.
    NoAnswer,
}

/// What a probe wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Ask. Answers to the question before are no answers any more.
    Ask,
    /// [`Probe::is_up`] says something new.
    Changed,
}

/// One peer that is asked from time to time.
#[derive(Debug)]
pub struct Probe {
    every: Duration,
    up: bool,
    /// Answers, or questions in vain, one after the other that speak against what is believed.
    against: u8,
    /// When the question that is open was asked.
    asked: Option<Duration>,
    next: Duration,
    ask: bool,
    changed: bool,
}

impl Probe {
    /// A probe that asks at once, and then every so often; at least every second.
    #[must_use]
    pub fn new(now: Duration, every: Duration) -> Self {
        Self {
            every: every.max(Duration::from_secs(1)),
            up: true,
            against: 0,
            asked: None,
            next: now,
            ask: false,
            changed: false,
        }
    }

    /// Whether the peer is there, as far as is known.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.up
    }

    /// How often it is asked.
    #[must_use]
    pub const fn every(&self) -> Duration {
        self.every
    }

    /// Takes one input.
    pub fn handle_input(&mut self, input: Input) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        self.next = asked + self.every;
        let lives = matches!(input, Input::Answer(status) if status != 408 && status != 503);
        self.judge(lives);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.next > now {
            return;
        }
        if let Some(asked) = self.asked.take() {
            self.judge(false);
            self.next = asked + self.every;
            if self.next > now {
                return;
            }
        }
        self.asked = Some(now);
        self.ask = true;
        self.next = now + ANSWER_WITHIN.min(self.every);
    }

    /// The next thing that is wanted.
    pub fn poll_output(&mut self) -> Option<Output> {
        if core::mem::take(&mut self.changed) {
            return Some(Output::Changed);
        }
        core::mem::take(&mut self.ask).then_some(Output::Ask)
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub const fn poll_timeout(&self) -> Duration {
        self.next
    }

    fn judge(&mut self, lives: bool) {
        if lives == self.up {
            self.against = 0;
            return;
        }
        self.against += 1;
        let enough = if self.up { DOWN_AFTER } else { UP_AFTER };
        if self.against >= enough {
            self.up = lives;
            self.against = 0;
            self.changed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Asks so often and hands in these answers (none: silence); whether it was up after each.
    fn play(answers: &[Option<u16>]) -> Vec<bool> {
        let mut probe = Probe::new(secs(100), secs(30));
        let mut ups = Vec::new();
        for (round, answer) in (0..).zip(answers) {
            let asked = secs(100 + 30 * round);
            assert_eq!(probe.poll_timeout(), asked, "round {round}");
            probe.handle_timeout(asked);
            assert_eq!(probe.poll_output(), Some(Output::Ask));
            match answer {
                Some(status) => {
                    probe.handle_input(Input::Answer(*status));
                    probe.handle_input(Input::Answer(200));
                }
                None => probe.handle_input(Input::NoAnswer),
            }
            let before = ups.last().copied().unwrap_or(true);
            let changed = probe.poll_output() == Some(Output::Changed);
            assert_eq!(changed, before != probe.is_up(), "round {round}");
            ups.push(probe.is_up());
            probe.handle_timeout(asked + secs(10));
        }
        ups
    }

    #[test]
    fn three_in_vain_make_it_down_and_two_answers_up() {
        let (yes, no) = (Some(200), None);
        let cases: [(&[Option<u16>], &[bool]); 5] = [
            (&[no, no, no, no], &[true, true, false, false]),
            (&[no, no, yes, no, no], &[true; 5]),
            (&[no, no, no, yes, yes], &[true, true, false, false, true]),
            (
                &[no, no, no, yes, no, yes, yes],
                &[true, true, false, false, false, false, true],
            ),
            (&[Some(503), Some(408), Some(503)], &[true, true, false]),
        ];
        for (answers, expected) in cases {
            assert_eq!(play(answers), expected, "{answers:?}");
        }
        for status in [200, 302, 401, 403, 404, 405, 481, 500, 501, 603] {
            assert_eq!(play(&[Some(status); 4]), [true; 4], "{status}");
        }
    }

    #[test]
    fn silence_counts_after_ten_seconds_and_an_answer_after_that_is_none() {
        let mut probe = Probe::new(secs(0), secs(30));
        for asked in [0, 30, 60] {
            probe.handle_timeout(secs(asked));
            assert_eq!(probe.poll_output(), Some(Output::Ask));
            assert_eq!(probe.poll_timeout(), secs(asked + 10));
            probe.handle_timeout(secs(asked + 9));
            assert_eq!(probe.poll_output(), None);
            probe.handle_timeout(secs(asked + 10));
            probe.handle_input(Input::Answer(200));
        }
        assert_eq!(
            (probe.poll_output(), probe.is_up()),
            (Some(Output::Changed), false)
        );
        assert_eq!(probe.poll_timeout(), secs(90));
    }

    #[test]
    fn who_is_asked_often_has_less_time_to_answer() {
        let mut probe = Probe::new(secs(0), secs(2));
        probe.handle_timeout(secs(0));
        assert_eq!(
            (probe.poll_output(), probe.poll_timeout()),
            (Some(Output::Ask), secs(2))
        );
        probe.handle_timeout(secs(2));
        assert_eq!(
            (probe.poll_output(), probe.poll_timeout()),
            (Some(Output::Ask), secs(4))
        );
    }
}

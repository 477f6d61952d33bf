//! What is said in SIP, kept for looking at: a thread that takes copies of all messages and the ring it keeps them in.
//!
//! Network threads and the engine's hand a message over as it is, its `Bytes` cloned, and never wait: what finds the queue full
//! is lost and counted. The recorder's thread takes out the secrets, sorts messages by call ([`trace::Ring`]) and answers who asks: the API
//! for one call, `lampfield trace` for what passes from now on ([`follow`]). It rests a little after each batch, so that a busy
//! daemon wakes it a hundred times a second at most. It ends with the process.

mod follow;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use engine::{CallId, LegId};
use sip::Flow;
use tokio::sync::{mpsc, oneshot};
use trace::{Direction, Kept, Ring, Traced};

use crate::clock::utc_us;
use crate::net::bell::Bell;
use crate::net::counters::Counter;
use follow::Follower;
pub(crate) use follow::{Filter, Followed};

/// Messages that may wait for the recorder; the engine's word on legs has some room more.
const MESSAGES: usize = 16_384;
const NOTES: usize = 8_192;
/// Messages taken up before who asks is answered.
const BATCH: usize = 4_096;
/// How long the thread rests, so that more comes together.
const REST: Duration = Duration::from_millis(10);
const IDLE: Duration = Duration::from_secs(60);
/// Questions that may wait, and who may follow at a time.
const QUESTIONS: usize = 64;
const FOLLOWERS_MAX: usize = 16;

/// Takes messages; one for all sockets and the engine's thread. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Tap(Option<Arc<Ends>>);

#[derive(Debug)]
struct Ends {
    queue: Sender<Passed>,
    questions: Sender<Question>,
    bell: Arc<Bell>,
    counters: Arc<Counters>,
}

/// What the recorder has counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Messages taken up.
    pub(crate) taken: Counter,
    /// Messages, or the engine's word on legs, that found no room.
    pub(crate) lost: Counter,
}

/// What comes to the recorder.
#[derive(Debug)]
enum Passed {
    Message {
        at_us: i64,
        direction: Direction,
        flow: Flow,
        raw: Bytes,
    },
    LegBegan {
        call: CallId,
        leg: LegId,
        sip_call_id: String,
    },
    LegEnded(LegId),
}

#[derive(Debug)]
enum Question {
    Call(CallId, oneshot::Sender<Option<Kept>>),
    Follow(Filter, mpsc::Sender<Followed>),
}

/// Why nothing can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unrecorded {
    /// Nothing is kept, as the settings say.
    Off,
    /// The recorder is too busy, or gone.
    Busy,
}

/// Starts the recorder with room for so many megabytes; with none there is no thread and nothing is taken.
pub(crate) fn start(megabytes: u32) -> io::Result<Tap> {
    let megabytes = usize::try_from(megabytes).unwrap_or(usize::MAX);
    if megabytes == 0 {
        return Ok(Tap::off());
    }
    let (queue, passed) = bounded(MESSAGES + NOTES);
    let (questions, asked) = bounded(QUESTIONS);
    let (bell, counters) = (Arc::<Bell>::default(), Arc::<Counters>::default());
    let recorder = Recorder {
        passed,
        asked,
        bell: Arc::clone(&bell),
        counters: Arc::clone(&counters),
        ring: Ring::new(megabytes.saturating_mul(1 << 20)),
        followers: Vec::new(),
        lost_told: 0,
    };
    let thread = std::thread::Builder::new().name("recorder".into());
    thread.spawn(move || recorder.run())?;
    Ok(Tap(Some(Arc::new(Ends {
        queue,
        questions,
        bell,
        counters,
    }))))
}

impl Tap {
    /// Takes nothing.
    pub(crate) const fn off() -> Self {
        Self(None)
    }

    /// A message came in by this flow.
    pub(crate) fn received(&self, flow: &Flow, raw: &Bytes) {
        self.message(Direction::Received, flow, raw);
    }

    /// A message leaves by this flow.
    pub(crate) fn sent(&self, flow: &Flow, raw: &Bytes) {
        self.message(Direction::Sent, flow, raw);
    }

    fn message(&self, direction: Direction, flow: &Flow, raw: &Bytes) {
        let Some(ends) = &self.0 else { return };
        // Line ends that keep a way open say nothing.
        if raw.first().is_none_or(u8::is_ascii_whitespace) {
            return;
        }
        if ends.queue.len() >= MESSAGES {
            ends.counters.lost.add();
            return;
        }
        ends.put(Passed::Message {
            at_us: utc_us(),
            direction,
            flow: *flow,
            raw: raw.clone(),
        });
    }

    /// Messages with this Call-ID are a leg's.
    pub(crate) fn leg_began(&self, call: CallId, leg: LegId, sip_call_id: String) {
        if let Some(ends) = &self.0 {
            ends.put(Passed::LegBegan {
                call,
                leg,
                sip_call_id,
            });
        }
    }

    /// A leg is over.
    pub(crate) fn leg_ended(&self, leg: LegId) {
        if let Some(ends) = &self.0 {
            ends.put(Passed::LegEnded(leg));
        }
    }

    /// What is kept of a call, with all that has passed before; none when that is nothing.
    pub(crate) async fn of_call(&self, call: CallId) -> Result<Option<Kept>, Unrecorded> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Call(call, answer))?;
        answered.await.map_err(|_| Unrecorded::Busy)
    }

    /// Has all that passes from now on sent there, and before it what is kept of the call that is asked for.
    pub(crate) fn follow(
        &self,
        filter: Filter,
        to: mpsc::Sender<Followed>,
    ) -> Result<(), Unrecorded> {
        self.ask(Question::Follow(filter, to))
    }

    /// What has been counted; none when nothing is taken.
    pub(crate) fn counters(&self) -> Option<&Counters> {
        self.0.as_ref().map(|ends| &*ends.counters)
    }

    fn ask(&self, question: Question) -> Result<(), Unrecorded> {
        let ends = self.0.as_ref().ok_or(Unrecorded::Off)?;
        ends.questions
            .try_send(question)
            .map_err(|_| Unrecorded::Busy)?;
        ends.bell.ring();
        Ok(())
    }
}

impl Ends {
    fn put(&self, passed: Passed) {
        match self.queue.try_send(passed) {
            Ok(()) => self.bell.ring(),
            Err(_) => self.counters.lost.add(),
        }
    }
}

struct Recorder {
    passed: Receiver<Passed>,
    asked: Receiver<Question>,
    bell: Arc<Bell>,
    counters: Arc<Counters>,
    ring: Ring,
    followers: Vec<Follower>,
    /// How many losses followers have been told of.
    lost_told: u64,
}

impl Recorder {
    fn run(mut self) {
        loop {
            let is_idle = || self.passed.is_empty() && self.asked.is_empty();
            self.bell.sleep(Instant::now() + IDLE, is_idle);
            std::thread::sleep(REST);
            self.take_up();
        }
    }

    /// Takes up what has come, then answers who asks.
    fn take_up(&mut self) {
        // Before the messages: whoever asks is shown all that had passed then.
        let questions: Vec<Question> = self.asked.try_iter().collect();
        let mut left = self.passed.len();
        while left > 0 {
            let batch: Vec<Passed> = self.passed.try_iter().take(left.min(BATCH)).collect();
            if batch.is_empty() {
                break;
            }
            left -= batch.len();
            self.take_batch(batch);
        }
        self.tell_losses();
        questions
            .into_iter()
            .for_each(|question| self.answer(question));
    }

    fn take_batch(&mut self, batch: Vec<Passed>) {
        // The INVITE comes a moment before the engine's word on whose it is; who follows shall be told both at once.
        for passed in &batch {
            if let Passed::LegBegan {
                call,
                leg,
                sip_call_id,
            } = passed
            {
                self.ring.leg_began(*call, *leg, sip_call_id);
            }
        }
        for passed in batch {
            match passed {
                Passed::Message {
                    at_us,
                    direction,
                    flow,
                    raw,
                } => self.take_message(at_us, direction, &flow, &raw),
                Passed::LegBegan { .. } => {}
                Passed::LegEnded(leg) => self.ring.leg_ended(leg),
            }
        }
    }

    fn take_message(&mut self, at_us: i64, direction: Direction, flow: &Flow, raw: &[u8]) {
        self.counters.taken.add();
        let seq = self.ring.next_seq();
        let message = self
            .ring
            .record(Traced::new(seq, at_us, direction, flow, raw));
        self.followers
            .retain_mut(|follower| follower.tell(&message));
    }

    fn tell_losses(&mut self) {
        let lost = self.counters.lost.count();
        let new = lost.saturating_sub(self.lost_told);
        self.lost_told = lost;
        self.followers
            .iter_mut()
            .for_each(|follower| follower.lacks(new));
        self.followers.retain(Follower::is_there);
    }

    fn answer(&mut self, question: Question) {
        match question {
            // Who asked may have given up waiting.
            Question::Call(call, answer) => drop(answer.send(self.ring.of_call(call))),
            Question::Follow(filter, to) if self.followers.len() < FOLLOWERS_MAX => {
                let kept = filter.call.and_then(|call| self.ring.of_call(call));
                let mut follower = Follower::new(filter, to);
                for message in kept.unwrap_or_default().messages {
                    follower.tell(&message);
                }
                self.followers.push(follower);
            }
            // Without its sender the stream ends at once.
            Question::Follow(..) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::Transport;

    const CALL: CallId = CallId(7);

    fn flow() -> Flow {
        Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "127.0.0.2:5060".parse().unwrap(),
            connection: None,
        }
    }

    fn message(method: &str, call_id: &str) -> Bytes {
        let text = format!(
            "{method} sip:2000@x SIP/2.0\r\nFrom: <sip:+31201@y>\r\nTo: <sip:2000@x>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\r\n"
        );
        Bytes::from(text)
    }

    #[tokio::test]
    async fn who_asks_is_shown_all_that_passed_before() {
        let tap = start(1).unwrap();
        tap.received(&flow(), &message("INVITE", "a"));
        tap.leg_began(CALL, LegId(8), "a".into());
        for _ in 0..9_999 {
            tap.sent(&flow(), &message("INFO", "a"));
        }
        tap.sent(&flow(), &Bytes::from_static(b"\r\n\r\n"));
        let kept = tap.of_call(CALL).await.unwrap().unwrap();
        assert_eq!(kept.messages.len() as u64 + kept.gone, 10_000);
        assert_eq!(tap.of_call(CallId(9)).await.unwrap(), None);
        let counters = tap.counters().unwrap();
        assert_eq!((counters.taken.count(), counters.lost.count()), (10_000, 0));
    }

    #[tokio::test]
    async fn who_follows_hears_what_they_ask_for_and_how_much_they_lack() {
        let tap = start(1).unwrap();
        tap.received(&flow(), &message("INVITE", "a"));
        tap.leg_began(CALL, LegId(8), "a".into());
        let of_call = Filter {
            call: Some(CALL),
            number: None,
        };
        let (to, mut follower) = mpsc::channel(2);
        tap.follow(of_call, to).unwrap();
        tap.of_call(CALL).await.unwrap();
        for method in ["INVITE", "ACK", "BYE"] {
            tap.received(&flow(), &message(method, "a"));
            tap.received(&flow(), &message(method, "other"));
        }
        tap.of_call(CALL).await.unwrap();
        let mut heard = Vec::new();
        while let Ok(followed) = follower.try_recv() {
            heard.push(followed);
        }
        // The kept one and the first; two found the queue full.
        let calls: Vec<_> = heard
            .iter()
            .map(|it| matches!(it, Followed::Message(_)))
            .collect();
        assert_eq!(calls, [true, true]);
        tap.received(&flow(), &message("BYE", "a"));
        tap.of_call(CALL).await.unwrap();
        assert!(matches!(follower.try_recv(), Ok(Followed::Lost(2))));
        assert!(matches!(follower.try_recv(), Ok(Followed::Message(_))));
    }

    #[tokio::test]
    async fn nothing_is_taken_when_it_is_off() {
        let tap = start(0).unwrap();
        tap.received(&flow(), &message("INVITE", "a"));
        assert_eq!(tap.of_call(CALL).await, Err(Unrecorded::Off));
        assert!(tap.counters().is_none());
    }
}

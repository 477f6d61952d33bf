//! The bounded queues between the world and the engine's thread.
//!
//! The engine empties them in this order: first what belongs to calls in progress, then media events, then orders
//! of people, then new requests. So under load what is new suffers, and what is in progress does not.
//!
//! When full: the *first* lane is waited for, the kernel's buffers behind it are the last bound; *media* events are
//! kept (see [`MediaLane`]); *orders* and *requests* are refused, by 503 both.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use engine::{Command, Input, Refusal};
use engine::{CommandId, command::Done};
use media::control::MediaEvent;
use tokio::sync::oneshot;

use super::bell::Bell;
use super::counters::Counter;

/// Messages of calls in progress, DNS answers, failures of transports.
const FIRST: usize = 8_192;
/// Commands of the API and the command line.
const ORDERS: usize = 1_024;
/// INVITE, REGISTER, OPTIONS.
const REQUESTS: usize = 4_096;
/// Media events beyond which those are dropped that nothing hangs on.
const MEDIA: usize = 16_384;

/// How long a task waits before it tries a full lane again.
const AGAIN: Duration = Duration::from_millis(1);

/// The answer to a command, with the number of the event that shows it.
pub(crate) type Answer = Result<(u64, Done), Refusal>;

/// What people, and the daemon itself, ask of the engine's thread.
#[derive(Debug)]
pub(crate) enum Order {
    /// A command, and who waits for its answer.
    Command {
        command: Command,
        answer: oneshot::Sender<Answer>,
    },
    /// To come to its end.
    Stop,
}

/// A lane that takes no more.
#[derive(Debug)]
pub(crate) struct Full<T>(pub(crate) T);

/// The ends that are written to. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    first: Sender<Box<Input>>,
    orders: Sender<Order>,
    requests: Sender<Box<Input>>,
    pub(crate) media: Arc<MediaLane>,
    bell: Arc<Bell>,
}

/// The ends that the engine's thread reads.
#[derive(Debug)]
pub(crate) struct LaneEnds {
    first: Receiver<Box<Input>>,
    orders: Receiver<Order>,
    requests: Receiver<Box<Input>>,
    media: Arc<MediaLane>,
    bell: Arc<Bell>,
}

impl Drop for LaneEnds {
    /// Who waits for an answer hears that there will be none; the queue itself would keep what is in it.
    fn drop(&mut self) {
        self.orders.try_iter().for_each(drop);
    }
}

/// What came out of the lanes.
#[derive(Debug)]
pub(crate) enum Next {
    Input(Box<Input>),
    Order(Order),
}

/// Makes the lanes of one engine.
pub(crate) fn lanes() -> (Lanes, LaneEnds) {
    lanes_of(FIRST, ORDERS, REQUESTS, MEDIA)
}

fn lanes_of(first: usize, orders: usize, requests: usize, media: usize) -> (Lanes, LaneEnds) {
    let (first, first_end) = bounded(first);
    let (orders, orders_end) = bounded(orders);
    let (requests, requests_end) = bounded(requests);
    let bell = Arc::new(Bell::default());
    let media = Arc::new(MediaLane::new(media, Arc::clone(&bell)));
    let ends = LaneEnds {
        first: first_end,
        orders: orders_end,
        requests: requests_end,
        media: Arc::clone(&media),
        bell: Arc::clone(&bell),
    };
    (
        Lanes {
            first,
            orders,
            requests,
            media,
            bell,
        },
        ends,
    )
}

impl Lanes {
    /// Puts an input of a call in progress into its lane, and waits where that is full. For threads only.
    pub(crate) fn first(&self, input: Box<Input>) {
        // The engine is gone only when the daemon ends.
        let _ = self.first.send(input);
        self.bell.ring();
    }

    /// The same, for tasks of the runtime.
    pub(crate) async fn first_async(&self, mut input: Box<Input>) {
        while let Err(TrySendError::Full(back)) = self.first.try_send(input) {
            input = back;
            tokio::time::sleep(AGAIN).await;
        }
        self.bell.ring();
    }

    /// Puts a new request into its lane.
    pub(crate) fn request(&self, input: Box<Input>) -> Result<(), Full<Box<Input>>> {
        let sent = self.requests.try_send(input);
        self.bell.ring();
        sent.map_err(|refused| Full(refused.into_inner()))
    }

    /// Puts an order into its lane.
    pub(crate) fn order(&self, order: Order) -> Result<(), Full<Order>> {
        let sent = self.orders.try_send(order);
        self.bell.ring();
        sent.map_err(|refused| Full(refused.into_inner()))
    }

    /// Tells the engine's thread to end; waits for room.
    pub(crate) fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
        self.bell.ring();
    }

    /// How many wait in each lane, with the lane's name.
    pub(crate) fn lengths(&self) -> [(&'static str, usize); 4] {
        [
            ("first", self.first.len()),
            ("media", self.media.len()),
            ("orders", self.orders.len()),
            ("requests", self.requests.len()),
        ]
    }
}

impl LaneEnds {
    /// What is next, if anything is.
    pub(crate) fn try_next(&self) -> Option<Next> {
        if let Ok(input) = self.first.try_recv() {
            return Some(Next::Input(input));
        }
        if let Some(event) = self.media.take() {
            return Some(Next::Input(Box::new(Input::Media(event))));
        }
        match self.orders.try_recv() {
            Ok(order) => return Some(Next::Order(order)),
            // Nobody is left who could ask for anything.
            Err(TryRecvError::Disconnected) => return Some(Next::Order(Order::Stop)),
            Err(TryRecvError::Empty) => {}
        }
        self.requests.try_recv().ok().map(Next::Input)
    }

    /// Sleeps until something comes, or until then.
    pub(crate) fn wait(&self, until: Instant) {
        self.bell.sleep(until, || {
            self.first.is_empty()
                && self.media.len() == 0
                && self.orders.is_empty()
                && self.requests.is_empty()
        });
    }
}

/// The media threads' lane, which never makes them wait.
///
/// What ports and calls hang on (ports ready or exhausted, a clip or a leg that ended) is always kept: while the
/// engine stands still no new legs come, so there can be no more of it than there are pairs of ports. Keys and
/// silence are dropped and counted beyond the limit.
pub(crate) struct MediaLane {
    events: Mutex<VecDeque<MediaEvent>>,
    limit: usize,
    bell: Arc<Bell>,
    pub(crate) dropped: Counter,
}

impl MediaLane {
    fn new(limit: usize, bell: Arc<Bell>) -> Self {
        Self {
            events: Mutex::default(),
            limit,
            bell,
            dropped: Counter::default(),
        }
    }

    /// Takes an event; never waits for room.
    pub(crate) fn put(&self, event: MediaEvent) {
        let optional = match event {
            MediaEvent::DtmfPressed { .. }
            | MediaEvent::Silent { .. }
            | MediaEvent::Lifeless { .. }
            | MediaEvent::Heard { .. } => true,
            MediaEvent::PortsReady(_)
            | MediaEvent::PortsExhausted { .. }
            | MediaEvent::ClipEnded { .. }
            | MediaEvent::Closed { .. } => false,
        };
        {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            if optional && events.len() >= self.limit {
                self.dropped.add();
                return;
            }
            events.push_back(event);
        }
        self.bell.ring();
    }

    fn take(&self) -> Option<MediaEvent> {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    fn len(&self) -> usize {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

impl fmt::Debug for MediaLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaLane")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Numbers commands, so that answers find them.
#[derive(Debug, Default)]
pub(crate) struct CommandIds(std::sync::atomic::AtomicU64);

impl CommandIds {
    pub(crate) fn next(&self) -> CommandId {
        CommandId(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::control::{LegKey, WorkerId};

    fn refused(status: u16) -> Box<Input> {
        Box::new(Input::Refused { status })
    }

    fn describe(next: Option<Next>) -> String {
        let input = match next {
            None => return "none".into(),
            Some(Next::Order(_)) => return "order".into(),
            Some(Next::Input(input)) => input,
        };
        if let Input::Refused { status } = *input {
            return status.to_string();
        }
        let ended = matches!(*input, Input::Media(MediaEvent::ClipEnded { .. }));
        if ended { "clip ended" } else { "media" }.into()
    }

    #[test]
    fn what_is_in_progress_comes_before_what_is_new() {
        let (lanes, ends) = lanes_of(2, 2, 2, 2);
        lanes.request(refused(4)).unwrap();
        lanes.order(Order::Stop).unwrap();
        lanes.media.put(MediaEvent::PortsExhausted {
            worker: WorkerId(0),
        });
        lanes.first(refused(1));
        let order: Vec<String> = (0..5).map(|_| describe(ends.try_next())).collect();
        assert_eq!(order, ["1", "media", "order", "4", "none"]);
    }

    #[test]
    fn full_lanes_refuse_what_is_new() {
        let (lanes, ends) = lanes_of(1, 1, 1, 1);
        lanes.request(refused(1)).unwrap();
        let Err(Full(back)) = lanes.request(refused(2)) else {
            panic!("there is no room")
        };
        assert!(matches!(*back, Input::Refused { status: 2 }));
        lanes.order(Order::Stop).unwrap();
        assert!(lanes.order(Order::Stop).is_err());
        assert_eq!(
            lanes.lengths(),
            [("first", 0), ("media", 0), ("orders", 1), ("requests", 1)]
        );
        drop(ends);
    }

    #[test]
    fn a_full_first_lane_is_waited_for() {
        let (lanes, ends) = lanes_of(1, 1, 1, 1);
        lanes.first(refused(1));
        let waiting = std::thread::spawn(move || lanes.first(refused(2)));
        assert_eq!(describe(ends.try_next()), "1");
        waiting.join().unwrap();
        assert_eq!(describe(ends.try_next()), "2");
    }

    #[test]
    fn media_events_that_calls_hang_on_are_always_kept() {
        let (lanes, ends) = lanes_of(1, 1, 1, 2);
        let leg = LegKey {
            leg: 1,
            generation: 1,
        };
        for _ in 0..3 {
            lanes.media.put(MediaEvent::Heard { leg });
            lanes.media.put(MediaEvent::ClipEnded { leg });
        }
        assert_eq!(lanes.media.dropped.count(), 2);
        let kept: Vec<String> = (0..6).map(|_| describe(ends.try_next())).collect();
        assert_eq!(
            kept,
            [
                "media",
                "clip ended",
                "clip ended",
                "clip ended",
                "none",
                "none"
            ]
        );
    }

    #[test]
    fn a_wait_ends_when_something_is_there() {
        let (lanes, ends) = lanes_of(1, 1, 1, 1);
        let long = Instant::now() + Duration::from_secs(60);
        lanes.media.put(MediaEvent::PortsReady(Vec::new()));
        ends.wait(long);
        assert_eq!(describe(ends.try_next()), "media");
        lanes.request(refused(1)).unwrap();
        ends.wait(long);
        assert_eq!(describe(ends.try_next()), "1");
        assert!(Instant::now() < long);
    }
}

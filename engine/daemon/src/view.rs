//! The projection thread: folds events into the view that readers see, and tells who follows them.
//!
//! The engine's thread puts the events of each turn into a bounded queue; this thread folds them, a batch at a time, publishes the result
//! behind an atomic pointer, and then wakes who waits for it. Readers never ask the engine.
//!
//! After the first event it rests for some milliseconds, so that a busy engine does not wake it at every turn; it hurries when
//! the answer to a command waits for the view.
//!
//! When the queue is half full new calls are refused; when it is full the engine waits for a place. That cannot take long:
//! this thread does nothing but fold, it touches no disk and waits for nobody.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use admin_api::ports::LoggedEvent;
use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, bounded};
use engine::board::Board;
use engine::view::View;
use tokio::sync::{broadcast, watch};

use crate::net::bell::Bell;

/// Turns whose events may wait to be folded.
pub(crate) const QUEUE: usize = 16_384;
/// Turns folded before readers see the result.
const BATCH: usize = 256;
/// How long what happened may wait for more before readers see it.
const REST: Duration = Duration::from_millis(2);
/// How long the thread sleeps when nothing happens and nobody wakes it.
const IDLE: Duration = Duration::from_secs(60);
/// Events that a follower may be behind before it is told to start over from its cursor.
const FOLLOWERS: usize = 8_192;

/// What one turn of the engine published.
#[derive(Debug, Default)]
pub(crate) struct Publication {
    /// What happened, in order.
    pub(crate) events: Vec<LoggedEvent>,
    /// The journal's number at the turn's end, when somebody waits for it: all that belongs to a command is published then.
    pub(crate) reached: u64,
}

impl Publication {
    /// Whether there is nothing to hand on.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.reached == 0
    }
}

/// What readers see.
#[derive(Debug)]
pub(crate) struct Views {
    current: ArcSwap<View>,
    reached: watch::Sender<u64>,
    /// The last event that followers were told of.
    told: AtomicU64,
    /// None once the daemon stops.
    followers: Mutex<Option<broadcast::Sender<LoggedEvent>>>,
}

impl Views {
    fn new() -> Self {
        Self {
            current: ArcSwap::default(),
            reached: watch::Sender::new(0),
            told: AtomicU64::new(0),
            followers: Mutex::new(Some(broadcast::Sender::new(FOLLOWERS))),
        }
    }

    /// The latest view.
    pub(crate) fn view(&self) -> Arc<View> {
        self.current.load_full()
    }

    /// The first view that has reached this number.
    pub(crate) async fn view_at(&self, seq: u64) -> Arc<View> {
        // Its sender lives as long as `self`, so the wait ends by the number alone.
        let _ = self
            .reached
            .subscribe()
            .wait_for(|reached| *reached >= seq)
            .await;
        self.view()
    }

    /// Waits until the view fits.
    pub(crate) async fn wait_for(&self, fits: impl Fn(&View) -> bool) {
        let mut reached = self.reached.subscribe();
        while !fits(&self.current.load()) {
            if reached.changed().await.is_err() {
                return;
            }
        }
    }

    /// New events from now on; after the end a stream that has ended.
    pub(crate) fn follow(&self) -> broadcast::Receiver<LoggedEvent> {
        let followers = self
            .followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        followers.as_ref().map_or_else(
            || broadcast::Sender::new(1).subscribe(),
            broadcast::Sender::subscribe,
        )
    }

    /// The last event that followers were told of.
    pub(crate) fn latest(&self) -> u64 {
        self.told.load(Ordering::Acquire)
    }

    /// How many follow.
    pub(crate) fn followers(&self) -> usize {
        let followers = self
            .followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        followers
            .as_ref()
            .map_or(0, broadcast::Sender::receiver_count)
    }

    /// Ends all event streams.
    pub(crate) fn end(&self) {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    fn tell(&self, events: Vec<LoggedEvent>) {
        let followers = self
            .followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(followers) = followers.as_ref() else {
            return;
        };
        for event in events {
            self.told.store(event.seq, Ordering::Release);
            // Nobody follows just now.
            let _ = followers.send(event);
        }
    }
}

/// The engine's end of the queue; the thread ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Publisher {
    queue: Sender<Publication>,
    bells: Arc<Bells>,
}

/// The projection thread is gone.
#[derive(Debug)]
pub(crate) struct Gone;

/// What wakes the thread.
#[derive(Debug, Default)]
struct Bells {
    /// Rung for each publication, heard by an idle thread.
    first: Bell,
    /// Rung when somebody waits, heard by a resting one.
    hurry: Bell,
    hurried: AtomicBool,
    ended: AtomicBool,
}

impl Publisher {
    /// Hands on what a turn has published; waits for a place where the queue is full.
    pub(crate) fn send(&self, publication: Publication) -> Result<(), Gone> {
        let awaited = publication.reached > 0;
        self.queue.send(publication).map_err(|_| Gone)?;
        if awaited || self.queue.len() >= BATCH {
            self.bells.hurry();
        }
        self.bells.first.ring();
        Ok(())
    }

    /// Turns whose events wait to be folded.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.bells.ended.store(true, Ordering::SeqCst);
        self.bells.hurry();
        self.bells.first.ring();
    }
}

impl Bells {
    fn hurry(&self) {
        self.hurried.store(true, Ordering::SeqCst);
        self.hurry.ring();
    }

    /// Waits for something, and a little for more. False at the end, when nothing is left.
    fn wait(&self, publications: &Receiver<Publication>) -> bool {
        let has_ended = || self.ended.load(Ordering::SeqCst);
        while publications.is_empty() {
            // Looked at again, since the last ones may have come in between.
            if has_ended() && publications.is_empty() {
                return false;
            }
            let idle = || publications.is_empty() && !has_ended();
            self.first.sleep(Instant::now() + IDLE, idle);
        }
        let until = Instant::now() + REST;
        self.hurry
            .sleep(until, || !self.hurried.load(Ordering::SeqCst));
        // Before the queue is read: what hurries from now on is not lost.
        self.hurried.store(false, Ordering::SeqCst);
        true
    }
}

/// Starts the thread, which goes on with the figures of before.
pub(crate) fn start(board: Board) -> io::Result<(Arc<Views>, Publisher, JoinHandle<()>)> {
    let (queue, publications) = bounded(QUEUE);
    let views = Arc::new(Views::new());
    let bells = Arc::new(Bells::default());
    let (folded, heard) = (Arc::clone(&views), Arc::clone(&bells));
    let thread = std::thread::Builder::new().name("view".into());
    let thread = thread.spawn(move || run(board, &publications, &heard, &folded))?;
    Ok((views, Publisher { queue, bells }, thread))
}

fn run(board: Board, publications: &Receiver<Publication>, bells: &Bells, views: &Views) {
    let mut view = View::resume(board);
    while bells.wait(publications) {
        while !publications.is_empty() {
            fold(&mut view, publications.try_iter().take(BATCH), views);
        }
    }
}

/// Folds a batch, and shows it to readers and followers.
fn fold(view: &mut View, batch: impl Iterator<Item = Publication>, views: &Views) {
    let mut told = Vec::new();
    for publication in batch {
        for logged in &publication.events {
            view.apply(logged.seq, logged.utc_us, &logged.event);
        }
        view.seq = view.seq.max(publication.reached);
        told.extend(publication.events);
    }
    views.current.store(Arc::new(view.clone()));
    views.reached.send_replace(view.seq);
    views.tell(told);
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Event;

    fn alarm(seq: u64) -> Publication {
        let event = Event::AlarmRaised {
            alarm: format!("alarm-{seq}"),
            text: String::new(),
        };
        let logged = LoggedEvent {
            seq,
            utc_us: 0,
            event: Arc::new(event),
        };
        Publication {
            events: vec![logged],
            reached: 0,
        }
    }

    #[tokio::test]
    async fn who_waits_for_a_number_sees_all_up_to_it() {
        let (views, sender, thread) = start(Board::default()).unwrap();
        let mut followed = views.follow();
        sender.send(alarm(3)).unwrap();
        sender.send(alarm(5)).unwrap();
        sender
            .send(Publication {
                events: Vec::new(),
                reached: 9,
            })
            .unwrap();
        let view = views.view_at(9).await;
        assert_eq!((view.seq, view.alarms.len()), (9, 2));
        assert_eq!(views.view_at(4).await.alarms.len(), 2);
        assert_eq!(
            (
                followed.recv().await.unwrap().seq,
                followed.recv().await.unwrap().seq
            ),
            (3, 5)
        );
        views
            .wait_for(|view| view.alarms.contains_key("alarm-5"))
            .await;
        drop(sender);
        thread.join().unwrap();
    }

    #[tokio::test]
    async fn a_follower_that_falls_behind_is_told_so_and_the_end_ends_all() {
        let (views, sender, _thread) = start(Board::default()).unwrap();
        let mut slow = views.follow();
        let last = u64::try_from(FOLLOWERS).unwrap() + 10;
        (1..=last).for_each(|seq| sender.send(alarm(seq)).unwrap());
        views.view_at(last).await;
        // Followers are told right after readers.
        while views.latest() < last {
            tokio::task::yield_now().await;
        }
        assert!(matches!(
            slow.recv().await,
            Err(broadcast::error::RecvError::Lagged(_))
        ));
        views.end();
        assert!(matches!(
            views.follow().recv().await,
            Err(broadcast::error::RecvError::Closed)
        ));
        assert_eq!(views.followers(), 0);
    }
}

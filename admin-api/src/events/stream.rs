//! One open stream, from its cursor to its end.
//!
//! What happened since the cursor is read from the journal until that is nearly used up; then the stream subscribes to
//! new events, reads the rest up to the last one published before, and goes on with the subscription. Numbers only rise,
//! so what comes twice is known by its number.
//!
//! A stream ends when its client goes, when its token does, when the client reads too slowly, or stays silent;
//! the close code says which. Whatever the reason, the last `cursor` received resumes without a gap.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use engine::Event;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::filter::{Filter, Shown};
use super::json::message;
use crate::auth::Identity;
use crate::auth::identity::identify;
use crate::ports::{LoggedEvent, SinceError};
use crate::state::ApiState;

/// Events read from the journal at a time.
const BATCH: usize = 500;

/// How long a message may wait for a slow client.
const SEND_MAX: Duration = Duration::from_secs(10);

/// How often the client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// After this much silence it is not.
const SILENT_MAX: Duration = Duration::from_secs(90);

/// How long an event that was published may take to be readable in the journal.
const DURABLE_MAX: Duration = Duration::from_secs(5);

/// Why a stream ends, with its close code (RFC 6455 §7.4; 4000 to 4999 are an application's own).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The client went; nobody is there to be told.
    Gone,
    /// The daemon stops.
    Stopping,
    /// The journal could not be read.
    Failed,
    /// The token is no longer valid.
    Unauthorized,
    /// The client reads too slowly.
    TooSlow,
    /// Events that old are no longer kept.
    TooOld,
    /// The client is silent.
    Silent,
}

impl End {
    fn code_and_reason(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Gone => None,
            Self::Stopping => Some((1001, "the server stops; resume with the last cursor")),
            Self::Failed => Some((
                1011,
                "the events cannot be read now; resume with the last cursor",
            )),
            Self::Unauthorized => Some((4401, "the token is no longer valid; log in again")),
            Self::Silent => Some((4408, "no answer to a ping; resume with the last cursor")),
            Self::TooOld => Some((
                4410,
                "events that old are no longer kept; read the state anew",
            )),
            Self::TooSlow => Some((4429, "too slow; resume with the last cursor")),
        }
    }
}

/// Runs a stream to its end, beginning with the first event after this one.
pub(crate) async fn run(mut socket: WebSocket, state: ApiState, identity: Identity, after: u64) {
    let filter = Filter::new(&identity, &state.snapshot());
    let mut stream = Stream {
        state,
        identity,
        filter,
        last: after,
    };
    let Err(end) = stream.serve(&mut socket).await;
    tracing::debug!(?end, "an event stream ended");
    if let Some((code, reason)) = end.code_and_reason() {
        let close = Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }));
        // A client that does not read does not read this either.
        let _ = timeout(SEND_MAX, socket.send(close)).await;
    }
}

/// A stream that can only end.
type Endless = Result<std::convert::Infallible, End>;

struct Stream {
    state: ApiState,
    identity: Identity,
    filter: Filter,
    /// The last event that was sent or passed over.
    last: u64,
}

impl Stream {
    async fn serve(&mut self, socket: &mut WebSocket) -> Endless {
        let mut revocations = self.state.revocations();
        // What is long past is read before subscribing, or the subscription would fall behind meanwhile.
        while self.read_batch(socket).await? == BATCH {}
        let live = self.state.ports().events.subscribe();
        let published = self.state.ports().events.latest();
        let deadline = Instant::now() + DURABLE_MAX;
        while self.last < published {
            if self.read_batch(socket).await? == 0 {
                if Instant::now() > deadline {
                    return Err(End::Failed);
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
        self.follow(socket, live, &mut revocations).await
    }

    /// Sends one batch of what was missed; answers how many events it had.
    async fn read_batch(&mut self, socket: &mut WebSocket) -> Result<usize, End> {
        let batch = self.state.ports().events.since(self.last, BATCH).await;
        let batch = batch.map_err(|error| match error {
            SinceError::TooOld { .. } => End::TooOld,
            SinceError::Store(_) => End::Failed,
        })?;
        for logged in &batch {
            self.send(socket, logged).await?;
        }
        Ok(batch.len())
    }

    async fn follow(
        &mut self,
        socket: &mut WebSocket,
        mut live: broadcast::Receiver<LoggedEvent>,
        revocations: &mut watch::Receiver<u64>,
    ) -> Endless {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                event = live.recv() => match event {
                    Ok(logged) => self.send(socket, &logged).await?,
                    Err(RecvError::Lagged(_)) => return Err(End::TooSlow),
                    Err(RecvError::Closed) => return Err(End::Stopping),
                },
                received = socket.recv() => match received {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
                    Some(Ok(_)) => heard = Instant::now(),
                },
                _ = pings.tick() => {
                    if heard.elapsed() > SILENT_MAX {
                        return Err(End::Silent);
                    }
                    self.identify().await?;
                    deliver(socket, Message::Ping(Vec::new().into())).await?;
                },
                changed = revocations.changed() => {
                    changed.map_err(|_| End::Stopping)?;
                    self.identify().await?;
                },
            }
        }
    }

    async fn send(&mut self, socket: &mut WebSocket, logged: &LoggedEvent) -> Result<(), End> {
        if logged.seq <= self.last {
            return Ok(());
        }
        self.last = logged.seq;
        if matches!(*logged.event, Event::CentreChanged { .. }) {
            self.identify().await?;
        }
        let text = match self.filter.show(&logged.event, &self.state).await {
            Shown::No => return Ok(()),
            Shown::Yes => message(logged, &logged.event),
            Shown::Part(part) => message(logged, &part),
        };
        deliver(socket, Message::Text(text.to_string().into())).await
    }

    /// Looks whether the user may still listen, and to what.
    async fn identify(&mut self) -> Result<(), End> {
        let identity = identify(&self.state, self.identity.token).await;
        self.identity = identity.map_err(|_| End::Unauthorized)?;
        self.filter.update(&self.identity, &self.state.snapshot());
        Ok(())
    }
}

async fn deliver(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(SEND_MAX, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::TooSlow),
    }
}

//! A connection whose octets are cut into messages: plain TCP, or TLS over it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::wire::Framed;
use sip::{Flow, Framer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::intake::{Intake, Left};

/// Octets read at a time.
const CHUNK: usize = 16 * 1_024;
pub(super) const WRITE_MAX: Duration = Duration::from_secs(10);
pub(super) const IDLE_MAX: Duration = Duration::from_secs(600);
/// The answer to a ping (RFC 5626 §4.4.1).
pub(super) const PONG: Bytes = Bytes::from_static(b"\r\n");

/// What octets come and go by.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

/// What the task of a connection works with besides its socket.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) flow: Flow,
    /// What waits to be sent.
    pub(super) unsent: mpsc::Receiver<Bytes>,
    pub(super) intake: Intake,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The peer closed it, or it broke.
    Gone,
    /// Nobody can say where the next message begins.
    Unreadable,
    /// The peer does not read.
    Choked,
    /// We let go of it.
    LetGo,
    /// Nothing came or went.
    Idle,
}

/// Serves a connection to its end.
pub(super) async fn run(stream: impl Duplex, ends: Ends) -> End {
    let mut connection = Connection {
        stream,
        ends,
        framer: Framer::new(),
    };
    connection.run().await
}

struct Connection<S> {
    stream: S,
    ends: Ends,
    framer: Framer,
}

impl<S: Duplex> Connection<S> {
    async fn run(&mut self) -> End {
        let mut chunk = vec![0; CHUNK];
        loop {
            tokio::select! {
                read = self.stream.read(&mut chunk) => match read {
                    Ok(0) | Err(_) => return End::Gone,
                    Ok(length) => {
                        self.framer.feed(chunk.get(..length).unwrap_or_default());
                        if let Err(end) = self.take_messages().await {
                            return end;
                        }
                    }
                },
                payload = self.ends.unsent.recv() => {
                    let Some(payload) = payload else { return End::LetGo };
                    if let Err(end) = self.write(&payload).await {
                        return end;
                    }
                },
                () = sleep(IDLE_MAX) => return End::Idle,
            }
        }
    }

    async fn take_messages(&mut self) -> Result<(), End> {
        while let Some(framed) = self.framer.poll() {
            match self.ends.take(framed) {
                Left::Nothing => {}
                Left::First(input) => self.ends.intake.lanes.first_async(input).await,
                Left::Answer(answer) => self.write(&answer).await?,
            }
        }
        if self.framer.is_broken() {
            Err(End::Unreadable)
        } else {
            Ok(())
        }
    }

    async fn write(&mut self, payload: &[u8]) -> Result<(), End> {
        let writing = async {
            self.stream.write_all(payload).await?;
            // TLS keeps what it has encrypted until it is told so.
            self.stream.flush().await
        };
        self.ends.written(timeout(WRITE_MAX, writing).await)
    }
}

impl Ends {
    /// What one framed piece leaves to do.
    pub(super) fn take(&self, framed: Framed) -> Left {
        match framed {
            Framed::Message(message) => {
                self.intake.counters.stream_messages_received.add();
                self.intake.take(self.flow, message, Instant::now())
            }
            Framed::Ping => {
                self.intake.counters.keepalives_received.add();
                Left::Answer(PONG)
            }
            Framed::Faulty { raw, fault } => {
                let answer = self.intake.answer_fault(&self.flow, &raw, &fault);
                answer.map_or(Left::Nothing, Left::Answer)
            }
        }
    }

    /// What became of a write that had its time.
    pub(super) fn written<E>(
        &self,
        result: Result<Result<(), E>, tokio::time::error::Elapsed>,
    ) -> Result<(), End> {
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => {
                self.intake.counters.connections_choked.add();
                Err(End::Choked)
            }
        }
    }
}

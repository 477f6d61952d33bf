//! Connections: a task for each, found by its number or by the peer's address, opened when a message needs one.
//!
//! A connection ends when either side closes it, when its bytes cannot be cut into messages, when the peer does not
//! read what we send, or after ten quiet minutes (phones that are registered over one are kept alive by the engine).
//! Whatever its end, the engine hears of it by `TransportFailed`.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::Input;
use sip::wire::Framed;
use sip::{Flow, Framer, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::{sleep, timeout};

use super::NoWay;
use super::intake::{Intake, Left};
use super::listen::advertised;

/// Connections at a time; more are closed at once.
const CONNECTIONS: usize = 4_096;
/// Messages that may wait for one peer to read; a peer that lets more pile up is cut off.
const UNREAD: usize = 256;
/// Octets read at a time.
const CHUNK: usize = 16 * 1_024;
const CONNECT_MAX: Duration = Duration::from_secs(5);
const WRITE_MAX: Duration = Duration::from_secs(10);
const IDLE_MAX: Duration = Duration::from_secs(600);
/// How long accepting rests after an error such as want of descriptors.
const AFTER_ERROR: Duration = Duration::from_millis(100);
/// The answer to a ping (RFC 5626 §4.4.1).
const PONG: Bytes = Bytes::from_static(b"\r\n");

/// A bound listener.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    /// Where it is bound.
    pub(crate) bound: SocketAddr,
    /// The address others see.
    pub(crate) advertised: SocketAddr,
}

impl Listener {
    /// Binds a listener; port 0 lets the system choose. To be called within the runtime.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        use socket2::{Domain, Protocol, Socket, Type};
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // A port whose former connections linger can be listened on again.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(1_024)?;
        let listener = TcpListener::from_std(socket.into())?;
        let bound = listener.local_addr()?;
        Ok(Self {
            listener,
            bound,
            advertised: advertised(bound),
        })
    }

    /// Starts accepting; ends with the runtime.
    pub(crate) fn start(self, connections: &Connections) {
        let connections = connections.clone();
        let runtime = connections.shared.runtime.clone();
        runtime.spawn(async move {
            loop {
                match self.listener.accept().await {
                    Ok((stream, remote)) => connections.accepted(stream, self.advertised, remote),
                    Err(error) => {
                        tracing::warn!(listener = %self.bound, %error, "a connection cannot be accepted");
                        sleep(AFTER_ERROR).await;
                    }
                }
            }
        });
    }
}

/// All connections. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    intake: Intake,
    runtime: Handle,
    table: Mutex<Table>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    by_number: HashMap<u64, Entry>,
    by_remote: HashMap<SocketAddr, u64>,
}

#[derive(Debug)]
struct Entry {
    remote: SocketAddr,
    unsent: mpsc::Sender<Bytes>,
}

impl Connections {
    pub(crate) fn new(intake: Intake, runtime: Handle) -> Self {
        let shared = Shared {
            intake,
            runtime,
            table: Mutex::default(),
            next: AtomicU64::new(1),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.table().by_number.len()
    }

    /// Queues a message for its connection, opening one where the flow names none and there is none to that
    /// address; never waits.
    pub(crate) fn send(&self, flow: &Flow, payload: Bytes) -> Result<(), NoWay> {
        let mut table = self.table();
        let number = match flow.connection {
            Some(number) => Some(number),
            None => table.by_remote.get(&flow.remote).copied(),
        };
        let Some(number) = number else {
            if table.by_number.len() >= CONNECTIONS {
                return Err(NoWay);
            }
            let (number, unsent) = self.enter(&mut table, flow.remote);
            let first = table.by_number.get(&number).ok_or(NoWay)?;
            first.unsent.try_send(payload).map_err(|_| NoWay)?;
            drop(table);
            self.shared
                .runtime
                .spawn(self.clone().open(number, *flow, unsent));
            return Ok(());
        };
        let entry = table.by_number.get(&number).ok_or(NoWay)?;
        match entry.unsent.try_send(payload) {
            Ok(()) => {
                self.shared.intake.counters.stream_messages_sent.add();
                Ok(())
            }
            Err(refused) => {
                if matches!(refused, TrySendError::Full(_)) {
                    self.shared.intake.counters.connections_choked.add();
                }
                // Without its sender the task comes to its end and tells the engine.
                table.remove(number);
                Err(NoWay)
            }
        }
    }

    fn accepted(&self, stream: TcpStream, local: SocketAddr, remote: SocketAddr) {
        let counters = &self.shared.intake.counters;
        let mut table = self.table();
        if table.by_number.len() >= CONNECTIONS {
            counters.connections_refused.add();
            return;
        }
        counters.connections_accepted.add();
        let (number, unsent) = self.enter(&mut table, remote);
        drop(table);
        let flow = Flow {
            transport: Transport::Tcp,
            local,
            remote,
            connection: Some(number),
        };
        self.shared
            .runtime
            .spawn(self.clone().serve(stream, flow, unsent));
    }

    fn enter(&self, table: &mut Table, remote: SocketAddr) -> (u64, mpsc::Receiver<Bytes>) {
        let number = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (sender, unsent) = mpsc::channel(UNREAD);
        table.by_number.insert(
            number,
            Entry {
                remote,
                unsent: sender,
            },
        );
        table.by_remote.insert(remote, number);
        (number, unsent)
    }

    async fn open(self, number: u64, flow: Flow, unsent: mpsc::Receiver<Bytes>) {
        let counters = &self.shared.intake.counters;
        let flow = Flow {
            connection: Some(number),
            ..flow
        };
        match timeout(CONNECT_MAX, TcpStream::connect(flow.remote)).await {
            Ok(Ok(stream)) => {
                counters.connections_opened.add();
                counters.stream_messages_sent.add();
                self.serve(stream, flow, unsent).await;
            }
            Ok(Err(_)) | Err(_) => {
                counters.connections_failed.add();
                tracing::debug!(to = %flow.remote, "a connection cannot be opened");
                self.ended(flow).await;
            }
        }
    }

    async fn serve(self, stream: TcpStream, flow: Flow, unsent: mpsc::Receiver<Bytes>) {
        // Requests and answers are small and wanted at once.
        let _ = stream.set_nodelay(true);
        let mut connection = Connection {
            stream,
            flow,
            unsent,
            framer: Framer::new(),
            intake: self.shared.intake.clone(),
        };
        let end = connection.run().await;
        tracing::debug!(remote = %flow.remote, ?end, "a connection ended");
        self.ended(flow).await;
    }

    /// Forgets a connection and tells the engine.
    async fn ended(&self, flow: Flow) {
        if let Some(number) = flow.connection {
            self.table().remove(number);
        }
        self.shared
            .intake
            .lanes
            .first_async(Box::new(Input::TransportFailed { flow }))
            .await;
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.shared
            .table
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn remove(&mut self, number: u64) {
        let Some(entry) = self.by_number.remove(&number) else {
            return;
        };
        // A later connection to the same address stays.
        if self.by_remote.get(&entry.remote) == Some(&number) {
            self.by_remote.remove(&entry.remote);
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
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

struct Connection {
    stream: TcpStream,
    flow: Flow,
    unsent: mpsc::Receiver<Bytes>,
    framer: Framer,
    intake: Intake,
}

impl Connection {
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
                payload = self.unsent.recv() => {
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
            let left = match framed {
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
            };
            match left {
                Left::Nothing => {}
                Left::First(input) => self.intake.lanes.first_async(input).await,
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
        match timeout(WRITE_MAX, self.stream.write_all(payload)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => {
                self.intake.counters.connections_choked.add();
                Err(End::Choked)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::lanes::{LaneEnds, Next, lanes};
    use crate::net::strangers::Strangers;
    use crate::recorder::Tap;
    use config::{Centre, Settings};

    const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:f@b>;tag=1\r\n\
        To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

    fn connections() -> (Connections, LaneEnds) {
        let (lanes, ends) = lanes();
        let intake = Intake::new(
            lanes,
            Arc::new(Strangers::new(&Centre::default())),
            Tap::off(),
            &Settings::default(),
        );
        (Connections::new(intake, Handle::current()), ends)
    }

    async fn next(ends: &LaneEnds) -> Input {
        loop {
            match ends.try_next() {
                Some(Next::Input(input)) => return *input,
                Some(Next::Order(order)) => panic!("{order:?}"),
                None => tokio::task::yield_now().await,
            }
        }
    }

    fn to(remote: SocketAddr) -> Flow {
        Flow {
            transport: Transport::Tcp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote,
            connection: None,
        }
    }

    #[tokio::test]
    async fn e2e_a_peer_speaks_and_is_answered_over_its_connection() {
        let (connections, ends) = connections();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.bound;
        listener.start(&connections);
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(b"\r\n\r\n").await.unwrap();
        peer.write_all(OPTIONS.as_bytes()).await.unwrap();
        let Input::Received { flow, .. } = next(&ends).await else {
            panic!("a message was sent")
        };
        assert_eq!(flow.local, address);
        connections
            .send(&flow, Bytes::from_static(b"answer"))
            .unwrap();
        let mut heard = [0; 8];
        peer.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"\r\nanswer");
        drop(peer);
        let Input::TransportFailed { flow: failed } = next(&ends).await else {
            panic!("the peer has gone")
        };
        assert_eq!(failed, flow);
        assert_eq!(connections.len(), 0);
        assert_eq!(
            connections.send(&flow, Bytes::from_static(b"late")),
            Err(NoWay)
        );
    }

    #[tokio::test]
    async fn e2e_one_connection_is_opened_and_used_again() {
        let (connections, _ends) = connections();
        let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let flow = to(peer.local_addr().unwrap());
        for text in ["one", "two"] {
            connections.send(&flow, Bytes::from(text)).unwrap();
        }
        let (mut stream, _) = peer.accept().await.unwrap();
        let mut heard = [0; 6];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"onetwo");
        assert_eq!(connections.len(), 1);
    }

    #[tokio::test]
    async fn e2e_who_cannot_be_reached_is_told_of() {
        let (connections, ends) = connections();
        let closed = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        connections
            .send(&to(closed), Bytes::from_static(b"x"))
            .unwrap();
        let Input::TransportFailed { flow } = next(&ends).await else {
            panic!("nobody listens there")
        };
        assert_eq!(flow.remote, closed);
        assert_eq!(connections.len(), 0);
    }

    #[tokio::test]
    async fn e2e_a_stream_without_messages_is_closed_and_a_peer_that_does_not_read_is_cut_off() {
        let (connections, ends) = connections();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.bound;
        listener.start(&connections);
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap_or(0), 0);
        assert!(matches!(next(&ends).await, Input::TransportFailed { .. }));

        let mut deaf = TcpStream::connect(address).await.unwrap();
        deaf.write_all(OPTIONS.as_bytes()).await.unwrap();
        let Input::Received { flow, .. } = next(&ends).await else {
            panic!("a message was sent")
        };
        let payload = Bytes::from(vec![b'x'; 60_000]);
        // Nothing yields in between, so the connection's task drains nothing: the queue is full at its bound.
        let taken = (0..=UNREAD)
            .filter(|_| connections.send(&flow, payload.clone()).is_ok())
            .count();
        assert_eq!(taken, UNREAD);
        assert_eq!(
            connections
                .shared
                .intake
                .counters
                .connections_choked
                .count(),
            1
        );
        assert_eq!(connections.len(), 0);
    }
}

//! Connections: a task for each, found by its number or by the peer's address, opened when a message needs one.
//!
//! Plain streams, TLS and WebSocket are one to those who send: a bounded queue that the task of the connection empties. A
//! connection ends when either side closes it, when its bytes cannot be cut into messages, when the peer does not
//! read what we send, or after ten quiet minutes (phones that are registered over one are kept alive by the engine).
//! Whatever its end, the engine hears of it by `TransportFailed`. A handshake has its time, and counts as a connection.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use engine::Input;
use sip::{Flow, Transport};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::timeout;

use super::NoWay;
use super::intake::Intake;
use super::peers::Peers;
use super::stream::{self, Ends};
use super::tls::Tls;
use super::websocket;

/// Connections at a time; more are closed at once.
const CONNECTIONS: usize = 4_096;
/// Messages that may wait for one peer to read; a peer that lets more pile up is cut off.
const UNREAD: usize = 256;
const CONNECT_MAX: Duration = Duration::from_secs(5);
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// All connections. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    intake: Intake,
    runtime: Handle,
    peers: Arc<Peers>,
    /// None: TLS is not spoken.
    tls: Option<Arc<Tls>>,
    table: Mutex<Table>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    by_number: HashMap<u64, Entry>,
    /// Those that further messages to that address may take.
    by_remote: HashMap<Address, u64>,
}

type Address = (Transport, SocketAddr);

#[derive(Debug)]
struct Entry {
    address: Address,
    unsent: mpsc::Sender<Bytes>,
}

impl Connections {
    pub(crate) fn new(
        intake: Intake,
        runtime: Handle,
        peers: Arc<Peers>,
        tls: Option<Arc<Tls>>,
    ) -> Self {
        let shared = Shared {
            intake,
            runtime,
            peers,
            tls,
            table: Mutex::default(),
            next: AtomicU64::new(1),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// How many there are of each transport.
    pub(crate) fn counts(&self) -> BTreeMap<Transport, usize> {
        let transports = [
            Transport::Tcp,
            Transport::Tls,
            Transport::Ws,
            Transport::Wss,
        ];
        let mut counts = BTreeMap::from(transports.map(|transport| (transport, 0)));
        for entry in self.table().by_number.values() {
            *counts.entry(entry.address.0).or_default() += 1;
        }
        counts
    }

    /// The threads' runtime.
    pub(super) fn runtime(&self) -> &Handle {
        &self.shared.runtime
    }

    /// Queues a message for its connection, opening one where the flow names none and there is none to that
    /// address; never waits.
    pub(crate) fn send(&self, flow: &Flow, payload: Bytes) -> Result<(), NoWay> {
        let mut table = self.table();
        let number = match flow.connection {
            Some(number) => Some(number),
            None => table.by_remote.get(&(flow.transport, flow.remote)).copied(),
        };
        let Some(number) = number else {
            return self.send_by_new(table, flow, payload);
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

    fn send_by_new(
        &self,
        mut table: MutexGuard<'_, Table>,
        flow: &Flow,
        payload: Bytes,
    ) -> Result<(), NoWay> {
        let can_be_opened = match flow.transport {
            Transport::Tcp => true,
            Transport::Tls => self.shared.tls.is_some(),
            // Browsers come to us; nobody can go to them (RFC 7118 §5).
            Transport::Udp | Transport::Ws | Transport::Wss => false,
        };
        if !can_be_opened || table.by_number.len() >= CONNECTIONS {
            return Err(NoWay);
        }
        let address = (flow.transport, flow.remote);
        let (number, unsent) = self.enter(&mut table, address);
        table.by_remote.insert(address, number);
        let first = table.by_number.get(&number).ok_or(NoWay)?;
        first.unsent.try_send(payload).map_err(|_| NoWay)?;
        drop(table);
        self.shared
            .runtime
            .spawn(self.clone().open(number, *flow, unsent));
        Ok(())
    }

    /// Serves a connection that a peer has opened to a listener of ours.
    pub(super) fn accepted(
        &self,
        stream: TcpStream,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) {
        let Some((flow, unsent)) = self.admit(transport, local, remote) else {
            return;
        };
        let connections = self.clone();
        self.shared.runtime.spawn(async move {
            match &connections.shared.tls {
                Some(tls) if transport == Transport::Tls => {
                    let accepting = tls.acceptor().accept(stream);
                    match timeout(HANDSHAKE_MAX, accepting).await {
                        Ok(Ok(stream)) => connections.serve(stream, flow, unsent).await,
                        Ok(Err(error)) => connections.not_shaken(flow, &error.to_string()).await,
                        Err(_) => connections.not_shaken(flow, "took too long").await,
                    }
                }
                Some(_) | None => connections.serve(stream, flow, unsent).await,
            }
        });
    }

    /// Serves a WebSocket for as long as it lasts; it is closed at once where there are too many connections.
    pub(super) async fn serve_websocket(
        &self,
        socket: axum::extract::ws::WebSocket,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) {
        let Some((flow, unsent)) = self.admit(transport, local, remote) else {
            return;
        };
        let end = websocket::run(socket, self.ends(flow, unsent)).await;
        tracing::debug!(%remote, %transport, ?end, "a connection ended");
        self.ended(flow).await;
    }

    /// Counts a connection in, if there is room.
    fn admit(
        &self,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Option<(Flow, mpsc::Receiver<Bytes>)> {
        let counters = &self.shared.intake.counters;
        let mut table = self.table();
        if table.by_number.len() >= CONNECTIONS {
            counters.connections_refused.add();
            return None;
        }
        counters.connections_accepted.add();
        let (number, unsent) = self.enter(&mut table, (transport, remote));
        // Who has opened a connection over TLS has not proven to be the one we would open one to.
        if transport == Transport::Tcp {
            table.by_remote.insert((transport, remote), number);
        }
        let flow = Flow {
            transport,
            local,
            remote,
            connection: Some(number),
        };
        Some((flow, unsent))
    }

    fn enter(&self, table: &mut Table, address: Address) -> (u64, mpsc::Receiver<Bytes>) {
        let number = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (sender, unsent) = mpsc::channel(UNREAD);
        let entry = Entry {
            address,
            unsent: sender,
        };
        table.by_number.insert(number, entry);
        (number, unsent)
    }

    async fn open(self, number: u64, flow: Flow, unsent: mpsc::Receiver<Bytes>) {
        let flow = Flow {
            connection: Some(number),
            ..flow
        };
        let stream = match timeout(CONNECT_MAX, TcpStream::connect(flow.remote)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return self.not_opened(flow, &error.to_string()).await,
            Err(_) => return self.not_opened(flow, "nobody answers").await,
        };
        let connector = self.shared.tls.as_ref().and_then(|tls| tls.connector());
        match connector.filter(|_| flow.transport == Transport::Tls) {
            None => {
                self.opened(flow);
                self.serve(stream, flow, unsent).await;
            }
            Some(connector) => {
                let connecting = connector.connect(self.shared.peers.name_at(flow.remote), stream);
                match timeout(HANDSHAKE_MAX, connecting).await {
                    Ok(Ok(stream)) => {
                        self.opened(flow);
                        self.serve(stream, flow, unsent).await;
                    }
                    Ok(Err(error)) => self.not_opened(flow, &said(&error)).await,
                    Err(_) => self.not_opened(flow, "the handshake took too long").await,
                }
            }
        }
    }

    fn opened(&self, flow: Flow) {
        self.shared.intake.counters.connections_opened.add();
        self.shared.intake.counters.stream_messages_sent.add();
        self.shared.peers.reached(flow.remote);
    }

    async fn not_opened(&self, flow: Flow, reason: &str) {
        self.shared.intake.counters.connections_failed.add();
        let (to, transport) = (flow.remote, flow.transport);
        if self.shared.peers.failed(to, reason) {
            let name = self.shared.peers.name_at(to);
            let name = name.to_str();
            tracing::warn!(%name, port = to.port(), %transport, reason, "a trunk cannot be reached");
        } else {
            tracing::debug!(%to, %transport, reason, "a connection cannot be opened");
        }
        self.ended(flow).await;
    }

    async fn not_shaken(&self, flow: Flow, reason: &str) {
        self.shared.intake.counters.handshakes_failed.add();
        tracing::debug!(remote = %flow.remote, reason, "a handshake failed");
        self.ended(flow).await;
    }

    async fn serve<S: stream::Duplex>(&self, stream: S, flow: Flow, unsent: mpsc::Receiver<Bytes>) {
        let end = stream::run(stream, self.ends(flow, unsent)).await;
        tracing::debug!(remote = %flow.remote, transport = %flow.transport, ?end, "a connection ended");
        self.ended(flow).await;
    }

    fn ends(&self, flow: Flow, unsent: mpsc::Receiver<Bytes>) -> Ends {
        Ends {
            flow,
            unsent,
            intake: self.shared.intake.clone(),
        }
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
        if self.by_remote.get(&entry.address) == Some(&number) {
            self.by_remote.remove(&entry.address);
        }
    }
}

/// A failed handshake in words; of a stream that just ended there are none.
fn said(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "the peer ended the handshake".into();
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::lanes::{LaneEnds, Next, lanes};
    use crate::net::strangers::Strangers;
    use crate::net::tcp::Listener;
    use crate::recorder::Tap;
    use config::{Centre, Settings};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

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
        let peers = Arc::new(Peers::new(&Centre::default()));
        let connections = Connections::new(intake, Handle::current(), peers, None);
        (connections, ends)
    }

    fn open(connections: &Connections) -> usize {
        connections.counts().values().sum()
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
        let listener = Listener::bind(Transport::Tcp, "127.0.0.1:0".parse().unwrap()).unwrap();
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
        assert_eq!(open(&connections), 0);
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
        assert_eq!(open(&connections), 1);
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
        assert_eq!(open(&connections), 0);
    }

    #[tokio::test]
    async fn e2e_a_stream_without_messages_is_closed_and_a_peer_that_does_not_read_is_cut_off() {
        let (connections, ends) = connections();
        let listener = Listener::bind(Transport::Tcp, "127.0.0.1:0".parse().unwrap()).unwrap();
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
        assert_eq!(open(&connections), 0);
    }
}

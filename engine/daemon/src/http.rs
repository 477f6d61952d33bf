//! Serving the API, plain or over TLS: a bounded number of connections, handshakes that hold nobody up, and an orderly end.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::net::tls::Tls;

/// Connections at a time; further ones wait in the kernel's backlog.
const CONNECTIONS: usize = 4_096;
const AFTER_ERROR: Duration = Duration::from_millis(100);
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// Serves until told to stop, then lets requests in progress end.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let bounded = Bounded {
        listener,
        permits: Arc::new(Semaphore::new(CONNECTIONS)),
        tls,
        handshakes: JoinSet::new(),
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stop = async move {
        // A sender that is gone means the same.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let listener = bounded.tap_io(|connection| {
        // Answers are small and wanted at once.
        let _ = connection.stream.tcp().set_nodelay(true);
    });
    axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await
}

struct Bounded {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    /// None: plain HTTP.
    tls: Option<Arc<Tls>>,
    /// Those that are not over yet; each holds its permit.
    handshakes: JoinSet<Option<(Connection, SocketAddr)>>,
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            tokio::select! {
                accepted = plain(&self.listener, &self.permits) => {
                    let (stream, permit, address) = accepted;
                    let Some(tls) = self.tls.clone() else {
                        let stream = Stream::Plain(stream);
                        return (Connection { stream, _permit: permit }, address);
                    };
                    self.handshakes.spawn(secured(tls, stream, permit, address));
                }
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(secured)) = done {
                        return secured;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The next connection, once there is a permit for it.
async fn plain(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>, SocketAddr) {
    // The semaphore is never closed, so there always is a permit at last.
    let permit = Arc::clone(permits).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, permit, address),
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection cannot be accepted");
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
}

/// The connection after its handshake, if that comes to a good end.
async fn secured(
    tls: Arc<Tls>,
    stream: TcpStream,
    permit: Option<OwnedSemaphorePermit>,
    address: SocketAddr,
) -> Option<(Connection, SocketAddr)> {
    match timeout(HANDSHAKE_MAX, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => {
            let stream = Stream::Tls(Box::new(stream));
            let connection = Connection {
                stream,
                _permit: permit,
            };
            Some((connection, address))
        }
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "a handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%address, "a handshake took too long");
            None
        }
    }
}

/// A connection with its permit, which goes when it does.
struct Connection {
    stream: Stream,
    _permit: Option<OwnedSemaphorePermit>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::ConnectInfo;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn e2e_a_request_is_answered_with_its_peer_known_and_the_end_is_orderly() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer =
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() });
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(serve(
            listener,
            None,
            Router::new().route("/", peer),
            stopping,
        ));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.ends_with(&stream.local_addr().unwrap().to_string()),
            "{answer}"
        );
        stop.send(true).unwrap();
        serving.await.unwrap().unwrap();
    }
}

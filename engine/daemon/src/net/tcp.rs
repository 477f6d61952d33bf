//! Listeners for connections: plain, or for TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use sip::Transport;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::connections::Connections;
use super::listen::advertised;

/// How long accepting rests after an error such as want of descriptors.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// A bound listener.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    /// What is spoken there.
    pub(crate) transport: Transport,
    /// Where it is bound.
    pub(crate) bound: SocketAddr,
    /// The address others see.
    pub(crate) advertised: SocketAddr,
}

impl Listener {
    /// Binds a listener; port 0 lets the system choose. To be called within the runtime.
    pub(crate) fn bind(transport: Transport, address: SocketAddr) -> io::Result<Self> {
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
            transport,
            bound,
            advertised: advertised(bound),
        })
    }

    /// Starts accepting; ends with the runtime.
    pub(crate) fn start(self, connections: &Connections) {
        let connections = connections.clone();
        let runtime = connections.runtime().clone();
        runtime.spawn(async move {
            loop {
                match self.listener.accept().await {
                    Ok((stream, remote)) => {
                        // Requests and answers are small and wanted at once.
                        let _ = stream.set_nodelay(true);
                        connections.accepted(stream, self.transport, self.advertised, remote);
                    }
                    Err(error) => {
                        tracing::warn!(listener = %self.bound, %error, "a connection cannot be accepted");
                        sleep(AFTER_ERROR).await;
                    }
                }
            }
        });
    }
}

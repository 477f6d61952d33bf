//! Where a test takes place: its turn, its addresses on loopback, its directory.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

/// Places of this process so far.
static PLACES: AtomicU8 = AtomicU8::new(0);

/// Held by one test at a time, whether tests are threads or processes.
#[derive(Debug)]
pub struct Place {
    directory: TempDir,
    network: [u8; 3],
    /// The lock goes when the file is closed.
    _turn: File,
}

impl Place {
    /// Waits for the test's turn.
    pub fn take() -> Self {
        let turn = File::create(std::env::temp_dir().join("lampfield-e2e-turn.lock")).unwrap();
        flock(&turn, FlockOperation::LockExclusive).unwrap();
        // Other addresses than those of a run before, whose sockets may linger: never 127.0.x.y.
        let run = 64 + (std::process::id() % 128) as u8;
        let network = [127, run, PLACES.fetch_add(1, Ordering::Relaxed)];
        Self {
            directory: tempfile::tempdir().unwrap(),
            network,
            _turn: turn,
        }
    }

    /// The directory in which everything runs and leaves its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn host(&self, last: u8) -> IpAddr {
        let [a, b, c] = self.network;
        IpAddr::V4(Ipv4Addr::new(a, b, c, last))
    }

    /// The daemon's address.
    pub fn daemon(&self) -> IpAddr {
        self.host(1)
    }

    /// Where the daemon listens for SIP.
    pub fn sip(&self) -> SocketAddr {
        SocketAddr::new(self.daemon(), 5060)
    }

    /// Where the daemon listens for SIP over TLS, if it does.
    pub fn sip_tls(&self) -> SocketAddr {
        SocketAddr::new(self.daemon(), 5061)
    }

    /// Where the daemon listens for HTTP.
    pub fn http(&self) -> SocketAddr {
        SocketAddr::new(self.daemon(), 8080)
    }

    /// The system that callers come from, known as a trunk by its address.
    pub fn carrier(&self) -> IpAddr {
        self.host(2)
    }

    /// The PBX behind a second trunk.
    pub fn pbx(&self) -> IpAddr {
        self.host(3)
    }

    /// Somebody the daemon knows nothing of.
    pub fn stranger(&self) -> IpAddr {
        self.host(66)
    }
}

/// A UDP port that is free at this moment.
pub fn free_port(address: IpAddr) -> u16 {
    UdpSocket::bind((address, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

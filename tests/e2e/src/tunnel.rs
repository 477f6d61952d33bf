//! stunnel: TLS for a peer that speaks none.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::certificate::Certificate;
use crate::client::{Running, start};
use crate::place::Place;
use crate::wait::eventually;

const PROMPTLY: Duration = Duration::from_secs(5);

/// A tunnel that ends TLS and hands on what was in it.
#[derive(Debug)]
pub struct Tunnel {
    _running: Running,
}

impl Tunnel {
    /// Takes TLS at one address, under this certificate, and goes on to another.
    ///
    /// # Panics
    ///
    /// When stunnel is not installed or does not start.
    pub fn start(place: &Place, at: SocketAddr, to: SocketAddr, shows: &Certificate) -> Self {
        let base = place
            .directory()
            .join(format!("stunnel-{at}").replace(':', "_"));
        let settings = format!(
            "foreground = yes\npid =\nsocket = l:TCP_NODELAY=1\n[sip]\naccept = {at}\nconnect = {to}\ncert = {}\nkey = {}\n",
            shows.certificate.display(),
            shows.key.display()
        );
        let file = base.with_extension("conf");
        std::fs::write(&file, settings).unwrap();
        let log = File::create(base.with_extension("log")).unwrap();
        let mut command = Command::new("stunnel4");
        command.arg(&file).stdin(Stdio::null());
        let command = command.stdout(log.try_clone().unwrap()).stderr(log);
        let tunnel = Self {
            _running: start(command, "stunnel4"),
        };
        eventually("the tunnel", PROMPTLY, || TcpStream::connect(at).ok());
        tunnel
    }
}

//! The daemon under load, in a directory of its own that goes with it.

use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::process::{Running, built, run};

/// Where it speaks SIP.
pub const SIP: &str = "127.9.0.1:5060";
/// Where callers come from.
pub const CALLERS: &str = "127.9.0.2:5070";
/// Where callees and attendants are.
pub const PHONES: &str = "127.9.0.3:5080";
/// A number that is put through to the far end.
pub const FAR_NUMBER: &str = "1000";
/// A queue with all attendants.
pub const QUEUE: &str = "600";
/// A queue with the first [`FEW`] of them.
pub const SMALL_QUEUE: &str = "700";
/// How many attendants there are.
pub const ATTENDANTS: usize = 100;
/// How many of them serve the small queue.
pub const FEW: usize = 20;
/// Every attendant's password.
pub const PASSWORD: &str = "bench-attendant-1";
/// Every phone's.
pub const SIP_PASSWORD: &str = "secret";
/// The domain that phones register in.
pub const DOMAIN: &str = "lampfield.local";

const HTTP: &str = "127.9.0.1:8080";
/// A hundred passwords are hashed before it is ready.
const START: Duration = Duration::from_secs(60);

/// A running daemon.
pub struct Daemon {
    running: Running,
    _directory: TempDir,
}

impl Daemon {
    /// Starts it with a queue for all attendants and one for a few.
    ///
    /// # Errors
    ///
    /// If it does not become ready.
    pub fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let at = |name| directory.path().join(name);
        std::fs::write(at("lampfield.toml"), settings())?;
        std::fs::write(at("centre.toml"), centre())?;
        let program = built("lampfield")?;
        run(Command::new(&program)
            .current_dir(directory.path())
            .args(["apply", "centre.toml"]))?;
        let log = File::create(at("daemon.log"))?;
        let mut command = Command::new(&program);
        command
            .current_dir(directory.path())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut running = Running::start(&mut command)?;
        let end = Instant::now() + START;
        loop {
            let said = std::fs::read_to_string(at("daemon.log"))?;
            if said.lines().any(|line| line.starts_with("ready ")) {
                return Ok(Self {
                    running,
                    _directory: directory,
                });
            }
            ensure!(
                running.is_up() && Instant::now() < end,
                "the daemon does not become ready: {said}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Where its API is.
    ///
    /// # Errors
    ///
    /// Never: the address is a constant.
    pub fn http() -> Result<SocketAddr> {
        HTTP.parse().context("an address")
    }
}

fn settings() -> String {
    format!(
        "[sip]\nlisten = [\"udp:{SIP}\"]\ndomain = \"{DOMAIN}\"\ndrain_seconds = 0\n[media]\naddress = \"127.9.0.1\"\n\
         [http]\nlisten = \"{HTTP}\"\n"
    )
}

/// A trunk for callers, a trunk for the far end that is only called, two queues, and attendants with phones.
fn centre() -> String {
    let mut text = format!(
        r#"[[trunks]]
name = "load"
kind = "peer"
address = "sip:{CALLERS}"
allow = ["127.9.0.2/32"]
codecs = ["pcmu"]
numbers = []
[[trunks]]
name = "far"
kind = "peer"
address = "sip:{PHONES}"
allow = ["127.9.0.99/32"]
codecs = ["pcmu"]
numbers = ["{FAR_NUMBER}"]
[[queues]]
name = "all"
number = "{QUEUE}"
[[queues]]
name = "few"
number = "{SMALL_QUEUE}"
[[numbers]]
number = "{FAR_NUMBER}"
to = "external:{FAR_NUMBER}"
"#
    );
    for number in 0..ATTENDANTS {
        let queues = if number < FEW {
            r#""all", "few""#
        } else {
            r#""all""#
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "[[users]]\nusername = \"a{number}\"\nname = \"a{number}\"\npassword = \"{PASSWORD}\"\nrole = \"attendant\"\n\
             extension = \"a{number}\"\nsip_password = \"{SIP_PASSWORD}\"\nqueues = [{queues}]\n"
        );
    }
    text
}

//! Chromium with JsSIP in it: a phone that registers over WebSocket, as an attendant's page does.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::centre::SIP_PASSWORD;
use crate::client::{Running, start};
use crate::place::Place;
use crate::wait::eventually;

/// How long the browser may take to open its page.
const STARTED: Duration = Duration::from_secs(30);

/// A browser with a page that is a phone.
#[derive(Debug)]
pub struct Browser {
    log: PathBuf,
    // Its standard input is open as long as the phone shall live.
    _running: Running,
}

/// A port for the page that will be free in a moment, and the origin that the page then has.
pub fn page_origin() -> (u16, String) {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let free = TcpListener::bind((localhost, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    (port, format!("http://{localhost}:{port}"))
}

impl Browser {
    /// Opens the page on that port and registers as this extension over that WebSocket.
    ///
    /// # Panics
    ///
    /// When node, Chromium or what `tests/tools.sh` installs beside them is missing.
    pub fn start(place: &Place, page_port: u16, url: &str, extension: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        for (needed, hint) in [
            (
                Path::new("/usr/bin/chromium"),
                "install the package chromium",
            ),
            (
                &directory.join("node_modules/jssip"),
                "the packages of tests/e2e/browser",
            ),
        ] {
            let there = needed.exists();
            assert!(
                there,
                "{} is missing: {hint}, or run tests/tools.sh",
                needed.display()
            );
        }
        let log = place.directory().join(format!("browser-{extension}.log"));
        let out = File::create(&log).unwrap();
        let mut command = Command::new("node");
        command.arg(directory.join("phone.js"));
        command.args([&page_port.to_string(), url, extension, SIP_PASSWORD]);
        command.stdin(Stdio::piped());
        let command = command.stdout(out.try_clone().unwrap()).stderr(out);
        Self {
            log,
            _running: start(command, "nodejs"),
        }
    }

    /// All that the page has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the page has said something that begins so; the rest of that line.
    ///
    /// # Panics
    ///
    /// When it does not, with all that it has said.
    pub fn wait_for(&self, beginning: &str) -> String {
        let beginning = format!("phone: {beginning}");
        let found = std::panic::catch_unwind(|| {
            eventually(&beginning, STARTED, || {
                let said = self.said();
                let mut lines = said.lines();
                lines.find_map(|line| line.strip_prefix(&beginning).map(str::to_owned))
            })
        });
        found.unwrap_or_else(|_| panic!("the page never said {beginning:?}: {}", self.said()))
    }
}

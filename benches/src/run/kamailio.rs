//! Kamailio as a proxy: it forwards to the far end and stays on the way of the dialog.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::process::{Running, find};

/// Where it listens, as `benches/kamailio.cfg` says.
pub(super) const SIP: &str = "127.9.0.4:5060";
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kamailio.cfg");

/// It runs as long as this is kept.
pub(super) struct Kamailio {
    running: Running,
    _directory: TempDir,
}

impl Kamailio {
    /// Starts it.
    pub(super) fn start() -> Result<Self> {
        let program = find("kamailio").context("kamailio is not installed")?;
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(program);
        // -DD: in the foreground, so that it ends when its parent says so.
        command
            .args(["-DD", "-E", "-f", CONFIG, "-m", "256", "-M", "16", "-Y"])
            .arg(directory.path());
        let mut running = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        std::thread::sleep(Duration::from_secs(2));
        ensure!(
            running.is_up(),
            "kamailio ended at once; kamailio -c -f {CONFIG} says why"
        );
        Ok(Self {
            running,
            _directory: directory,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.running.pid()
    }
}

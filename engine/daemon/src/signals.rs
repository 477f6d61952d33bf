//! What the operating system's signals ask for, while the daemon runs and while it drains.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::Role;
use engine::{Actor, CallId, CommandBody};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};

use crate::centre::Writer;
use crate::logging::LogHandle;
use crate::net::tls::Tls;
use crate::ports::Commands;
use crate::{realm, settings};

/// How long phones have to answer the last BYEs.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// The signals that mean something to us.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// What SIGHUP works on.
pub(crate) struct Rereading {
    pub(crate) config: Option<PathBuf>,
    pub(crate) writer: Writer,
    pub(crate) log: LogHandle,
    /// Certificates that are read again, too.
    pub(crate) tls: Vec<Arc<Tls>>,
}

fn system() -> Actor {
    Actor {
        username: "system".into(),
        role: Role::Administrator,
    }
}

impl Signals {
    /// Catches them from now on.
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until the daemon is to end, rereading the settings as often as asked.
    pub(crate) async fn until_end(&mut self, rereading: &Rereading) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => rereading.reread().await,
            }
        }
    }

    /// Takes no new calls and waits for the last one to end; for so long at most, or until a second signal.
    pub(crate) async fn drain(&mut self, commands: &Commands, drain: Duration) {
        let calls = commands.views().view().calls.len();
        tracing::info!(calls, seconds = drain.as_secs(), "ending: no new calls");
        let drained = async {
            match commands.send(system(), CommandBody::Drain).await {
                // A call that came just before is in the view then.
                Ok(carried) => drop(commands.views().view_at(carried.seq).await),
                Err(error) => tracing::warn!(%error, "the engine goes on taking calls"),
            }
            commands
                .views()
                .wait_for(|view| view.calls.is_empty())
                .await;
        };
        tokio::select! {
            () = drained => {}
            () = sleep(drain) => hang_up_all(commands).await,
            _ = self.terminate.recv() => tracing::warn!("ending at once"),
            _ = self.interrupt.recv() => tracing::warn!("ending at once"),
        }
    }
}

/// Ends the calls whose time is over, so that no peer waits for us.
async fn hang_up_all(commands: &Commands) {
    let calls: Vec<CallId> = commands.views().view().calls.keys().copied().collect();
    tracing::warn!(
        calls = calls.len(),
        "the time for draining is over: calls are ended"
    );
    let over = async {
        for call in calls {
            // One that has ended by itself meanwhile is as good.
            let _ = commands.send(system(), CommandBody::HangUp { call }).await;
        }
        commands
            .views()
            .wait_for(|view| view.calls.is_empty())
            .await;
    };
    let _ = timeout(GOODBYE_MAX, over).await;
}

impl Rereading {
    /// Certificates first: their files stand in the settings that run, whatever the new ones say.
    async fn reread(&self) {
        self.tls.iter().for_each(|tls| tls.reload());
        let loaded = match settings::load(self.config.as_deref()) {
            Ok(loaded) => loaded,
            Err(fault) => {
                tracing::error!("the settings are at fault and stay as they were: {fault}");
                return;
            }
        };
        let running = self.writer.current();
        let reread = settings::reread(&running.settings, &loaded.settings);
        for name in &reread.after_restart {
            tracing::warn!(
                setting = name,
                "changed, and needs a restart to take effect"
            );
        }
        // Said before the restart that the domain needs.
        realm::warn(&running.centre, &loaded.settings.sip.domain);
        if reread.at_once.is_empty() {
            tracing::info!(file = %shown(loaded.file.as_deref()), "settings read again: nothing to change now");
            return;
        }
        self.log.set_level(reread.settings.log.level);
        match self.writer.put_settings(reread.settings, system()).await {
            Ok(done) => {
                let changed = reread.at_once.join(", ");
                tracing::info!(file = %shown(loaded.file.as_deref()), changed, version = done.version, "settings read again");
            }
            Err(error) => tracing::error!(%error, "the settings stay as they were"),
        }
    }
}

fn shown(file: Option<&Path>) -> String {
    file.map_or_else(
        || "built-in defaults".into(),
        |file| file.display().to_string(),
    )
}

//! The log: on standard error, its level changeable while the daemon runs.

use std::sync::Arc;

use config::{LogFormat, LogLevel, LogSettings};
use tokio::sync::watch;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

/// Changes the level of the running log.
#[derive(Debug, Clone)]
pub(crate) struct LogHandle {
    filter: reload::Handle<EnvFilter, Registry>,
    level: Arc<watch::Sender<LogLevel>>,
}

/// Starts the log of the process.
pub(crate) fn start(settings: &LogSettings) -> LogHandle {
    let (filter, handle) = reload::Layer::new(filter(settings.level));
    let lines = match settings.format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .boxed(),
        LogFormat::Json => fmt::layer().json().with_writer(std::io::stderr).boxed(),
    };
    // A second log in one process is a test's; the first one stays.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
    LogHandle {
        filter: handle,
        level: Arc::new(watch::Sender::new(settings.level)),
    }
}

impl LogHandle {
    /// Logs what is at least this important from now on.
    pub(crate) fn set_level(&self, level: LogLevel) {
        if let Err(error) = self.filter.reload(filter(level)) {
            tracing::error!(%error, "the log's level cannot be changed");
        }
        self.level.send_replace(level);
    }

    /// The level in force and those that come.
    pub(crate) fn level(&self) -> watch::Receiver<LogLevel> {
        self.level.subscribe()
    }
}

/// Libraries tell their inner life only when all is asked for.
fn filter(level: LogLevel) -> EnvFilter {
    let own = level.as_str();
    let others = match level {
        LogLevel::Error => "error",
        LogLevel::Warn | LogLevel::Info | LogLevel::Debug => "warn",
        LogLevel::Trace => "debug",
    };
    let rooms = [
        "lampfield",
        "engine",
        "sip",
        "media",
        "media_io",
        "acd",
        "store",
        "admin_api",
        "config",
    ];
    let directives = rooms
        .iter()
        .fold(others.to_owned(), |all, room| format!("{all},{room}={own}"));
    EnvFilter::new(directives)
}

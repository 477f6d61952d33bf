//! Something that runs beside the daemon in the same process, such as the demo.
//!
//! It hears the same signals as the daemon and ends by itself; the daemon waits a moment for that before it takes its
//! own parts down. If it fails, the daemon ends too.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::centre::Writer;
use crate::ports::Commands;

/// How long it may take to end when the daemon has nothing else to wait for.
const END_MAX: Duration = Duration::from_secs(5);

/// What it may use of the daemon.
pub(crate) struct Running {
    pub(crate) commands: Commands,
    pub(crate) writer: Writer,
    /// Where the first UDP socket is bound.
    pub(crate) sip: Option<SocketAddr>,
    /// Where the API listens.
    pub(crate) http: SocketAddr,
}

/// It, as the daemon sees it.
pub(crate) struct Beside {
    task: JoinHandle<anyhow::Result<()>>,
    /// How it ended, once it has.
    ended: Option<anyhow::Result<()>>,
}

impl Beside {
    /// Starts it on the runtime of the caller.
    pub(crate) fn start(run: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> Self {
        Self {
            task: tokio::spawn(run),
            ended: None,
        }
    }

    /// Waits until it fails, and forever if it ends well.
    pub(crate) async fn failed(&mut self) {
        if self.ended.is_none() {
            self.ended = Some(flat((&mut self.task).await));
        }
        if let Some(Ok(())) = self.ended {
            pending().await
        }
    }

    /// Waits a moment for its end, and says how that was.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        match self.ended.take() {
            Some(ended) => ended,
            None => match timeout(END_MAX, &mut self.task).await {
                Ok(ended) => flat(ended),
                Err(_) => {
                    self.task.abort();
                    Ok(())
                }
            },
        }
    }
}

fn flat(ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Result<()> {
    ended.context("what ran beside the daemon has died")?
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[tokio::test]
    async fn a_failure_is_noticed_at_once_and_kept() {
        let mut beside = Beside::start(async { bail!("no") });
        beside.failed().await;
        assert_eq!(beside.end().await.unwrap_err().to_string(), "no");
    }

    #[tokio::test]
    async fn what_ends_well_keeps_nobody() {
        let mut beside = Beside::start(async { Ok(()) });
        let failed = timeout(Duration::from_millis(1), beside.failed()).await;
        assert!(failed.is_err());
        assert!(beside.end().await.is_ok());
    }
}

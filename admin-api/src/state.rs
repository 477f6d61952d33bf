//! What every handler has at hand: the ports, and the little that the API keeps itself.

use std::sync::Arc;
use std::time::Duration;

use config::Snapshot;
use engine::view::View;
use engine::{Actor, CommandBody};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::auth::limit::LoginLimit;
use crate::auth::password::Hasher;
use crate::auth::strangers::Strangers;
use crate::idempotency::{self, Memory};
use crate::ports::{
    Accounts, Bans, Carried, CentreWriter, Chronicle, Directory, EngineHandle, EventLog,
    HistoryReader, Metrics, Prompts, Readiness, Traces,
};
use crate::problem::{ApiError, Kind};

/// How long a command or a view may be silent before the client gets a 504.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);

/// All that the API needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Commands and the view.
    pub engine: Arc<dyn EngineHandle>,
    /// The writer of the centre.
    pub centre: Arc<dyn CentreWriter>,
    /// Sounds.
    pub prompts: Arc<dyn Prompts>,
    /// The address book.
    pub directory: Arc<dyn Directory>,
    /// Failed logins and tokens.
    pub accounts: Arc<dyn Accounts>,
    /// Calls that are over.
    pub history: Arc<dyn HistoryReader>,
    /// What happened to a call.
    pub chronicle: Arc<dyn Chronicle>,
    /// Past and new events.
    pub events: Arc<dyn EventLog>,
    /// Sources that are not heard.
    pub bans: Arc<dyn Bans>,
    /// The SIP messages of calls.
    pub traces: Arc<dyn Traces>,
    /// Figures for Prometheus.
    pub metrics: Arc<dyn Metrics>,
    /// Whether the daemon should be given work.
    pub readiness: Arc<dyn Readiness>,
    /// UTC in microseconds since the Unix epoch.
    pub utc_us: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// The state of the API; cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Inner>);

struct Inner {
    ports: Ports,
    secure_cookie: bool,
    hasher: Hasher,
    login_limit: LoginLimit,
    strangers: Strangers,
    memory: Memory,
    /// Changes whenever tokens are revoked, so that open event streams look whether theirs still holds.
    revocations: watch::Sender<u64>,
}

impl ApiState {
    /// The API over these ports.
    pub fn new(ports: Ports) -> Self {
        Self::with_cookies(ports, false)
    }

    /// The same; with `secure_cookie` browsers send the cookie over TLS only.
    pub fn with_cookies(ports: Ports, secure_cookie: bool) -> Self {
        Self(Arc::new(Inner {
            ports,
            secure_cookie,
            hasher: Hasher::new(),
            login_limit: LoginLimit::default(),
            strangers: Strangers::default(),
            memory: Memory::default(),
            revocations: watch::Sender::new(0),
        }))
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.0.ports
    }

    pub(crate) fn directory(&self) -> &dyn Directory {
        &*self.0.ports.directory
    }

    pub(crate) fn accounts(&self) -> &dyn Accounts {
        &*self.0.ports.accounts
    }

    pub(crate) fn secure_cookie(&self) -> bool {
        self.0.secure_cookie
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    pub(crate) fn login_limit(&self) -> &LoginLimit {
        &self.0.login_limit
    }

    pub(crate) fn strangers(&self) -> &Strangers {
        &self.0.strangers
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    pub(crate) fn utc_us(&self) -> i64 {
        (self.0.ports.utc_us)()
    }

    /// The configuration in force.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.ports.centre.current()
    }

    /// The latest view.
    pub(crate) fn view(&self) -> Arc<View> {
        self.0.ports.engine.view()
    }

    /// Waits for the view to show what a command did.
    pub(crate) async fn view_at(&self, seq: u64) -> Result<Arc<View>, ApiError> {
        let reached = timeout(SILENCE, self.0.ports.engine.view_at(seq)).await;
        reached.map_err(|_| ApiError::new(Kind::Timeout, "it was done, but cannot be seen yet"))
    }

    /// Asks the engine, and waits until readers see what came of it.
    pub(crate) async fn ask(
        &self,
        actor: Actor,
        body: CommandBody,
    ) -> Result<(Carried, Arc<View>), ApiError> {
        let reply = timeout(
            idempotency::patience(),
            self.0.ports.engine.send(actor, body),
        )
        .await;
        let silent = |_| {
            ApiError::new(
                Kind::Timeout,
                "the engine did not answer in time; it may still do it",
            )
        };
        let carried = reply.map_err(silent)??;
        let view = self.view_at(carried.seq).await?;
        Ok((carried, view))
    }

    /// Says that tokens were revoked.
    pub(crate) fn tokens_revoked(&self) {
        self.0.revocations.send_modify(|count| *count += 1);
    }

    /// Follows revocations.
    pub(crate) fn revocations(&self) -> watch::Receiver<u64> {
        self.0.revocations.subscribe()
    }
}

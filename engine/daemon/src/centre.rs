//! The one writer of the centre.
//!
//! Every change takes the same way, one at a time: the engine prepares it (and may refuse), the store keeps it in one
//! transaction, the engine commits it; or it is aborted, and then nothing has changed. A change that has begun runs to its
//! end, whoever waits for it. Settings that were read again take the same way: they are part of the snapshot.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admin_api::hash_password;
use admin_api::ports::{ChangeError, Committed};
use arc_swap::ArcSwap;
use config::{Centre, Change, Sealer, Settings, Snapshot};
use engine::command::{Done, Effect, Moves};
use engine::{Actor, CommandBody, Refusal};
use sip::auth::Ha1Set;
use store::{CentreChange, CentreStore, StoreError};
use tokio::time::timeout;

use crate::clock::utc_us;
use crate::ports::Commands;

/// How long the engine may be silent before a change is given up.
const SILENCE: Duration = Duration::from_secs(2);
/// How soon a commit is tried again that the engine has no room for.
const AGAIN: Duration = Duration::from_millis(50);

/// Reads and replaces the snapshot in force. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    inner: Arc<Inner>,
}

struct Inner {
    current: ArcSwap<Snapshot>,
    turn: Arc<tokio::sync::Mutex<()>>,
    store: CentreStore,
    engine: Commands,
    changed: Box<dyn Fn(&Snapshot) + Send + Sync>,
}

/// The right to make the next change.
pub(crate) struct Turn {
    _guard: tokio::sync::OwnedMutexGuard<()>,
    /// The snapshot that is changed.
    pub(crate) current: Arc<Snapshot>,
}

impl Writer {
    /// A writer over the snapshot that the engine was started with; `changed` is told of every later one.
    pub(crate) fn new(
        snapshot: Arc<Snapshot>,
        store: CentreStore,
        engine: Commands,
        changed: impl Fn(&Snapshot) + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner {
            current: ArcSwap::new(snapshot),
            turn: Arc::default(),
            store,
            engine,
            changed: Box::new(changed),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The snapshot in force.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        self.inner.current.load_full()
    }

    /// Waits for the right to change it.
    pub(crate) async fn turn(&self) -> Turn {
        let guard = Arc::clone(&self.inner.turn).lock_owned().await;
        Turn {
            _guard: guard,
            current: self.current(),
        }
    }

    /// Replaces a centre that was made from version `base`.
    pub(crate) async fn change(
        &self,
        actor: Actor,
        base: u64,
        mut centre: Centre,
        moves: Moves,
    ) -> Result<Committed, ChangeError> {
        let writer = self.clone();
        let change = async move {
            let turn = writer.turn().await;
            if turn.current.version != base {
                return Err(ChangeError::Stale);
            }
            let realm = turn.current.settings.sip.domain.to_string();
            // Sealing is slow by design.
            let sealed =
                tokio::task::spawn_blocking(move || seal(&mut centre, &realm).map(|()| centre))
                    .await;
            let centre = sealed
                .map_err(|error| ChangeError::Store(error.to_string()))?
                .map_err(|error| ChangeError::Store(error.to_string()))?;
            writer.put(turn, actor, centre, moves).await
        };
        // A task of its own runs on when nobody waits any more.
        tokio::spawn(change)
            .await
            .unwrap_or_else(|error| Err(ChangeError::Store(error.to_string())))
    }

    /// Puts a sealed centre in force.
    pub(crate) async fn put(
        &self,
        turn: Turn,
        actor: Actor,
        centre: Centre,
        moves: Moves,
    ) -> Result<Committed, ChangeError> {
        if config::diff(&turn.current.centre, &centre).is_empty() {
            return Ok(self.unchanged(&turn));
        }
        let settings = Arc::clone(&turn.current.settings);
        self.replace(&turn, actor, settings, Arc::new(centre), moves)
            .await
    }

    /// Puts a centre in force in which only uploaded prompts are different.
    pub(crate) async fn put_prompts(
        &self,
        turn: &Turn,
        actor: Actor,
        centre: Centre,
    ) -> Result<Committed, ChangeError> {
        let settings = Arc::clone(&turn.current.settings);
        self.replace(turn, actor, settings, Arc::new(centre), Moves::new())
            .await
    }

    /// The answer to a change that changes nothing.
    pub(crate) fn unchanged(&self, turn: &Turn) -> Committed {
        Committed {
            version: turn.current.version,
            seq: self.inner.engine.views().view().seq,
            effects: Vec::new(),
        }
    }

    /// Puts other settings in force.
    pub(crate) async fn put_settings(
        &self,
        settings: Settings,
        actor: Actor,
    ) -> Result<Committed, ChangeError> {
        let turn = self.turn().await;
        let centre = Arc::clone(&turn.current.centre);
        self.replace(&turn, actor, Arc::new(settings), centre, Moves::new())
            .await
    }

    /// What a centre would do, without doing it.
    pub(crate) async fn effects(
        &self,
        turn: &Turn,
        actor: Actor,
        centre: Centre,
    ) -> Result<Vec<Effect>, ChangeError> {
        let snapshot = Snapshot {
            version: turn.current.version + 1,
            settings: Arc::clone(&turn.current.settings),
            centre: Arc::new(centre),
        };
        let version = snapshot.version;
        let effects = self.prepare(&actor, snapshot.into(), Moves::new()).await?;
        self.abort(&actor, version).await;
        Ok(effects)
    }

    async fn replace(
        &self,
        turn: &Turn,
        actor: Actor,
        settings: Arc<Settings>,
        centre: Arc<Centre>,
        moves: Moves,
    ) -> Result<Committed, ChangeError> {
        let current = &turn.current;
        let snapshot = Arc::new(Snapshot {
            version: current.version + 1,
            settings,
            centre,
        });
        let effects = self.prepare(&actor, Arc::clone(&snapshot), moves).await?;
        let change = CentreChange {
            old_version: current.version,
            old: &current.centre,
            new_version: snapshot.version,
            new: &snapshot.centre,
            who: &actor.username,
            utc_us: utc_us(),
        };
        if let Err(error) = self.inner.store.save(change).await {
            self.abort(&actor, snapshot.version).await;
            let stale = matches!(error, StoreError::Stale { .. });
            return Err(if stale {
                ChangeError::Stale
            } else {
                ChangeError::Store(error.to_string())
            });
        }
        // It is stored, so it holds; who hears of the change from the engine must find it here.
        self.inner.current.store(Arc::clone(&snapshot));
        (self.inner.changed)(&snapshot);
        let seq = self.commit(&actor, snapshot.version).await?;
        Ok(Committed {
            version: snapshot.version,
            seq,
            effects,
        })
    }

    async fn prepare(
        &self,
        actor: &Actor,
        snapshot: Arc<Snapshot>,
        moves: Moves,
    ) -> Result<Vec<Effect>, ChangeError> {
        let version = snapshot.version;
        let prepared = self.inner.engine.send(
            actor.clone(),
            CommandBody::PrepareCentre { snapshot, moves },
        );
        match timeout(SILENCE, prepared).await {
            Ok(Ok(carried)) => match carried.done {
                Done::Prepared(effects) => Ok(effects),
                Done::Ok
                | Done::Call(_)
                | Done::Parked(_)
                | Done::Waiting(_)
                | Done::Nothing(_) => Ok(Vec::new()),
            },
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => {
                // It may still be prepared; the order to forget it comes behind.
                self.abort(actor, version).await;
                Err(ChangeError::TimedOut)
            }
        }
    }

    async fn abort(&self, actor: &Actor, version: u64) {
        let aborted = self
            .inner
            .engine
            .send(actor.clone(), CommandBody::AbortCentre { version });
        // What stays prepared is replaced by the next one, and does nothing by itself.
        let _ = timeout(SILENCE, aborted).await;
    }

    /// What is stored must come into force, however long the engine takes; if the daemon ends before, it does at the next start.
    async fn commit(&self, actor: &Actor, version: u64) -> Result<u64, ChangeError> {
        loop {
            let committed = self
                .inner
                .engine
                .send(actor.clone(), CommandBody::CommitCentre { version })
                .await;
            match committed {
                Ok(carried) => return Ok(carried.seq),
                Err(admin_api::ports::CommandError::Refused(refusal)) => {
                    tracing::error!(version, %refusal, "the engine does not take up the stored centre");
                    return Err(ChangeError::Refused(refusal));
                }
                Err(admin_api::ports::CommandError::Unavailable)
                    if self.inner.engine.is_stopping() =>
                {
                    return Err(ChangeError::Refused(Refusal::Unavailable(
                        "the daemon is stopping".into(),
                    )));
                }
                Err(admin_api::ports::CommandError::Unavailable) => tokio::time::sleep(AGAIN).await,
            }
        }
    }
}

fn refused(error: admin_api::ports::CommandError) -> ChangeError {
    match error {
        admin_api::ports::CommandError::Refused(refusal) => ChangeError::Refused(refusal),
        admin_api::ports::CommandError::Unavailable => {
            ChangeError::Refused(Refusal::Unavailable(error.to_string()))
        }
    }
}

/// Seals every password that is still plain. Takes some tens of milliseconds for each login.
///
/// # Errors
///
/// When the system has no randomness to give.
pub(crate) fn seal(centre: &mut Centre, realm: &str) -> anyhow::Result<()> {
    let sealer = Passwords {
        realm,
        failed: Mutex::default(),
    };
    centre.seal(&sealer);
    let failed = sealer
        .failed
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(()), |error| {
        Err(anyhow::anyhow!("a password cannot be hashed: {error}"))
    })
}

struct Passwords<'a> {
    realm: &'a str,
    failed: Mutex<Option<String>>,
}

impl Sealer for Passwords<'_> {
    fn login(&self, plain: &str) -> String {
        hash_password(plain).unwrap_or_else(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            String::new()
        })
    }

    fn digest(&self, digest_username: &str, plain: &str) -> String {
        Ha1Set::of_password(digest_username, self.realm, plain).to_text_for(self.realm)
    }
}

/// The changes, a line each, as `apply` prints them.
pub(crate) fn print_changes(changes: &[Change], effects: &[Effect]) -> String {
    let mut text = String::new();
    for change in changes {
        text.push_str(&format!("{change}\n"));
    }
    for effect in effects {
        text.push_str(&format!(
            "! {} {}: {}\n",
            effect.kind, effect.name, effect.text
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_passwords_are_those_phones_and_logins_prove() {
        let text = "[[users]]\nusername = \"alice\"\npassword = \"correct horse battery\"\nextension = \"1001\"\nsip_password = \"secret\"\n";
        let mut centre = config::parse_centre(text, "test").unwrap();
        seal(&mut centre, "lampfield.local").unwrap();
        let alice = &centre.users["alice"];
        let password = alice.password.as_ref().unwrap();
        assert!(password.plain().is_none() && password.expose().starts_with("$argon2id$"));
        let expected = Ha1Set::of_password("1001", "lampfield.local", "secret");
        let kept = alice.sip_password.as_ref().unwrap();
        assert_eq!(kept.expose(), expected.to_text_for("lampfield.local"));
        assert_eq!(kept.realm(), Some("lampfield.local"));
    }
}

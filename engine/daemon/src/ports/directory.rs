//! The directory: kept by the store, of which the engine hears who is a VIP.

use std::sync::Arc;
use std::time::Duration;

use admin_api::Answer;
use admin_api::ports::{
    CommandError, Directory, DirectoryError, EntriesAfter, EntryChange, KeptEntry,
};
use config::{DirectoryEntry, EntryId};
use engine::{Actor, CommandBody};
use store::{StoreError, StoredEntry};

use super::Commands;
use crate::clock::utc_us;

/// How soon the engine is told again that has no room for it.
const AGAIN: Duration = Duration::from_millis(50);

/// The store's directory. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct DirectoryPort {
    store: store::Directory,
    engine: Commands,
    /// One change at a time, so that the engine hears of them in the order in which they are kept.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl DirectoryPort {
    pub(crate) fn new(store: store::Directory, engine: Commands) -> Self {
        Self {
            store,
            engine,
            turn: Arc::default(),
        }
    }

    async fn keep(&self, change: EntryChange) -> Result<EntryId, DirectoryError> {
        let EntryChange { actor, old, new } = change;
        let _turn = self.turn.lock().await;
        let old = old.map(|old| StoredEntry {
            id: old.id,
            version: old.version,
            entry: old.entry,
        });
        let kept = store::EntryChange {
            old: old.as_ref(),
            new: new.as_ref(),
            who: &actor.username,
            utc_us: utc_us(),
        };
        let id = self.store.change(kept).await.map_err(failed)?;
        let was_vip = old.is_some_and(|old| old.entry.vip);
        let marked = new.filter(|entry| entry.vip);
        if was_vip || marked.is_some() {
            self.tell(actor, id, marked.as_ref()).await;
        }
        Ok(id)
    }

    /// What is kept must hold for the next call, however long the engine takes; if the daemon ends before, it does at the next start.
    async fn tell(&self, actor: Actor, entry: EntryId, marked: Option<&DirectoryEntry>) {
        let numbers = marked.into_iter().flat_map(DirectoryEntry::numbers);
        let body = CommandBody::SetVips {
            entry,
            numbers: numbers.cloned().collect(),
        };
        loop {
            match self.engine.send(actor.clone(), body.clone()).await {
                Ok(_) => return,
                Err(CommandError::Refused(refusal)) => {
                    tracing::error!(%entry, %refusal, "the engine does not take up who is a VIP");
                    return;
                }
                Err(CommandError::Unavailable) if self.engine.is_stopping() => return,
                Err(CommandError::Unavailable) => tokio::time::sleep(AGAIN).await,
            }
        }
    }
}

impl Directory for DirectoryPort {
    fn entry(&self, id: EntryId) -> Answer<'_, Result<Option<KeptEntry>, DirectoryError>> {
        Box::pin(async move {
            self.store
                .entry(id)
                .await
                .map(|it| it.map(shown))
                .map_err(failed)
        })
    }

    fn entries(&self, query: EntriesAfter) -> Answer<'_, Result<Vec<KeptEntry>, DirectoryError>> {
        Box::pin(async move {
            let EntriesAfter { sort, after, limit } = query;
            let found = self.store.after(&sort, after.as_deref(), limit).await;
            let found = found.map_err(failed)?;
            Ok(found.into_iter().map(shown).collect())
        })
    }

    fn change(&self, change: EntryChange) -> Answer<'_, Result<EntryId, DirectoryError>> {
        let port = self.clone();
        Box::pin(async move {
            // A task of its own runs on when nobody waits any more.
            tokio::spawn(async move { port.keep(change).await })
                .await
                .unwrap_or_else(|error| Err(DirectoryError::Store(error.to_string())))
        })
    }
}

fn shown(stored: StoredEntry) -> KeptEntry {
    let StoredEntry { id, version, entry } = stored;
    KeptEntry { id, version, entry }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else can be wrong with a store is nothing the client did"
)]
fn failed(error: StoreError) -> DirectoryError {
    let text = error.to_string();
    match error {
        StoreError::StaleEntry => DirectoryError::Stale,
        StoreError::ExternalId { external_id } => DirectoryError::Taken(external_id),
        StoreError::DirectoryFull { max } => DirectoryError::Full(max),
        StoreError::Unsorted { .. } => DirectoryError::Unsorted(text),
        StoreError::Cursor => DirectoryError::Cursor,
        _ => DirectoryError::Store(text),
    }
}

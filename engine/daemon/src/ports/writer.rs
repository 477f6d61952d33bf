//! The one writer, as the API asks it.

use std::sync::Arc;

use admin_api::Answer;
use admin_api::ports::{CentreChange, CentreWriter, ChangeError, Committed};
use config::Snapshot;

use crate::centre::Writer;

impl CentreWriter for Writer {
    fn current(&self) -> Arc<Snapshot> {
        Self::current(self)
    }

    fn change(&self, change: CentreChange) -> Answer<'_, Result<Committed, ChangeError>> {
        let CentreChange {
            actor,
            base,
            centre,
            moves,
        } = change;
        Box::pin(Self::change(self, actor, base, centre, moves))
    }
}

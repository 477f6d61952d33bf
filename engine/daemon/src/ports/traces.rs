//! The SIP messages of calls: the recorder's.

use admin_api::Answer;
use admin_api::ports::{NoTrace, Traces};
use engine::CallId;
use trace::Kept;

use crate::recorder::{Tap, Unrecorded};

/// What is recorded.
#[derive(Debug)]
pub(crate) struct TracesPort(pub(crate) Tap);

impl Traces for TracesPort {
    fn of_call(&self, call: CallId) -> Answer<'_, Result<Kept, NoTrace>> {
        Box::pin(async move {
            let kept = self.0.of_call(call).await.map_err(|why| match why {
                Unrecorded::Off => NoTrace::Off,
                Unrecorded::Busy => NoTrace::Busy,
            })?;
            kept.ok_or(NoTrace::Nothing)
        })
    }
}

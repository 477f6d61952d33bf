//! What happened to a call: its events from the journal, or its record where the journal has them no more.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use admin_api::Answer;
use admin_api::ports::{Chronicle, ReadError, Recounted, Story, StoryEvent};
use config::Snapshot;
use engine::event::{AlertEnd, EndCause, EndResult, EndedBy};
use engine::explain::Recount;
use engine::{CallId, Event};
use store::{CallDetail, Events, StoreError};
use tokio::sync::Mutex;

use super::HistoryPort;

/// How many events of a call are told at most.
const EVENTS_MAX: u32 = 2_000;
/// How many entries are read at most to make decisions once more: some minutes of a busy centre.
const ENTRIES_MAX: usize = 2_000_000;

/// The journal, and the history beside it.
#[derive(Debug)]
pub(crate) struct ChroniclePort {
    pub(crate) past: Events,
    pub(crate) history: Arc<HistoryPort>,
    /// Decisions are made once more for one who asks at a time.
    pub(crate) one_at_a_time: Mutex<()>,
}

impl Chronicle for ChroniclePort {
    fn story(&self, call: CallId) -> Answer<'_, Result<Option<Story>, ReadError>> {
        Box::pin(async move {
            self.history.catch_up().await;
            let detail = self.history.history.call(call).await.map_err(failed)?;
            let Some(detail) = detail else {
                return Ok(None);
            };
            let kept = self.kept(&detail).await?;
            Ok(Some(kept.unwrap_or_else(|| on_record(detail))))
        })
    }

    fn recount(
        &self,
        call: CallId,
        snapshot: Arc<Snapshot>,
    ) -> Answer<'_, Result<Recounted, ReadError>> {
        Box::pin(async move {
            self.history.catch_up().await;
            let detail = self.history.history.call(call).await.map_err(failed)?;
            let alerts = detail.map(|detail| detail.alerts).unwrap_or_default();
            let placed = alerts.iter().filter_map(|it| Some((it.seq?, it.id)));
            let placed: BTreeMap<u64, u64> = placed.collect();
            if placed.len() < alerts.len() {
                let why = "the call is older than this program, which keeps where decisions stand";
                return Ok(Recounted::Lost(why.into()));
            }
            let (Some((first, _)), Some((last, _))) =
                (placed.first_key_value(), placed.last_key_value())
            else {
                return Ok(Recounted::Made(Vec::new()));
            };
            let recount = Recount::of(placed.values().copied());
            let _turn = self.one_at_a_time.lock().await;
            self.make_again(recount, *first..=*last, &snapshot).await
        })
    }
}

impl ChroniclePort {
    /// Reads the journal from the checkpoint before the first alert through the last.
    async fn make_again(
        &self,
        mut recount: Recount,
        alerts: RangeInclusive<u64>,
        snapshot: &Snapshot,
    ) -> Result<Recounted, ReadError> {
        let lost = |why: String| Ok(Recounted::Lost(why));
        let mut entries = match self.past.rebuild(*alerts.start()).await {
            Ok(entries) => entries,
            Err(StoreError::Expired { pruned_to }) => {
                return lost(format!(
                    "the journal has entries after number {pruned_to} only"
                ));
            }
            Err(error) => return Err(failed(error)),
        };
        if entries
            .gaps()
            .iter()
            .any(|gap| gap.first_seq < *alerts.end())
        {
            return lost("the journal lacks entries of that time".into());
        }
        let mut read = 0;
        while !recount.is_done() {
            let batch = entries.next_batch().await.map_err(failed)?;
            read += batch.len();
            if batch.is_empty() || read > ENTRIES_MAX {
                return lost("its decisions were not found in the journal".into());
            }
            for entry in &batch {
                if let Err(error) = recount.apply(entry) {
                    return lost(error.to_string());
                }
            }
        }
        Ok(Recounted::Made(recount.decisions(snapshot)))
    }

    /// Its events; none when the journal has not all of them.
    async fn kept(&self, detail: &CallDetail) -> Result<Option<Story>, ReadError> {
        let call = &detail.call;
        let Some(first) = call.began_seq else {
            return Ok(None);
        };
        let span = (first, call.ended_seq);
        let events = match self.past.of_call(call.id, span, EVENTS_MAX).await {
            Ok(events) => events,
            Err(StoreError::Expired { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let events = events.into_iter().map(|it| StoryEvent {
            seq: Some(it.seq),
            utc_us: it.utc_us,
            event: Arc::unwrap_or_clone(it.event),
        });
        Ok(Some(Story {
            events: events.collect(),
            whole: true,
        }))
    }
}

fn failed(error: StoreError) -> ReadError {
    ReadError::Store(error.to_string())
}

/// As much of its events as can be told from its record.
fn on_record(detail: CallDetail) -> Story {
    let call = detail.call;
    let mut events = vec![(
        call.started_us,
        Event::CallStarted {
            call: call.id,
            direction: call.direction,
            caller: call.caller,
            called: call.called,
            trunk: call.trunk,
            user: call.started_by,
            vip: false,
        },
    )];
    for alert in detail.alerts {
        let begun = Event::AlertStarted {
            alert: alert.id,
            call: call.id,
            agent: alert.agent.clone(),
            queue: alert.queue,
            picked_up: alert.picked_up,
            choice: alert.choice,
        };
        events.push((alert.started_us, begun));
        if let Some(at) = alert.ended_us {
            let over = Event::AlertEnded {
                alert: alert.id,
                call: call.id,
                agent: alert.agent,
                end: alert.outcome.unwrap_or(AlertEnd::Withdrawn),
                sip_status: alert.sip_status,
            };
            events.push((at, over));
        }
    }
    for leg in detail.legs {
        let begun = Event::LegStarted {
            call: call.id,
            leg: leg.id,
            role: leg.role,
            number: leg.number,
            trunk: leg.trunk,
            user: leg.user,
        };
        events.push((leg.started_us, begun));
    }
    if let (Some(why), Some(to)) = (call.diverted_why, call.diverted_to) {
        let diverted = Event::CallDiverted {
            call: call.id,
            why,
            to,
            queue: call.last_queue,
        };
        events.push((call.ended_us.unwrap_or(call.started_us), diverted));
    }
    if let Some(at) = call.ended_us {
        let ended = Event::CallEnded {
            call: call.id,
            cause: EndCause {
                result: call.result.unwrap_or(EndResult::Failed),
                sip_status: call.sip_status,
                reason: call.reason,
            },
            by: call.ended_by.unwrap_or(EndedBy::System),
        };
        events.push((at, ended));
    }
    events.sort_by_key(|(at, _)| *at);
    let events = events.into_iter().map(|(utc_us, event)| StoryEvent {
        seq: None,
        utc_us,
        event,
    });
    Story {
        events: events.collect(),
        whole: false,
    }
}

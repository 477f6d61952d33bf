//! What holds of the live figures (metrics.md §4.5): the identities after every turn, and at the end the counts themselves,
//! made once more of the journal as plainly as can be.

use std::collections::{BTreeMap, BTreeSet};

use engine::board::{Board, Staff, Tally};
use engine::event::LeftQueue;
use engine::view::View;
use engine::{CallId, Event};

/// A stay in a queue that is over.
#[derive(Debug, Clone)]
struct Stay {
    queue: String,
    waited_us: i64,
    why: LeftQueue,
}

#[derive(Debug, Default)]
pub(crate) struct Figures {
    waiting: BTreeMap<CallId, (String, i64)>,
    /// Those that came back, until somebody has them: no stay of theirs counts.
    recalled: BTreeSet<CallId>,
    /// How many came back to each queue since the day began.
    recalls: BTreeMap<String, u64>,
    /// Since the day began.
    stays: Vec<Stay>,
    faults: Vec<String>,
}

impl Figures {
    /// What is on the disk is what happened.
    pub(crate) fn apply(&mut self, utc_us: i64, event: &Event) {
        match event {
            Event::DayBegan {} => {
                self.stays.clear();
                self.recalls.clear();
            }
            Event::CallRecalled { call, queue, .. } => {
                self.recalled.insert(*call);
                if let Some(queue) = queue {
                    *self.recalls.entry(queue.clone()).or_default() += 1;
                }
            }
            Event::CallEnded { call, .. } => {
                self.recalled.remove(call);
            }
            Event::CallQueued {
                call,
                queue: Some(queue),
                ..
            } => {
                let place = || (queue.clone(), utc_us);
                self.waiting.entry(*call).or_insert_with(place);
            }
            Event::CallLeftQueue { call, why } => {
                let counts = !self.recalled.contains(call);
                if *why == LeftQueue::Connected {
                    self.recalled.remove(call);
                }
                if let Some((queue, entered_us)) = self.waiting.remove(call).filter(|_| counts) {
                    let waited_us = utc_us - entered_us;
                    self.stays.push(Stay {
                        queue,
                        waited_us,
                        why: *why,
                    });
                }
            }
            _ => {}
        }
    }

    /// What holds after every turn.
    pub(crate) fn check(&mut self, view: &View, engines: &Board) {
        let board = &view.board;
        if board != engines {
            self.faults.push(format!(
                "readers see {board:#?}, the engine has {engines:#?}"
            ));
        }
        for (name, row) in &board.queues {
            let today = row.counts.today;
            // A queue that is removed while a phone rings for its last caller is shown no more.
            let shown = view.queues.get(name);
            let waits = row.waiting() + row.recalls_waiting();
            let shown = shown.map_or(waits, |shown| shown.waiting.len());
            if waits != shown || today.offered != over(&today) + row.waiting() as u64 {
                self.faults
                    .push(format!("{shown} wait in {name}, and it has {row:?}"));
            }
        }
        let total = board.total.today;
        let open = board.waiting() + board.on_their_way();
        if total.offered != over(&total) + open as u64 {
            self.faults.push(format!("{open} are open of {total:?}"));
        }
        self.check_agents(view);
    }

    fn check_agents(&mut self, view: &View) {
        let staff = Staff::count(view.agents.values());
        let parts = staff.available
            + staff.alerting
            + staff.on_contact
            + staff.wrap_up
            + staff.on_break
            + staff.unreachable;
        let sessions = view.board.agents.values();
        let sessions = sessions.filter(|row| row.logged_in_us.is_some()).count();
        if staff.logged_in != sessions || parts != sessions {
            let sessions = view.board.agents.iter();
            let sessions = sessions.filter(|(_, row)| row.logged_in_us.is_some());
            let sessions: Vec<&String> = sessions.map(|(name, _)| name).collect();
            self.faults.push(format!(
                "{sessions:?} are logged in, {staff:?} of {:?}",
                view.agents
            ));
        }
        for (name, row) in &view.board.agents {
            let counts = row.alerts;
            let over = counts.accepted
                + counts.rejected
                + counts.timed_out
                + counts.withdrawn
                + counts.failed;
            let calls = view.calls.values();
            let running = calls.flat_map(|call| call.alerts.values());
            let running = running.filter(|agent| *agent == name).count();
            if row.running() != running || counts.started != over + running as u64 {
                self.faults
                    .push(format!("{name} has {running} alerts, and {row:?}"));
            }
        }
    }

    /// All counts of all queues are those of the stays.
    pub(crate) fn recount(&mut self, board: &Board) {
        for (name, row) in &board.queues {
            let promise = row.promise;
            let count = |fits: &dyn Fn(&Stay) -> bool| {
                let stays = self.stays.iter().filter(|stay| stay.queue == *name);
                stays.filter(|stay| fits(stay)).count() as u64
            };
            let answered = |stay: &Stay| stay.why == LeftQueue::Connected;
            let abandoned = |stay: &Stay| stay.why == LeftQueue::Abandoned;
            let plain = [
                count(&answered),
                count(&|stay| answered(stay) && stay.waited_us <= promise.within_us),
                count(&abandoned),
                count(&|stay| abandoned(stay) && stay.waited_us <= promise.within_us),
                count(&|stay| abandoned(stay) && stay.waited_us <= promise.short_us),
                count(&|stay| stay.why == LeftQueue::Diverted),
                count(&|stay| stay.why == LeftQueue::Ended),
                count(&|stay| stay.why == LeftQueue::Interrupted),
            ];
            let outcomes = row.counts.today.outcomes;
            let shown = [
                outcomes.answered,
                outcomes.answered_within,
                outcomes.abandoned,
                outcomes.abandoned_within,
                outcomes.short,
                outcomes.flowed_out,
                outcomes.ended,
                outcomes.interrupted,
            ];
            let recalls = self.recalls.get(name).copied().unwrap_or(0);
            if row.counts.today.recalls != recalls {
                let counted = row.counts.today.recalls;
                let text = format!("{name} has {counted} recalls, the journal says {recalls}");
                self.faults.push(text);
            }
            if shown != plain {
                let text = format!("{name} has {shown:?}, the journal says {plain:?}");
                self.faults.push(text);
            }
        }
        let calls = self
            .stays
            .iter()
            .filter(|stay| stay.why == LeftQueue::Connected);
        if calls.count() as u64 != board.total.today.outcomes.answered {
            self.faults
                .push(format!("the journal says otherwise: {:?}", board.total));
        }
    }

    pub(crate) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }
}

fn over(tally: &Tally) -> u64 {
    tally.outcomes.offered()
}

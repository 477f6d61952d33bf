//! Who works for which queue, worked out when it is asked for: from the centre in force and what agents do.

use std::collections::{BTreeMap, BTreeSet};

use config::{Snapshot, User};
use engine::board::{Doing, QueueFigures};
use engine::event::Presence;
use engine::view::{AgentRow, View};

/// The agents of queues: who is assigned to them and has not left them.
pub(super) struct Crews<'a>(BTreeMap<&'a str, Vec<Hand<'a>>>);

/// An agent, and how many queues they have.
#[derive(Clone, Copy)]
pub(super) struct Hand<'a> {
    pub(super) row: &'a AgentRow,
    queues: u32,
}

impl Hand<'_> {
    /// The thousandths of their time that each queue has.
    fn milli(self) -> u32 {
        let works = self.row.presence == Presence::Available;
        if works { 1_000 / self.queues.max(1) } else { 0 }
    }
}

impl<'a> Crews<'a> {
    /// Those of these queues, in one walk over the users.
    pub(super) fn of(queues: &BTreeSet<&'a str>, snapshot: &'a Snapshot, view: &'a View) -> Self {
        let mut crews: BTreeMap<&str, Vec<Hand<'_>>> = BTreeMap::new();
        for user in snapshot.centre.users.values() {
            let Some(row) = view.agents.get(&*user.username) else {
                continue;
            };
            let left = |queue: &str| row.left_queues.iter().any(|left| left == queue);
            let joined: Vec<&str> = queues_of(user).filter(|queue| !left(queue)).collect();
            let hand = Hand {
                row,
                queues: u32::try_from(joined.len()).unwrap_or(u32::MAX),
            };
            for queue in joined.into_iter().filter(|queue| queues.contains(queue)) {
                crews.entry(queue).or_default().push(hand);
            }
        }
        Self(crews)
    }

    pub(super) fn crew(&self, queue: &str) -> impl Iterator<Item = Hand<'a>> {
        self.0.get(queue).into_iter().flatten().copied()
    }
}

fn queues_of(user: &User) -> impl Iterator<Item = &str> {
    user.queues.iter().map(|assignment| &*assignment.queue)
}

/// What who comes now is to be told. Whom it rings for already is as good as served.
pub(super) fn estimate<'a>(
    row: &QueueFigures,
    crew: impl Iterator<Item = Hand<'a>>,
) -> Option<u32> {
    let (mut milli, mut free, mut ringing) = (0_u32, false, 0);
    for hand in crew {
        milli = milli.saturating_add(hand.milli());
        match Doing::of(hand.row.presence, hand.row.activity, hand.row.device) {
            Doing::Available => free = true,
            Doing::Alerting => ringing += 1,
            Doing::Offline
            | Doing::OnContact
            | Doing::WrapUp
            | Doing::OnBreak
            | Doing::Unreachable => {}
        }
    }
    let ahead = row.waiting().saturating_sub(ringing);
    if free && ahead == 0 {
        return Some(0);
    }
    row.estimate(u32::try_from(ahead).unwrap_or(u32::MAX), milli)
}

//! What must hold after every event, whatever happens: metrics.md §4.5.

use alloc::vec;

use proptest::prelude::*;

use super::*;

/// What happens to one of a few calls.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Enter(u64, bool),
    Leave(u64, LeftQueue),
    Divert(u64, Diversion),
    Alert(u64),
    AlertEnds(u64, AlertEnd),
    Connect(u64),
    Send(u64, bool),
    Recall(u64),
    End(u64, EndResult, EndedBy),
    Ann(Presence, Activity),
    Day,
    Pass(i64),
}

fn turn() -> impl Strategy<Value = Turn> {
    let call = || 0..6_u64;
    let why = prop_oneof![
        Just(LeftQueue::Connected),
        Just(LeftQueue::Abandoned),
        Just(LeftQueue::Diverted),
        Just(LeftQueue::Ended),
        Just(LeftQueue::Interrupted)
    ];
    let diversion = prop_oneof![
        Just(Diversion::Closed),
        Just(Diversion::Full),
        Just(Diversion::Overflow)
    ];
    let end = prop_oneof![
        Just(AlertEnd::Accepted),
        Just(AlertEnd::Rejected),
        Just(AlertEnd::TimedOut),
        Just(AlertEnd::Withdrawn),
        Just(AlertEnd::Failed)
    ];
    let result = prop_oneof![Just(EndResult::Answered), Just(EndResult::Interrupted)];
    let by = prop_oneof![Just(EndedBy::Caller), Just(EndedBy::System)];
    let presence = prop_oneof![Just(Presence::Available), Just(Presence::Break)];
    let activity = prop_oneof![
        Just(Activity::Idle),
        Just(Activity::Alerting),
        Just(Activity::Busy),
        Just(Activity::WrapUp)
    ];
    prop_oneof![
        4 => (call(), any::<bool>()).prop_map(|(call, other)| Turn::Enter(call, other)),
        4 => (call(), why).prop_map(|(call, why)| Turn::Leave(call, why)),
        1 => (call(), diversion).prop_map(|(call, why)| Turn::Divert(call, why)),
        1 => call().prop_map(Turn::Alert),
        1 => (call(), end).prop_map(|(call, end)| Turn::AlertEnds(call, end)),
        2 => call().prop_map(Turn::Connect),
        3 => (call(), any::<bool>()).prop_map(|(call, parked)| Turn::Send(call, parked)),
        3 => call().prop_map(Turn::Recall),
        2 => (call(), result, by).prop_map(|(call, result, by)| Turn::End(call, result, by)),
        2 => (presence, activity).prop_map(|(presence, activity)| Turn::Ann(presence, activity)),
        1 => Just(Turn::Day),
        3 => (0..90_i64).prop_map(Turn::Pass),
    ]
}

fn play(told: &mut Told, turn: Turn) {
    match turn {
        Turn::Enter(call, other) => told.enters(call, if other { OTHER } else { QUEUE }),
        Turn::Leave(call, why) => told.leaves(call, why),
        Turn::Divert(call, why) => told.diverts(call, why, QUEUE),
        Turn::Alert(call) => told.alerts(call, call),
        Turn::AlertEnds(call, end) => told.alert_ends(call, call, end),
        Turn::Connect(call) => told.connects(call),
        Turn::Send(call, parked) => told.sends_on(call, parked),
        Turn::Recall(call) => told.comes_back(call, QUEUE),
        Turn::End(call, result, by) => told.ends(call, result, by),
        Turn::Ann(presence, activity) => told.ann(presence, activity, None),
        Turn::Day => told.say(Event::DayBegan {}),
        Turn::Pass(seconds) => {
            let at = told.now / SECOND + seconds;
            told.at(at)
        }
    };
}

fn identities(told: &Told) -> Result<(), TestCaseError> {
    for (name, row) in &told.board.queues {
        let today = row.counts.today;
        let sum = today.outcomes.offered() + row.waiting() as u64;
        prop_assert_eq!(today.offered, sum, "queue {}", name);
        prop_assert!(today.outcomes.answered_within <= today.outcomes.answered);
        prop_assert!(today.outcomes.short <= today.outcomes.abandoned_within);
        prop_assert!(today.waited_us >= today.rung_us, "queue {}", name);
    }
    let total = told.board.total.today;
    let open = told.board.waiting() + told.board.on_their_way();
    prop_assert_eq!(total.offered, total.outcomes.offered() + open as u64);
    for row in told.board.agents.values() {
        let counts = row.alerts;
        let over =
            counts.accepted + counts.rejected + counts.timed_out + counts.withdrawn + counts.failed;
        prop_assert_eq!(counts.started, over + row.running() as u64);
        let staffed = row.times(told.now).staffed_us();
        prop_assert!(staffed <= told.now - told.board.since_us.unwrap_or(0));
    }
    Ok(())
}

/// A call that waits somewhere leaves before it enters elsewhere: the engine sees to that, and so does this.
fn is_possible(told: &Told, turn: Turn) -> bool {
    if let Turn::Enter(call, other) = turn {
        let queue = if other { OTHER } else { QUEUE };
        let visit = told.board.visits.get(&CallId(call));
        return visit.is_none_or(|visit| match &visit.stage {
            Stage::Waiting(_) => visit.waits_in(queue),
            Stage::Talking(_) => false,
            Stage::Outside | Stage::OnItsWay { .. } | Stage::Sent { .. } => true,
        });
    }
    let talks = |call| {
        let visit = told.board.visits.get(&CallId(call));
        visit.map(|visit| matches!(visit.stage, Stage::Talking(_)))
    };
    if let Turn::Send(call, _) = turn {
        return talks(call).is_none_or(|talks| talks);
    }
    if let Turn::Recall(call) = turn {
        let visit = told.board.visits.get(&CallId(call));
        return visit.is_none_or(|visit| matches!(visit.stage, Stage::Sent { .. }));
    }
    if let Turn::Alert(call) = turn {
        let ann = told.board.agents.get("ann");
        return ann.is_none_or(|row| !row.is_running(call));
    }
    true
}

proptest! {
    #[test]
    fn the_identities_hold_after_every_event(turns in proptest::collection::vec(turn(), 1..120)) {
        let mut told = Told::new();
        for turn in turns {
            if is_possible(&told, turn) {
                play(&mut told, turn);
                identities(&told)?;
            }
        }
        // What a checkpoint keeps of it is all of it.
        let bytes = minicbor::to_vec(&told.board).unwrap();
        let read: Board = minicbor::decode(&bytes).unwrap();
        prop_assert_eq!(read, told.board);
    }
}

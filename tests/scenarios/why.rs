//! Whoever asks why is told: why somebody waits, why an agent gets nothing, why a call went to whom it went (part 10).

use engine::command::PresenceWish;
use engine::event::{Cause, Choice, Event, Strategy};
use engine::explain::{
    Candidate, Decision, Moment, Reason, Recount, RecountError, WhyNothing, WhyWaiting,
};
use engine::{CallId, CommandBody, Done, Refusal};
use sim::{CENTRE, World, secs, seed};

use crate::told::call_of;

fn why_waiting(w: &World, call: CallId) -> WhyWaiting {
    match w.supervisor(CommandBody::ExplainWaiting { call }) {
        Done::Waiting(Some(why)) => *why,
        other => panic!("it waits: {other:?}"),
    }
}

fn why_nothing(w: &World, username: &str) -> WhyNothing {
    let username = username.into();
    match w.supervisor(CommandBody::ExplainAgent { username }) {
        Done::Nothing(why) => *why,
        other => panic!("there is such an agent: {other:?}"),
    }
}

/// Every choice that was published.
fn choices(w: &World) -> Vec<Choice> {
    let events = w.events().into_iter();
    let choice = |event: &Event| match event {
        Event::AlertStarted { choice, .. } => choice.clone(),
        _ => None,
    };
    events.filter_map(|(_, event)| choice(&event)).collect()
}

#[test]
fn why_a_call_waits_names_who_is_before_it_and_what_each_agent_is_at() {
    let w = World::new(seed(1));
    let (ann, bob) = (w.agent("ann").available(), w.agent("bob").available());
    bob.takes_a_break("lunch");
    let callers = ["+49301", "+49302", "+49303"].map(|number| w.phone(number));
    callers[0].calls("sales");
    ann.answers();
    for caller in &callers[1..] {
        caller.calls("sales");
        w.run_for(secs(1));
    }
    let why = why_waiting(&w, call_of(&w, "+49303"));
    assert_eq!(why.position, 2);
    assert_eq!(why.before, [call_of(&w, "+49302")]);
    assert_eq!(why.assigned, 3, "ann, bob and eva");
    let counts = [
        (Reason::Offline, 1),
        (Reason::OnBreak, 1),
        (Reason::Busy, 1),
    ];
    assert_eq!(why.counts, counts);
    let of = |name: &str| why.agents.iter().find(|(agent, _)| agent == name);
    let (_, ann_is) = of("ann").unwrap();
    assert_eq!(ann_is.call, Some(call_of(&w, "+49301")));
    let (_, bob_is) = of("bob").unwrap();
    assert_eq!(bob_is.aux_code.as_deref(), Some("lunch"));
}

#[test]
fn why_a_call_waits_tells_what_happens_next() {
    let limits = CENTRE.replacen(
        "number = \"2000\"",
        "number = \"2000\"\nmax_wait = 90\nnobody_after = 30",
        1,
    );
    let w = World::builder(seed(2)).centre(&limits).build();
    w.phone("+49301").calls("sales");
    let entered_us = w.utc_us();
    w.run_for(secs(1));
    let why = why_waiting(&w, call_of(&w, "+49301"));
    let happens: Vec<_> = why.moments.iter().map(|(_, moment)| moment).collect();
    assert_eq!(happens, [&Moment::Nobody, &Moment::MaxWait]);
    let (at, _) = why.moments[1];
    let expected = entered_us + 90_000_000;
    assert!((expected - at).abs() < 1_000_000, "{at} is not {expected}");
}

#[test]
fn why_a_call_that_rings_waits_for_nobody_to_be_found() {
    let w = World::new(seed(3));
    let ann = w.agent("ann").available();
    w.phone("+49301").calls("sales");
    assert!(ann.rings());
    let call = call_of(&w, "+49301");
    let answer = w.supervisor(CommandBody::ExplainWaiting { call });
    assert_eq!(answer, Done::Waiting(None));
}

#[test]
fn why_an_agent_gets_nothing_tells_of_break_rejection_and_queue() {
    let w = World::new(seed(4));
    let (ann, max) = (w.agent("ann").available(), w.agent("max").available());
    let caller = w.phone("+49301");
    caller.calls("sales");
    ann.rejects(603);
    let why = why_nothing(&w, "ann");
    assert_eq!(why.hindrance, None, "they are free");
    let sales = &why.queues[0];
    assert_eq!(sales.queue.as_deref(), Some("sales"));
    assert_eq!(sales.waiting, 1);
    assert_eq!(sales.kept[0].by.reason, Reason::Rejected);
    assert_eq!(sales.kept[0].first, call_of(&w, "+49301"));
    max.takes_a_break("lunch");
    let why = why_nothing(&w, "max");
    let hindrance = why.hindrance.unwrap();
    assert_eq!(hindrance.reason, Reason::OnBreak);
    assert_eq!(hindrance.aux_code.as_deref(), Some("lunch"));
}

#[test]
fn why_is_asked_in_vain_of_what_is_not_there() {
    let w = World::new(seed(5));
    let nobody = w.command(
        "sven",
        config::Role::Supervisor,
        CommandBody::ExplainAgent {
            username: "zoe".into(),
        },
    );
    assert!(
        matches!(nobody, Err(Refusal::NotFound { .. })),
        "{nobody:?}"
    );
    let call = CallId(77);
    let body = CommandBody::ExplainWaiting { call };
    let gone = w.command("sven", config::Role::Supervisor, body);
    assert!(matches!(gone, Err(Refusal::NotFound { .. })), "{gone:?}");
}

#[test]
fn why_asking_changes_nothing() {
    let w = World::new(seed(6));
    let _ann = w.agent("ann").available();
    w.phone("+49301").calls("support");
    w.phone("+49302").calls("support");
    w.run_for(secs(1));
    let before = w.events().len();
    why_waiting(&w, call_of(&w, "+49302"));
    why_nothing(&w, "ann");
    assert_eq!(w.events().len(), before);
    w.expect_journal_gives_the_same_state();
}

#[test]
fn why_an_agent_was_chosen_is_kept_with_the_alert() {
    let w = World::new(seed(7));
    let _bob = w.agent("bob").available();
    w.run_for(secs(10));
    let _ann = w.agent("ann").available();
    let caller = w.phone("+49301");
    caller.calls("sales");
    let [choice] = &choices(&w)[..] else {
        panic!("one alert");
    };
    assert_eq!(choice.cause, Cause::Chosen);
    assert_eq!(choice.strategy, Strategy::LongestIdle);
    assert_eq!(choice.chosen.agent, "bob");
    let runner_up = choice.runner_up.as_ref().unwrap();
    assert_eq!(runner_up.agent, "ann");
    assert!(choice.chosen.idle_since_us < runner_up.idle_since_us);
    assert_eq!((choice.team.free, choice.team.offline), (2, 1));
    w.expect_journal_gives_the_same_state();
}

#[test]
fn why_a_call_was_passed_over_by_who_picked_up_another() {
    let w = World::new(seed(8));
    let ann = w.agent("ann").available();
    ann.takes_a_break("lunch");
    for number in ["+49301", "+49302"] {
        w.phone(number).calls("sales");
        w.run_for(secs(1));
    }
    ann.picks_up(call_of(&w, "+49302"));
    let [choice] = &choices(&w)[..] else {
        panic!("one alert");
    };
    assert_eq!((choice.cause, choice.waiting), (Cause::PickedUp, 1));
    assert_eq!((choice.team.on_break, choice.team.offline), (1, 2));
}

/// The decisions that began these alerts, made once more from the journal.
fn made_again(w: &World, alerts: &[u64]) -> Vec<Decision> {
    let mut recount = Recount::of(alerts.iter().copied());
    for entry in w.journal() {
        recount.apply(&entry).expect("it was just written");
    }
    assert!(recount.is_done());
    recount.decisions(&w.snapshot())
}

/// The numbers of all alerts so far.
fn alerts_begun(w: &World) -> Vec<u64> {
    let alert = |event: &Event| match event {
        Event::AlertStarted { alert, .. } => Some(*alert),
        _ => None,
    };
    let events = w.events().into_iter();
    events.filter_map(|(_, event)| alert(&event)).collect()
}

#[test]
fn why_is_answered_in_full_from_the_journal() {
    let w = World::new(seed(9));
    let bob = w.agent("bob").available();
    w.run_for(secs(10));
    let ann = w.agent("ann").available();
    ann.takes_a_break("lunch");
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    bob.rejects(603);
    w.run_for(secs(1));
    second.calls("sales");
    bob.answers();
    ann.asks(CommandBody::SetAgentState {
        username: "ann".into(),
        state: PresenceWish::Available,
    });
    let alerts = alerts_begun(&w);
    let decisions = made_again(&w, &alerts);
    let told: Vec<_> = decisions.iter().map(|it| it.alert).collect();
    assert_eq!(told, alerts, "each once, in order");
    let reasons = |decision: &Decision| -> Vec<(String, Option<Reason>)> {
        let agents = decision.agents.iter();
        let reason = |it: &Candidate| it.hindrance.as_ref().map(|by| by.reason);
        agents.map(|it| (it.agent.clone(), reason(it))).collect()
    };
    let named = |agent: &str, reason| (String::from(agent), reason);
    let first_choice = [
        named("bob", None),
        named("ann", Some(Reason::OnBreak)),
        named("eva", Some(Reason::Offline)),
    ];
    assert_eq!(reasons(&decisions[0]), first_choice);
    // The second caller comes while the first waits on, whom bob has rejected.
    let passed_over = &decisions[1].calls[0];
    assert_eq!(passed_over.call, call_of(&w, "+49301"));
    let by = passed_over.hindrance.as_ref().unwrap();
    assert_eq!(by.reason, Reason::Rejected);
    // Ann is back and gets the first, while bob talks.
    let last_choice = reasons(&decisions[2]);
    assert_eq!(last_choice[0], named("ann", None));
    assert!(last_choice.contains(&named("bob", Some(Reason::Busy))));
    let claim = decisions[2].agents[0].claim.clone();
    assert_eq!(claim.as_ref(), choices(&w).last().map(|it| &it.chosen));
}

#[test]
fn why_by_other_rules_is_not_guessed() {
    let w = World::new(seed(10));
    let _ann = w.agent("ann").available();
    w.phone("+49301").calls("sales");
    let mut recount = Recount::of(alerts_begun(&w));
    let decided_otherwise = w.journal().into_iter().map(|mut entry| {
        entry.stamp.rules_version += 1;
        entry
    });
    let refused = decided_otherwise
        .map(|entry| recount.apply(&entry))
        .find_map(Result::err);
    assert!(
        matches!(refused, Some(RecountError::OtherRules(_))),
        "{refused:?}"
    );
}

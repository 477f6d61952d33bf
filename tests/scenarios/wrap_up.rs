//! What agents say of calls, and wrap-ups that do not end before (rule 17, MO-6.2, AP-D.1).

use engine::command::{CodeWish, Had};
use engine::event::Activity;
use engine::explain::Reason;
use engine::{CallId, CommandBody, Done, Event, Refusal};
use sim::{Agent, CENTRE, World, secs, seed};

/// Sales requires codes and has no wrap-up of its own, support does not; one category is for sales alone.
const CODES: &str = r#"
[[wrap_up_codes]]
name = "outcome"
codes = ["sold", "not sold", "other"]
queues = ["sales"]

[[wrap_up_codes]]
name = "mood"
codes = ["glad", "cross", "other"]
"#;

fn world(number: u64) -> World {
    let required = "name = \"sales\"\nwrap_up_code = \"required\"\n";
    let centre = CENTRE.replace("name = \"sales\"\n", required) + CODES;
    World::builder(seed(number)).centre(&centre).build()
}

/// The call that was connected last.
fn last_call(w: &World) -> CallId {
    let connected = w
        .events()
        .into_iter()
        .rev()
        .find_map(|(_, event)| match &*event {
            Event::CallConnected { call, .. } => Some(*call),
            _ => None,
        });
    connected.expect("somebody talked")
}

fn wish(code: &str) -> CodeWish {
    let (category, code) = match code.split_once(':') {
        Some((category, code)) => (Some(category.into()), code),
        None => (None, code),
    };
    CodeWish {
        category,
        code: code.into(),
        text: None,
    }
}

/// Says what a call was about; past calls are of sales.
fn says(agent: &Agent, call: CallId, past: bool, code: Option<&str>) -> Result<(), Refusal> {
    let had = Had {
        agent: agent.username().into(),
        queue: Some("sales".into()),
    };
    let body = CommandBody::CodeCall {
        call,
        past: past.then(|| Box::new(had)),
        code: code.map(wish).map(Box::new),
    };
    agent.tries(body).map(drop)
}

/// All that was said, in order.
fn said(w: &World) -> Vec<String> {
    let said = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::CallCoded {
                agent,
                category,
                code,
                ..
            } => {
                let category = category.as_deref().unwrap_or("-");
                Some(format!(
                    "{agent} {category} {}",
                    code.as_deref().unwrap_or("-")
                ))
            }
            _ => None,
        });
    said.collect()
}

fn is_in_wrap_up(w: &World, agent: &str) -> bool {
    w.row(agent).activity == Activity::WrapUp
}

#[test]
fn rule_17_a_wrap_up_ends_with_the_code_that_is_required() {
    let w = world(1);
    let ann = w.agent("ann").available();
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    ann.answers();
    second.calls("support");
    first.hangs_up();
    let call = last_call(&w);
    w.run_for(secs(100));
    assert!(is_in_wrap_up(&w, "ann") && !ann.rings());
    let username = String::from("ann");
    let Done::Nothing(why) = w.supervisor(CommandBody::ExplainAgent { username }) else {
        panic!("there is such an agent");
    };
    let keeps = why.hindrance.expect("a wrap-up");
    assert_eq!((keeps.reason, keeps.call), (Reason::WrapUp, Some(call)));
    let end = CommandBody::EndWrapUp {
        username: "ann".into(),
    };
    let Err(Refusal::Conflict(why)) = ann.tries(end) else {
        panic!("it lacks a code");
    };
    assert!(
        why.contains(&call.to_string()) && why.contains("sales") && why.contains("wrap-up"),
        "{why}"
    );
    says(&ann, call, true, Some("sold")).unwrap();
    assert!(ann.rings() && !is_in_wrap_up(&w, "ann"));
    assert_eq!(said(&w), ["ann outcome sold"]);
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_17_a_code_during_the_call_is_as_good_and_optional_ones_are_no_condition() {
    let w = world(2);
    let ann = w.agent("ann").available();
    let caller = w.phone("+49301");
    caller.calls("sales");
    ann.answers();
    let call = last_call(&w);
    says(&ann, call, false, Some("not sold")).unwrap();
    let shown = w.view().calls[&call].coded.clone().expect("readers see it");
    assert_eq!(
        (&*shown.category, &*shown.code, &*shown.agent),
        ("outcome", "not sold", "ann")
    );
    caller.hangs_up();
    assert!(!is_in_wrap_up(&w, "ann"));
    caller.calls("support");
    ann.answers();
    caller.hangs_up();
    assert!(!is_in_wrap_up(&w, "ann"));
    w.expect_quiet();
}

#[test]
fn mo_6_3_only_codes_for_the_calls_queue_are_taken() {
    let w = world(3);
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    for (queue, code, fault) in [
        ("sales", "sold", None),
        ("sales", "outcome:other", None),
        (
            "sales",
            "other",
            Some(("category", "there are: mood, outcome")),
        ),
        (
            "sales",
            "mood:sold",
            Some(("code", "there are: glad, cross, other")),
        ),
        (
            "sales",
            "weather:fair",
            Some(("category", "there are: mood, outcome")),
        ),
        ("support", "other", None),
        (
            "support",
            "sold",
            Some(("code", "there are: glad, cross, other")),
        ),
        (
            "support",
            "outcome:sold",
            Some(("category", "there are: mood")),
        ),
    ] {
        caller.calls(queue);
        ann.answers();
        let call = last_call(&w);
        match (says(&ann, call, false, Some(code)), fault) {
            (Ok(()), None) => {}
            (Err(Refusal::Invalid { field, message }), Some((wrong, known))) => {
                assert_eq!(field, wrong, "{queue} {code}");
                assert!(message.ends_with(known), "{queue} {code}: {message}");
                says(&ann, call, false, Some("glad")).unwrap();
            }
            other => panic!("{queue} {code}: {other:?}"),
        }
        caller.hangs_up();
        w.run_for(secs(1));
    }
    w.expect_quiet();
}

#[test]
fn rule_17_what_was_said_is_replaced_or_taken_back_where_none_is_required() {
    let w = world(4);
    let (ann, bob, caller) = (
        w.agent("ann").available(),
        w.agent("bob"),
        w.phone("+49301"),
    );
    caller.calls("support");
    ann.answers();
    let call = last_call(&w);
    says(&ann, call, false, Some("glad")).unwrap();
    says(&ann, call, false, Some("cross")).unwrap();
    says(&ann, call, false, None).unwrap();
    assert_eq!(said(&w), ["ann mood glad", "ann mood cross", "ann - -"]);
    assert_eq!(w.view().calls[&call].coded, None);
    assert!(matches!(
        says(&bob, call, false, Some("glad")),
        Err(Refusal::Forbidden(_))
    ));
    caller.hangs_up();
    assert!(matches!(
        says(&ann, call, false, Some("glad")),
        Err(Refusal::NotFound { .. })
    ));
    caller.calls("sales");
    ann.answers();
    let call = last_call(&w);
    says(&ann, call, false, Some("sold")).unwrap();
    caller.hangs_up();
    let Err(Refusal::Invalid { field: "code", .. }) = says(&ann, call, true, None) else {
        panic!("one is required");
    };
    says(&ann, call, true, Some("not sold")).unwrap();
    w.expect_quiet();
}

#[test]
fn rule_17_a_supervisor_ends_a_wrap_up_without_its_code() {
    let w = world(5);
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    caller.hangs_up();
    assert!(is_in_wrap_up(&w, "ann"));
    w.supervisor(CommandBody::EndWrapUp {
        username: "ann".into(),
    });
    assert!(!is_in_wrap_up(&w, "ann"));
    w.expect_quiet();
}

#[test]
fn rule_17_a_code_that_is_owed_is_owed_after_a_restart_and_one_that_is_not_required_any_more_is_not()
 {
    let w = world(6);
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    caller.hangs_up();
    let call = last_call(&w);
    w.crash_and_restart();
    assert!(is_in_wrap_up(&w, "ann"));
    says(&ann, call, true, Some("sold")).unwrap();
    assert!(!is_in_wrap_up(&w, "ann"));
    caller.calls("sales");
    ann.answers();
    caller.hangs_up();
    assert!(is_in_wrap_up(&w, "ann"));
    w.applies(CENTRE).unwrap();
    assert!(!is_in_wrap_up(&w, "ann"));
    w.expect_quiet();
}

#[test]
fn rule_17_who_sent_a_call_on_codes_what_they_had_while_another_talks_and_each_for_their_own_queue()
{
    let w = world(7);
    let (ann, bob) = (w.agent("ann").available(), w.agent("bob").available());
    let caller = w.phone("+49301");
    caller.calls("sales");
    ann.answers();
    let call = last_call(&w);
    ann.transfers(call, "1002");
    assert!(is_in_wrap_up(&w, "ann"), "she owes a code of sales");
    assert!(
        matches!(
            says(&bob, call, false, Some("glad")),
            Err(Refusal::Forbidden(_))
        ),
        "nobody but ann has had it yet"
    );
    bob.answers();
    says(&ann, call, false, Some("not sold")).unwrap();
    assert!(!is_in_wrap_up(&w, "ann"));
    // A direct call is of no queue.
    says(&bob, call, false, Some("glad")).unwrap();
    assert_eq!(said(&w), ["ann outcome not sold", "bob mood glad"]);
    caller.hangs_up();
    w.expect_quiet();
}

//! Why agents take breaks (rule 16, MO-6.1, MO-7D.3).

use engine::command::PresenceWish;
use engine::event::Presence;
use engine::{CommandBody, Refusal};
use sim::{Agent, CENTRE, World, secs, seed};

fn asks_for(agent: &Agent, reason: &str) -> Result<(), String> {
    let wish = CommandBody::SetAgentState {
        username: agent.username().into(),
        state: PresenceWish::Break {
            reason: reason.into(),
        },
    };
    match agent.tries(wish) {
        Ok(_) => Ok(()),
        Err(Refusal::Invalid {
            field: "reason",
            message,
        }) => Err(message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_break_for_an_unknown_reason_is_refused_naming_the_known() {
    let w = World::new(seed(1));
    let ann = w.agent("ann").available();
    let refusal = asks_for(&ann, "errand").unwrap_err();
    assert_eq!(
        refusal,
        "there is no aux code \"errand\"; those there are: lunch, meeting, paperwork, short-break, training"
    );
    assert_eq!(w.row("ann").presence, Presence::Available);
    assert!(asks_for(&ann, "no-answer").is_err(), "nobody chooses that");
    asks_for(&ann, "meeting").unwrap();
    assert_eq!(w.break_reason("ann").as_deref(), Some("meeting"));
    asks_for(&ann, "").unwrap();
    assert_eq!(
        w.break_reason("ann").as_deref(),
        Some(""),
        "where none is owed"
    );
    w.expect_quiet();
}

#[test]
fn a_reason_of_the_centre_holds_at_once_and_whoever_is_on_it_stays() {
    let w = World::new(seed(2));
    let (ann, bob) = (w.agent("ann").available(), w.agent("bob").available());
    let caller = w.phone("+49301");
    w.applies(&format!("{CENTRE}\n[[aux_codes]]\nname = \"errand\"\n"))
        .unwrap();
    asks_for(&ann, "errand").unwrap();
    caller.calls("sales");
    bob.answers();
    asks_for(&bob, "errand").unwrap();
    w.applies(CENTRE).unwrap();
    assert_eq!(w.break_reason("ann").as_deref(), Some("errand"));
    caller.hangs_up();
    w.run_for(secs(1));
    assert_eq!(
        w.break_reason("bob").as_deref(),
        Some("errand"),
        "what was asked for in time"
    );
    ann.is_available();
    assert!(asks_for(&ann, "errand").is_err());
    w.expect_quiet();
}

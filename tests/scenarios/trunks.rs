//! What is counted of each trunk: calls both ways, answers, failures by code, times of response, what is sent again.

use engine::TrunkFigures;
use sim::{CENTRE, Manner, World, millis, secs, seed};

fn figures(w: &World, trunk: &str) -> TrunkFigures {
    w.trunk_figures().remove(trunk).unwrap()
}

#[test]
fn calls_that_come_in_are_counted_with_how_they_ended() {
    let choosy = CENTRE.replace("default = true\n", "");
    let w = World::builder(seed(1)).centre(&choosy).build();
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    first.calls("sales");
    ann.answers();
    second.calls("9999999");
    w.run_for(secs(1));
    let counted = figures(&w, "carrier");
    assert_eq!(
        (counted.calls_in, counted.answered_in, counted.legs),
        (2, 1, 1),
        "{counted:?}"
    );
    assert_eq!(
        counted.refused_in.into_iter().collect::<Vec<_>>(),
        [(404, 1)]
    );
    first.hangs_up();
    w.run_for(secs(1));
    assert_eq!(figures(&w, "carrier").legs, 0);
    w.expect_quiet();
}

#[test]
fn calls_that_leave_are_counted_by_answer_and_by_code_with_their_times() {
    let w = World::new(seed(2));
    let (ann, outside) = (w.extension("ann"), w.phone("+4930777"));
    ann.registers();
    outside.will(Manner::RingsAfter(millis(300)));
    ann.calls("+4930777");
    w.run_for(secs(2));
    outside.answers();
    w.run_for(secs(1));
    ann.hangs_up();
    outside.will(Manner::Refuses(486));
    ann.calls("+4930777");
    w.run_for(secs(1));
    outside.will(Manner::IsSilent);
    ann.calls("+4930777");
    w.run_for(secs(60));
    let counted = figures(&w, "carrier");
    let calls = (
        counted.calls_out,
        counted.answered_out,
        counted.calls_in,
        counted.timed_out,
    );
    assert_eq!(calls, (3, 1, 0, 1), "{counted:?}");
    assert_eq!(
        counted.failed_out.into_iter().collect::<Vec<_>>(),
        [(486, 1)]
    );
    assert_eq!(
        counted.response.percentile_ms(99),
        Some(500),
        "the slower of two"
    );
    assert_eq!(counted.answer.percentile_ms(50), Some(5_000));
    // The INVITE that nobody answered, seven times in all (RFC 3261 §17.1.1.2).
    assert_eq!(counted.retransmitted, 6);
    assert_eq!(figures(&w, "pbx"), TrunkFigures::default());
    w.expect_quiet();
}

#[test]
fn what_is_refused_for_want_of_lines_is_counted_and_figures_go_with_their_trunk() {
    let full = CENTRE.replace(
        "name = \"carrier\"\n",
        "name = \"carrier\"\nmax_calls = 1\n",
    );
    let w = World::builder(seed(3)).centre(&full).build();
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    first.calls("sales");
    ann.answers();
    second.calls("sales");
    w.run_for(secs(1));
    let counted = figures(&w, "carrier");
    assert_eq!((counted.calls_in, counted.legs), (1, 1), "{counted:?}");
    assert_eq!(
        counted.refused_in.into_iter().collect::<Vec<_>>(),
        [(503, 1)]
    );
    first.hangs_up();
    w.changes(|centre| {
        centre.remove::<config::Trunk>("pbx");
    });
    assert!(!w.trunk_figures().contains_key("pbx"));
}

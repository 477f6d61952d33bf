//! In which order callers are served: by who they are, what they dialled and where they wait (rules 1 and 2).

use sim::{CENTRE, World, secs, seed};

use crate::told::{call_of, connections};

/// Callers from one town are dear to us, one of them dearer, and another town calls too often.
const LISTS: &str = r#"
[[number_lists]]
name = "vip"
numbers = ["+4930*"]
priority = 2

[[number_lists]]
name = "board"
numbers = ["+4930999"]
tier = "urgent"

[[number_lists]]
name = "nuisance"
numbers = ["+4940*"]
tier = "low"

[[numbers]]
number = "+4989500"
to = "queue:sales"
priority = 1

[[numbers]]
number = "+4989501"
to = "queue:sales"
tier = "urgent"
"#;

fn world(number: u64) -> World {
    World::builder(seed(number))
        .centre(&format!("{CENTRE}{LISTS}"))
        .build()
}

/// Has each of them call, a second after the other, and says in which order one agent serves them all.
fn served(w: &World, calls: &[(&str, &str)]) -> Vec<String> {
    let callers: Vec<_> = calls.iter().map(|(number, _)| w.phone(number)).collect();
    for (caller, (_, dialled)) in callers.iter().zip(calls) {
        caller.calls(dialled);
        w.run_for(secs(1));
    }
    let ann = w.agent("ann").available();
    for _ in calls {
        ann.answers();
        ann.hangs_up();
        w.run_for(secs(1));
    }
    let served = connections(w).into_iter().map(|(caller, _)| caller);
    served.collect()
}

#[test]
fn rule_2_a_vip_overtakes_who_came_less_than_their_points_before() {
    let w = world(1);
    let (early, late) = (w.phone("+4989001"), w.phone("+4989002"));
    early.calls("sales");
    w.run_for(secs(15));
    late.calls("sales");
    w.run_for(secs(10));
    let vip = w.phone("+4930001");
    vip.calls("sales");
    assert_eq!(
        w.waiting("sales"),
        ["+4989001", "+4930001", "+4989002"],
        "two points are worth twenty seconds, not twenty-five"
    );
    let ann = w.agent("ann").available();
    ann.answers();
    assert!(early.talks_to(&ann));
    early.hangs_up();
    w.run_for(secs(1));
    ann.answers();
    assert!(vip.talks_to(&ann), "before who has waited for ten seconds");
    vip.hangs_up();
    late.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_the_points_of_queue_caller_and_dialled_number_add_up() {
    let w = world(2);
    let both = w.phone("+4930001");
    both.calls("+4989500");
    let priority = |w: &World| {
        w.view()
            .calls
            .values()
            .find_map(|row| row.queued.as_ref().map(|it| it.priority))
    };
    assert_eq!(
        priority(&w),
        Some(3),
        "two for who calls, one for what they dialled"
    );
    let queue =
        format!("{CENTRE}{LISTS}").replace("number = \"2000\"", "number = \"2000\"\npriority = 4");
    w.applies(&queue).unwrap();
    assert_eq!(priority(&w), Some(7));
    both.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_1_a_list_gives_its_callers_a_class_and_the_longest_match_is_the_list() {
    let w = world(3);
    let calls = [
        ("+4940001", "2000"),
        ("+4989001", "2000"),
        ("+4930001", "2000"),
        ("+4930999", "2000"),
        ("+4940002", "+4989501"),
    ];
    let expected = ["+4930999", "+4940002", "+4930001", "+4989001", "+4940001"];
    assert_eq!(
        served(&w, &calls),
        expected,
        "urgent of the number prevails over low of the list"
    );
    w.expect_quiet();
}

#[test]
fn rule_1_a_list_that_changes_ranks_those_who_call_from_then_on() {
    let w = world(4);
    let (first, nuisance) = (w.phone("+4940001"), w.phone("+4940002"));
    first.calls("sales");
    w.run_for(secs(1));
    w.applies(&format!("{CENTRE}{LISTS}").replace("tier = \"low\"", "tier = \"normal\""))
        .unwrap();
    nuisance.calls("sales");
    assert_eq!(w.waiting("sales"), ["+4940002", "+4940001"]);
    first.hangs_up();
    nuisance.hangs_up();
    w.expect_quiet();
}

/// Where in sales a caller is who has just called: points, and who comes before them.
fn rank_of(w: &World, number: &str) -> (i32, Vec<String>) {
    let priority = w.view().calls.values().find_map(|row| {
        let queued = row.queued.as_ref()?;
        (row.caller.number == number).then_some(queued.priority)
    });
    let before = w.waiting("sales").into_iter().take_while(|it| it != number);
    (priority.expect("they wait"), before.collect())
}

#[test]
fn rule_2_a_vip_of_the_directory_overtakes_who_came_less_than_their_points_before() {
    let w = World::new(seed(8));
    w.marks_vips(7, &["06-12345678"]);
    let (early, late) = (w.phone("+4989001"), w.phone("+4989002"));
    early.calls("sales");
    w.run_for(secs(30));
    late.calls("sales");
    w.run_for(secs(80));
    let vip = w.phone("+31612345678");
    vip.calls("sales");
    assert_eq!(
        rank_of(&w, "+31612345678"),
        (10, vec!["+4989001".to_owned()]),
        "ten points are worth a hundred seconds, not a hundred and ten"
    );
    let ann = w.agent("ann").available();
    ann.answers();
    assert!(early.talks_to(&ann));
    early.hangs_up();
    w.run_for(secs(1));
    ann.answers();
    assert!(
        vip.talks_to(&ann),
        "before who has waited for eighty seconds"
    );
    vip.hangs_up();
    late.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_the_mark_counts_once_and_beside_list_number_and_queue() {
    let centre =
        format!("{CENTRE}{LISTS}").replace("number = \"2000\"", "number = \"2000\"\npriority = 4");
    let w = World::builder(seed(9))
        .centre(&centre)
        .settings("[centre]\nvip_priority = 100\n")
        .build();
    w.marks_vips(1, &["004930001", "+4930001"]);
    w.marks_vips(2, &["+4930001"]);
    let vip = w.phone("+4930001");
    vip.calls("+4989500");
    assert_eq!(
        rank_of(&w, "+4930001").0,
        100 + 4 + 2 + 1,
        "as a VIP, of the queue, of the list, of the dialled number"
    );
    vip.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_the_mark_holds_for_who_calls_from_then_on_and_over_a_restart() {
    let w = World::new(seed(10));
    let points_of_a_new_call = || {
        let caller = w.phone("+31612345678");
        caller.calls("sales");
        let points = rank_of(&w, "+31612345678").0;
        caller.hangs_up();
        w.run_for(secs(1));
        points
    };
    assert_eq!(points_of_a_new_call(), 0);
    w.marks_vips(1, &["0612345678"]);
    assert_eq!(points_of_a_new_call(), 10);
    w.crash_and_restart();
    assert_eq!(points_of_a_new_call(), 10, "the store kept it");
    w.marks_vips(1, &["0612345679"]);
    assert_eq!(points_of_a_new_call(), 0, "it has another number now");
    w.marks_vips(1, &["0612345678"]);
    let waiting = w.phone("+31612345678");
    waiting.calls("sales");
    w.marks_vips(1, &[]);
    assert_eq!(
        rank_of(&w, "+31612345678").0,
        10,
        "who waits keeps the points they came with"
    );
    waiting.hangs_up();
    assert_eq!(points_of_a_new_call(), 0);
    w.expect_quiet();
}

#[test]
fn rule_2_who_withholds_their_number_is_no_vip() {
    let w = World::new(seed(11));
    w.marks_vips(1, &["anonymous", "+31612345678"]);
    let hidden = w.phone("anonymous");
    hidden.calls("sales");
    assert_eq!(rank_of(&w, "").0, 0);
    hidden.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_a_vip_is_before_others_who_wait_for_one_user_too() {
    let patient = "extension = \"1002\"\npersonal = { max_wait = 0 }";
    let centre = CENTRE.replace("extension = \"1002\"", patient);
    let w = World::builder(seed(12)).centre(&centre).build();
    w.marks_vips(1, &["+31612345678"]);
    let bob = w.agent("bob").available();
    let calls = ["+4989001", "+4989002", "+31612345678"].map(|number| w.phone(number));
    let [first, second, vip] = &calls;
    first.calls("1002");
    bob.answers();
    second.calls("1002");
    w.run_for(secs(20));
    vip.calls("1002");
    first.hangs_up();
    w.run_for(secs(1));
    bob.answers();
    assert!(vip.talks_to(&bob), "though the other has waited for longer");
    second.hangs_up();
    vip.hangs_up();
    w.expect_quiet();
}

const STICKY: &str = "name = \"sales\"\nsticky = { days = 7, hold = 20 }\n";

/// Both serve sales, and ann, who has waited for longer, has served the caller.
fn served_by_ann(number: u64) -> World {
    let centre = CENTRE.replace("name = \"sales\"\n", STICKY);
    let w = World::builder(seed(number)).centre(&centre).build();
    let ann = w.agent("ann").available();
    let caller = w.phone("+49301");
    caller.calls("sales");
    ann.answers();
    caller.hangs_up();
    w
}

#[test]
fn rule_9_a_caller_gets_who_served_them_before_also_after_a_restart() {
    let w = served_by_ann(91);
    let (ann, bob) = (w.agent("ann"), w.agent("bob").available());
    let (caller, other) = (w.phone("+49301"), w.phone("+49302"));
    let stranger = w.phone("+49303");
    stranger.calls("sales");
    ann.answers();
    stranger.hangs_up();
    w.crash_and_restart();
    w.run_for(secs(1));
    caller.calls("sales");
    assert!(ann.rings(), "though bob has been idle for longer");
    caller.hangs_up();
    other.calls("sales");
    assert!(bob.rings());
    other.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_9_while_that_agent_talks_the_caller_is_held_for_them() {
    let w = served_by_ann(92);
    let ann = w.agent("ann");
    let (caller, other) = (w.phone("+49301"), w.phone("+49302"));
    other.calls("sales");
    ann.answers();
    let bob = w.agent("bob").available();
    caller.calls("sales");
    {
        let view = w.view();
        let queued = view.calls[&call_of(&w, "+49301")].queued.clone().unwrap();
        assert_eq!(queued.held_for.as_deref(), Some("ann"));
        assert_eq!(queued.reserved_by, None, "she did not ask for it");
    }
    w.run_for(secs(19));
    assert!(bob.is_idle());
    w.run_for(secs(1));
    assert!(bob.rings(), "for so long, and no longer");
    other.hangs_up();
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_9_it_is_forgotten_after_so_many_days() {
    for (days, rings) in [(6, "ann"), (8, "bob")] {
        let w = served_by_ann(93);
        let (bob, caller) = (w.agent("bob").available(), w.phone("+49301"));
        let other = w.phone("+49302");
        other.calls("sales");
        w.agent("ann").answers();
        other.hangs_up();
        w.is_down_for(secs(days * 86_400));
        w.agent("ann").registers();
        bob.registers();
        caller.calls("sales");
        assert!(w.agent(rings).rings(), "after {days} days");
        caller.hangs_up();
        w.expect_quiet();
    }
}

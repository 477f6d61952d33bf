//! A caller waits, is served in order, or gives up.

use expect_test::expect_file;
use sim::{World, secs, seed};

#[test]
fn rule_1_a_caller_is_answered_by_the_attendant_who_is_free() {
    let w = World::new(seed(7));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+4930123"));
    caller.calls("sales");
    w.run_for(secs(2));
    ann.answers();
    assert!(caller.talks_to(&ann));
    w.run_for(secs(10));
    caller.hangs_up();
    w.expect_trace(expect_file!["../traces/queue_answered.trace"]);
    w.expect_quiet();
}

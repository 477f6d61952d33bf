//! The rules of distribution with real phones: who overtakes, who is not rung again, what agents choose themselves.

use std::time::{Duration, Instant};

use e2e::centre::{attendant, queue, supervisor, trunk};
use e2e::{Api, Baresip, Daemon, FarEnd, Place, Scenario, Sipp, eventually, never};
use serde_json::{Value, json};

use crate::common::{
    ATTENDANT_HZ, CALLER_HZ, SOON, alerts, assert_music, await_reachable, call_of, history,
};

/// Alice at phone 1001, Bob at 1002, and a supervisor.
struct Reception {
    daemon: Daemon,
    place: Place,
    alice: Desk,
    bob: Desk,
    sue: Api,
}

struct Desk {
    api: Api,
    phone: Baresip,
}

impl Reception {
    /// Of a queue with these fields, and with more in its centre. Alice is at work first, so she is idle for longer.
    fn open(fields: &str, more: &str) -> Self {
        let place = Place::take();
        let centre = trunk("carrier", place.carrier(), &[])
            + &queue("support", "2000", fields)
            + &supervisor("sue")
            + &attendant("alice", "1001", "support")
            + &attendant("bob", "1002", "support")
            + more;
        let daemon = Daemon::start(&place, &centre);
        let desk = |username: &str, extension: &str| {
            let phone = Baresip::start(&place, extension, ATTENDANT_HZ);
            let api = daemon.login(username);
            await_reachable(&api, username);
            Desk { api, phone }
        };
        let (alice, bob) = (desk("alice", "1001"), desk("bob", "1002"));
        let sue = daemon.login("sue");
        Self {
            daemon,
            place,
            alice,
            bob,
            sue,
        }
    }

    fn ear(&self) -> FarEnd {
        FarEnd::start(self.place.carrier(), CALLER_HZ)
    }

    /// A caller who stays until the other side hangs up.
    fn caller(&self, number: &str, ear: &FarEnd) -> Sipp {
        let call = Scenario::caller(&self.place, "caller_stays", "2000", number);
        let call = call.media(ear.address).pause(SOON * 12).start(&self.place);
        call.wait_for_answer();
        call
    }

    fn waiting(&self, number: &str) -> Value {
        eventually("the caller waits", SOON, || {
            let waiting = self.sue.list("/waiting");
            waiting.into_iter().find(|call| call["caller"] == number)
        })
    }
}

impl Desk {
    fn takes_a_break(&self) {
        let wish = json!({"state": "break", "reason": "lunch"});
        self.api.act("PUT", "/agents/me/state", &wish);
    }

    fn is_available(&self) {
        let wish = json!({"state": "available"});
        self.api.act("PUT", "/agents/me/state", &wish);
    }

    fn asks(&self, call: &Value, what: &str) -> (u16, String) {
        let id = call["id"].as_str().unwrap();
        let path = format!("/api/v1/waiting/{id}/{what}");
        let answer = self.api.request("POST", &path, None);
        (answer.status, answer.text)
    }

    fn answers(&mut self, nth: usize) {
        self.phone.wait_for_ring(nth, SOON);
        self.phone.answer();
        self.phone.wait_for("CALL_ESTABLISHED", nth, SOON);
    }
}

/// Shown by 3: VIP overtakes.
#[test]
fn e2e_a_caller_on_a_list_overtakes_those_who_came_before() {
    let list = "[[number_lists]]\nname = \"vip\"\nnumbers = [\"+4999*\"]\npriority = 50\n";
    let mut at = Reception::open("", list);
    at.bob.takes_a_break();
    let ear = at.ear();
    let mut calls: Vec<Sipp> = ["+491", "+492", "+49991"]
        .iter()
        .map(|number| at.caller(number, &ear))
        .collect();
    let mut rang = Vec::new();
    for turn in 1..=calls.len() {
        rang.push(at.alice.phone.wait_for_ring(turn, SOON).1);
        at.alice.answers(turn);
        at.alice.phone.hang_up();
        at.alice.phone.wait_for("CALL_CLOSED", turn, SOON);
    }
    assert_eq!(rang, ["+491", "+49991", "+492"]);
    for call in &mut calls {
        call.succeeds(SOON);
    }
}

/// Rule 2: the mark of a directory entry, set over the API by who may.
#[test]
fn e2e_a_vip_of_the_directory_overtakes_those_who_came_before() {
    let mut at = Reception::open("", "");
    at.bob.takes_a_break();
    let wish = json!({"last_name": "Vip", "mobile": "06-12345678", "vip": true});
    let refused = at
        .alice
        .api
        .request("POST", "/api/v1/contacts", Some(&wish));
    assert_eq!(refused.status, 403, "{refused:?}");
    let entry = at.sue.act("POST", "/contacts", &wish);
    let ear = at.ear();
    let mut calls: Vec<Sipp> = ["+491", "+492", "0031612345678"]
        .iter()
        .map(|number| at.caller(number, &ear))
        .collect();
    let vip = at.waiting("0031612345678");
    assert_eq!((&vip["vip"], &vip["priority"]), (&json!(true), &json!(10)));
    let mut rang = Vec::new();
    for turn in 1..=calls.len() {
        rang.push(at.alice.phone.wait_for_ring(turn, SOON).1);
        at.alice.answers(turn);
        at.alice.phone.hang_up();
        at.alice.phone.wait_for("CALL_CLOSED", turn, SOON);
    }
    assert_eq!(rang, ["+491", "0031612345678", "+492"]);
    for call in &mut calls {
        call.succeeds(SOON);
    }
    let path = format!("/contacts/{}", entry["id"].as_str().unwrap());
    at.sue.act("DELETE", &path, &Value::Null);
    assert_eq!(at.sue.list("/contacts").len(), 0);
}

/// Shown by 3: everyone on break.
#[test]
fn e2e_callers_do_not_wait_for_nobody() {
    let fields = "nobody_after = 2\nwhen_nobody = \"announcement:sorry\"";
    let at = Reception::open(fields, "");
    at.alice.takes_a_break();
    at.bob.takes_a_break();
    let (ear, began) = (at.ear(), Instant::now());
    let mut call = at.caller("+491", &ear);
    call.succeeds(Duration::from_secs(20));
    assert!(began.elapsed() > Duration::from_secs(2));
    let record = history(&at.sue, 1).remove(0);
    assert!(alerts(&at.sue, &record).is_empty(), "{record:#}");
    assert_eq!((at.alice.phone.rings(), at.bob.phone.rings()), (0, 0));
    assert!(at.daemon.metric("calls_shed_total") < 1.0);
}

/// Shown by 3: the sleeper.
#[test]
fn e2e_a_phone_that_was_let_ring_is_not_the_next_to_ring() {
    let fields = "ring_timeout = 1\nretry_after = 0\nmax_no_answer = 0";
    let mut at = Reception::open(fields, "");
    let ear = at.ear();
    let mut call = at.caller("+491", &ear);
    for turn in 1..=2 {
        at.alice.phone.wait_for_ring(turn, SOON);
        at.bob.phone.wait_for_ring(turn, SOON);
    }
    at.alice.phone.wait_for_ring(3, SOON);
    at.alice.phone.answer();
    at.alice.phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    at.alice.phone.hang_up();
    call.succeeds(SOON);
    let record = history(&at.sue, 1).remove(0);
    let rung: Vec<String> = alerts(&at.sue, &record)
        .into_iter()
        .map(|(agent, _)| agent)
        .collect();
    assert_eq!(rung, ["alice", "bob", "alice", "bob", "alice"]);
}

/// Shown by 3: rejected.
#[test]
fn e2e_who_rejected_a_caller_is_not_rung_again_and_can_pick_them_up() {
    let mut at = Reception::open("", "");
    at.bob.takes_a_break();
    let ear = at.ear();
    let mut call = at.caller("+491", &ear);
    at.alice.phone.wait_for_ring(1, SOON);
    at.alice.phone.hang_up();
    at.alice.phone.wait_for("CALL_CLOSED", 1, SOON);
    never("it rings again", Duration::from_secs(2), || {
        at.alice.phone.rings() > 1
    });
    let mine = at.alice.api.list("/waiting").remove(0);
    assert_eq!(mine["rejected_by_me"], true, "{mine:#}");
    assert_eq!(at.alice.asks(&mine, "pick-up").0, 204);
    at.alice.phone.wait_for_ring(2, SOON);
    at.alice.phone.answer();
    at.alice.phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    at.alice.phone.hang_up();
    call.succeeds(SOON);
    let record = history(&at.sue, 1).remove(0);
    let expected = ["rejected", "accepted"].map(|end| ("alice".to_owned(), end.to_owned()));
    assert_eq!(alerts(&at.sue, &record), expected);
}

/// Shown by 3: reserve while talking; rule 13: whom one talks to is on hold when one picks up another.
#[test]
fn e2e_who_talks_reserves_a_caller_and_picks_them_up_with_the_first_on_hold() {
    let mut at = Reception::open("", "");
    at.bob.takes_a_break();
    let (first_ear, second_ear) = (at.ear(), at.ear());
    let mut first = at.caller("+491", &first_ear);
    at.alice.answers(1);
    let mut second = at.caller("+492", &second_ear);
    let waiting = at.waiting("+492");
    assert_eq!(at.alice.asks(&waiting, "reserve").0, 204);
    assert_eq!(at.waiting("+492")["reserved_by"], "alice");
    at.bob.is_available();
    never("bob is rung for her", Duration::from_secs(1), || {
        at.bob.phone.rings() > 0
    });
    let (status, why) = at.bob.asks(&waiting, "pick-up");
    assert!(status == 409 && why.contains("alice"), "{status} {why}");

    let held_since = Instant::now();
    assert_eq!(at.alice.asks(&waiting, "pick-up").0, 204);
    at.alice.answers(2);
    std::thread::sleep(Duration::from_millis(2_500));
    assert_music(&first_ear.heard(held_since + Duration::from_millis(300), Instant::now()));
    let heard = second_ear.heard_lately(Duration::from_secs(1));
    assert!(
        heard.share_of(ATTENDANT_HZ) > 0.9,
        "the second talks to her"
    );
    let calls = at.sue.list("/calls");
    let state = |number: &str| call_of(&calls, number)["state"].clone();
    assert_eq!(
        (state("+491"), state("+492")),
        (json!("held"), json!("connected"))
    );
    for call in calls {
        let id = call["id"].as_str().unwrap();
        at.sue
            .act("POST", &format!("/calls/{id}/hang-up"), &Value::Null);
    }
    first.succeeds(SOON);
    second.succeeds(SOON);
    let record = history(&at.sue, 2);
    for number in ["+491", "+492"] {
        assert_eq!(call_of(&record, number)["agent"], "alice", "{record:#?}");
    }
}

/// CT-4.14 over the API, with a phone that knows nothing of it.
#[test]
fn e2e_a_conversation_is_put_on_hold_and_taken_up_again_over_the_api() {
    let mut at = Reception::open("", "");
    at.bob.takes_a_break();
    let ear = at.ear();
    let mut call = at.caller("+491", &ear);
    at.alice.answers(1);
    let id = at.sue.list("/calls")[0]["id"].as_str().unwrap().to_owned();
    let path = |what: &str| format!("/calls/{id}/{what}");
    let held_since = Instant::now();
    at.alice.api.act("POST", &path("hold"), &Value::Null);
    std::thread::sleep(Duration::from_millis(2_500));
    assert_music(&ear.heard(held_since + Duration::from_millis(300), Instant::now()));
    let again = at
        .alice
        .api
        .request("POST", &format!("/api/v1{}", path("hold")), None);
    assert_eq!(again.status, 409, "{again:?}");
    at.alice.api.act("POST", &path("resume"), &Value::Null);
    std::thread::sleep(Duration::from_millis(1_500));
    let heard = ear.heard_lately(Duration::from_secs(1));
    assert!(heard.share_of(ATTENDANT_HZ) > 0.9, "they talk again");
    at.alice.phone.hang_up();
    call.succeeds(SOON);
}

/// CT-4.8 and rule 4: a transfer that nobody answers is back with who sent it, before anybody else.
#[test]
fn e2e_a_transfer_that_nobody_answers_comes_back_to_its_sender() {
    let mut at = Reception::open("recall_after = 5\nrecall_hold = 20\n", "");
    let ear = at.ear();
    let mut call = at.caller("+491", &ear);
    at.alice.answers(1);
    let id = at.sue.list("/calls")[0]["id"].as_str().unwrap().to_owned();
    let to_bob = json!({"to": "1002"});
    let transfer = format!("/calls/{id}/transfer");
    at.alice.api.act("POST", &transfer, &to_bob);
    at.alice.phone.wait_for("CALL_CLOSED", 1, SOON);
    let (rang, from) = at.bob.phone.wait_for_ring(1, SOON);
    assert_eq!(from, "+491");
    let (back, from) = at.alice.phone.wait_for_ring(2, SOON);
    assert_eq!(from, "+491");
    let after = back - rang;
    assert!(
        (4.0..7.0).contains(&after.as_secs_f64()),
        "it came back after {after:?}"
    );
    at.bob.phone.wait_for("CALL_CLOSED", 1, SOON);
    let waiting = at.waiting("+491");
    let seconds = |clock: &str| waiting[clock].as_f64().unwrap();
    assert_eq!(waiting["recall_from"], "alice", "{waiting:#}");
    assert!(
        seconds("waiting_seconds") + 3.0 < seconds("total_seconds"),
        "both clocks (CT-3.4): {waiting:#}"
    );
    at.alice.phone.answer();
    at.alice.phone.wait_for("CALL_ESTABLISHED", 2, SOON);
    std::thread::sleep(Duration::from_millis(1_500));
    let heard = ear.heard_lately(Duration::from_secs(1));
    assert!(heard.share_of(ATTENDANT_HZ) > 0.9, "they talk again");
    at.alice.phone.hang_up();
    call.succeeds(SOON);
    let record = history(&at.sue, 1).remove(0);
    assert_eq!(record["agent"], "alice", "{record:#}");
}

/// CW-10.1 and CT-5.1: parked over the API, taken from another phone by the code.
#[test]
fn e2e_a_parked_call_hears_music_and_is_taken_by_a_code() {
    let mut at = Reception::open("", "[feature_codes]\npark = \"*7\"\n");
    let ear = at.ear();
    let mut call = at.caller("+491", &ear);
    at.alice.answers(1);
    let id = at.sue.list("/calls")[0]["id"].as_str().unwrap().to_owned();
    let parked_since = Instant::now();
    let slot = at
        .alice
        .api
        .act("POST", &format!("/calls/{id}/park"), &json!({}));
    assert_eq!(slot, json!({"slot": 1}));
    at.alice.phone.wait_for("CALL_CLOSED", 1, SOON);
    let parked = at.bob.api.list("/parked");
    assert_eq!(
        (&parked[0]["slot"], &parked[0]["caller"], &parked[0]["by"]),
        (&json!(1), &json!("+491"), &json!("alice")),
        "{parked:#?}"
    );
    std::thread::sleep(Duration::from_millis(2_500));
    assert_music(&ear.heard(parked_since + Duration::from_millis(300), Instant::now()));
    at.bob.phone.dial("*71");
    at.bob.phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    std::thread::sleep(Duration::from_millis(1_500));
    let heard = ear.heard_lately(Duration::from_secs(1));
    assert!(heard.share_of(ATTENDANT_HZ) > 0.9, "the caller hears bob");
    assert_eq!(at.sue.list("/parked"), Vec::<Value>::new());
    at.bob.phone.hang_up();
    call.succeeds(SOON);
    let heard = at.bob.phone.heard().trimmed(0.3);
    assert!(heard.share_of(CALLER_HZ) > 0.9, "bob hears the caller");
}

/// Shown by 3: ring-all.
#[test]
fn e2e_where_all_ring_one_has_the_caller_and_the_other_stops() {
    let mut at = Reception::open("strategy = \"ring-all\"", "");
    let ear = at.ear();
    let mut call = at.caller("+491", &ear);
    at.bob.phone.wait_for_ring(1, SOON);
    at.alice.answers(1);
    at.bob.phone.wait_for("CALL_CLOSED", 1, SOON);
    assert_eq!(at.bob.phone.events_of("CALL_ESTABLISHED").len(), 0);
    at.alice.phone.hang_up();
    call.succeeds(SOON);
    let record = history(&at.sue, 1).remove(0);
    let mut ends = alerts(&at.sue, &record);
    ends.sort();
    let expected = [("alice", "accepted"), ("bob", "withdrawn")];
    assert_eq!(ends, expected.map(|(who, end)| (who.into(), end.into())));
}

/// Shown by 3: two pick-ups at once.
#[test]
fn e2e_of_two_who_pick_up_one_caller_one_wins_and_one_is_told() {
    let mut at = Reception::open("", "");
    at.alice.takes_a_break();
    at.bob.takes_a_break();
    let ear = at.ear();
    let mut call = at.caller("+491", &ear);
    let waiting = at.waiting("+491");
    let answers = std::thread::scope(|scope| {
        let both = [&at.alice, &at.bob].map(|desk| {
            let waiting = &waiting;
            scope.spawn(move || desk.asks(waiting, "pick-up"))
        });
        both.map(|one| one.join().unwrap())
    });
    let won = answers.iter().position(|(status, _)| *status == 204);
    let won = won.unwrap_or_else(|| panic!("nobody: {answers:?}"));
    let (status, why) = &answers[1 - won];
    let winner = ["alice", "bob"][won];
    assert!(*status == 409 && why.contains(winner), "{status} {why}");
    let desk = [&mut at.alice, &mut at.bob].into_iter().nth(won).unwrap();
    desk.answers(1);
    desk.phone.hang_up();
    call.succeeds(SOON);
    assert_eq!(history(&at.sue, 1)[0]["agent"], winner);
}

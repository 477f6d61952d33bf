//! The centre file: what it may say, what is refused and how, what comes out again.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::{
    Centre, Destination, JoinWhen, Kind, Queue, Resource, Role, Sealer, Seconds, Secret, Settings,
    Snapshot, Tier, User, WhatChanged, WrapUp, diff, export, parse_centre,
};
use expect_test::expect;

const DEMO: &str = include_str!("../demo.toml");

/// The example of interfaces.md, as far as it is built.
const BUILT: &str = r#"
[[calendars]]
name = "office"
timezone = "Europe/Amsterdam"
open = [ { days = "mon-fri", from = "08:00", to = "17:30" }, { days = "all except sun", from = "09:00", to = "12:00" } ]
special = [ { date = "2026-12-24", from = "09:00", to = "12:00" } ]
closed_on = ["2026-12-25", 2026-12-26]
holidays = ["nl-public"]

[[holiday_lists]]
name = "nl-public"
dates = ["2026-04-03", { date = "2026-04-27", name = "Koningsdag" }]

[[queues]]
name = "support"
number = "2000"
calendar = "office"
priority = 0
ageing = 10
strategy = "longest-idle"
answer = "at-once"
ring_timeout = 25
retry_after = 15
max_no_answer = 1
device_retry = 5
wrap_up = "manual"
max_waiting = 100
reservation_limit = 90
max_wait = 600
join_when = "someone-logged-in"
nobody_after = 45
max_busy = 3
skills = { dutch = 3 }
relax = [{ after = 30, skills = { dutch = 1 } }, { after = 60 }]
service_level = { seconds = 20, target = 0.8, action = "raise:5" }
default = true
music = "default"
welcome = "welcome"
when_closed = "announcement:closed"
when_closing = "go"
when_full = "busy"
when_refused = "announcement:sorry"
when_nobody = "external:+31201234567"
when_overflow = { to = "user:alice", keep_arrival = true }

[[users]]
username = "alice"
name = "Alice Jansen"
password = "correct horse battery"
role = "attendant"
extension = "1001"
sip_password = "phone-secret"
queues = [{ queue = "support", level = 3, order = 2, weight = 5, delay = 20 }]
skills = { dutch = 5, "line 2" = 1 }
personal = { ring_timeout = 20, max_wait = 60, wrap_up = 0 }
direct_call_priority = 5
may_leave_queues = true
when_unavailable = "queue:support"
email = "alice@example.com"
external_id = "A-17"
enabled = true

[[users]]
username = "boss"
role = "administrator"
queues = [{ queue = "support" }]

[[trunks]]
name = "pbx"
kind = "peer"
address = "sip:127.0.0.1:5080;transport=udp"
outbound_proxy = "sip:127.0.0.1:5090"
from_domain = "pbx.example.com"
allow = ["127.0.0.2/32", "127.0.0.3:5062"]
codecs = ["pcma", "pcmu"]
numbers = ["*"]
called_number = "request-uri"
caller_id = "pass"
max_calls = 0
hold = "local"

[[trunks]]
name = "branch"
kind = "inbound"
username = "branch"
password = "branch-secret"

[[numbers]]
number = "+31850082900"
to = "queue:support"
tier = "normal"
priority = 0
greeting = "Good morning, Lampfield Rotterdam"

[[number_lists]]
name = "vip"
numbers = ["+3120555*", "1001"]
priority = 5
tier = "urgent"

[feature_codes]
pick_up = "*8"

[[aux_codes]]
name = "errand"
label = "Out of the house"
"#;

/// The messages of a file that must be refused, one a line.
fn faults_of(text: &str) -> String {
    let faults = parse_centre(text, "centre.toml").expect_err("this file is wrong");
    faults.to_string()
}

#[test]
fn everything_built_is_read() {
    let centre = parse_centre(BUILT, "centre.toml").unwrap();
    let queue = &centre.queues["support"];
    assert_eq!(queue.ring_timeout, Seconds(25));
    assert_eq!(queue.wrap_up, WrapUp::Manual);
    assert_eq!(queue.reservation_limit, Seconds(90));
    assert_eq!(queue.join_when, JoinWhen::SomeoneLoggedIn);
    assert_eq!(queue.when_full, Destination::Busy);
    assert_eq!(
        queue
            .service_level
            .as_ref()
            .unwrap()
            .target
            .ten_thousandths(),
        8000
    );
    let alice = &centre.users["alice"];
    assert_eq!(alice.role, Role::Attendant);
    assert!(alice.is_assigned("support") && alice.has_phone());
    assert!(alice.may_leave_queues);
    assert_eq!(alice.skills.get("dutch"), Some(&5));
    assert_eq!((queue.max_busy, queue.skills.get("dutch")), (3, Some(&3)));
    assert_eq!(queue.relax[1].after, Seconds(60));
    assert!(queue.relax[1].skills.is_empty());
    assert_eq!(alice.personal.max_wait, Seconds(60));
    assert!(centre.users["boss"].is_assigned("support"));
    assert_eq!(centre.calendars["office"].closed_on.len(), 2);
    assert_eq!(centre.numbers["+31850082900"].tier, Tier::Normal);
    let vip = &centre.number_lists["vip"];
    assert_eq!(
        (vip.numbers.len(), vip.priority, vip.tier),
        (2, 5, Tier::Urgent)
    );
    assert_eq!(centre.feature_codes[""].pick_up.as_deref(), Some("*8"));
    assert!(centre.has_aux_code("errand") && centre.has_aux_code("lunch"));
    assert_eq!(centre.aux_code_names().len(), 6);
    assert_eq!(centre.default_queue().unwrap().key(), "support");
    assert_eq!(centre.trunks["pbx"].sources().len(), 3);
    assert_eq!(centre.validate(), []);
}

#[test]
fn what_is_left_out_has_the_default_of_interfaces_md() {
    let centre = parse_centre(
        "[[queues]]\nname = \"q\"\n[[users]]\nusername = \"u\"\n",
        "c",
    )
    .unwrap();
    let queue = &centre.queues["q"];
    let timings = [
        queue.ageing,
        queue.ring_timeout,
        queue.retry_after,
        queue.device_retry,
        queue.reservation_limit,
    ];
    assert_eq!(timings.map(|seconds| seconds.0), [10, 20, 15, 5, 120]);
    assert_eq!(
        (queue.max_no_answer, queue.max_waiting, queue.priority),
        (1, 0, 0)
    );
    assert_eq!(queue.wrap_up, WrapUp::Seconds(Seconds(0)));
    assert_eq!(queue.join_when, JoinWhen::Always);
    assert_eq!(queue.when_full, Destination::Busy);
    assert_eq!(&*queue.music, "default");
    assert_eq!(
        (&queue.welcome, &queue.when_closed, &queue.number),
        (&None, &None, &None)
    );
    let user = &centre.users["u"];
    assert_eq!(
        (user.role, user.enabled, user.direct_call_priority),
        (Role::Attendant, true, 0)
    );
    assert!(!user.may_leave_queues);
    assert_eq!(user.personal.ring_timeout, Seconds(20));
}

#[test]
fn every_fault_of_a_file_comes_in_one_go_with_line_and_remedy() {
    let text = r#"[[queues]]
name = "support"
numbr = "2000"
ring_timeout = "20"
ageing = 0
calendar = "ofice"
record = "always"
strategy = "ring-some"
when_closed = "que:x"

[[queues]]
name = "sales"
number = "2000"
default = yes

[[queues]]
name = "sales"

[[queues]]
number = "2000"

[[calendars]]
name = "office"
timezone = "Europe/Amsterdm"
open = [{ days = "mon-fry", from = "08:00", to = "25:00" }, { days = "sat", from = "08:00", to = "08:00" }]
closed_on = ["2026-02-30"]

[[users]]
username = "bob"
extension = 1001
role = "boss"
queues = ["suport", { queue = "sales", dely = 3 }]
skills = { dutch = 0, "a/b" = 1 }
sip_password = "x"

[[trunk]]
name = "pbx"

[feature_codes]
parc = "*7"
"#;
    expect![[r#"
        centre.toml:3:1: unknown key `numbr`; did you mean `number`?
        centre.toml:4:16: `ring_timeout` must be a whole number, not text; write digits only, without quotes
        centre.toml:5:10: `ageing`: 0 is out of range; write a number from 1 to 86400
        centre.toml:6:12: queue "support": there is no calendar "ofice"; did you mean "office"?
        centre.toml:7:1: `record` is known, but not built yet; leave `record` out for now
        centre.toml:8:12: `strategy`: "ring-some" is not known here; write "longest-idle" or "round-robin" or "fewest-calls" or "least-occupied" or "fixed-order" or "skill-level" or "weighted-random" or "ring-all"
        centre.toml:9:15: `when_closed`: "que:x" is no destination; did you mean queue:NAME?
        centre.toml:14:11: string values must be quoted, expected literal string; this is not TOML; strings stand in quotes, lists in [ ], tables under [name]
        centre.toml:17:8: there is a queue "sales" above already; give it another name, or take one of the two out
        centre.toml:19:1: `name` is missing; write name = "support"
        centre.toml:24:12: `timezone`: no time zone is called "Europe/Amsterdm"; did you mean "Europe/Amsterdam"?
        centre.toml:25:18: `days`: "mon-fry" names no days; write "mon-fri", "sat, sun", "all" or "all except sun"
        centre.toml:25:50: `to`: "25:00" is no time of day; write hours and minutes from "00:00" to "24:00"
        centre.toml:25:98: calendar "office": an impossible time range: from 08:00 to 08:00 is no time at all; the whole day is "00:00" to "24:00"; leave the line out for none of it, or use `closed_on`
        centre.toml:26:14: `closed_on[0]`: "2026-02-30" is no date; write year, month and day: "2026-12-24"
        centre.toml:30:13: `extension` must be a number of 1 to 40 digits, letters, . _ - * #, or + and digits, not a whole number; put it in quotes: "1001"
        centre.toml:31:8: `role`: "boss" is not known here; write "attendant" or "supervisor" or "administrator"
        centre.toml:32:11: user "bob": there is no queue "suport"; did you mean "support"?
        centre.toml:32:40: unknown key `dely`; did you mean `delay`?
        centre.toml:33:20: `dutch`: 0 is out of range; write a number from 1 to 1000
        centre.toml:33:31: `a/b`: "a/b" is not a name of 1 to 64 characters, without / and without spaces around it; for example "support"
        centre.toml:36:3: unknown key `trunk`; did you mean `trunks`?
        centre.toml:40:1: unknown key `parc`; did you mean `park`?"#]]
    .assert_eq(&faults_of(text));
}

#[test]
fn what_only_follows_from_another_fault_is_not_said() {
    let text = "[[calendars]]\nname = \"c\"\nopen = [{ days = \"all\", from = \"25:00\", to = \"26:00\" }]\n";
    let said = faults_of(text);
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn numbers_must_lead_to_one_place() {
    let text = r#"
[[queues]]
name = "a"
number = "2000"
default = true
[[queues]]
name = "b"
number = "2000"
default = true
[[users]]
username = "u"
extension = "2000"
[[users]]
username = "v"
extension = "1001"
[[users]]
username = "w"
extension = "1001"
[[numbers]]
number = "+31"
to = "queue:a"
[[numbers]]
number = "+31"
to = "queue:b"
"#;
    expect![[r#"
        centre.toml:8:10: queue "b": number "2000" belongs to queue "a" already; give each its own number
        centre.toml:9:11: queue "b": queue "a" is the default queue already; leave it to one of the two
        centre.toml:12:13: user "u": number "2000" belongs to queue "b" already; give each its own number
        centre.toml:18:13: user "w": number "1001" belongs to user "v" already; give each its own number
        centre.toml:23:10: there is a number "+31" above already; give it another name, or take one of the two out"#]].assert_eq(&faults_of(text));
}

#[test]
fn aux_codes_are_told_from_the_reason_of_those_who_did_not_answer() {
    let long = "é".repeat(40);
    let text = format!("[[aux_codes]]\nname = \"no-answer\"\n[[aux_codes]]\nname = \"{long}\"\n");
    let said = faults_of(&text);
    assert!(
        said.contains("centre.toml:2:8: aux code \"no-answer\": this is the reason"),
        "{said}"
    );
    assert!(said.contains("80 bytes; write at most 64"), "{said}");
    assert_eq!(said.lines().count(), 2);
}

#[test]
fn mo_6_5_wrap_up_codes_are_told_apart_and_there_where_they_are_required() {
    let text = r#"
[[queues]]
name = "sales"
wrap_up_code = "required"
[[queues]]
name = "support"
wrap_up_code = "required"
[[wrap_up_codes]]
name = "outcome"
codes = ["sold", "lost", "sold"]
queues = ["support", "suport"]
[[wrap_up_codes]]
name = "empty"
[[wrap_up_codes]]
name = "outcome"
"#;
    expect![[r#"
        centre.toml:4:16: queue "sales": there is no code for its calls; add one to [[wrap_up_codes]], or write "optional"
        centre.toml:10:26: wrap-up category "outcome": "sold" stands there twice; write it once
        centre.toml:11:22: wrap-up category "outcome": there is no queue "suport"; did you mean "support"?
        centre.toml:15:8: there is a wrap-up category "outcome" above already; give it another name, or take one of the two out"#]]
    .assert_eq(&faults_of(text));
    let many: Vec<String> = (0..201).map(|n| format!("\"c{n}\"")).collect();
    let text = format!(
        "[[wrap_up_codes]]\nname = \"x\"\ncodes = [{}]\n",
        many.join(", ")
    );
    assert!(faults_of(&text).contains("201 codes are too many; write at most 200"));
}

#[test]
fn feature_codes_are_one_table() {
    let codes = |code: &str| format!("[feature_codes]\npick_up = \"{code}\"\n");
    let old = parse_centre(&codes("*8"), "c").unwrap();
    let new = parse_centre(&codes("*9"), "c").unwrap();
    let change = diff(&old, &new);
    assert_eq!(
        change[0].to_string(),
        "~ feature codes\n    pick_up: \"*8\" -> \"*9\""
    );
    assert_eq!(export(&old), codes("*8"));
    assert_eq!(
        faults_of("[[feature_codes]]\npick_up = \"*8\"\n"),
        "centre.toml:1:1: `feature_codes` must be one table, not a list; write [feature_codes], with one bracket, once"
    );
    assert_eq!(
        faults_of("[feature_codes]\npick_up = \"* 8\"\npark = \"* 7\"\n")
            .lines()
            .count(),
        2
    );
    for (pick_up, park) in [("*7", "*7"), ("*", "*7"), ("*77", "*7")] {
        let text = format!("[feature_codes]\npick_up = \"{pick_up}\"\npark = \"{park}\"\n");
        assert!(faults_of(&text).contains("begin alike"), "{text}");
    }
}

#[test]
fn a_caller_is_on_one_number_list() {
    let text = r#"
[[number_lists]]
name = "vip"
numbers = ["+3120*", "+31*", "+3120*"]
[[number_lists]]
name = "slow"
numbers = ["+31201*", "+31*", "+3*1"]
"#;
    expect![[r#"
        centre.toml:4:30: number list "vip": "+3120*" stands there twice; write it once
        centre.toml:7:23: number list "slow": "+31*" stands in number list "vip" already; write it once
        centre.toml:7:31: `numbers[2]`: "+3*1" is no number and no prefix; write a number, or a prefix with * at the end, such as "+31*" or "*""#]]
    .assert_eq(&faults_of(text));
}

#[test]
fn contacts_are_no_part_of_the_file_and_it_says_where_they_are() {
    let text = "[[queues]]\nname = \"sales\"\n\n[[contacts]]\nlast_name = \"Vip\"\nvip = true\n";
    expect![[r#"
        centre.toml:4:3: contacts are kept in the directory, not in the centre file; take them out of the file, and add them by the API: POST /api/v1/contacts"#]]
    .assert_eq(&faults_of(text));
}

#[test]
fn dangling_names_and_impossible_ways_are_refused() {
    let text = r#"
[[queues]]
name = "a"
welcome = "hello"
when_closed = "queue:a"
when_full = "user:nobody"
when_refused = "extension:99"
when_nobody = "queue:b"
when_overflow = { to = "queue:a" }
service_level = { action = "announcement:hold" }
[[users]]
username = "u"
queues = ["a", "a"]
when_unavailable = "user:u"
[[numbers]]
number = "+31"
to = "announcement:gone"
[[calendars]]
name = "c"
open = [{ days = "mon", from = "24:00", to = "08:00" }, { days = "mon", from = "08:00" }]
special = [{ date = "2026-12-25", from = "09:00", to = "09:00" }]
closed_on = ["2026-12-25", "2026-12-25"]
"#;
    expect![[r#"
        centre.toml:4:11: queue "a": there is no prompt "hello"; those there are: closed, default, silence, sorry, welcome; upload others to /api/v1/prompts
        centre.toml:5:15: queue "a": sends callers back to the queue they came from; send them to another queue or to an announcement
        centre.toml:6:13: queue "a": there is no user "nobody"; add it, or name one of the users there are
        centre.toml:7:16: queue "a": no user has the extension "99"; give it to a user, or write "external:99" for a phone behind a trunk
        centre.toml:8:15: queue "a": there is no queue "b"; add it, or name one of the queues there are
        centre.toml:9:24: queue "a": sends callers back to the queue they came from; send them to another queue or to an announcement
        centre.toml:10:28: queue "a": there is no prompt "hold"; those there are: closed, default, silence, sorry, welcome; upload others to /api/v1/prompts
        centre.toml:13:16: user "u": "a" stands there twice; write it once
        centre.toml:14:20: user "u": sends callers back to the same user; send them to a queue or to another user
        centre.toml:17:6: number "+31": there is no prompt "gone"; those there are: closed, default, silence, sorry, welcome; upload others to /api/v1/prompts
        centre.toml:20:32: calendar "c": no hours begin at 24:00; write "00:00" and the next day
        centre.toml:20:57: `to` is missing; write to = "08:00"
        centre.toml:21:21: calendar "c": 2026-12-25 has hours here, but is in `closed_on`; take the date out of one of the two
        centre.toml:21:56: calendar "c": an impossible time range: from 09:00 to 09:00 is no time at all; the whole day is "00:00" to "24:00"; leave the line out for none of it, or use `closed_on`
        centre.toml:22:28: calendar "c": 2026-12-25 stands there twice; write it once"#]].assert_eq(&faults_of(text));
}

#[test]
fn trunks_must_be_reachable_and_told_apart() {
    let text = r#"
[[trunks]]
name = "a"
kind = "peer"
username = "x"
numbers = ["*"]
[[trunks]]
name = "b"
kind = "inbound"
address = "sip:10.0.0.1"
username = "1001"
[[trunks]]
name = "c"
kind = "outbound"
[[trunks]]
name = "d"
address = "pbx:5060"
allow = ["10.0.0.300", "10.0.0.5/8"]
codecs = []
srtp = "optional"
[[trunks]]
name = "e"
kind = "peer"
address = "sip:10.9.9.9"
allow = ["10.9.9.9:5060", "10.8.0.0/16"]
[[trunks]]
name = "f"
kind = "peer"
allow = ["10.8.0.0/16"]
numbers = ["*"]
[[users]]
username = "u"
extension = "1001"
"#;
    expect![[r#"
        centre.toml:2:1: trunk "a": a peer needs an address or sources; write address = "sip:HOST:PORT", or allow = ["ADDRESS"]
        centre.toml:5:12: trunk "a": a peer does not log in; leave it out, or write kind = "inbound"
        centre.toml:7:1: trunk "b": `password` is missing: an inbound trunk logs in here; write password = "…"
        centre.toml:10:11: trunk "b": an inbound trunk's address is where it registers from; leave it out, or write kind = "peer"
        centre.toml:11:12: trunk "b": the phone of user "u" logs in as "1001" already; choose another user name
        centre.toml:14:8: `kind`: "outbound" is known, but not built yet; write "peer" or "inbound"
        centre.toml:15:1: `kind` is missing; write kind = "peer"
        centre.toml:17:11: `address`: "pbx:5060" does not begin with sip: or sips:; write "sip:HOST:PORT", "sip:HOST:PORT;transport=tcp", "sip:HOST:PORT;transport=tls" or "sips:HOST:PORT"
        centre.toml:18:10: `allow[0]`: "10.0.0.300" is no source address; write an address, a network or an address and port: "10.0.0.5", "10.0.0.0/24", "10.0.0.5:5060", "[2001:db8::1]:5060"
        centre.toml:18:24: `allow[1]`: 10.0.0.5/8 has bits beyond its prefix; write "10.0.0.0/8", or "10.0.0.5"
        centre.toml:19:10: trunk "d": without a codec nobody can talk; write ["pcma", "pcmu"]
        centre.toml:20:1: `srtp` is known, but not built yet; leave `srtp` out for now
        centre.toml:29:10: trunk "f": source 10.8.0.0/16 already means trunk "e"; leave it to one of the two
        centre.toml:30:11: trunk "f": calls cannot leave by a peer without an address; write address = "sip:HOST:PORT", or leave `numbers` out"#]].assert_eq(&faults_of(text));
}

#[test]
fn broken_syntax_is_said_together_with_the_rest() {
    let text =
        "[[queues]]\nname = \"a\nnumber = \"2000\"\n\n[[users]]\nusername = \"u\"\nqeues = []\n";
    expect![[r#"
        centre.toml:2:10: invalid basic string, expected `"`; this is not TOML; strings stand in quotes, lists in [ ], tables under [name]
        centre.toml:7:1: unknown key `qeues`; did you mean `queues`?"#]].assert_eq(&faults_of(text));
    let fault = faults_of("queues = \"support\"");
    assert_eq!(
        fault,
        "centre.toml:1:10: `queues` must be a list of tables, not text; write [[queues]], with two brackets, once for each"
    );
}

#[test]
fn a_fault_is_shown_with_its_line() {
    let faults = parse_centre("[[queues]]\nname = \"a\"\nageing = 0\n", "centre.toml").unwrap_err();
    expect![[r#"
        error: `ageing`: 0 is out of range
          ┌─ centre.toml:3:10
          │
        3 │ ageing = 0
          │          ^
          │
          = help: write a number from 1 to 86400

    "#]]
    .assert_eq(&faults.render());
}

#[test]
fn the_demo_centre_is_right_and_complete() {
    let centre = parse_centre(DEMO, "config/demo.toml").unwrap();
    assert_eq!(centre.check_against(&Settings::default()), []);
    assert_eq!(
        centre.default_queue().unwrap().number.as_deref(),
        Some("2000")
    );
    for (username, extension) in [("alice", "1001"), ("bob", "1002"), ("carol", "1003")] {
        let user = centre.user_by_extension(extension).unwrap();
        assert_eq!(user.key(), username);
        assert!(user.has_phone() && user.role == Role::Attendant);
    }
    assert_eq!(centre.users["sven"].role, Role::Supervisor);
}

#[test]
fn an_exported_centre_reads_back_the_same() {
    for text in [BUILT, DEMO] {
        let mut centre = parse_centre(text, "centre.toml").unwrap();
        assert_eq!(parse_centre(&export(&centre), "export").unwrap(), centre);
        centre.seal(&Toy);
        let again = parse_centre(&export(&centre), "export").unwrap();
        assert_eq!(again, centre);
        assert_eq!(
            diff(&centre, &centre.merge(&again, true)),
            [],
            "export, then apply, changes nothing"
        );
    }
}

#[test]
fn json_carries_what_toml_does() {
    let centre = parse_centre(BUILT, "centre.toml").unwrap();
    let queue = &centre.queues["support"];
    assert_eq!(
        Queue::from_json(&queue.to_stored_json()).as_ref(),
        Ok(&**queue)
    );
    let alice = &centre.users["alice"];
    assert_eq!(
        User::from_json(&alice.to_stored_json()).as_ref(),
        Ok(&**alice)
    );
    let public = alice.to_public_json();
    assert!(public.get("password").is_none() && public.get("sip_password").is_none());
    let assigned = serde_json::json!([{ "queue": "support", "level": 3, "order": 2, "weight": 5, "delay": 20 }]);
    assert_eq!(public["queues"], assigned);
    let text = serde_json::to_string(&alice.to_stored_json()).unwrap();
    assert_eq!(&serde_json::from_str::<User>(&text).unwrap(), &**alice);
}

#[test]
fn json_faults_name_the_field() {
    let json = serde_json::json!({
        "name": "a", "ageing": 0, "calender": "x", "record": "never", "max_wait": null,
        "service_level": { "target": 80 }, "number": 2000,
    });
    let faults = Queue::from_json(&json).unwrap_err();
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "ageing",
            "calender",
            "number",
            "record",
            "service_level.target"
        ]
    );
    let faults =
        User::from_json(&serde_json::json!({ "queues": ["a", { "queue": "" }] })).unwrap_err();
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["queues[1].queue", "username"]);
    assert!(User::from_json(&serde_json::json!([])).is_err());
}

#[test]
fn a_centre_put_together_by_a_program_is_validated_whole() {
    let mut centre = Centre::default();
    centre.insert(Queue {
        name: "a".parse().unwrap(),
        ageing: Seconds(0),
        calendar: Some("gone".parse().unwrap()),
        ..Queue::default()
    });
    let faults = centre.validate();
    let fields: Vec<(Kind, &str)> = faults
        .iter()
        .map(|fault| (fault.kind, fault.field.as_str()))
        .collect();
    assert_eq!(fields, [(Kind::Queue, "ageing"), (Kind::Queue, "calendar")]);
}

#[test]
fn merging_keeps_or_prunes_what_the_file_does_not_name() {
    let old = parse_centre(BUILT, "centre.toml").unwrap();
    let file = parse_centre(
        "[[queues]]\nname = \"sales\"\n[[queues]]\nname = \"support\"\nring_timeout = 30\n",
        "f",
    )
    .unwrap();
    let kept = old.merge(&file, false);
    assert_eq!(kept.queues.len(), 2);
    assert_eq!(kept.users, old.users);
    assert!(Arc::ptr_eq(&kept.users["alice"], &old.users["alice"]));
    assert_eq!(kept.feature_codes, old.feature_codes);
    let pruned = old.merge(&file, true);
    assert!(pruned.feature_codes.is_empty());
    assert_eq!(
        pruned.queues.keys().collect::<Vec<_>>(),
        ["sales", "support"]
    );
    assert_eq!(pruned.users, BTreeMap::new());
}

#[test]
fn a_password_counts_when_the_user_is_created_only() {
    let file = parse_centre(
        "[[users]]\nusername = \"u\"\npassword = \"from the file\"\n",
        "f",
    )
    .unwrap();
    let mut created = Centre::default().merge(&file, false);
    created.seal(&Toy);
    assert_eq!(
        created.users["u"].password,
        Some(Secret::Hashed(
            "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$from the file".into()
        ))
    );
    let again = created.merge(&file, false);
    assert_eq!(diff(&created, &again), []);
    let without = parse_centre("[[users]]\nusername = \"u\"\n", "f").unwrap();
    assert_eq!(diff(&created, &created.merge(&without, false)), []);
}

#[test]
fn a_difference_prints_without_secrets() {
    let old = parse_centre(BUILT, "centre.toml").unwrap();
    let new = BUILT
        .replace("ring_timeout = 25", "ring_timeout = 30")
        .replace("phone-secret", "other-secret")
        .replace("email = \"alice@example.com\"\n", "")
        .replace("name = \"branch\"", "name = \"south\"");
    let new = parse_centre(&new, "centre.toml").unwrap();
    let changes = diff(&old, &new);
    assert!(
        changes
            .iter()
            .any(|change| change.what == WhatChanged::Added && change.name == "south")
    );
    let text: Vec<String> = changes.iter().map(ToString::to_string).collect();
    expect![[r#"
        ~ queue support
            ring_timeout: 25 -> 30
        ~ user alice
            sip_password: (secret) -> (secret)
            email: "alice@example.com" -> unset
        - trunk branch
        + trunk south"#]]
    .assert_eq(&text.join("\n"));
}

#[test]
fn sealed_digest_secrets_are_made_for_one_user_name() {
    let mut old = parse_centre(BUILT, "centre.toml").unwrap();
    old.seal(&Toy);
    let mut alice = User::clone(&old.users["alice"]);
    alice.extension = Some("1009".parse().unwrap());
    let mut new = old.clone();
    new.insert(alice.clone());
    let before = Snapshot {
        version: 1,
        settings: Arc::default(),
        centre: Arc::new(old),
    };
    let faults = new.stale_secrets(&before);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].field, "sip_password");
    alice.sip_password = Some(Secret::Plain("new".into()));
    alice.seal(&Toy);
    new.insert(alice);
    assert_eq!(new.stale_secrets(&before), []);
}

#[test]
fn new_passwords_and_emergency_numbers_are_checked_against_the_settings() {
    let text = "[[users]]\nusername = \"u\"\npassword = \"short\"\nextension = \"112\"\n";
    let centre = parse_centre(text, "f").unwrap();
    let faults = centre.check_against(&Settings::default());
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["password", "extension"]);
}

#[test]
fn debug_shows_no_password() {
    let centre = parse_centre(BUILT, "centre.toml").unwrap();
    let shown = format!("{centre:?}");
    for secret in ["correct horse battery", "phone-secret", "branch-secret"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

/// Seals in a way that a test can foresee, and that looks as the real one does.
struct Toy;

impl Sealer for Toy {
    fn login(&self, plain: &str) -> String {
        format!("$argon2id$v=19$m=1,t=1,p=1$c2FsdA${plain}")
    }

    fn digest(&self, digest_username: &str, plain: &str) -> String {
        let sum = digest_username
            .bytes()
            .chain(plain.bytes())
            .fold(0_u64, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(u64::from(byte))
            });
        format!("ha1:md5={sum:032x}")
    }
}

/// The fault is with what came later, by its place in the file and not by its name.
#[test]
fn of_two_that_want_one_number_the_later_is_at_fault() {
    let text = "[[queues]]\nname = \"support\"\nnumber = \"2000\"\n[[queues]]\nname = \"sales\"\nnumber = \"2000\"\n";
    expect![[r#"centre.toml:6:10: queue "sales": number "2000" belongs to queue "support" already; give each its own number"#]]
        .assert_eq(&faults_of(text));

    let queue = |name: &str| format!("[[queues]]\nname = \"{name}\"\nnumber = \"2000\"\n");
    let before = parse_centre(&queue("support"), "centre.toml").unwrap();
    let mut after = before.clone();
    after.insert(Queue::clone(
        &parse_centre(&queue("a"), "centre.toml").unwrap().queues["a"],
    ));
    let faults = after.validate_since(&before);
    let at: Vec<_> = faults
        .iter()
        .map(|fault| (&*fault.name, &*fault.field))
        .collect();
    assert_eq!(at, [("a", "number")]);
}

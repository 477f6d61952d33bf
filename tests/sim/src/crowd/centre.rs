//! The centre of the crowd: a bit of everything.

use std::fmt::Write as _;

/// Users whose phones register here, with their extensions; those without queues are no attendants.
pub(super) const DESKS: [(&str, u16, &str); 7] = [
    ("ann", 1001, "sales support night"),
    ("bob", 1002, "sales support"),
    ("cem", 1003, "sales small"),
    ("dora", 1004, "support night"),
    ("emil", 1005, "small sales support"),
    ("fred", 1100, ""),
    ("gina", 1101, ""),
];
/// Users whose phones are on the PBX.
pub(super) const ON_PBX: [(&str, u16, &str); 3] = [
    ("eva", 901, "sales small"),
    ("max", 902, "support"),
    ("ida", 903, "support night"),
];
/// What callers from outside dial.
pub(super) const DIALLED: [&str; 17] = [
    "2000", "2000", "2000", "2001", "2001", "2001", "2002", "2002", "2003", "2003", "1001", "901",
    "+4930500", "+4930501", "+4930502", "+4930503", "7777",
];
/// What phones of our own dial.
pub(super) const DIALLED_INSIDE: [&str; 16] = [
    "2000",
    "2001",
    "2003",
    "1002",
    "1100",
    "1101",
    "902",
    "+4930777",
    "112",
    "77",
    "*82000",
    "*82001",
    "*82003",
    "*8+4930000012",
    "*71",
    "*72",
];
/// Where those who talk send the other side on.
pub(super) const SENT_TO: [&str; 12] = [
    "2000", "2001", "2003", "1001", "1002", "1100", "1101", "901", "902", "+4930777", "*72", "77",
];

/// Callers whom the directory marks as VIPs, as somebody in the Netherlands writes their numbers.
pub(super) const VIP_NUMBERS: [&str; 3] = ["+4930000012", "0049-30000015", "1100"];

const FIXED: &str = r#"
[[trunks]]
name = "carrier"
kind = "peer"
address = "sip:10.0.0.2:5060"
numbers = ["+*", "112"]

[[trunks]]
name = "pbx"
kind = "peer"
address = "sip:10.0.0.3:5060"
numbers = ["9*"]

[feature_codes]
pick_up = "*8"
park = "*7"

[[calendars]]
name = "evening"
timezone = "Europe/Berlin"
open = [ { days = "all", from = "00:00", to = "17:20" }, { days = "all", from = "17:40", to = "24:00" } ]

[[wrap_up_codes]]
name = "outcome"
codes = ["sold", "other"]
queues = ["support"]

[[wrap_up_codes]]
name = "mood"
codes = ["glad", "cross"]

[[numbers]]
number = "+4930500"
to = "user:bob"
tier = "urgent"

[[number_lists]]
name = "vip"
numbers = ["+493000001*", "+49300001*"]
priority = 3

[[number_lists]]
name = "nuisance"
numbers = ["+493000002*", "+49300002*"]
tier = "low"

[[numbers]]
number = "+4930501"
to = "announcement:sorry"

[[numbers]]
number = "+4930502"
to = "external:+4930888"

[[numbers]]
number = "+4930503"
to = "park:3"
"#;

/// The centre with so many priority points for callers of sales: what changes while calls run.
pub(super) fn text(priority: u64) -> String {
    let mut text = String::from(FIXED);
    let _ = write!(
        text,
        r#"
[[queues]]
name = "sales"
number = "2000"
priority = {priority}
strategy = "weighted-random"
recall_after = 12
recall_hold = 6
wrap_up = 3
sticky = {{ days = 7, hold = 8 }}
skills = {{ dutch = 2 }}
relax = [{{ after = 4, skills = {{ dutch = 1 }} }}, {{ after = 9 }}]

[[queues]]
name = "support"
number = "2001"
welcome = "welcome"
strategy = "round-robin"
wrap_up_code = "required"
max_busy = 4
default = true
max_wait = 90
max_estimate = 900
service_level = {{ seconds = 20, action = "raise:3" }}
max_no_answer = 2
retry_after = 5
ring_timeout = 12

[[queues]]
name = "small"
number = "2002"
strategy = "ring-all"
max_waiting = 2
max_wait = 30
when_overflow = {{ to = "queue:support" }}
when_full = "queue:sales"
join_when = "someone-available"
when_refused = "announcement:sorry"

[[queues]]
name = "night"
number = "2003"
calendar = "evening"
strategy = "least-occupied"
max_busy = 1
nobody_after = 5
when_nobody = "queue:sales"
service_level = {{ seconds = 45, action = "queue:support" }}
when_closed = "announcement:closed"
when_closing = "go"
"#
    );
    for (username, extension, queues) in DESKS {
        let more = format!("sip_password = \"{username}'s secret\"{}", skills(username));
        user(&mut text, username, extension, queues, &more);
    }
    for (username, extension, queues) in ON_PBX {
        user(&mut text, username, extension, queues, skills(username));
    }
    text
}

fn user(text: &mut String, username: &str, extension: u16, queues: &str, more: &str) {
    // Who is there for small queues sees the callers of the others later.
    let delay = |queue: &str| u8::from(queues.contains("small") && queue != "small") * 3;
    let assigned = queues
        .split_whitespace()
        .map(|queue| format!("{{ queue = {queue:?}, delay = {} }}", delay(queue)));
    let queues = assigned.collect::<Vec<_>>().join(", ");
    let _ = write!(
        text,
        "\n[[users]]\nusername = \"{username}\"\nname = \"{username}\"\nextension = \"{extension}\"\nqueues = [{queues}]\n{more}\n"
    );
}

fn skills(username: &str) -> &'static str {
    match username {
        "ann" | "cem" => "\nskills = { dutch = 2 }\npark_location = \"Amsterdam\"",
        "bob" | "eva" => "\nskills = { dutch = 1 }\npark_location = \"Zeist\"",
        _ => "",
    }
}

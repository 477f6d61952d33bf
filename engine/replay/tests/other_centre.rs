//! The day played against a centre: the same one gives the same day, another one what follows from it by hand.

use std::sync::Arc;

use config::{Settings, Snapshot};
use engine::journal::Entry;
use engine::paper::Paper;
use replay::{About, Curve, Day, DayReader, Ending, Figure, Model, Report, Study};
use sim::crowd::Run;
use sim::{World, secs, seed};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn read(entries: &[Entry]) -> Day {
    let mut reader = DayReader::default();
    for entry in entries {
        reader.take(entry).expect("a whole day");
    }
    reader.finish().expect("a day")
}

fn paper(day: &Day, centre: &str) -> Paper {
    let centre = config::parse_centre(centre, "other.toml").expect("a right centre");
    let snapshot = Snapshot {
        version: 1,
        settings: Arc::new(Settings::default()),
        centre: Arc::new(centre),
    };
    Paper::new(Arc::new(snapshot), day.names())
}

fn study(entries: &[Entry], centre: &str, runs: u64) -> Report {
    let day = read(entries);
    let paper = paper(&day, centre);
    let model = Model::measured(&day);
    let study = Study::new(&day, &paper, &model);
    let runs: Vec<_> = (1..=runs).map(|seed| study.run(seed)).collect();
    study.report(&runs)
}

#[test]
fn an_unchanged_centre_gives_the_day_itself() {
    for seed in 1..=number("SIM_SEEDS", 6) {
        let calls = number("SIM_CALLS", 1_000);
        let trace = 0;
        let (_, entries, centre) = Run { seed, calls, trace }.play_in_one_centre();
        let report = study(&entries, &centre, 2);
        assert_eq!(report.changed, [], "seed {seed}");
        assert!(report.same, "seed {seed}");
    }
}

#[test]
fn an_unchanged_centre_gives_the_day_from_a_checkpoint_on() {
    let is_checkpoint = |entry: &Entry| matches!(entry.body, engine::journal::Body::Checkpoint(_));
    let mut played = 0;
    for seed in 1..=number("SIM_SEEDS", 4) {
        // Shorter days are over before the first checkpoint.
        let calls = number("SIM_CALLS", 1_500).max(1_500);
        let trace = 0;
        let (_, entries, centre) = Run { seed, calls, trace }.play_in_one_centre();
        let Some(first) = entries.iter().position(is_checkpoint) else {
            continue;
        };
        let report = study(&entries[first..], &centre, 1);
        assert_eq!(report.changed, [], "seed {seed}");
        assert!(report.same, "seed {seed}");
        played += usize::from(report.calls > 20);
    }
    assert!(played > 0, "no day was long enough for a checkpoint");
}

const TWO_AGENTS: &str = r#"
[[trunks]]
name = "carrier"
kind = "peer"
address = "sip:10.0.0.2:5060"
numbers = ["0*"]

[[queues]]
name = "sales"
number = "2000"

[[users]]
username = "ann"
name = "Ann"
extension = "1001"
sip_password = "ann's secret"
queues = ["sales"]
"#;
const BOB: &str = r#"
[[users]]
username = "bob"
name = "Bob"
extension = "1002"
sip_password = "bob's secret"
queues = ["sales"]
"#;

/// The book that is kept of a day counts as the board does. Of the last moment before a crash the journal may have decisions
/// without the events that tell of them, or the other way round: the two differ by no more than these.
#[test]
fn figures_are_those_of_the_board() {
    let days = number("SIM_SEEDS", 3);
    let mut different = 0;
    for seed in 1..=days {
        let mut is_different = false;
        let calls = number("SIM_CALLS", 600);
        let trace = 0;
        let (_, entries, centre) = Run { seed, calls, trace }.play_in_one_centre();
        let mut restore = engine::Restore::new();
        for entry in &entries {
            restore.apply(entry).expect("it was just written");
        }
        let board = restore.board();
        let starts = |entry: &&Entry| matches!(entry.body, engine::journal::Body::Started { .. });
        let crashes = entries.iter().filter(starts).count().saturating_sub(1);
        let report = study(&entries, &centre, 1);
        for (about, rows) in &report.rows {
            let counts = match about {
                About::Total => &board.total,
                About::Queue(name) => &board.queues[name].counts,
                About::Agent(_) => continue,
            };
            let outcomes = counts.today.outcomes;
            let level = engine::board::Variant::Genesys.of(&outcomes);
            let expected = [
                (Figure::Offered, Some(outcomes.offered())),
                (Figure::Answered, Some(outcomes.answered)),
                (Figure::Abandoned, Some(outcomes.abandoned)),
                (Figure::SentOn, Some(outcomes.flowed_out)),
                (Figure::ServiceLevel, level.ten_thousandths().map(u64::from)),
            ];
            for (figure, expected) in expected {
                let row = rows.iter().find(|row| row.figure == figure).expect("it");
                let then = row.then.map(i64::cast_unsigned);
                if then == expected {
                    continue;
                }
                is_different = true;
                let apart = then.zip(expected).map(|(then, now)| then.abs_diff(now));
                let is_share = figure == Figure::ServiceLevel;
                assert!(
                    apart.is_some_and(|apart| is_share || apart <= crashes as u64),
                    "seed {seed}: {about:?} {figure:?}: {then:?}, the board has {expected:?}"
                );
            }
        }
        different += u64::from(is_different);
    }
    assert!(different * 4 <= days, "{different} of {days} days differ");
}

/// Of four callers one gives up after 10 s and one after 30, the others are answered after 20 and 40: three in four are patient
/// for more than 10 s, and of the two who are left at 30 s one.
#[test]
fn who_was_answered_counts_as_patient_for_as_long() {
    let curve = Curve::measured([(10, true), (20, false), (30, true), (40, false)]);
    let ppm = [9, 10, 29, 30, 99].map(|after| curve.patient_ppm(after));
    assert_eq!(ppm, [1_000_000, 750_000, 750_000, 375_000, 375_000]);
}

/// Three callers at 0, 10 and 20 s; whoever is rung answers after 4 s; they talk for 60, 40 and 30 s.
///
/// The first has ann from 4 to 64 s, the second bob from 14 to 54 s, the third bob from 58 to 88 s.
fn three_callers() -> (Vec<Entry>, String) {
    let centre = format!("{TWO_AGENTS}{BOB}");
    let world = World::builder(seed(11)).centre(&centre).build();
    let (ann, bob) = (
        world.agent("ann").available(),
        world.agent("bob").available(),
    );
    let start = world.now();
    let at = |second: u64| world.run_for(start + secs(second) - world.now());
    let callers = ["+4930111", "+4930222", "+4930333"].map(|number| world.phone(number));
    callers[0].calls("2000");
    at(4);
    ann.answers();
    at(10);
    callers[1].calls("2000");
    at(14);
    bob.answers();
    at(20);
    callers[2].calls("2000");
    at(54);
    callers[1].hangs_up();
    at(58);
    bob.answers();
    at(64);
    callers[0].hangs_up();
    at(88);
    callers[2].hangs_up();
    at(200);
    ann.logs_out();
    bob.logs_out();
    (world.whole_journal(), centre)
}

/// Seconds and tenths of a wait.
fn tenths(waited_us: u64) -> u64 {
    (waited_us + 50_000) / 100_000
}

#[test]
fn one_agent_fewer_gives_what_follows_by_hand() {
    let (entries, centre) = three_callers();
    assert!(study(&entries, &centre, 1).same);
    let report = study(&entries, TWO_AGENTS, 20);
    assert!(!report.same);
    // ann has the first until 64 s, is rung for the second at 64, has it from 68 to 108, and the third from 112 on.
    let fates: Vec<_> = report
        .changed
        .iter()
        .map(|changed| {
            let fate = |fate: &Option<replay::Fate>| {
                let fate = fate.clone().expect("a queue had it");
                (
                    fate.agent.expect("somebody took it"),
                    tenths(fate.waited_us),
                )
            };
            (fate(&changed.then), fate(&changed.now))
        })
        .collect();
    let took = |agent: &str, tenths: u64| (agent.to_owned(), tenths);
    assert_eq!(
        fates,
        [
            (took("bob", 40), took("ann", 580)),
            (took("bob", 380), took("ann", 920)),
        ]
    );
    let row = |about: &About, figure: Figure| {
        let (_, rows) = report.rows.iter().find(|(of, _)| of == about).expect("it");
        *rows.iter().find(|row| row.figure == figure).expect("it")
    };
    let level = row(&About::Total, Figure::ServiceLevel);
    // Two of three within 20 s, then one.
    assert_eq!((level.then, level.now), (Some(6_667), Some(3_333)));
    assert_eq!(level.band, Some((-3_334, -3_334)));
    let calls = |agent: &str| {
        let row = row(&About::Agent(agent.into()), Figure::Calls);
        (row.then, row.now)
    };
    assert_eq!(calls("ann"), (Some(1), Some(3)));
    assert_eq!(calls("bob"), (Some(2), Some(0)));
}

#[test]
fn agents_who_were_not_there_are_named() {
    let (entries, centre) = three_callers();
    let more = centre.clone() + &BOB.replace("bob", "cem").replace("1002", "1003");
    let report = study(&entries, &more, 1);
    assert_eq!(report.not_at_work, ["cem"]);
    assert_eq!(report.changed, []);
}

#[test]
fn who_gives_up_does_so_after_as_long_in_every_centre() {
    let centre = format!("{TWO_AGENTS}{BOB}");
    let world = World::builder(seed(12)).centre(&centre).build();
    let ann = world.agent("ann").available();
    let (first, second) = (world.phone("+4930111"), world.phone("+4930222"));
    first.calls("2000");
    world.run_for(secs(4));
    ann.answers();
    second.calls("2000");
    world.run_for(secs(30));
    second.hangs_up();
    world.run_for(secs(30));
    first.hangs_up();
    world.run_for(secs(5));
    let entries = world.whole_journal();
    // Nobody may wait for more than 10 s there: the second is sent on before they give up.
    let other = centre.replace(
        "number = \"2000\"",
        "number = \"2000\"\nmax_wait = 10\nwhen_overflow = { to = \"announcement:sorry\" }",
    );
    let report = study(&entries, &other, 5);
    let [changed] = report.changed.as_slice() else {
        panic!("{:?}", report.changed)
    };
    let ending = |fate: &Option<replay::Fate>| fate.as_ref().map(|fate| fate.ending);
    assert_eq!(ending(&changed.then), Some(Ending::Abandoned));
    assert_eq!(ending(&changed.now), Some(Ending::SentOn));
}

/// A VIP who came last is served before who had waited for twenty seconds, on the day and in every centre that gives VIPs points.
#[test]
fn rule_2_a_vip_of_the_day_is_one_in_every_centre_and_has_its_points() {
    let centre = TWO_AGENTS.to_owned();
    let world = World::builder(seed(13)).centre(&centre).build();
    world.marks_vips(1, &["0612345678"]);
    let ann = world.agent("ann").available();
    let [first, second, vip] =
        ["+4930111", "+4930222", "+31612345678"].map(|number| world.phone(number));
    first.calls("2000");
    ann.answers();
    second.calls("2000");
    world.run_for(secs(20));
    vip.calls("2000");
    first.hangs_up();
    world.run_for(secs(1));
    ann.answers();
    assert!(vip.talks_to(&ann));
    world.run_for(secs(10));
    vip.hangs_up();
    world.run_for(secs(1));
    ann.answers();
    world.run_for(secs(10));
    second.hangs_up();
    world.run_for(secs(5));
    // The mark may be gone when the day is played again.
    world.marks_vips(1, &[]);
    let day = read(&world.whole_journal());
    let model = Model::measured(&day);
    let other = |vip_priority: i32| {
        let mut settings = Settings::default();
        settings.centre.vip_priority = vip_priority;
        let centre = config::parse_centre(&centre, "other.toml").expect("a right centre");
        let snapshot = Snapshot {
            version: 1,
            settings: Arc::new(settings),
            centre: Arc::new(centre),
        };
        let paper = Paper::new(Arc::new(snapshot), day.names());
        let study = Study::new(&day, &paper, &model);
        study.report(&[study.run(1)])
    };
    assert!(other(10).same);
    let report = other(0);
    assert_eq!(report.changed.len(), 2, "the two change places: {report:?}");
    assert!(!report.same);
}

/// A code that is given ten seconds after the call ends the wrap-up then, on the day; where none is required there is no wrap-up, and where
/// one is that was not, somebody gives it.
#[test]
fn rule_17_codes_are_given_as_on_the_day_or_drawn() {
    use engine::command::{CodeWish, Had};
    let codes = "[[wrap_up_codes]]\nname = \"outcome\"\ncodes = [\"sold\"]\n";
    let optional = format!("{TWO_AGENTS}{codes}");
    let required = optional.replace(
        "number = \"2000\"",
        "number = \"2000\"\nwrap_up_code = \"required\"",
    );
    let day = |centre: &str| {
        let world = World::builder(seed(14)).centre(centre).build();
        let ann = world.agent("ann").available();
        let [first, second] = ["+4930111", "+4930222"].map(|number| world.phone(number));
        first.calls("2000");
        ann.answers();
        let call = *world.view().calls.keys().next().expect("it is up");
        second.calls("2000");
        world.run_for(secs(20));
        first.hangs_up();
        world.run_for(secs(10));
        let past = Had {
            agent: "ann".into(),
            queue: Some("sales".into()),
        };
        let code = CodeWish {
            category: None,
            code: "sold".into(),
            text: None,
        };
        if centre.contains("required") {
            ann.asks(engine::CommandBody::CodeCall {
                call,
                past: Some(Box::new(past)),
                code: Some(Box::new(code)),
            });
        }
        ann.answers();
        world.run_for(secs(30));
        second.hangs_up();
        world.run_for(secs(300));
        world.whole_journal()
    };
    let coded = day(&required);
    assert!(study(&coded, &required, 1).same);
    let freed = study(&coded, &optional, 1);
    assert_eq!(
        freed.changed.len(),
        1,
        "the second is rung ten seconds sooner"
    );
    let uncoded = day(&optional);
    assert!(study(&uncoded, &optional, 1).same);
    let asked = study(&uncoded, &required, 3);
    let [changed] = asked.changed.as_slice() else {
        panic!("{:?}", asked.changed)
    };
    let now = changed.now.as_ref().expect("a queue had it");
    assert_eq!(now.agent.as_deref(), Some("ann"), "the code was given");
}

#[test]
fn a_day_that_lacks_entries_is_refused() {
    let (mut entries, _) = three_callers();
    entries.drain(10..15);
    let mut reader = DayReader::default();
    let refused = entries.iter().try_for_each(|entry| reader.take(entry));
    let text = refused.expect_err("entries are missing").to_string();
    assert_eq!(text, "entries 11 to 15 are missing; begin after them");
    assert!(DayReader::default().finish().is_err());
}

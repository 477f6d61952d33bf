//! What somebody who runs the daemon relies on: docs/operations.md.

use std::collections::BTreeSet;

use e2e::centre::{PASSWORD, administrator, attendant, queue, trunk};
use e2e::daemon::{apply, write_settings};
use e2e::{Api, Daemon, FarEnd, Place, Scenario, Settings, eventually};
use serde_json::json;

use crate::common::{CALLER_HZ, SOON};

const PAGE: &str = include_str!("../../../../docs/operations.md");

#[test]
fn e2e_metrics_are_those_that_the_page_lists() {
    let place = Place::take();
    let daemon = Daemon::start(&place, "");
    let scraped = daemon.api().request("GET", "/metrics", None).text;
    let names = scraped
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE lampfield_")?.split(' ').next());
    let scraped: BTreeSet<&str> = names.collect();
    let section = PAGE.split("## Metrics").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let listed: BTreeSet<&str> = cells
        .flat_map(|cell| cell.split("`, `"))
        .filter_map(|name| name.split(['`', '{']).next())
        .collect();
    assert_eq!(listed, scraped);
}

/// CW-2.1.12: whoever may use the daemon's files is never locked out of the centre.
#[test]
fn e2e_locked_administrator_is_let_in_again_from_the_machine() {
    let place = Place::take();
    let daemon = Daemon::start(&place, &administrator("boss"));
    for _ in 0..5 {
        assert_eq!(daemon.api().try_login("boss", "a wrong one").status, 401);
    }
    let locked = daemon.api().try_login("boss", PASSWORD);
    assert_eq!(locked.status, 401);
    assert_eq!(locked.body["type"], "urn:lampfield:problem:locked");

    let example = PAGE.split("### Locked out").nth(1).unwrap();
    let file = example.split("```toml\n").nth(1).unwrap();
    let file = file.split("```").next().unwrap();
    let applied = apply(place.directory(), file, &[]);
    assert!(applied.status.success(), "{applied:?}");
    let rescue = Api::login(place.http(), "rescue", "twelve or more characters");
    let new = json!({"locked": false, "password": "another long password"});
    rescue.act("PATCH", "/users/boss", &new);
    let boss = Api::login(place.http(), "boss", "another long password");
    boss.act("DELETE", "/users/rescue", &json!(null));

    // And nobody saws off the branch that is left.
    let pruned = apply(place.directory(), "", &["--prune"]);
    let said = String::from_utf8_lossy(&pruned.stderr).into_owned();
    assert_eq!(pruned.status.code(), Some(1), "{pruned:?}");
    assert!(
        said.contains("centre.toml:1") && said.contains("last administrator"),
        "{said}"
    );
    assert_eq!(boss.list("/users").len(), 1);
}

#[test]
fn e2e_calls_are_in_the_log_at_debug_from_the_moment_that_it_is_asked_for() {
    let place = Place::take();
    let centre = trunk("carrier", place.carrier(), &[]) + &queue("support", "2000", "");
    let daemon = Daemon::start_with(&place, &centre, |settings| {
        settings.log_level = "info".into();
    });
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);
    let call = || {
        let call = Scenario::caller(&place, "caller_hangs_up", "2000", "+491");
        call.media(ear.address).start(&place).succeeds(SOON);
    };
    call();
    assert!(!daemon.printed().contains("call-"), "{}", daemon.printed());
    write_settings(&place, &Settings::of(&place));
    daemon.reread();
    call();
    let steps = [
        "call-started",
        "trunk=carrier",
        "caller.number=+491",
        "called=2000",
        "call-queued",
        "queue=support",
        "call-left-queue",
        "call-ended",
        "cause.result=abandoned",
    ];
    eventually("the steps of the call in the log", SOON, || {
        let log = daemon.printed();
        steps.iter().all(|step| log.contains(step)).then_some(())
    });
}

/// A phone's kept password contains the domain, so with another one it is good for nothing.
#[test]
fn e2e_another_domain_names_the_phones_that_need_their_passwords_again() {
    let place = Place::take();
    let centre = queue("support", "2000", "") + &attendant("alice", "1001", "support");
    let mut daemon = Daemon::start(&place, &centre);
    let warned = |daemon: &Daemon| {
        let log = daemon.printed();
        log.lines().any(|line| {
            line.contains("WARN") && line.contains("new.example") && line.contains("user alice")
        })
    };
    assert!(!warned(&daemon));
    let mut settings = Settings::of(&place);
    settings.domain = "new.example".into();
    write_settings(&place, &settings);
    daemon.reread();
    assert!(warned(&daemon), "before the restart that it needs");
    daemon.restart();
    assert!(warned(&daemon), "at the start");
    let applied = apply(place.directory(), &centre, &[]);
    let said = String::from_utf8_lossy(&applied.stdout).into_owned();
    assert!(
        said.contains("sip_password: (secret) -> (secret)"),
        "{said}"
    );
    daemon.restart();
    assert!(!warned(&daemon), "the password was set again");
}

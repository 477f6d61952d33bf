//! Prompts that are uploaded take the place of ours, at the next play (AP-C.6).

use std::sync::Arc;

use config::{Centre, Prompt};
use engine::event::Event;
use sim::{CENTRE, World, secs, seed, uploaded};

fn upload(w: &World, name: &str) {
    w.changes(|centre| {
        centre.prompts.insert(name.into(), uploaded());
    });
}

fn remove(w: &World, name: &str) {
    w.changes(|centre| {
        centre.prompts.remove(name);
    });
}

/// The changes of prompts that clients were told, in order.
fn told(w: &World) -> Vec<(String, String)> {
    let events = w.events();
    let changes = events.iter().filter_map(|(_, event)| match &**event {
        Event::CentreChanged { changes, .. } => Some(changes.clone()),
        _ => None,
    });
    changes
        .flatten()
        .filter(|change| change.kind == "prompts")
        .map(|change| (change.name, change.what))
        .collect()
}

#[test]
fn ap_c_6_an_uploaded_welcome_is_heard_from_the_next_caller_on_and_ours_again_when_it_is_removed() {
    let w = World::new(seed(1));
    let (first, second, third) = (w.phone("+49301"), w.phone("+49302"), w.phone("+49303"));
    first.calls("support");
    assert!(first.hears_clip("welcome"));
    upload(&w, "welcome");
    assert!(
        first.hears_clip("welcome"),
        "who hears the old one hears it to its end"
    );
    second.calls("support");
    assert!(second.hears_clip("uploaded"));
    w.run_for(secs(3));
    assert!(
        second.hears_clip("default"),
        "then comes the music, as ever"
    );
    remove(&w, "welcome");
    third.calls("support");
    assert!(third.hears_clip("welcome"));
    let expected = ["added", "removed"].map(|what| ("welcome".into(), what.into()));
    assert_eq!(told(&w), expected);
    for phone in [first, second, third] {
        phone.hangs_up();
    }
    w.expect_quiet();
}

#[test]
fn ap_c_6_words_and_music_are_replaced_like_whole_sentences() {
    let sales = "number = \"2000\"\nannounce = { every = 10, position = true }";
    let centre = CENTRE.replace("number = \"2000\"", sales);
    let w = World::builder(seed(2)).centre(&centre).build();
    let caller = w.phone("+49301");
    caller.calls("sales");
    assert!(caller.hears_clip("default"));
    upload(&w, "default");
    assert!(caller.hears_clip("default"), "until it is stopped");
    upload(&w, "next");
    w.run_for(secs(3));
    assert!(caller.hears_clip("uploaded"), "the word");
    w.run_for(secs(3));
    assert!(caller.hears_clip("uploaded"), "the music, after the word");
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ap_c_6_a_new_prompt_can_be_named_and_ends_like_ours() {
    let number = "[[numbers]]\nnumber = \"+4930500\"\nto = \"announcement:sorry\"\n";
    let centre = format!("{CENTRE}\n{number}");
    let w = World::builder(seed(3)).centre(&centre).build();
    w.changes(|centre: &mut Centre| {
        centre.prompts.insert("christmas".into(), uploaded());
        let support = centre.queues.get_mut("support").expect("there is one");
        let support = Arc::make_mut(support);
        support.welcome = Some("christmas".parse().expect("a name"));
        let number = centre.numbers.get_mut("+4930500").expect("there is one");
        Arc::make_mut(number).to = Some("announcement:christmas".parse().expect("a destination"));
    });
    let (waits, listens) = (w.phone("+49301"), w.phone("+49302"));
    waits.calls("support");
    listens.calls("+4930500");
    assert!(waits.hears_clip("uploaded") && listens.hears_clip("uploaded"));
    w.run_for(secs(3));
    assert!(waits.hears_clip("default"));
    assert!(listens.is_idle(), "after the announcement the call is over");
    waits.hangs_up();
    w.expect_quiet();
}

/// Its file is damaged: what comes with the program is heard, or else nothing, and somebody is told.
#[test]
fn ap_c_6_an_upload_that_cannot_be_read_raises_an_alarm_until_it_is_mended() {
    let w = World::new(seed(4));
    let broken = Prompt {
        sha256: String::new(),
        clip: None,
    };
    w.changes(|centre| {
        for name in ["welcome", "christmas"] {
            centre.prompts.insert(name.into(), broken.clone());
        }
    });
    let caller = w.phone("+49301");
    caller.calls("support");
    assert!(caller.hears_clip("welcome"));
    let alarms = || w.view().alarms.keys().cloned().collect::<Vec<String>>();
    assert_eq!(
        alarms(),
        ["prompt-unreadable:christmas", "prompt-unreadable:welcome"]
    );
    upload(&w, "welcome");
    remove(&w, "christmas");
    assert!(alarms().is_empty());
    caller.hangs_up();
    w.expect_quiet();
}

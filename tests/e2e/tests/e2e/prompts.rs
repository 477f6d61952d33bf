//! Prompts that are uploaded, heard by a caller: measured, over restarts, and with damaged files (AP-C.6).

use std::time::{Duration, Instant};

use e2e::centre::{administrator, queue, trunk};
use e2e::daemon::apply;
use e2e::{Api, Daemon, FarEnd, Place, Scenario, Sound};
use serde_json::json;

use crate::common::{CALLER_HZ, SOON, assert_music};

const WELCOME_HZ: u32 = 700;
const WORD_HZ: u32 = 1_700;
const MUSIC_HZ: u32 = 1_300;
/// What no tone is heard in.
const OTHER: u32 = 0;

const WELCOMING: &str = "welcome = \"welcome\"\nannounce = { every = 60, position = true }";

fn centre(place: &Place, support: &str) -> String {
    trunk("carrier", place.carrier(), &[])
        + &queue("support", "2000", support)
        + &administrator("root")
}

fn put(root: &Api, name: &str, wav: &[u8]) -> u16 {
    let path = format!("/prompts/{name}");
    root.upload("PUT", &path, "audio/wav", wav).status
}

/// What a caller hears who waits so long.
fn heard(place: &Place, ear: &FarEnd, stays: Duration) -> Sound {
    let began = Instant::now();
    let call = Scenario::caller(place, "caller_hangs_up", "2000", "+491").media(ear.address);
    let mut call = call.pause(stays).start(place);
    call.succeeds(stays + SOON);
    ear.heard(began, Instant::now())
}

/// Which of the tones are heard, in their order.
fn tones(sound: &Sound) -> Vec<u32> {
    let tone = |part: &[i16]| {
        let part = Sound(part.to_vec());
        let is_heard = |hz: &u32| part.share_of(*hz) > 0.9;
        let found = [WELCOME_HZ, WORD_HZ, MUSIC_HZ].into_iter().find(is_heard);
        found.unwrap_or(OTHER)
    };
    let mut tones: Vec<u32> = sound.0.chunks(1_600).map(tone).collect();
    // A part in which one tone follows the other is neither.
    tones.dedup();
    let between = |at: usize| at > 0 && at + 1 < tones.len() && tones[at] == OTHER;
    let kept = (0..tones.len()).filter(|at| !between(*at));
    let mut kept: Vec<u32> = kept.map(|at| tones[at]).collect();
    kept.dedup();
    kept
}

/// A tone of one second as studios make them: 44.1 kHz, 24 bits, stereo.
fn studio_wav(hz: u32) -> Vec<u8> {
    let rate = 44_100_u32;
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0".to_vec();
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * 6).to_le_bytes());
    wav.extend(b"\x06\0\x18\0data");
    wav.extend((rate * 6).to_le_bytes());
    for at in 0..rate {
        let angle = std::f64::consts::TAU * f64::from(hz) * f64::from(at) / f64::from(rate);
        let sample = (2_000_000.0 * angle.sin()) as i32;
        for _ in 0..2 {
            wav.extend(&sample.to_le_bytes()[..3]);
        }
    }
    wav
}

#[test]
fn e2e_uploaded_welcome_word_and_music_are_heard_also_after_a_restart_and_ours_when_they_are_removed()
 {
    let place = Place::take();
    let mut daemon = Daemon::start(&place, &centre(&place, WELCOMING));
    let root = daemon.login("root");
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);
    let stays = Duration::from_secs(4);

    let welcome = studio_wav(WELCOME_HZ);
    assert_eq!(put(&root, "welcome", &welcome), 200);
    assert_eq!(put(&root, "next", &Sound::tone(WORD_HZ, 1).to_wav()), 200);
    assert_eq!(
        put(&root, "default", &Sound::tone(MUSIC_HZ, 1).to_wav()),
        200
    );
    let all = [WELCOME_HZ, WORD_HZ, MUSIC_HZ];
    assert_eq!(tones(&heard(&place, &ear, stays)), all);
    let row = root.read("/prompts/welcome");
    assert_eq!(
        [
            &row["replaced"],
            &row["seconds"],
            &row["sample_rate_hz"],
            &row["uploaded_by"]
        ],
        [&json!(true), &json!(1.0), &json!(44_100), &json!("root")]
    );
    assert_eq!(row["used_by"], json!(["queues/support.welcome"]));
    let back = root.request("GET", "/api/v1/prompts/welcome/audio", None);
    assert!(
        back.text == String::from_utf8_lossy(&welcome),
        "another file came back"
    );

    daemon.restart();
    let root = daemon.login("root");
    assert_eq!(root.read("/prompts/welcome"), row);
    assert_eq!(tones(&heard(&place, &ear, stays)), all);

    root.act("DELETE", "/prompts/welcome", &json!(null));
    let ours = Sound::of_wav_bytes(media::assets::WELCOME.wav).in_pcmu();
    let stays = Duration::from_secs_f64(ours.seconds() + 3.0);
    let sound = heard(&place, &ear, stays);
    assert!(
        sound.0.windows(ours.0.len()).any(|part| part == ours.0),
        "{} s of something else",
        sound.seconds()
    );
    assert_eq!(tones(&sound), [OTHER, WORD_HZ, MUSIC_HZ]);
    daemon.terminate();
}

#[test]
fn e2e_a_damaged_upload_is_said_and_ours_is_heard_instead() {
    let place = Place::take();
    let mut daemon = Daemon::start(&place, &centre(&place, ""));
    let root = daemon.login("root");
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);
    assert_eq!(
        put(&root, "default", &Sound::tone(MUSIC_HZ, 1).to_wav()),
        200
    );
    daemon.kill9();
    let file = place.directory().join("var/prompts/default.wav");
    std::fs::write(file, "no sound any more").unwrap();
    daemon.restart();
    let root = daemon.login("root");
    let row = root.read("/prompts/default");
    assert_eq!(
        (&row["replaced"], &row["built_in"]),
        (&json!(false), &json!(true))
    );
    assert!(
        row["fault"].as_str().unwrap().contains("no WAV file"),
        "{row:#}"
    );
    assert!(
        daemon
            .printed()
            .contains("an uploaded prompt cannot be played")
    );
    let stays = Duration::from_secs(3);
    assert_music(&heard(&place, &ear, stays));
    assert_eq!(
        put(&root, "default", &Sound::tone(MUSIC_HZ, 1).to_wav()),
        200
    );
    assert_eq!(tones(&heard(&place, &ear, stays)), [MUSIC_HZ]);
}

#[test]
fn e2e_what_is_no_sound_and_names_of_no_prompt_are_refused() {
    let place = Place::take();
    let mut daemon = Daemon::start(&place, &centre(&place, ""));
    let root = daemon.login("root");
    let tone = Sound::tone(WORD_HZ, 1).to_wav();
    let mut odd_width = tone.clone();
    odd_width[34] = 12;
    let mut no_samples = tone.clone();
    no_samples.truncate(44);
    for (name, file, status) in [
        ("a text", b"hello".as_slice(), 415),
        ("an MP3", b"ID3\x03\0\0\0\0", 415),
        ("nothing", b"", 415),
        ("half a header", &tone[..30], 422),
        ("12 bits", &odd_width, 422),
        ("no samples", &no_samples, 422),
    ] {
        assert_eq!(put(&root, "christmas", file), status, "{name}");
    }
    let answer = root.request("GET", "/api/v1/prompts/christmas", None);
    assert_eq!(answer.status, 404);
    let folder = place.directory().join("var/prompts");
    assert!(!folder.exists() || folder.read_dir().unwrap().next().is_none());

    let names = centre(&place, "welcome = \"christmas\"");
    let apply = || apply(place.directory(), &names, &["--dry-run"]);
    let refused = apply();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("there is no prompt"),
        "{said}"
    );
    assert_eq!(put(&root, "christmas", &tone), 201);
    assert!(apply().status.success(), "while the daemon runs");
    daemon.kill9();
    assert!(apply().status.success(), "while it does not");
}

//! A journal of every set of rules, as the program of its time wrote it: it is read for good, and under the rules it was
//! written with it gives the same decisions.
//!
//! `UPDATE_EXPECT=1` writes one for the rules in force, where there is none yet. One that is there never changes.

use std::path::{Path, PathBuf};

use engine::RULES_VERSION;
use engine::journal::{Body, Entry, Stamp};
use replay::Verifier;
use sim::crowd::Run;

/// A row as the store has it: number, stamp, kind, body.
type Row = (
    u64,
    (u8, u32, u64, i64, u64, u32),
    u16,
    minicbor::bytes::ByteVec,
);

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn file_of(rules: u32) -> PathBuf {
    directory().join(format!("rules-{rules}.journal"))
}

fn row(entry: &Entry) -> Row {
    let Stamp {
        node,
        incarnation,
        mono_us,
        utc_us,
        config_version,
        rules_version,
    } = entry.stamp;
    let stamp = (
        node,
        incarnation,
        mono_us,
        utc_us,
        config_version,
        rules_version,
    );
    (
        entry.seq,
        stamp,
        entry.body.kind(),
        entry.body.encode().into(),
    )
}

fn entry((seq, stamp, kind, body): &Row) -> Entry {
    let (node, incarnation, mono_us, utc_us, config_version, rules_version) = *stamp;
    let body = Body::decode(*kind, body).expect("an old entry reads");
    let stamp = Stamp {
        node,
        incarnation,
        mono_us,
        utc_us,
        config_version,
        rules_version,
    };
    let seq = *seq;
    Entry { seq, stamp, body }
}

fn read(file: &Path) -> Vec<Entry> {
    let bytes = std::fs::read(file).expect("it is there");
    let rows: Vec<Row> = minicbor::decode(&bytes).expect("rows");
    rows.iter().map(entry).collect()
}

fn write_missing() {
    let file = file_of(RULES_VERSION);
    if std::env::var_os("UPDATE_EXPECT").is_none() || file.exists() {
        return;
    }
    let run = Run {
        seed: 5,
        calls: 60,
        trace: 0,
    };
    let (_, entries) = run.play_and_keep();
    let rows: Vec<Row> = entries.iter().map(row).collect();
    let bytes = minicbor::to_vec(rows).expect("a vector takes all");
    std::fs::create_dir_all(directory()).expect("it can be made");
    std::fs::write(file, bytes).expect("it can be written");
}

#[test]
fn a_journal_of_every_set_of_rules_is_read_and_played_again() {
    write_missing();
    assert!(
        file_of(RULES_VERSION).exists(),
        "there is no sample of rules {RULES_VERSION}: UPDATE_EXPECT=1 writes it"
    );
    for found in std::fs::read_dir(directory()).expect("samples") {
        let file = found.expect("a file").path();
        let entries = read(&file);
        assert!(entries.len() > 500, "{}", file.display());
        let mut verifier = Verifier::default();
        let mut played = entries.iter().map(|entry| verifier.take(entry));
        match played.find_map(Result::err) {
            None => {}
            // Other rules may decide otherwise; what they must not is fail to read.
            Some(difference) => assert_ne!(
                difference.rules_version,
                RULES_VERSION,
                "{}: {difference}",
                file.display()
            ),
        }
    }
}

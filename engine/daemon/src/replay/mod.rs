//! `lampfield replay`: a day played again from its journal, which a running daemon may go on writing meanwhile.

mod other;
mod table;

use std::path::PathBuf;

use ::replay::{Difference, Missing, Verified, Verifier};
use anyhow::{Context as _, bail};
use config::Settings;
use engine::RULES_VERSION;
use engine::journal::Entry;
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Beginning, JournalReader};

use crate::print::{complain, say};

/// What the command line asks for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The journal: its file, or the directory of the store.
    #[arg(long, value_name = "PATH")]
    journal: PathBuf,
    /// From the last checkpoint before this moment on, such as 2026-11-02T08:00:00Z; without it, all that the journal holds.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Up to this moment.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Plays the same day against this centre, and prints what would have been different.
    #[arg(long, value_name = "FILE")]
    centre: Option<PathBuf>,
    /// So many runs, each with draws of its own for what the day cannot tell.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000), requires = "centre")]
    runs: u32,
    /// Lists the calls that would have gone otherwise.
    #[arg(long, requires = "centre")]
    calls: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Whether the settings matter: the journal alone needs none.
    pub(crate) fn needs_settings(&self) -> bool {
        self.centre.is_some()
    }
}

/// Plays the journal again, or against another centre. False when it is not identical, or the centre has faults: that has been
/// printed.
///
/// # Errors
///
/// What keeps it from being read, in one line.
pub(crate) fn run(options: &Options, settings: Settings) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    match &options.centre {
        Some(file) => runtime.block_on(other::compare(options, file, settings)),
        None => runtime.block_on(verify(options)),
    }
}

async fn verify(options: &Options) -> anyhow::Result<bool> {
    let mut journal = Journal::open(options).await?;
    let mut verifier = Verifier::default();
    while let Some(entries) = journal.next().await? {
        for entry in &entries {
            if let Err(difference) = verifier.take(entry) {
                tell_difference(&difference, options.json);
                return Ok(false);
            }
        }
    }
    let found = verifier.finish();
    if found.span_us.is_none() {
        bail!("the journal holds nothing of that time");
    }
    tell_identical(&found, options.json);
    Ok(true)
}

/// The part of a journal that was asked for.
struct Journal {
    reader: JournalReader,
    to_us: i64,
}

impl Journal {
    async fn open(options: &Options) -> anyhow::Result<Self> {
        let from_us = options.from.map(Timestamp::as_microsecond);
        let to_us = options.to.map_or(i64::MAX, Timestamp::as_microsecond);
        if from_us.is_some_and(|from_us| from_us >= to_us) {
            bail!("--from is not before --to");
        }
        let mut reader = JournalReader::open(&options.journal).await?;
        match reader.beginning(from_us).await? {
            Beginning::At(seq) => reader.seek(seq),
            Beginning::Empty => bail!("{}: the journal is empty", options.journal.display()),
            Beginning::NoCheckpoint => bail!(
                "{}: no checkpoint is left to begin with{}",
                options.journal.display(),
                if from_us.is_some() {
                    " before --from"
                } else {
                    ""
                }
            ),
        }
        Ok(Self { reader, to_us })
    }

    async fn next(&mut self) -> anyhow::Result<Option<Vec<Entry>>> {
        let mut entries = self.reader.next_batch().await?;
        entries.retain(|entry| entry.stamp.utc_us <= self.to_us);
        Ok(Some(entries).filter(|entries| !entries.is_empty()))
    }
}

fn tell_identical(found: &Verified, as_json: bool) {
    if as_json {
        return say(&verified_json(found).to_string());
    }
    say(&format!(
        "identical: {} inputs, {} calls, {} alerts, {} checkpoints",
        thousands(found.inputs),
        thousands(found.calls),
        thousands(found.alerts),
        thousands(found.checkpoints)
    ));
    for note in notes(found) {
        say(&note);
    }
}

/// What else there is to know of a day.
fn notes(found: &Verified) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((from, to)) = found.span_us {
        notes.push(format!("from {} to {}", moment(from), moment(to)));
    }
    if found.starts > 0 || found.changes > 0 {
        notes.push(format!(
            "in it the daemon started {}, and the centre changed {}",
            times(found.starts),
            times(found.changes)
        ));
    }
    notes.extend(found.missing.iter().map(missing_words));
    if !found.other_rules.is_empty() {
        let others: Vec<String> = found.other_rules.iter().map(u32::to_string).collect();
        notes.push(format!(
            "written under rules {}, played again under rules {RULES_VERSION}",
            others.join(", ")
        ));
    }
    notes
}

fn missing_words(missing: &Missing) -> String {
    let Missing {
        first_seq,
        last_seq,
        resumed_at,
    } = missing;
    let entries = format!("entries {first_seq} to {last_seq} are missing");
    match resumed_at {
        Some(seq) => {
            format!("{entries}: nothing was compared from there to the checkpoint in entry {seq}")
        }
        None => format!("{entries}: nothing was compared after them, for want of a checkpoint"),
    }
}

fn verified_json(found: &Verified) -> Value {
    let missing: Vec<Value> = found
        .missing
        .iter()
        .map(|missing| {
            json!({
                "first_seq": missing.first_seq,
                "last_seq": missing.last_seq,
                "resumed_at": missing.resumed_at,
            })
        })
        .collect();
    json!({
        "identical": true,
        "from": found.span_us.map(|(from, _)| moment(from)),
        "to": found.span_us.map(|(_, to)| moment(to)),
        "inputs": found.inputs,
        "calls": found.calls,
        "alerts": found.alerts,
        "diversions": found.diversions,
        "checkpoints": found.checkpoints,
        "starts": found.starts,
        "centre_changes": found.changes,
        "missing": missing,
        "other_rules": found.other_rules,
    })
}

fn tell_difference(difference: &Difference, as_json: bool) {
    if as_json {
        let text = json!({
            "identical": false,
            "difference": {
                "seq": difference.seq,
                "at": moment(difference.utc_us),
                "journal": difference.journal,
                "again": difference.again,
                "rules_version": difference.rules_version,
            },
        });
        return say(&text.to_string());
    }
    complain(&format!(
        "lampfield: not identical, first at {}: {difference}",
        moment(difference.utc_us)
    ));
}

/// A moment as RFC 3339 has it, in UTC.
fn moment(utc_us: i64) -> String {
    Timestamp::from_microsecond(utc_us).map_or_else(|_| utc_us.to_string(), |at| at.to_string())
}

fn times(count: u64) -> String {
    match count {
        0 => "never".into(),
        1 => "once".into(),
        more => format!("{} times", thousands(more)),
    }
}

/// A count with commas between thousands.
fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;

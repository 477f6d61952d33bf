//! `lampfield replay --centre FILE`: what the day would have been in another centre.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use ::replay::{Day, DayReader, Model, Report, Run, Study};
use anyhow::{Context as _, anyhow};
use config::{Centre, Settings, Snapshot};
use engine::paper::Paper;

use super::{Journal, Options, table};
use crate::print::{complain, say};
use crate::prompts;

/// Plays the day against the centre in `file`. False when that has faults, which have been printed.
///
/// # Errors
///
/// What keeps the day from being played, in one line.
pub(super) async fn compare(
    options: &Options,
    file: &Path,
    settings: Settings,
) -> anyhow::Result<bool> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    // The file may name what was uploaded here.
    let uploads = Centre {
        prompts: prompts::known(Path::new(settings.store.directory.as_ref())),
        ..Centre::default()
    };
    let empty = Snapshot {
        version: 0,
        settings: Arc::new(settings),
        centre: Arc::new(uploads),
    };
    let centre = match config::apply_centre(&text, &name, &empty, true) {
        Ok(centre) => Arc::new(centre),
        Err(faults) => {
            complain(&faults.render());
            return Ok(false);
        }
    };
    let snapshot = Snapshot { centre, ..empty };
    let day = read(options).await?;
    let report = play(&day, snapshot, options.runs);
    say(&if options.json {
        table::json(&report, options.calls).to_string()
    } else {
        table::text(&report, &name, options.calls)
    });
    Ok(true)
}

async fn read(options: &Options) -> anyhow::Result<Day> {
    let mut journal = Journal::open(options).await?;
    let mut reader = DayReader::default();
    while let Some(entries) = journal.next().await? {
        for entry in &entries {
            reader.take(entry)?;
        }
    }
    reader.finish().map_err(|unfit| anyhow!(unfit))
}

pub(super) fn play(day: &Day, snapshot: Snapshot, runs: u32) -> Report {
    let paper = Paper::new(Arc::new(snapshot), day.names());
    let model = Model::measured(day);
    let study = Study::new(day, &paper, &model);
    let mut played = vec![study.run(1)];
    // Where nothing is different nothing is drawn.
    if !study.report(&played).same {
        played.extend(play_more(&study, 2..=u64::from(runs)));
    }
    study.report(&played)
}

/// Runs have nothing to do with one another: as many at a time as there are processors. In the order of their seeds.
fn play_more(study: &Study<'_>, seeds: std::ops::RangeInclusive<u64>) -> Vec<Run> {
    let seeds: Vec<u64> = seeds.collect();
    let at_a_time = thread::available_parallelism().map_or(1, NonZero::get);
    let share = seeds.len().div_ceil(at_a_time).max(1);
    thread::scope(|scope| {
        let parts = seeds.chunks(share).map(|part| {
            scope.spawn(|| part.iter().map(|seed| study.run(*seed)).collect::<Vec<_>>())
        });
        let parts: Vec<_> = parts.collect();
        let joined = parts.into_iter().map(|part| {
            part.join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        joined.flatten().collect()
    })
}

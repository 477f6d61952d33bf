//! `benches [--accept] [NAME...]`: runs the benches, all or those named, and prints what came of them.
//!
//! Fails if a ratio is a tenth worse than the one in `baseline.txt`, or a bench could not be run to its end. `--accept`
//! writes the ratios of this run into that file instead. `--soak=SECONDS` puts steady load on the daemon instead, and
//! fails if anything has grown.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use benches::baseline::Baseline;
use benches::run;
use benches::table::{self, Line};

type Bench = (&'static str, fn() -> Result<Vec<Line>>);

const BENCHES: [Bench; 6] = [
    ("codec", run::codec::run_all),
    ("acd", run::acd::run_all),
    ("engine", run::engine_alone::run_all),
    ("relay", run::relay::run_all),
    ("call", run::b2bua::run_all),
    ("queue", run::queued::run_all),
];
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.txt");

#[expect(clippy::print_stdout, reason = "the table is what it is run for")]
fn main() -> Result<ExitCode> {
    let (options, names): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|arg| arg.starts_with("--"));
    let unknown = names
        .iter()
        .find(|name| BENCHES.iter().all(|(known, _)| known != name));
    anyhow::ensure!(
        unknown.is_none(),
        "no bench {unknown:?}: {:?}",
        BENCHES.map(|(name, _)| name)
    );
    if let Some(seconds) = options
        .iter()
        .find_map(|option| option.strip_prefix("--soak="))
    {
        println!("{}", run::soak::run(seconds.parse()?)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut baseline = read_baseline()?;
    let (mut lines, mut broken) = (Vec::new(), false);
    for (name, run) in BENCHES {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        eprintln!("{name} ...");
        match run() {
            Ok(more) => lines.extend(more),
            Err(fault) => {
                eprintln!("{name} came to nothing: {fault:#}");
                lines.push(Line::Skipped {
                    name: name.into(),
                    why: "it FAILED, see above".into(),
                });
                broken = true;
            }
        }
    }
    print!("{}", table::text(&lines, &baseline));
    if options.iter().any(|option| option == "--accept") {
        baseline.accept(&lines);
        std::fs::write(BASELINE, baseline.text()).context(BASELINE)?;
    }
    let worse = lines
        .iter()
        .any(|line| matches!(line, Line::Measured(figure) if figure.is_worse(&baseline)));
    Ok(if worse || broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn read_baseline() -> Result<Baseline> {
    if !Path::new(BASELINE).exists() {
        return Ok(Baseline::default());
    }
    Baseline::parse(&std::fs::read_to_string(BASELINE).context(BASELINE)?).context(BASELINE)
}

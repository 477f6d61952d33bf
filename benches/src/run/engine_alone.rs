//! The engine's time for a whole queued call, and how it grows with those who wait.

use std::process::Command;

use anyhow::Result;

use super::ROUNDS;
use super::codec::collected;
use crate::process::{built, field, find, run};
use crate::spread::Spread;
use crate::table::{Aim, Figure, Line};

const FEW: &str = "10";
const MANY: &str = "100000";
const CALLS: &str = "2000";
/// Under valgrind it takes fifty times as long.
const MANY_COUNTED: &str = "10000";
const CALLS_COUNTED: u32 = 200;

/// Runs it.
///
/// # Errors
///
/// If a program fails.
pub fn run_all() -> Result<Vec<Line>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((Round::of(FEW)?, Round::of(MANY)?));
    }
    let median = |figure: &dyn Fn(&(Round, Round)) -> f64| {
        let all: Vec<f64> = rounds.iter().map(figure).collect();
        Spread::of(&all).map_or(f64::NAN, |spread| spread.median)
    };
    let few = median(&|round| round.0.us);
    let many = median(&|round| round.1.us);
    let scan = median(&|round| round.0.scan_us);
    let call = Figure::new("engine: queued call, 10 waiting", few, "us")
        .beside(
            format!("scan of its messages {scan:.2} us"),
            median(&|round| round.0.us / round.0.scan_us),
        )
        .aim(Aim::Ours(60.0))
        .note(format!(
            "p99 {:.0} us, mean {:.0} us",
            median(&|round| round.0.p99_us),
            median(&|round| round.0.mean_us)
        ));
    let growth = Figure::new("engine: queued call, 100,000 waiting", many, "us")
        .beside(
            format!("10 waiting {few:.1} us"),
            median(&|round| round.1.us / round.0.us),
        )
        .aim(Aim::Ratio(LOGARITHMIC))
        .note("logarithmic growth is at most 5 times from 10 to 100,000");
    let mut lines = vec![Line::Measured(call), Line::Measured(growth)];
    lines.extend(counted()?);
    Ok(lines)
}

/// log 100,000 / log 10.
const LOGARITHMIC: f64 = 5.0;

/// The same in instructions, which nothing else on the machine disturbs.
fn counted() -> Result<Vec<Line>> {
    let name = "engine: queued call, 10,000 waiting";
    if find("valgrind").is_none() {
        return Ok(vec![Line::missing(name, "valgrind")]);
    }
    // The difference of two runs: it leaves out what the beginning costs.
    let per_call = |waiting| {
        let count = |calls: u32| {
            collected(
                "queued_call",
                "*alone::turn*",
                &[waiting, &calls.to_string()],
            )
        };
        // A tenth of them goes before those that are timed.
        let calls = f64::from(CALLS_COUNTED) * 1.1;
        Ok::<_, anyhow::Error>((count(2 * CALLS_COUNTED)? - count(CALLS_COUNTED)?) / calls)
    };
    let (few, many) = (per_call(FEW)?, per_call(MANY_COUNTED)?);
    let figure =
        Figure::new(name, many, "instructions").beside(format!("10 waiting {few:.0}"), many / few);
    Ok(vec![Line::Measured(figure.aim(Aim::Ratio(4.0)))])
}

struct Round {
    us: f64,
    p99_us: f64,
    mean_us: f64,
    scan_us: f64,
}

impl Round {
    fn of(waiting: &str) -> Result<Self> {
        let output = run(Command::new(built("queued_call")?).args([waiting, CALLS]))?;
        let text = String::from_utf8(output.stdout)?;
        let of = |key| field(&text, key);
        Ok(Self {
            us: of("us_per_call")?,
            p99_us: of("p99_us")?,
            mean_us: of("mean_us")?,
            scan_us: of("scan_us")?,
        })
    }
}

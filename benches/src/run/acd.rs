//! The distribution core's time for an event in a large centre, how it grows with those who wait, and how long an agent is free.

use std::process::Command;

use anyhow::Result;

use super::ROUNDS;
use super::codec::collected;
use crate::process::{built, field, find, run};
use crate::spread::Spread;
use crate::table::{Aim, Figure, Line};

/// Those who wait, from the fewest to the most.
const SIZES: [&str; 4] = ["100", "1000", "10000", "100000"];
const MOST: &str = SIZES[3];
const CALLS: &str = "50000";
/// What looks at all agents for each caller takes longer.
const CALLS_PLAIN: &str = "2000";
const CALLS_COUNTED: u32 = 500;
/// Callers in the one queue in which each of them polls, and agents who become free.
const POLLED: [&str; 3] = ["polled", "100", "20000"];
const ASKED: [&str; 3] = ["asked", MOST, "2000"];
/// log 100,000 / log 100.
const LOGARITHMIC: f64 = 2.5;

/// Runs it.
///
/// # Errors
///
/// If a program fails.
pub fn run_all() -> Result<Vec<Line>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(Round::run()?);
    }
    let mut lines = vec![
        Line::Measured(event(&rounds)),
        Line::Measured(growth(&rounds)),
        Line::Measured(late(&rounds)),
        Line::Measured(memory(&rounds)),
        Line::Measured(freed(&rounds)),
    ];
    lines.extend(counted()?);
    Ok(lines)
}

/// Everything once, in turns.
struct Round {
    sizes: Vec<Load>,
    plain: Load,
    polled: Delay,
    asked: Delay,
}

impl Round {
    fn run() -> Result<Self> {
        let sizes = SIZES.map(|waiting| Load::of(["ours", waiting, CALLS]));
        Ok(Self {
            sizes: sizes.into_iter().collect::<Result<_>>()?,
            plain: Load::of(["plain", MOST, CALLS_PLAIN])?,
            polled: Delay::of(POLLED)?,
            asked: Delay::of(ASKED)?,
        })
    }

    fn fewest(&self) -> &Load {
        &self.sizes[0]
    }

    fn most(&self) -> &Load {
        &self.sizes[SIZES.len() - 1]
    }
}

struct Load {
    mean_ns: f64,
    p50_ns: f64,
    p99_ns: f64,
    p999_ns: f64,
    free_p50_ms: f64,
    free_p99_ms: f64,
    allocations: f64,
}

impl Load {
    fn of(args: [&str; 3]) -> Result<Self> {
        let text = said(args)?;
        let of = |key| field(&text, key);
        Ok(Self {
            mean_ns: of("mean_ns")?,
            p50_ns: of("p50_ns")?,
            p99_ns: of("p99_ns")?,
            p999_ns: of("p999_ns")?,
            free_p50_ms: of("free_p50_ns")? / 1e6,
            free_p99_ms: of("free_p99_ns")? / 1e6,
            allocations: of("allocations")?,
        })
    }
}

struct Delay {
    p50_ms: f64,
    p99_ms: f64,
}

impl Delay {
    fn of(args: [&str; 3]) -> Result<Self> {
        let text = said(args)?;
        Ok(Self {
            p50_ms: field(&text, "free_p50_ms")?,
            p99_ms: field(&text, "free_p99_ms")?,
        })
    }
}

fn said(args: [&str; 3]) -> Result<String> {
    let output = run(Command::new(built("distribution")?).args(args))?;
    Ok(String::from_utf8(output.stdout)?)
}

fn median(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let all: Vec<f64> = rounds.iter().map(figure).collect();
    Spread::of(&all).map_or(f64::NAN, |spread| spread.median)
}

fn event(rounds: &[Round]) -> Figure {
    let plain = median(rounds, |round| round.plain.mean_ns);
    let ours = median(rounds, |round| round.most().mean_ns);
    let sizes: Vec<String> = (0..SIZES.len())
        .map(|nth| {
            let of = |figure: fn(&Load) -> f64| median(rounds, |round| figure(&round.sizes[nth]));
            format!(
                "{} waiting: mean {:.0}, p50 {:.0}, p99 {:.0}, p99.9 {:.0} ns",
                SIZES[nth],
                of(|load| load.mean_ns),
                of(|load| load.p50_ns),
                of(|load| load.p99_ns),
                of(|load| load.p999_ns),
            )
        })
        .collect();
    Figure::new("acd: event, 100,000 waiting", ours, "ns")
        .beside(
            format!("heaps and a scan of agents {plain:.0} ns"),
            median(rounds, |round| round.most().mean_ns / round.plain.mean_ns),
        )
        .aim(Aim::Ours(1_000.0))
        .note(sizes.join("; "))
}

fn growth(rounds: &[Round]) -> Figure {
    let few = median(rounds, |round| round.fewest().mean_ns);
    let many = median(rounds, |round| round.most().mean_ns);
    Figure::new("acd: event, 100,000 through 100 waiting", many, "ns")
        .beside(
            format!("100 waiting {few:.0} ns"),
            median(rounds, |round| {
                round.most().mean_ns / round.fewest().mean_ns
            }),
        )
        .aim(Aim::Ratio(LOGARITHMIC))
        .note("logarithmic growth is at most 2.5 times")
}

fn late(rounds: &[Round]) -> Figure {
    let ours = median(rounds, |round| round.most().p999_ns / 1e3);
    Figure::new("acd: event, 100,000 waiting, p99.9", ours, "us").aim(Aim::Ours(10.0))
}

fn memory(rounds: &[Round]) -> Figure {
    let ours = median(rounds, |round| round.most().allocations);
    let plain = median(rounds, |round| round.plain.allocations);
    Figure::new("acd: allocations per event", ours, "allocations")
        .beside(
            format!("heaps and a scan of agents {plain:.2}"),
            median(rounds, |round| {
                round.most().allocations / round.plain.allocations
            }),
        )
        .note("every fourth event or so is a caller who is new")
}

/// The two stand beside it without a ratio: it would be some ten thousandths.
fn freed(rounds: &[Round]) -> Figure {
    let of = |figure: fn(&Round) -> f64| median(rounds, figure);
    let ours = of(|round| round.most().free_p99_ms);
    let mut figure = Figure::new("acd: agent free to next caller offered, p99", ours, "ms");
    figure.beside = format!(
        "asked every 100 ms {:.0} ms; polled every second {:.0} ms",
        of(|round| round.asked.p99_ms),
        of(|round| round.polled.p99_ms),
    );
    figure.aim(Aim::Ours(1.0)).note(format!(
        "medians {:.4}, {:.0} and {:.0} ms; of ours only the decision, see the bench queue for the wire",
        of(|round| round.most().free_p50_ms),
        of(|round| round.asked.p50_ms),
        of(|round| round.polled.p50_ms),
    ))
}

/// The same in instructions, which nothing else on the machine disturbs.
fn counted() -> Result<Vec<Line>> {
    let name = "acd: call, 100,000 through 10,000 waiting";
    if find("valgrind").is_none() {
        return Ok(vec![Line::missing(name, "valgrind")]);
    }
    let calls = CALLS_COUNTED.to_string();
    let per_call = |waiting| {
        let count = collected("distribution", "*Load*round*", &["ours", waiting, &calls])?;
        // A tenth of them goes before those that are timed.
        Ok::<_, anyhow::Error>(count / (f64::from(CALLS_COUNTED) * 1.1))
    };
    // With fewer who wait the agents have not all found a caller yet after so few calls.
    let (few, many) = (per_call(SIZES[2])?, per_call(MOST)?);
    let figure = Figure::new(name, many, "instructions")
        .beside(format!("10,000 waiting {few:.0}"), many / few)
        .aim(Aim::Ratio(1.25))
        .note("four events; logarithmic growth is at most 1.25 times");
    Ok(vec![Line::Measured(figure)])
}

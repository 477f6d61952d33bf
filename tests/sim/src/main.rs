//! Random calls through the real engine in virtual time, for as many seeds and calls as you like.
#![allow(clippy::print_stdout, reason = "a command line")]

use clap::Parser;
use sim::crowd::Run;

/// Plays random centres; ends with the first fault, its seed and the last lines of its trace.
#[derive(Debug, Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many calls in each.
    #[arg(long, default_value_t = 1_000)]
    calls: u64,
    /// How many lines of trace are shown when something is wrong.
    #[arg(long, default_value_t = 80)]
    trace: usize,
    /// Plays each seed twice and compares all outputs.
    #[arg(long)]
    twice: bool,
}

fn main() {
    let arguments = Arguments::parse();
    let seeds = arguments.seed..arguments.seed + arguments.seeds;
    for seed in seeds {
        let run = Run {
            seed,
            calls: arguments.calls,
            trace: arguments.trace,
        };
        let summary = run.play();
        println!(
            "seed {seed}: {} calls on record, {} alerts, {} restarts, {} turns in {} s, digest {:016x}",
            summary.calls,
            summary.alerts,
            summary.crashes,
            summary.turns,
            summary.time.as_secs(),
            summary.digest
        );
        if arguments.twice {
            assert_eq!(
                run.play(),
                summary,
                "seed {seed} gives another run the second time"
            );
        }
    }
}

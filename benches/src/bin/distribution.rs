//! `distribution ours|plain WAITING ROUNDS`: a large centre's load on the core, or on heaps with a scan of agents.
//! `distribution alone WAITING ROUNDS`: the same events to the core once more, without the load's own work and its clocks.
//! `distribution polled|asked WAITING AGENTS`: the two usual designs, how long an agent is free before somebody is offered.
//!
//! Under callgrind only `Load::round` counts; of the core alone, `tape::play`.

use std::alloc::System;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use benches::centre::load::{Distributor, Effects, Load};
use benches::centre::ours::{OPENS, Ours};
use benches::centre::plain::Plain;
use benches::centre::tape::{Tape, play};
use benches::centre::{classic, load::Spent};
use benches::spread::Spread;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [subject, waiting, times] = args.as_slice() else {
        bail!("usage: distribution ours|plain|alone|polled|asked WAITING TIMES");
    };
    let (waiting, times) = (waiting.parse::<u64>()?, times.parse::<usize>()?);
    match subject.as_str() {
        "ours" => under_load(Load::new(Ours::open(), OPENS, waiting), times),
        "plain" => under_load(Load::new(Plain::open(OPENS), OPENS, waiting), times),
        "alone" => alone(waiting, times),
        "polled" => report_delays(&classic::polled(waiting as usize, times)),
        "asked" => {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            let delays = runtime.block_on(classic::asked(waiting, times))?;
            report_delays(&delays)
        }
        _ => bail!("no subject {subject:?}"),
    }
}

#[expect(
    clippy::print_stdout,
    reason = "its output is for another program to read"
)]
fn under_load<D: Distributor>(mut load: Load<D>, rounds: usize) -> Result<()> {
    // The tables of a centre in the middle of its day, not of one that has just filled.
    (0..rounds / 10).for_each(|_| load.round());
    load.take_spent();
    let (region, before) = (Region::new(ALLOCATOR), on_cpu()?);
    (0..rounds).for_each(|_| load.round());
    let (change, spent) = (region.change(), on_cpu()?.saturating_sub(before));
    let Spent { all_ns, freed_ns } = load.take_spent();
    let events = all_ns.len().max(1) as f64;
    // On the processor, so that who else runs on this machine matters less; with the little that the load itself takes.
    let mean = spent.as_secs_f64() * 1e9 / events;
    let asked_for = change.allocations as f64 / events;
    println!(
        "events={events} mean_ns={mean:.1} p50_ns={:.0} p99_ns={:.0} p999_ns={:.0} free_p50_ns={:.0} free_p99_ns={:.0} \
         allocations={asked_for:.4} digest={:016x}",
        Spread::at(&all_ns, 500),
        Spread::at(&all_ns, 990),
        Spread::at(&all_ns, 999),
        Spread::at(&freed_ns, 500),
        Spread::at(&freed_ns, 990),
        load.digest(),
    );
    Ok(())
}

/// Parts of a run of the core alone: what the machine does beside it spoils some of them.
const PARTS: usize = 20;

#[expect(
    clippy::print_stdout,
    reason = "its output is for another program to read"
)]
fn alone(waiting: u64, rounds: usize) -> Result<()> {
    let mut load = Load::new(Tape::new(Ours::open()), OPENS, waiting);
    (0..rounds / 10).for_each(|_| load.round());
    let filled = load.distributor().events().len();
    (0..rounds).for_each(|_| load.round());
    let (before, measured) = load.distributor().events().split_at(filled);
    let (ours, effects) = (&mut Ours::open(), &mut Effects::default());
    for (now, event) in before {
        ours.on(*now, *event, effects);
    }
    let start = on_cpu()?;
    let mut parts_ns = Vec::new();
    for part in measured.chunks(measured.len().div_ceil(PARTS).max(1)) {
        let before = on_cpu()?;
        play(ours, part);
        let spent = on_cpu()?.saturating_sub(before);
        parts_ns.push(spent.as_secs_f64() * 1e9 / part.len() as f64);
    }
    let spent = on_cpu()?.saturating_sub(start);
    let mean = spent.as_secs_f64() * 1e9 / measured.len().max(1) as f64;
    println!(
        "events={} mean_ns={mean:.1} least_ns={:.1} median_ns={:.1}",
        measured.len(),
        Spread::at(&parts_ns, 0),
        Spread::at(&parts_ns, 500),
    );
    Ok(())
}

/// Time that this thread had a processor: the first number of `schedstat`, in nanoseconds (proc(5)).
fn on_cpu() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split_ascii_whitespace().next();
    let spent_ns = first.context("the kernel keeps no account of time")?;
    Ok(Duration::from_nanos(spent_ns.parse()?))
}

#[expect(
    clippy::print_stdout,
    reason = "its output is for another program to read"
)]
fn report_delays(delays_ms: &[f64]) -> Result<()> {
    let spread = Spread::of(delays_ms).context("nobody was free")?;
    println!(
        "free_p50_ms={:.3} free_p99_ms={:.3}",
        spread.median,
        Spread::at(delays_ms, 990)
    );
    Ok(())
}

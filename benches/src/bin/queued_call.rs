//! `queued_call WAITING CALLS`: the engine alone, one whole queued call after another.
//!
//! While WAITING callers wait, CALLS times a caller joins the queue's end and the attendant serves the one at its head:
//! INVITE, 200 and ACK of the caller, INVITE, 180, 200 and ACK of the attendant, BYE and 200 on both sides, with the
//! timers that fall due meanwhile. Prints the engine's time for each such call and that of a bare line scan of the
//! same messages. Under callgrind, `turn` is the engine's part.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use benches::alone::Alone;
use benches::scan::Scan;
use benches::spread::Spread;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [waiting, calls] = args.as_slice() else {
        bail!("usage: queued_call WAITING CALLS");
    };
    let (waiting, calls) = (waiting.parse::<usize>()?, calls.parse::<usize>()?);
    let mut alone = Alone::new()?;
    for _ in 0..waiting {
        alone.caller_comes()?;
    }
    alone.attendant_comes()?;
    alone.keep_messages();
    // The tables and timers of a centre in the middle of its day, not of one that just began.
    for _ in 0..calls / 10 + 10 {
        whole_call(&mut alone)?;
    }
    let before = alone.calls();
    let (mut spent, mut scanned) = (Vec::new(), Vec::new());
    let mut messages = 0;
    for _ in 0..calls {
        spent.push(whole_call(&mut alone)?);
        let ladder = alone.take_messages();
        messages += ladder.len();
        let since = Instant::now();
        for message in &ladder {
            black_box(Scan::of(message));
        }
        scanned.push(since.elapsed().as_secs_f64() * 1e6);
    }
    if alone.calls() != before {
        bail!("{} calls are up, not {before}", alone.calls());
    }
    report(waiting, messages / calls.max(1), &spent, &scanned)
}

/// Microseconds of the engine's thread for a call that comes and one that is served.
fn whole_call(alone: &mut Alone) -> Result<f64> {
    alone.take_spent();
    alone.caller_comes()?;
    alone.attendant_serves()?;
    Ok(alone.take_spent().as_secs_f64() * 1e6)
}

#[expect(
    clippy::print_stdout,
    reason = "its output is for another program to read"
)]
fn report(waiting: usize, messages: usize, spent: &[f64], scanned: &[f64]) -> Result<()> {
    let median = |all| {
        Spread::of(all)
            .map(|spread| spread.median)
            .context("no calls")
    };
    println!(
        "waiting={waiting} calls={} messages={messages} us_per_call={:.2} p99_us={:.2} mean_us={:.2} scan_us={:.3}",
        spent.len(),
        median(spent)?,
        Spread::at(spent, 990),
        spent.iter().sum::<f64>() / spent.len().max(1) as f64,
        median(scanned)?,
    );
    Ok(())
}

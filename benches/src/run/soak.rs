//! Hours in minutes: steady load on the daemon, after which nothing may have grown.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::daemon::{ATTENDANTS, Daemon, QUEUE};
use super::queued::{DONE, RATE, TALK, log_in, population};
use crate::process::memory_kb;

/// All timers of SIP have fired, and ports have rested, some time after the last call.
const AFTER: Duration = Duration::from_secs(70);
/// How much more memory the second half may take than the first, in a thousand.
const GROWTH_PER_MILLE: u64 = 30;

/// Calls for so many seconds; says what was used.
///
/// # Errors
///
/// If a call fails, memory grows, or descriptors are left.
pub fn run(seconds: u64) -> Result<String> {
    let daemon = Daemon::start()?;
    let _agents = log_in(ATTENDANTS)?;
    let people = population(
        ATTENDANTS,
        loadgen::Spread::Exactly(TALK),
        QUEUE,
        RATE,
        seconds * RATE as u64,
    )?;
    let descriptors = descriptors(&daemon)?;
    people.begin();
    sleep(Duration::from_secs(seconds / 2));
    let half = memory_kb(daemon.pid());
    sleep(Duration::from_secs(seconds - seconds / 2));
    let full = memory_kb(daemon.pid());
    ensure!(people.wait_until_done(DONE), "callers are left");
    sleep(AFTER);
    let left = self::descriptors(&daemon)?;
    let report = people.report();
    ensure!(
        report.failures().is_empty() && report.unfinished() == 0,
        "calls failed: {:?}",
        report.failures()
    );
    ensure!(
        full * 1000 <= half * (1000 + GROWTH_PER_MILLE),
        "memory grew from {half} kB to {full} kB"
    );
    ensure!(left <= descriptors, "{left} descriptors, not {descriptors}");
    Ok(format!(
        "{} calls; {half} kB at half time, {full} kB at the end; {left} descriptors",
        report.made
    ))
}

fn descriptors(daemon: &Daemon) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{}/fd", daemon.pid()))?.count())
}

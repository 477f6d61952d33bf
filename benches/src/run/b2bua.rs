//! A call through the daemon without media, beside one through Kamailio.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::ROUNDS;
use super::daemon::{CALLERS, Daemon, FAR_NUMBER, PHONES, SIP};
use super::kamailio::{self, Kamailio};
use crate::process::{Running, cpu, find, memory_kb};
use crate::spread::Spread;
use crate::table::{Aim, Figure, Line};

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sipp");
const RATE: u32 = 100;
const SECONDS: u32 = 8;
/// What is kept of a transaction is gone by then (timers B, F, H, J: 32 s).
const AFTER: Duration = Duration::from_secs(40);

/// Runs it, with a daemon of its own.
///
/// # Errors
///
/// If a program fails, or calls do.
pub fn run_all() -> Result<Vec<Line>> {
    let name = "call without media: CPU";
    let missing = ["sipp", "kamailio"]
        .into_iter()
        .find(|program| find(program).is_none());
    if let Some(program) = missing {
        return Ok(vec![Line::missing(name, program)]);
    }
    let (daemon, kamailio) = (Daemon::start()?, Kamailio::start()?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let before = memory_kb(daemon.pid());
    for _ in 0..ROUNDS {
        ours.push(Round::of(SIP, daemon.pid())?);
        theirs.push(Round::of(kamailio::SIP, kamailio.pid())?);
    }
    std::thread::sleep(AFTER);
    let after = memory_kb(daemon.pid());
    let median = |of: &dyn Fn(usize) -> f64| {
        let all: Vec<f64> = (0..ROUNDS).map(of).collect();
        Spread::of(&all).map_or(f64::NAN, |spread| spread.median)
    };
    let mb = |kb: u64| kb as f64 / 1024.0;
    let most = ours
        .iter()
        .map(|round| round.memory_kb)
        .max()
        .unwrap_or_default();
    let kamailio_ms = median(&|round| theirs[round].ms);
    let failed: f64 = ours.iter().map(|round| round.failed).sum();
    Ok(vec![
        Line::Measured(
            Figure::new(name, median(&|round| ours[round].ms), "ms")
                .beside(
                    format!("Kamailio as proxy {kamailio_ms:.3} ms"),
                    median(&|round| ours[round].ms / theirs[round].ms),
                )
                .aim(Aim::Ratio(0.5))
                .note(format!(
                    "{RATE} calls/s; {failed} failed; {} messages sent again, Kamailio's calls {}",
                    ours.iter().map(|round| round.repeated).sum::<f64>(),
                    theirs.iter().map(|round| round.repeated).sum::<f64>(),
                )),
        ),
        Line::Measured(
            Figure::new("call without media: memory at most", mb(most), "MB").note(format!(
                "{:.1} MB before, {:.1} MB {} s after the last call; Kamailio {:.1} MB",
                mb(before),
                mb(after),
                AFTER.as_secs(),
                mb(theirs
                    .iter()
                    .map(|round| round.memory_kb)
                    .max()
                    .unwrap_or_default()),
            )),
        ),
    ])
}

/// Rounds of Kamailio for others who want to stand beside it.
pub(super) fn kamailio_round(kamailio: &Kamailio) -> Result<f64> {
    Ok(Round::of(kamailio::SIP, kamailio.pid())?.ms)
}

/// What a server did with SIPp's calls.
struct Round {
    ms: f64,
    memory_kb: u64,
    failed: f64,
    repeated: f64,
}

impl Round {
    fn of(server: &str, pid: u32) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let statistics = directory.path().join("uac.csv");
        let mut far_end = sipp(directory.path(), PHONES, "uas.xml");
        let far_end = Running::start(far_end.args(["-mp", "40000"]))?;
        std::thread::sleep(Duration::from_millis(700));
        let before = cpu(pid);
        let mut command = sipp(directory.path(), CALLERS, "uac.xml");
        command.arg(server).args([
            "-s",
            FAR_NUMBER,
            "-mp",
            "20000",
            "-recv_timeout",
            "10000",
            "-l",
            "4000",
            "-d",
            "100",
        ]);
        command.args(["-r", &RATE.to_string(), "-m", &(RATE * SECONDS).to_string()]);
        command
            .args(["-trace_stat", "-fd", "1", "-stf"])
            .arg(&statistics);
        let mut callers = Running::start(&mut command)?;
        std::thread::sleep(Duration::from_secs(u64::from(SECONDS) - 1));
        let memory_kb = memory_kb(pid);
        callers.wait(Duration::from_secs(30))?;
        drop(far_end);
        let spent = cpu(pid).saturating_sub(before);
        let row = last_row(&std::fs::read_to_string(statistics)?)?;
        let of = |name: &str| {
            row.get(name)
                .and_then(|cell| cell.parse::<f64>().ok())
                .context("no such figure of SIPp")
        };
        let good = of("SuccessfulCall(C)")?;
        ensure!(
            good > 0.9 * f64::from(RATE * SECONDS),
            "{good} calls through {server} succeeded"
        );
        let ms = spent.as_secs_f64() * 1e3 / good;
        Ok(Self {
            ms,
            memory_kb,
            failed: of("FailedCall(C)")?,
            repeated: of("Retransmissions(C)")?,
        })
    }
}

fn sipp(directory: &Path, at: &str, scenario: &str) -> Command {
    let (ip, port) = at.rsplit_once(':').unwrap_or((at, "5060"));
    let mut command = Command::new("sipp");
    command.current_dir(directory).args([
        "-sf",
        &format!("{SCENARIOS}/{scenario}"),
        "-i",
        ip,
        "-mi",
        ip,
        "-ci",
        ip,
    ]);
    command.args(["-p", port, "-nostdin", "-buff_size", "4000000"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn last_row(csv: &str) -> Result<BTreeMap<String, String>> {
    let mut lines = csv.lines().map(|line| line.split(';').map(str::to_owned));
    let head = lines.next().context("SIPp says nothing")?;
    Ok(head
        .zip(lines.next_back().context("SIPp says no figures")?)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::last_row;

    #[test]
    fn the_last_row_of_sipp_counts() {
        let row = last_row("Time;Calls(C);\n1;10;\n2;20;\n").unwrap();
        assert_eq!(row["Calls(C)"], "20");
        assert!(last_row("").is_err() && last_row("Time;Calls(C);\n").is_err());
    }
}

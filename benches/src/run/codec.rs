//! Instructions and allocations to parse, match and print a message.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::messages::Sample;
use crate::process::{built, find, run};
use crate::table::{Aim, Figure, Line};

/// As many as `codec` does in one go.
const ROUNDS: f64 = 100.0;
const SAMPLES: [Sample; 3] = [Sample::Invite, Sample::Ok, Sample::Register];

/// Runs it.
///
/// # Errors
///
/// If a program fails.
pub fn run_all() -> Result<Vec<Line>> {
    let mut lines = allocations()?;
    for sample in SAMPLES {
        lines.extend(instructions(sample)?);
    }
    lines.push(packets()?);
    Ok(lines)
}

fn allocations() -> Result<Vec<Line>> {
    let output = run(Command::new(built("codec")?).arg("allocations"))?;
    let text = String::from_utf8(output.stdout)?;
    let of = |subject: &str, steps: &str, sample: Sample| {
        let key = format!("{subject} {steps} {} ", sample.name());
        let count = text
            .lines()
            .find_map(|line| line.strip_prefix(&key)?.parse::<f64>().ok());
        count.with_context(|| format!("no line {key}"))
    };
    let mut lines = Vec::new();
    for (steps, sample, what) in [
        ("match", Sample::Invite, "transaction of an INVITE"),
        ("match", Sample::Ok, "transaction of a 200"),
        ("match", Sample::Register, "transaction of a REGISTER"),
        ("dialog", Sample::Bye, "dialog of a BYE"),
    ] {
        let (ours, rsip) = (of("ours", steps, sample)?, of("rsip", steps, sample)?);
        let figure = Figure::new(
            format!("codec: parse and match {what}"),
            ours,
            "allocations",
        );
        let beside = format!("rsip {rsip:.0}");
        lines.push(Line::Measured(
            figure.beside(beside, ours / rsip).aim(Aim::Ours(0.0)),
        ));
    }
    Ok(lines)
}

fn instructions(sample: Sample) -> Result<Vec<Line>> {
    let name = format!("codec: {} parsed, matched, printed", sample.name());
    if find("valgrind").is_none() {
        return Ok(vec![Line::missing(&name, "valgrind")]);
    }
    let count = |subject, steps| {
        collected(
            "codec",
            "*codec::collected*",
            &[subject, steps, sample.name()],
        )
    };
    let per_round = |subject, steps| Ok::<_, anyhow::Error>(count(subject, steps)? / ROUNDS);
    let [parse, matched, printed, whole] =
        ["parse", "match", "print", "whole"].map(|steps| per_round("ours", steps));
    let (parse, matched, printed, whole) = (parse?, matched?, printed?, whole?);
    let (scan, rsip) = (per_round("scan", "whole")?, per_round("rsip", "whole")?);
    let scan_only = per_round("scan", "parse")?;
    let note = format!(
        "parse {parse:.0} (scan {scan_only:.0}), match {:.0}, print {:.0}",
        matched - parse,
        printed - parse
    );
    let beside_scan =
        Figure::new(&name, whole, "instructions").beside(format!("scan {scan:.0}"), whole / scan);
    let beside_rsip = Figure::new(format!("{name}, rsip"), whole, "instructions");
    let parse_only = Figure::new(
        format!("codec: {} parsed", sample.name()),
        parse,
        "instructions",
    );
    Ok(vec![
        Line::Measured(beside_scan.aim(Aim::Ratio(3.0)).note(note)),
        Line::Measured(
            parse_only
                .beside(format!("scan {scan_only:.0}"), parse / scan_only)
                .aim(Aim::Ratio(3.0)),
        ),
        Line::Measured(beside_rsip.beside(format!("rsip {rsip:.0}"), whole / rsip)),
    ])
}

/// A packet of sound, read and written again: ours beside the package `rtp`.
fn packets() -> Result<Line> {
    let name = "codec: RTP packet read and written";
    if find("valgrind").is_none() {
        return Ok(Line::missing(name, "valgrind"));
    }
    let count = |subject| {
        let total = collected("codec", "*codec::collected*", &["rtp", subject])?;
        Ok::<_, anyhow::Error>(total / ROUNDS)
    };
    let (ours, package) = (count("ours")?, count("package")?);
    let figure = Figure::new(name, ours, "instructions");
    Ok(Line::Measured(figure.beside(
        format!("package rtp {package:.0}"),
        ours / package,
    )))
}

/// Instructions that a function of a program of ours executed, with all it calls.
///
/// # Errors
///
/// If valgrind fails or says no count.
pub(super) fn collected(program: &str, function: &str, args: &[&str]) -> Result<f64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command
        .arg(format!("--toggle-collect={function}"))
        .arg(built(program)?)
        .args(args);
    let output = run(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    count_in(&said).with_context(|| format!("valgrind counted nothing: {said}"))
}

fn count_in(said: &str) -> Option<f64> {
    let (_, behind) = said.split_once("Collected :")?;
    let count: f64 = behind.split_ascii_whitespace().next()?.parse().ok()?;
    // Nothing at all means that the function's name is not what it was.
    (count > 0.0).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::count_in;

    #[test]
    fn the_count_of_callgrind_is_read() {
        let said = "==7== Events    : Ir\n==7== Collected : 401111\n==7== \n==7== I   refs:      401,111\n";
        assert_eq!(count_in(said), Some(401_111.0));
        assert_eq!(count_in("==7== Collected : 0\n"), None);
        assert_eq!(count_in("==7== I refs: 1"), None);
    }
}

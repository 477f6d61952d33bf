//! Queued calls through the daemon: with attendants free, and with many callers who wait and hear music.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use loadgen::api::Api;
use loadgen::{
    Arrivals, Attendants, CallRecord, Callers, Handle, MediaMode, Percentiles, Plan, Population,
    Report, Spread as Draw,
};
use media::codec::Codec;
use serde_json::{Value, json};

use super::ROUNDS;
use super::b2bua::kamailio_round;
use super::daemon::{
    ATTENDANTS, CALLERS, DOMAIN, Daemon, FEW, PASSWORD, PHONES, QUEUE, SIP, SIP_PASSWORD,
    SMALL_QUEUE,
};
use super::kamailio::Kamailio;
use crate::process::{cpu, find, memory_kb};
use crate::spread::Spread;
use crate::table::{Aim, Figure, Line};
use crate::wire::Wire;

pub(super) const RATE: f64 = 20.0;
const CALLS: u64 = 200;
const FILL_RATE: f64 = 60.0;
const WAITING: u64 = 250;
pub(super) const TALK: Duration = Duration::from_secs(2);
const JITTER: Duration = Duration::from_millis(500);
/// For so long callers only wait and hear music.
const HELD: Duration = Duration::from_secs(10);
/// Until the last of them hears music.
const SETTLE: Duration = Duration::from_secs(2);
const READY: Duration = Duration::from_secs(60);
pub(super) const DONE: Duration = Duration::from_secs(120);

/// Runs it, with a daemon of its own for each part.
///
/// # Errors
///
/// If the daemon or the load cannot be started, or calls are left.
pub fn run_all() -> Result<Vec<Line>> {
    let mut lines = free()?;
    lines.extend(waiting()?);
    Ok(lines)
}

/// Attendants are free: what a call costs, and how soon it rings.
fn free() -> Result<Vec<Line>> {
    let daemon = Daemon::start()?;
    let kamailio = match (find("kamailio"), find("sipp")) {
        (Some(_), Some(_)) => Some(Kamailio::start()?),
        _ => None,
    };
    let _agents = log_in(ATTENDANTS)?;
    let (mut ours, mut theirs, mut until) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (ms, report) = free_round(&daemon)?;
        ours.push(ms);
        until.extend(report.calls.iter().filter_map(CallRecord::until_alerted));
        if let Some(kamailio) = &kamailio {
            theirs.push(kamailio_round(kamailio)?);
        }
    }
    let mut cost = Figure::new("queue, attendants free: CPU per call", median(&ours), "ms")
        .aim(Aim::Ours(0.7));
    if kamailio.is_some() {
        let ratios: Vec<f64> = ours
            .iter()
            .zip(&theirs)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        cost = cost.beside(
            format!("Kamailio, a plain call {:.3} ms", median(&theirs)),
            median(&ratios),
        );
    }
    let until: Percentiles = until.into_iter().collect();
    let (middle, late) = (ms_at(&until, 500), ms_at(&until, 990));
    Ok(vec![
        Line::Measured(cost.note(format!(
            "{RATE} calls/s, talks of 2 s, {ATTENDANTS} attendants"
        ))),
        Line::Measured(
            Figure::new(
                "queue, attendants free: INVITE to INVITE, median",
                middle,
                "ms",
            )
            .aim(Aim::Ours(0.6)),
        ),
        Line::Measured(
            Figure::new("queue, attendants free: INVITE to INVITE, p99", late, "ms")
                .aim(Aim::Ours(3.0)),
        ),
    ])
}

/// CPU-ms per call, and what became of the calls.
fn free_round(daemon: &Daemon) -> Result<(f64, Report)> {
    let people = population(ATTENDANTS, Draw::Exactly(TALK), QUEUE, RATE, CALLS)?;
    let before = cpu(daemon.pid());
    people.begin();
    ensure!(
        people.wait_until_done(DONE),
        "callers are left: {:?}",
        people.report().failures()
    );
    let spent = cpu(daemon.pid()).saturating_sub(before);
    let report = people.stop();
    ensure!(
        report.connected() as u64 == CALLS,
        "{} of {CALLS} connected",
        report.connected()
    );
    Ok((per_call(spent, CALLS), report))
}

/// Many wait: what music, memory and a served call cost, how soon a free attendant is rung, and who was served first.
fn waiting() -> Result<Vec<Line>> {
    let daemon = Daemon::start()?;
    let agents = log_in(FEW)?;
    for agent in &agents {
        agent.set_state(&json!({ "state": "break", "reason": "meeting" }))?;
    }
    let talk = Draw::Between(TALK.saturating_sub(JITTER), TALK + JITTER);
    let people = population(FEW, talk, SMALL_QUEUE, FILL_RATE, WAITING)?;
    let (memory, began) = (memory_kb(daemon.pid()), cpu(daemon.pid()));
    people.begin();
    sleep(Duration::from_secs_f64(WAITING as f64 / FILL_RATE) + SETTLE);
    let full = cpu(daemon.pid());
    let waiting = people.report();
    ensure!(
        waiting.unfinished() as u64 == WAITING,
        "{} wait",
        waiting.unfinished()
    );
    let memory = memory_kb(daemon.pid()).saturating_sub(memory);
    sleep(HELD);
    let held = cpu(daemon.pid());
    let wire = Wire::listen(SIP.parse()?, PHONES.parse()?)?;
    for agent in &agents {
        agent.set_state(&json!({ "state": "available" }))?;
    }
    ensure!(
        people.wait_until_done(DONE),
        "callers are left: {:?}",
        people.report().failures()
    );
    let served = cpu(daemon.pid());
    let reactions = wire.map(Wire::reactions).transpose()?;
    let report = people.stop();
    ensure!(
        report.connected() as u64 == WAITING,
        "{} of {WAITING} connected",
        report.connected()
    );
    let music = held.saturating_sub(full);
    let spent = served.saturating_sub(began).saturating_sub(music);
    let share = 100.0 * music.as_secs_f64() / HELD.as_secs_f64() / WAITING as f64;
    let mut lines = served_lines(
        &report,
        per_call(spent, WAITING),
        share,
        memory as f64 / WAITING as f64,
    );
    lines.push(on_the_wire(reactions));
    Ok(lines)
}

/// How soon a free attendant is rung, by the kernel's time for both packets.
fn on_the_wire(reactions: Option<Vec<Duration>>) -> Line {
    let name = "queue, 250 waiting: BYE to next INVITE on the wire, p99";
    let Some(reactions) = reactions else {
        let why = "no right to listen (CAP_NET_RAW)".into();
        return Line::Skipped {
            name: name.into(),
            why,
        };
    };
    let all: Percentiles = reactions.iter().copied().collect();
    let figure = Figure::new(name, ms_at(&all, 990), "ms").aim(Aim::Ours(1.0));
    Line::Measured(figure.note(format!("{} of them, {all}", reactions.len())))
}

fn served_lines(report: &Report, ms: f64, share: f64, kb: f64) -> Vec<Line> {
    let (order, reactions) = (report.order(), report.reaction_times());
    let inversions = order.overtaken + order.rank_broken;
    let heard = report.sink_packets.0;
    let figures = [
        Figure::new("queue, 250 waiting: CPU per call", ms, "ms")
            .aim(Aim::Ours(3.0))
            .note(format!("filled at {FILL_RATE}/s, served by {FEW}; the {} s of waiting between are not in it", HELD.as_secs())),
        Figure::new("queue, 250 waiting: free to next INVITE, p99", ms_at(&reactions, 990), "ms")
            .aim(Aim::Ours(5.0))
            .note(format!("{reactions}")),
        Figure::new("queue, 250 waiting: inversions of order", inversions as f64, "calls").aim(Aim::Ours(0.0)),
        Figure::new("queue, 250 waiting: memory per waiting call", kb, "kB").aim(Aim::Ours(20.0)),
        Figure::new("queue, 250 waiting: share of a core per caller", share, "%")
            .aim(Aim::Ours(0.018))
            .note(format!("the whole daemon; {heard} packets of music in all")),
    ];
    figures.map(Line::Measured).into()
}

/// Registers the phones; callers come when they are let.
pub(super) fn population(
    attendants: usize,
    talk: Draw,
    number: &str,
    rate: f64,
    calls: u64,
) -> Result<Handle> {
    let mut plan = Plan::new(SIP.parse()?);
    plan.domain = DOMAIN.into();
    plan.media = MediaMode::Sink {
        codecs: vec![Codec::Pcmu],
    };
    let people = Attendants::numbered("a", attendants, Some(SIP_PASSWORD));
    plan.attendants = Some(Attendants {
        talk,
        ..Attendants::new(PHONES.parse()?, people)
    });
    let callers = Callers::new(CALLERS.parse()?, number, Arrivals::per_second(rate));
    plan.callers = Some(Callers {
        count: Some(calls),
        ..callers
    });
    let people = Population::start(plan)?;
    ensure!(
        people.wait_until_ready(READY),
        "phones cannot register: {:?}",
        people.report().register_failures
    );
    Ok(people)
}

/// An attendant at work.
pub(super) struct AtWork {
    api: Api,
    token: String,
}

impl AtWork {
    fn set_state(&self, state: &Value) -> Result<()> {
        self.api
            .ask("PUT", "/agents/me/state", Some(&self.token), state)?;
        Ok(())
    }
}

pub(super) fn log_in(attendants: usize) -> Result<Vec<AtWork>> {
    let api = Api::new(Daemon::http()?);
    let one = |number| {
        let name = format!("a{number}");
        let token = api.log_in(&name, PASSWORD, &name)?;
        Ok(AtWork { api, token })
    };
    (0..attendants).map(one).collect()
}

fn per_call(spent: Duration, calls: u64) -> f64 {
    spent.as_secs_f64() * 1e3 / calls as f64
}

fn ms_at(all: &Percentiles, per_mille: usize) -> f64 {
    all.at(per_mille)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

fn median(all: &[f64]) -> f64 {
    Spread::of(all).map_or(f64::NAN, |spread| spread.median)
}

//! `loadgen`: puts callers and attendants on a centre by hand, and prints what came of it.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::{Parser, ValueEnum};
use loadgen::api::Api;
use loadgen::cpu::{self, Used};
use loadgen::{
    Arrivals, Attendants, Callers, Handle, MediaMode, Number, Plan, Population, Report, Spread,
};
use media::codec::Codec;

/// Made-up callers and attendants for a contact centre, on loopback.
///
/// Callers come from a trunk's address and dial; attendants register, or stand behind another trunk, answer, talk and
/// hang up. Lengths of time are seconds, fractions allowed.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version)]
struct Cli {
    /// The centre.
    #[arg(long, default_value = "127.0.0.1:5060")]
    server: SocketAddr,
    /// The host part of addresses and realm of registrations; without it the server's address.
    #[arg(long, default_value = "")]
    domain: String,
    /// Where callers call from: the address of a trunk.
    #[arg(long, default_value = "127.0.0.2:5070")]
    callers_from: SocketAddr,
    /// What they dial; several: drawn evenly, the first of the lowest rank.
    #[arg(long, value_delimiter = ',', default_value = "600")]
    number: Vec<String>,
    /// Callers in a second.
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// They come at random, with that mean rate.
    #[arg(long)]
    poisson: bool,
    /// How many callers; 0: none at all.
    #[arg(long, default_value_t = 600)]
    calls: u64,
    /// They give up after so long.
    #[arg(long, value_parser = seconds)]
    patience: Option<Duration>,
    /// Where attendants' phones are.
    #[arg(long, default_value = "127.0.0.3:5080")]
    attendants_at: SocketAddr,
    /// How many attendants; 0: none at all.
    #[arg(long, default_value_t = 100)]
    attendants: usize,
    /// Their extensions are this and a number from 0.
    #[arg(long, default_value = "a")]
    prefix: String,
    /// Phones register with this password; without it they are reached through a trunk.
    #[arg(long, value_name = "PASSWORD")]
    register: Option<String>,
    /// Logs every attendant in at the API there; user name and extension are the same.
    #[arg(long, value_name = "ADDRESS", requires = "api_password")]
    api: Option<SocketAddr>,
    /// Their password there.
    #[arg(long, value_name = "PASSWORD")]
    api_password: Option<String>,
    /// How long a phone rings before it is answered.
    #[arg(long, value_parser = seconds, default_value = "0")]
    answer_after: Duration,
    /// How long they talk.
    #[arg(long, value_parser = seconds, default_value = "2")]
    talk: Duration,
    /// More or less by so much.
    #[arg(long, value_parser = seconds, default_value = "0")]
    talk_jitter: Duration,
    /// How many talks in a thousand the caller ends.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    caller_hangs_up: u16,
    /// How many alerts in a thousand are refused with 486 or 603.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    refuse: u16,
    /// How many alerts in a thousand nobody answers.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    ignore: u16,
    /// How many talks in a thousand have a hold of one second in them.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    hold: u16,
    /// What is done about RTP.
    #[arg(long, value_enum, default_value_t = Media::Full)]
    media: Media,
    /// The codec of all.
    #[arg(long, value_enum, default_value_t = Law::Pcmu)]
    codec: Law,
    /// The server's process: its CPU time is shown.
    #[arg(long)]
    pid: Option<u32>,
    /// The same seed, the same people.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// When to stop, whatever is left.
    #[arg(long, value_parser = seconds, default_value = "150")]
    at_most: Duration,
    /// Writes the whole report there.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Allows addresses that are not loopback.
    #[arg(long)]
    beyond_loopback: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Media {
    /// Everybody speaks and listens.
    Full,
    /// Nobody speaks; what comes is counted by the kernel.
    Sink,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Law {
    Pcmu,
    Pcma,
}

/// Seconds, fractions allowed, up to a day.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err("from 0 to 86400 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "loadgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let population = Population::start(cli.plan())?;
    if !population.wait_until_ready(Duration::from_secs(10)) {
        let report = population.stop();
        let (ready, failures) = (report.ready, report.register_failures);
        bail!(
            "{ready} of {} phones are registered; refused: {failures:?}",
            cli.attendants
        );
    }
    cli.log_in()?;
    let before = cli.used()?;
    let begun = Instant::now();
    population.begin();
    let report = cli.wait(population);
    let took = begun.elapsed();
    let text = cli.summary(&report, took, before.zip(cli.used()?));
    std::io::stdout().lock().write_all(text.as_bytes())?;
    if let Some(file) = &cli.json {
        let json = serde_json::to_vec(&report)?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

impl Cli {
    fn plan(&self) -> Plan {
        let codecs = vec![match self.codec {
            Law::Pcmu => Codec::Pcmu,
            Law::Pcma => Codec::Pcma,
        }];
        let mut plan = Plan::new(self.server);
        plan.seed = self.seed;
        plan.domain.clone_from(&self.domain);
        plan.beyond_loopback = self.beyond_loopback;
        plan.media = match self.media {
            Media::Full => MediaMode::Full { codecs },
            Media::Sink => MediaMode::Sink { codecs },
        };
        plan.callers = (self.calls > 0).then(|| self.callers());
        plan.attendants = (self.attendants > 0).then(|| self.attendants());
        plan
    }

    fn callers(&self) -> Callers {
        let arrivals = match (self.poisson, Arrivals::per_second(self.rate)) {
            (true, Arrivals::Every(gap)) => Arrivals::Poisson(gap),
            (_, arrivals) => arrivals,
        };
        let mut callers = Callers::new(self.callers_from, "", arrivals);
        let numbers = self.number.iter().zip(0..);
        callers.numbers = numbers
            .map(|(number, rank)| Number {
                number: number.clone(),
                rank,
            })
            .collect();
        callers.count = Some(self.calls);
        callers.patience = self.patience.map(Spread::Exactly);
        callers.hang_up_per_mille = self.caller_hangs_up;
        callers
    }

    fn attendants(&self) -> Attendants {
        let people = Attendants::numbered(&self.prefix, self.attendants, self.register.as_deref());
        let mut side = Attendants::new(self.attendants_at, people);
        side.answer_after = Spread::Exactly(self.answer_after);
        side.talk = Spread::around(self.talk, self.talk_jitter);
        side.refuse_per_mille = self.refuse;
        side.refusals = vec![486, 603];
        side.ignore_per_mille = self.ignore;
        side.hold_per_mille = self.hold;
        side
    }

    fn log_in(&self) -> anyhow::Result<()> {
        let (Some(address), Some(password)) = (self.api, &self.api_password) else {
            return Ok(());
        };
        ensure!(
            self.beyond_loopback || address.ip().is_loopback(),
            "{address} is not a loopback address"
        );
        for number in 0..self.attendants {
            let user = format!("{}{number}", self.prefix);
            Api::new(address)
                .log_in(&user, password, &user)
                .with_context(|| format!("{user} cannot log in"))?;
        }
        Ok(())
    }

    fn used(&self) -> anyhow::Result<Option<Used>> {
        let used = self.pid.map(cpu::used).transpose();
        used.with_context(|| format!("no process {}", self.pid.unwrap_or_default()))
    }

    /// Until all callers have come and gone, or the time is over.
    fn wait(&self, population: Handle) -> Report {
        let done = match self.calls {
            0 => {
                std::thread::sleep(self.at_most);
                true
            }
            _ => population.wait_until_done(self.at_most),
        };
        let report = population.report();
        let stopped = population.stop();
        // What had not ended by itself is shown as it was.
        if done { stopped } else { report }
    }

    fn summary(&self, report: &Report, took: Duration, used: Option<(Used, Used)>) -> String {
        let over = report.calls.len() - report.unfinished();
        let failed: usize = report.failures().values().sum();
        let mut lines = vec![format!(
            "calls={} alerted={} connected={} completed={} failed={failed} gave_up={} unfinished={} elapsed={:.1} s",
            report.made,
            report.alerted(),
            report.connected(),
            over - failed - report.gave_up(),
            report.gave_up(),
            report.unfinished(),
            took.as_secs_f64(),
        )];
        if let Some((before, after)) = used {
            let cpu = after.cpu().saturating_sub(before.cpu());
            lines.push(format!(
                "cpu={:.2} s cpu_ms_per_call={:.2} average={:.1} % rss={:.1} MB threads={}",
                cpu.as_secs_f64(),
                1000.0 * cpu.as_secs_f64() / (over - failed).max(1) as f64,
                100.0 * cpu.as_secs_f64() / took.as_secs_f64().max(0.001),
                after.rss_kb as f64 / 1024.0,
                after.threads,
            ));
        }
        let order = report.order();
        lines.push(format!(
            "arrival to attendant's INVITE, an attendant being free: {}",
            report.free_arrivals()
        ));
        lines.push(format!(
            "arrival to attendant's INVITE, all: {}",
            report.arrivals()
        ));
        lines.push(format!(
            "attendant's BYE to the next INVITE, for a caller who waited: {}",
            report.reaction_times()
        ));
        lines.push(format!(
            "overtaken: {} of {}, worst {} ms; rank broken: {}",
            order.overtaken,
            report.alerted(),
            order.worst.as_millis(),
            order.rank_broken,
        ));
        lines.push(self.heard(report));
        lines.push(format!(
            "alerts={:?} retransmitted={} repeated={} byes_failed={}",
            report.alerts, report.retransmitted, report.repeated, report.byes_failed
        ));
        if failed > 0 {
            lines.push(format!("failures by status: {:?}", report.failures()));
        }
        lines.join("\n") + "\n"
    }

    fn heard(&self, report: &Report) -> String {
        let waited = report.waited().as_secs_f64();
        if let Media::Sink = self.media {
            let (callers, attendants) = report.sink_packets;
            let rate = callers as f64 / waited.max(0.001);
            return format!(
                "sinks: callers {callers} packets over {waited:.0} s of waiting = {rate:.1}/s each; attendants {attendants}"
            );
        }
        let sum = |of: fn(&loadgen::CallRecord) -> u64| report.calls.iter().map(of).sum::<u64>();
        format!(
            "callers heard {} packets, {} tone, {} music, {} lost; attendants heard {}, {} tone, {} lost; waited {waited:.0} s",
            sum(|call| call.caller_heard.packets),
            sum(|call| call.caller_heard.tone),
            sum(|call| call.caller_heard.sound),
            sum(|call| call.caller_heard.lost),
            sum(|call| call.attendant_heard.packets),
            sum(|call| call.attendant_heard.tone),
            sum(|call| call.attendant_heard.lost),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_makes_the_plan() {
        Cli::command().debug_assert();
        let words = "loadgen --number 700,701 --rate 60 --calls 300 --attendants 20 --talk 2 --talk-jitter 0.5 \
                     --register secret --domain lampfield.local --patience 1.5 --media sink";
        let plan = Cli::try_parse_from(words.split_ascii_whitespace())
            .unwrap()
            .plan();
        assert_eq!(plan.check(), Ok(()));
        let (callers, attendants) = (plan.callers.unwrap(), plan.attendants.unwrap());
        assert_eq!(
            callers.numbers[1],
            Number {
                number: "701".into(),
                rank: 1
            }
        );
        assert_eq!(
            callers.arrivals,
            Arrivals::Every(Duration::from_secs_f64(1.0 / 60.0))
        );
        assert_eq!(
            callers.patience,
            Some(Spread::Exactly(Duration::from_millis(1500)))
        );
        let (from, to) = (Duration::from_millis(1500), Duration::from_millis(2500));
        assert_eq!(attendants.talk, Spread::Between(from, to));
        assert_eq!(attendants.people[19].extension, "a19");
        assert_eq!(attendants.people[19].password.as_deref(), Some("secret"));
    }

    #[test]
    fn wrong_words_are_refused() {
        for words in [
            "--talk minus",
            "--talk -1",
            "--hold 1001",
            "--api 127.0.0.1:1",
            "--media some",
        ] {
            let words = ["loadgen"].into_iter().chain(words.split(' '));
            assert!(Cli::try_parse_from(words).is_err());
        }
    }
}

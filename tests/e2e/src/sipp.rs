//! SIPp: callers and systems behind trunks, whose every message is kept.

use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::client::{Running, start};
use crate::place::{Place, free_port};
use crate::wait::eventually;

/// What SIPp is to do.
#[derive(Debug, Clone)]
pub struct Scenario {
    file: &'static str,
    local: IpAddr,
    port: Option<u16>,
    server: SocketAddr,
    arguments: Vec<String>,
}

impl Scenario {
    /// The scenario of that name in `tests/e2e/sipp`, at this address, one call.
    pub fn new(place: &Place, file: &'static str, local: IpAddr) -> Self {
        Self {
            file,
            local,
            port: None,
            server: place.sip(),
            arguments: Vec::new(),
        }
        .calls(1)
    }

    /// A caller from the carrier's address who dials this number.
    pub fn caller(place: &Place, file: &'static str, number: &str, caller: &str) -> Self {
        Self::new(place, file, place.carrier()).dials(number, caller)
    }

    /// Dials this number.
    #[must_use]
    pub fn dials(self, number: &str, caller: &str) -> Self {
        self.with(&["-s", number]).key("caller", caller)
    }

    /// A phone of the PBX behind the second trunk.
    pub fn pbx_phone(place: &Place, file: &'static str) -> Self {
        Self {
            port: Some(5060),
            ..Self::new(place, file, place.pbx())
        }
    }

    /// Listens on this port; else on a free one.
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        Self {
            port: Some(port),
            ..self
        }
    }

    /// Speaks to this address of the daemon.
    #[must_use]
    pub fn server(self, server: SocketAddr) -> Self {
        Self { server, ..self }
    }

    /// So many calls altogether.
    #[must_use]
    pub fn calls(self, calls: u32) -> Self {
        self.with(&["-m", &calls.to_string()])
    }

    /// So many new calls a second.
    #[must_use]
    pub fn rate(self, calls_per_second: u32) -> Self {
        self.with(&["-r", &calls_per_second.to_string()])
    }

    /// The length of the scenario's pause: of the call, or of the ringing.
    #[must_use]
    pub fn pause(self, pause: Duration) -> Self {
        self.with(&["-d", &pause.as_millis().to_string()])
    }

    /// Where its RTP is to be sent.
    #[must_use]
    pub fn media(self, address: SocketAddr) -> Self {
        self.key("rtp", &address.port().to_string())
            .key("media", &address.ip().to_string())
    }

    /// One connection over TCP.
    #[must_use]
    pub fn tcp(self) -> Self {
        self.with(&["-t", "t1"])
    }

    /// More options.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(ToString::to_string));
        self
    }

    fn key(self, name: &str, value: &str) -> Self {
        self.with(&["-key", name, value])
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// When SIPp is not installed.
    pub fn start(self, place: &Place) -> Sipp {
        let port = self.port.unwrap_or_else(|| free_port(self.local));
        let base = place
            .directory()
            .join(format!("sipp-{}-{}-{port}", self.file, self.local).replace(':', "_"));
        let file = |extension| trace_file(&base, extension);
        let mut command = Command::new("sipp");
        command
            .arg(self.server.to_string())
            .arg("-sf")
            .arg(scenarios().join(self.file).with_extension("xml"));
        command.args(["-i", &host(self.local), "-p", &port.to_string(), "-nostdin"]);
        command
            .args(["-trace_msg", "-message_overwrite", "true", "-message_file"])
            .arg(file("messages"));
        command
            .args(["-trace_err", "-error_overwrite", "true", "-error_file"])
            .arg(file("errors"));
        command
            .args(&self.arguments)
            .current_dir(place.directory())
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
            .stdout(File::create(file("screen")).unwrap())
            .stderr(File::create(file("complaints")).unwrap());
        let running = start(&mut command, "sip-tester");
        Sipp {
            name: self.file,
            running,
            base,
            address: SocketAddr::new(self.local, port),
        }
    }
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sipp")
}

/// Of a name that ends with an address, whose last part is no extension to be replaced.
fn trace_file(base: &Path, extension: &str) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn host(address: IpAddr) -> String {
    if address.is_ipv6() {
        format!("[{address}]")
    } else {
        address.to_string()
    }
}

/// A running SIPp.
#[derive(Debug)]
pub struct Sipp {
    /// Where it sends from.
    pub address: SocketAddr,
    name: &'static str,
    running: Running,
    base: PathBuf,
}

/// A message that SIPp has sent or received.
#[derive(Debug, Clone)]
pub struct Traced {
    /// When, in seconds of the UTC day.
    pub at: f64,
    /// Whether SIPp sent it.
    pub is_sent: bool,
    /// The message.
    pub text: String,
}

impl Traced {
    /// The value of its first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let is_it = |line: &&str| {
            line.split_once(':')
                .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        };
        self.text
            .lines()
            .find(is_it)?
            .split_once(':')
            .map(|(_, value)| value.trim())
    }

    /// Whether it begins so, and came from the daemon.
    pub fn is_received(&self, start: &str) -> bool {
        !self.is_sent && self.text.starts_with(start)
    }

    /// Whether it is the daemon's answer to an INVITE with that status.
    pub fn is_answer(&self, status: u16) -> bool {
        self.is_received(&format!("SIP/2.0 {status} "))
            && self
                .header("CSeq")
                .is_some_and(|cseq| cseq.ends_with("INVITE"))
    }
}

impl Sipp {
    /// All messages so far.
    pub fn messages(&self) -> Vec<Traced> {
        let trace = std::fs::read(trace_file(&self.base, "messages")).unwrap_or_default();
        let trace = String::from_utf8_lossy(&trace);
        trace
            .split("-----------------------------------------------")
            .filter_map(traced)
            .collect()
    }

    /// Waits for a message.
    ///
    /// # Panics
    ///
    /// When it does not come.
    pub fn wait_for(
        &self,
        what: &str,
        at_most: Duration,
        is_it: impl Fn(&Traced) -> bool,
    ) -> Traced {
        let what = format!("{} at {}: {what}", self.name, self.address);
        eventually(&what, at_most, || self.messages().into_iter().find(&is_it))
    }

    /// Waits until its INVITE has been answered.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn wait_for_answer(&self) -> Traced {
        self.wait_for("a 200", Duration::from_secs(10), |message| {
            message.is_answer(200)
        })
    }

    /// Waits for its end; it must have got exactly what its scenario says.
    ///
    /// # Panics
    ///
    /// When it did not.
    pub fn succeeds(&mut self, at_most: Duration) {
        let name = self.name;
        let code = eventually(&format!("the end of SIPp's {name}"), at_most, || {
            self.running.exit_code()
        });
        assert_eq!(
            code,
            0,
            "SIPp's {name} has not gone as it should:\n{}",
            self.complaints()
        );
    }

    /// Its exit code, if it has ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.running.exit_code()
    }

    /// Kills it.
    pub fn kill9(&mut self) {
        self.running.kill9();
    }

    fn complaints(&self) -> String {
        let read = |extension| {
            std::fs::read_to_string(trace_file(&self.base, extension)).unwrap_or_default()
        };
        let last: Vec<String> = self
            .messages()
            .into_iter()
            .rev()
            .take(4)
            .map(|message| message.text)
            .collect();
        let last: String = last.into_iter().rev().collect();
        format!(
            "{}{}\nthe last messages:\n{last}",
            read("complaints"),
            read("errors")
        )
    }
}

/// A part of SIPp's trace: a line with the time, one that says which way, then the message.
fn traced(part: &str) -> Option<Traced> {
    let (time, rest) = part.trim_start().split_once('\n')?;
    let (way, text) = rest
        .split_once(":\n\n")
        .or_else(|| rest.split_once(":\n"))?;
    let mut clock = time.split(' ').nth(1)?.split(':').map(str::parse::<f64>);
    let mut unit = || clock.next()?.ok();
    let (hours, minutes, seconds) = (unit()?, unit()?, unit()?);
    let at = hours * 3_600.0 + minutes * 60.0 + seconds;
    Some(Traced {
        at,
        is_sent: way.contains(" sent"),
        text: text.trim_start().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_with_its_times_and_ways() {
        let part = " 2026-11-22 02:12:36.886303\nUDP message received [227] bytes :\n\nSIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n";
        let message = traced(part).unwrap();
        assert!(
            (message.at - 7_956.886_303).abs() < 1e-6 && message.is_answer(200),
            "{message:?}"
        );
        assert_eq!(message.header("cseq"), Some("1 INVITE"));
        let sent = traced(
            " 2026-11-22 02:12:32.879675\nUDP message sent (261 bytes):\n\nACK sip:x SIP/2.0\r\n",
        )
        .unwrap();
        assert!(sent.is_sent && sent.text.starts_with("ACK "), "{sent:?}");
    }
}

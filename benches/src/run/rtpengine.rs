//! rtpengine in user space, with calls set up by its ng protocol: bencode over UDP.

use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::ports;
use crate::process::{Running, find};

const CONTROL: &str = "127.9.0.5:2223";
const MEDIA: &str = "127.9.0.5";

/// It runs as long as this is kept.
pub(super) struct Rtpengine(Running);

impl Rtpengine {
    /// Starts it with so many calls, and says their phones' lines for the load.
    pub(super) fn start(calls: u16) -> Result<(Self, String)> {
        let program = find("rtpengine").context("rtpengine is not installed")?;
        let mut command = Command::new(program);
        command.args([
            "--table=-1",
            "--foreground",
            "--log-stderr",
            "--log-level=3",
            "--config-file=none",
        ]);
        command
            .arg(format!("--interface={MEDIA}"))
            .arg(format!("--listen-ng={CONTROL}"));
        command.args(["--port-min=40000", "--port-max=59998"]);
        let engine = Self(Running::start(
            command.stdout(Stdio::null()).stderr(Stdio::null()),
        )?);
        let control = Control::connect()?;
        let lines = (0..calls)
            .map(|call| control.call(call))
            .collect::<Result<String>>()?;
        Ok((engine, lines))
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.pid()
    }
}

struct Control(UdpSocket);

impl Control {
    fn connect() -> Result<Self> {
        let socket = UdpSocket::bind("127.9.0.2:0")?;
        socket.connect(CONTROL)?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        let control = Self(socket);
        for _ in 0..20 {
            if control.ask("ping", &[("command", "ping")]).is_ok() {
                return Ok(control);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("rtpengine does not answer")
    }

    /// Offer and answer of a call; the lines of its two phones.
    fn call(&self, call: u16) -> Result<String> {
        let (a, b) = (ports::caller(call), ports::attendant(call));
        let id = format!("bench-{call}");
        let (sdp_a, sdp_b) = (sdp(a), sdp(b));
        let common = [
            ("call-id", id.as_str()),
            ("from-tag", "a"),
            ("ICE", "remove"),
        ];
        let offer = [
            &[("command", "offer"), ("sdp", sdp_a.as_str())],
            common.as_slice(),
        ]
        .concat();
        let answer = [
            &[
                ("command", "answer"),
                ("to-tag", "b"),
                ("sdp", sdp_b.as_str()),
            ],
            common.as_slice(),
        ]
        .concat();
        let b_sends_to = media_port(&self.ask(&format!("o{call}"), &offer)?)?;
        let a_sends_to = media_port(&self.ask(&format!("a{call}"), &answer)?)?;
        let relay =
            |port: u16| Ok::<_, anyhow::Error>((MEDIA.parse::<std::net::IpAddr>()?, port).into());
        Ok(format!(
            "{}\n{}\n",
            ports::line(a, relay(a_sends_to)?),
            ports::line(b, relay(b_sends_to)?)
        ))
    }

    fn ask(&self, cookie: &str, fields: &[(&str, &str)]) -> Result<String> {
        self.0
            .send(format!("{cookie} {}", bencode(fields)).as_bytes())?;
        let mut buffer = [0; 8192];
        loop {
            let length = self.0.recv(&mut buffer)?;
            let text = String::from_utf8_lossy(&buffer[..length]);
            // An answer to an earlier question that came too late is none to this.
            if let Some(answer) = text
                .strip_prefix(cookie)
                .and_then(|rest| rest.strip_prefix(' '))
            {
                return Ok(answer.to_owned());
            }
        }
    }
}

/// A dictionary of strings; bencode wants its keys sorted.
fn bencode(fields: &[(&str, &str)]) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let words = sorted.iter().flat_map(|(key, value)| [key, value]);
    let inner: String = words.map(|word| format!("{}:{word}", word.len())).collect();
    format!("d{inner}e")
}

fn sdp(phone: std::net::SocketAddr) -> String {
    let (ip, port) = (phone.ip(), phone.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n\
         a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
    )
}

fn media_port(answer: &str) -> Result<u16> {
    let port = answer
        .split_once("m=audio ")
        .and_then(|(_, rest)| rest.split(' ').next());
    Ok(port
        .with_context(|| format!("no port in {answer}"))?
        .parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_bencode_and_ports_are_found() {
        assert_eq!(
            bencode(&[("sdp", "v=0"), ("ICE", "remove")]),
            "d3:ICE6:remove3:sdp3:v=0e"
        );
        assert_eq!(
            media_port("d3:sdp20:m=audio 40012 RTP/AVP 0e").unwrap(),
            40_012
        );
        assert!(media_port("d6:result5:errore").is_err());
    }
}

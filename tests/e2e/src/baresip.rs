//! baresip: a real softphone that registers with a digest, rings, is answered, speaks a tone and keeps what it heard.
//!
//! All phones live on 127.0.0.1 with ports of their own: baresip binds its media to every address, and the system then
//! sends from that one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::centre::SIP_PASSWORD;
use crate::client::{Running, start};
use crate::place::{Place, free_port};
use crate::sound::Sound;
use crate::wait::eventually;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How long the program may take to do what it is told.
const PROMPTLY: Duration = Duration::from_secs(5);
/// Above the range of ports that the system gives away.
const RTP_FIRST: u16 = 61_000;
const RTP_LAST: u16 = 65_000;
const RTP_PORTS: u16 = 20;

/// Where the next phone's search for ports begins.
static RTP_NEXT: AtomicU16 = AtomicU16::new(RTP_FIRST);

/// Something that happened in the phone.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// baresip's name of it, as `CALL_INCOMING`.
    pub kind: String,
    /// All it says.
    pub body: Value,
}

/// A phone.
#[derive(Debug)]
pub struct Baresip {
    extension: String,
    directory: PathBuf,
    running: Running,
    control: TcpStream,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Baresip {
    /// Starts a phone that registers as this extension and speaks a tone of that frequency.
    ///
    /// # Panics
    ///
    /// When baresip is not installed or does not start.
    pub fn start(place: &Place, extension: &str, tone_hz: u32) -> Self {
        let server = format!("sip:{};transport=udp", place.sip());
        Self::start_by(place, extension, tone_hz, &server, "")
    }

    /// Starts one that does so over TLS, and trusts the certificates of this authority only.
    ///
    /// # Panics
    ///
    /// When baresip is not installed or does not start.
    pub fn start_over_tls(place: &Place, extension: &str, tone_hz: u32, authority: &Path) -> Self {
        let server = format!("sip:{};transport=tls", place.sip_tls());
        let trusts = format!("sip_cafile {}\n", authority.display());
        Self::start_by(place, extension, tone_hz, &server, &trusts)
    }

    fn start_by(
        place: &Place,
        extension: &str,
        tone_hz: u32,
        server: &str,
        settings: &str,
    ) -> Self {
        let directory = place.directory().join(format!("baresip-{extension}"));
        std::fs::create_dir_all(directory.join("heard")).unwrap();
        std::fs::write(
            directory.join("tone.wav"),
            Sound::tone(tone_hz, 60).to_wav(),
        )
        .unwrap();
        let control = TcpListener::bind((LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap();
        let base = directory.display();
        let rtp = free_rtp_ports();
        let config = format!(
            "poll_method epoll\nnet_interface {LOCALHOST}\nsip_listen {LOCALHOST}:{}\nctrl_tcp_listen {control}\n\
             rtp_ports {rtp}-{}\nmodule_path {}\naudio_source aufile,{base}/tone.wav\naudio_player aubridge,ear\n\
             audio_alert aubridge,bell\nsnd_path {base}/heard\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\n\
             module sndfile.so\nmodule uuid.so\nmodule_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n{settings}",
            free_port(LOCALHOST),
            rtp + RTP_PORTS - 1,
            modules(),
        );
        std::fs::write(directory.join("config"), config).unwrap();
        let account = format!(
            "<sip:{extension}@lampfield.local>;auth_pass={SIP_PASSWORD};outbound=\"{server}\";regint=600;audio_codecs=pcmu\n",
        );
        std::fs::write(directory.join("accounts"), account).unwrap();
        let log = File::create(directory.join("log")).unwrap();
        let mut command = Command::new("baresip");
        command
            .arg("-f")
            .arg(&directory)
            .args(["-v", "-s"])
            .stdin(Stdio::null());
        let running = start(
            command.stdout(log.try_clone().unwrap()).stderr(log),
            "baresip-core",
        );
        let control = eventually("baresip's control port", PROMPTLY, || {
            TcpStream::connect(control).ok()
        });
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let (mut stream, kept) = (control.try_clone().unwrap(), Arc::clone(&events));
        std::thread::spawn(move || follow(&mut stream, &kept));
        Self {
            extension: extension.into(),
            directory,
            running,
            control,
            events,
        }
    }

    fn tell(&mut self, command: &str, parameters: &str) {
        let text = json!({"command": command, "params": parameters}).to_string();
        write!(self.control, "{}:{text},", text.len()).unwrap();
    }

    /// All that has happened so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Everything of that kind.
    pub fn events_of(&self, kind: &str) -> Vec<Event> {
        self.events()
            .into_iter()
            .filter(|event| event.kind == kind)
            .collect()
    }

    /// How often it has rung.
    pub fn rings(&self) -> usize {
        self.events_of("CALL_INCOMING").len()
    }

    /// Waits until it has rung so many times; the moment of the last, and who called.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn wait_for_ring(&self, count: usize, at_most: Duration) -> (Instant, String) {
        let ring = self.wait_for("CALL_INCOMING", count, at_most);
        let peer = ring.body["peeruri"].as_str().unwrap_or_default();
        let caller = peer
            .trim_start_matches("sip:")
            .split('@')
            .next()
            .unwrap_or_default();
        (ring.at, caller.to_owned())
    }

    /// Waits until something has happened so many times.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn wait_for(&self, kind: &str, count: usize, at_most: Duration) -> Event {
        let what = format!("{kind} number {count} at phone {}", self.extension);
        eventually(&what, at_most, || {
            self.events_of(kind).into_iter().nth(count - 1)
        })
    }

    /// Takes the call that rings; the moment it was told to.
    pub fn answer(&mut self) -> Instant {
        self.tell("accept", "");
        Instant::now()
    }

    /// Ends the call; the moment it was told to.
    pub fn hang_up(&mut self) -> Instant {
        self.tell("hangup", "");
        Instant::now()
    }

    /// Calls a number.
    pub fn dial(&mut self, number: &str) {
        self.tell("dial", number);
    }

    /// Vanishes without a word.
    pub fn kill9(&mut self) {
        self.running.kill9();
    }

    /// Falls silent, as behind a cut wire: nothing says that it is gone.
    ///
    /// # Panics
    ///
    /// When it has ended already.
    pub fn freeze(&mut self) {
        kill_process(Pid::from_child(&self.running.0), Signal::STOP).unwrap();
    }

    /// What it heard in its last call, which is over.
    ///
    /// # Panics
    ///
    /// When it has had none.
    pub fn heard(&self) -> Sound {
        eventually("what the phone heard", PROMPTLY, || {
            let recordings = std::fs::read_dir(self.directory.join("heard")).unwrap();
            let heard = recordings.map(|entry| entry.unwrap().path());
            let last = heard
                .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
                .max()?;
            let sound = Sound::of_wav(&last);
            (!sound.0.is_empty()).then_some(sound)
        })
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read(self.directory.join("log")).unwrap_or_default();
            let log =
                String::from_utf8_lossy(&log[log.len().saturating_sub(12_000)..]).into_owned();
            eprintln!("---- the log of phone {}\n{log}", self.extension);
        }
    }
}

/// The first of some ports that nobody has, on any address.
fn free_rtp_ports() -> u16 {
    let is_free = |port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
    loop {
        let first = RTP_NEXT.fetch_add(RTP_PORTS, Ordering::Relaxed);
        assert!(first < RTP_LAST, "no ports for a phone's media");
        if (first..first + RTP_PORTS).all(is_free) {
            return first;
        }
    }
}

/// Where Debian puts baresip's modules.
fn modules() -> &'static str {
    const DIRECTORY: &str = "/usr/lib/baresip/modules";
    assert!(
        Path::new(DIRECTORY).join("sndfile.so").exists(),
        "no baresip in {DIRECTORY}: install it with `apt-get install baresip-core`, or run tests/tools.sh"
    );
    DIRECTORY
}

/// Reads what the phone tells: netstrings of JSON.
fn follow(stream: &mut TcpStream, events: &Mutex<Vec<Event>>) {
    let (mut unread, mut bytes) = (Vec::new(), [0; 4_096]);
    while let Ok(length @ 1..) = stream.read(&mut bytes) {
        unread.extend_from_slice(&bytes[..length]);
        while let Some((body, used)) = netstring(&unread) {
            unread.drain(..used);
            let kind = body["type"].as_str().unwrap_or_default().to_owned();
            events.lock().unwrap().push(Event {
                at: Instant::now(),
                kind,
                body,
            });
        }
    }
}

/// The first whole one, and how long it is.
fn netstring(bytes: &[u8]) -> Option<(Value, usize)> {
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let body = bytes.get(colon + 1..colon + 1 + length)?;
    let used = colon + length + 2;
    (bytes.len() >= used).then(|| (serde_json::from_slice(body).unwrap_or(Value::Null), used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netstrings_are_cut_where_they_end() {
        let text = b"15:{\"type\":\"RING\"},2:{";
        let (body, used) = netstring(text).unwrap();
        assert_eq!((body["type"].as_str(), used), (Some("RING"), 19));
        assert!(netstring(&text[used..]).is_none());
        assert!(netstring(&text[..18]).is_none());
    }
}

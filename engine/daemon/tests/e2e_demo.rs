//! The demo as a newcomer starts it: the program itself, its made-up people, and its end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than this takes on a busy machine: the first caller comes after some seconds, and rings for some more.
const LONG: Duration = Duration::from_secs(90);

/// The running demo; killed if a test gives up on it.
struct Demo {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Demo {
    fn start(directory: &Path, ip: &str, arguments: &[&str]) -> Self {
        // Addresses of its own, so that it disturbs nobody and nobody disturbs it.
        let settings = format!(
            "[sip]\nlisten = [\"udp:{ip}:0\"]\n[http]\nlisten = \"{ip}:0\"\n[media]\naddress = \"{ip}\"\n\
             ports = \"20000-20999\"\n[store]\nurl = \"sqlite:{0}/demo.db\"\ndirectory = \"{0}\"\n",
            directory.display()
        );
        let file = directory.join("lampfield.toml");
        std::fs::write(&file, settings).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_lampfield"))
            .arg("demo")
            .arg("--config")
            .arg(&file)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads on until a line fits.
    fn read_until(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        let mut read = String::new();
        while begin.elapsed() < LONG {
            let Some(line) = self.lines.next() else { break };
            let line = line.unwrap();
            if fits(&line) {
                return line;
            }
            read += &line;
            read.push('\n');
        }
        panic!("no line with {what} in:\n{read}");
    }

    /// Ctrl-C: all it says until its end, and that it ends well.
    fn end(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let mut read = String::new();
        for line in self.lines.by_ref() {
            read += &line.unwrap();
            read.push('\n');
        }
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{read}");
        read
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number before a word in a summary such as `..., answered 3, 100 % in time, ...`.
fn number_after(line: &str, word: &str) -> u64 {
    let rest = line.split(word).nth(1).unwrap_or_default().trim_start();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_default()
}

#[test]
fn e2e_the_demo_s_people_call_and_answer_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(directory.path(), "127.0.0.21", &[]);
    demo.read_until("ready", |line| {
        line.starts_with("ready sip udp:127.0.0.21:")
    });
    demo.read_until("the newcomer's phone", |line| {
        line.contains("demo-phone-1001")
    });
    demo.read_until("an answered call", |line| {
        number_after(line, "answered") > 0
    });
    let said = demo.end();
    assert!(said.contains("made-up callers came; goodbye"), "{said}");

    // The store is there now, and so is the centre: without people, it says what to do.
    let mut demo = Demo::start(directory.path(), "127.0.0.21", &["--no-callers"]);
    demo.read_until("ready", |line| line.starts_with("ready "));
    demo.read_until("what to do next", |line| {
        line.contains("cargo run --profile ci -- demo")
    });
    let said = demo.end();
    assert!(!said.contains("answered"), "{said}");
}

#[test]
fn e2e_another_centre_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let settings = directory.path().join("lampfield.toml");
    let mut first = Demo::start(directory.path(), "127.0.0.22", &["--no-callers"]);
    first.read_until("ready", |line| line.starts_with("ready "));
    first.read_until("what to do next", |line| line.contains("cargo run"));
    first.end();
    let centre = directory.path().join("centre.toml");
    let ours = "[[queues]]\nname = \"ours\"\nnumber = \"700\"\n\
                [[users]]\nusername = \"administrator\"\nrole = \"administrator\"\n";
    std::fs::write(&centre, ours).unwrap();
    let mut apply = Command::new(env!("CARGO_BIN_EXE_lampfield"));
    apply
        .arg("apply")
        .arg(&centre)
        .arg("--prune")
        .arg("--config")
        .arg(&settings);
    let applied = apply.output().unwrap();
    assert!(applied.status.success(), "{applied:?}");

    let demo = Command::new(env!("CARGO_BIN_EXE_lampfield"))
        .args(["demo", "--config"])
        .arg(&settings)
        .output()
        .unwrap();
    assert_eq!(demo.status.code(), Some(1));
    let why = String::from_utf8_lossy(&demo.stderr);
    assert!(why.contains("another centre than the demo"), "{why}");
}

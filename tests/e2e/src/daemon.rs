//! The daemon under test, and its command line.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::api::Api;
use crate::client::Running;
use crate::place::Place;
use crate::wait::eventually;

/// How long a start may take.
const START: Duration = Duration::from_secs(15);

/// What stands in the settings file.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sip.listen`.
    pub sip_listen: Vec<String>,
    /// `sip.domain`.
    pub domain: String,
    /// `media.ports`.
    pub media_ports: String,
    /// `log.level`.
    pub log_level: String,
    /// `sip.drain_seconds`.
    pub drain_seconds: u32,
    /// More lines of the section `[sip]`.
    pub sip_lines: String,
    /// More lines of the section `[media]`.
    pub media_lines: String,
    /// More lines of the section `[http]`.
    pub http_lines: String,
    http: SocketAddr,
}

impl Settings {
    /// UDP and TCP on the place's own address.
    pub fn of(place: &Place) -> Self {
        Self {
            sip_listen: vec![
                format!("udp:{}", place.sip()),
                format!("tcp:{}", place.sip()),
            ],
            domain: "lampfield.local".into(),
            media_ports: "10000-10399".into(),
            log_level: "debug".into(),
            drain_seconds: 30,
            sip_lines: String::new(),
            media_lines: String::new(),
            http_lines: String::new(),
            http: place.http(),
        }
    }

    fn text(&self) -> String {
        format!(
            "[sip]\nlisten = {:?}\ndomain = {:?}\ndrain_seconds = {}\n{}\n[media]\naddress = \"{}\"\nports = \"{}\"\n{}\n\
             [http]\nlisten = \"{}\"\n{}\n[log]\nlevel = \"{}\"\n",
            self.sip_listen,
            self.domain,
            self.drain_seconds,
            self.sip_lines,
            self.http.ip(),
            self.media_ports,
            self.media_lines,
            self.http,
            self.http_lines,
            self.log_level,
        )
    }
}

/// A running daemon. Its log is shown when a test fails.
#[derive(Debug)]
pub struct Daemon {
    running: Running,
    directory: PathBuf,
    http: SocketAddr,
}

impl Daemon {
    /// Starts one with this centre, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it does not become ready.
    pub fn start(place: &Place, centre: &str) -> Self {
        Self::start_with(place, centre, |_| ())
    }

    /// Starts one with other settings.
    ///
    /// # Panics
    ///
    /// When it does not become ready.
    pub fn start_with(place: &Place, centre: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::of(place);
        change(&mut settings);
        write_settings(place, &settings);
        if !centre.is_empty() {
            let applied = apply(place.directory(), centre, &[]);
            assert!(
                applied.status.success(),
                "the centre is refused: {applied:?}"
            );
        }
        Self::run(place)
    }

    /// Starts the daemon in the place as it is.
    ///
    /// # Panics
    ///
    /// When it does not become ready.
    pub fn run(place: &Place) -> Self {
        let directory = place.directory().to_path_buf();
        let running = spawn(&directory);
        let mut daemon = Self {
            running,
            directory,
            http: place.http(),
        };
        daemon.wait_until_ready();
        daemon
    }

    fn wait_until_ready(&mut self) {
        eventually("the line `ready`", START, || {
            assert_eq!(
                self.running.exit_code(),
                None,
                "the daemon ended at once: {}",
                self.printed()
            );
            self.printed()
                .lines()
                .any(|line| line.starts_with("ready "))
                .then_some(())
        });
    }

    /// All it has printed and logged since its last start.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(log_file(&self.directory)).unwrap_or_default()
    }

    /// Kills it as a power cut would, or the kernel when memory is short.
    pub fn kill9(&mut self) {
        self.running.kill9();
    }

    /// Starts it again where it was killed or has ended.
    ///
    /// # Panics
    ///
    /// When it does not become ready.
    pub fn restart(&mut self) {
        self.kill9();
        self.running = spawn(&self.directory);
        self.wait_until_ready();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.running.0), Signal::TERM).unwrap();
    }

    /// Has it read its settings again.
    ///
    /// # Panics
    ///
    /// When it does not say that it has.
    pub fn reread(&self) {
        let said = || self.printed().matches("settings read again").count();
        let before = said();
        kill_process(Pid::from_child(&self.running.0), Signal::HUP).unwrap();
        eventually("the settings read again", START, || {
            (said() > before).then_some(())
        });
    }

    /// Its exit code, if it has ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.running.exit_code()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.running.0.id()
    }

    /// Logs a user in.
    ///
    /// # Panics
    ///
    /// When that is refused.
    pub fn login(&self, username: &str) -> Api {
        Api::login(self.http, username, crate::centre::PASSWORD)
    }

    /// Its API, for nobody yet.
    pub fn api(&self) -> Api {
        Api::new(self.http)
    }

    /// A figure of `/metrics`, those of all media threads together.
    ///
    /// # Panics
    ///
    /// When there is no such figure.
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.api().request("GET", "/metrics", None).text;
        let values: Vec<f64> = page
            .lines()
            .filter_map(|line| value_of(line, name))
            .collect();
        assert!(!values.is_empty(), "no figure {name} in {page}");
        values.iter().sum()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.printed();
            let tail: Vec<&str> = log.lines().rev().take(200).collect();
            eprintln!("---- the daemon's log");
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// The value in a line of `/metrics` that is this figure's.
fn value_of(line: &str, name: &str) -> Option<f64> {
    let rest = line.strip_prefix("lampfield_")?.strip_prefix(name)?;
    let is_whole_name = rest.starts_with(' ') || rest.starts_with('{');
    is_whole_name
        .then(|| rest.rsplit(' ').next()?.parse().ok())
        .flatten()
}

/// Writes the settings file of a place.
///
/// # Panics
///
/// When the place cannot be written to.
pub fn write_settings(place: &Place, settings: &Settings) {
    std::fs::write(place.directory().join("lampfield.toml"), settings.text()).unwrap();
}

/// Runs a command of the program in this directory to its end.
///
/// # Panics
///
/// When the program does not start.
pub fn command(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command
        .current_dir(directory)
        .args(arguments)
        .stdin(Stdio::null());
    command.output().unwrap()
}

/// Starts a command of the program in this directory, whose output goes into that file.
///
/// # Panics
///
/// When the program does not start.
pub fn start_command(directory: &Path, arguments: &[&str], output: &Path) -> Running {
    let mut command = Command::new(program());
    command.current_dir(directory).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(File::create(output).unwrap());
    Running(command.spawn().unwrap())
}

/// `lampfield apply` of this text.
///
/// # Panics
///
/// When the program does not start.
pub fn apply(directory: &Path, centre: &str, options: &[&str]) -> Output {
    std::fs::write(directory.join("centre.toml"), centre).unwrap();
    command(directory, &[&["apply", "centre.toml"], options].concat())
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("daemon.log")
}

fn spawn(directory: &Path) -> Running {
    let log = File::create(log_file(directory)).unwrap();
    let mut command = Command::new(program());
    command.current_dir(directory).stdin(Stdio::null());
    let command = command.stdout(log.try_clone().unwrap()).stderr(log);
    Running(command.spawn().unwrap())
}

/// The program of the sources that this test is of, beside the test in the target directory.
///
/// Cargo does not build other packages' programs for a test, so it is asked to, once: as for a test of the whole workspace,
/// whose program it is then already. Asked for the one package, it would choose other features of the libraries, and build
/// them all again. `LAMPFIELD_PROGRAM` names another one to test.
///
/// # Panics
///
/// When it cannot be built.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os("LAMPFIELD_PROGRAM").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/PROFILE/deps/test
    let output = test.parent().and_then(Path::parent).unwrap();
    let profile = match output.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(name) => name,
        None => panic!("{} is not in a target directory", test.display()),
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Beside this test of its own package the program is built.
    command.args(["test", "--no-run", "--quiet", "--workspace"]);
    command.args(["--test", "e2e_demo", "--profile", profile]);
    command
        .arg("--target-dir")
        .arg(output.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(
        command.status().unwrap().success(),
        "the daemon does not build"
    );
    output.join("lampfield")
}

//! `lampfield demo`: a sample centre with made-up people in it, for somebody who has just arrived.
//!
//! The daemon runs as always, with a store of its own; beside it, in the same process, a population of the load
//! generator calls and answers over loopback, and the view that every reader sees is drawn in the terminal. Nothing
//! in the daemon knows that it is a demo.
//!
//! The demo's passwords stand in a public file, so the demo refuses to listen anywhere but on loopback.

mod guide;
mod levels;
mod people;
mod screen;

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use config::{Centre, LogLevel, Role, Settings};
use engine::command::{Moves, PresenceWish};
use engine::event::Presence;
use engine::view::View;
use engine::{Actor, CommandBody};
use loadgen::{Handle, Population};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};

use crate::apply::{NoPlan, Wish, plan};
use crate::beside::Running;
use crate::clock::utc_us;
use crate::print::say;
use crate::random;
use crate::settings::{self, LoadFault};
use crate::start;

use guide::Reach;
use levels::Levels;
use screen::Picture;

/// The demo centre, passwords included.
const CENTRE: &str = include_str!("../../../../config/demo.toml");
/// Its name in messages.
const CENTRE_FILE: &str = "config/demo.toml";
/// The settings without `--config`: those of any daemon, and a store apart from it.
const SETTINGS: &str =
    "[store]\nurl = \"sqlite:var/demo/lampfield.db\"\ndirectory = \"var/demo\"\n";
/// How often the screen is drawn.
const DRAW: Duration = Duration::from_secs(1);
/// How often a line is printed where there is no screen.
const LINE: Duration = Duration::from_secs(5);
/// How long phones have to register.
const READY: Duration = Duration::from_secs(10);
/// How long somebody who missed a call stays on break before they come back.
const BREAK_US: i64 = 20_000_000;

/// What is asked of the demo.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Only the centre, without made-up people; says what to do next.
    #[arg(long)]
    no_callers: bool,
}

/// The settings of the demo.
///
/// # Errors
///
/// What is wrong with the file or the environment.
pub(crate) fn settings(config: Option<&Path>) -> Result<Settings, LoadFault> {
    match config {
        Some(_) => settings::load(config).map(|loaded| loaded.settings),
        None => settings::load_text(SETTINGS, "the demo's settings"),
    }
}

/// Runs daemon and demo until they are told to end.
///
/// # Errors
///
/// Whatever keeps either from starting, as one line.
pub(crate) fn run(
    mut settings: Settings,
    config: Option<&Path>,
    options: Options,
) -> anyhow::Result<()> {
    let elsewhere = listens_beyond_loopback(&settings);
    if let Some(address) = elsewhere {
        bail!(
            "the demo's passwords are known to everybody, so it does not listen on {address}, only on loopback"
        );
    }
    let drawn = !options.no_callers && std::io::stdout().is_terminal();
    if drawn {
        // A line for every call would run through the picture.
        settings.log.level = LogLevel::Error;
    }
    start::run_beside(settings, config, move |running| {
        beside(running, options, drawn)
    })
}

/// The first address that others could reach.
fn listens_beyond_loopback(settings: &Settings) -> Option<String> {
    let http = settings.http.listen;
    let sip = settings.sip.listen.iter();
    let elsewhere = sip
        .filter(|listen| !listen.address.ip().is_loopback())
        .map(ToString::to_string);
    let api = (!http.ip().is_loopback()).then(|| http.to_string());
    elsewhere.chain(api).next()
}

/// What runs beside the daemon.
async fn beside(running: Running, options: Options, drawn: bool) -> anyhow::Result<()> {
    let file = config::parse_centre(CENTRE, CENTRE_FILE);
    let file = Arc::new(file.map_err(|faults| anyhow!("{faults}"))?);
    furnish(&running, &file).await?;
    let sip = running
        .sip
        .context("the demo needs SIP over UDP (sip.listen)")?;
    let domain = running.writer.current().settings.sip.domain.to_string();
    let reach = Reach {
        sip,
        http: running.http,
        domain,
    };
    let demo = Demo {
        running,
        file,
        reach,
    };
    if options.no_callers {
        demo.send_home().await;
        say(&guide::text(&demo.file, &demo.reach, false));
        return until_end().await;
    }
    let population = demo.people_come().await?;
    if !drawn {
        say(&guide::text(&demo.file, &demo.reach, true));
    }
    let shown = demo.show(drawn).await;
    // They hang up and unregister, which takes up to two seconds.
    let gone = tokio::task::spawn_blocking(move || population.stop());
    demo.send_home().await;
    let report = gone.await.context("the made-up people have died")?;
    say(&format!("{} made-up callers came; goodbye", report.made));
    shown
}

/// Puts the demo centre into an empty store; makes sure that it is one otherwise.
async fn furnish(running: &Running, file: &Centre) -> anyhow::Result<()> {
    let turn = running.writer.turn().await;
    if turn.current.centre.queues.is_empty() {
        let wish = Wish {
            file: CENTRE_FILE.into(),
            text: CENTRE.into(),
            dry_run: false,
            prune: false,
        };
        let current = Arc::clone(&turn.current);
        // Hashing passwords is slow by design.
        let planned = tokio::task::spawn_blocking(move || plan(&current, &wish)).await?;
        let planned = planned.map_err(|fault| match fault {
            NoPlan::Faults(faults) => anyhow!("{faults}"),
            NoPlan::Failed(error) => error,
        })?;
        running
            .writer
            .put(turn, actor(), planned.centre, Moves::new())
            .await?;
        return Ok(());
    }
    let centre = &turn.current.centre;
    let missing = file
        .users
        .keys()
        .find(|name| !centre.users.contains_key(*name));
    let missing = missing.or_else(|| {
        file.trunks
            .keys()
            .find(|name| !centre.trunks.contains_key(*name))
    });
    match missing {
        Some(name) => bail!(
            "the store in {} has another centre than the demo ({name:?} is not in it); give the demo one of its own",
            turn.current.settings.store.directory
        ),
        None => Ok(()),
    }
}

/// Who the demo is to the engine and in the audit.
fn actor() -> Actor {
    Actor {
        username: "demo".into(),
        role: Role::Administrator,
    }
}

/// Waits for the signals that end the daemon.
async fn until_end() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// The demo while it runs.
struct Demo {
    running: Running,
    /// The centre as its file has it, passwords included.
    file: Arc<Centre>,
    reach: Reach,
}

impl Demo {
    /// Registers the phones, logs their owners in, and lets callers come.
    async fn people_come(&self) -> anyhow::Result<Handle> {
        let seed = u64::from_le_bytes(random::bytes()?);
        let plan = people::plan(&self.file, self.reach.sip, &self.reach.domain, seed);
        let population = Population::start(plan)?;
        let (ready, population) =
            tokio::task::spawn_blocking(move || (population.wait_until_ready(READY), population))
                .await?;
        if !ready {
            bail!(
                "the made-up phones cannot register: {:?}",
                population.report().register_failures
            );
        }
        for (username, _) in people::played(&self.file) {
            self.command(CommandBody::Login {
                username,
                extension: None,
            })
            .await;
        }
        population.begin();
        Ok(population)
    }

    /// Logs all out whose phones are nowhere now.
    async fn send_home(&self) {
        for (username, _) in people::played(&self.file) {
            self.command(CommandBody::Logout { username }).await;
        }
    }

    async fn command(&self, body: CommandBody) {
        if let Err(error) = self.running.commands.send(actor(), body).await {
            tracing::debug!(%error, "a made-up person's wish is not fulfilled");
        }
    }

    /// Draws, or prints lines, until the daemon is to end.
    async fn show(&self, drawn: bool) -> anyhow::Result<()> {
        let views = self.running.commands.views();
        let mut levels = Levels::new(&self.file);
        let mut events = views.follow();
        let mut draw = interval(if drawn { DRAW } else { LINE });
        draw.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let end = until_end();
        tokio::pin!(end);
        loop {
            tokio::select! {
                ended = &mut end => return ended,
                event = events.recv() => match event {
                    Ok(logged) => levels.on_event(logged.utc_us, &logged.event),
                    // Some calls are missing in the figures; the picture itself is whole.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
                _ = draw.tick() => {
                    let view = views.view();
                    self.show_once(&view, &levels, drawn);
                    self.bring_back(&view).await;
                }
            }
        }
    }

    fn show_once(&self, view: &View, levels: &Levels, drawn: bool) {
        let hint = guide::line(&self.file, &self.reach);
        let picture = Picture {
            view,
            levels,
            centre: &self.file,
            now_us: utc_us(),
            hint: &hint,
        };
        if drawn {
            draw(&picture.screen(rows()));
        } else {
            say(&picture.summary());
        }
    }

    /// Those who missed a call come back from the break they were put on.
    async fn bring_back(&self, view: &View) {
        let now_us = utc_us();
        for (username, _) in people::played(&self.file) {
            let row = view.agents.get(&username);
            let rested = row.is_some_and(|row| {
                row.presence == Presence::Break && now_us - row.since_us > BREAK_US
            });
            if rested {
                let state = PresenceWish::Available;
                self.command(CommandBody::SetAgentState { username, state })
                    .await;
            }
        }
    }
}

/// Rows of the terminal.
fn rows() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.ok()
        .map(|size| size.ws_row.into())
        .filter(|rows| *rows > 0)
        .unwrap_or(screen::ROWS)
}

/// Replaces what the terminal shows: from the corner, line by line, so that nothing flickers.
fn draw(screen: &str) {
    let mut out = String::from("\x1b[H");
    for line in screen.lines() {
        out.push_str(line);
        out.push_str("\x1b[K\n");
    }
    out.push_str("\x1b[J");
    let mut terminal = std::io::stdout().lock();
    // Who closed the terminal does not look at it any more.
    let _ = terminal
        .write_all(out.as_bytes())
        .and_then(|()| terminal.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_a_store_of_its_own() {
        let settings = settings(None).unwrap();
        assert_eq!(settings.store.directory.as_ref(), "var/demo");
        assert_eq!(
            settings.store.url.to_string(),
            "sqlite:var/demo/lampfield.db"
        );
        assert_eq!(settings.sip, Settings::default().sip);
        assert_eq!(listens_beyond_loopback(&settings), None);
    }

    #[test]
    fn known_passwords_stay_on_this_machine() {
        for (text, address) in [
            (
                "[sip]\nlisten = [\"udp:127.0.0.1:5060\", \"tcp:0.0.0.0:5060\"]\n",
                "tcp:0.0.0.0:5060",
            ),
            ("[http]\nlisten = \"192.0.2.1:8080\"\n", "192.0.2.1:8080"),
        ] {
            let settings = Settings::load(text, "test", []).unwrap();
            assert_eq!(listens_beyond_loopback(&settings).as_deref(), Some(address));
            let options = Options { no_callers: true };
            let refused = run(settings, None, options).unwrap_err().to_string();
            assert!(refused.contains(address), "{refused}");
        }
    }

    #[test]
    fn the_centre_file_fits_the_settings() {
        let file = config::parse_centre(CENTRE, CENTRE_FILE).unwrap();
        assert_eq!(file.check_against(&settings(None).unwrap()), []);
    }
}

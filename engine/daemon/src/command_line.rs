//! The commands of the program and their exit codes: 0 ended as asked, 1 could not, 2 wrong usage.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use config::Settings;

use crate::print::{complain, one_line, say};
use crate::settings::LoadFault;
use crate::{apply, control, demo, replay, settings, start};

/// A SIP-native contact-centre engine.
#[derive(Debug, Parser)]
#[command(name = "lampfield", version, about)]
struct Cli {
    /// The settings; without it ./lampfield.toml where there is one, else built-in defaults.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon (also without a command).
    Run,
    /// Reads the settings and says every fault in them.
    Check,
    /// Makes the centre what FILE says, and prints the difference and its effect.
    Apply {
        /// The centre file.
        file: PathBuf,
        /// Only prints what would change.
        #[arg(long)]
        dry_run: bool,
        /// Deletes what FILE does not name.
        #[arg(long)]
        prune: bool,
    },
    /// Prints the whole centre as a file for `apply`.
    Export,
    /// Runs a sample centre with made-up callers and attendants. Without `--config` it has built-in settings and a store of its own, whatever ./lampfield.toml says.
    Demo(demo::Options),
    /// Plays a journal again: is every decision the same, or what would be different in another centre?
    Replay(replay::Options),
    /// Follows the running daemon's SIP messages as they pass, until Ctrl-C.
    Trace(control::TraceOptions),
    /// Prints the version.
    Version,
    #[command(flatten)]
    Later(Later),
}

/// Commands that have a name already, and are refused until they are built.
#[derive(Debug, Subcommand)]
enum Later {
    /// Not built yet.
    #[command(hide = true)]
    Backup(Rest),
    /// Not built yet.
    #[command(hide = true)]
    Restore(Rest),
}

#[derive(Debug, clap::Args)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

impl Later {
    fn name(&self) -> &'static str {
        match self {
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
        }
    }
}

const COULD_NOT: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    // Wrong usage ends here with 2, `--help` and `--version` with 0.
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::Run) {
        Command::Version => {
            say(&format!("lampfield {}", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        Command::Later(later) => {
            complain(&format!("lampfield: {} is not built yet", later.name()));
            ExitCode::from(WRONG_USAGE)
        }
        Command::Replay(options) if options.needs_settings() => {
            with_settings(cli.config.as_deref(), |settings| {
                replay::run(&options, settings)
            })
        }
        Command::Replay(options) => end(replay::run(&options, Settings::default())),
        Command::Check => check(cli.config.as_deref()),
        Command::Run => with_settings(cli.config.as_deref(), |settings| {
            start::run(settings, cli.config.as_deref()).map(|()| true)
        }),
        Command::Demo(options) => act_on(demo::settings(cli.config.as_deref()), |settings| {
            demo::run(settings, cli.config.as_deref(), options).map(|()| true)
        }),
        Command::Apply {
            file,
            dry_run,
            prune,
        } => with_settings(cli.config.as_deref(), |settings| {
            let wish = apply::Wish::read(&file, dry_run, prune)?;
            control::apply(&settings, wish)
        }),
        Command::Trace(options) => with_settings(cli.config.as_deref(), |settings| {
            control::trace(&settings, &options)
        }),
        Command::Export => {
            with_settings(cli.config.as_deref(), |settings| control::export(&settings))
        }
    }
}

fn check(config: Option<&Path>) -> ExitCode {
    match settings::load(config) {
        Ok(loaded) => {
            if let Err(error) = crate::net::tls::check(&loaded.settings) {
                complain(&format!("error: {}", one_line(&error)));
                return ExitCode::from(COULD_NOT);
            }
            let name = loaded.file.map_or_else(
                || "built-in defaults".into(),
                |file| file.display().to_string(),
            );
            say(&format!("{name}: no faults"));
            ExitCode::SUCCESS
        }
        Err(fault) => {
            complain(&fault.render());
            ExitCode::from(COULD_NOT)
        }
    }
}

/// Reads the settings and does something with them.
fn with_settings(
    config: Option<&Path>,
    act: impl FnOnce(Settings) -> anyhow::Result<bool>,
) -> ExitCode {
    act_on(settings::load(config).map(|loaded| loaded.settings), act)
}

/// Does something with settings that were read; `Ok(false)` is a failure that has been printed already.
fn act_on(
    settings: Result<Settings, LoadFault>,
    act: impl FnOnce(Settings) -> anyhow::Result<bool>,
) -> ExitCode {
    let settings = match settings {
        Ok(settings) => settings,
        Err(fault) => {
            complain(&format!("lampfield: {fault}"));
            return ExitCode::from(COULD_NOT);
        }
    };
    end(act(settings))
}

/// How the program ends; `Ok(false)` has been printed already.
fn end(result: anyhow::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(COULD_NOT),
        Err(error) => {
            complain(&format!("lampfield: {}", one_line(&error)));
            ExitCode::from(COULD_NOT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"lampfield").chain(words))
    }

    #[test]
    fn commands_are_read_and_wrong_usage_is_exit_code_2() {
        for words in [
            &[][..],
            &["run"],
            &["check", "--config", "x.toml"],
            &["--config", "x.toml", "export"],
            &["apply", "c.toml", "--dry-run", "--prune"],
            &["version"],
            &["demo"],
            &["demo", "--no-callers"],
            &["backup", "dir", "--anything"],
            &[
                "trace",
                "--call",
                "0100000200000001",
                "--number",
                "112",
                "--json",
            ],
            &["replay", "--journal", "var"],
            &[
                "replay",
                "--journal",
                "var",
                "--from",
                "2026-11-02T08:00:00Z",
                "--json",
            ],
        ] {
            assert!(parse(words).is_ok(), "{words:?}");
        }
        for words in [
            &["fly"][..],
            &["apply"],
            &["run", "--fast"],
            &["apply", "a", "b"],
            &["replay"],
            &["trace", "--call", "7"],
            &["replay", "--journal", "var", "--calls"],
            &[
                "replay",
                "--journal",
                "var",
                "--centre",
                "c.toml",
                "--runs",
                "0",
            ],
            &["replay", "--journal", "var", "--from", "yesterday"],
        ] {
            assert_eq!(parse(words).unwrap_err().exit_code(), 2, "{words:?}");
        }
    }
}

//! The settings: from which file, and what may change while the daemon runs.

use std::fmt;
use std::path::{Path, PathBuf};

use config::{Faults, Settings};

/// Read where no `--config` says otherwise, if it is there.
const DEFAULT_FILE: &str = "lampfield.toml";

/// Settings that take effect when they are read again; all others need a restart.
const AT_ONCE: &[&str] = &[
    "sip.emergency_numbers",
    "sip.drain_seconds",
    "store.retention",
    "centre.timezone",
    "centre.day_starts",
    "centre.country",
    "centre.vip_priority",
    "security.password_min_length",
    "security.lock_after",
    "security.dial",
    "security.dial_attendant",
    "security.dial_supervisor",
    "security.dial_administrator",
    "log.level",
];

/// Settings, and the file they came from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// None: the built-in defaults and the environment.
    pub(crate) file: Option<PathBuf>,
}

/// Why there are no settings.
#[derive(Debug)]
pub(crate) enum LoadFault {
    Unreadable {
        file: PathBuf,
        source: std::io::Error,
    },
    Faults(Faults),
}

impl LoadFault {
    /// All that is wrong, with the lines it stands in.
    pub(crate) fn render(&self) -> String {
        match self {
            Self::Unreadable { .. } => format!("error: {self}"),
            Self::Faults(faults) => faults.render(),
        }
    }
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, source } => write!(
                f,
                "cannot read the settings in {}: {source}",
                file.display()
            ),
            Self::Faults(faults) => write!(f, "{faults}"),
        }
    }
}

/// Reads the settings file and lays the environment over it.
pub(crate) fn load(config: Option<&Path>) -> Result<Loaded, LoadFault> {
    let default = Path::new(DEFAULT_FILE);
    let file = config
        .map(Path::to_path_buf)
        .or_else(|| default.exists().then(|| default.to_path_buf()));
    let text = match &file {
        Some(file) => std::fs::read_to_string(file).map_err(|source| LoadFault::Unreadable {
            file: file.clone(),
            source,
        })?,
        None => String::new(),
    };
    let name = file.as_deref().unwrap_or(default).display().to_string();
    let settings = load_text(&text, &name)?;
    Ok(Loaded { settings, file })
}

/// Reads settings from a text and lays the environment over it.
pub(crate) fn load_text(text: &str, name: &str) -> Result<Settings, LoadFault> {
    // A variable whose name or value is no text names no setting of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Settings::load(text, name, environment).map_err(LoadFault::Faults)
}

/// What becomes of settings that were read again.
#[derive(Debug)]
pub(crate) struct Reread {
    /// As the running ones, with what can change at once taken from the new ones.
    pub(crate) settings: Settings,
    /// Names of what has changed and takes effect now.
    pub(crate) at_once: Vec<String>,
    /// Names of what has changed and waits for a restart.
    pub(crate) after_restart: Vec<String>,
}

/// Takes over from `new` what may change while the daemon runs.
pub(crate) fn reread(running: &Settings, new: &Settings) -> Reread {
    let (at_once, after_restart): (Vec<String>, Vec<String>) = running
        .differing(new)
        .into_iter()
        .partition(|name| AT_ONCE.contains(&name.as_str()));
    let mut settings = running.clone();
    settings
        .sip
        .emergency_numbers
        .clone_from(&new.sip.emergency_numbers);
    settings.sip.drain_seconds = new.sip.drain_seconds;
    settings.store.retention = new.store.retention.clone();
    settings.centre = new.centre.clone();
    settings.security = new.security.clone();
    settings.log.level = new.log.level;
    Reread {
        settings,
        at_once,
        after_restart,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::load(text, "test", []).unwrap()
    }

    #[test]
    fn what_can_change_does_and_what_cannot_is_named() {
        let running = settings("");
        let new = settings(
            "[sip]\ndomain = \"other.example\"\ndigest = [\"sha-256\", \"md5\"]\nemergency_numbers = [\"911\"]\ndrain_seconds = 5\n\
             [store]\nretention = { history_days = 7 }\n[centre]\ntimezone = \"UTC\"\n[log]\nlevel = \"debug\"\n\
             [security]\nlock_after = 9\ndial = { calls_per_day = 7 }\n",
        );
        let reread = reread(&running, &new);
        let waiting = ["sip.digest", "sip.domain"];
        assert_eq!(reread.after_restart, waiting);
        let expected = [
            "sip.drain_seconds",
            "sip.emergency_numbers",
            "store.retention",
            "centre.timezone",
            "security.dial",
            "security.lock_after",
            "log.level",
        ];
        assert_eq!(reread.at_once, expected);
        assert_eq!(new.differing(&reread.settings), waiting);
        assert_eq!(running.differing(&reread.settings), expected);
    }

    #[test]
    fn a_missing_file_is_named() {
        let fault = load(Some(Path::new("/nowhere/at/all.toml"))).unwrap_err();
        assert!(
            fault
                .to_string()
                .starts_with("cannot read the settings in /nowhere/at/all.toml: "),
            "{fault}"
        );
    }
}

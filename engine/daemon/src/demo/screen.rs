//! The live view in the terminal, as text: queues, agents, calls.
//!
//! Nothing but a function of what readers see, so that it can be compared whole. Lines have at most 80 columns.

use std::fmt::Write as _;

use config::Centre;
use engine::CallId;
use engine::event::{Activity, Device, Presence};
use engine::view::{AgentRow, CallRow, QueueRow, View};

use super::levels::{Level, Levels};

/// Columns of a terminal that nobody has made wider.
const COLUMNS: usize = 80;
/// Rows of a terminal that does not say how many it has.
pub(super) const ROWS: usize = 24;

/// What there is to show at one moment.
pub(super) struct Picture<'a> {
    pub(super) view: &'a View,
    pub(super) levels: &'a Levels,
    pub(super) centre: &'a Centre,
    /// UTC, microseconds since the Unix epoch.
    pub(super) now_us: i64,
    /// What stands below.
    pub(super) hint: &'a str,
}

impl Picture<'_> {
    /// The whole screen, in so many rows: what does not fit is left out of the calls.
    pub(super) fn screen(&self, rows: usize) -> String {
        let mut lines = vec![
            format!(
                "Lampfield demo   {} UTC   Ctrl-C ends it",
                clock(self.now_us)
            ),
            String::new(),
        ];
        lines.extend(self.queues());
        lines.push(String::new());
        lines.extend(self.agents());
        lines.push(String::new());
        // A head, the line that counts the rest, an empty line, the hint, and where the cursor stands.
        let others = lines.len() + 5;
        lines.extend(self.calls(rows.saturating_sub(others)));
        lines.push(String::new());
        lines.push(self.hint.into());
        lines.truncate(rows.saturating_sub(1));
        lines.iter().fold(String::new(), |screen, line| {
            screen + cut(line).trim_end() + "\n"
        })
    }

    /// One line of it all, for those who read it from a file.
    pub(super) fn summary(&self) -> String {
        let calls = || self.view.calls.values();
        let count = |is_one: fn(&CallRow) -> bool| calls().filter(|call| is_one(call)).count();
        let waits = calls().filter_map(|call| call.queued.as_ref());
        let oldest = waits.map(|queued| self.now_us - queued.entered_us).max();
        let oldest = oldest.map_or_else(String::new, |age| format!(" (oldest {})", length(age)));
        let Level {
            answered, gave_up, ..
        } = self.levels.all();
        format!(
            "{} waiting {}{oldest}, talking {}, answered {answered}, {} in time, gave up {gave_up}",
            clock(self.now_us),
            count(|call| call.queued.is_some()),
            count(|call| call.connected.is_some()),
            share(self.levels.all()),
        )
    }

    fn queues(&self) -> Vec<String> {
        let head = format!(
            "{:<20} {:<8} {:>7} {:>8} {:>9} {:>9} {:>8}",
            "QUEUE", "STATE", "WAITING", "OLDEST", "ANSWERED", "IN TIME", "GAVE UP"
        );
        let rows = self
            .view
            .queues
            .iter()
            .map(|(name, row)| self.queue(name, row));
        [head].into_iter().chain(rows).collect()
    }

    fn queue(&self, name: &str, row: &QueueRow) -> String {
        let state = if row.open { "open" } else { "closed" };
        let entered =
            |(_, call): &(_, CallId)| Some(self.view.calls.get(call)?.queued.as_ref()?.entered_us);
        let oldest = row.waiting.iter().filter_map(entered).min();
        let level = self.levels.of(name);
        format!(
            "{name:<20} {state:<8} {:>7} {:>8} {:>9} {:>9} {:>8}",
            row.waiting.len(),
            oldest.map_or_else(|| "-".into(), |since| length(self.now_us - since)),
            level.answered,
            share(level),
            level.gave_up,
        )
    }

    fn agents(&self) -> Vec<String> {
        let head = format!(
            "{:<20} {:<7} {:<22} {:>8}  {}",
            "AGENT", "PHONE", "STATE", "SINCE", "WITH"
        );
        // Who has no phone and is not at work, such as an administrator, is no agent to look at.
        let at_work = |row: &AgentRow| row.extension.is_some() || row.presence != Presence::Offline;
        let agents = self.view.agents.iter().filter(|(_, row)| at_work(row));
        let rows = agents.map(|(username, row)| {
            let with = row.call.and_then(|call| self.view.calls.get(&call));
            let with = with.map_or("", |call| call.caller.number.as_str());
            let since = match row.presence {
                Presence::Offline => String::new(),
                Presence::Available | Presence::Break => length(self.now_us - row.since_us),
            };
            format!(
                "{:<20} {:<7} {:<22} {since:>8}  {with}",
                self.name_of(username),
                row.extension.as_deref().unwrap_or("-"),
                agent_state(row),
            )
        });
        [head].into_iter().chain(rows).collect()
    }

    fn calls(&self, most: usize) -> Vec<String> {
        let head = format!(
            "{:<20} {:<15} {:<32} {:>8}",
            "CALLER", "NUMBER", "STATE", "SINCE"
        );
        let mut lines = vec![head];
        for call in self.view.calls.values().take(most) {
            let (state, since_us) = self.call_state(call);
            lines.push(format!(
                "{:<20} {:<15} {state:<32} {:>8}",
                call.caller.name.as_deref().unwrap_or(&call.caller.number),
                call.called,
                length(self.now_us - since_us),
            ));
        }
        let more = self.view.calls.len().saturating_sub(most);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines
    }

    /// Where a call is, and since when.
    fn call_state(&self, call: &CallRow) -> (String, i64) {
        if let Some((user, since_us)) = &call.connected {
            let verb = if !call.held_by.is_empty() {
                "held by"
            } else {
                "talks to"
            };
            let whom = user.as_deref().map_or("a phone", |user| self.name_of(user));
            return (format!("{verb} {whom}"), *since_us);
        }
        let rung = call.alerts.values().next();
        if let Some(queued) = &call.queued {
            let user = queued.user.as_deref().map(|user| self.name_of(user));
            let place = queued.queue.as_deref().or(user).unwrap_or("?");
            let state = match rung {
                Some(agent) => format!("rings {}", self.name_of(agent)),
                None => format!("waits for {place}"),
            };
            return (state, queued.entered_us);
        }
        match (rung, call.answered_us) {
            (Some(agent), _) => (format!("rings {}", self.name_of(agent)), call.started_us),
            (None, Some(since_us)) => ("hears an announcement".into(), since_us),
            (None, None) => ("comes in".into(), call.started_us),
        }
    }

    fn name_of<'a>(&'a self, username: &'a str) -> &'a str {
        let user = self.centre.users.get(username);
        user.map(|user| &*user.name)
            .filter(|name| !name.is_empty())
            .unwrap_or(username)
    }
}

fn agent_state(row: &AgentRow) -> String {
    let mut state = match (row.presence, row.activity) {
        (Presence::Offline, Activity::Idle) => "offline".to_owned(),
        (Presence::Break, Activity::Idle) => match &row.reason {
            Some(reason) => format!("break: {reason}"),
            None => "break".into(),
        },
        (Presence::Available, Activity::Idle) => match row.device {
            Device::Reachable => "available".into(),
            Device::None => "has no phone".into(),
            Device::Unregistered | Device::Unreachable => "phone unreachable".into(),
        },
        (_, Activity::Alerting) => "rings".into(),
        (_, Activity::Busy) => "talks".into(),
        (_, Activity::WrapUp) => "wraps up".into(),
    };
    if let Some(pending) = row.pending {
        // Writing to a String cannot fail.
        let _ = write!(
            state,
            ", then {}",
            match pending {
                Presence::Offline => "offline",
                Presence::Available => "available",
                Presence::Break => "break",
            }
        );
    }
    state
}

fn share(level: Level) -> String {
    level
        .per_cent()
        .map_or_else(|| "-".into(), |share| format!("{share} %"))
}

/// A length of time: `m:ss`, or `h:mm:ss` from an hour on. Clocks that were set back make it nothing.
fn length(us: i64) -> String {
    let seconds = us.max(0) / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// The time of day.
fn clock(utc_us: i64) -> String {
    let seconds = utc_us.div_euclid(1_000_000).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// What fits in a line. Names come from the network: nothing in them may move the terminal's cursor.
fn cut(line: &str) -> String {
    let shown = line
        .chars()
        .map(|one| if one.is_control() { '?' } else { one });
    shown.take(COLUMNS).collect()
}

#[cfg(test)]
mod tests;

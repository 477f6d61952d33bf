//! `lampfield trace`: SIP messages as they pass, from the daemon's recorder to somebody's screen.
//!
//! One JSON object a line goes over the socket, for as long as both sides like. Who reads too slowly lacks some, and is
//! told how many; nobody waits for them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::time::Duration;

use admin_api::TraceRow;
use anyhow::{Context as _, bail};
use config::Settings;
use engine::CallId;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{LOST, Question, connect};
use crate::print::complain;
use crate::recorder::{Filter, Followed, Tap, Unrecorded};

/// Messages that may wait for one follower to read.
const UNREAD: usize = 1_024;
/// How often somebody who hears nothing is looked after.
const STILL_THERE: Duration = Duration::from_secs(10);

/// What `lampfield trace` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct TraceOptions {
    /// Only the messages of this call; those that are kept come first.
    #[arg(long, value_name = "ID")]
    call: Option<CallId>,
    /// Only messages with this number as caller, as called, or in the Request-URI.
    #[arg(long, value_name = "N")]
    number: Option<String>,
    /// Whole messages, a JSON object for each.
    #[arg(long)]
    json: bool,
}

/// A line over the socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Message(Box<TraceRow>),
    Lost(u64),
    /// Nothing has passed for a while: only writing shows whether the other side is still there.
    Silence,
    /// It ends here, and why.
    Refused(String),
}

/// `lampfield trace`: prints what passes until the daemon ends or nobody reads on.
pub(crate) fn trace(settings: &Settings, options: &TraceOptions) -> anyhow::Result<bool> {
    let filter = Filter {
        call: options.call,
        number: options.number.clone(),
    };
    let Some(stream) = connect(settings, &Question::Trace(filter))? else {
        bail!("no daemon runs in {}", settings.store.directory)
    };
    let mut out = std::io::stdout().lock();
    for line in BufReader::new(stream).lines() {
        let line = line.context(LOST)?;
        let written = match serde_json::from_str(&line).context(LOST)? {
            Line::Refused(why) => {
                complain(&why);
                return Ok(false);
            }
            Line::Silence => Ok(()),
            Line::Message(row) if options.json => writeln!(out, "{}", serde_json::to_string(&row)?),
            Line::Message(row) => writeln!(out, "{}", rung(&row)),
            Line::Lost(messages) if options.json => writeln!(out, "{{\"lost\":{messages}}}"),
            Line::Lost(messages) => writeln!(out, "... {messages} messages are missing here ..."),
        };
        // Who closed the pipe does not want any more.
        if written.and_then(|()| out.flush()).is_err() {
            return Ok(true);
        }
    }
    Ok(true)
}

/// A message as one line of a ladder: the peer's end on the left, ours on the right.
fn rung(row: &TraceRow) -> String {
    let clock = row.at.split('T').nth(1).unwrap_or_default();
    let clock = clock.get(..12).unwrap_or(clock);
    let label: String = row.start_line.chars().filter(|c| !c.is_control()).collect();
    let label = label.strip_suffix(" SIP/2.0").unwrap_or(&label);
    let label = label.strip_prefix("SIP/2.0 ").unwrap_or(label);
    let (peer, shaft) = if row.direction == "received" {
        (&row.from, format!("--- {label} -->"))
    } else {
        (&row.to, format!("<-- {label} ---"))
    };
    let call = row.call.as_deref().unwrap_or("-");
    format!("{clock} {call:>16} {:<4}{peer:>21} {shaft}", row.transport)
}

/// The daemon's side: sends what passes until the other side has gone.
pub(super) async fn serve(mut stream: UnixStream, tap: &Tap, filter: Filter) {
    let (sender, mut followed) = mpsc::channel(UNREAD);
    if let Err(why) = tap.follow(filter, sender) {
        let why = match why {
            Unrecorded::Off => "lampfield: nothing is recorded: log.trace_megabytes is 0",
            Unrecorded::Busy => "lampfield: the recorder is too busy; try again",
        };
        let _ = write(&mut stream, &Line::Refused(why.into())).await;
        return;
    }
    loop {
        let line = match timeout(STILL_THERE, followed.recv()).await {
            Ok(Some(Followed::Message(message))) => {
                Line::Message(Box::new(TraceRow::from(&*message)))
            }
            Ok(Some(Followed::Lost(messages))) => Line::Lost(messages),
            Ok(None) => Line::Refused("lampfield: too many follow already".into()),
            Err(_) => Line::Silence,
        };
        let ends = matches!(line, Line::Refused(_));
        if write(&mut stream, &line).await.is_err() || ends {
            return;
        }
    }
}

async fn write(to: &mut (impl AsyncWriteExt + Unpin), line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    to.write_all(&text).await
}

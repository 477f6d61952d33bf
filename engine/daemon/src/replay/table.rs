//! What a study says, as people and programs read it.

use ::replay::{About, Changed, Ending, Fate, Figure, Report, Row};
use serde_json::{Value, json};

use super::{moment, thousands};

/// As a table, every agent and queue with their figures.
pub(super) fn text(report: &Report, centre: &str, calls: bool) -> String {
    let calls_word = counted(report.calls, "call");
    if report.same {
        return format!(
            "the same day, exactly: {calls_word}, {}",
            counted(
                usize::try_from(report.alerts.0).unwrap_or(usize::MAX),
                "alert"
            )
        );
    }
    let (from, to) = report.span_us;
    let mut lines = vec![
        format!(
            "{} to {}: {calls_word}, {} with {centre}",
            moment(from),
            moment(to),
            counted(report.runs, "run")
        ),
        String::new(),
        line("", "then", "now", "difference", "9 in 10 runs"),
    ];
    for (about, rows) in &report.rows {
        lines.push(heading(about));
        lines.extend(rows.iter().map(row));
    }
    if !report.not_at_work.is_empty() {
        lines.push(String::new());
        lines.push(format!(
            "not at work on that day, and so in none of this: {}",
            report.not_at_work.join(", ")
        ));
    }
    if calls {
        lines.push(String::new());
        lines.extend(report.changed.iter().map(changed));
    }
    lines.join("\n")
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {what}{ending}", thousands(count as u64))
}

fn line(what: &str, then: &str, now: &str, difference: &str, band: &str) -> String {
    format!("{what:<20}{then:>12}{now:>12}{difference:>14}   {band}")
        .trim_end()
        .into()
}

fn heading(about: &About) -> String {
    match about {
        About::Total => "all queues".into(),
        About::Queue(name) => format!("queue {name}"),
        About::Agent(name) => format!("agent {name}"),
    }
}

fn row(row: &Row) -> String {
    let unit = Unit::of(row.figure);
    let value = |value: Option<i64>| value.map_or_else(|| "–".into(), |value| unit.words(value));
    let difference = row.then.zip(row.now).map(|(then, now)| now - then);
    let difference = difference.map_or_else(|| "–".into(), |difference| unit.signed(difference));
    let band = row.band.map_or_else(
        || "–".into(),
        |(low, high)| format!("{} to {}", unit.signed(low), unit.signed(high)),
    );
    let what = format!("  {}", words(row.figure));
    line(&what, &value(row.then), &value(row.now), &difference, &band)
}

fn words(figure: Figure) -> &'static str {
    match figure {
        Figure::Offered => "offered",
        Figure::Answered => "answered",
        Figure::Abandoned => "abandoned",
        Figure::SentOn => "sent on",
        Figure::ServiceLevel => "service level",
        Figure::AverageWait => "average wait",
        Figure::LongestWait => "longest wait",
        Figure::Calls => "calls",
        Figure::Occupancy => "occupancy",
    }
}

/// How a figure is written.
#[derive(Clone, Copy)]
enum Unit {
    Count,
    Percent,
    Seconds,
}

impl Unit {
    const fn of(figure: Figure) -> Self {
        match figure {
            Figure::Offered
            | Figure::Answered
            | Figure::Abandoned
            | Figure::SentOn
            | Figure::Calls => Self::Count,
            Figure::ServiceLevel | Figure::Occupancy => Self::Percent,
            Figure::AverageWait | Figure::LongestWait => Self::Seconds,
        }
    }

    fn words(self, value: i64) -> String {
        match self {
            Self::Count => thousands(value.unsigned_abs()),
            Self::Percent => format!("{} %", tenths(value.unsigned_abs(), 10)),
            Self::Seconds => format!("{} s", tenths(value.unsigned_abs(), 100_000)),
        }
    }

    /// A difference; between two shares it is in percentage points.
    fn signed(self, value: i64) -> String {
        let words = match self {
            Self::Percent => format!("{} points", tenths(value.unsigned_abs(), 10)),
            Self::Count | Self::Seconds => self.words(value),
        };
        // What is rounded to nothing has no sign.
        let is_nothing = !words.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        match value {
            _ if is_nothing => words,
            ..0 => format!("-{words}"),
            _ => format!("+{words}"),
        }
    }
}

/// With one digit, rounded half up.
fn tenths(value: u64, tenth: u64) -> String {
    let tenths = (value + tenth / 2) / tenth;
    format!("{}.{}", thousands(tenths / 10), tenths % 10)
}

fn changed(changed: &Changed) -> String {
    let words = |fate: &Option<Fate>| {
        fate.as_ref()
            .map_or_else(|| "in no queue".into(), fate_words)
    };
    format!(
        "{}  then {}; now {}",
        changed.call,
        words(&changed.then),
        words(&changed.now)
    )
}

fn fate_words(fate: &Fate) -> String {
    let how = match (&fate.agent, fate.ending) {
        (Some(agent), _) => format!("{agent} took it"),
        (None, ending) => ending_words(ending).replace('-', " "),
    };
    let waited = Unit::Seconds.words(i64::try_from(fate.waited_us).unwrap_or(i64::MAX));
    format!("{how} after {waited} in {}", fate.place)
}

fn ending_words(ending: Ending) -> &'static str {
    match ending {
        Ending::Answered(_) => "answered",
        Ending::Abandoned => "abandoned",
        Ending::SentOn => "sent-on",
        Ending::Ended => "ended",
        Ending::Interrupted => "interrupted",
        Ending::Open => "still-waiting",
    }
}

/// The same as JSON: counts as they are, shares in ten-thousandths, times in microseconds.
pub(super) fn json(report: &Report, calls: bool) -> Value {
    let (from, to) = report.span_us;
    let rows: Vec<Value> = report
        .rows
        .iter()
        .map(|(about, rows)| about_json(about, rows))
        .collect();
    let changed: Vec<Value> = report
        .changed
        .iter()
        .map(|changed| {
            json!({
                "call": changed.call.to_string(),
                "then": changed.then.as_ref().map(fate_json),
                "now": changed.now.as_ref().map(fate_json),
            })
        })
        .collect();
    let mut all = json!({
        "same": report.same,
        "from": moment(from),
        "to": moment(to),
        "runs": report.runs,
        "calls": report.calls,
        "alerts": { "then": report.alerts.0, "now": report.alerts.1 },
        "not_at_work": report.not_at_work,
        "figures": rows,
    });
    if calls {
        all["changed"] = Value::Array(changed);
    }
    all
}

fn about_json(about: &About, rows: &[Row]) -> Value {
    let mut all = match about {
        About::Total => json!({ "total": true }),
        About::Queue(name) => json!({ "queue": name }),
        About::Agent(name) => json!({ "agent": name }),
    };
    for row in rows {
        let name = words(row.figure).replace(' ', "_");
        let unit = match Unit::of(row.figure) {
            Unit::Count => "",
            Unit::Percent => "_ten_thousandths",
            Unit::Seconds => "_us",
        };
        all[format!("{name}{unit}")] = json!({
            "then": row.then,
            "now": row.now,
            "difference_band": row.band.map(|(low, high)| [low, high]),
        });
    }
    all
}

fn fate_json(fate: &Fate) -> Value {
    json!({
        "place": fate.place,
        "agent": fate.agent,
        "ending": ending_words(fate.ending),
        "waited_us": fate.waited_us,
    })
}

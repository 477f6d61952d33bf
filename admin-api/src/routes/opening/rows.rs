//! What is said about opening, as clients see it.

use config::Zone;
use engine::command::OverrideState;
use engine::routing::calendar::{Hours, Rule, Step};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::time;

/// Whether a calendar or a queue is open at a moment, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Opening {
    /// The queue that was asked about; null: a calendar was.
    pub(super) queue: Option<String>,
    /// The calendar; null: the queue has none.
    pub(super) calendar: Option<String>,
    /// The zone of the calendar, or else of the centre.
    #[schema(example = "Europe/Amsterdam")]
    pub(super) timezone: String,
    /// The moment, RFC 3339 in UTC.
    pub(super) at: String,
    /// The same by the clock on the wall there.
    #[schema(example = "2026-04-27T10:00:00+02:00")]
    pub(super) local: String,
    /// Whether it is open then.
    pub(super) open: bool,
    /// What decides.
    pub(super) reason: Reason,
    /// The queue's override, if it runs then.
    pub(super) r#override: Option<OverrideRow>,
    /// When it opens or closes next; null: never, or not before the override is taken back.
    pub(super) next_change: Option<Turn>,
}

/// A moment at which it opens or closes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Turn {
    /// When, RFC 3339 in UTC.
    pub(super) at: String,
    /// The same by the clock on the wall.
    pub(super) local: String,
    /// Whether it is open from then on.
    pub(super) open: bool,
    /// What decides from then on.
    pub(super) reason: Reason,
}

/// An override that runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OverrideRow {
    /// `open` or `closed`.
    #[schema(value_type = String, example = "closed")]
    state: OverrideState,
    /// When it ends by itself, RFC 3339; null: when somebody takes it back.
    until: Option<String>,
}

impl OverrideRow {
    pub(super) fn new(state: OverrideState, until: Option<Timestamp>) -> Self {
        Self {
            state,
            until: until.map(|until| time::rfc3339(until.as_microsecond())),
        }
    }
}

/// What decides whether it is open.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Reason {
    /// `weekly`, `special`: these hours are on; `outside-weekly`, `outside-special`: none are; `closed-on`, `holiday`:
    /// closed on that date; `override`; `no-calendar`: always open.
    #[schema(example = "holiday")]
    kind: &'static str,
    /// In words: `weekly line 2: mon-fri 13:00-17:00`.
    #[schema(example = "closed: Koningsdag, list nl-public")]
    text: String,
    /// Which line of `open` or `special`, from 1.
    line: Option<usize>,
    /// The date of special hours, of `closed_on` or of a holiday.
    #[schema(example = "2026-04-27")]
    date: Option<String>,
    /// The holiday list.
    list: Option<String>,
    /// The holiday's name.
    holiday: Option<String>,
    /// Where the holiday was imported from.
    source: Option<String>,
}

impl Reason {
    fn new(kind: &'static str, text: String) -> Self {
        Self {
            kind,
            text,
            line: None,
            date: None,
            list: None,
            holiday: None,
            source: None,
        }
    }

    pub(super) fn no_calendar() -> Self {
        Self::new(
            "no-calendar",
            "without a calendar it is always open".to_owned(),
        )
    }

    pub(super) fn overridden(by: &OverrideRow) -> Self {
        let state = match by.state {
            OverrideState::Open => "open",
            OverrideState::Closed => "closed",
        };
        let end = by.until.as_deref().unwrap_or("taken back");
        Self::new("override", format!("{state} by a supervisor until {end}"))
    }

    pub(super) fn of(hours: &Hours, rule: Rule) -> Self {
        let (kind, line, date) = match rule {
            Rule::Weekly(line) => ("weekly", Some(line + 1), None),
            Rule::Special(line) => ("special", Some(line + 1), hours.special_date(line)),
            Rule::OutsideWeekly => ("outside-weekly", None, None),
            Rule::OutsideSpecial(date) => ("outside-special", None, Some(date)),
            Rule::ClosedOn(date) => ("closed-on", None, Some(date)),
            Rule::Holiday(date) => ("holiday", None, Some(date)),
        };
        let (list, holiday) = hours.holiday(rule).unzip();
        let text = |label: Option<&config::Label>| label.map(ToString::to_string);
        Self {
            line,
            date: date.map(|date| date.to_string()),
            list: list.map(|list| list.name.to_string()),
            holiday: text(holiday.and_then(|holiday| holiday.name.as_ref())),
            source: text(holiday.and_then(|holiday| holiday.source.as_ref())),
            ..Self::new(kind, hours.words(rule))
        }
    }
}

/// A moment at which something else decides, or the clock on the wall is moved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeRow {
    /// When, RFC 3339 in UTC.
    at: String,
    /// The same by the clock on the wall, after it was moved.
    #[schema(example = "2026-03-29T03:00:00+02:00")]
    local: String,
    /// `opens`, `closes`, `stays-open` or `stays-closed`.
    #[schema(example = "closes")]
    what: &'static str,
    /// Whether it is open from then on.
    open: bool,
    /// What decides from then on.
    reason: Reason,
    /// Seconds by which the clock goes forward at that moment: 3600, -3600; 0 when it is not moved.
    clock_moved_seconds: i32,
}

impl ChangeRow {
    pub(super) fn of(hours: &Hours, step: &Step) -> Self {
        Self {
            at: time::rfc3339(step.at.as_microsecond()),
            local: local(hours.zone(), step.at),
            what: match (step.before.is_open(), step.rule.is_open()) {
                (false, true) => "opens",
                (true, false) => "closes",
                (true, true) => "stays-open",
                (false, false) => "stays-closed",
            },
            open: step.rule.is_open(),
            reason: Reason::of(hours, step.rule),
            clock_moved_seconds: step.clock_moved_seconds,
        }
    }
}

/// A moment by the clock on the wall, with what that is ahead of UTC.
pub(super) fn local(zone: &Zone, at: Timestamp) -> String {
    let offset = zone.time_zone().to_offset(at);
    format!("{:.0}", at.display_with_offset(offset))
}

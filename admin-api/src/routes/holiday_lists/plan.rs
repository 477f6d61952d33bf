//! What an import makes of a list: what comes, what is there already, what goes, and what is left alone.

use std::collections::{BTreeMap, BTreeSet};

use config::{Holiday, HolidayList, Label, LocalDate};
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ical::{Feed, Ignored};

/// An import, worked out.
#[derive(Debug, Default)]
pub(super) struct Plan {
    added: Vec<Holiday>,
    present: Vec<Holiday>,
    removed: Vec<Holiday>,
    ignored: Vec<Ignored>,
}

impl Plan {
    /// Dates that are there stay as they are, whoever entered them. Of the dates that go, each was of this source and is
    /// still to come: what people entered, other sources and the past are not touched. Nor are those in `except`.
    pub(super) fn new(
        list: &HolidayList,
        feed: Feed,
        source: &Label,
        today: Date,
        except: &BTreeSet<Date>,
    ) -> Self {
        let known: BTreeMap<Date, &Holiday> = list
            .dates
            .iter()
            .map(|holiday| (holiday.date.0, holiday))
            .collect();
        let is_gone = |holiday: &&Holiday| {
            let date = holiday.date.0;
            let ours = holiday.source.as_ref() == Some(source) && date >= today;
            ours && !feed.holidays.contains_key(&date) && !except.contains(&date)
        };
        let mut plan = Self {
            removed: list.dates.iter().filter(is_gone).cloned().collect(),
            ignored: feed.ignored.clone(),
            ..Self::default()
        };
        for (date, name) in feed.holidays {
            if let Some(known) = known.get(&date) {
                plan.present.push(Holiday::clone(known));
            } else if except.contains(&date) {
                plan.ignored.push(Ignored {
                    what: name.unwrap_or_else(|| date.to_string()),
                    why: format!("{date} is in except"),
                });
            } else {
                plan.added.push(Holiday {
                    date: LocalDate(date),
                    name: name.and_then(|name| name.parse().ok()),
                    source: Some(source.clone()),
                });
            }
        }
        plan
    }

    /// The list's dates after it.
    pub(super) fn dates(&self, list: &HolidayList) -> Vec<Holiday> {
        let stays = list
            .dates
            .iter()
            .filter(|date| !self.removed.contains(date));
        stays.chain(&self.added).cloned().collect()
    }

    pub(super) fn into_row(self, list: String, source: Label, preview: bool) -> ImportRow {
        let rows = |holidays: Vec<Holiday>| holidays.into_iter().map(HolidayRow::of).collect();
        ImportRow {
            list,
            source: source.to_string(),
            preview,
            added: rows(self.added),
            present: rows(self.present),
            removed: rows(self.removed),
            ignored: self.ignored,
        }
    }
}

/// What an import would do, or has done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportRow {
    /// The list.
    list: String,
    /// What the dates are marked with.
    source: String,
    /// Whether nothing was changed.
    preview: bool,
    /// Dates that come to the list.
    added: Vec<HolidayRow>,
    /// Dates of the file that the list has already; they stay as they are there.
    present: Vec<HolidayRow>,
    /// Dates of this source, still to come, that the file does not have any more.
    removed: Vec<HolidayRow>,
    /// What of the file was not taken, and why.
    ignored: Vec<Ignored>,
}

/// A holiday, all of it.
#[derive(Debug, Serialize, ToSchema)]
struct HolidayRow {
    /// Its date.
    #[schema(example = "2026-12-25")]
    date: String,
    /// What it is called.
    name: Option<String>,
    /// Where it comes from; null: it was entered by hand.
    source: Option<String>,
}

impl HolidayRow {
    fn of(holiday: Holiday) -> Self {
        Self {
            date: holiday.date.to_string(),
            name: holiday.name.map(|name| name.to_string()),
            source: holiday.source.map(|source| source.to_string()),
        }
    }
}

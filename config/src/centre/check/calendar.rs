//! Hours that can be, dates that say one thing, and no more of either than can be asked in no time.

use std::collections::BTreeSet;

use super::super::{Calendar, HolidayList};
use super::{Checker, is_repeated};
use crate::centre::Resource;
use crate::values::{LocalDate, TimeOfDay};

/// Lines of weekly hours of a calendar.
const OPEN_MAX: usize = 100;
/// Dates that a calendar says something about itself.
const DATES_MAX: usize = 1000;
/// Holiday lists of a calendar.
const LISTS_MAX: usize = 20;
/// Dates of a holiday list: forty years with fifty holidays each.
const HOLIDAYS_MAX: usize = 2000;

impl Checker<'_> {
    pub(super) fn check_calendar(&mut self, calendar: &Calendar) {
        let sizes = [
            ("open", calendar.open.len(), OPEN_MAX),
            ("special", calendar.special.len(), DATES_MAX),
            ("closed_on", calendar.closed_on.len(), DATES_MAX),
            ("holidays", calendar.holidays.len(), LISTS_MAX),
        ];
        for (field, length, most) in sizes {
            if !self.check_length(calendar, field, length, most) {
                return;
            }
        }
        for (index, hours) in calendar.open.iter().enumerate() {
            self.check_hours(calendar, &format!("open[{index}]"), hours.from, hours.to);
        }
        self.check_special(calendar);
        for (index, date) in calendar.closed_on.iter().enumerate() {
            if is_repeated(&calendar.closed_on, index, date) {
                let field = format!("closed_on[{index}]");
                self.twice(calendar, field, date.to_string());
            }
        }
        for (index, list) in calendar.holidays.iter().enumerate() {
            let field = format!("holidays[{index}]");
            self.check_name::<_, HolidayList>(calendar, &field, list);
            if is_repeated(&calendar.holidays, index, list) {
                self.twice(calendar, field, format!("\"{list}\""));
            }
        }
    }

    fn check_special(&mut self, calendar: &Calendar) {
        let closed: BTreeSet<_> = calendar.closed_on.iter().collect();
        for (index, hours) in calendar.special.iter().enumerate() {
            self.check_hours(calendar, &format!("special[{index}]"), hours.from, hours.to);
            if closed.contains(&hours.date) {
                let message = format!("{} has hours here, but is in `closed_on`", hours.date);
                let help = "take the date out of one of the two";
                self.fault(calendar, format!("special[{index}].date"), message, help);
            }
        }
    }

    pub(super) fn check_holiday_list(&mut self, list: &HolidayList) {
        if !self.check_length(list, "dates", list.dates.len(), HOLIDAYS_MAX) {
            return;
        }
        let mut seen = BTreeSet::new();
        for (index, holiday) in list.dates.iter().enumerate() {
            // A date that could not be read has been reported.
            let is_read = holiday.date != LocalDate::default();
            if !seen.insert(holiday.date) && is_read {
                self.twice(list, format!("dates[{index}]"), holiday.date.to_string());
            }
        }
    }

    fn check_length<T: Resource>(
        &mut self,
        resource: &T,
        field: &str,
        length: usize,
        most: usize,
    ) -> bool {
        if length > most {
            let message = format!("{length} are too many");
            self.fault(resource, field, message, format!("write at most {most}"));
        }
        length <= most
    }

    fn twice<T: Resource>(&mut self, resource: &T, field: String, what: String) {
        let message = format!("{what} stands there twice");
        self.fault(resource, field, message, "write it once");
    }

    fn check_hours(&mut self, calendar: &Calendar, field: &str, from: TimeOfDay, to: TimeOfDay) {
        if from == TimeOfDay::END {
            let help = "write \"00:00\" and the next day";
            self.fault(
                calendar,
                format!("{field}.from"),
                "no hours begin at 24:00",
                help,
            );
        } else if from == to {
            let message =
                format!("an impossible time range: from {from} to {to} is no time at all");
            let help = "the whole day is \"00:00\" to \"24:00\"; leave the line out for none of it, or use `closed_on`";
            self.fault(calendar, format!("{field}.to"), message, help);
        }
    }
}

//! Hours that can be, and dates that say one thing.

use super::super::Calendar;
use super::{Checker, is_repeated};
use crate::values::TimeOfDay;

impl Checker<'_> {
    pub(super) fn check_calendar(&mut self, calendar: &Calendar) {
        for (index, hours) in calendar.open.iter().enumerate() {
            self.check_hours(calendar, &format!("open[{index}]"), hours.from, hours.to);
        }
        for (index, hours) in calendar.special.iter().enumerate() {
            self.check_hours(calendar, &format!("special[{index}]"), hours.from, hours.to);
            if calendar.closed_on.contains(&hours.date) {
                let message = format!("{} has hours here, but is in `closed_on`", hours.date);
                let help = "take the date out of one of the two";
                self.fault(calendar, format!("special[{index}].date"), message, help);
            }
        }
        for (index, date) in calendar.closed_on.iter().enumerate() {
            if is_repeated(&calendar.closed_on, index, date) {
                let field = format!("closed_on[{index}]");
                self.fault(
                    calendar,
                    field,
                    format!("{date} stands there twice"),
                    "write it once",
                );
            }
        }
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
            let help = "the whole day is \"00:00\" to \"24:00\"; leave the line out for none of it";
            self.fault(calendar, format!("{field}.to"), message, help);
        }
    }
}

//! A calendar: when the queues that use it are open.

use crate::read::{impl_record_field, record};
use crate::values::{Days, LocalDate, Name, TimeOfDay, Zone};

record! {
    /// Opening hours in a time zone. On any date the first of these that says something about it decides: `closed_on`,
    /// `special`, `holidays`, `open`.
    pub struct Calendar {
        /// Its name.
        name: Name => required,
        /// The zone its times and dates are meant in. Unset: the centre's.
        timezone: Option<Zone>,
        /// Hours by weekday; the union of all lines. At most 100.
        open: Vec<OpenHours>,
        /// Other hours on a date, instead of the weekly ones and of holidays; the union of all lines of that date. At most 1000.
        special: Vec<SpecialHours>,
        /// Dates on which it is closed from 00:00 to 24:00, whatever else is said. At most 1000.
        closed_on: Vec<LocalDate>,
        /// Shared lists, by name, on whose dates it is closed from 00:00 to 24:00 but for `special` hours. At most 20.
        holidays: Vec<Name>,
    }
    later {}
}

record! {
    /// Hours that come back every week.
    pub struct OpenHours {
        /// The days on which they begin: `mon-fri`, `sat, sun`, `all`, `all except sun`.
        days: Days => required,
        /// The first moment that is open, by the clock on the wall. 00:00 to 23:59:59.
        from: TimeOfDay => required,
        /// The first moment that is not. 00:00 to 24:00; before `from`: on the next day.
        to: TimeOfDay => required,
    }
    later {}
}

record! {
    /// Hours of one date.
    pub struct SpecialHours {
        /// The date on which they begin.
        date: LocalDate => required,
        /// The first moment that is open, by the clock on the wall. 00:00 to 23:59:59.
        from: TimeOfDay => required,
        /// The first moment that is not. 00:00 to 24:00; before `from`: on the next day.
        to: TimeOfDay => required,
    }
    later {}
}

impl_record_field!(Calendar, OpenHours, SpecialHours);

impl Calendar {
    /// Whether the date has hours of its own.
    pub fn is_special(&self, date: LocalDate) -> bool {
        self.special.iter().any(|hours| hours.date == date)
    }
}

//! A holiday list: dates on which all calendars that name it are closed.

use crate::read::{Field, Node, Reader, Record, Shape, Value, read_text, record};
use crate::values::{Label, LocalDate, Name};

record! {
    /// Dates on which the calendars that name it in `holidays` are closed.
    pub struct HolidayList {
        /// Its name.
        name: Name => required,
        /// The dates: `"2026-04-27"`, or `{ date = "2026-04-27", name = "Koningsdag" }`. Each once, at most 2000.
        dates: Vec<Holiday>,
    }
    later {}
}

record! {
    /// One holiday.
    pub struct Holiday {
        /// Its date; in the zone of each calendar.
        date: LocalDate => required,
        /// What it is called.
        name: Option<Label>,
        /// Where it was imported from. Unset: entered by hand.
        source: Option<Label>,
    }
    later {}
}

/// A holiday is written as its date, or as a table when there is more to say.
impl Field for Holiday {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if matches!(node.value, Value::Table(_)) {
            return Self::read_table(node, reader);
        }
        let what = "a date or { date = DATE, name = NAME }";
        let date = read_text(node, reader, what, "2026-12-25")?;
        Some(Self {
            date,
            ..Self::default()
        })
    }

    fn write(&self) -> serde_json::Value {
        if self.name.is_none() && self.source.is_none() {
            return self.date.write();
        }
        self.to_json(true)
    }

    fn shape() -> Shape {
        let table = Shape::Table(Self::schema());
        Shape::Either(Box::new(LocalDate::shape()), Box::new(table))
    }
}

//! The directory: the people in the address book.
//!
//! An entry is no part of the centre: there may be tens of thousands, anybody who answers calls adds some, and none makes a new version of
//! the centre. They are kept by the store and served by the API; the engine is told the numbers of VIPs and nothing else.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde_json::Value as Json;

use crate::centre::{FieldFault, read_record};
use crate::read::{Record, record};
use crate::values::{DialNumber, Email, Label, Notes};

/// Further numbers of one entry at most.
const OTHER_NUMBERS_MAX: usize = 20;

record! {
    /// A person, or a place that has a telephone, in the address book. One of `display_name`, `first_name` and `last_name` is there.
    pub struct DirectoryEntry {
        /// What it is called in the system it came from; no two entries have the same.
        external_id: Option<Label>,
        /// First name.
        first_name: Option<Label>,
        /// Last name.
        last_name: Option<Label>,
        /// What people see in place of first and last name.
        display_name: Option<Label>,
        /// Company.
        company: Option<Label>,
        /// Department.
        department: Option<Label>,
        /// What they do there.
        job_title: Option<Label>,
        /// Their number, in any usual form: international, national or an extension.
        phone: Option<DialNumber>,
        /// The number of their mobile.
        mobile: Option<DialNumber>,
        /// More of their numbers, 20 at most.
        other_numbers: Vec<DialNumber>,
        /// Their e-mail address.
        email: Option<Email>,
        /// For those who talk to them; up to 2000 characters.
        notes: Option<Notes>,
        /// Whether callers with one of these numbers have the centre's `vip_priority`. Supervisors and administrators say so.
        vip: bool,
    }
    later { picture, visibility, favourite, custom }
}

impl DirectoryEntry {
    /// Reads it from JSON, as the API gets it and as the store keeps it. Texts that are blank are taken for left out.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in it, field by field.
    pub fn from_json(json: &Json) -> Result<Self, Vec<FieldFault>> {
        let entry = read_record::<Self>(json)?.without_blanks();
        let faults = entry.faults();
        if faults.is_empty() {
            Ok(entry)
        } else {
            Err(faults)
        }
    }

    /// All its fields as JSON.
    pub fn to_json(&self) -> Json {
        Record::to_json(self, true)
    }

    /// Its numbers, as they are written.
    pub fn numbers(&self) -> impl Iterator<Item = &DialNumber> {
        let first = self.phone.iter().chain(&self.mobile);
        first.chain(&self.other_numbers)
    }

    fn without_blanks(mut self) -> Self {
        let texts = [
            &mut self.external_id,
            &mut self.first_name,
            &mut self.last_name,
            &mut self.display_name,
            &mut self.company,
            &mut self.department,
            &mut self.job_title,
        ];
        for text in texts {
            text.take_if(|text| text.trim().is_empty());
        }
        self.notes.take_if(|notes| notes.trim().is_empty());
        self
    }

    fn faults(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        let names = [&self.display_name, &self.first_name, &self.last_name];
        if names.iter().all(|name| name.is_none()) {
            faults.push(FieldFault {
                field: "display_name".to_owned(),
                message: "the entry has no name".to_owned(),
                help: "write display_name, first_name or last_name".to_owned(),
            });
        }
        let others = self.other_numbers.len();
        if others > OTHER_NUMBERS_MAX {
            faults.push(FieldFault {
                field: "other_numbers".to_owned(),
                message: format!("{others} numbers are too many"),
                help: format!("write at most {OTHER_NUMBERS_MAX}"),
            });
        }
        faults
    }
}

/// Names one entry. Never given to another; prints as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for EntryId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        // What is written otherwise than it is printed names nothing.
        let is_ours =
            text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        u64::from_str_radix(if is_ours { text } else { "" }, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(json: &Json) -> Vec<String> {
        let read = DirectoryEntry::from_json(json);
        let faults = read.err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn an_entry_reads_back_as_it_was_written_and_blanks_are_nothing() {
        let all = json!({
            "external_id": "E-17", "first_name": "Ann", "last_name": "Admiraal", "display_name": "Ann A.",
            "company": "Acme", "department": "Sales", "job_title": "Buyer", "phone": "+31205550001",
            "mobile": "06-12345678", "other_numbers": ["1001"], "email": "ann@example.com",
            "notes": "Two\nlines", "vip": true,
        });
        let entry = DirectoryEntry::from_json(&all).unwrap();
        assert_eq!(entry.to_json(), all);
        let numbers: Vec<&str> = entry.numbers().map(|number| &**number).collect();
        assert_eq!(numbers, ["+31205550001", "06-12345678", "1001"]);
        let blank = json!({"display_name": "Ann", "company": "  ", "notes": "\n"});
        let entry = DirectoryEntry::from_json(&blank).unwrap();
        assert_eq!((entry.company, entry.notes), (None, None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "x".repeat(201);
        let much = "x".repeat(2001);
        let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        let cases = [
            ("no name", json!({"phone": "1"}), "display_name"),
            ("a blank name", json!({"last_name": " "}), "display_name"),
            ("a long name", json!({"last_name": long}), "last_name"),
            (
                "no number",
                json!({"last_name": "A", "phone": "06 1234"}),
                "phone",
            ),
            (
                "no other number",
                json!({"last_name": "A", "other_numbers": ["1", "é"]}),
                "other_numbers[1]",
            ),
            (
                "many numbers",
                json!({"last_name": "A", "other_numbers": many}),
                "other_numbers",
            ),
            (
                "no address",
                json!({"last_name": "A", "email": "ann"}),
                "email",
            ),
            (
                "long notes",
                json!({"last_name": "A", "notes": much}),
                "notes",
            ),
            (
                "hidden characters",
                json!({"last_name": "A", "notes": "\u{7}"}),
                "notes",
            ),
            ("no flag", json!({"last_name": "A", "vip": "yes"}), "vip"),
            (
                "to come",
                json!({"last_name": "A", "visibility": "all"}),
                "visibility",
            ),
            ("unknown", json!({"last_name": "A", "fax": "1"}), "fax"),
        ];
        for (name, json, field) in cases {
            assert_eq!(faults(&json), [field], "{name}");
        }
    }

    #[test]
    fn ids_read_back_and_nothing_else_does() {
        for id in [0, 17, u64::MAX] {
            assert_eq!(EntryId(id).to_string().parse(), Ok(EntryId(id)));
        }
        for text in [
            "",
            "17",
            "+000000000000017",
            "00000000000000FF",
            "000000000000001x",
        ] {
            assert!(text.parse::<EntryId>().is_err(), "{text}");
        }
    }
}

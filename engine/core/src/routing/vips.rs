//! The callers whom a directory entry marks as VIPs (rule 2).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use config::{Country, DialNumber, EntryId};

use super::patterns::readings;

/// The numbers of the directory entries with the mark. The other entries are not the engine's business.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vips {
    entries: BTreeMap<EntryId, Vec<DialNumber>>,
    /// All that those numbers may be when somebody calls from them, and whose they are.
    numbers: BTreeSet<(String, EntryId)>,
    country: Country,
}

impl Vips {
    /// The numbers of all entries with the mark, national ones being of that country.
    pub(crate) fn new(entries: BTreeMap<EntryId, Vec<DialNumber>>, country: Country) -> Self {
        let mut vips = Self {
            country,
            ..Self::default()
        };
        for (entry, numbers) in entries {
            vips.set(entry, numbers);
        }
        vips
    }

    /// These are the numbers of an entry with the mark from now on; none: it has no mark, or is gone.
    pub(crate) fn set(&mut self, entry: EntryId, numbers: Vec<DialNumber>) {
        let country = self.country;
        for number in self.entries.remove(&entry).unwrap_or_default() {
            for reading in readings_of_entry(&number, country) {
                self.numbers.remove(&(reading, entry));
            }
        }
        let read = numbers
            .iter()
            .flat_map(|number| readings_of_entry(number, country));
        self.numbers.extend(read.map(|reading| (reading, entry)));
        if !numbers.is_empty() {
            self.entries.insert(entry, numbers);
        }
    }

    /// National numbers are of that country from now on.
    pub(crate) fn read_as(&mut self, country: Country) {
        if country != self.country {
            *self = Self::new(core::mem::take(&mut self.entries), country);
        }
    }

    /// Whether a caller with that number is on an entry with the mark, whichever of the two is in international, national or
    /// another usual form. Who withholds the number is on none.
    pub(crate) fn has(&self, number: &str) -> bool {
        let known = |reading: String| {
            let from = (reading.clone(), EntryId(0));
            let first = self.numbers.range(from..).next();
            first.is_some_and(|(found, _)| *found == reading)
        };
        readings(number, self.country)
            .into_iter()
            .flatten()
            .any(known)
    }
}

/// What a number in the address book may be, without the dashes and dots that people put into it.
fn readings_of_entry(number: &str, country: Country) -> impl Iterator<Item = String> {
    let digits: String = number.chars().filter(|c| !matches!(c, '-' | '.')).collect();
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let bare = if is_number { &*digits } else { number };
    readings(bare, country).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn numbers(texts: &[&str]) -> Vec<DialNumber> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn vips(entries: &[(u64, &[&str])]) -> Vips {
        let entries = entries
            .iter()
            .map(|(id, texts)| (EntryId(*id), numbers(texts)));
        Vips::new(entries.collect(), Country::default())
    }

    #[test]
    fn rule_2_any_usual_form_of_a_number_is_that_of_the_entry() {
        let forms = ["+31612345678", "0031612345678", "0612345678", "31612345678"];
        for written in forms.into_iter().chain(["06-12345678", "06.1234.5678"]) {
            let vips = vips(&[(7, &[written])]);
            for caller in forms {
                assert!(vips.has(caller), "{caller} is {written}");
            }
            for other in ["", "+31612345679", "0612345679", "+32612345678", "12345678"] {
                assert!(!vips.has(other), "{other} is not {written}");
            }
        }
    }

    #[test]
    fn rule_2_extensions_and_names_are_what_they_are() {
        let vips = vips(&[(1, &["1001", "front-desk"])]);
        for (caller, expected) in [
            ("1001", true),
            ("+1001", false),
            ("01001", false),
            ("front-desk", true),
            ("frontdesk", false),
        ] {
            assert_eq!(vips.has(caller), expected, "{caller}");
        }
    }

    #[test]
    fn rule_2_the_mark_goes_with_the_last_entry_that_has_it() {
        let mut vips = vips(&[
            (1, &["0612345678", "+31612345678"]),
            (2, &["0031612345678"]),
        ]);
        vips.set(EntryId(1), vec![]);
        assert!(vips.has("0612345678"), "the second entry has it still");
        vips.set(EntryId(2), numbers(&["+31201234567"]));
        assert!(!vips.has("0612345678"), "its number is another one now");
        assert!(vips.has("0201234567"));
        vips.set(EntryId(2), vec![]);
        vips.set(EntryId(2), vec![]);
        assert!(!vips.has("0201234567"));
        assert!(vips.numbers.is_empty() && vips.entries.is_empty());
    }

    #[test]
    fn rule_2_another_country_reads_the_same_entries_anew() {
        let mut vips = vips(&[(1, &["0612345678"])]);
        assert!(vips.has("+31612345678"));
        vips.read_as("DE".parse().unwrap());
        assert!(!vips.has("+31612345678"));
        assert!(vips.has("+49612345678") && vips.has("0612345678"));
    }
}

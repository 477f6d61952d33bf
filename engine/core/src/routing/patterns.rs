//! Numbers and prefixes, and what each leads to: the longest match has it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use config::{Country, NumberPattern};

/// Names by the numbers and prefixes that lead to them.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns {
    exact: BTreeMap<String, String>,
    prefixes: BTreeMap<String, String>,
}

impl Patterns {
    /// The first who has a pattern keeps it: so ties are decided.
    pub(super) fn add(&mut self, pattern: &NumberPattern, name: &str) {
        let slot = match pattern {
            NumberPattern::Exact(number) => self.exact.entry(String::from(&**number)),
            NumberPattern::Prefix(prefix) => self.prefixes.entry(prefix.clone()),
        };
        slot.or_insert_with(|| name.into());
    }

    /// What a dialled number leads to: the longest pattern that matches it as dialled or in international form; of equally
    /// long ones that of the number as dialled.
    pub(super) fn find_dialled(&self, number: &str, country: Country) -> Option<&str> {
        let international = country.to_international(number);
        self.longest([Some(number.into()), international])
    }

    /// The same for a caller's number, which carriers also write in international form without its plus. A number that is
    /// withheld leads nowhere.
    pub(super) fn find_caller(&self, number: &str, country: Country) -> Option<&str> {
        self.longest(readings(number, country))
    }

    /// Of several readings of one number the longest match, of equally long ones the first.
    fn longest<const N: usize>(&self, readings: [Option<String>; N]) -> Option<&str> {
        let mut best: Option<(usize, &str)> = None;
        for number in readings.into_iter().flatten() {
            let found = self.longest_match(&number);
            if found.map(|(length, _)| length) > best.map(|(length, _)| length) {
                best = found;
            }
        }
        best.map(|(_, name)| name)
    }

    fn longest_match(&self, number: &str) -> Option<(usize, &str)> {
        if let Some(name) = self.exact.get(number) {
            // Longer than any prefix of the same number.
            return Some((number.len() + 1, name));
        }
        let ends = (0..=number.len()).rev();
        ends.filter_map(|end| number.get(..end))
            .find_map(|prefix| Some((prefix.len(), self.prefixes.get(prefix)?.as_str())))
    }
}

/// What a caller's number may be: itself, in international form, with the plus that carriers leave out. A number that is
/// withheld is none.
pub(super) fn readings(number: &str, country: Country) -> [Option<String>; 3] {
    let as_it_came = (!number.is_empty()).then(|| number.into());
    let with_plus = may_lack_plus(number).then(|| format!("+{number}"));
    [as_it_came, country.to_international(number), with_plus]
}

/// Digits below which a number is never read as an international one without its plus.
const SHORTEST_WITHOUT_PLUS: usize = 8;

/// Whether it may be an international number that was written without its plus.
pub(super) fn may_lack_plus(number: &str) -> bool {
    number.len() >= SHORTEST_WITHOUT_PLUS && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(all: &[(&str, &str)]) -> Patterns {
        let mut patterns = Patterns::default();
        for (pattern, name) in all {
            patterns.add(&pattern.parse().unwrap(), name);
        }
        patterns
    }

    #[test]
    fn a_caller_is_found_however_the_number_is_written() {
        let lists = patterns(&[
            ("+31*", "country"),
            ("+3120555*", "vip"),
            ("+31205550199", "boss"),
            ("10*", "inside"),
            ("*", "all"),
        ]);
        let cases = [
            ("+31205551234", Some("vip")),
            ("0205551234", Some("vip")),
            ("0031205551234", Some("vip")),
            ("31205551234", Some("vip")),
            ("+31205550199", Some("boss")),
            ("0205550199", Some("boss")),
            ("+31101234567", Some("country")),
            ("1001", Some("inside")),
            ("+4930123456", Some("all")),
            ("", None),
        ];
        for (number, expected) in cases {
            let found = lists.find_caller(number, Country::default());
            assert_eq!(found, expected, "{number}");
        }
        let few = patterns(&[("+3120*", "vip")]);
        assert_eq!(few.find_caller("+4930123456", Country::default()), None);
        assert_eq!(
            few.find_caller("3120555", Country::default()),
            None,
            "short"
        );
    }
}

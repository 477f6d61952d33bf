//! How national numbers of a country are read.

use std::fmt;
use std::str::FromStr;

use crate::read::{Invalid, impl_text_field};

/// A country, by the two letters of ISO 3166-1.
///
/// Knows the country's calling code (ITU-T E.164) and the prefix of its national numbers (ITU-T
/// E.129), and so reads `020 1234567` in the Netherlands as `+31201234567`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country {
    plan: &'static Plan,
}

/// A country's letters, its calling code, its national prefix and its international prefix.
type Plan = (&'static str, &'static str, &'static str, &'static str);

impl Country {
    /// Its calling code, without a plus: `31`. Some countries share one.
    pub fn calling_code(self) -> &'static str {
        self.plan.1
    }

    /// The number with its calling code, where it is written in national (`0201234567`) or
    /// international (`0031201234567`) form; `None` for every other number, an extension above all.
    pub fn to_international(self, number: &str) -> Option<String> {
        let (_, calling_code, national, international) = *self.plan;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if let Some(rest) = number.strip_prefix(international) {
            return is_long(rest).then(|| format!("+{rest}"));
        }
        let rest = number.strip_prefix(national)?;
        is_long(rest).then(|| format!("+{calling_code}{rest}"))
    }
}

/// Longer than an extension, no longer than E.164 allows.
fn is_long(digits: &str) -> bool {
    (6..=15).contains(&digits.len())
}

impl Default for Country {
    fn default() -> Self {
        Self { plan: &NETHERLANDS }
    }
}

impl FromStr for Country {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let plan = PLANS.iter().find(|plan| plan.0 == text);
        plan.map(|plan| Self { plan }).ok_or_else(|| {
            Invalid::new(
                format!(
                    "no country with the letters \"{}\" is known here",
                    text.escape_debug()
                ),
                "write two capital letters of ISO 3166-1, such as \"NL\"",
            )
        })
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plan.0)
    }
}

impl_text_field!(Country, "a country's two letters", "NL");

static NETHERLANDS: Plan = ("NL", "31", "0", "00");

/// Countries without a national prefix have the empty one: every long number is national there.
#[rustfmt::skip]
static PLANS: &[Plan] = &[
    ("AE", "971", "0", "00"), ("AR", "54", "0", "00"), ("AT", "43", "0", "00"), ("AU", "61", "0", "0011"),
    ("BE", "32", "0", "00"), ("BG", "359", "0", "00"), ("BR", "55", "0", "00"), ("CA", "1", "1", "011"),
    ("CH", "41", "0", "00"), ("CL", "56", "", "00"), ("CN", "86", "0", "00"), ("CY", "357", "", "00"),
    ("CZ", "420", "", "00"), ("DE", "49", "0", "00"), ("DK", "45", "", "00"), ("EE", "372", "", "00"),
    ("EG", "20", "0", "00"), ("ES", "34", "", "00"), ("FI", "358", "0", "00"), ("FR", "33", "0", "00"),
    ("GB", "44", "0", "00"), ("GR", "30", "", "00"), ("HR", "385", "0", "00"), ("HU", "36", "06", "00"),
    ("IE", "353", "0", "00"), ("IL", "972", "0", "00"), ("IN", "91", "0", "00"), ("IS", "354", "", "00"),
    ("IT", "39", "", "00"), ("JP", "81", "0", "010"), ("KR", "82", "0", "00"), ("LI", "423", "", "00"),
    ("LT", "370", "0", "00"), ("LU", "352", "", "00"), ("LV", "371", "", "00"), ("MA", "212", "0", "00"),
    ("MC", "377", "", "00"), ("MT", "356", "", "00"), ("MX", "52", "", "00"), ("MY", "60", "0", "00"),
    ("NG", "234", "0", "009"), ("NL", "31", "0", "00"), ("NO", "47", "", "00"), ("NZ", "64", "0", "00"),
    ("PH", "63", "0", "00"), ("PL", "48", "", "00"), ("PT", "351", "", "00"), ("RO", "40", "0", "00"),
    ("RS", "381", "0", "00"), ("SA", "966", "0", "00"), ("SE", "46", "0", "00"), ("SG", "65", "", "001"),
    ("SI", "386", "0", "00"), ("SK", "421", "0", "00"), ("TH", "66", "0", "001"), ("TR", "90", "0", "00"),
    ("UA", "380", "0", "00"), ("US", "1", "1", "011"), ("ZA", "27", "0", "00"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_and_international_numbers_are_read() {
        let cases = [
            ("NL", "0201234567", Some("+31201234567")),
            ("NL", "0031201234567", Some("+31201234567")),
            ("NL", "1001", None),
            ("NL", "01001", None),
            ("NL", "+31201234567", None),
            ("NL", "112", None),
            ("IT", "0612345678", Some("+390612345678")),
            ("IT", "0031201234567", Some("+31201234567")),
            ("US", "12125550123", Some("+12125550123")),
            ("US", "01131201234567", Some("+31201234567")),
            ("NL", "02012345670000000000", None),
        ];
        for (country, number, expected) in cases {
            let country: Country = country.parse().unwrap();
            assert_eq!(
                country.to_international(number).as_deref(),
                expected,
                "{country} {number}"
            );
        }
    }

    #[test]
    fn every_country_is_known_by_its_letters_and_once() {
        for (letters, ..) in PLANS {
            assert_eq!(letters.parse::<Country>().unwrap().to_string(), *letters);
            assert_eq!(
                PLANS.iter().filter(|plan| plan.0 == *letters).count(),
                1,
                "{letters}"
            );
        }
        assert_eq!(Country::default(), "NL".parse().unwrap());
        assert!("nl".parse::<Country>().is_err());
    }
}

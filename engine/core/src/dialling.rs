//! Which outside numbers a user may call: the rules of the settings, for everybody and for the user's role.
//!
//! Asked when a user's phone dials an outside number, when they click one, and when they send somebody on to one. Never asked
//! are emergency numbers, and destinations that the centre itself names. A refusal is counted and published; how many calls a
//! user has made today is kept in memory, by user, and starts anew with the centre's day.

use alloc::format;
use alloc::string::String;

use config::{Country, DialSettings, NumberPattern, Role, RoleDialSettings};

use crate::engine::Engine;
use crate::event::Event;

/// Why a number may not be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barred {
    /// The number, or its prefix, is denied.
    Denied,
    /// It is in a country that is not named.
    Country,
    /// They have called outside as often as they may today.
    TooMany,
}

/// One set of rules.
#[derive(Debug, Clone, Copy)]
struct Rules<'a> {
    allow: &'a [NumberPattern],
    deny: &'a [NumberPattern],
    countries: &'a [Country],
    calls_per_day: u32,
}

impl Barred {
    /// For people, and the Reason of the answer.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "this number may not be called",
            Self::Country => "this country may not be called",
            Self::TooMany => "no more outside calls today",
        }
    }
}

impl<'a> From<&'a DialSettings> for Rules<'a> {
    fn from(rules: &'a DialSettings) -> Self {
        Self {
            allow: &rules.allow,
            deny: &rules.deny,
            countries: &rules.countries,
            calls_per_day: rules.calls_per_day,
        }
    }
}

impl<'a> From<&'a RoleDialSettings> for Rules<'a> {
    fn from(rules: &'a RoleDialSettings) -> Self {
        Self {
            allow: &rules.allow,
            deny: &rules.deny,
            countries: &rules.countries,
            calls_per_day: rules.calls_per_day,
        }
    }
}

impl Rules<'_> {
    /// Whether a number may be called by somebody in `home` who has made so many calls today.
    fn judge(self, number: &str, home: Country, calls: u32) -> Result<(), Barred> {
        let international = home.to_international(number);
        let international = international.as_deref().unwrap_or(number);
        let longest = |patterns: &[NumberPattern]| {
            let weights = patterns
                .iter()
                .flat_map(|pattern| [pattern.weight(number), pattern.weight(international)]);
            weights.flatten().max()
        };
        let (allowed, denied) = (longest(self.allow), longest(self.deny));
        if denied.is_some() && denied >= allowed {
            return Err(Barred::Denied);
        }
        if allowed.is_none() && !self.is_in_a_country(international, home) {
            return Err(Barred::Country);
        }
        if self.calls_per_day > 0 && calls >= self.calls_per_day {
            return Err(Barred::TooMany);
        }
        Ok(())
    }

    fn is_in_a_country(self, number: &str, home: Country) -> bool {
        let mut countries = self.countries.iter();
        match number.strip_prefix('+') {
            _ if self.countries.is_empty() => true,
            Some(digits) => countries.any(|country| digits.starts_with(country.calling_code())),
            // A code before the number could make any country of it.
            None => number.bytes().all(|b| b.is_ascii_digit()) && countries.any(|it| *it == home),
        }
    }
}

impl Engine {
    /// Lets a user call an outside number, and counts it; or says why not, to them and to readers.
    pub(crate) fn dials_outside(&mut self, username: &str, number: &str) -> Result<(), Barred> {
        if self.routes.is_emergency(number) {
            return Ok(());
        }
        let calls = self.dialled_today.get(username).copied().unwrap_or(0);
        if let Err(why) = self.may_dial(username, number, calls) {
            self.figures.barred += 1;
            self.publish(Event::DialRefused {
                user: username.into(),
                number: number.into(),
                why: why.as_str().into(),
            });
            return Err(why);
        }
        self.dialled_today
            .insert(username.into(), calls.saturating_add(1));
        Ok(())
    }

    fn may_dial(&self, username: &str, number: &str, calls: u32) -> Result<(), Barred> {
        let settings = &self.snapshot.settings;
        let user = self.snapshot.centre.users.get(username);
        let of_role = match user.map_or(Role::Attendant, |user| user.role) {
            Role::Attendant => &settings.security.dial_attendant,
            Role::Supervisor => &settings.security.dial_supervisor,
            Role::Administrator => &settings.security.dial_administrator,
        };
        let home = settings.centre.country;
        Rules::from(&settings.security.dial).judge(number, home, calls)?;
        Rules::from(of_role).judge(number, home, calls)
    }
}

/// The Reason of a refusal (RFC 3326; Q.850 cause 21, call rejected, as RFC 6432 lets responses carry).
pub(crate) fn reason(why: Barred) -> String {
    format!("Q.850;cause=21;text=\"{}\"", why.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn judge(allow: &str, deny: &str, countries: &str, number: &str) -> Result<(), Barred> {
        let patterns = |text: &str| -> Vec<NumberPattern> {
            text.split_whitespace()
                .map(|one| one.parse().unwrap())
                .collect()
        };
        let countries: Vec<Country> = countries
            .split_whitespace()
            .map(|one| one.parse().unwrap())
            .collect();
        let (allow, deny) = (patterns(allow), patterns(deny));
        let rules = Rules {
            allow: &allow,
            deny: &deny,
            countries: &countries,
            calls_per_day: 3,
        };
        rules.judge(number, Country::default(), 0)
    }

    #[test]
    fn numbers_are_judged_as_dialled_and_in_international_form() {
        let (denied, abroad) = (Err(Barred::Denied), Err(Barred::Country));
        for (allow, deny, countries, number, expected) in [
            ("", "", "", "+88213", Ok(())),
            ("", "+882*", "", "+88213", denied),
            ("", "+882*", "", "0088213123", denied),
            ("+8821*", "+882*", "", "+88213", Ok(())),
            ("+882*", "+882*", "", "+88213", denied),
            ("+88213", "+88213*", "", "+88213", Ok(())),
            ("", "*", "", "0201234567", denied),
            ("020*", "*", "", "0201234567", Ok(())),
            ("+31*", "*", "", "0201234567", Ok(())),
            ("", "+31900*", "", "0900123456", denied),
            ("", "", "NL BE", "0201234567", Ok(())),
            ("", "", "NL BE", "003221234567", Ok(())),
            ("", "", "NL BE", "+4930123456", abroad),
            ("", "", "NL BE", "004930123456", abroad),
            ("+4930*", "", "NL BE", "+4930123456", Ok(())),
            ("", "", "BE", "1233", abroad),
            ("", "", "NL", "1233", Ok(())),
            ("", "", "NL", "*31*004930123456", abroad),
        ] {
            assert_eq!(
                judge(allow, deny, countries, number),
                expected,
                "{allow}|{deny}|{countries}|{number}"
            );
        }
    }

    #[test]
    fn satellites_and_premium_networks_are_denied_unless_somebody_allows_them() {
        let settings = DialSettings::default();
        let rules = Rules::from(&settings);
        for (number, expected) in [
            ("+870773111632", Err(Barred::Denied)),
            ("00881612345678", Err(Barred::Denied)),
            ("+979123456789", Err(Barred::Denied)),
            ("+4930123456", Ok(())),
            ("1233", Ok(())),
        ] {
            assert_eq!(
                rules.judge(number, Country::default(), 1_000_000),
                expected,
                "{number}"
            );
        }
        let few = Rules {
            calls_per_day: 2,
            ..rules
        };
        let judged = [1, 2].map(|calls| few.judge("+31201234567", Country::default(), calls));
        assert_eq!(judged, [Ok(()), Err(Barred::TooMany)]);
    }
}

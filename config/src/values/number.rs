//! Numbers that are dialled, and patterns of them.

use std::fmt;
use std::str::FromStr;

use super::name::text_newtype;
use crate::read::{Invalid, impl_text_field};

text_newtype! {
    /// What can be dialled: a number, an extension, a queue's number. 1 to 40 of
    /// `0-9 a-z A-Z . _ - * #`, or `+` and digits.
    pub struct DialNumber, "a number of 1 to 40 digits, letters, . _ - * #, or + and digits", "+31850082900", is_dial_number
}

fn is_dial_number(text: &str) -> bool {
    if text.len() > 40 {
        return false;
    }
    if let Some(digits) = text.strip_prefix('+') {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-*#".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

/// Numbers that leave by a trunk: one number, or every number with a prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberPattern {
    /// Just this number.
    Exact(DialNumber),
    /// Every number that begins so; the empty prefix takes all.
    Prefix(String),
}

impl NumberPattern {
    /// How much of the number it names: its length, one more when it is just this number; none when the number is none of these.
    pub fn weight(&self, number: &str) -> Option<usize> {
        let length = match self {
            Self::Exact(exact) => exact.len() + 1,
            Self::Prefix(prefix) => prefix.len(),
        };
        self.matches(number).then_some(length)
    }

    /// Whether the number is one of these.
    pub fn matches(&self, number: &str) -> bool {
        match self {
            Self::Exact(exact) => &**exact == number,
            Self::Prefix(prefix) => number.starts_with(prefix.as_str()),
        }
    }
}

impl FromStr for NumberPattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fault = |_| {
            Invalid::new(
                format!("\"{}\" is no number and no prefix", text.escape_debug()),
                "write a number, or a prefix with * at the end, such as \"+31*\" or \"*\"",
            )
        };
        match text.strip_suffix('*') {
            Some("") => Ok(Self::Prefix(String::new())),
            Some("+") => Ok(Self::Prefix("+".to_owned())),
            Some(prefix) if prefix.contains('*') => Err(fault(Invalid::new("", ""))),
            Some(prefix) => {
                let prefix: DialNumber = prefix.parse().map_err(fault)?;
                Ok(Self::Prefix(prefix.to_string()))
            }
            None => text.parse().map(Self::Exact).map_err(fault),
        }
    }
}

impl fmt::Display for NumberPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(number) => write!(f, "{number}"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl_text_field!(
    NumberPattern,
    "a number, or a prefix with * at the end",
    "+31*"
);

/// Which caller's number a trunk is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CallerId {
    /// The one the call came with.
    #[default]
    Pass,
    /// Always this one.
    Fixed(DialNumber),
}

impl FromStr for CallerId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "pass" => Ok(Self::Pass),
            fixed => fixed.parse().map(Self::Fixed),
        }
    }
}

impl fmt::Display for CallerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Fixed(number) => write!(f, "{number}"),
        }
    }
}

impl_text_field!(CallerId, "\"pass\" or a fixed number", "pass");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_parse_print_and_match() {
        let cases = [
            ("*", "+31201234567", true),
            ("+31*", "+31201234567", true),
            ("+31*", "+32201234567", false),
            ("+*", "+1", true),
            ("112", "112", true),
            ("112", "1121", false),
            ("10*", "1001", true),
        ];
        for (text, number, expected) in cases {
            let pattern: NumberPattern = text.parse().unwrap();
            assert_eq!(pattern.to_string(), text);
            assert_eq!(pattern.matches(number), expected, "{text} {number}");
        }
        for text in ["", "1*2*", "**", "a b*", "+a"] {
            assert!(text.parse::<NumberPattern>().is_err(), "{text}");
        }
    }
}

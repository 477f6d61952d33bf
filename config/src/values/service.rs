//! What a queue does for a caller whom nobody has taken in time.

use std::fmt;
use std::str::FromStr;

use super::Destination;
use crate::read::{Invalid, impl_text_field};

/// What happens once for a caller at the service level's `seconds`: `raise:5`, `notify`, or a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceAction {
    /// The caller's priority grows by so many points, 1 to 1000.
    Raise(u16),
    /// An event tells of it.
    Notify,
    /// The caller is sent there.
    Send(Destination),
}

impl FromStr for ServiceAction {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once(':') {
            None if text == "notify" => Ok(Self::Notify),
            Some(("raise", points)) => points
                .parse()
                .ok()
                .filter(|points| (1..=1000).contains(points))
                .map(Self::Raise)
                .ok_or_else(|| {
                    Invalid::new(
                        format!("\"{}\" is no number of points", points.escape_debug()),
                        "write raise:1 to raise:1000".to_owned(),
                    )
                }),
            Some(_) | None => text.parse().map(Self::Send),
        }
    }
}

impl fmt::Display for ServiceAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raise(points) => write!(f, "raise:{points}"),
            Self::Notify => f.write_str("notify"),
            Self::Send(destination) => destination.fmt(f),
        }
    }
}

impl_text_field!(
    ServiceAction,
    "\"raise:N\", \"notify\" or a destination",
    "raise:5"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_parse_and_print() {
        for text in [
            "raise:1",
            "raise:1000",
            "notify",
            "queue:backoffice",
            "hangup",
        ] {
            let action: ServiceAction = text.parse().unwrap();
            assert_eq!(action.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_action_is_refused_with_what_would_be() {
        let cases = [
            ("raise:0", "\"0\" is no number of points"),
            ("raise:1001", "\"1001\" is no number of points"),
            ("raise:-1", "\"-1\" is no number of points"),
            ("raise", "\"raise\" is no destination"),
            ("notify:me", "\"notify:me\" is no destination"),
        ];
        for (text, message) in cases {
            let fault = text.parse::<ServiceAction>().unwrap_err();
            assert_eq!(fault.message, message, "{text}");
        }
    }
}

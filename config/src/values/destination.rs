//! Where a call can be sent.

use std::fmt;
use std::str::FromStr;

use super::{DialNumber, Name, Username, choice::not_built};
use crate::read::{Invalid, closest, impl_text_field};

/// Where a call goes: one text, such as `queue:support`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Destination {
    /// Waits in the queue.
    Queue(Name),
    /// A direct call to the user, in their personal queue.
    User(Username),
    /// Rings the phone, whatever its user's state.
    Extension(DialNumber),
    /// Leaves by a trunk.
    External(DialNumber),
    /// Is parked in the slot, 1 to 9999.
    Park(u32),
    /// Hears the prompt, then the call ends.
    Announcement(Name),
    /// Ends the call.
    #[default]
    HangUp,
    /// Refuses the call as busy (486).
    Busy,
}

const KINDS: &[&str] = &[
    "queue:NAME",
    "user:USERNAME",
    "extension:NUMBER",
    "external:NUMBER",
    "park:SLOT",
    "announcement:NAME",
    "hangup",
    "busy",
];

impl FromStr for Destination {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("queue", name) => name.parse().map(Self::Queue),
            ("user", name) => name.parse().map(Self::User),
            ("extension", number) => number.parse().map(Self::Extension),
            ("external", number) => number.parse().map(Self::External),
            ("park", slot) => parse_slot(slot).map(Self::Park),
            ("announcement", name) => name.parse().map(Self::Announcement),
            ("hangup", "") => Ok(Self::HangUp),
            ("busy", "") => Ok(Self::Busy),
            ("flow" | "voicemail", _) => Err(not_built(&format!("{kind}:"), KINDS)),
            _ => Err(unknown(text, kind)),
        }
    }
}

/// The highest park slot.
pub const SLOT_MAX: u32 = 9999;

/// Reads a park slot.
fn parse_slot(text: &str) -> Result<u32, Invalid> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let slot = digits.then(|| text.parse().ok()).flatten();
    slot.filter(|slot| (1..=SLOT_MAX).contains(slot))
        .ok_or_else(|| {
            Invalid::new(
                format!("\"{}\" is no park slot", text.escape_debug()),
                format!("write a number from 1 to {SLOT_MAX}, such as \"park:1\""),
            )
        })
}

fn unknown(text: &str, kind: &str) -> Invalid {
    let help = closest(
        kind,
        KINDS
            .iter()
            .map(|form| form.split(':').next().unwrap_or(form)),
    )
    .and_then(|near| KINDS.iter().find(|form| form.starts_with(near)))
    .map_or_else(
        || format!("write one of: {}", KINDS.join(", ")),
        |form| format!("did you mean {form}?"),
    );
    Invalid::new(
        format!("\"{}\" is no destination", text.escape_debug()),
        help,
    )
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) => write!(f, "queue:{name}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Extension(number) => write!(f, "extension:{number}"),
            Self::External(number) => write!(f, "external:{number}"),
            Self::Park(slot) => write!(f, "park:{slot}"),
            Self::Announcement(name) => write!(f, "announcement:{name}"),
            Self::HangUp => f.write_str("hangup"),
            Self::Busy => f.write_str("busy"),
        }
    }
}

impl_text_field!(Destination, "a destination", "queue:support");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_parse_and_print() {
        for text in [
            "queue:support",
            "queue:a:b",
            "user:alice",
            "extension:1001",
            "external:+31201234567",
            "park:1",
            "announcement:closed",
            "hangup",
            "busy",
        ] {
            let destination: Destination = text.parse().unwrap();
            assert_eq!(destination.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_destination_is_refused_with_what_would_be() {
        let cases = [
            (
                "que:support",
                "\"que:support\" is no destination",
                "did you mean queue:NAME?",
            ),
            (
                "voicemail:alice",
                "\"voicemail:\" is known, but not built yet",
                "write \"queue:NAME\"",
            ),
            ("flow:x", "\"flow:\" is known, but not built yet", "write"),
            ("park:", "\"\" is no park slot", "write a number from 1"),
            ("park:0", "\"0\" is no park slot", "write a number from 1"),
            ("park:10000", "\"10000\" is no park slot", "write"),
            ("park:+1", "\"+1\" is no park slot", "write"),
            ("queue:", "\"\" is not a name", "for example"),
            (
                "busy:now",
                "\"busy:now\" is no destination",
                "did you mean busy?",
            ),
            ("", "\"\" is no destination", "write one of: queue:NAME"),
        ];
        for (text, message, help) in cases {
            let fault = text.parse::<Destination>().unwrap_err();
            assert!(
                fault.message.starts_with(message),
                "{text}: {}",
                fault.message
            );
            assert!(fault.help.starts_with(help), "{text}: {}", fault.help);
        }
    }
}

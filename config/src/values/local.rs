//! What this machine gives us: ports, addresses, a place for data.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::read::{Invalid, impl_text_field};

/// Ports from the first to the last, both included: `10000-29999`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortRange {
    /// The lowest; 1024 or more.
    pub first: u16,
    /// The highest; RTP takes an even port and RTCP the odd one after it.
    pub last: u16,
}

impl FromStr for PortRange {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fault = |what: &str| {
            Invalid::new(
                format!("\"{}\" {what}", text.escape_debug()),
                "write the first and the last port, from 1024 to 65535: \"10000-29999\"",
            )
        };
        let ends = text.split_once('-').and_then(|(first, last)| {
            Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
        });
        let (first, last): (u16, u16) = ends.ok_or_else(|| fault("is no range of ports"))?;
        if first < 1024 || first > last {
            return Err(fault("is an impossible range"));
        }
        let first_even = u32::from(first) + u32::from(first % 2);
        if first_even + 1 > u32::from(last) {
            return Err(fault("holds no even port with the odd one after it"));
        }
        Ok(Self { first, last })
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl_text_field!(PortRange, "a range of ports", "10000-29999");

/// Where the store is: `sqlite:PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreUrl {
    path: String,
}

impl StoreUrl {
    /// The database file; relative to where the daemon was started.
    pub fn sqlite_path(&self) -> &str {
        &self.path
    }
}

impl FromStr for StoreUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let help = "write \"sqlite:var/lampfield.db\"";
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return Err(Invalid::new(
                "\"postgres:\" is known, but not built yet",
                help,
            ));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or_default();
        // sqlite:///var/x is the absolute path as other programs write it.
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains(char::is_control) || path.contains('?') {
            let message = format!("\"{}\" names no store", text.escape_debug());
            return Err(Invalid::new(message, help));
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.path)
    }
}

impl_text_field!(StoreUrl, "a store's address", "sqlite:var/lampfield.db");

macro_rules! impl_std_text_field {
    ($ty:ty, $what:literal, $example:literal) => {
        impl crate::read::Field for $ty {
            fn read(node: &crate::read::Node, reader: &mut crate::read::Reader) -> Option<Self> {
                let text: String =
                    crate::read::read_text::<PlainText>(node, reader, $what, $example)?.0;
                let parsed = text.parse().ok();
                if parsed.is_none() {
                    let message = format!("\"{}\" is not {}", text.escape_debug(), $what);
                    let help = format!("for example \"{}\"", $example);
                    reader.invalid(node, Invalid::new(message, help));
                }
                parsed
            }

            fn write(&self) -> serde_json::Value {
                serde_json::Value::from(self.to_string())
            }

            fn shape() -> crate::read::Shape {
                crate::read::Shape::Text {
                    what: $what,
                    example: $example,
                }
            }
        }
    };
}

/// Any text, on its way to a type of the standard library.
struct PlainText(String);

impl FromStr for PlainText {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PlainText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl_std_text_field!(SocketAddr, "an address with a port", "127.0.0.1:8080");
impl_std_text_field!(IpAddr, "an IP address", "127.0.0.1");

#[cfg(test)]
mod tests {
    use super::*;

    /// What each text prints as once parsed; `None`: refused.
    fn check<T: FromStr + fmt::Display>(cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            let parsed = text.parse::<T>().ok().map(|value| value.to_string());
            assert_eq!(parsed.as_deref(), *expected, "{text}");
        }
    }

    #[test]
    fn ports_and_stores() {
        check::<PortRange>(&[
            ("10000-29999", Some("10000-29999")),
            ("10000 - 10001", Some("10000-10001")),
            ("29999-10000", None),
            ("80-90", None),
            ("10001-10002", None),
            ("65535-65535", None),
            ("10000", None),
        ]);
        check::<StoreUrl>(&[
            ("sqlite:var/lampfield.db", Some("sqlite:var/lampfield.db")),
            ("sqlite:///var/lib/x.db", Some("sqlite:/var/lib/x.db")),
            ("sqlite:", None),
            ("postgres://localhost/x", None),
            ("mysql:x", None),
        ]);
    }
}

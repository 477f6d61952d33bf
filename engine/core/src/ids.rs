//! Identifiers of calls, legs and commands.
//!
//! An id holds the node and its incarnation, so that ids of two nodes, or of one node before and after a
//! restart, never meet: 8 bits of node, 24 bits of incarnation, 32 bits of counter. In JSON and in
//! paths it is 16 lower-case hexadecimal digits.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:016x})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let well_formed = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
                if !well_formed {
                    return Err(NotAnId);
                }
                u64::from_str_radix(text, 16).map(Self).map_err(|_| NotAnId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// One call: the whole of its legs. Its interaction in the distribution core has the same number.
    CallId
}
id! {
    /// One leg: one dialog with its media.
    LegId
}

/// What a waiting HTTP request or command line is answered by; never leaves the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// A text that is not 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 16 hexadecimal digits")]
pub struct NotAnId;

/// Gives out the ids of one node in one incarnation.
#[derive(Debug, Clone)]
pub struct IdSource {
    prefix: u64,
    next: u32,
}

impl IdSource {
    /// Starts at 1 for this node and incarnation (24 bits; larger ones wrap around).
    pub fn new(node: u8, incarnation: u32) -> Self {
        let prefix = u64::from(node) << 56 | u64::from(incarnation & 0x00ff_ffff) << 32;
        Self { prefix, next: 1 }
    }

    /// The next number, never given before in this incarnation (2³² of them; then it starts over).
    pub fn issue(&mut self) -> u64 {
        let id = self.prefix | u64::from(self.next);
        self.next = self.next.wrapping_add(1);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn ids_hold_node_and_incarnation_and_read_back() {
        let mut source = IdSource::new(1, 2);
        let first = CallId(source.issue());
        assert_eq!(first.to_string(), "0100000200000001");
        assert_eq!("0100000200000001".parse(), Ok(first));
        assert_ne!(source.issue(), first.0);
        for wrong in [
            "",
            "1",
            "zz00000200000001",
            "01000002000000011",
            "+100000200000001",
        ] {
            assert_eq!(wrong.parse::<CallId>(), Err(NotAnId), "{wrong}");
        }
    }
}

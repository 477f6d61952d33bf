//! Lengths of time, and shares.

use std::time::Duration;

use serde_json::Value as Json;

use crate::read::{Bounded, Field, Invalid, Node, Reader, Shape, Value, read_whole_number};

/// A length of time in whole seconds, as people set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seconds(pub u32);

impl Seconds {
    /// The same as a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.duration()
    }
}

impl From<Seconds> for u64 {
    fn from(seconds: Seconds) -> Self {
        Self::from(seconds.0)
    }
}

impl Field for Seconds {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        u32::read(node, reader).map(Self)
    }

    fn write(&self) -> Json {
        Json::from(self.0)
    }

    fn shape() -> Shape {
        u32::shape()
    }
}

impl Bounded for Seconds {
    fn amount(&self) -> Option<i64> {
        Some(i64::from(self.0))
    }
}

/// How long an agent keeps after an interaction before the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrapUp {
    /// So many seconds.
    Seconds(Seconds),
    /// Until the agent ends it.
    Manual,
}

impl WrapUp {
    /// A day: longer than any wrap-up, shorter than a mistake.
    const MAX: i64 = 86_400;
}

impl Default for WrapUp {
    fn default() -> Self {
        Self::Seconds(Seconds(0))
    }
}

impl Field for WrapUp {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if let Value::Text(text) = &node.value {
            if text == "manual" {
                return Some(Self::Manual);
            }
            let fault = Invalid::new(
                format!("\"{}\" is no wrap-up", text.escape_debug()),
                "write seconds without quotes, or \"manual\"",
            );
            reader.invalid(node, fault);
            return None;
        }
        let whole = read_whole_number(node, reader)?;
        match u32::try_from(whole) {
            Ok(seconds) if whole <= Self::MAX => Some(Self::Seconds(Seconds(seconds))),
            Ok(_) | Err(_) => {
                let help = format!("write seconds from 0 to {}, or \"manual\"", Self::MAX);
                reader.invalid(node, Invalid::new(format!("{whole} is out of range"), help));
                None
            }
        }
    }

    fn write(&self) -> Json {
        match self {
            Self::Seconds(seconds) => seconds.write(),
            Self::Manual => Json::from("manual"),
        }
    }

    fn shape() -> Shape {
        let seconds = Shape::Integer {
            min: 0,
            max: Self::MAX,
        };
        Shape::Either(Box::new(seconds), Box::new(Shape::Choice(&["manual"])))
    }
}

/// A part of a whole, kept in ten-thousandths so that no decision meets a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Share(u32);

impl Share {
    const WHOLE: u32 = 10_000;

    /// From ten-thousandths; more than the whole is the whole.
    pub const fn from_ten_thousandths(parts: u32) -> Self {
        Self(if parts > Self::WHOLE {
            Self::WHOLE
        } else {
            parts
        })
    }

    /// In ten-thousandths: 0.8 is 8000.
    pub const fn ten_thousandths(self) -> u32 {
        self.0
    }
}

impl Field for Share {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let share = match &node.value {
            Value::Float(share) => *share,
            Value::Integer(0) => 0.0,
            Value::Integer(1) => 1.0,
            Value::Integer(_) => 2.0,
            Value::Null
            | Value::Flag(_)
            | Value::Huge(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Table(_) => {
                reader.wrong_type(node, "a number from 0 to 1", "for example 0.8");
                return None;
            }
        };
        if !(0.0..=1.0).contains(&share) {
            let fault = Invalid::new("not between 0 and 1", "80 % is written 0.8");
            reader.invalid(node, fault);
            return None;
        }
        // In range by the check above, so that the conversion cannot lose anything but rounding.
        Some(Self((share * f64::from(Self::WHOLE)).round() as u32))
    }

    fn write(&self) -> Json {
        Json::from(f64::from(self.0) / f64::from(Self::WHOLE))
    }

    fn shape() -> Shape {
        Shape::Share
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::read::from_json;

    /// What each JSON is read and written again as; null: refused.
    fn check<T: Field>(cases: &[(Json, Json)]) {
        for (json, expected) in cases {
            let mut reader = Reader::default();
            let read = T::read(&from_json(json), &mut reader);
            assert_eq!(
                read.map_or(Json::Null, |value| value.write()),
                *expected,
                "{json}"
            );
            assert_eq!(
                reader.finish().0.is_empty(),
                !expected.is_null(),
                "{json}: a refusal says why"
            );
        }
    }

    #[test]
    fn lengths_and_shares_are_read_and_written() {
        check::<Seconds>(&[
            (json!(20), json!(20)),
            (json!(-1), Json::Null),
            (json!(2.5), Json::Null),
            (json!("20"), Json::Null),
            (json!(4_294_967_296_u64), Json::Null),
            (json!(u64::MAX), Json::Null),
        ]);
        check::<WrapUp>(&[
            (json!(0), json!(0)),
            (json!(86_400), json!(86_400)),
            (json!(86_401), Json::Null),
            (json!("manual"), json!("manual")),
            (json!("never"), Json::Null),
            (json!(true), Json::Null),
        ]);
        check::<Share>(&[
            (json!(0.8), json!(0.8)),
            (json!(0), json!(0.0)),
            (json!(1), json!(1.0)),
            (json!(0.3333), json!(0.3333)),
            (json!(80), Json::Null),
            (json!(1.0001), Json::Null),
            (json!(-0.1), Json::Null),
            (json!("0.8"), Json::Null),
        ]);
    }
}

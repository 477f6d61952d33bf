//! How a single value is read and written.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value as Json;

use super::node::{Node, Value};
use super::reader::Reader;
use super::record::Shape;

/// A type that can stand as the value of a field.
pub trait Field: Sized {
    /// Whether the value must not be shown to anyone.
    const SECRET: bool = false;

    /// Reads the value; `None` when it is faulty, which has then been reported.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self>;

    /// The value as JSON; null when it is unset.
    fn write(&self) -> Json;

    /// What the value may look like, for the reference and the API's schema.
    fn shape() -> Shape;
}

/// A value with a size that a field may bound.
pub(crate) trait Bounded {
    /// The amount to be compared with the bounds; `None` when there is nothing to compare.
    fn amount(&self) -> Option<i64>;
}

impl<T: Bounded> Bounded for Option<T> {
    fn amount(&self) -> Option<i64> {
        self.as_ref().and_then(Bounded::amount)
    }
}

impl Field for bool {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if let Value::Flag(flag) = node.value {
            return Some(flag);
        }
        reader.wrong_type(node, "true or false", "write true or false, without quotes");
        None
    }

    fn write(&self) -> Json {
        Json::Bool(*self)
    }

    fn shape() -> Shape {
        Shape::Flag
    }
}

macro_rules! impl_whole_number {
    ($($ty:ty),*) => {$(
        impl Field for $ty {
            fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
                let whole = read_whole_number(node, reader)?;
                let fits = Self::try_from(whole).ok();
                if fits.is_none() {
                    reader.invalid(node, super::Invalid::new(
                        format!("{whole} is out of range"),
                        format!("write a number from {} to {}", Self::MIN, Self::MAX),
                    ));
                }
                fits
            }

            fn write(&self) -> Json {
                Json::from(*self)
            }

            fn shape() -> Shape {
                Shape::Integer { min: i64::from(Self::MIN), max: i64::from(Self::MAX) }
            }
        }

        impl Bounded for $ty {
            fn amount(&self) -> Option<i64> {
                Some(i64::from(*self))
            }
        }
    )*};
}

impl_whole_number!(u32, i32);

pub(crate) fn read_whole_number(node: &Node, reader: &mut Reader) -> Option<i64> {
    match &node.value {
        Value::Integer(whole) => return Some(*whole),
        Value::Huge(digits) => reader.invalid(
            node,
            super::Invalid::new(
                format!("{digits} is out of range"),
                "write a smaller number",
            ),
        ),
        Value::Null
        | Value::Flag(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Table(_) => {
            reader.wrong_type(node, "a whole number", "write digits only, without quotes");
        }
    }
    None
}

impl<T: Field> Field for Option<T> {
    const SECRET: bool = T::SECRET;

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        T::read(node, reader).map(Some)
    }

    fn write(&self) -> Json {
        self.as_ref().map_or(Json::Null, Field::write)
    }

    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::List(items) = &node.value else {
            reader.wrong_type(node, "a list", "put the values between [ and ]");
            return None;
        };
        let mut kept = Self::new();
        for (index, item) in items.iter().enumerate() {
            let read = reader.in_item(index, kept.len(), item, |reader| T::read(item, reader));
            kept.extend(read);
        }
        Some(kept)
    }

    fn write(&self) -> Json {
        Json::Array(self.iter().map(Field::write).collect())
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

/// Reads a value that is written as one text.
pub(crate) fn read_text<T>(node: &Node, reader: &mut Reader, what: &str, example: &str) -> Option<T>
where
    T: FromStr<Err = super::Invalid> + Display,
{
    let Value::Text(text) = &node.value else {
        let help = match &node.value {
            Value::Integer(digits) => format!("put it in quotes: \"{digits}\""),
            Value::Null
            | Value::Flag(_)
            | Value::Huge(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Table(_) => format!("for example \"{example}\""),
        };
        reader.wrong_type(node, what, help);
        return None;
    };
    match text.parse() {
        Ok(value) => Some(value),
        Err(fault) => {
            reader.invalid(node, fault);
            None
        }
    }
}

/// Makes a type with `FromStr` and `Display` a field: `impl_text_field!(Type, "what it is", "example")`.
macro_rules! impl_text_field {
    ($ty:ty, $what:literal, $example:literal) => {
        impl $crate::read::Field for $ty {
            fn read(node: &$crate::read::Node, reader: &mut $crate::read::Reader) -> Option<Self> {
                $crate::read::read_text(node, reader, $what, $example)
            }

            fn write(&self) -> serde_json::Value {
                serde_json::Value::String(self.to_string())
            }

            fn shape() -> $crate::read::Shape {
                $crate::read::Shape::Text {
                    what: $what,
                    example: $example,
                }
            }
        }
    };
}
pub(crate) use impl_text_field;

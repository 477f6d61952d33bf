//! A table whose fields are described once.

use serde_json::Value as Json;

use super::node::{Node, Value};
use super::reader::{Invalid, Reader};

/// What a value may look like.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// A whole number, bounds included.
    Integer {
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
    },
    /// A number from 0 to 1.
    Share,
    /// Text of a certain form.
    Text {
        /// What it is, to follow "must be".
        what: &'static str,
        /// One right value.
        example: &'static str,
    },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// Text that is never shown again.
    Secret,
    /// Any number of the same.
    List(Box<Self>),
    /// Fields by name.
    Table(Vec<FieldInfo>),
    /// Any number of the same, each under a name that is not ours to choose.
    Named(Box<Self>),
    /// One of several shapes.
    Either(Box<Self>, Box<Self>),
}

/// One field of a table, as the reference shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldInfo {
    /// Its key.
    pub name: &'static str,
    /// Its documentation: meaning, unit, range.
    pub doc: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is when left out; null: unset.
    pub default: Json,
    /// What it may look like.
    pub shape: Shape,
}

/// One field's value on its way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its key.
    pub name: &'static str,
    /// Its value; null when unset.
    pub value: Json,
    /// Whether nobody may see it.
    pub secret: bool,
}

/// A table whose fields are described by [`record!`].
pub trait Record: Sized + Default {
    /// What the table is.
    fn doc() -> String;

    /// The fields, in the order of the documentation.
    fn schema() -> Vec<FieldInfo>;

    /// Reads the table; faulty fields are reported and keep their defaults. `None` when the node
    /// is no table.
    fn read_table(node: &Node, reader: &mut Reader) -> Option<Self>;

    /// The values of all fields, in the order of the documentation.
    fn written(&self) -> Vec<Written>;

    /// All values as JSON. `with_secrets` is for the store and for nobody else.
    fn to_json(&self, with_secrets: bool) -> Json {
        let shown = self
            .written()
            .into_iter()
            .filter(|field| with_secrets || !field.secret);
        Json::Object(
            shown
                .map(|field| (field.name.to_owned(), field.value))
                .collect(),
        )
    }

    /// The values that differ from the defaults, in the order of the documentation.
    fn chosen(&self) -> Vec<Written> {
        let defaults = Self::default().written();
        let differs = |(chosen, default): (Written, Written)| (chosen != default).then_some(chosen);
        self.written()
            .into_iter()
            .zip(defaults)
            .filter_map(differs)
            .collect()
    }
}

/// Joins the lines of a doc comment.
pub(crate) fn join_doc(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join("\n")
}

/// The table's entries, or a report that it is none.
pub(crate) fn entries<'a>(node: &'a Node, reader: &mut Reader) -> Option<&'a [super::Entry]> {
    if let Value::Table(entries) = &node.value {
        return Some(entries);
    }
    reader.wrong_type(
        node,
        "a table",
        "write key = value lines, or { key = value }",
    );
    None
}

/// The value, if it lies within the bounds; else a report.
pub(crate) fn within<T: super::Bounded>(
    value: T,
    (min, max): (i64, i64),
    node: &Node,
    reader: &mut Reader,
) -> Option<T> {
    match value.amount() {
        Some(amount) if amount < min || amount > max => {
            let fault = Invalid::new(
                format!("{amount} is out of range"),
                format!("write a number from {min} to {max}"),
            );
            reader.invalid(node, fault);
            None
        }
        Some(_) | None => Some(value),
    }
}

/// Describes a table: its fields with documentation, type, default and bounds, and the keys that
/// are known but not built yet.
///
/// ```text
/// record! {
///     /// What the table is.
///     pub struct Queue {
///         /// Its name.                        // => required: must be given
///         name: Name => required,
///         /// Seconds of waiting, above 0.     // = default ; allowed range
///         ageing: Seconds = Seconds(10) ; 1..=86_400,
///     }
///     later { announce, record }
/// }
/// ```
macro_rules! record {
    (
        $(#[doc = $record_doc:literal])+
        pub struct $record:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $ty:ty $(=> $required:ident)? $(= $default:expr)? $(; $min:literal ..= $max:literal)?,
            )+
        }
        later { $($later:ident),* $(,)? }
    ) => {
        $(#[doc = $record_doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $record {
            $(
                $(#[doc = $doc])+
                pub $field: $ty,
            )+
        }

        impl Default for $record {
            fn default() -> Self {
                Self {
                    $($field: $crate::read::record!(@default $($default)?),)+
                }
            }
        }

        impl $crate::read::Record for $record {
            fn doc() -> String {
                $crate::read::join_doc(&[$($record_doc),+])
            }

            fn schema() -> Vec<$crate::read::FieldInfo> {
                let defaults = Self::default();
                vec![$(
                    $crate::read::FieldInfo {
                        name: stringify!($field),
                        doc: $crate::read::join_doc(&[$($doc),+]),
                        required: $crate::read::record!(@required $($required)?),
                        default: $crate::read::Field::write(&defaults.$field),
                        shape: $crate::read::record!(@shape $ty $(; $min, $max)?),
                    },
                )+]
            }

            fn read_table(
                node: &$crate::read::Node,
                reader: &mut $crate::read::Reader,
            ) -> Option<Self> {
                const KNOWN: &[&str] = &[$(stringify!($field)),+];
                const LATER: &[&str] = &[$(stringify!($later)),*];
                let mut table = Self::default();
                $(
                    // A required field that is missing or faulty is reported once, here or below.
                    #[allow(unused_mut, unused_assignments)]
                    let mut $field = $crate::read::record!(@required $($required)?);
                )+
                for entry in $crate::read::entries(node, reader)? {
                    if entry.node.is_null() {
                        continue;
                    }
                    match entry.key.as_str() {
                        $(stringify!($field) => {
                            $field = false;
                            let read = reader.in_field(stringify!($field), &entry.node, |reader| {
                                let value = $crate::read::Field::read(&entry.node, reader)?;
                                $(let value = $crate::read::within(value, ($min, $max), &entry.node, reader)?;)?
                                Some(value)
                            });
                            if let Some(value) = read {
                                table.$field = value;
                            }
                        })+
                        _ => reader.unknown_key(entry, KNOWN, LATER),
                    }
                }
                $(
                    if $field {
                        let example = <$ty as $crate::read::Field>::shape().example();
                        reader.missing(node, stringify!($field), &example);
                    }
                )+
                Some(table)
            }

            fn written(&self) -> Vec<$crate::read::Written> {
                vec![$(
                    $crate::read::Written {
                        name: stringify!($field),
                        value: $crate::read::Field::write(&self.$field),
                        secret: <$ty as $crate::read::Field>::SECRET,
                    },
                )+]
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
    (@required) => { false };
    (@required required) => { true };
    (@shape $ty:ty) => { <$ty as $crate::read::Field>::shape() };
    (@shape $ty:ty; $min:literal, $max:literal) => { $crate::read::Shape::Integer { min: $min, max: $max } };
}
pub(crate) use record;

/// Lets a record stand as the value of a field.
macro_rules! impl_record_field {
    ($($record:ty),+ $(,)?) => {$(
        impl $crate::read::Field for $record {
            fn read(node: &$crate::read::Node, reader: &mut $crate::read::Reader) -> Option<Self> {
                $crate::read::Record::read_table(node, reader)
            }

            fn write(&self) -> serde_json::Value {
                $crate::read::Record::to_json(self, true)
            }

            fn shape() -> $crate::read::Shape {
                $crate::read::Shape::Table(<Self as $crate::read::Record>::schema())
            }
        }
    )+};
}
pub(crate) use impl_record_field;

impl Shape {
    /// A right value, as it is written in TOML.
    pub fn example(&self) -> String {
        match self {
            Self::Flag => "true".to_owned(),
            Self::Integer { min, .. } => min.max(&1).to_string(),
            Self::Share => "0.8".to_owned(),
            Self::Text { example, .. } => format!("\"{example}\""),
            Self::Choice(words) => format!("\"{}\"", words.first().unwrap_or(&"")),
            Self::Secret => "\"…\"".to_owned(),
            Self::List(item) => format!("[{}]", item.example()),
            Self::Named(value) => format!("{{ name = {} }}", value.example()),
            Self::Either(first, _) => first.example(),
            Self::Table(fields) => {
                let needed = fields.iter().filter(|field| field.required);
                let pairs: Vec<String> = needed
                    .map(|field| format!("{} = {}", field.name, field.shape.example()))
                    .collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        }
    }
}

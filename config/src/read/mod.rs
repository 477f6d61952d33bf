//! From text to typed values, with every fault of a document in one go.
//!
//! Owns the way in: [`Node`] is a value with its place, whether it came from TOML, from JSON or from
//! an environment variable; a [`Reader`] walks it and gathers what is wrong instead of stopping at
//! the first fault; [`record!`] describes a table once, and reading, writing, defaults and the
//! reference documentation all follow from that. What the fields mean is left to `settings` and
//! `centre`.

mod field;
mod node;
mod reader;
#[macro_use]
mod record;

pub use field::Field;
pub(crate) use field::{Bounded, impl_text_field, read_text, read_whole_number};
pub(crate) use node::{Entry, Value, from_json, from_toml, from_toml_value};
pub use node::{Node, Span};
pub use reader::{Invalid, Reader};
pub(crate) use reader::{Places, Problem, closest, nearest_place};
pub use record::{FieldInfo, Record, Shape, Written};
pub(crate) use record::{entries, impl_record_field, join_doc, record, within};

//! The stream of events: what each user gets of it, and how an event looks in JSON.
//!
//! [`stream`] runs one open stream: first what happened since the cursor, read from the journal, then what happens.
//! [`filter`] decides what its user sees. [`json`] makes the messages, [`kinds`] lists their types for the document.

mod filter;
mod json;
pub(crate) mod kinds;
pub(crate) mod stream;

#[cfg(test)]
mod samples;

pub use json::kind_and_data;
pub(crate) use json::read_cursor;

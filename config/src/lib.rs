//! Settings and resources, typed and validated.
//!
//! Owns what the settings file, the environment and the centre file mean: every field with its
//! type, default and allowed range (in its doc comment, from which `docs/config.md` is made), and
//! every rule across fields. Reading gives either a value that is right or all faults at once, each
//! with its place and what would be right. It opens no file and asks no clock: text comes in,
//! values go out.
//!
//! - [`Settings::load`]: `lampfield.toml` and the environment.
//! - [`parse_centre`], [`export`]: the centre file, in and out. [`diff`], [`Centre::merge`]: what
//!   `apply` makes of it.
//! - [`Resource`]: one resource of the centre as JSON, for the API and the store.
//! - [`DirectoryEntry`]: one person in the address book, which is no part of the centre.
//! - [`Snapshot`]: all of it at one moment, as the engine and its readers get it.
#![forbid(unsafe_code)]

mod centre;
mod directory;
mod fault;
mod read;
mod reference;
mod settings;
mod snapshot;
mod values;

pub use centre::*;
pub use directory::{DirectoryEntry, EntryId};
pub use fault::{Fault, Faults, Source};
pub use read::{Field, FieldInfo, Invalid, Node, Reader, Record, Shape, Span, Written};
pub use reference::{json_schema, reference};
pub use settings::{
    CentreSettings, DialSettings, HttpSettings, HttpTls, LogSettings, MediaSettings, Retention,
    RoleDialSettings, SecuritySettings, SessionTimers, Settings, SipSettings, SipTls,
    StoreSettings,
};
pub use snapshot::Snapshot;
pub use values::*;

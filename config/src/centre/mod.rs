//! The centre: its users, queues, calendars, holiday lists, trunks, numbers, number lists, feature codes, aux codes and wrap-up codes.
//!
//! Owns what the resources are, what the centre file looks like, what is right across resources,
//! and how two centres differ and merge. A [`Centre`] is a value: it is read from a file, stored
//! and loaded, changed by making another one. Who may change it, and keeping it, is left to the API
//! and the store; what it means for calls to the engine.

mod aux_code;
mod calendar;
mod check;
mod diff;
mod export;
mod feature_codes;
mod file;
mod holiday_list;
mod merge;
mod number;
mod number_list;
mod prompt;
mod queue;
mod secrets;
mod trunk;
mod user;
mod wrap_up_codes;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::read::{Reader, Record, from_json};

pub use aux_code::AuxCode;
pub use calendar::{Calendar, OpenHours, SpecialHours};
pub use check::ResourceFault;
pub use diff::{Change, FieldChange, WhatChanged, diff};
pub use export::export;
pub use feature_codes::FeatureCodes;
pub(crate) use file::Document;
pub use file::{apply_centre, parse_centre};
pub use holiday_list::{Holiday, HolidayList};
pub use number::Number;
pub use number_list::NumberList;
pub use prompt::{BUILT_IN_PROMPTS, Prompt, PromptUse, diff_prompts};
pub use queue::{Announce, Overflow, Queue, Relaxation, ServiceLevel, Sticky};
pub use trunk::Trunk;
pub use user::{Assignment, FIRST_ADMINISTRATOR, Personal, User};
pub use wrap_up_codes::WrapUpCodes;

/// The kinds of resource of a centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`HolidayList`].
    HolidayList,
    /// [`Calendar`].
    Calendar,
    /// [`Queue`].
    Queue,
    /// [`User`].
    User,
    /// [`Trunk`].
    Trunk,
    /// [`Number`].
    Number,
    /// [`NumberList`].
    NumberList,
    /// [`FeatureCodes`].
    FeatureCodes,
    /// [`AuxCode`].
    AuxCode,
    /// [`WrapUpCodes`].
    WrapUpCodes,
}

impl Kind {
    /// All of them, in the order of a file in which nothing is named before it stands there.
    pub const ALL: [Self; 10] = [
        Self::HolidayList,
        Self::Calendar,
        Self::Queue,
        Self::User,
        Self::Trunk,
        Self::Number,
        Self::NumberList,
        Self::FeatureCodes,
        Self::AuxCode,
        Self::WrapUpCodes,
    ];

    /// One of them: `queue`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HolidayList => "holiday list",
            Self::Calendar => "calendar",
            Self::Queue => "queue",
            Self::User => "user",
            Self::Trunk => "trunk",
            Self::Number => "number",
            Self::NumberList => "number list",
            Self::FeatureCodes => "feature codes",
            Self::AuxCode => "aux code",
            Self::WrapUpCodes => "wrap-up category",
        }
    }

    /// Its table in the file: `queues`, `number_lists`.
    pub const fn table(self) -> &'static str {
        match self {
            Self::HolidayList => "holiday_lists",
            Self::Calendar => "calendars",
            Self::Queue => "queues",
            Self::User => "users",
            Self::Trunk => "trunks",
            Self::Number => "numbers",
            Self::NumberList => "number_lists",
            Self::FeatureCodes => "feature_codes",
            Self::AuxCode => "aux_codes",
            Self::WrapUpCodes => "wrap_up_codes",
        }
    }

    /// Its path in the API: `queues`, `number-lists`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::HolidayList => "holiday-lists",
            Self::NumberList => "number-lists",
            Self::FeatureCodes => "feature-codes",
            Self::AuxCode => "aux-codes",
            Self::WrapUpCodes => "wrap-up-codes",
            Self::Calendar | Self::Queue | Self::User | Self::Trunk | Self::Number => self.table(),
        }
    }

    /// Whether a centre has one of it, without a name: `[feature_codes]`.
    pub const fn is_single(self) -> bool {
        matches!(self, Self::FeatureCodes)
    }

    /// How its tables begin in the file: `[[queues]]`, `[feature_codes]`.
    pub fn heading(self) -> String {
        match self.is_single() {
            true => format!("[{}]", self.table()),
            false => format!("[[{}]]", self.table()),
        }
    }

    /// The field that names a resource of this kind; empty where there is one without a name.
    pub const fn key_field(self) -> &'static str {
        match self {
            Self::HolidayList
            | Self::Calendar
            | Self::Queue
            | Self::Trunk
            | Self::NumberList
            | Self::AuxCode
            | Self::WrapUpCodes => "name",
            Self::FeatureCodes => "",
            Self::User => "username",
            Self::Number => "number",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with one field of a resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({help})")]
pub struct FieldFault {
    /// The field, with its place in a list: `queues[1].queue`; empty: the whole document.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

/// Reads a table from JSON: everything that is wrong in it by itself, field by field, or the table.
pub(crate) fn read_record<T: Record>(json: &Json) -> Result<T, Vec<FieldFault>> {
    let mut reader = Reader::default();
    let read = T::read_table(&from_json(json), &mut reader);
    let (problems, _) = reader.finish();
    match read {
        Some(record) if problems.is_empty() => Ok(record),
        Some(_) | None => Err(problems
            .into_iter()
            .map(|problem| FieldFault {
                field: problem.path,
                message: problem.message,
                help: problem.help,
            })
            .collect()),
    }
}

/// A resource of the centre: a table in the file, a path in the API.
pub trait Resource: Record + Clone + PartialEq + Sized {
    /// Which kind it is.
    const KIND: Kind;

    /// What names it among its kind.
    fn key(&self) -> &str;

    /// The map of the centre that holds its kind.
    fn of(centre: &Centre) -> &BTreeMap<String, Arc<Self>>;

    /// The same, to be changed.
    fn of_mut(centre: &mut Centre) -> &mut BTreeMap<String, Arc<Self>>;

    /// Reads it from JSON, as the API gets it and as the store keeps it. Fields left out have their
    /// defaults.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in it by itself, field by field.
    fn from_json(json: &Json) -> Result<Self, Vec<FieldFault>> {
        read_record(json)
    }

    /// All of it as JSON, secrets included: for the store.
    fn to_stored_json(&self) -> Json {
        self.to_json(true)
    }

    /// All of it but its secrets as JSON: for the API.
    fn to_public_json(&self) -> Json {
        self.to_json(false)
    }
}

macro_rules! impl_resource {
    ($($resource:ident, $kind:ident, $map:ident $(, $key:ident)?;)+) => {$(
        impl Resource for $resource {
            const KIND: Kind = Kind::$kind;

            fn key(&self) -> &str {
                impl_resource!(@key self $($key)?)
            }

            fn of(centre: &Centre) -> &BTreeMap<String, Arc<Self>> {
                &centre.$map
            }

            fn of_mut(centre: &mut Centre) -> &mut BTreeMap<String, Arc<Self>> {
                &mut centre.$map
            }
        }

        impl<'de> Deserialize<'de> for $resource {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let json = Json::deserialize(from)?;
                Self::from_json(&json).map_err(|faults| {
                    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                    D::Error::custom(faults.join("; "))
                })
            }
        }
    )+};
    (@key $of:ident $key:ident) => { &$of.$key };
    (@key $of:ident) => { "" };
}

impl_resource! {
    HolidayList, HolidayList, holiday_lists, name;
    Calendar, Calendar, calendars, name;
    Queue, Queue, queues, name;
    User, User, users, username;
    Trunk, Trunk, trunks, name;
    Number, Number, numbers, number;
    NumberList, NumberList, number_lists, name;
    FeatureCodes, FeatureCodes, feature_codes;
    AuxCode, AuxCode, aux_codes, name;
    WrapUpCodes, WrapUpCodes, wrap_up_codes, name;
}

/// All resources, by kind and name. Each stands behind an `Arc`, so that a changed centre shares
/// what did not change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Centre {
    /// Holiday lists by name.
    pub holiday_lists: BTreeMap<String, Arc<HolidayList>>,
    /// Calendars by name.
    pub calendars: BTreeMap<String, Arc<Calendar>>,
    /// Queues by name.
    pub queues: BTreeMap<String, Arc<Queue>>,
    /// Users by user name.
    pub users: BTreeMap<String, Arc<User>>,
    /// Trunks by name.
    pub trunks: BTreeMap<String, Arc<Trunk>>,
    /// Numbers by number.
    pub numbers: BTreeMap<String, Arc<Number>>,
    /// Number lists by name.
    pub number_lists: BTreeMap<String, Arc<NumberList>>,
    /// The feature codes, under the empty name; none where none are set.
    pub feature_codes: BTreeMap<String, Arc<FeatureCodes>>,
    /// Aux codes by name.
    pub aux_codes: BTreeMap<String, Arc<AuxCode>>,
    /// Uploaded sounds by name. No resource of the file or the store: the daemon puts in what its directory holds.
    pub prompts: BTreeMap<String, Prompt>,
    /// Categories of wrap-up codes by name.
    pub wrap_up_codes: BTreeMap<String, Arc<WrapUpCodes>>,
}

impl Centre {
    /// The resource of that kind and name.
    pub fn find<T: Resource>(&self, name: &str) -> Option<&Arc<T>> {
        T::of(self).get(name)
    }

    /// Puts the resource in, in place of the one of its name.
    pub fn insert<T: Resource>(&mut self, resource: T) -> Option<Arc<T>> {
        let key = resource.key().to_owned();
        T::of_mut(self).insert(key, Arc::new(resource))
    }

    /// Takes the resource out.
    pub fn remove<T: Resource>(&mut self, name: &str) -> Option<Arc<T>> {
        T::of_mut(self).remove(name)
    }

    /// The queue for callers who dialled what nothing matches.
    pub fn default_queue(&self) -> Option<&Arc<Queue>> {
        self.queues.values().find(|queue| queue.default)
    }

    /// Those who may change the centre and can log in to do so, unless their accounts are locked.
    pub fn administrators(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values().filter(|user| user.can_administer())
    }

    /// The user with that extension.
    pub fn user_by_extension(&self, extension: &str) -> Option<&Arc<User>> {
        let has = |user: &&Arc<User>| user.extension.as_deref() == Some(extension);
        self.users.values().find(has)
    }
}

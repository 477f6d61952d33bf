//! The values that fields hold: names, numbers, times, addresses, destinations, choices, secrets.
//!
//! Each type can hold right values only: what parses is valid, and prints as it can be read again.

mod address;
mod choice;
mod country;
mod days;
mod destination;
mod length;
mod local;
mod name;
mod number;
mod origin;
mod secret;
mod service;
mod skills;
mod source;
mod time;

pub use address::{Domain, Host, Listen, SipAddress, Transport};
pub use choice::{
    AnswerMode, CalledNumber, Codec, DigestAlgorithm, ExtensionUse, HoldMode, JoinWhen, LogFormat,
    LogLevel, Role, Strategy, Tier, TrunkKind, UnknownSources, VerifyClient, WhenClosing,
    WrapUpCode,
};
pub use country::Country;
pub use days::Days;
pub use destination::{Destination, SLOT_MAX};
pub use length::{Seconds, Share, WrapUp};
pub use local::{PortRange, StoreUrl};
pub use name::{Email, Label, Name, Notes, PathText, PromptName, Username};
pub use number::{CallerId, DialNumber, NumberPattern};
pub use origin::Origin;
pub use secret::{Sealer, Secret};
pub use service::ServiceAction;
pub use skills::Skills;
pub use source::SourcePattern;
pub use time::{LocalDate, TimeOfDay, Zone};

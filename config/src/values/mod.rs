//! The values that fields hold: names, numbers, times, addresses, destinations, choices, secrets.
//!
//! Each type can hold right values only: what parses is valid, and prints as it can be read again.

mod address;
mod choice;
mod country;
mod destination;
mod name;
mod number;
mod secret;
mod source;
mod time;

pub use address::{Domain, Host, Listen, PortRange, SipAddress, StoreUrl, Transport};
pub use choice::{
    AnswerMode, CalledNumber, Codec, DigestAlgorithm, HoldMode, JoinWhen, LogFormat, LogLevel,
    Role, Strategy, Tier, TrunkKind, WhenClosing,
};
pub use country::Country;
pub use destination::Destination;
pub use name::{Email, Label, Name, PathText, Username};
pub use number::{CallerId, DialNumber, NumberPattern};
pub use secret::{Sealer, Secret};
pub use source::SourcePattern;
pub use time::{Days, LocalDate, Seconds, Share, TimeOfDay, WrapUp, Zone};

//! Made-up callers and attendants that speak real SIP and RTP: what the demo, the end-to-end tests and the benches put
//! load on a centre with.
//!
//! A [`Plan`] says who calls and who answers; [`Population::start`] brings them to life on sockets of their own, and its
//! [`Handle`] tells what became of every call: when it came, rang, was answered, whom it reached, what both sides
//! heard, and in which order people were served.
//!
//! The SIP is that of the crate `sip`, the same machines as in the daemon, so a fault in them could cancel out here:
//! that is what the end-to-end tests with foreign clients are for.
//!
//! - [`ua`]: a user agent without sockets: registrations, calls, hold.
//! - [`plan`]: who there is and how they behave. [`draw`]: their chances, seeded.
//! - `crowd`: the people of both sides and what they do next, without sockets.
//! - `studio`, [`sound`]: RTP on a thread of its own, paced at 20 ms; what is played and what is heard.
//! - [`report`]: what came of it. [`population`]: the threads and sockets.
//! - [`api`]: logs attendants in over the centre's API. [`cpu`]: what another process has used.
#![forbid(unsafe_code)]

pub mod api;
pub mod cpu;
mod crowd;
pub mod draw;
pub mod plan;
pub mod population;
pub mod report;
pub mod sound;
mod studio;
pub mod ua;

pub use plan::{
    Arrivals, Attendant, Attendants, Callers, MediaMode, Number, Plan, PlanFault, Spread,
};
pub use population::{Handle, Population, StartError};
pub use report::{CallEnd, CallRecord, Percentiles, Report};
pub use sound::{Heard, Voice};

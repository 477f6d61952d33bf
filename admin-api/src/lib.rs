//! The HTTP API: who may ask what, in JSON, under `/api/v1`.
//!
//! Owns routes, rights, tokens and the OpenAPI document. It keeps no truth of its own: it reads the
//! engine's [`View`](engine::view::View), sends it [`CommandBody`](engine::CommandBody)s, has the one writer change the
//! centre and looks into the store, all through [`ports`] that the daemon implements. Listening, TLS and shutting
//! down are the daemon's: it serves [`router`] with the peer's address as connect info, by which logins are limited.
//!
//! - [`auth`]: tokens, passwords, and the proofs that every handler must ask for.
//! - [`routing`]: how a route comes into being, with its right and its documentation.
//! - `resource`: users, queues, calendars, holiday lists, trunks, numbers and the like, all by the same handlers.
//! - `ical`: an iCalendar file as holidays.
//! - `routes`: a file for each resource.
//! - `events`: the stream of events over WebSocket.
//! - [`problem`]: errors as every client sees them.
#![forbid(unsafe_code)]

pub mod auth;
mod conditional;
mod events;
mod extract;
mod hex;
mod ical;
mod idempotency;
mod list;
mod merge;
pub mod openapi;
pub mod ports;
pub mod problem;
mod resource;
mod rights;
mod routes;
pub mod routing;
mod sentences;
mod server;
mod state;
mod time;

pub use auth::hash_password;
pub use events::kind_and_data;
pub use ports::Answer;
pub use routes::TraceRow;
pub use server::router;
pub use state::{ApiState, Ports};

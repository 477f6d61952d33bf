//! The four transactions of RFC 3261 §17 with RFC 6026, and the layer that holds them.
//!
//! [`Layer`] owns every transaction of one engine. It matches what comes to them, absorbs what
//! comes again, repeats what was lost, and tells its user the rest as [`Event`]s. Below it is one
//! file for each machine, a state and its timers without bytes or tables; `clients` and `servers`
//! hold them with the bytes that may have to be sent again.
//!
//! A transaction lives from its request until nothing that belongs to it can come any more: 64*T1
//! after its last response at the latest. What it keeps in its last phase is a key and a response,
//! under 2 kB. What a response means, who may call whom, and how long a phone may ring is for the
//! user; so are dialogs ([`crate::dialog`]) and the sockets.
//!
//! CANCEL and ACK never come as requests: they are answered here and told as
//! [`Event::Cancelled`] and [`Event::Ack`].

mod branch;
mod client;
mod clients;
mod deadlines;
mod event;
mod follow_up;
mod invite_client;
mod invite_server;
mod layer;
mod matching;
mod non_invite_client;
mod non_invite_server;
mod outbox;
mod reply;
mod server;
mod servers;
mod slab;
mod timers;
mod top_via;

pub use event::{Census, ClientId, Counters, Event, Output, RespondError, ServerId};
pub use layer::{Config, Layer};
pub use timers::Timers;

#[cfg(test)]
mod tests;

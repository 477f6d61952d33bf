//! Every effect the engine can ask for.

use alloc::string::String;
use alloc::sync::Arc;
use core::net::SocketAddr;

use media::control::{MediaCommand, WorkerId};
use sip::Transmit;

use crate::command::Reply;
use crate::event::Event;
use crate::ids::{CallId, LegId};
use crate::journal::Entry;

/// What scanners do, as the engine sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// Credentials with a wrong password, or of nobody.
    WrongCredentials,
    /// A REGISTER for an extension that there is not.
    UnknownUser,
    /// An INVITE of a stranger.
    RefusedCall,
}

/// One thing to do, in the order it was asked for.
#[derive(Debug)]
pub enum Output {
    /// Bytes for the network.
    Transmit(Transmit),
    /// Messages with this Call-ID belong to a leg from now on; for whoever traces messages.
    LegTraced {
        /// Its call.
        call: CallId,
        /// The leg.
        leg: LegId,
        /// The Call-ID of its dialog.
        sip_call_id: String,
    },
    /// Somebody who is not known here did what scanners do.
    Offended {
        /// Where it came from.
        source: SocketAddr,
        /// What.
        offence: Offence,
    },
    /// A leg whose messages were traced has ended.
    LegUntraced {
        /// The leg.
        leg: LegId,
    },
    /// An order for a media thread.
    Media {
        /// Which thread.
        worker: WorkerId,
        /// What.
        command: MediaCommand,
    },
    /// A row for the journal.
    Journal(Entry),
    /// An event for readers; the same that stands in the journal under `seq`.
    Publish {
        /// Its number.
        seq: u64,
        /// UTC of its turn, in microseconds.
        utc_us: i64,
        /// The event.
        event: Arc<Event>,
    },
    /// The answer to a command.
    Reply(Reply),
    /// Asks for the addresses of a host name; answered by [`Input::LookupDone`](crate::Input::LookupDone).
    Lookup {
        /// The name.
        name: String,
    },
}

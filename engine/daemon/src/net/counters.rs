//! What passed through the network side, counted for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// One figure that many threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {
        /// The figures of the network side, from the daemon's start.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[doc = $doc])+ pub(crate) $name: Counter),+
        }

        impl Counters {
            /// Each figure with its name and what it counts.
            pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc),+).trim_ascii(), self.$name.count())),+].into_iter()
            }
        }
    };
}

counters! {
    /// Datagrams received.
    datagrams_received,
    /// Datagrams sent.
    datagrams_sent,
    /// Datagrams the kernel had no room for; lost, as a network would.
    datagrams_unsent,
    /// Messages received over connections.
    stream_messages_received,
    /// Messages sent over connections.
    stream_messages_sent,
    /// Line ends that keep a way open.
    keepalives_received,
    /// What was no message and got no answer.
    garbage_dropped,
    /// Requests with a fault, answered where it was found.
    faults_answered,
    /// New requests answered 503 because their lane was full.
    requests_shed,
    /// New requests of strangers beyond what they may ask for; dropped.
    strangers_dropped,
    /// Requests of strangers that got no answer, as the settings say.
    strangers_ignored,
    /// What strangers did that scanners do.
    offences,
    /// Bans that began.
    bans,
    /// Messages of banned sources; dropped.
    banned_dropped,
    /// Connections that peers opened.
    connections_accepted,
    /// Connections opened to peers.
    connections_opened,
    /// Connections that could not be opened.
    connections_failed,
    /// Handshakes of peers that failed or took too long.
    handshakes_failed,
    /// Connections refused because there were too many.
    connections_refused,
    /// Connections closed because the peer did not read.
    connections_choked,
}

//! Figures of a worker, for whoever asks.
//!
//! The worker counts for itself and copies its counts here once a turn; readers see each of them whole, though not all
//! of the same instant.

use std::sync::atomic::{AtomicU64, Ordering};

use media::relay::RelayCounters;

/// Declares the figures once: plain for the worker and for readers, atomic between them.
macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// What one worker has done since it started, and what it has at the moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct WorkerMetrics {
            $($(#[$doc])* pub $name: u64),+
        }

        /// The copy that others read.
        #[derive(Debug, Default)]
        pub(crate) struct SharedMetrics {
            $($name: AtomicU64),+
        }

        impl SharedMetrics {
            pub(crate) fn publish(&self, metrics: &WorkerMetrics) {
                $(self.$name.store(metrics.$name, Ordering::Relaxed);)+
            }

            pub(crate) fn snapshot(&self) -> WorkerMetrics {
                WorkerMetrics { $($name: self.$name.load(Ordering::Relaxed)),+ }
            }
        }

        impl WorkerMetrics {
            /// Each figure with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),+].into_iter()
            }
        }
    };
}

figures! {
    /// RTP packets of peers.
    packets_received,
    /// RTP packets passed on to a partner.
    packets_relayed,
    /// Frames of clips sent.
    frames_played,
    /// Packets of third parties or of no known kind; dropped.
    packets_from_strangers,
    /// Packets of peers that were not for anybody; dropped.
    packets_dropped,
    /// Packets the kernel would not take; dropped.
    packets_unsent,
    /// Reports of peers.
    reports_received,
    /// Reports of ours.
    reports_sent,
    /// Times the thread came back from waiting.
    wakes,
    /// CPU time of the thread, in microseconds; brought up to date some times a second.
    cpu_us,
    /// Legs open now.
    legs_open,
    /// Legs listening to a clip now.
    legs_listening,
    /// Pairs of ports bound and in the engine's stock now.
    ports_stocked,
    /// Pairs of ports that could not be bound, as another program has one of them.
    ports_not_bound,
    /// Times the range was empty.
    ports_exhausted,
    /// Commands taken from the queue and done with.
    commands_done,
    /// Commands for a leg or a generation that is gone, and openings of ports that are not in stock.
    commands_stale,
    /// Commands refused because too many waited.
    commands_refused,
    /// Commands waiting now.
    commands_waiting,
}

impl WorkerMetrics {
    pub(crate) fn take_relay(&mut self, counters: &RelayCounters) {
        self.packets_received = counters.received;
        self.packets_relayed = counters.relayed;
        self.frames_played = counters.played;
        self.packets_from_strangers = counters.strangers;
        self.packets_dropped = counters.dropped;
        self.reports_received = counters.reports_received;
        self.reports_sent = counters.reports_sent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read() {
        let shared = SharedMetrics::default();
        let metrics = WorkerMetrics {
            packets_received: 3,
            commands_waiting: 9,
            ..WorkerMetrics::default()
        };
        shared.publish(&metrics);
        assert_eq!(shared.snapshot(), metrics);
        let named: Vec<_> = metrics.iter().filter(|(_, figure)| *figure > 0).collect();
        assert_eq!(named, [("packets_received", 3), ("commands_waiting", 9)]);
    }
}

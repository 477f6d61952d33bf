//! The media threads together: started, reached, counted, ended.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use media::control::{MediaCommand, MediaEvent, WorkerId};

use crate::mailbox::{MediaSender, SendFault};
use crate::metrics::{SharedMetrics, WorkerMetrics};
use crate::sockets::{self, Places};
use crate::worker::{Parts, Worker};

/// Time since the Unix epoch, on a clock that never goes back; the one the engine uses.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Where events go. Called on the media threads: it must neither wait nor panic.
pub type EventSink = Arc<dyn Fn(MediaEvent) + Send + Sync>;

/// How to start the pool.
#[derive(Clone)]
pub struct MediaIoConfig {
    /// The address media is received at and sent from.
    pub address: IpAddr,
    /// The ports of the range; an odd one at either end that makes no pair is not used.
    pub ports: RangeInclusive<u16>,
    /// How many threads, 1 to the number of cores. Each has its share of the range.
    pub workers: u16,
    /// How many bound pairs the engine is to have at hand, for each worker.
    pub stock: u32,
    /// How long a pair rests after use while there are enough others.
    pub rest: Duration,
    /// From how many commands waiting on more are refused.
    pub commands_max: usize,
    /// Where random numbers of streams start; from the OS.
    pub seed: u64,
    /// What time it is.
    pub clock: Clock,
    /// Where events go.
    pub sink: EventSink,
}

impl MediaIoConfig {
    /// One worker, a stock of 64 pairs, 30 s of rest, 4096 commands.
    pub fn new(
        address: IpAddr,
        ports: RangeInclusive<u16>,
        seed: u64,
        clock: Clock,
        sink: EventSink,
    ) -> Self {
        Self {
            address,
            ports,
            workers: 1,
            stock: 64,
            rest: Duration::from_secs(30),
            commands_max: 4096,
            seed,
            clock,
            sink,
        }
    }
}

impl fmt::Debug for MediaIoConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaIoConfig")
            .field("address", &self.address)
            .field("ports", &self.ports)
            .field("workers", &self.workers)
            .field("stock", &self.stock)
            .field("rest", &self.rest)
            .field("commands_max", &self.commands_max)
            .finish_non_exhaustive()
    }
}

/// Why the pool could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The range has not even two pairs for each worker: no call could be bridged.
    #[error(
        "the media ports {first}-{last} make {pairs} pairs, too few for {workers} media threads"
    )]
    RangeTooSmall {
        /// The first port given.
        first: u16,
        /// The last port given.
        last: u16,
        /// What they make.
        pairs: u32,
        /// How many threads were asked for.
        workers: u16,
    },
    /// The address is not one of this machine.
    #[error("cannot receive media at {address}: {source}")]
    Address {
        /// The address given.
        address: IpAddr,
        /// What the kernel says.
        source: std::io::Error,
    },
    /// The kernel would not give us what a thread needs.
    #[error("cannot start a media thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The running media threads. Dropping it ends them and closes all their sockets.
#[derive(Debug)]
pub struct MediaPool {
    sender: MediaSender,
    threads: Vec<JoinHandle<()>>,
    metrics: Vec<Arc<SharedMetrics>>,
}

impl MediaPool {
    /// Starts the threads. Each binds its stock and tells it by [`MediaEvent::PortsReady`] soon after.
    ///
    /// # Errors
    /// The address or the range cannot be used, or the kernel is out of threads or descriptors.
    pub fn start(config: &MediaIoConfig) -> Result<Self, StartFault> {
        let workers = config.workers.max(1);
        let (first_port, pairs) = pairs(config, workers)?;
        let probe = sockets::bind(SocketAddr::new(config.address, 0));
        probe.map_err(|source| StartFault::Address {
            address: config.address,
            source,
        })?;
        let (sender, mailboxes) = MediaSender::new(workers, config.commands_max)?;
        let mut pool = Self {
            sender,
            threads: Vec::new(),
            metrics: Vec::new(),
        };
        for (id, mailbox) in (0..workers).zip(mailboxes) {
            let shared = Arc::new(SharedMetrics::default());
            let worker = Worker::new(Parts {
                clock: Arc::clone(&config.clock),
                sink: Arc::clone(&config.sink),
                mailbox,
                places: Places {
                    worker: WorkerId(id),
                    address: config.address,
                    first_port,
                    pairs,
                    workers,
                },
                shared: Arc::clone(&shared),
                seed: config
                    .seed
                    .wrapping_add(u64::from(id).wrapping_mul(0x9e37_79b9)),
                stock: config.stock.max(2),
                rest: config.rest,
            })?;
            let thread = std::thread::Builder::new().name(format!("media-{id}"));
            pool.threads.push(thread.spawn(move || worker.run())?);
            pool.metrics.push(shared);
        }
        Ok(pool)
    }

    /// Hands a command to a worker; never waits. See [`MediaSender::send`].
    ///
    /// # Errors
    /// As [`MediaSender::send`].
    pub fn send(&self, worker: WorkerId, command: MediaCommand) -> Result<(), SendFault> {
        self.sender.send(worker, command)
    }

    /// A handle for sending from elsewhere.
    pub fn sender(&self) -> MediaSender {
        self.sender.clone()
    }

    /// The figures of each worker, in their order.
    pub fn metrics(&self) -> Vec<WorkerMetrics> {
        let read = |(worker, shared): (usize, &Arc<SharedMetrics>)| {
            let (waiting, refused) = self.sender.depth(worker);
            WorkerMetrics {
                commands_waiting: waiting as u64,
                commands_refused: refused,
                ..shared.snapshot()
            }
        };
        self.metrics.iter().enumerate().map(read).collect()
    }

    /// Ends the threads and waits for them.
    pub fn shutdown(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.sender.end();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a media thread had panicked");
            }
        }
    }
}

impl Drop for MediaPool {
    fn drop(&mut self) {
        self.end();
    }
}

/// The first even port of the range and how many pairs start there.
fn pairs(config: &MediaIoConfig, workers: u16) -> Result<(u16, u32), StartFault> {
    let (first, last) = (*config.ports.start(), *config.ports.end());
    let even = u32::from(first).next_multiple_of(2);
    let pairs = (u32::from(last) + 1).saturating_sub(even) / 2;
    match u16::try_from(even) {
        Ok(even) if even > 0 && pairs >= 2 * u32::from(workers) => Ok((even, pairs)),
        Ok(_) | Err(_) => Err(StartFault::RangeTooSmall {
            first,
            last,
            pairs,
            workers,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn config(ports: RangeInclusive<u16>) -> MediaIoConfig {
        let clock: Clock = Arc::new(|| Duration::ZERO);
        MediaIoConfig::new(
            Ipv4Addr::LOCALHOST.into(),
            ports,
            1,
            clock,
            Arc::new(|_| {}),
        )
    }

    #[test]
    fn pairs_start_at_even_ports_and_have_both() {
        let table = [
            (
                "as in the settings",
                10_000..=29_999,
                Some((10_000, 10_000)),
            ),
            ("odd at both ends", 10_001..=10_006, Some((10_002, 2))),
            ("the very end", 65_532..=65_535, Some((65_532, 2))),
            ("one pair", 10_000..=10_001, None),
            ("only the last port", 65_535..=65_535, None),
            ("port 0", 0..=65_535, None),
            (
                "the wrong way round",
                RangeInclusive::new(20_000, 10_000),
                None,
            ),
        ];
        for (name, ports, expected) in table {
            assert_eq!(pairs(&config(ports), 1).ok(), expected, "{name}");
        }
    }

    #[test]
    fn each_worker_needs_two_pairs() {
        assert!(pairs(&config(10_000..=10_007), 2).is_ok());
        let fault = pairs(&config(10_000..=10_005), 2).unwrap_err().to_string();
        assert_eq!(
            fault,
            "the media ports 10000-10005 make 3 pairs, too few for 2 media threads"
        );
    }
}

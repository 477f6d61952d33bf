//! The media threads: sockets around the pure [`media::relay`].
//!
//! [`MediaPool::start`] binds a part of the port range for each of its workers and runs them until it is dropped. A
//! worker owns its sockets, its epoll and the legs on them; nothing on the way of a packet is shared, locked or
//! allocated. Commands reach it by a queue of its own, events leave by the sink the pool was started with.
//!
//! When a queue is full:
//! - **commands**: [`MediaSender::send`] never waits. With [`MediaIoConfig::commands_max`] waiting, a command is
//!   refused and counted; the engine ends that call as it ends one without ports. `Close`, `GiveBack` and `RemoveClip`
//!   are always taken, or ports and memory would leak; there are never more of them than pairs of ports, and clips.
//! - **events**: the sink decides; it is called on the media thread and must not wait.
//! - **packets**: a socket's receive buffer holds 64 kB, some seconds of sound; the kernel drops what is more. A
//!   packet that the kernel will not take for sending is dropped and counted: late sound is no sound.
//!
//! What stands elsewhere: what becomes of a packet in [`media::leg`], which port is next in [`media::ports`], when to
//! sleep in `pace.rs`.
#![forbid(unsafe_code)]

mod mailbox;
mod metrics;
mod pace;
mod pool;
mod sockets;
mod worker;

pub use mailbox::{MediaSender, SendFault};
pub use metrics::WorkerMetrics;
pub use pool::{Clock, EventSink, MediaIoConfig, MediaPool, StartFault};

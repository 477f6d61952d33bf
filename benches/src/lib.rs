//! What the benches share: the messages they measure with, the bounds they measure against, and how figures are judged.
//!
//! The program `benches` runs all of them and prints one table; what needs a process of its own, for its CPU time
//! or its instructions to be told from those of the measuring, is a small program beside it in `bin/`:
//!
//! - `codec`: reads, matches and prints one message over and over, to be counted by callgrind.
//! - `queued_call`: the engine alone, one whole queued call after another.
//! - `distribution`: the distribution core alone in a large centre, and other designs under the same load.
//! - `bare_relay`: the least a relay in user space can do; the bound of ours.
//! - `rtp_load`: RTP in both directions of many calls, with what was lost and how late it came.

pub mod alone;
pub mod baseline;
pub mod centre;
pub mod messages;
pub mod ports;
pub mod process;
pub mod run;
pub mod scan;
pub mod spread;
pub mod table;
pub mod wire;

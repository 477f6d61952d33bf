//! `lampfield`, the program: the shell around the pure engine, and the only `main`.
//!
//! Everything that touches the world lives here or in `media-io` and `store`: sockets, clocks, threads, signals. What is
//! decided about a call is decided in `engine`; here bytes become messages, outputs become packets, rows and answers.
//!
//! - [`start`]: wires all parts in order, and takes them down again.
//! - [`driver`]: the engine's thread. [`view`]: the projection thread. [`net`]: sockets and lanes.
//! - [`centre`]: the one writer of the centre; [`control`] lets the command line reach it.
//! - [`recorder`]: the SIP messages of calls, kept for looking at.
//! - [`event_log`]: what happens to calls, in the log at DEBUG.
//! - [`ports`]: what the API asks for, given by the real things. [`demo`]: a sample centre with made-up people in it.
#![forbid(unsafe_code)]

mod apply;
mod beside;
mod centre;
mod clips;
mod clock;
mod command_line;
mod control;
mod demo;
mod driver;
mod event_log;
mod first_start;
mod http;
mod logging;
mod lookup;
mod media_out;
mod metrics;
mod net;
mod ports;
mod print;
mod prompts;
mod random;
mod realm;
mod recorder;
mod replay;
mod settings;
mod signals;
mod start;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    command_line::main()
}

//! The API from outside: the whole router in this process, over small fakes of what the daemon brings.

mod agents;
mod bans;
mod calls;
mod contacts;
mod events;
mod explain;
mod figures;
mod idempotency;
mod import;
mod lists;
mod login;
mod opening;
mod page;
mod prompts;
mod resources;
mod rights;
mod trace;
mod waiting;
mod world;
mod wrap_up;

//! The routes, a file for each resource.

mod agent_figures;
mod agents;
mod aux_codes;
mod bans;
mod calendars;
mod calls;
mod contacts;
mod crews;
mod docs;
mod events;
mod explain;
mod feature_codes;
mod figures;
mod health;
mod history;
mod holiday_lists;
mod login;
mod me;
mod number_lists;
mod numbers;
mod opening;
mod parked;
mod prompts;
mod queues;
mod trace;
mod trunk_figures;
mod trunks;
mod users;
mod waiting;
mod wrap_up;
mod wrap_up_codes;

use crate::routing::Routes;

pub(crate) use contacts::schema as contact_schema;
pub(crate) use history::had_part;
pub use trace::TraceRow;
pub(crate) use waiting::tier;

/// Where the API begins.
pub(crate) const PREFIX: &str = "/api/v1";

/// The routes below [`PREFIX`], for people and programs that log in.
pub(crate) fn api() -> Routes {
    let parts = [
        login::routes(),
        me::routes(),
        users::routes(),
        queues::routes(),
        calendars::routes(),
        holiday_lists::routes(),
        opening::routes(),
        trunks::routes(),
        trunk_figures::routes(),
        numbers::routes(),
        number_lists::routes(),
        contacts::routes(),
        feature_codes::routes(),
        aux_codes::routes(),
        prompts::routes(),
        wrap_up_codes::routes(),
        agents::routes(),
        agent_figures::routes(),
        figures::routes(),
        waiting::routes(),
        calls::routes(),
        parked::routes(),
        wrap_up::routes(),
        explain::routes(),
        trace::routes(),
        bans::routes(),
        history::routes(),
        events::routes(),
        docs::routes(),
    ];
    parts.into_iter().fold(Routes::new(PREFIX), Routes::merge)
}

/// The routes at the root, for those who watch the daemon.
pub(crate) fn root() -> Routes {
    health::routes()
}

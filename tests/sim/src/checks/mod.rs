//! Watchers beside the engine: each knows what must hold, none knows how the engine sees to it.

mod alerts;
mod figures;
mod records;
mod wire;

pub(crate) use alerts::Alerts;
pub(crate) use figures::Figures;
pub(crate) use records::Records;
pub(crate) use wire::Wire;

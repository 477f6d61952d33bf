//! Switches that break one promise each, so that CI can see the tests catch it. All off in a build that is used.

/// Callers who were answered are left out of the curve of patience, which then sees the impatient alone.
pub(crate) const PATIENCE: bool = cfg!(feature = "sabotage-patience");
/// Two things that happen at the same microsecond change places.
pub(crate) const ORDER: bool = cfg!(feature = "sabotage-order");
/// A difference between the journal and its replay is overlooked.
pub(crate) const VERIFY: bool = cfg!(feature = "sabotage-verify");

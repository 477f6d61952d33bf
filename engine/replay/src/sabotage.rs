//! Switches that break one promise each, so that CI can see the tests catch it. All off in a build that is used.

/// Whether this one is on: by its feature, or in a build that can break anything (feature `sabotage`) by its name, crate first, in
/// the environment variable `SABOTAGE`. So one build serves for all.
#[cfg(feature = "sabotage")]
fn is_on(name: &str) -> bool {
    extern crate std;
    static NAMED: std::sync::LazyLock<Option<std::string::String>> =
        std::sync::LazyLock::new(|| std::env::var("SABOTAGE").ok());
    NAMED.as_deref() == Some(name)
}

#[cfg(not(feature = "sabotage"))]
const fn is_on(_: &str) -> bool {
    false
}

/// Callers who were answered are left out of the curve of patience, which then sees the impatient alone.
pub(crate) fn patience() -> bool {
    cfg!(feature = "sabotage-patience") || is_on("replay/sabotage-patience")
}
/// Two things that happen at the same microsecond change places.
pub(crate) fn order() -> bool {
    cfg!(feature = "sabotage-order") || is_on("replay/sabotage-order")
}
/// A difference between the journal and its replay is overlooked.
pub(crate) fn verify() -> bool {
    cfg!(feature = "sabotage-verify") || is_on("replay/sabotage-verify")
}

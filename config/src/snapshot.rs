//! All of the configuration at one moment.

use std::sync::Arc;

use crate::{Centre, Settings};

/// Settings and centre as they were at one moment: immutable, and cheap to clone and to share.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Counts changes; a later snapshot has a higher one.
    pub version: u64,
    /// The settings.
    pub settings: Arc<Settings>,
    /// The centre.
    pub centre: Arc<Centre>,
}

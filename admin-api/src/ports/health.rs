//! How the daemon is.

use serde::Serialize;
use utoipa::ToSchema;

/// Gives the figures for Prometheus.
pub trait Metrics: Send + Sync {
    /// All metrics in the text exposition format, version 0.0.4.
    fn render(&self) -> String;
}

/// Tells whether the daemon should be given work.
pub trait Readiness: Send + Sync {
    /// Every check; the daemon is ready when all are well.
    fn checks(&self) -> Vec<Check>;
}

/// One thing that must be well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// Its name, such as `journal`.
    pub name: String,
    /// Whether it is well.
    pub ok: bool,
    /// For people: what is wrong.
    pub text: Option<String>,
}

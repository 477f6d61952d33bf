//! How the daemon is.

use engine::TrunkFigures;
use serde::Serialize;
use utoipa::ToSchema;

/// Gives the figures for Prometheus.
pub trait Metrics: Send + Sync {
    /// All metrics in the text exposition format, version 0.0.4.
    fn render(&self) -> String;

    /// What has passed over a trunk since the daemon's start; none when it is not known yet.
    fn trunk(&self, name: &str) -> Option<TrunkFigures>;
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

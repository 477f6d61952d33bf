//! `/trunks`: the ways to other systems. Supervisors read, administrators change.

use config::Trunk;

use super::PREFIX;
use crate::auth::Supervisor;
use crate::resource::{self, Exposed};
use crate::routing::Routes;

impl Exposed for Trunk {
    const SCHEMA: &'static str = "Trunk";
}

pub(crate) fn routes() -> Routes {
    resource::routes::<Trunk, Supervisor>(PREFIX)
}

//! `/numbers`: what callers dial. Supervisors read, administrators change.

use config::Number;

use super::PREFIX;
use crate::auth::Supervisor;
use crate::resource::{self, Exposed};
use crate::routing::Routes;

impl Exposed for Number {
    const SCHEMA: &'static str = "Number";
}

pub(crate) fn routes() -> Routes {
    resource::routes::<Number, Supervisor>(PREFIX)
}

//! `/calendars`: opening hours. Supervisors read, administrators change.

use config::Calendar;

use super::PREFIX;
use crate::auth::Supervisor;
use crate::resource::{self, Exposed};
use crate::routing::Routes;

impl Exposed for Calendar {
    const SCHEMA: &'static str = "Calendar";
}

pub(crate) fn routes() -> Routes {
    resource::routes::<Calendar, Supervisor>(PREFIX)
}

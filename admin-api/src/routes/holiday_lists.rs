//! `/holiday-lists`: dates on which the calendars that name them are closed. Supervisors read, administrators change.

use config::HolidayList;

use super::PREFIX;
use crate::auth::Supervisor;
use crate::resource::{self, Exposed};
use crate::routing::Routes;

impl Exposed for HolidayList {
    const SCHEMA: &'static str = "HolidayList";
}

pub(crate) fn routes() -> Routes {
    resource::routes::<HolidayList, Supervisor>(PREFIX)
}

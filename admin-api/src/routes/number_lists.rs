//! `/number-lists`: callers by their numbers. Supervisors read, administrators change.

use config::NumberList;

use super::PREFIX;
use crate::auth::Supervisor;
use crate::resource::{self, Exposed};
use crate::routing::Routes;

impl Exposed for NumberList {
    const SCHEMA: &'static str = "NumberList";
}

pub(crate) fn routes() -> Routes {
    resource::routes::<NumberList, Supervisor>(PREFIX)
}

//! `/aux-codes`: reasons for breaks. All who take breaks read them, administrators change; those that every centre has stay.

use config::AuxCode;

use super::PREFIX;
use crate::auth::Attendant;
use crate::resource::{self, Exposed};
use crate::routing::Routes;

impl Exposed for AuxCode {
    const SCHEMA: &'static str = "AuxCode";

    fn built_in() -> Vec<Self> {
        Self::built_in()
    }
}

pub(crate) fn routes() -> Routes {
    resource::routes::<AuxCode, Attendant>(PREFIX)
}

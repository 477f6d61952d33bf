//! `/trunks`: the ways to other systems. Supervisors read, administrators change.

use config::Trunk;
use serde_json::{Map, Value};

use super::PREFIX;
use crate::auth::Supervisor;
use crate::resource::{self, Exposed};
use crate::routing::Routes;

impl Exposed for Trunk {
    const SCHEMA: &'static str = "Trunk";

    fn keeps(_: &str, body: &Map<String, Value>) -> bool {
        body.get("username").is_some_and(Value::is_string)
    }
}

pub(crate) fn routes() -> Routes {
    resource::routes::<Trunk, Supervisor>(PREFIX)
}

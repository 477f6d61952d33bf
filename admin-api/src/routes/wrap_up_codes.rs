//! `/wrap-up-codes`: categories of codes for what calls were about. Attendants read those for their queues (MO-6.3), administrators
//! change.

use config::WrapUpCodes;

use super::PREFIX;
use crate::auth::Attendant;
use crate::resource::{self, Exposed};
use crate::rights::Scope;
use crate::routing::Routes;

impl Exposed for WrapUpCodes {
    const SCHEMA: &'static str = "WrapUpCodes";

    fn visible(&self, scope: &Scope) -> bool {
        let mut queues = self.queues.iter();
        queues.len() == 0 || queues.any(|queue| scope.sees_queue(queue))
    }
}

pub(crate) fn routes() -> Routes {
    resource::routes::<WrapUpCodes, Attendant>(PREFIX)
}

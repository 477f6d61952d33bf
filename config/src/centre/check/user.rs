//! Users who can be rung, and who are sent where they can be helped.

use super::super::{Queue, User};
use super::{Checker, is_repeated};
use crate::values::Destination;

impl Checker<'_> {
    pub(super) fn check_user(&mut self, user: &User) {
        let assigned: Vec<&str> = user
            .queues
            .iter()
            .map(|assignment| &*assignment.queue)
            .collect();
        for (index, queue) in assigned.iter().enumerate() {
            let field = format!("queues[{index}]");
            if is_repeated(&assigned, index, queue) {
                self.fault(
                    user,
                    field,
                    format!("\"{queue}\" stands there twice"),
                    "write it once",
                );
            } else {
                self.check_name::<_, Queue>(user, &field, queue);
            }
        }
        if user.sip_password.is_some() && user.extension.is_none() {
            let help = "write extension = \"1001\", which is also the phone's user name";
            self.fault(
                user,
                "sip_password",
                "a phone needs an extension to register as",
                help,
            );
            self.caused_by(&["extension"]);
        }
        self.check_destination(user, "when_unavailable", user.when_unavailable.as_ref());
        if let Some(Destination::User(name)) = &user.when_unavailable
            && *name == user.username
        {
            let help = "send them to a queue or to another user";
            self.fault(
                user,
                "when_unavailable",
                "sends callers back to the same user",
                help,
            );
        }
    }
}

//! A user: an account, and the agent and the phone that may come with it.

use crate::read::{
    Field, Node, Reader, Record, Shape, Value, impl_record_field, read_text, record,
};
use crate::values::{
    Destination, DialNumber, Email, Label, Name, Role, Seconds, Secret, Skills, Username, WrapUp,
};

/// The user that the first start makes, where nobody can administer the centre yet.
pub const FIRST_ADMINISTRATOR: &str = "administrator";

record! {
    /// Someone who logs in, takes calls, or both.
    pub struct User {
        /// What the user logs in with. 1 to 64 of `a-z A-Z 0-9 . _ - @`; cannot be changed later.
        username: Username => required,
        /// The name others see.
        name: Label,
        /// What the user logs in with, used when the user is created; kept as an argon2id hash.
        password: Option<Secret>,
        /// What the user may do: `attendant`, `supervisor` or `administrator`.
        role: Role,
        /// The number that rings the user's phone. With `sip_password` a phone registers here under
        /// it, without it the number is rung through the trunk whose `numbers` match it.
        extension: Option<DialNumber>,
        /// The password of the user's phone; its digest user name is the extension. Kept as hashes.
        sip_password: Option<Secret>,
        /// The queues whose callers the user may take: names, or `{ queue = NAME }` with what the queue's
        /// strategy goes by, and a delay.
        queues: Vec<Assignment>,
        /// What the user can do, for queues that require it: skills with their level, 1 to 1000.
        skills: Skills,
        /// The user's own queue, where direct calls wait.
        personal: Personal,
        /// Points of priority of direct calls, each worth ten seconds of waiting. -1000 to 1000.
        direct_call_priority: i32 ; -1000..=1000,
        /// Where direct calls go when the user does not take them. Unset: to the default queue.
        when_unavailable: Option<Destination>,
        /// Whether the user may leave a queue of theirs for a while, until they log out; supervisors may for them.
        may_leave_queues: bool,
        /// Where the user parks calls: those of one location see what is parked there, and so do those without one among themselves.
        park_location: Option<Label>,
        /// The user's e-mail address.
        email: Option<Email>,
        /// The user's key in another system.
        external_id: Option<Label>,
        /// Whether the user may log in and their phone may register.
        enabled: bool = true,
    }
    later {
        confirm, outbound_number, custom, srtp, digest,
    }
}

record! {
    /// The personal queue of direct calls.
    pub struct Personal {
        /// Seconds the user's phone rings. 1 to 3600.
        ring_timeout: Seconds = Seconds(20) ; 1..=3600,
        /// Seconds a direct caller waits before going to `when_unavailable`. 0 to 86400, 0: no limit.
        max_wait: Seconds ; 0..=86_400,
        /// Seconds kept after a direct call, 0 to 86400, or `"manual"`: until the user ends it.
        wrap_up: WrapUp,
    }
    later {}
}

record! {
    /// A queue assigned to a user.
    pub struct Assignment {
        /// The queue.
        queue: Name => required,
        /// For the strategy `skill-level`: the highest comes first. 0 to 1000.
        level: u32 ; 0..=1000,
        /// For the strategy `fixed-order`: the lowest comes first. 0 to 1000.
        order: u32 ; 0..=1000,
        /// For the strategy `weighted-random`: of two, the one with twice the weight gets twice the callers. 1 to 1000.
        weight: u32 = 1 ; 1..=1000,
        /// Seconds after a caller's entry into the queue from which on the caller may ring at the user. 0 to 86400.
        delay: Seconds ; 0..=86_400,
    }
    later {}
}

impl_record_field!(User, Personal);

/// An assignment is written as the queue's name, or as a table when there is more to say.
impl Field for Assignment {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if matches!(node.value, Value::Table(_)) {
            return Self::read_table(node, reader);
        }
        let queue = read_text(
            node,
            reader,
            "a queue's name or { queue = NAME }",
            "support",
        )?;
        Some(Self {
            queue,
            ..Self::default()
        })
    }

    fn write(&self) -> serde_json::Value {
        let only_queue = Self {
            queue: self.queue.clone(),
            ..Self::default()
        };
        if *self == only_queue {
            self.queue.write()
        } else {
            self.to_json(true)
        }
    }

    fn shape() -> Shape {
        let table = Shape::Table(Self::schema());
        Shape::Either(Box::new(Name::shape()), Box::new(table))
    }
}

impl User {
    /// Whether a phone registers here for the user; else the extension, if any, is rung through a
    /// trunk.
    pub fn has_phone(&self) -> bool {
        self.extension.is_some() && self.sip_password.is_some()
    }

    /// Whether the user may change the centre and can log in to do so, unless the account is locked.
    pub fn can_administer(&self) -> bool {
        self.enabled && self.role == Role::Administrator && self.password.is_some()
    }

    /// Whether the queue is assigned to the user.
    pub fn is_assigned(&self, queue: &str) -> bool {
        self.queues
            .iter()
            .any(|assignment| &*assignment.queue == queue)
    }
}

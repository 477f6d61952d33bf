//! The names by which the engine and the acd speak of the same things.
//!
//! Queue and agent ids are given by the engine from the centre and stay the same across changes of
//! configuration; interaction ids are the engine's too. Match ids are made here.

use core::fmt;

use minicbor::{Decode, Encode};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// A queue of the centre.
    QueueId(u32)
}
id! {
    /// An agent: a user at work.
    AgentId(u32)
}
id! {
    /// Something agents can do. Means something within one configuration only.
    SkillId(u32)
}
id! {
    /// One thing that waits for an agent. Used once: an id that has ended never comes back.
    InteractionId(u64)
}
id! {
    /// One alert: an interaction presented to an agent once. Unique over nodes and restarts, see [`Incarnation::first_match`].
    MatchId(u64)
}

/// One life of one node's acd, given by the engine at its start.
///
/// `epoch` fences: whoever executes an [`Alert`](crate::Output::Alert) refuses those of a lower epoch
/// than the highest it has seen. It is constant for one incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Incarnation {
    /// Ownership of the routing domain; grows with each change of owner.
    #[n(0)]
    pub epoch: u64,
    /// Which node this is; the low 10 bits go into ids.
    #[n(1)]
    pub node: u16,
    /// How often this node has started; the low 22 bits go into ids.
    #[n(2)]
    pub number: u32,
}

impl Incarnation {
    /// The first match id of this incarnation: node (10 bits), incarnation (22 bits), counter (32 bits).
    #[must_use]
    pub const fn first_match(&self) -> MatchId {
        let node = (self.node as u64 & 0x3ff) << 54;
        let number = (self.number as u64 & 0x3f_ffff) << 32;
        MatchId(node | number)
    }
}

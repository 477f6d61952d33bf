//! Calls and their legs: what a caller's visit is, and the way through it.
//!
//! A [`Call`] is the whole, from the first INVITE (or click) to the last BYE; a [`Leg`] is one dialog with its media.
//! A call is in one [`Stage`] at a time:
//!
//! ```text
//!            Routing
//!   ┌───────────┼────────────┬──────────┐
//! Waiting    Dialling    Announcing   Placing      (each may lead to another by a rule's destination)
//!   └─────┬─────┴────────────┘          │
//!     Connected <───────────────────────┘
//!         │  └──> Dialling, Waiting or Parked: sent on by who talks; what nobody takes there waits again
//!       ended: one record, nothing left behind
//! ```
//!
//! One file per feature: a request is judged ([`requests`]), its sender known ([`who`]), a call comes in ([`inbound`]), or takes another off the hook ([`code`]), is given its destination ([`route`]), waits ([`waiting`]) or goes elsewhere ([`leaving`]),
//! phones are rung ([`ring`], and for help [`emergency`]) and answer ([`responses`]), two legs are joined ([`connect`]), one is put
//! on hold ([`held`]), by a re-INVITE perhaps ([`hold`]), sent on ([`transfer`], by the phone itself [`refer`]), joined with whom one talks to besides ([`join`]) or parked ([`park`]), taken over by another phone ([`replaces`]), and comes back when nobody takes it ([`recall`]), one is gone without a word ([`alive`]), requests come within a dialog ([`in_dialog`]), all ends ([`end`], with a BYE that may have to wait: [`goodbye`]). Media are spoken of in [`media`], the
//! addresses of the far ends in [`target`]. What a leg's far end knows beyond RFC 3261 stands in [`extensions`]: provisional responses that are
//! acknowledged ([`reliable`]), the early dialogs of an INVITE of ours ([`early`]), UPDATEs ([`update`]), session timers ([`refresh`], by the requests of [`errands`]); an INVITE that is
//! refused for one of them is sent again ([`try_again`]). Transactions are `sip`'s, packets the media threads', order and choice
//! the distribution core's.

mod alive;
mod announcing;
pub(crate) mod answers;
mod code;
mod connect;
mod declined;
mod early;
mod emergency;
mod end;
mod errands;
mod extensions;
mod goodbye;
mod held;
mod hold;
mod in_dialog;
mod inbound;
mod join;
mod leaving;
mod leg;
mod media;
mod park;
mod place;
mod plan;
mod recall;
mod refer;
mod refresh;
mod reliable;
mod replaces;
mod requests;
mod responses;
mod ring;
mod route;
mod target;
mod transfer;
mod try_again;
mod update;
mod waiting;
pub(crate) mod who;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use acd::{MatchId, Tier};
use config::Destination;

use crate::command::Had;
use crate::engine::Engine;
use crate::event::{EndResult, Party};
use crate::ids::{CallId, LegId};
use crate::timers::TimerId;
use answers::{Outcome, Progress};

pub(crate) use announcing::Announced;
pub(crate) use emergency::Emergency;
pub(crate) use errands::{Errand, Orphan};
pub(crate) use goodbye::Goodbye;
pub(crate) use inbound::tier;
pub(crate) use leaving::{WayOut, WaysOut};
pub(crate) use leg::{Leg, LegState};
pub(crate) use park::Parked;
pub(crate) use plan::{DialPlan, Plan, Standing};
pub(crate) use recall::Sent;
pub(crate) use waiting::tier_number;

/// How often one call may be sent on by rules before it is ended: two destinations that point at each other end here.
pub(crate) const DIVERSIONS_MAX: u8 = 10;

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    /// The leg of the one who called.
    pub(crate) caller: LegId,
    pub(crate) party: Party,
    pub(crate) called: String,
    pub(crate) tier: Tier,
    /// The caller's own points.
    pub(crate) priority: i32,
    pub(crate) stage: Stage,
    /// When it first entered a queue of this visit.
    pub(crate) arrival: Option<Duration>,
    /// The queue it was last in.
    pub(crate) queue: Option<String>,
    /// What rings for it: for one purpose, or for an alert of each of several agents.
    pub(crate) rings: Vec<Ring>,
    pub(crate) diversions: u8,
    /// The queues that have let it in: no rule sends it there again.
    pub(crate) been_in: Vec<String>,
    /// A queue has done its service-level action for it.
    pub(crate) service_acted: bool,
    /// What the record says if nobody is reached from here on.
    pub(crate) fallback: Option<EndResult>,
    /// Hops the caller's INVITE had left.
    pub(crate) max_forwards: u8,
    pub(crate) emergency: Option<Emergency>,
    /// When its caller is told something next.
    pub(crate) announcement: Option<TimerId>,
    /// Whose it is while nobody has taken it where it was sent.
    pub(crate) sent: Option<Sent>,
    /// The users who have had it, the last one last.
    pub(crate) had: Vec<Had>,
}

/// Where a call is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Between two destinations, within one turn.
    Routing,
    /// In the distribution core's hands.
    Waiting(Waiting),
    /// Hears a prompt, then it is ended.
    Announcing,
    /// A phone or an outside number is rung.
    Dialling,
    /// The user's own phone is rung; then `to` is dialled from it.
    Placing { to: String },
    /// Waits in a slot for whoever takes it.
    Parked(Parked),
    /// Two can talk.
    Connected {
        /// The leg of the one who took it.
        other: LegId,
        /// Whether the distribution core gave it to them.
        distributed: bool,
    },
}

/// A call that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) place: Place,
    /// Whether it was let in, and readers know.
    pub(crate) entered: bool,
    pub(crate) announced: Announced,
}

/// Where a call waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this queue.
    Queue(String),
    /// For this user.
    User(String),
}

/// Phones being rung for one purpose; the first that answers has the call.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) purpose: Purpose,
    /// Those still being rung.
    pub(crate) legs: Vec<LegId>,
    /// Whether any of them has rung.
    pub(crate) rang: bool,
    /// What the caller was told of it.
    pub(crate) told: Told,
    /// The most telling failure so far.
    pub(crate) failed: Option<(Outcome, Progress)>,
}

/// What a caller who is not answered yet has been told of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Nothing,
    /// This provisional status.
    Progress(u16),
    /// They hear what the other side plays.
    Sound,
}

/// What phones are rung for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An alert of the distribution core.
    Alert(MatchId),
    /// A number that was dialled.
    Dial,
    /// The user's own phone, before what they asked for is dialled.
    OwnPhone,
    /// The own phone of who takes a parked call.
    Retrieve,
}

impl Engine {
    /// Files a call where those who dial for its caller find it.
    pub(crate) fn add_call(&mut self, call: Call) {
        let number = call.party.number.clone();
        self.index
            .callers
            .entry(number)
            .or_default()
            .insert(call.id);
        self.calls.insert(call.id, Box::new(call));
    }

    fn remove_call(&mut self, call: CallId) {
        self.leave_slot(call);
        self.forget_sent(call);
        let Some(gone) = self.take_call(call) else {
            return;
        };
        if let Some(timer) = gone.announcement {
            self.timers.cancel(timer);
        }
    }

    /// Takes a call from where it is found.
    fn take_call(&mut self, call: CallId) -> Option<Call> {
        let taken = self.calls.remove(&call)?;
        let number = &taken.party.number;
        if let Some(of) = self.index.callers.get_mut(number) {
            of.remove(&call);
            if of.is_empty() {
                self.index.callers.remove(number);
            }
        }
        Some(*taken)
    }
}

impl Ring {
    pub(crate) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            legs: Vec::new(),
            rang: false,
            told: Told::Nothing,
            failed: None,
        }
    }
}

impl Call {
    /// How `username` had it the last time, if they did; else how the last one did.
    pub(crate) fn had_by(&self, username: &str) -> Option<&Had> {
        let own = self.had.iter().rfind(|had| had.agent == username);
        own.or_else(|| self.had.last())
    }

    /// Whether `to` is a queue that it has been in.
    pub(crate) fn has_been_in(&self, to: &Destination) -> bool {
        matches!(to, Destination::Queue(name) if self.been_in.iter().any(|been| *been == **name))
    }

    /// What rings for this purpose.
    pub(crate) fn ring_for(&self, purpose: Purpose) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.purpose == purpose)
    }

    /// What `leg` rings for.
    pub(crate) fn ring_of(&self, leg: LegId) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.legs.contains(&leg))
    }

    pub(crate) fn ring_of_mut(&mut self, leg: LegId) -> Option<&mut Ring> {
        self.rings.iter_mut().find(|ring| ring.legs.contains(&leg))
    }

    /// What its record says if a side leaves now.
    pub(crate) fn result_if_left(&self) -> EndResult {
        match &self.stage {
            Stage::Connected { .. } => EndResult::Answered,
            Stage::Announcing => self.fallback.unwrap_or(EndResult::Announced),
            Stage::Waiting(_)
            | Stage::Dialling
            | Stage::Routing
            | Stage::Parked(_)
            | Stage::Placing { .. } => EndResult::Abandoned,
        }
    }

    /// Whether two people have talked or can.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.stage, Stage::Connected { .. })
    }

    /// The leg the caller talks to.
    pub(crate) fn other(&self) -> Option<LegId> {
        match self.stage {
            Stage::Connected { other, .. } => Some(other),
            Stage::Routing
            | Stage::Waiting(_)
            | Stage::Announcing
            | Stage::Dialling
            | Stage::Parked(_)
            | Stage::Placing { .. } => None,
        }
    }

    /// The other end of a conversation, seen from `leg`.
    pub(crate) fn partner(&self, leg: LegId) -> Option<LegId> {
        let other = self.other()?;
        if leg == other {
            Some(self.caller)
        } else {
            (leg == self.caller).then_some(other)
        }
    }
}

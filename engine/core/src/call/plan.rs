//! What a dialled number means for a new call: the dial plan's answer in the call's own words.

use config::{Destination, Snapshot, Tier};

use crate::engine::Engine;
use crate::routing::Routes;
use crate::sabotage;

/// Where a new call goes, and with which rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// None: it is refused with `refusal`.
    pub(crate) to: Option<Destination>,
    pub(crate) refusal: u16,
    pub(crate) tier: Tier,
    /// Points of the dialled number.
    pub(crate) priority: i32,
}

impl Plan {
    fn to(destination: Option<Destination>, refusal: u16) -> Self {
        Self {
            to: destination,
            refusal,
            tier: Tier::Normal,
            priority: 0,
        }
    }
}

/// Who calls, as far as it matters to their rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing<'a> {
    /// Their number; empty when withheld.
    pub(crate) number: &'a str,
    /// Whether a directory entry marks them as a VIP.
    pub(crate) vip: bool,
}

/// The dial plan of a centre.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DialPlan<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) routes: &'a Routes,
}

impl Engine {
    /// As [`DialPlan::rank_of_caller`].
    pub(crate) fn rank_of_caller(&self, caller: Standing<'_>, plan: &Plan) -> (acd::Tier, i32) {
        self.dial_plan().rank_of_caller(caller, plan)
    }

    /// What is known here of who calls with that number.
    pub(crate) fn standing<'n>(&self, number: &'n str) -> Standing<'n> {
        let vip = self.vips.has(number);
        Standing { number, vip }
    }

    /// As [`DialPlan::trunk_dials`].
    pub(crate) fn plan_from_trunk(&self, dialled: &str) -> Plan {
        self.dial_plan().trunk_dials(dialled)
    }

    /// As [`DialPlan::phone_dials`].
    pub(crate) fn plan_from_phone(&self, dialled: &str) -> Plan {
        self.dial_plan().phone_dials(dialled)
    }

    /// As [`DialPlan::extension_dials`].
    pub(crate) fn plan_from_extension(&self, extension: &str, dialled: &str) -> Plan {
        self.dial_plan().extension_dials(extension, dialled)
    }

    fn dial_plan(&self) -> DialPlan<'_> {
        DialPlan {
            snapshot: &self.snapshot,
            routes: &self.routes,
        }
    }
}

impl DialPlan<'_> {
    /// The class and the points that a caller has besides those of a queue (rule 2): of the dialled number, of the number
    /// list the caller is on, and as a VIP.
    pub(crate) fn rank_of_caller(self, caller: Standing<'_>, plan: &Plan) -> (acd::Tier, i32) {
        let lists = &self.snapshot.centre.number_lists;
        let list = self.routes.list_of_caller(caller.number);
        let (tier, points) = list
            .and_then(|name| lists.get(name))
            .filter(|_| !sabotage::number_list())
            .map_or((Tier::Normal, 0), |list| (list.tier, list.priority));
        let of_vips = self.snapshot.settings.centre.vip_priority;
        let as_vip = i32::from(caller.vip && !sabotage::vip()).saturating_mul(of_vips);
        let priority = plan.priority.saturating_add(points).saturating_add(as_vip);
        (super::tier(plan.tier.or(tier)), priority)
    }

    /// A call from a trunk: numbers, queue numbers, extensions (a direct call), the default queue, else 404.
    pub(crate) fn trunk_dials(self, dialled: &str) -> Plan {
        use crate::routing::FromTrunk;
        let centre = &self.snapshot.centre;
        match self.routes.from_trunk(dialled) {
            FromTrunk::Number(number) => match centre.numbers.get(number) {
                Some(number) => Plan {
                    to: number.to.clone(),
                    // A destination that is unset.
                    refusal: 480,
                    tier: number.tier,
                    priority: number.priority,
                },
                None => Plan::to(None, 404),
            },
            FromTrunk::Queue(name) | FromTrunk::DefaultQueue(name) => self.plan_queue(name),
            FromTrunk::User(username) => {
                let user = centre.users.get(username);
                Plan::to(
                    user.map(|user| Destination::User(user.username.clone())),
                    404,
                )
            }
            FromTrunk::Nowhere => Plan::to(None, 404),
        }
    }

    /// A call from a phone of ours: emergency, a queue, an extension, an outside number.
    pub(crate) fn phone_dials(self, dialled: &str) -> Plan {
        use crate::routing::FromPhone;
        let outside = || dialled.parse().ok().map(Destination::External);
        match self.routes.from_phone(dialled) {
            FromPhone::Emergency(_) | FromPhone::Outside { .. } => Plan::to(outside(), 404),
            FromPhone::Queue(name) => self.plan_queue(name),
            FromPhone::Extension { .. } => {
                Plan::to(dialled.parse().ok().map(Destination::Extension), 404)
            }
            FromPhone::Nowhere => Plan::to(None, 404),
        }
    }

    /// The same for the phone at this extension, which is busy for itself.
    pub(crate) fn extension_dials(self, extension: &str, dialled: &str) -> Plan {
        let plan = self.phone_dials(dialled);
        match &plan.to {
            Some(Destination::Extension(number)) if **number == *extension => {
                Plan::to(Some(Destination::Busy), 486)
            }
            _ => plan,
        }
    }

    fn plan_queue(self, name: &str) -> Plan {
        let queue = self.snapshot.centre.queues.get(name);
        Plan::to(
            queue.map(|queue| Destination::Queue(queue.name.clone())),
            404,
        )
    }
}

//! A centre on paper: what it says of numbers, hours and ways out, without a call in it.
//!
//! Who plays a day again against another centre asks here what the engine would have done: the same dial plan, calendars
//! and destinations, in the same code. Nothing here changes anything but what is known of the hours.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use acd::{AcdConfig, AgentId, DivertReason, QueueId, RefuseReason, Sticky, Target, Tier};
use config::{Destination, Snapshot};

use crate::call::{DIVERSIONS_MAX, DialPlan, Standing, WayOut, WaysOut};
use crate::command::Moves;
use crate::event::Diversion;
use crate::journal::{NameRecord, OverrideRecord, ServedRecord};
use crate::names::Names;
use crate::opening::Openings;
use crate::routing::Routes;
use crate::served::Stickiness;

/// So many times a call is sent on by rules at most.
pub const SENT_ON_MAX: u8 = DIVERSIONS_MAX;

/// A centre on paper.
#[derive(Debug)]
pub struct Paper {
    snapshot: Arc<Snapshot>,
    routes: Routes,
    names: Names,
    moves: Moves,
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// Their number; empty when withheld.
    pub number: &'a str,
    /// What they dialled.
    pub called: &'a str,
    /// The user whose phone it is; none for a call from a trunk.
    pub user: Option<&'a str>,
    /// Whether a directory entry marked them as a VIP.
    pub vip: bool,
}

/// What becomes of a new call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Where it goes; none: nowhere.
    pub to: Option<Destination>,
    /// Its class.
    pub tier: Tier,
    /// Its own points.
    pub priority: i32,
}

/// Where a call goes on that was not let in, or waits no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentOn {
    /// Why.
    pub why: Diversion,
    /// None: its caller is told that nothing is left.
    pub to: Option<Destination>,
    /// Whether the next queue ranks it as if it came only now (rule 22).
    pub ranks_anew: bool,
}

impl Paper {
    /// The centre of `snapshot`, whose queues and users keep the numbers that they had; new ones get the next.
    pub fn new(snapshot: Arc<Snapshot>, known: &[NameRecord]) -> Self {
        let mut names = Names::default();
        known.iter().for_each(|record| names.restore(record));
        for name in snapshot.centre.queues.keys() {
            names.add_queue(name);
        }
        for name in snapshot.centre.users.keys() {
            names.add_agent(name);
        }
        Self {
            routes: Routes::new(&snapshot),
            names,
            moves: Moves::new(),
            snapshot,
        }
    }

    /// What the distribution core is told of it.
    pub fn config(&self) -> AcdConfig {
        crate::centre::acd_config(&self.names, &self.snapshot.centre)
    }

    /// Settings and centre.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Where a new call goes, and with which rank.
    pub fn receives(&self, caller: Caller<'_>) -> Received {
        let plan = DialPlan {
            snapshot: &self.snapshot,
            routes: &self.routes,
        };
        let extension = caller.user.map(|username| {
            let user = self.snapshot.centre.users.get(username);
            user.and_then(|user| user.extension.as_deref())
                .unwrap_or_default()
        });
        let route = match extension {
            Some(extension) => plan.extension_dials(extension, caller.called),
            None => plan.trunk_dials(caller.called),
        };
        let standing = Standing {
            number: caller.number,
            vip: caller.vip,
        };
        let (tier, priority) = plan.rank_of_caller(standing, &route);
        Received {
            to: route.to,
            tier,
            priority,
        }
    }

    /// Where a call goes that `to` did not let in (rule 20); none when that is no matter.
    pub fn refused(&self, to: Target, reason: RefuseReason) -> Option<SentOn> {
        let ways = self.ways_out(to);
        ways.refused(reason).map(|way| sent_on(ways, way))
    }

    /// Where a call goes that waits at `from` no longer.
    pub fn diverted(&self, from: Target, reason: DivertReason) -> SentOn {
        let ways = self.ways_out(from);
        sent_on(ways, ways.diverted(reason))
    }

    fn ways_out(&self, at: Target) -> WaysOut<'_> {
        let (queue, user) = match at {
            Target::Queue(queue) => (self.names.queue_name(queue), None),
            Target::Personal(agent) => (None, self.names.username(agent)),
        };
        WaysOut {
            centre: &self.snapshot.centre,
            moves: &self.moves,
            queue,
            user,
        }
    }

    /// What is noted when an agent has a caller of a queue (rule 9); nothing where no queue asks for it.
    pub fn served(&self, number: &str, agent: AgentId, at_us: i64) -> Option<ServedRecord> {
        let username = self.names.username(agent)?;
        self.stickiness().record(number, username, at_us)
    }

    /// For whom a caller waits first who enters there, by who served them last.
    pub fn former(&self, to: Target, served: Option<&ServedRecord>, now_us: i64) -> Option<Sticky> {
        let Target::Queue(queue) = to else {
            return None;
        };
        let name = self.names.queue_name(queue)?;
        self.stickiness().former(name, served, now_us)
    }

    fn stickiness(&self) -> Stickiness<'_> {
        Stickiness {
            centre: &self.snapshot.centre,
            names: &self.names,
        }
    }

    /// Whether callers may be sent on there because their estimated wait is too long (rule 22).
    pub fn judges_estimates(&self, at: Target) -> bool {
        let Target::Queue(queue) = at else {
            return false;
        };
        let queues = &self.snapshot.centre.queues;
        let settings = self
            .names
            .queue_name(queue)
            .and_then(|name| queues.get(name));
        settings.is_some_and(|queue| queue.max_estimate.0 > 0)
    }

    /// Where somebody waits who is sent there; none where nobody waits.
    pub fn target(&self, to: &Destination) -> Option<Target> {
        match to {
            Destination::Queue(name) => self.names.queue(name).map(Target::Queue),
            Destination::User(username) => self.names.agent(username).map(Target::Personal),
            Destination::Extension(_)
            | Destination::External(_)
            | Destination::Park(_)
            | Destination::Announcement(_)
            | Destination::HangUp
            | Destination::Busy => None,
        }
    }

    /// The queue's name.
    pub fn queue_name(&self, queue: QueueId) -> &str {
        self.names.queue_name(queue).unwrap_or_default()
    }

    /// The agent's user name.
    pub fn username(&self, agent: AgentId) -> &str {
        self.names.username(agent).unwrap_or_default()
    }

    /// The number of a queue, of this centre or of the day's.
    pub fn queue_id(&self, name: &str) -> Option<QueueId> {
        self.names.queue(name)
    }

    /// Its queues' hours, with these overrides in force.
    pub fn hours(&self, overrides: &BTreeMap<String, OverrideRecord>) -> PaperHours<'_> {
        PaperHours {
            paper: self,
            openings: Openings::new(overrides.clone()),
            open: BTreeMap::new(),
        }
    }
}

fn sent_on(ways: WaysOut<'_>, way: WayOut) -> SentOn {
    SentOn {
        ranks_anew: ways.ranks_anew(way.why),
        why: way.why,
        to: way.to,
    }
}

/// When the queues of a centre on paper are open, as time goes on.
#[derive(Debug)]
pub struct PaperHours<'a> {
    paper: &'a Paper,
    openings: Openings,
    open: BTreeMap<QueueId, bool>,
}

impl PaperHours<'_> {
    /// A supervisor sets an override, or takes it back. The next [`look`](Self::look) shows it.
    pub fn set_override(&mut self, record: &OverrideRecord) {
        self.openings.set_override(record.clone());
    }

    /// The queues that are open or closed now and were not at the last look; all of them at the first.
    pub fn look(&mut self, utc_us: i64) -> Vec<(QueueId, bool)> {
        let snapshot = &self.paper.snapshot;
        let zone = &snapshot.settings.centre.timezone;
        self.openings.expire(utc_us);
        self.openings.ask_calendars(&snapshot.centre, zone, utc_us);
        self.openings.follow_calendars(&snapshot.centre);
        let mut changed = Vec::new();
        for (name, opening) in self.openings.refresh(&snapshot.centre) {
            if let Some(queue) = self.paper.names.queue(&name)
                && self.open.insert(queue, opening.open) != Some(opening.open)
            {
                changed.push((queue, opening.open));
            }
        }
        changed
    }

    /// Whether the queue was open at the last look.
    pub fn is_open(&self, queue: QueueId) -> bool {
        self.open.get(&queue).copied().unwrap_or(false)
    }

    /// All queues that were seen at a look.
    pub fn all(&self) -> Vec<QueueId> {
        self.open.keys().copied().collect()
    }

    /// When a look can show something new next, UTC microseconds.
    pub fn next_change_us(&self) -> Option<i64> {
        self.openings.next_change_us()
    }
}

//! One agent's state (rule 16): presence × what they have, plus a pending break.
//!
//! This machine knows what an agent may do; who is to be told, and what becomes of interactions, is the acd's.

mod hindered;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::config::{AgentConfig, WrapUp};
use crate::ids::{InteractionId, MatchId, QueueId};
use crate::input::{Device, Presence};
use crate::merits::Merits;
use crate::micros;
use crate::output::{Activity, AgentState, AlertOutcome, Denial, DeviceHealth};
use crate::phone::Phone;
use crate::sabotage;
use crate::view::Counters;

/// Life: offline from the configuration's first naming; forgotten when it names them no longer and they have nothing more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Agent {
    #[n(0)]
    pub(crate) config: AgentConfig,
    /// The configuration names them no longer; they finish what they are at.
    #[n(1)]
    pub(crate) removed: bool,
    #[n(2)]
    presence: Presence,
    #[n(3)]
    pending: Option<Presence>,
    #[n(4)]
    pub(crate) phone: Phone,
    #[n(5)]
    own_calls: u32,
    #[n(6)]
    alert: Option<(MatchId, InteractionId)>,
    /// At most one while capacity is one; more come with holding and picking up.
    #[n(7)]
    interactions: Vec<InteractionId>,
    #[n(8)]
    wrap_up: Option<WrapUpUntil>,
    #[cbor(n(9), with = "crate::micros")]
    idle_since: Duration,
    /// Alerts not answered in a row (rule 12).
    #[n(10)]
    no_answers: u32,
    #[n(11)]
    pub(crate) counters: Counters,
    /// As last told.
    #[n(12)]
    pub(crate) shown: AgentState,
    /// Queues assigned to them that they have left until they log out (rule 16).
    #[n(13)]
    #[cbor(default)]
    left: BTreeSet<QueueId>,
    #[cbor(n(14), default)]
    pub(crate) merits: Merits,
    /// Interactions they had and have given no wrap-up code for, where that is required (rule 17).
    #[cbor(n(15), default)]
    owes: Vec<Owed>,
}

/// A wrap-up code that is required and not given yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Owed {
    /// For this interaction, which is over.
    #[n(0)]
    pub interaction: InteractionId,
    /// Whose queue requires it.
    #[n(1)]
    pub queue: QueueId,
}

/// What comes after an interaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aftermath {
    pub(crate) wrap_up: WrapUp,
    /// The queue that requires a wrap-up code for it, where none was given.
    pub(crate) owed_to: Option<QueueId>,
}

/// When a wrap-up ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
enum WrapUpUntil {
    #[n(0)]
    TheyEndIt,
    #[n(1)]
    At(#[cbor(n(0), with = "crate::micros")] Duration),
    /// Its time is over, and it ends with the last code that they owe.
    #[n(2)]
    Coded,
}

impl Agent {
    pub(crate) const fn new(now: Duration, config: AgentConfig) -> Self {
        Self {
            config,
            removed: false,
            presence: Presence::Offline,
            pending: None,
            phone: Phone::new(),
            own_calls: 0,
            alert: None,
            interactions: Vec::new(),
            wrap_up: None,
            idle_since: now,
            no_answers: 0,
            counters: Counters::new(),
            shown: AgentState {
                presence: Presence::Offline,
                pending: None,
                activity: Activity::Idle,
                since: now,
                device: Device::Unregistered,
                device_health: DeviceHealth::Good,
                left: BTreeSet::new(),
                owes: Vec::new(),
            },
            left: BTreeSet::new(),
            merits: Merits::since(now),
            owes: Vec::new(),
        }
    }

    /// Whether a queue is assigned to them, left or not.
    pub(crate) fn is_assigned(&self, queue: QueueId) -> bool {
        self.config.queues.iter().any(|it| it.queue == queue)
    }

    pub(crate) fn has_left(&self, queue: QueueId) -> bool {
        self.left.contains(&queue) && !sabotage::left_queue()
    }

    pub(crate) const fn presence(&self) -> &Presence {
        &self.presence
    }

    pub(crate) fn is_available(&self) -> bool {
        self.presence == Presence::Available
    }

    /// Available, and not about to go: no break or logout is pending.
    pub(crate) fn stays_available(&self) -> bool {
        self.is_available() && self.pending.is_none()
    }

    pub(crate) fn is_logged_in(&self) -> bool {
        self.presence != Presence::Offline
    }

    pub(crate) fn alert(&self) -> Option<MatchId> {
        self.alert.map(|(match_id, _)| match_id)
    }

    /// Whether their phone is being rung for this one.
    pub(crate) fn is_alerted_for(&self, interaction: InteractionId) -> bool {
        self.alert.is_some_and(|(_, other)| other == interaction)
    }

    pub(crate) fn interactions(&self) -> &[InteractionId] {
        &self.interactions
    }

    pub(crate) const fn idle_since(&self) -> Duration {
        self.idle_since
    }

    /// Reckons the share of their time that goes to interactions.
    pub(crate) fn reckon_share(&mut self, now: Duration) {
        self.pass(now);
        self.merits.reckon_share();
    }

    /// Takes account of the time until `now`, before what they are at changes.
    fn pass(&mut self, now: Duration) {
        let (logged_in, occupied) = (self.is_logged_in(), self.is_occupied());
        self.merits.pass(now, logged_in, occupied);
    }

    /// Whether they could be alerted for something now (rule 7, without what depends on the interaction).
    pub(crate) fn is_free(&self) -> bool {
        self.is_available()
            && (self.alert.is_none() || sabotage::double_alert())
            && self.interactions.is_empty()
            && (self.own_calls == 0 || sabotage::own_call())
            && self.wrap_up.is_none()
            && self.phone.is_usable()
    }

    /// Whether they can take what they choose: free or alerted, talking, in wrap-up, on break (rule 13).
    ///
    /// # Errors
    /// What stands in the way.
    pub(crate) fn can_pick_up(&self) -> Result<(), Denial> {
        if !self.is_logged_in() {
            return Err(Denial::Offline);
        }
        match self.phone.device() {
            Device::Unregistered => Err(Denial::NoPhone),
            Device::Registered | Device::Trunk => Ok(()),
        }
    }

    /// Whether a break or logout has to wait (rule 16).
    fn is_occupied(&self) -> bool {
        !self.interactions.is_empty() || self.wrap_up.is_some()
    }

    /// Whether a removed one can be forgotten.
    pub(crate) fn has_nothing(&self) -> bool {
        self.alert.is_none() && !self.is_occupied()
    }

    /// When the running wrap-up ends by itself.
    pub(crate) fn wrap_up_until(&self) -> Option<Duration> {
        match self.wrap_up {
            Some(WrapUpUntil::At(at)) => Some(at),
            Some(WrapUpUntil::TheyEndIt | WrapUpUntil::Coded) | None => None,
        }
    }

    /// The wrap-up codes that they owe, oldest first.
    pub(crate) fn owes(&self) -> &[Owed] {
        &self.owes
    }

    // ------------------------------------------------------------- presence

    /// Whether a wish for `presence` takes effect now; if not, it is kept for later where it has to be.
    pub(crate) fn wishes(&mut self, presence: &Presence) -> bool {
        self.pending = None;
        if *presence == self.presence {
            return false;
        }
        if *presence != Presence::Available && self.is_occupied() {
            if !sabotage::pending_break() {
                self.pending = Some(presence.clone());
            }
            return false;
        }
        true
    }

    /// Ends a pending logout; a break stays, also a pending one. Whether the login makes them available.
    pub(crate) fn logs_in(&mut self) -> bool {
        if self.pending == Some(Presence::Offline) {
            self.pending = None;
        }
        !self.is_logged_in()
    }

    pub(crate) fn has_left_any(&self) -> bool {
        !self.left.is_empty()
    }

    /// Leaves a queue, or comes back to it.
    pub(crate) fn join(&mut self, queue: QueueId, joined: bool) {
        if joined {
            self.left.remove(&queue);
        } else if self.is_logged_in() && self.is_assigned(queue) {
            self.left.insert(queue);
        }
    }

    /// Another configuration: what is not theirs any more they cannot have left. Their place is void in queues they serve no
    /// more, and with another weight in those that choose by lot.
    pub(crate) fn configure(&mut self, config: AgentConfig, races: &BTreeSet<QueueId>) {
        let before = core::mem::replace(&mut self.config, config);
        let weight = |config: &AgentConfig, queue| {
            let assigned = config.queues.iter().find(|it| it.queue == queue);
            assigned.map(|assignment| assignment.weight)
        };
        self.left
            .retain(|left| weight(&self.config, *left).is_some());
        self.merits.places.retain(|queue, _| {
            let now = weight(&self.config, *queue);
            now.is_some() && (now == weight(&before, *queue) || !races.contains(queue))
        });
    }

    pub(crate) fn set_presence(&mut self, now: Duration, presence: Presence) {
        self.pass(now);
        if presence == Presence::Offline {
            self.left.clear();
        }
        if presence == Presence::Available {
            self.idle_since = now;
            self.no_answers = 0;
        }
        self.presence = presence;
        self.pending = None;
    }

    /// The break or logout whose time has come.
    pub(crate) fn take_pending(&mut self) -> Option<Presence> {
        if self.is_occupied() {
            return None;
        }
        self.pending.take()
    }

    // ------------------------------------------------------------ what they have

    pub(crate) fn begin_alert(&mut self, match_id: MatchId, interaction: InteractionId) {
        self.alert = Some((match_id, interaction));
        self.counters.alerts += 1;
    }

    /// The alert is over. Who let it pass stands at the end of the idle again, so that the sleeper is not
    /// the first to be rung next; a withdrawn or failed one changes nothing. What they picked up themselves was not missed.
    pub(crate) fn end_alert(&mut self, now: Duration, outcome: AlertOutcome, picked_up: bool) {
        self.alert = None;
        match outcome {
            AlertOutcome::Accepted => {
                self.counters.accepted += 1;
                self.no_answers = 0;
            }
            AlertOutcome::Rejected => {
                self.counters.rejected += 1;
                self.no_answers = 0;
                self.idle_since = now;
            }
            AlertOutcome::TimedOut => {
                self.counters.timed_out += 1;
                if !picked_up || sabotage::pick_up_missed() {
                    self.no_answers += 1;
                }
                self.idle_since = now;
            }
            AlertOutcome::Withdrawn(_) if sabotage::counters() => {}
            AlertOutcome::Withdrawn(_) => self.counters.withdrawn += 1,
            AlertOutcome::Failed { .. } => {
                self.counters.failed += 1;
                if sabotage::missed() {
                    self.no_answers += 1;
                }
            }
        }
    }

    /// Whether they have to go on break for not answering (rule 12).
    pub(crate) fn is_absent(&self, max_no_answer: u32) -> bool {
        max_no_answer > 0 && self.no_answers >= max_no_answer && !sabotage::no_answer()
    }

    pub(crate) fn connect(&mut self, now: Duration, interaction: InteractionId) {
        self.pass(now);
        self.interactions.push(interaction);
        // What they owe keeps them in the next one.
        self.wrap_up = None;
    }

    /// An interaction is over: wrap-up begins when it was the last (rule 17). Who is removed owes nothing: nobody could ask them.
    pub(crate) fn end_interaction(
        &mut self,
        now: Duration,
        interaction: InteractionId,
        Aftermath { wrap_up, owed_to }: Aftermath,
    ) {
        self.pass(now);
        self.interactions.retain(|other| *other != interaction);
        let owed_to = owed_to.filter(|_| !self.removed && !sabotage::wrap_up_code());
        self.owes
            .extend(owed_to.map(|queue| Owed { interaction, queue }));
        if !self.interactions.is_empty() {
            return;
        }
        self.idle_since = now;
        self.wrap_up = match wrap_up {
            _ if sabotage::wrap_up() => None,
            WrapUp::Manual => Some(WrapUpUntil::TheyEndIt),
            WrapUp::For(Duration::ZERO) => self.until_coded(),
            WrapUp::For(span) => Some(WrapUpUntil::At(now.saturating_add(span))),
        };
    }

    /// Ends it as far as it can: what they owe a code for keeps them in it. Whether there was one that is over now.
    pub(crate) fn end_wrap_up(&mut self, now: Duration) -> bool {
        self.pass(now);
        if self.wrap_up.is_none() {
            return false;
        }
        self.wrap_up = self.until_coded();
        let is_over = self.wrap_up.is_none();
        if is_over {
            self.idle_since = now;
        }
        is_over
    }

    /// They end it: nothing comes of that while they owe a code.
    pub(crate) fn wants_to_end_wrap_up(&mut self, now: Duration) -> bool {
        self.owes.is_empty() && self.end_wrap_up(now)
    }

    /// Ends it, whatever they owe.
    pub(crate) fn cut_wrap_up_short(&mut self, now: Duration) -> bool {
        self.owes.clear();
        self.end_wrap_up(now)
    }

    /// They gave a code. Whether that ended their wrap-up.
    pub(crate) fn give_code(&mut self, now: Duration, interaction: InteractionId) -> bool {
        self.owe_only(now, |owed| owed.interaction != interaction)
    }

    /// They owe no more codes than these. Whether that ended their wrap-up.
    pub(crate) fn owe_only(&mut self, now: Duration, owes: impl Fn(&Owed) -> bool) -> bool {
        self.owes.retain(owes);
        let waits = self.wrap_up == Some(WrapUpUntil::Coded);
        waits && self.owes.is_empty() && self.end_wrap_up(now)
    }

    /// What is left of a wrap-up whose time is over.
    fn until_coded(&self) -> Option<WrapUpUntil> {
        (!self.owes.is_empty()).then_some(WrapUpUntil::Coded)
    }

    pub(crate) fn extend_wrap_up(&mut self, by: Duration) {
        if let Some(WrapUpUntil::At(at)) = &mut self.wrap_up {
            *at = at.saturating_add(micros::whole(by));
        }
    }

    pub(crate) fn set_own_calls(&mut self, now: Duration, count: u32) {
        if count == 0 {
            self.phone.on_idle();
            if self.own_calls > 0 {
                self.idle_since = now;
            }
        }
        self.own_calls = count;
    }

    /// The daemon starts anew: calls are gone, without wrap-up.
    pub(crate) fn on_restart(&mut self, now: Duration) {
        self.pass(now);
        if !self.interactions.is_empty() || self.own_calls > 0 {
            self.idle_since = now;
        }
        self.interactions.clear();
        self.own_calls = 0;
    }

    /// The centre's day begins. A running alert counts for the new day.
    pub(crate) fn on_daily_reset(&mut self, now: Duration) {
        self.merits.on_daily_reset(now);
        self.counters = Counters {
            alerts: self.alert.is_some().into(),
            ..Counters::new()
        };
    }

    // ------------------------------------------------------------------ telling

    /// The state as others see it, if it is not the one last told.
    pub(crate) fn show(&mut self, now: Duration) -> Option<&AgentState> {
        let activity = self.activity();
        let moved = activity != self.shown.activity || self.presence != self.shown.presence;
        let state = AgentState {
            presence: self.presence.clone(),
            pending: self.pending.clone(),
            activity,
            since: if moved { now } else { self.shown.since },
            device: self.phone.device(),
            device_health: self.phone.health(),
            left: self.left.clone(),
            owes: self.owes.clone(),
        };
        if state == self.shown {
            return None;
        }
        self.shown = state;
        Some(&self.shown)
    }

    fn activity(&self) -> Activity {
        if let Some((match_id, interaction)) = self.alert {
            return Activity::Alerting {
                match_id,
                interaction,
            };
        }
        if let Some(interaction) = self.interactions.last() {
            return Activity::Busy {
                interaction: *interaction,
            };
        }
        match self.wrap_up {
            Some(_) => Activity::WrapUp {
                until: self.wrap_up_until(),
            },
            None if self.own_calls > 0 => Activity::OwnCall,
            None => Activity::Idle,
        }
    }
}

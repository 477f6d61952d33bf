//! One agent's figures: how their time went, and what became of their alerts.

use alloc::collections::BTreeMap;
use alloc::string::String;

use minicbor::{Decode, Encode};

use super::service_level::Share;
use crate::event::{Activity, AlertEnd, Device, Presence};
use crate::ids::CallId;

/// What an agent does, as figures tell it: exactly one of these at any moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Doing {
    /// Not at work.
    #[default]
    #[n(0)]
    Offline,
    /// Available, without a call.
    #[n(1)]
    Available,
    /// Their phone is being rung.
    #[n(2)]
    Alerting,
    /// On a call, a call of their own included.
    #[n(3)]
    OnContact,
    /// After a call.
    #[n(4)]
    WrapUp,
    /// On break.
    #[n(5)]
    OnBreak,
    /// Available, but their phone cannot be rung.
    #[n(6)]
    Unreachable,
}

impl Doing {
    /// What they do decides, then whether they are there, then their phone.
    pub const fn of(presence: Presence, activity: Activity, device: Device) -> Self {
        match (activity, presence, device) {
            (Activity::Alerting, ..) => Self::Alerting,
            (Activity::Busy, ..) => Self::OnContact,
            (Activity::WrapUp, ..) => Self::WrapUp,
            (Activity::Idle, Presence::Offline, _) => Self::Offline,
            (Activity::Idle, Presence::Break, _) => Self::OnBreak,
            (Activity::Idle, Presence::Available, Device::Reachable) => Self::Available,
            (
                Activity::Idle,
                Presence::Available,
                Device::None | Device::Unregistered | Device::Unreachable,
            ) => Self::Unreachable,
        }
    }
}

/// How an agent's time went since the day began, in microseconds. What they do now is in it up to the last change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Times {
    /// Available without a call: idle.
    #[n(0)]
    pub available_us: i64,
    /// Being rung.
    #[n(1)]
    pub alerting_us: i64,
    /// On calls.
    #[n(2)]
    pub on_contact_us: i64,
    /// In wrap-up.
    #[n(3)]
    pub wrap_up_us: i64,
    /// On break.
    #[n(4)]
    pub on_break_us: i64,
    /// Available with a phone that cannot be rung.
    #[n(5)]
    pub unreachable_us: i64,
}

impl Times {
    /// Contact, that is calls and wrap-up, as a share of contact and idle time.
    pub fn occupancy(&self) -> Share {
        let positive = |us: i64| u64::try_from(us).unwrap_or(0);
        let contact = positive(self.on_contact_us) + positive(self.wrap_up_us);
        Share {
            part: contact,
            whole: contact + positive(self.available_us),
        }
    }

    /// All time at work.
    pub const fn staffed_us(&self) -> i64 {
        self.available_us
            + self.alerting_us
            + self.on_contact_us
            + self.wrap_up_us
            + self.on_break_us
            + self.unreachable_us
    }

    const fn add(&mut self, doing: Doing, length_us: i64) {
        match doing {
            Doing::Offline => {}
            Doing::Available => self.available_us += length_us,
            Doing::Alerting => self.alerting_us += length_us,
            Doing::OnContact => self.on_contact_us += length_us,
            Doing::WrapUp => self.wrap_up_us += length_us,
            Doing::OnBreak => self.on_break_us += length_us,
            Doing::Unreachable => self.unreachable_us += length_us,
        }
    }
}

/// What became of an agent's alerts since the day began (rule 10). Started is the others together, and those that run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct AlertCounts {
    /// Begun, those included that ran when the day began.
    #[n(0)]
    pub started: u64,
    /// Taken.
    #[n(1)]
    pub accepted: u64,
    /// Refused.
    #[n(2)]
    pub rejected: u64,
    /// Rang out.
    #[n(3)]
    pub timed_out: u64,
    /// Taken back.
    #[n(4)]
    pub withdrawn: u64,
    /// The phone could not be rung.
    #[n(5)]
    pub failed: u64,
    /// Of those that rang out, those that the agent had not picked up themselves.
    #[n(6)]
    pub missed: u64,
}

/// A conversation that is over, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct Handled {
    #[n(0)]
    pub(super) call: CallId,
    #[n(1)]
    pub(super) talked_us: i64,
    #[n(2)]
    pub(super) held_us: i64,
    #[n(3)]
    pub(super) wrap_up_us: i64,
    #[n(4)]
    pub(super) rung_us: i64,
}

/// A conversation whose wrap-up is not over.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct After {
    #[n(0)]
    queue: String,
    #[n(1)]
    handled: Handled,
}

/// The live figures of one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct AgentFigures {
    /// Since when they are at work, UTC microseconds; none while they are not.
    #[n(0)]
    pub logged_in_us: Option<i64>,
    /// What they do.
    #[n(1)]
    pub doing: Doing,
    /// Since when, or since the day began, UTC microseconds.
    #[n(2)]
    since_us: i64,
    #[n(3)]
    times: Times,
    /// What became of their alerts.
    #[n(4)]
    pub alerts: AlertCounts,
    /// Alerts that run, and whether they picked up.
    #[n(5)]
    running: BTreeMap<u64, bool>,
    #[n(6)]
    after: Option<After>,
}

impl AgentFigures {
    /// How their time went up to this moment.
    pub fn times(&self, now_us: i64) -> Times {
        let mut times = self.times;
        times.add(self.doing, (now_us - self.since_us).max(0));
        times
    }

    /// Alerts that run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    #[cfg(test)]
    pub(super) fn is_running(&self, alert: u64) -> bool {
        self.running.contains_key(&alert)
    }

    pub(super) fn begin_alert(&mut self, alert: u64, picked_up: bool) {
        self.running.insert(alert, picked_up);
        self.alerts.started += 1;
    }

    pub(super) fn end_alert(&mut self, alert: u64, end: AlertEnd) {
        let Some(picked_up) = self.running.remove(&alert) else {
            return;
        };
        match end {
            AlertEnd::Accepted => self.alerts.accepted += 1,
            AlertEnd::Rejected => self.alerts.rejected += 1,
            AlertEnd::TimedOut => {
                self.alerts.timed_out += 1;
                self.alerts.missed += u64::from(!picked_up);
            }
            AlertEnd::Withdrawn => self.alerts.withdrawn += 1,
            AlertEnd::Failed => self.alerts.failed += 1,
        }
    }

    /// Their call is over; it counts as handled once its wrap-up is, too.
    pub(super) fn begin_after(&mut self, queue: String, handled: Handled) {
        self.after = Some(After { queue, handled });
    }

    /// They do something from now on. Gives the conversation that is done with by this.
    pub(super) fn change(
        &mut self,
        at: i64,
        doing: Doing,
        call: Option<CallId>,
    ) -> Option<(String, Handled)> {
        let length_us = (at - self.since_us).max(0);
        self.times.add(self.doing, length_us);
        self.since_us = at;
        let before = core::mem::replace(&mut self.doing, doing);
        let After { queue, mut handled } = self.after.take()?;
        if before == Doing::WrapUp {
            handled.wrap_up_us += length_us;
        }
        let still_told = call == Some(handled.call);
        if doing == Doing::WrapUp || still_told {
            self.after = Some(After { queue, handled });
            return None;
        }
        Some((queue, handled))
    }

    /// Counters start anew; what goes on counts from now.
    pub(super) fn begin_day(&mut self, at: i64) {
        self.times = Times::default();
        if let Some(after) = self.after.as_mut().filter(|_| self.doing == Doing::WrapUp) {
            after.handled.wrap_up_us += (at - self.since_us).max(0);
        }
        self.since_us = at;
        self.alerts = AlertCounts {
            started: u64::try_from(self.running.len()).unwrap_or(u64::MAX),
            ..AlertCounts::default()
        };
    }
}

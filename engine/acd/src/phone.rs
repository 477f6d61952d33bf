//! An agent's phone as distribution sees it: there or not, left alone for a while or not (rules 12 and 18).

use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::input::Device;
use crate::output::DeviceHealth;
use crate::sabotage;
use crate::why::Hindrance;

/// `device_retry` doubles up to this.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How long a phone that has just hung up is left alone.
const HANGING_UP: Duration = Duration::from_millis(250);

/// Life: good, after a failure skipped until a moment, then tried again; whatever shows it alive makes it good.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Phone {
    #[n(0)]
    device: Device,
    #[n(1)]
    health: DeviceHealth,
    /// Until when it is left alone; none: not at all.
    #[cbor(n(2), with = "crate::micros::option")]
    skipped_until: Option<Duration>,
    /// Failures since it was last seen alive.
    #[n(3)]
    failures: u32,
}

impl Phone {
    pub(crate) const fn new() -> Self {
        Self {
            device: Device::Unregistered,
            health: DeviceHealth::Good,
            skipped_until: None,
            failures: 0,
        }
    }

    pub(crate) const fn device(&self) -> Device {
        self.device
    }

    pub(crate) const fn health(&self) -> DeviceHealth {
        self.health
    }

    pub(crate) const fn skipped_until(&self) -> Option<Duration> {
        self.skipped_until
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.is_there() && self.skipped_until.is_none()
    }

    /// What keeps it from being rung; none exactly if it is usable.
    pub(crate) fn hindrance(&self) -> Option<Hindrance> {
        if !self.is_there() {
            return Some(Hindrance::NoPhone);
        }
        let health = self.health;
        self.skipped_until
            .map(|until| Hindrance::PhoneLeftAlone { health, until })
    }

    /// Whether a call for its user alone may wait for it: a busy one will be free, one that is gone may stay so.
    pub(crate) fn is_reachable(&self) -> bool {
        self.is_there() && self.health != DeviceHealth::Unreachable
    }

    fn is_there(&self) -> bool {
        match self.device {
            Device::Unregistered => sabotage::device_gone(),
            Device::Registered | Device::Trunk => true,
        }
    }

    /// It came, went or registered anew. Coming and registering end `device_retry`.
    pub(crate) fn on_device(&mut self, device: Device) {
        self.device = device;
        match device {
            Device::Unregistered => {}
            Device::Registered | Device::Trunk => self.on_alive(),
        }
    }

    /// It rang or was answered.
    pub(crate) const fn on_alive(&mut self) {
        self.failures = 0;
        self.health = DeviceHealth::Good;
        self.skipped_until = None;
    }

    /// Its own calls have ended: a phone that was busy is so no longer.
    pub(crate) fn on_idle(&mut self) {
        if self.health == DeviceHealth::Busy {
            self.on_alive();
        }
    }

    /// It failed, or is busy with a call we do not know of: left alone for `device_retry`, doubling.
    pub(crate) fn on_failed(&mut self, now: Duration, health: DeviceHealth, retry: Duration) {
        let doubled = retry.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.health = health;
        if !sabotage::device_retry() {
            self.skipped_until = Some(now.saturating_add(doubled.min(RETRY_MAX.max(retry))));
        }
    }

    /// It answered busy within half a second of its own BYE.
    pub(crate) fn on_hanging_up(&mut self, now: Duration) {
        self.health = DeviceHealth::Busy;
        self.skipped_until = Some(now.saturating_add(HANGING_UP));
    }

    /// The time to leave it alone has passed. It counts as failing until it is seen alive, so the next time doubles.
    pub(crate) const fn on_retry_due(&mut self) {
        self.skipped_until = None;
        self.health = DeviceHealth::Good;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn skips(retry_s: u64, times: usize) -> Vec<u64> {
        let mut phone = Phone::new();
        phone.on_device(Device::Registered);
        let mut skips = Vec::new();
        for _ in 0..times {
            let retry = Duration::from_secs(retry_s);
            phone.on_failed(Duration::ZERO, DeviceHealth::Unreachable, retry);
            skips.push(phone.skipped_until().unwrap().as_secs());
            assert!(!phone.is_usable());
            phone.on_retry_due();
            assert!(phone.is_usable());
        }
        skips
    }

    #[test]
    fn rule_12_device_retry_doubles_to_sixty_seconds() {
        assert_eq!(skips(5, 6), [5, 10, 20, 40, 60, 60]);
        assert_eq!(skips(90, 2), [90, 90], "a longer one is kept");
        assert_eq!(skips(5, 40)[39], 60, "no overflow after many");
    }

    #[test]
    fn rule_12_a_register_ends_device_retry_and_starts_the_doubling_anew() {
        let mut phone = Phone::new();
        phone.on_device(Device::Registered);
        let retry = Duration::from_secs(5);
        phone.on_failed(Duration::ZERO, DeviceHealth::Unreachable, retry);
        phone.on_failed(Duration::ZERO, DeviceHealth::Unreachable, retry);
        phone.on_device(Device::Registered);
        assert!(phone.is_usable());
        assert_eq!(phone.health(), DeviceHealth::Good);
        phone.on_failed(Duration::ZERO, DeviceHealth::Unreachable, retry);
        assert_eq!(phone.skipped_until(), Some(retry));
    }

    #[test]
    fn rule_12_a_busy_phone_is_usable_when_idle_an_unreachable_one_is_not() {
        for (health, usable) in [
            (DeviceHealth::Busy, true),
            (DeviceHealth::Unreachable, false),
        ] {
            let mut phone = Phone::new();
            phone.on_device(Device::Trunk);
            phone.on_failed(Duration::ZERO, health, Duration::from_secs(5));
            phone.on_idle();
            assert_eq!(phone.is_usable(), usable, "{health:?}");
        }
    }
}

//! What people do about what happens to them.

use std::net::SocketAddr;
use std::time::Duration;

use super::Crowd;
use super::deeds::{Act, Deed};
use crate::ua::{CallRef, Happening, What};

/// After this even the most patient puts the handset down: whoever was forgotten is not waited for.
const TALK_MAX: Duration = Duration::from_secs(150);

impl Crowd {
    pub(super) fn react(&mut self, address: SocketAddr, happening: &Happening) {
        let Some(call) = happening.call else { return };
        match happening.what {
            What::Rings => self.on_ring(address, call),
            What::Answered => self.on_answer(address, call),
            What::Refused(status) if self.outgoing.contains(&(address, call)) => {
                self.seen.insert(format!("caller got {status}"));
            }
            What::Changed(status) => {
                self.seen.insert(format!("re-INVITE got {status}"));
            }
            What::Refused(_)
            | What::Progress(_)
            | What::Ended
            | What::Lost
            | What::Registered(_) => {}
        }
    }

    fn on_ring(&mut self, address: SocketAddr, call: CallRef) {
        let (after, act) = match self.dice.below(100) {
            0..60 => (self.dice.millis(100, 6_000), Act::Answer),
            60..70 => {
                let statuses = [302, 480, 486, 486, 500, 503, 600, 603, 603];
                let status = self.dice.pick(&statuses).copied().unwrap_or(486);
                (self.dice.millis(0, 5_000), Act::Refuse(status))
            }
            // Close to the moment at which it is taken back.
            70..76 => (self.dice.millis(11_900, 12_100), Act::Answer),
            76..80 => (self.dice.millis(19_900, 20_100), Act::Answer),
            80..84 if self.desks.contains_key(&address) => {
                let soon = self.dice.millis(0, 3_000);
                return self.plan(soon, Deed::VanishNow(address));
            }
            80..92 => return,
            _ => (self.dice.millis(0, 60), Act::Answer),
        };
        self.plan_with(after, address, call, act);
    }

    fn on_answer(&mut self, address: SocketAddr, call: CallRef) {
        self.plan_with(TALK_MAX, address, call, Act::HangUp);
        let called = !self.outgoing.contains(&(address, call));
        if called && self.dice.chance(600) {
            let talk = self.dice.millis(10, 30_000);
            self.plan_with(talk, address, call, Act::HangUp);
        }
        if self.dice.chance(100) {
            self.plan_with(Duration::ZERO, address, call, Act::Mute);
        }
        if self.dice.chance(150) {
            let after = self.dice.millis(0, 6_000);
            let act = if self.dice.chance(800) {
                Act::Hold
            } else {
                Act::ReinviteWithoutOffer
            };
            self.plan_with(after, address, call, act);
        }
    }
}

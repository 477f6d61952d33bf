//! Two sides that want to change the same dialog at once (RFC 3261 §14, RFC 3311 §5.2).
//!
//! Owns who has an INVITE or an UPDATE with an offer under way in one dialog. What the offer says
//! is not its business.

use core::time::Duration;

/// The offers under way in one dialog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offers {
    ours: bool,
    theirs: bool,
}

/// Why an offer of the other side cannot be taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Glare {
    /// Ours is under way: they try again later, and so do we.
    #[error("our own offer is under way")]
    OursPending,
    /// An earlier one of theirs has no final response yet.
    #[error("an earlier offer is not answered yet")]
    TheirsPending,
}

impl Glare {
    /// The status that says so (RFC 3261 §14.2).
    #[must_use]
    pub const fn sip_status(self) -> u16 {
        match self {
            Self::OursPending => 491,
            Self::TheirsPending => 500,
        }
    }

    /// The Retry-After, in whole seconds from 0 to 10, that the status must carry.
    #[must_use]
    pub const fn retry_after_s(self, random: u64) -> Option<u8> {
        match self {
            Self::OursPending => None,
            Self::TheirsPending => Some((random % 11) as u8),
        }
    }
}

impl Offers {
    /// Those of a dialog that their INVITE begins, with an offer in it or without.
    #[must_use]
    pub const fn of_invite(offered: bool) -> Self {
        Self {
            ours: false,
            theirs: offered,
        }
    }

    /// Whether we may send an offer now.
    #[must_use]
    pub const fn may_send(self) -> bool {
        !self.ours && !self.theirs
    }

    /// We send an offer.
    pub const fn on_sent(&mut self) {
        self.ours = true;
    }

    /// The other side sends an offer.
    ///
    /// # Errors
    ///
    /// It has to be refused; the state is as before.
    pub const fn on_received(&mut self) -> Result<(), Glare> {
        if self.ours {
            return Err(Glare::OursPending);
        }
        if self.theirs {
            return Err(Glare::TheirsPending);
        }
        self.theirs = true;
        Ok(())
    }

    /// Our offer has its final response.
    pub const fn on_sent_done(&mut self) {
        self.ours = false;
    }

    /// We have given the final response to theirs.
    pub const fn on_received_done(&mut self) {
        self.theirs = false;
    }
}

/// How long to wait after a 491 before trying again (RFC 3261 §14.1): 2.1 to 4 s for the side that
/// made the Call-ID, 0 to 2 s for the other, in steps of 10 ms.
#[must_use]
pub const fn retry_after_glare(owns_call_id: bool, random: u64) -> Duration {
    let (first, steps) = if owns_call_id { (210, 191) } else { (0, 201) };
    Duration::from_millis(10 * (first + random % steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_exclude_one_another() {
        let mut offers = Offers::default();
        assert!(offers.may_send());
        offers.on_sent();
        assert!(!offers.may_send());
        assert_eq!(offers.on_received(), Err(Glare::OursPending));
        offers.on_sent_done();
        assert_eq!(offers.on_received(), Ok(()));
        assert!(!offers.may_send());
        assert_eq!(offers.on_received(), Err(Glare::TheirsPending));
        offers.on_received_done();
        assert!(offers.may_send());
    }

    #[test]
    fn the_statuses_are_those_of_14_2() {
        assert_eq!(Glare::OursPending.sip_status(), 491);
        assert_eq!(Glare::OursPending.retry_after_s(7), None);
        assert_eq!(Glare::TheirsPending.sip_status(), 500);
        for random in 0..100 {
            assert!(Glare::TheirsPending.retry_after_s(random) <= Some(10));
        }
    }

    #[test]
    fn the_wait_is_that_of_14_1() {
        let ms = Duration::from_millis;
        for (name, owner, random, expected) in [
            ("owner, least", true, 0, ms(2100)),
            ("owner, most", true, 190, ms(4000)),
            ("owner, around", true, 191, ms(2100)),
            ("other, least", false, 0, ms(0)),
            ("other, most", false, 200, ms(2000)),
            ("other, around", false, 201, ms(0)),
        ] {
            assert_eq!(retry_after_glare(owner, random), expected, "{name}");
        }
    }
}

//! One alert, from the moment an agent is chosen to its one end (rules 10 to 12).
//!
//! What a phone's answer means is decided here; what follows from it, in `acd::alerting`.

use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::ids::{AgentId, InteractionId};
use crate::input::AlertEnd;
use crate::output::DivertReason;
use crate::rank::Target;
use crate::sabotage;

/// A phone that answers 486 this soon after its own BYE has only not put down yet.
const JUST_HUNG_UP: Duration = Duration::from_millis(500);

/// An interaction presented to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Alert {
    #[n(0)]
    pub(crate) interaction: InteractionId,
    #[n(1)]
    pub(crate) agent: AgentId,
    /// Where the interaction waited: whose rules hold for its end.
    #[n(2)]
    pub(crate) from: Target,
    /// When it times out.
    #[cbor(n(3), with = "crate::micros")]
    pub(crate) until: Duration,
    /// A provisional response other than 100 has come.
    #[n(4)]
    pub(crate) ringing: bool,
    /// The agent chose the interaction (rule 13).
    #[n(5)]
    #[cbor(default)]
    pub(crate) picked_up: bool,
    /// It rings for all who are free (rule 6): to let it ring counts for nobody.
    #[n(6)]
    #[cbor(default)]
    pub(crate) for_all: bool,
}

/// What an end at the agent's side means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Rejected,
    /// The phone cannot be reached: skipped for `device_retry`.
    Unreachable {
        status: u16,
    },
    /// The phone is busy with a call of its own: skipped until it is idle, or for `device_retry`.
    PhoneBusy {
        status: u16,
    },
    /// The phone has just hung up: tried again in a moment.
    PhoneHangingUp {
        status: u16,
    },
}

impl Alert {
    /// Where the interaction goes that this agent did not take, if it waited for them alone (rule 2).
    pub(crate) fn untaken(&self, reason: DivertReason) -> Option<DivertReason> {
        (self.from == Target::Personal(self.agent)).then_some(reason)
    }

    /// Rules 11 and 12.
    pub(crate) fn verdict(&self, end: AlertEnd) -> Verdict {
        match end {
            AlertEnd::Accepted => Verdict::Accepted,
            AlertEnd::Rejected => Verdict::Rejected,
            AlertEnd::NoProvisional => Verdict::Unreachable { status: 408 },
            AlertEnd::NoBinding => Verdict::Unreachable { status: 480 },
            AlertEnd::Refused {
                status,
                since_own_bye,
            } => self.verdict_on(status, since_own_bye),
        }
    }

    fn verdict_on(&self, status: u16, since_own_bye: Option<Duration>) -> Verdict {
        match status {
            603 => Verdict::Rejected,
            486 | 600 if self.ringing || sabotage::phone_busy() => Verdict::Rejected,
            486 | 600 if since_own_bye.is_some_and(|since| since < JUST_HUNG_UP) => {
                Verdict::PhoneHangingUp { status }
            }
            486 | 600 => Verdict::PhoneBusy { status },
            _ => Verdict::Unreachable { status },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn refused(status: u16) -> AlertEnd {
        AlertEnd::Refused {
            status,
            since_own_bye: None,
        }
    }

    const fn refused_after_bye(status: u16, millis: u64) -> AlertEnd {
        AlertEnd::Refused {
            status,
            since_own_bye: Some(Duration::from_millis(millis)),
        }
    }

    #[test]
    fn rules_11_and_12_say_what_a_phones_answer_means() {
        use Verdict::{Accepted, PhoneBusy, PhoneHangingUp, Rejected, Unreachable};
        let failed = |status| Unreachable { status };
        let busy = |status| PhoneBusy { status };
        // (what came, before ringing, after ringing)
        let cases = [
            (AlertEnd::Accepted, Accepted, Accepted),
            (AlertEnd::Rejected, Rejected, Rejected),
            (refused(486), busy(486), Rejected),
            (refused(600), busy(600), Rejected),
            (refused(603), Rejected, Rejected),
            (refused(408), failed(408), failed(408)),
            (refused(480), failed(480), failed(480)),
            (refused(503), failed(503), failed(503)),
            (refused(302), failed(302), failed(302)),
            (refused(404), failed(404), failed(404)),
            (refused(488), failed(488), failed(488)),
            (AlertEnd::NoProvisional, failed(408), failed(408)),
            (AlertEnd::NoBinding, failed(480), failed(480)),
            (
                refused_after_bye(486, 499),
                PhoneHangingUp { status: 486 },
                Rejected,
            ),
            (
                refused_after_bye(600, 0),
                PhoneHangingUp { status: 600 },
                Rejected,
            ),
            (refused_after_bye(486, 500), busy(486), Rejected),
            (refused_after_bye(503, 10), failed(503), failed(503)),
        ];
        for (end, before, after) in cases {
            for (ringing, expected) in [(false, before), (true, after)] {
                let alert = Alert {
                    interaction: InteractionId(1),
                    agent: AgentId(1),
                    from: Target::Personal(AgentId(1)),
                    until: Duration::ZERO,
                    ringing,
                    picked_up: false,
                    for_all: false,
                };
                assert_eq!(alert.verdict(end), expected, "{end:?}, ringing: {ringing}");
            }
        }
    }
}

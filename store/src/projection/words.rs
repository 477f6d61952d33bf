//! How the words of events stand in a column: as in JSON. A new variant does not compile until it has its word here.

use engine::event::{
    Activity, AlertEnd, Direction, Diversion, EndResult, EndedBy, LegRole, Presence,
};

/// A value that stands in a column as one word.
pub(crate) trait Word: Sized {
    fn word(&self) -> &'static str;
    fn parse(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl Word for $type {
            fn word(&self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        impl tests::All for $type {
            const ALL: &[Self] = &[$(Self::$variant),+];
        }
    };
}

words!(Direction { Inbound = "inbound", Outbound = "outbound", Internal = "internal" });
words!(LegRole { Caller = "caller", Agent = "agent", Callee = "callee" });
words!(EndResult {
    Answered = "answered",
    Abandoned = "abandoned",
    Closed = "closed",
    Refused = "refused",
    Busy = "busy",
    NoAnswer = "no-answer",
    Failed = "failed",
    Rejected = "rejected",
    Announced = "announced",
    Withdrawn = "withdrawn",
    Interrupted = "interrupted",
});
words!(EndedBy { Caller = "caller", Callee = "callee", System = "system", User = "user" });
words!(AlertEnd {
    Accepted = "accepted",
    Rejected = "rejected",
    TimedOut = "timed-out",
    Withdrawn = "withdrawn",
    Failed = "failed",
});
words!(Diversion {
    Closed = "closed",
    Closing = "closing",
    Full = "full",
    Refused = "refused",
    Unavailable = "unavailable",
    Removed = "removed",
    Overflow = "overflow",
    Nobody = "nobody",
    ServiceLevel = "service-level",
});
words!(Presence { Offline = "offline", Available = "available", Break = "break" });
words!(Activity { Idle = "idle", Alerting = "alerting", Busy = "busy", WrapUp = "wrap-up" });

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::Serialize;

    use super::*;

    pub(super) trait All: Sized + 'static {
        const ALL: &[Self];
    }

    fn check<T: All + Word + Serialize + PartialEq + Debug>() {
        for value in T::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), value.word());
            assert_eq!(T::parse(value.word()).as_ref(), Some(value));
        }
        assert_eq!(T::parse("no such word"), None);
    }

    #[test]
    fn columns_say_what_json_says() {
        check::<Direction>();
        check::<LegRole>();
        check::<EndResult>();
        check::<EndedBy>();
        check::<AlertEnd>();
        check::<Diversion>();
        check::<Presence>();
        check::<Activity>();
    }
}

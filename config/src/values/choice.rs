//! Fields that hold one of a few words.

/// An enum whose values are words: in TOML, in JSON, in the reference. Words of later releases are
/// refused as such.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident {
            $( $(#[doc = $variant_doc:literal])+ $(#[$default:ident])? $variant:ident = $word:literal, )+
        }
        later { $($later:literal),* $(,)? }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum $name {
            $( $(#[doc = $variant_doc])+ $(#[$default])? $variant, )+
        }

        impl $name {
            /// The words, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for this value.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::read::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    $($later => Err($crate::values::choice::not_built($later, Self::WORDS)),)*
                    _ => Err($crate::values::choice::no_such_word(text, Self::WORDS)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::read::Field for $name {
            fn read(node: &$crate::read::Node, reader: &mut $crate::read::Reader) -> Option<Self> {
                let example = Self::WORDS.first().copied().unwrap_or_default();
                $crate::read::read_text(node, reader, "a word", example)
            }

            fn write(&self) -> serde_json::Value {
                serde_json::Value::from(self.as_str())
            }

            fn shape() -> $crate::read::Shape {
                $crate::read::Shape::Choice(Self::WORDS)
            }
        }
    };
}
pub(crate) use choice;

use crate::read::{Invalid, closest};

pub(crate) fn not_built(word: &str, words: &[&str]) -> Invalid {
    Invalid::new(
        format!("\"{word}\" is known, but not built yet"),
        format!("write {}", one_of(words)),
    )
}

pub(crate) fn no_such_word(text: &str, words: &[&str]) -> Invalid {
    let help = closest(text, words.iter().copied()).map_or_else(
        || format!("write {}", one_of(words)),
        |near| format!("did you mean \"{near}\"? It may be {}", one_of(words)),
    );
    Invalid::new(
        format!("\"{}\" is not known here", text.escape_debug()),
        help,
    )
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(" or ")
}

choice! {
    /// What a user may do; each role may do what those before it may.
    pub enum Role {
        /// Takes calls.
        #[default]
        Attendant = "attendant",
        /// Also sees and steers the work of others.
        Supervisor = "supervisor",
        /// Also changes the centre.
        Administrator = "administrator",
    }
    later {}
}

choice! {
    /// Strict class of an interaction: every urgent one before every normal one, whatever the wait.
    pub enum Tier {
        /// Before all others.
        Urgent = "urgent",
        /// The usual.
        #[default]
        Normal = "normal",
        /// After all others.
        Low = "low",
    }
    later {}
}

impl Tier {
    /// The class of a caller of whom two things say one: urgent if either does, else low if either does.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Urgent, _) | (_, Self::Urgent) => Self::Urgent,
            (Self::Low, _) | (_, Self::Low) => Self::Low,
            (Self::Normal, Self::Normal) => Self::Normal,
        }
    }
}

choice! {
    /// Which of several free agents gets an interaction.
    pub enum Strategy {
        /// The one who has been idle for longest.
        #[default]
        LongestIdle = "longest-idle",
        /// The one whom the queue has not alerted for longest.
        RoundRobin = "round-robin",
        /// The one who has taken the fewest calls today.
        FewestCalls = "fewest-calls",
        /// The one whose calls have taken the smallest share of today's logged-in time.
        LeastOccupied = "least-occupied",
        /// The one with the lowest `order`.
        FixedOrder = "fixed-order",
        /// The one with the highest `level`.
        SkillLevel = "skill-level",
        /// By lot, as likely as their `weight` is large.
        WeightedRandom = "weighted-random",
        /// All of them at once; the first to answer has it.
        RingAll = "ring-all",
    }
    later {}
}

choice! {
    /// How far an extension of SIP is used with a trunk.
    pub enum ExtensionUse {
        /// Not at all: it is not named, and who requires it is refused.
        Off = "off",
        /// When the other side wants it.
        #[default]
        Accept = "accept",
        /// We ask for it ourselves.
        Request = "request",
    }
    later {}
}

choice! {
    /// When the caller's call is answered.
    pub enum AnswerMode {
        /// At once: the caller hears the welcome and music.
        #[default]
        AtOnce = "at-once",
    }
    later { "on-agent" }
}

choice! {
    /// Who must be there for a caller to be let into the queue.
    pub enum JoinWhen {
        /// Nobody: callers always enter.
        #[default]
        Always = "always",
        /// An agent of the queue who is logged in, on break or not.
        SomeoneLoggedIn = "someone-logged-in",
        /// An agent of the queue who is logged in and not on break.
        SomeoneAvailable = "someone-available",
    }
    later {}
}

choice! {
    /// What becomes of those waiting when the queue closes.
    pub enum WhenClosing {
        /// They stay and are served.
        #[default]
        Stay = "stay",
        /// They go to `when_closed`.
        Go = "go",
    }
    later {}
}

choice! {
    /// How a trunk and we find one another.
    pub enum TrunkKind {
        /// A known address.
        #[default]
        Peer = "peer",
        /// It registers here.
        Inbound = "inbound",
    }
    later { "outbound" }
}

choice! {
    /// A way to code speech.
    pub enum Codec {
        /// G.711 A-law.
        #[default]
        Pcma = "pcma",
        /// G.711 µ-law.
        Pcmu = "pcmu",
    }
    later { "g722", "opus" }
}

choice! {
    /// Where a trunk says which number was dialled.
    pub enum CalledNumber {
        /// The user part of the Request-URI.
        #[default]
        RequestUri = "request-uri",
        /// The user part of the To header.
        To = "to",
        /// The user part of P-Called-Party-ID (RFC 7315 §4.2).
        PCalledPartyId = "p-called-party-id",
    }
    later {}
}

choice! {
    /// Whether an agent's wrap-up ends without a code.
    pub enum WrapUpCode {
        /// It may.
        #[default]
        Optional = "optional",
        /// Only a supervisor can end it so.
        Required = "required",
    }
    later {}
}

choice! {
    /// Who plays music to a held side.
    pub enum HoldMode {
        /// We do.
        #[default]
        Local = "local",
    }
    later { "relay" }
}

choice! {
    /// A digest algorithm phones are challenged with (RFC 8760).
    pub enum DigestAlgorithm {
        /// MD5, which every phone knows.
        #[default]
        Md5 = "md5",
        /// SHA-256; many phones fail when they are offered it.
        Sha256 = "sha-256",
    }
    later {}
}

choice! {
    /// Whether a peer that connects over TLS must show a certificate.
    pub enum VerifyClient {
        /// It is not asked for one.
        #[default]
        Off = "off",
        /// It may show one, which must be right then.
        Optional = "optional",
        /// Without a right one it does not get in.
        Required = "required",
    }
    later {}
}

choice! {
    /// The least important thing that is logged.
    pub enum LogLevel {
        /// Worth waking someone.
        Error = "error",
        /// Worth a look in the morning.
        Warn = "warn",
        /// Per call.
        #[default]
        Info = "info",
        /// Per decision.
        Debug = "debug",
        /// Per packet.
        Trace = "trace",
    }
    later {}
}

choice! {
    /// What sources hear that nobody knows.
    pub enum UnknownSources {
        /// 403 to a call, 200 to OPTIONS.
        #[default]
        Answer = "answer",
        /// Nothing, but to REGISTER.
        Silent = "silent",
    }
    later {}
}

choice! {
    /// How log lines look.
    pub enum LogFormat {
        /// For people.
        #[default]
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
    later {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_later_release_is_refused_as_such() {
        let fault = "on-agent".parse::<AnswerMode>().unwrap_err();
        assert_eq!(fault.message, "\"on-agent\" is known, but not built yet");
        assert_eq!(fault.help, "write \"at-once\"");
    }

    #[test]
    fn a_word_nobody_knows_is_refused_with_the_nearest() {
        let fault = "supervizor".parse::<Role>().unwrap_err();
        assert!(
            fault.help.starts_with("did you mean \"supervisor\"?"),
            "{}",
            fault.help
        );
    }

    #[test]
    fn roles_and_tiers_are_ordered() {
        assert!(Role::Attendant < Role::Supervisor && Role::Supervisor < Role::Administrator);
        assert!(Tier::Urgent < Tier::Normal && Tier::Normal < Tier::Low);
    }

    #[test]
    fn a_class_that_is_said_prevails_and_urgent_over_low() {
        use Tier::{Low, Normal, Urgent};
        let cases = [
            (Normal, Normal, Normal),
            (Normal, Urgent, Urgent),
            (Normal, Low, Low),
            (Low, Urgent, Urgent),
            (Low, Low, Low),
        ];
        for (one, other, expected) in cases {
            assert_eq!(one.or(other), expected, "{one} {other}");
            assert_eq!(other.or(one), expected, "{other} {one}");
        }
    }
}

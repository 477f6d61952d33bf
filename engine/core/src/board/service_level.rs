//! Service level: what share of the calls were answered soon enough, in the variants that are in use.

use core::fmt;

use super::tally::Outcomes;

/// A part of a whole. Of nothing there is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub part: u64,
    /// The whole.
    pub whole: u64,
}

impl Share {
    /// In ten-thousandths, rounded to the nearest, a half up; none for 0/0.
    pub fn ten_thousandths(self) -> Option<u32> {
        let (part, whole) = (u128::from(self.part), u128::from(self.whole));
        let rounded = (part * 20_000 + whole).checked_div(whole * 2)?;
        u32::try_from(rounded).ok()
    }
}

/// In percent with one digit, such as `37.5 %`; `–` for 0/0.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, whole) = (u128::from(self.part), u128::from(self.whole));
        match (part * 2_000 + whole).checked_div(whole * 2) {
            Some(tenths) => write!(f, "{}.{} %", tenths / 10, tenths % 10),
            None => f.write_str("–"),
        }
    }
}

/// How the service level is worked out. A stands for answered, B for abandoned, F for flowed out, O for all that are over;
/// `≤T` for those within the service level's `seconds`, `s` for the short abandons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// A≤T / (A + B + F − Bs): as Genesys Cloud with flow-outs, so that overflow cannot hide. Ours.
    Genesys,
    /// A≤T / (A + B − Bs): as Genesys Cloud without flow-outs.
    GenesysWithoutFlowOuts,
    /// A≤T / (A + B − Bs): as Genesys Stat Server, whose abandons below a threshold are these short ones.
    StatServer,
    /// A≤T / A: Asterisk's `SL`.
    Handled,
    /// A≤T / (O − B≤T): Cisco UCCX; UCCE's 'abandon ignored'.
    WithoutAbandon,
    /// (A≤T + B≤T) / O: Cisco; UCCE's 'abandon positive'.
    Positive,
    /// A≤T / O: Cisco; UCCE's 'abandon negative'.
    Negative,
    /// (A≤T + B≤T) / (A + B): Asterisk's `SL2`.
    AsteriskSl2,
}

impl Variant {
    /// All of them, ours first.
    pub const ALL: [Self; 8] = [
        Self::Genesys,
        Self::GenesysWithoutFlowOuts,
        Self::StatServer,
        Self::Handled,
        Self::WithoutAbandon,
        Self::Positive,
        Self::Negative,
        Self::AsteriskSl2,
    ];

    /// Its name in answers and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Genesys => "genesys",
            Self::GenesysWithoutFlowOuts => "genesys-without-flow-outs",
            Self::StatServer => "stat-server",
            Self::Handled => "handled",
            Self::WithoutAbandon => "without-abandon",
            Self::Positive => "positive",
            Self::Negative => "negative",
            Self::AsteriskSl2 => "asterisk-sl2",
        }
    }

    /// The service level of these.
    pub const fn of(self, of: &Outcomes) -> Share {
        let both = of.answered + of.abandoned;
        let within = of.answered_within;
        let (part, whole) = match self {
            Self::Genesys => (within, both + of.flowed_out - of.short),
            Self::GenesysWithoutFlowOuts | Self::StatServer => (within, both - of.short),
            Self::Handled => (within, of.answered),
            Self::WithoutAbandon => (within, of.offered() - of.abandoned_within),
            Self::Positive => (within + of.abandoned_within, of.offered()),
            Self::Negative => (within, of.offered()),
            Self::AsteriskSl2 => (within + of.abandoned_within, both),
        };
        Share { part, whole }
    }
}

//! Who sends and who receives on a stream.

/// The direction of a stream, seen from the side whose description it stands in (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways; also when nothing is said.
    #[default]
    SendRecv,
    /// This side talks only: it holds the other.
    SendOnly,
    /// This side listens only.
    RecvOnly,
    /// Nobody talks.
    Inactive,
}

impl Direction {
    /// The direction in which this side `sends` and `receives`.
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether this side sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether this side receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same stream seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both allow (RFC 3264 §6.1).
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::new(
            self.sends() && other.sends(),
            self.receives() && other.receives(),
        )
    }

    /// The attribute that says so.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    pub(super) fn from_attribute(name: &str) -> Option<Self> {
        [
            Self::SendRecv,
            Self::SendOnly,
            Self::RecvOnly,
            Self::Inactive,
        ]
        .into_iter()
        .find(|direction| direction.attribute() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{self, Inactive, RecvOnly, SendOnly, SendRecv};

    /// RFC 3264 §6.1: what may answer what, with both sides' wishes.
    #[test]
    fn offered_and_wished_give_the_answer() {
        let table = [
            (SendRecv, SendRecv, SendRecv),
            (SendRecv, SendOnly, SendOnly),
            (SendRecv, Inactive, Inactive),
            (SendOnly, SendRecv, RecvOnly),
            (SendOnly, SendOnly, Inactive),
            (RecvOnly, SendRecv, SendOnly),
            (RecvOnly, RecvOnly, Inactive),
            (Inactive, SendRecv, Inactive),
        ];
        for (offered, wished, answer) in table {
            assert_eq!(
                offered.reversed().and(wished),
                answer,
                "{offered:?} offered, {wished:?} wished"
            );
        }
    }

    #[test]
    fn attributes_name_directions() {
        for direction in [SendRecv, SendOnly, RecvOnly, Inactive] {
            assert_eq!(
                Direction::from_attribute(direction.attribute()),
                Some(direction)
            );
            assert_eq!(direction.reversed().reversed(), direction);
        }
        assert_eq!(Direction::from_attribute("sendrec"), None);
    }
}

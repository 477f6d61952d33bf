//! From which address a leg's packets are taken, and where they are sent.
//!
//! A latch is made from what SDP and signalling say. A source that the rule allows and that sends four packets of one
//! stream is *fixed*: from then on nothing else is taken. It is learned anew when SDP comes again, and after five
//! seconds of silence. What a third party sends meanwhile changes nothing: it would have to come from the peer's own
//! address, that of the SDP ([`LatchRule::Signalled`]) or of the signalling ([`LatchRule::AnyPortOf`]), and until four
//! packets of one stream have come nothing is passed on. Only the port that the SDP names at its own address is
//! heard from its first packet on, and from then on no other port is.
//!
//! Leaves to others: silence and time (the leg), connecting sockets (`media-io`).

use core::net::SocketAddr;

use crate::control::LatchRule;

/// Packets of one stream from one source that fix it.
const PACKETS_TO_FIX: u8 = 4;

/// Sources watched at once while none is fixed. More than this at one address are not a phone.
const CANDIDATES_MAX: usize = 4;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// From the peer.
    Peer,
    /// From the peer, whose source is fixed with this packet.
    Fixed,
    /// Perhaps from the peer; dropped until we know.
    Unsure,
    /// From somebody else.
    Stranger,
}

/// The learned address of one leg's RTP.
#[derive(Debug, Clone)]
pub struct Latch {
    rule: LatchRule,
    /// Where SDP wants packets, with the signalling's address behind NAT.
    signalled: SocketAddr,
    fixed: Option<SocketAddr>,
    /// The source fixed before, which stays good while it is learned anew.
    former: Option<SocketAddr>,
    candidates: [Option<Candidate>; CANDIDATES_MAX],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    packets: u8,
}

impl Latch {
    /// Starts to learn, from the address in SDP and the rule.
    pub fn new(rule: LatchRule, sdp: SocketAddr) -> Self {
        let signalled = match rule {
            LatchRule::Signalled => sdp,
            LatchRule::AnyPortOf(address) => SocketAddr::new(address, sdp.port()),
        };
        Self {
            rule,
            signalled,
            fixed: None,
            former: None,
            candidates: [None; CANDIDATES_MAX],
        }
    }

    /// Where to send: the fixed source, else the one fixed before, else what was signalled. `None` when SDP named
    /// no place: port 0 or the unspecified address.
    pub fn destination(&self) -> Option<SocketAddr> {
        let destination = self.fixed.or(self.former).unwrap_or(self.signalled);
        (destination.port() != 0 && !destination.ip().is_unspecified()).then_some(destination)
    }

    /// The fixed source.
    pub fn fixed(&self) -> Option<SocketAddr> {
        self.fixed
    }

    /// Judges a packet by its source.
    pub fn handle_packet(&mut self, source: SocketAddr, ssrc: u32) -> Verdict {
        if let Some(fixed) = self.fixed {
            return if source == fixed {
                Verdict::Peer
            } else {
                Verdict::Stranger
            };
        }
        let named = self.is_named(source);
        if !self.allows(source) || (!named && self.named_speaks()) {
            return Verdict::Stranger;
        }
        if named && !self.named_speaks() {
            self.candidates = [None; CANDIDATES_MAX];
        }
        let known = named || self.former == Some(source);
        if self.count(source, ssrc) >= PACKETS_TO_FIX {
            self.fixed = Some(source);
            self.candidates = [None; CANDIDATES_MAX];
            return Verdict::Fixed;
        }
        if known {
            Verdict::Peer
        } else {
            Verdict::Unsure
        }
    }

    /// Whether the rule lets this source be the peer; for RTCP only its address counts, its port being another.
    pub fn allows_rtcp(&self, source: SocketAddr, sdp_rtcp: SocketAddr) -> bool {
        match self.rule {
            LatchRule::Signalled => source.ip() == sdp_rtcp.ip(),
            LatchRule::AnyPortOf(address) => source.ip() == address,
        }
    }

    /// Learns anew under the same rule: packets still go to the old source until another is fixed.
    pub fn relearn(&mut self) {
        self.former = self.fixed.take().or(self.former);
        self.candidates = [None; CANDIDATES_MAX];
    }

    /// Learns anew after new SDP. When that says the same as before, the old source stays good meanwhile.
    pub fn renew(&mut self, rule: LatchRule, sdp: SocketAddr) {
        let renewed = Self::new(rule, sdp);
        if (renewed.rule, renewed.signalled) == (self.rule, self.signalled) {
            self.relearn();
        } else {
            *self = renewed;
        }
    }

    fn allows(&self, source: SocketAddr) -> bool {
        match self.rule {
            LatchRule::Signalled => source.ip() == self.signalled.ip(),
            LatchRule::AnyPortOf(address) => source.ip() == address,
        }
    }

    /// Whether this is the very place that the SDP names: no guess.
    fn is_named(&self, source: SocketAddr) -> bool {
        self.rule == LatchRule::Signalled && source == self.signalled
    }

    fn named_speaks(&self) -> bool {
        let mut candidates = self.candidates.iter().flatten();
        candidates.any(|candidate| self.is_named(candidate.source))
    }

    /// Counts the packet for its candidate and answers with the count; 0 when there is no room for a new one.
    fn count(&mut self, source: SocketAddr, ssrc: u32) -> u8 {
        let same = |candidate: &Candidate| candidate.source == source && candidate.ssrc == ssrc;
        if let Some(candidate) = self
            .candidates
            .iter_mut()
            .flatten()
            .find(|candidate| same(candidate))
        {
            candidate.packets = candidate.packets.saturating_add(1);
            return candidate.packets;
        }
        // A free place, else that of a candidate that has sent but one packet.
        let place = self
            .candidates
            .iter_mut()
            .min_by_key(|place| place.map_or(0, |candidate| candidate.packets));
        match place {
            Some(place) if place.is_none_or(|candidate| candidate.packets <= 1) => {
                *place = Some(Candidate {
                    source,
                    ssrc,
                    packets: 1,
                });
                1
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{IpAddr, Ipv4Addr};

    const SDP: &str = "192.168.1.7:4000";
    /// Another port of the address in the SDP.
    const ELSEWHERE: &str = "192.168.1.7:61000";
    const PHONE: &str = "203.0.113.5:61000";
    const OTHER: &str = "203.0.113.5:61002";
    const THIRD: &str = "198.51.100.9:4000";

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    fn behind_nat() -> Latch {
        Latch::new(LatchRule::AnyPortOf(at(PHONE).ip()), at(SDP))
    }

    fn check(latch: &mut Latch, packets: &[(&str, u32, Verdict)]) {
        for (index, (source, ssrc, expected)) in packets.iter().enumerate() {
            assert_eq!(
                latch.handle_packet(at(source), *ssrc),
                *expected,
                "packet {index} from {source}"
            );
        }
    }

    #[test]
    fn the_sdp_address_is_heard_at_once_and_fixed_with_its_fourth_packet() {
        use Verdict::{Fixed, Peer, Stranger};
        let mut latch = Latch::new(LatchRule::Signalled, at(SDP));
        assert_eq!(latch.destination(), Some(at(SDP)));
        check(
            &mut latch,
            &[
                (SDP, 1, Peer),
                (THIRD, 1, Stranger),
                (ELSEWHERE, 1, Stranger),
                (SDP, 1, Peer),
                (SDP, 1, Peer),
                (SDP, 1, Fixed),
                (SDP, 2, Peer),
                (THIRD, 1, Stranger),
            ],
        );
        assert_eq!(latch.fixed(), Some(at(SDP)));
    }

    #[test]
    fn a_gateway_that_sends_from_another_port_is_found_by_four_packets() {
        use Verdict::{Fixed, Peer, Stranger, Unsure};
        let mut latch = Latch::new(LatchRule::Signalled, at(SDP));
        check(
            &mut latch,
            &[
                (ELSEWHERE, 1, Unsure),
                (THIRD, 1, Stranger),
                (ELSEWHERE, 1, Unsure),
                (ELSEWHERE, 1, Unsure),
            ],
        );
        assert_eq!(latch.destination(), Some(at(SDP)), "until it is fixed");
        check(
            &mut latch,
            &[
                (ELSEWHERE, 1, Fixed),
                (ELSEWHERE, 1, Peer),
                (THIRD, 1, Stranger),
                (SDP, 1, Stranger),
            ],
        );
        assert_eq!(latch.destination(), Some(at(ELSEWHERE)));
    }

    #[test]
    fn the_port_in_the_sdp_is_heard_whatever_other_ports_have_sent() {
        use Verdict::{Fixed, Peer, Stranger, Unsure};
        let mut latch = Latch::new(LatchRule::Signalled, at(SDP));
        for port in 0..8 {
            let stray = SocketAddr::new(at(SDP).ip(), 7_000 + port);
            (0..3).for_each(|_| _ = latch.handle_packet(stray, 5));
        }
        check(
            &mut latch,
            &[
                (ELSEWHERE, 1, Unsure),
                (SDP, 2, Peer),
                (ELSEWHERE, 1, Stranger),
                (SDP, 2, Peer),
                (SDP, 2, Peer),
                (SDP, 2, Fixed),
            ],
        );
    }

    #[test]
    fn behind_nat_four_packets_of_one_stream_tell_the_port() {
        use Verdict::{Fixed, Peer, Stranger, Unsure};
        let mut latch = behind_nat();
        assert_eq!(
            latch.destination(),
            Some(at("203.0.113.5:4000")),
            "a guess until the phone is heard"
        );
        check(
            &mut latch,
            &[
                (PHONE, 1, Unsure),
                (OTHER, 9, Unsure),
                (SDP, 1, Stranger),
                (THIRD, 1, Stranger),
                (PHONE, 1, Unsure),
                (PHONE, 1, Unsure),
                (OTHER, 9, Unsure),
                (PHONE, 1, Fixed),
                (PHONE, 7, Peer),
                (OTHER, 9, Stranger),
            ],
        );
        assert_eq!(latch.destination(), Some(at(PHONE)));
    }

    #[test]
    fn one_stream_counts_not_one_address() {
        let mut latch = behind_nat();
        for ssrc in 0..20 {
            assert_eq!(
                latch.handle_packet(at(PHONE), ssrc),
                Verdict::Unsure,
                "{ssrc}"
            );
        }
        assert_eq!(latch.fixed(), None);
    }

    #[test]
    fn a_crowd_at_one_address_does_not_push_out_a_candidate() {
        let mut latch = behind_nat();
        check(
            &mut latch,
            &[(PHONE, 1, Verdict::Unsure), (PHONE, 1, Verdict::Unsure)],
        );
        for ssrc in 100..140 {
            latch.handle_packet(at(OTHER), ssrc);
        }
        check(
            &mut latch,
            &[(PHONE, 1, Verdict::Unsure), (PHONE, 1, Verdict::Fixed)],
        );
    }

    #[test]
    fn silence_frees_the_port_but_not_the_address() {
        use Verdict::{Fixed, Peer, Stranger, Unsure};
        let mut latch = behind_nat();
        check(
            &mut latch,
            &[
                (PHONE, 1, Unsure),
                (PHONE, 1, Unsure),
                (PHONE, 1, Unsure),
                (PHONE, 1, Fixed),
            ],
        );
        latch.relearn();
        assert_eq!(
            latch.destination(),
            Some(at(PHONE)),
            "until another is fixed"
        );
        check(
            &mut latch,
            &[
                (PHONE, 1, Peer),
                (THIRD, 1, Stranger),
                (OTHER, 2, Unsure),
                (OTHER, 2, Unsure),
                (OTHER, 2, Unsure),
                (OTHER, 2, Fixed),
                (PHONE, 1, Stranger),
            ],
        );
        assert_eq!(latch.destination(), Some(at(OTHER)));
    }

    #[test]
    fn new_sdp_forgets_the_old_place_unless_it_says_the_same() {
        let mut latch = Latch::new(LatchRule::Signalled, at(SDP));
        for _ in 0..4 {
            latch.handle_packet(at(SDP), 1);
        }
        latch.renew(LatchRule::Signalled, at(SDP));
        assert_eq!((latch.fixed(), latch.destination()), (None, Some(at(SDP))));
        latch.renew(LatchRule::Signalled, at(THIRD));
        assert_eq!(latch.destination(), Some(at(THIRD)));
        check(
            &mut latch,
            &[(SDP, 1, Verdict::Stranger), (THIRD, 1, Verdict::Peer)],
        );
    }

    #[test]
    fn no_place_to_send_to() {
        for sdp in ["0.0.0.0:4000", "192.0.2.1:0", "[::]:4000"] {
            assert_eq!(
                Latch::new(LatchRule::Signalled, at(sdp)).destination(),
                None,
                "{sdp}"
            );
        }
        let behind = LatchRule::AnyPortOf(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5)));
        let mut latch = Latch::new(behind, at("0.0.0.0:0"));
        assert_eq!(latch.destination(), None);
        for _ in 0..4 {
            latch.handle_packet(at(PHONE), 3);
        }
        assert_eq!(
            latch.destination(),
            Some(at(PHONE)),
            "a phone that tells nothing may still be heard"
        );
    }

    #[test]
    fn reports_may_come_from_any_port_of_the_peers_address() {
        let rtcp = at("192.168.1.7:4001");
        let signalled = Latch::new(LatchRule::Signalled, at(SDP));
        assert!(signalled.allows_rtcp(rtcp, rtcp));
        assert!(signalled.allows_rtcp(at(ELSEWHERE), rtcp));
        assert!(!signalled.allows_rtcp(at(THIRD), rtcp));
        assert!(behind_nat().allows_rtcp(at(OTHER), rtcp));
        assert!(!behind_nat().allows_rtcp(at(THIRD), rtcp));
    }
}

//! A trunk: the way in from, and out to, another system.

use crate::read::{impl_record_field, record};
use crate::values::{
    CalledNumber, CallerId, Codec, Domain, ExtensionUse, HoldMode, Host, Name, NumberPattern,
    Secret, SipAddress, SourcePattern, TrunkKind,
};

record! {
    /// A PBX, a carrier, or any other system that calls come from and go to.
    pub struct Trunk {
        /// Its name.
        name: Name => required,
        /// How it is found: `peer`, a known address, or `inbound`, it registers here.
        kind: TrunkKind => required,
        /// Where a peer is: `sip:HOST:PORT;transport=udp`, `tcp` or `tls`, or `sips:HOST:PORT`. Also a source it is known by.
        /// Over TLS its certificate must be for HOST.
        address: Option<SipAddress>,
        /// Where requests to it are sent instead.
        outbound_proxy: Option<SipAddress>,
        /// What an inbound trunk registers as: the digest user name and the user part of its address.
        username: Option<Name>,
        /// The password of an inbound trunk; kept as hashes.
        password: Option<Secret>,
        /// The host part of our From address towards it. Unset: `sip.domain`.
        from_domain: Option<Domain>,
        /// Source addresses it is known by, networks or addresses, with or without a port.
        allow: Vec<SourcePattern>,
        /// What may be spoken with it, best first.
        codecs: Vec<Codec> = vec![Codec::Pcma, Codec::Pcmu],
        /// Dialled numbers that leave by it: a number, or a prefix with `*` at the end.
        numbers: Vec<NumberPattern>,
        /// Where it says which number was dialled: `request-uri`, `to` or `p-called-party-id`.
        called_number: CalledNumber,
        /// The caller's number it is shown: `pass`, or a fixed number.
        caller_id: CallerId,
        /// Calls at a time in both directions together. 0 to 100000, 0: no limit.
        max_calls: u32 ; 0..=100_000,
        /// Session timers (RFC 4028): `off`; `accept`, when the other side asks for them; `request`, we ask for them, and
        /// refresh ourselves where it knows none. How long, `sip.session_timers` says.
        session_timers: ExtensionUse,
        /// Provisional responses that are acknowledged (100rel, RFC 3262): `off`; `accept`, where the other side requires it, or
        /// supports it and is to hear early media; `request`, we require it, and send so all that we can.
        reliable_provisionals: ExtensionUse,
        /// Who plays music to a held side: `local`, we do.
        hold: HoldMode,
    }
    later { srtp, group, country }
}

impl_record_field!(Trunk);

impl Trunk {
    /// All sources it is known by: `allow`, and a peer's own address where that is an IP address.
    ///
    /// A peer reached over UDP sends from the port it listens on, so that its address counts with
    /// the port; connections come from any port.
    pub fn sources(&self) -> Vec<SourcePattern> {
        let own = self.address.as_ref().and_then(|address| {
            let Host::Ip(ip) = address.host else {
                return None;
            };
            let port = address.transport.source_port(address.port_or_default());
            Some(SourcePattern::host(ip, port))
        });
        let mut sources = self.allow.clone();
        sources.extend(own.filter(|own| !self.allow.contains(own)));
        sources
    }

    /// Whether calls can be sent to it: a peer needs an address for that.
    pub fn takes_calls(&self) -> bool {
        match self.kind {
            TrunkKind::Peer => self.address.is_some(),
            TrunkKind::Inbound => true,
        }
    }
}

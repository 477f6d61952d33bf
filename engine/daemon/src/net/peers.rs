//! Whose certificate is expected where, for connections over TLS that we open.
//!
//! The name is what the centre calls a trunk, before it was resolved: a resolver that lies leads to a handshake that fails.
//! An address that no trunk names must show a certificate for the address itself. What failed last is kept for each
//! address, so that a trunk that stays unreachable is said once.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use arc_swap::ArcSwap;
use config::{Centre, Host, SipAddress, Transport};
use dashmap::DashMap;
use tokio_rustls::rustls::pki_types::ServerName;

/// The names of trunks over TLS, and where they lead.
#[derive(Debug)]
pub(crate) struct Peers {
    named: ArcSwap<BTreeSet<(Host, u16)>>,
    /// What names were last resolved to.
    addresses: DashMap<String, Vec<IpAddr>>,
    failures: DashMap<SocketAddr, String>,
}

impl Peers {
    pub(crate) fn new(centre: &Centre) -> Self {
        Self {
            named: ArcSwap::from_pointee(named(centre)),
            addresses: DashMap::new(),
            failures: DashMap::new(),
        }
    }

    /// The trunks have changed.
    pub(crate) fn set_trunks(&self, centre: &Centre) {
        let named = named(centre);
        self.addresses
            .retain(|name, _| named.iter().any(|(host, _)| is_name(host, name)));
        self.failures.clear();
        self.named.store(std::sync::Arc::new(named));
    }

    /// A name was resolved. Old addresses stand when it suddenly has none.
    pub(crate) fn learn(&self, name: &str, addresses: &[IpAddr]) {
        if !addresses.is_empty() {
            self.addresses.insert(name.to_owned(), addresses.to_vec());
        }
    }

    /// The name that the certificate at this address must bear. Of two names that lead there the first one counts.
    pub(crate) fn name_at(&self, remote: SocketAddr) -> ServerName<'static> {
        let name = self.trunk_at(remote).and_then(|host| match host {
            Host::Name(name) => ServerName::try_from(name).ok(),
            Host::Ip(_) => None,
        });
        name.unwrap_or_else(|| ServerName::from(remote.ip().to_canonical()))
    }

    fn trunk_at(&self, remote: SocketAddr) -> Option<Host> {
        let ip = remote.ip().to_canonical();
        let leads_there = |host: &Host| match host {
            Host::Ip(address) => *address == ip,
            Host::Name(name) => {
                let resolved = self.addresses.get(name);
                resolved.is_some_and(|addresses| addresses.contains(&ip))
            }
        };
        let named = self.named.load();
        let mut found = named
            .iter()
            .filter(|(host, port)| *port == remote.port() && leads_there(host));
        found.next().map(|(host, _)| host.clone())
    }

    /// A connection cannot be had. Whether that is news; of those who are no trunk it never is.
    pub(crate) fn failed(&self, remote: SocketAddr, reason: &str) -> bool {
        let known = self
            .failures
            .get(&remote)
            .is_some_and(|last| *last == reason);
        if known || self.trunk_at(remote).is_none() {
            return false;
        }
        self.failures.insert(remote, reason.to_owned());
        true
    }

    /// A connection is there.
    pub(crate) fn reached(&self, remote: SocketAddr) {
        self.failures.remove(&remote);
    }
}

fn is_name(host: &Host, name: &str) -> bool {
    matches!(host, Host::Name(named) if named == name)
}

fn named(centre: &Centre) -> BTreeSet<(Host, u16)> {
    let trunks = centre.trunks.values();
    let next_hop = |address: &SipAddress| {
        let tls = address.transport == Transport::Tls;
        tls.then(|| (address.host.clone(), address.port_or_default()))
    };
    trunks
        .filter_map(|trunk| trunk.outbound_proxy.as_ref().or(trunk.address.as_ref()))
        .filter_map(next_hop)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUNKS: &str = r#"
        [[trunks]]
        name = "carrier"
        kind = "peer"
        address = "sips:sbc.example.com"
        [[trunks]]
        name = "other"
        kind = "peer"
        address = "sip:192.0.2.8:5071;transport=tls"
        [[trunks]]
        name = "plain"
        kind = "peer"
        address = "sip:plain.example.com;transport=tcp"
        [[trunks]]
        name = "behind"
        kind = "peer"
        address = "sip:inner.example.com"
        outbound_proxy = "sip:edge.example.com:5071;transport=tls"
    "#;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_configured_name_is_expected_where_it_leads() {
        let peers = Peers::new(&config::parse_centre(TRUNKS, "test").unwrap());
        let address = |text: &str| [text.parse::<IpAddr>().unwrap()];
        peers.learn("sbc.example.com", &address("192.0.2.7"));
        peers.learn("sbc.example.com", &[]);
        peers.learn("edge.example.com", &address("192.0.2.9"));
        peers.learn("plain.example.com", &address("192.0.2.10"));
        for (remote, expected) in [
            ("192.0.2.7:5061", "sbc.example.com"),
            ("[::ffff:192.0.2.7]:5061", "sbc.example.com"),
            ("192.0.2.7:5071", "192.0.2.7"),
            ("192.0.2.8:5071", "192.0.2.8"),
            ("192.0.2.9:5071", "edge.example.com"),
            ("192.0.2.10:5060", "192.0.2.10"),
            ("[2001:db8::1]:5061", "2001:db8::1"),
        ] {
            assert_eq!(peers.name_at(at(remote)).to_str(), expected, "{remote}");
        }
        peers.set_trunks(&Centre::default());
        assert_eq!(peers.name_at(at("192.0.2.7:5061")).to_str(), "192.0.2.7");
    }

    #[test]
    fn a_reason_is_news_once_until_the_peer_was_reached() {
        let peers = Peers::new(&config::parse_centre(TRUNKS, "test").unwrap());
        let trunk = at("192.0.2.8:5071");
        assert!(peers.failed(trunk, "refused") && !peers.failed(trunk, "refused"));
        assert!(peers.failed(trunk, "its certificate has expired"));
        peers.reached(trunk);
        assert!(peers.failed(trunk, "its certificate has expired"));
        assert!(
            !peers.failed(at("203.0.113.9:40000"), "refused"),
            "no trunk"
        );
    }
}

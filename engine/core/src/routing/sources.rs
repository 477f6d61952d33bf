//! Which trunk a source address belongs to.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::net::{IpAddr, SocketAddr};

use config::{Centre, Host, SipAddress, SourcePattern};

/// The sources of all trunks. A lookup costs one search per length of prefix in use.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    by_pattern: BTreeMap<SourcePattern, String>,
    /// What host names stood for when last resolved; the patterns above prevail.
    by_host: BTreeMap<String, Vec<(SourcePattern, String)>>,
    prefix_lengths: BTreeSet<Reverse<u8>>,
}

impl Sources {
    pub(super) fn new(centre: &Centre) -> Self {
        let mut sources = Self::default();
        for (name, trunk) in &centre.trunks {
            for pattern in trunk.sources() {
                sources
                    .prefix_lengths
                    .insert(Reverse(pattern.network.prefix_len()));
                sources
                    .by_pattern
                    .entry(pattern)
                    .or_insert_with(|| name.clone());
            }
        }
        sources
    }

    /// Takes the addresses that a trunk's host name stands for as sources of that trunk.
    pub(super) fn learn_host(&mut self, centre: &Centre, host: &str, addresses: &[IpAddr]) {
        let named =
            |address: &&SipAddress| matches!(&address.host, Host::Name(name) if name == host);
        let mut learned = Vec::new();
        for (name, trunk) in &centre.trunks {
            let Some(address) = trunk.address.as_ref().filter(named) else {
                continue;
            };
            let port = address.transport.source_port(address.port_or_default());
            learned.extend(
                addresses
                    .iter()
                    .map(|ip| (SourcePattern::host(*ip, port), name.clone())),
            );
        }
        self.by_host.insert(host.into(), learned);
    }

    /// The trunk of the longest matching network; of two of the same length, of the one with the port.
    pub(super) fn trunk_of(&self, source: SocketAddr) -> Option<&str> {
        let ip = source.ip().to_canonical();
        let host_length = if ip.is_ipv4() { 32 } else { 128 };
        let at = |length: u8| {
            let with_port = SourcePattern::around(ip, length, Some(source.port()))?;
            let without = SourcePattern {
                port: None,
                ..with_port
            };
            let found = self
                .by_pattern
                .get(&with_port)
                .or_else(|| self.by_pattern.get(&without));
            found.map(String::as_str)
        };
        let shorter = self
            .prefix_lengths
            .iter()
            .map(|Reverse(length)| *length)
            .filter(|length| *length < host_length);
        at(host_length)
            .or_else(|| self.learned_trunk_of(ip, source.port()))
            .or_else(|| shorter.into_iter().find_map(at))
    }

    fn learned_trunk_of(&self, ip: IpAddr, port: u16) -> Option<&str> {
        let candidates = [Some(port), None].map(|port| SourcePattern::host(ip, port));
        let learned = || self.by_host.values().flatten();
        candidates.iter().find_map(|candidate| {
            let found = learned().find(|(pattern, _)| pattern == candidate);
            found.map(|(_, trunk)| trunk.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use config::parse_centre;

    use super::*;

    const TRUNKS: &str = r#"
        [[trunks]]
        name = "pbx"
        kind = "peer"
        address = "sip:10.0.0.1:5080"
        allow = ["10.1.0.0/16", "10.2.0.5:5062", "2001:db8::/32"]
        [[trunks]]
        name = "floor"
        kind = "peer"
        allow = ["10.1.7.0/24", "10.1.8.1", "10.2.0.5", "10.0.0.1:6000"]
        [[trunks]]
        name = "stream"
        kind = "peer"
        address = "sip:10.0.0.9;transport=tcp"
        [[trunks]]
        name = "named"
        kind = "peer"
        address = "sip:pbx.example.com:5090"
        [[trunks]]
        name = "world"
        kind = "peer"
        allow = ["192.0.0.0/8"]
    "#;

    fn sources() -> (Centre, Sources) {
        let centre = parse_centre(TRUNKS, "trunks").unwrap();
        let sources = Sources::new(&centre);
        (centre, sources)
    }

    #[test]
    fn the_longest_match_names_the_trunk_and_a_port_decides_between_equals() {
        let (_, sources) = sources();
        let cases = [
            ("10.0.0.1:5080", Some("pbx")),
            ("10.0.0.1:6000", Some("floor")),
            ("10.0.0.1:5060", None),
            ("10.1.2.3:9999", Some("pbx")),
            ("10.1.7.3:9999", Some("floor")),
            ("10.1.8.1:5060", Some("floor")),
            ("10.1.8.2:5060", Some("pbx")),
            ("10.2.0.5:5062", Some("pbx")),
            ("10.2.0.5:5061", Some("floor")),
            ("10.0.0.9:40000", Some("stream")),
            ("[2001:db8::17]:5060", Some("pbx")),
            ("[2001:db9::17]:5060", None),
            ("[::ffff:10.1.7.3]:5060", Some("floor")),
            ("11.0.0.1:5060", None),
        ];
        for (source, expected) in cases {
            assert_eq!(
                sources.trunk_of(source.parse().unwrap()),
                expected,
                "{source}"
            );
        }
    }

    #[test]
    fn a_host_name_is_known_by_its_addresses_once_they_are() {
        let (centre, mut sources) = sources();
        let source = SocketAddr::from(([192, 0, 2, 7], 5090));
        assert_eq!(sources.trunk_of(source), Some("world"));
        sources.learn_host(&centre, "pbx.example.com", &[source.ip()]);
        assert_eq!(sources.trunk_of(source), Some("named"));
        assert_eq!(
            sources.trunk_of(SocketAddr::new(source.ip(), 5091)),
            Some("world")
        );
        let elsewhere = IpAddr::from([198, 51, 100, 1]);
        sources.learn_host(&centre, "pbx.example.com", &[elsewhere]);
        assert_eq!(sources.trunk_of(source), Some("world"));
        assert_eq!(
            sources.trunk_of(SocketAddr::new(elsewhere, 5090)),
            Some("named")
        );
        sources.learn_host(&centre, "other.example.com", &[elsewhere]);
        assert_eq!(sources.by_host["other.example.com"], vec![]);
    }
}

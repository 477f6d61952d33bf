//! Which sockets we listen on, and by which address others see them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address that goes into Via and Contact for a socket bound there.
///
/// A socket on a wildcard is seen under this machine's first address: the one it would reach the rest of the
/// world from. Where there is no way out, that is loopback.
pub(crate) fn advertised(bound: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    SocketAddr::new(primary_address(bound.is_ipv4()), bound.port())
}

/// Connecting a datagram socket sends nothing, but chooses the address it would send from. The far ends are
/// addresses for documentation (RFC 5737, RFC 3849).
fn primary_address(ipv4: bool) -> IpAddr {
    let (any, far, loopback): (IpAddr, IpAddr, IpAddr) = if ipv4 {
        (
            Ipv4Addr::UNSPECIFIED.into(),
            Ipv4Addr::new(192, 0, 2, 1).into(),
            Ipv4Addr::LOCALHOST.into(),
        )
    } else {
        let far = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        (
            Ipv6Addr::UNSPECIFIED.into(),
            far.into(),
            Ipv6Addr::LOCALHOST.into(),
        )
    };
    let chosen = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((far, 9))?;
        socket.local_addr()
    });
    chosen.map_or(loopback, |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_seen_as_an_address_that_can_be_sent_to() {
        for (bound, same) in [
            ("127.0.0.2:5060", true),
            ("[::1]:5061", true),
            ("0.0.0.0:5062", false),
            ("[::]:5063", false),
        ] {
            let bound: SocketAddr = bound.parse().unwrap();
            let seen = advertised(bound);
            assert_eq!(seen == bound, same, "{bound} is seen as {seen}");
            assert!(
                !seen.ip().is_unspecified()
                    && seen.port() == bound.port()
                    && seen.is_ipv4() == bound.is_ipv4()
            );
        }
    }
}

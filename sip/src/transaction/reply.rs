//! The way back of a response (RFC 3261 §18.2.2, RFC 3581 §4).

use core::net::SocketAddr;

use crate::wire::Rport;
use crate::{Flow, Via};

/// The flow that the responses to a request take.
///
/// On a connection it is that connection. A datagram's goes to where it came from if `rport` is
/// asked for, otherwise to its source address and the port of sent-by. `maddr` is not heeded:
/// nobody multicasts, and with it any stranger could aim our retransmissions at a third party.
pub(crate) fn reply_flow(flow: Flow, via: &Via<'_>) -> Flow {
    if flow.transport.is_reliable() || via.rport() != Rport::Absent {
        return flow;
    }
    Flow {
        remote: SocketAddr::new(flow.remote.ip(), sent_by_port(flow, via)),
        ..flow
    }
}

/// The flow once its connection is gone: a new one to the port of sent-by (RFC 3261 §18.2.2).
pub(crate) fn reconnected(flow: Flow, sent_by_port: u16) -> Flow {
    Flow {
        remote: SocketAddr::new(flow.remote.ip(), sent_by_port),
        connection: None,
        ..flow
    }
}

/// The port that sent-by names or means.
pub(crate) fn sent_by_port(flow: Flow, via: &Via<'_>) -> u16 {
    via.port()
        .filter(|port| *port != 0)
        .unwrap_or_else(|| flow.transport.default_port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transport;

    fn flow(transport: Transport) -> Flow {
        Flow {
            transport,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.9:40000".parse().unwrap(),
            connection: transport.is_reliable().then_some(3),
        }
    }

    #[test]
    fn datagrams_are_answered_where_the_via_says() {
        for (name, via, port) in [
            (
                "rport",
                "SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1",
                40000,
            ),
            (
                "rport filled in",
                "SIP/2.0/UDP 10.0.0.1:5070;rport=1;branch=z9hG4bK1",
                40000,
            ),
            (
                "sent-by with port",
                "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1",
                5070,
            ),
            (
                "sent-by without port",
                "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1",
                5060,
            ),
            (
                "a name",
                "SIP/2.0/UDP pbx.example:5080;branch=z9hG4bK1",
                5080,
            ),
            (
                "maddr",
                "SIP/2.0/UDP 10.0.0.1:5070;maddr=203.0.113.5;branch=z9hG4bK1",
                5070,
            ),
        ] {
            let (via, _) = Via::parse(via.as_bytes()).unwrap();
            let expected = SocketAddr::new("192.0.2.9".parse().unwrap(), port);
            let reply = reply_flow(flow(Transport::Udp), &via);
            assert_eq!(reply.remote, expected, "{name}");
        }
    }

    #[test]
    fn connections_are_answered_on_themselves_while_they_last() {
        let tcp = flow(Transport::Tcp);
        let (via, _) = Via::parse(b"SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bK1").unwrap();
        assert_eq!(reply_flow(tcp, &via), tcp);
        let again = reconnected(tcp, sent_by_port(tcp, &via));
        assert_eq!(again.connection, None);
        assert_eq!(again.remote, "192.0.2.9:5070".parse().unwrap());
    }
}

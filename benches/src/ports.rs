//! Where the phones of a media bench are: one place for all programs of it.

use std::net::{Ipv4Addr, SocketAddr};

/// The caller's phone of a call.
#[must_use]
pub fn caller(call: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 20_000 + 2 * call))
}

/// The attendant's phone of a call.
#[must_use]
pub fn attendant(call: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 0, 0, 3), 25_000 + 2 * call))
}

/// A line for `rtp_load`: the phone, and the relay's port it sends to.
#[must_use]
pub fn line(phone: SocketAddr, relay: SocketAddr) -> String {
    format!(
        "{} {} {} {}",
        phone.ip(),
        phone.port(),
        relay.ip(),
        relay.port()
    )
}

/// Reads such a line.
#[must_use]
pub fn parse_line(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let mut words = line.split_ascii_whitespace();
    let mut address = || {
        Some(SocketAddr::new(
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
        ))
    };
    Some((address()?, address()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_as_it_was_written() {
        let (phone, relay) = (caller(3), attendant(4));
        assert_eq!(line(phone, relay), "127.0.0.2 20006 127.0.0.3 25008");
        assert_eq!(parse_line(&line(phone, relay)), Some((phone, relay)));
        assert_eq!(parse_line("127.0.0.2 20006 here"), None);
    }
}

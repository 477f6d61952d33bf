//! The network between phones and daemon: datagrams that are late, lost, doubled and out of order, as the dice say.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::dice::Dice;

/// How bad the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Datagrams lost in a thousand.
    pub lost: u64,
    /// Datagrams that come twice in a thousand.
    pub doubled: u64,
    /// The shortest and the longest way, in milliseconds: what lies between puts datagrams out of order.
    pub delay_ms: (u64, u64),
}

impl Weather {
    /// Nothing is lost, all takes 1 ms.
    pub const FAIR: Self = Self {
        lost: 0,
        doubled: 0,
        delay_ms: (1, 1),
    };
}

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Who sent it.
    pub from: SocketAddr,
    /// Where it goes.
    pub to: SocketAddr,
    /// What is in it.
    pub payload: Bytes,
}

/// What is under way.
#[derive(Debug)]
pub(crate) struct Network {
    weather: Weather,
    dice: Dice,
    under_way: BTreeMap<(Duration, u64), Packet>,
    sent: u64,
}

impl Network {
    pub(crate) fn new(weather: Weather, dice: Dice) -> Self {
        Self {
            weather,
            dice,
            under_way: BTreeMap::new(),
            sent: 0,
        }
    }

    pub(crate) fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    pub(crate) fn send(&mut self, now: Duration, packet: Packet) {
        if self.dice.chance(self.weather.lost) {
            return;
        }
        if self.dice.chance(self.weather.doubled) {
            self.deliver(now, packet.clone());
        }
        self.deliver(now, packet);
    }

    fn deliver(&mut self, now: Duration, packet: Packet) {
        let (low, high) = self.weather.delay_ms;
        let at = now + self.dice.millis(low, high);
        self.sent += 1;
        self.under_way.insert((at, self.sent), packet);
    }

    /// When the next datagram arrives.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next one that has arrived.
    pub(crate) fn arrive(&mut self, now: Duration) -> Option<Packet> {
        let first = self.under_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(mark: u8) -> Packet {
        let address = SocketAddr::from(([127, 0, 0, 1], 5060));
        Packet {
            from: address,
            to: address,
            payload: Bytes::copy_from_slice(&[mark]),
        }
    }

    fn arrived(weather: Weather) -> Vec<u8> {
        let mut network = Network::new(weather, Dice::new(1));
        (0..100).for_each(|mark| network.send(Duration::ZERO, packet(mark)));
        let later = Duration::from_secs(1);
        std::iter::from_fn(|| network.arrive(later))
            .map(|packet| packet.payload[0])
            .collect()
    }

    #[test]
    fn in_fair_weather_all_arrive_in_order() {
        let all: Vec<u8> = (0..100).collect();
        assert_eq!(arrived(Weather::FAIR), all);
    }

    #[test]
    fn in_bad_weather_some_are_lost_doubled_and_out_of_order() {
        let lossy = arrived(Weather {
            lost: 300,
            ..Weather::FAIR
        });
        assert!((40..95).contains(&lossy.len()), "{}", lossy.len());
        let doubled = arrived(Weather {
            doubled: 300,
            ..Weather::FAIR
        });
        assert!((105..160).contains(&doubled.len()), "{}", doubled.len());
        let shuffled = arrived(Weather {
            delay_ms: (1, 50),
            ..Weather::FAIR
        });
        assert!(shuffled.len() == 100 && !shuffled.is_sorted());
    }
}

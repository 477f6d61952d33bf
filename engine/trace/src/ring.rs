//! The messages of the last while, bounded in octets.
//!
//! A message whose Call-ID is a leg's belongs to that leg's call and is kept until newer ones need its room. One that may
//! begin a call (an INVITE, the 401 to it, its ACK) waits in the lobby, which has an eighth of the room: so those
//! who knock and are not let in push out one another, and nobody's call.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;

use engine::{CallId, LegId};

use crate::message::Traced;

/// What a message costs besides its octets.
const OVERHEAD: usize = 320;
/// The lobby's share of the room.
const LOBBY: usize = 8;
/// Methods of messages that belong to no call, unless a leg has their Call-ID.
const OUTSIDE: &[&str] = &[
    "REGISTER",
    "OPTIONS",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "MESSAGE",
];

/// Messages of calls, oldest first out.
#[derive(Debug, Default)]
pub struct Ring {
    room: usize,
    next: u64,
    calls: Store,
    lobby: Store,
    /// By Call-ID.
    dialogs: HashMap<Box<[u8]>, Dialog>,
    /// The Call-IDs of legs that are up.
    legs: HashMap<LegId, Box<[u8]>>,
    /// The messages of each call that has any left.
    by_call: HashMap<CallId, OfCall>,
}

/// What is kept of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its messages, in the order in which they passed.
    pub messages: Vec<Traced>,
    /// How many of its messages had to go already.
    pub gone: u64,
}

#[derive(Debug, Default)]
struct Store {
    messages: BTreeMap<u64, Traced>,
    octets: usize,
}

#[derive(Debug, Default)]
struct Dialog {
    leg: Option<(CallId, LegId)>,
    /// Whether the leg is up.
    up: bool,
    messages: usize,
    /// Those of its messages that wait in the lobby.
    waiting: BTreeSet<u64>,
}

#[derive(Debug, Default)]
struct OfCall {
    messages: BTreeSet<u64>,
    gone: u64,
}

impl Store {
    fn put(&mut self, message: Traced) {
        self.octets += cost(&message);
        self.messages.insert(message.seq, message);
    }

    fn take(&mut self, seq: u64) -> Option<Traced> {
        let message = self.messages.remove(&seq)?;
        self.octets -= cost(&message);
        Some(message)
    }

    /// The oldest one, while all together take more than `room`.
    fn overflow(&mut self, room: usize) -> Option<Traced> {
        let oldest = *self.messages.keys().next()?;
        (self.octets > room).then(|| self.take(oldest)).flatten()
    }
}

fn cost(message: &Traced) -> usize {
    message.raw.len() + OVERHEAD
}

impl Ring {
    /// Room for so many octets, messages and what they cost besides.
    pub fn new(room: usize) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// The number of the next message.
    pub fn next_seq(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The messages of all calls, and the octets that they take.
    pub fn size(&self) -> (usize, usize) {
        let count = self.calls.messages.len() + self.lobby.messages.len();
        (count, self.calls.octets + self.lobby.octets)
    }

    /// Keeps a message if it belongs to a call or may begin one, and says of which call it is.
    pub fn record(&mut self, mut message: Traced) -> Traced {
        let key: Box<[u8]> = message.sip_call_id().unwrap_or_default().into();
        let known = self.dialogs.get(&key);
        message.leg = known.and_then(|dialog| dialog.leg);
        let outside = || OUTSIDE.contains(&message.method().as_str());
        if key.is_empty() || message.leg.is_none() && outside() {
            return message;
        }
        let dialog = self.dialogs.entry(key).or_default();
        dialog.messages += 1;
        match message.leg {
            Some((call, _)) => {
                self.by_call
                    .entry(call)
                    .or_default()
                    .messages
                    .insert(message.seq);
                self.calls.put(message.clone());
            }
            None => {
                dialog.waiting.insert(message.seq);
                self.lobby.put(message.clone());
            }
        }
        self.make_room();
        message
    }

    /// A leg has this Call-ID: what came with it is its call's.
    pub fn leg_began(&mut self, call: CallId, leg: LegId, sip_call_id: &str) {
        let key: Box<[u8]> = sip_call_id.as_bytes().into();
        let dialog = self.dialogs.entry(key.clone()).or_default();
        dialog.leg = Some((call, leg));
        dialog.up = true;
        for seq in mem::take(&mut dialog.waiting) {
            let Some(mut message) = self.lobby.take(seq) else {
                continue;
            };
            message.leg = Some((call, leg));
            self.by_call.entry(call).or_default().messages.insert(seq);
            self.calls.put(message);
        }
        self.legs.insert(leg, key);
        self.make_room();
    }

    /// A leg has ended. What still comes with its Call-ID is its call's, as long as anything of it is kept.
    pub fn leg_ended(&mut self, leg: LegId) {
        let Some(key) = self.legs.remove(&leg) else {
            return;
        };
        if let Some(dialog) = self.dialogs.get_mut(&key)
            && dialog.leg.is_some_and(|(_, of)| of == leg)
        {
            dialog.up = false;
            self.forget_if_over(&key);
        }
    }

    /// What is kept of a call; none when that is nothing.
    pub fn of_call(&self, call: CallId) -> Option<Kept> {
        let of = self.by_call.get(&call)?;
        let messages = of.messages.iter();
        let messages = messages.filter_map(|seq| self.calls.messages.get(seq).cloned());
        Some(Kept {
            messages: messages.collect(),
            gone: of.gone,
        })
    }

    fn make_room(&mut self) {
        while let Some(message) = self.lobby.overflow(self.room / LOBBY) {
            self.let_go(&message);
        }
        while let Some(message) = self.calls.overflow(self.room - self.room / LOBBY) {
            self.let_go(&message);
        }
    }

    fn let_go(&mut self, message: &Traced) {
        if let Some((call, _)) = message.leg
            && let Some(of) = self.by_call.get_mut(&call)
        {
            of.messages.remove(&message.seq);
            of.gone += 1;
            if of.messages.is_empty() {
                self.by_call.remove(&call);
            }
        }
        let key = message.sip_call_id().unwrap_or_default();
        if let Some(dialog) = self.dialogs.get_mut(key) {
            dialog.messages = dialog.messages.saturating_sub(1);
            dialog.waiting.remove(&message.seq);
            self.forget_if_over(key);
        }
    }

    fn forget_if_over(&mut self, key: &[u8]) {
        if self
            .dialogs
            .get(key)
            .is_some_and(|dialog| !dialog.up && dialog.messages == 0)
        {
            self.dialogs.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Direction;
    use sip::{Flow, Transport};

    const CALL: CallId = CallId(1);
    const LEG: LegId = LegId(2);

    fn pass(ring: &mut Ring, call_id: &str, method: &str) -> Traced {
        let flow = Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "127.0.0.2:5060".parse().unwrap(),
            connection: None,
        };
        let raw =
            format!("{method} sip:a SIP/2.0\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\r\n");
        let seq = ring.next_seq();
        ring.record(Traced::new(
            seq,
            0,
            Direction::Received,
            &flow,
            raw.as_bytes(),
        ))
    }

    fn seqs(ring: &Ring, call: CallId) -> Vec<u64> {
        let kept = ring.of_call(call).unwrap_or_default();
        kept.messages.iter().map(|message| message.seq).collect()
    }

    #[test]
    fn what_came_before_the_call_is_its_own_and_what_comes_after_its_end_too() {
        let mut ring = Ring::new(1_000_000);
        assert_eq!(pass(&mut ring, "a", "INVITE").leg, None);
        pass(&mut ring, "other", "INVITE");
        ring.leg_began(CALL, LEG, "a");
        assert_eq!(pass(&mut ring, "a", "INVITE").leg, Some((CALL, LEG)));
        ring.leg_ended(LEG);
        pass(&mut ring, "a", "BYE");
        assert_eq!(seqs(&ring, CALL), [1, 3, 4]);
        let legs = ring.of_call(CALL).unwrap().messages;
        assert!(legs.iter().all(|message| message.leg == Some((CALL, LEG))));
    }

    #[test]
    fn a_call_id_used_again_belongs_to_the_later_call_from_then_on() {
        let mut ring = Ring::new(1_000_000);
        ring.leg_began(CALL, LEG, "a");
        pass(&mut ring, "a", "INVITE");
        ring.leg_ended(LEG);
        ring.leg_began(CallId(9), LegId(10), "a");
        pass(&mut ring, "a", "BYE");
        assert_eq!(
            (seqs(&ring, CALL), seqs(&ring, CallId(9))),
            (vec![1], vec![2])
        );
    }

    #[test]
    fn messages_outside_calls_are_not_kept() {
        let mut ring = Ring::new(1_000_000);
        pass(&mut ring, "r", "REGISTER");
        pass(&mut ring, "", "INVITE");
        assert_eq!(ring.size().0, 0);
        ring.leg_began(CALL, LEG, "a");
        pass(&mut ring, "a", "OPTIONS");
        assert_eq!(seqs(&ring, CALL), [3]);
    }

    #[test]
    fn the_oldest_go_and_knocking_pushes_out_no_call() {
        let mut ring = Ring::new(16 * (OVERHEAD + 60));
        ring.leg_began(CALL, LEG, "a");
        for _ in 0..3 {
            pass(&mut ring, "a", "INVITE");
        }
        for n in 0..1_000 {
            pass(&mut ring, &format!("scan-{n}"), "INVITE");
        }
        assert_eq!(seqs(&ring, CALL), [1, 2, 3]);
        assert!(ring.dialogs.len() <= 4, "{}", ring.dialogs.len());
        for _ in 0..1_000 {
            pass(&mut ring, "a", "INFO");
        }
        let kept = ring.of_call(CALL).unwrap();
        assert_eq!(kept.messages.len() as u64 + kept.gone, 1_003);
        assert!(ring.size().1 <= 16 * (OVERHEAD + 60));
        assert_eq!(kept.messages.last().map(|last| last.seq), Some(2_003));
    }

    #[test]
    fn a_long_call_is_known_after_its_beginning_is_gone() {
        let mut ring = Ring::new(8 * (OVERHEAD + 60));
        ring.leg_began(CALL, LEG, "a");
        pass(&mut ring, "a", "INVITE");
        ring.leg_began(CallId(5), LegId(6), "b");
        for _ in 0..20 {
            pass(&mut ring, "b", "INFO");
        }
        assert_eq!(ring.of_call(CALL), None);
        assert_eq!(pass(&mut ring, "a", "BYE").leg, Some((CALL, LEG)));
        ring.leg_ended(LEG);
        ring.leg_ended(LegId(6));
        for n in 0..20 {
            ring.leg_began(CallId(7), LegId(n + 10), "c");
            pass(&mut ring, "c", "INFO");
            ring.leg_ended(LegId(n + 10));
        }
        assert_eq!(
            (ring.dialogs.len(), ring.legs.len(), ring.by_call.len()),
            (1, 0, 1)
        );
    }
}

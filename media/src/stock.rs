//! The engine's stock of bound ports, and when to ask for more.
//!
//! An SDP never names an unbound port: workers bind pairs ahead and send them up, the engine takes from this
//! stock without waiting. Each worker fills the stock to its level at the start by itself. From then on the engine
//! asks: when fewer than half the level are left for a worker, it orders what is missing ([`PortStock::poll_restock`]
//! says whom to ask for how many). A worker that cannot deliver all delivers the rest later without being asked
//! again, so what is ordered is counted as coming.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use crate::control::{PortPair, WorkerId};

/// Bound pairs that no leg has yet, by worker.
#[derive(Debug)]
pub struct PortStock {
    level: u32,
    shelves: BTreeMap<WorkerId, Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    /// The pair that came first is used first.
    pairs: VecDeque<PortPair>,
    /// Asked for and not come yet.
    ordered: u32,
    exhausted: bool,
}

impl PortStock {
    /// An empty stock that orders up to `level` pairs for each worker (64 is plenty; at least 2).
    pub fn new(level: u32) -> Self {
        Self {
            level: level.max(2),
            shelves: BTreeMap::new(),
        }
    }

    /// Puts away what a worker bound.
    pub fn handle_ready(&mut self, pairs: Vec<PortPair>) {
        for pair in pairs {
            let shelf = self.shelves.entry(pair.worker).or_default();
            shelf.ordered = shelf.ordered.saturating_sub(1);
            shelf.exhausted = false;
            shelf.pairs.push_back(pair);
        }
    }

    /// Notes that a worker has nothing left to bind.
    pub fn handle_exhausted(&mut self, worker: WorkerId) {
        self.shelves.entry(worker).or_default().exhausted = true;
    }

    /// Takes a pair for the first leg of a call, from the worker with the most left; `None` is a 503.
    pub fn take(&mut self) -> Option<PortPair> {
        // The first of equals, so that the choice does not depend on anything but the counts.
        let (_, shelf) = self
            .shelves
            .iter_mut()
            .rev()
            .max_by_key(|(_, shelf)| shelf.pairs.len())?;
        shelf.pairs.pop_front()
    }

    /// Takes a pair for a further leg of a call that lives on `worker`; `None` is a 503 for that leg.
    pub fn take_from(&mut self, worker: WorkerId) -> Option<PortPair> {
        self.shelves.get_mut(&worker)?.pairs.pop_front()
    }

    /// Whom to ask for how many now; drain to `None` after each `take`.
    pub fn poll_restock(&mut self) -> Option<(WorkerId, u32)> {
        let (low, level) = (self.level / 2, self.level);
        self.shelves.iter_mut().find_map(|(worker, shelf)| {
            let coming = u32::try_from(shelf.pairs.len())
                .unwrap_or(u32::MAX)
                .saturating_add(shelf.ordered);
            if coming >= low.max(1) {
                return None;
            }
            let count = level - coming;
            shelf.ordered += count;
            Some((*worker, count))
        })
    }

    /// How many pairs are left in all.
    pub fn len(&self) -> usize {
        self.shelves.values().map(|shelf| shelf.pairs.len()).sum()
    }

    /// Whether the next call gets a 503.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether some worker has said that its range is empty: an alarm.
    pub fn is_exhausted(&self) -> bool {
        self.shelves.values().any(|shelf| shelf.exhausted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use core::net::{Ipv4Addr, SocketAddr};

    fn pair(worker: u16, slot: u16) -> PortPair {
        let rtp = SocketAddr::from((Ipv4Addr::LOCALHOST, 10_000 + 1_000 * worker + 2 * slot));
        PortPair {
            worker: WorkerId(worker),
            slot: slot.into(),
            rtp,
        }
    }

    fn stock(counts: &[u16]) -> PortStock {
        let mut stock = PortStock::new(8);
        for (worker, count) in counts.iter().enumerate() {
            stock.handle_ready((0..*count).map(|slot| pair(worker as u16, slot)).collect());
        }
        stock
    }

    #[test]
    fn first_legs_come_from_the_fullest_worker_and_pairs_in_order() {
        let mut stock = stock(&[2, 3]);
        let taken: Vec<_> = core::iter::from_fn(|| stock.take())
            .map(|pair| (pair.worker.0, pair.slot))
            .collect();
        assert_eq!(taken, [(1, 0), (0, 0), (1, 1), (0, 1), (1, 2)]);
        assert!(stock.is_empty());
    }

    #[test]
    fn a_further_leg_stays_with_its_worker() {
        let mut stock = stock(&[5, 1]);
        assert_eq!(stock.take_from(WorkerId(1)), Some(pair(1, 0)));
        assert_eq!(stock.take_from(WorkerId(1)), None);
        assert_eq!(stock.take_from(WorkerId(7)), None);
        assert_eq!(stock.len(), 5);
    }

    #[test]
    fn orders_once_when_less_than_half_is_left() {
        let mut stock = stock(&[8]);
        for _ in 0..4 {
            stock.take();
            assert_eq!(stock.poll_restock(), None);
        }
        stock.take();
        assert_eq!(stock.poll_restock(), Some((WorkerId(0), 5)));
        assert_eq!(
            stock.poll_restock(),
            None,
            "what is ordered counts as coming"
        );
        stock.handle_ready(vec![pair(0, 9)]);
        assert_eq!(
            stock.poll_restock(),
            None,
            "part of an order is no reason to order again"
        );
        assert_eq!(stock.len(), 4);
    }

    #[test]
    fn an_empty_range_is_an_alarm_until_ports_come() {
        let mut stock = stock(&[1]);
        stock.handle_exhausted(WorkerId(0));
        assert!(stock.is_exhausted());
        stock.handle_ready(vec![pair(0, 1)]);
        assert!(!stock.is_exhausted());
    }
}

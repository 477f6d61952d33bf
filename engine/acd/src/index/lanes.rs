//! All lanes, each in a place of its own, so that who is listed in it need not look for it.

use alloc::vec::Vec;

use super::lane::Lane;
use crate::rank::Target;
use crate::table::Table;

/// Where a lane is. Another may be there later: a place is good for its own target only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(u32);

impl Place {
    /// Where nothing is.
    const NOWHERE: Self = Self(u32::MAX);
}

#[derive(Debug, Default)]
pub(crate) struct Lanes {
    places: Table<Target, u32>,
    lanes: Vec<Option<Lane>>,
    vacant: Vec<u32>,
}

impl Lanes {
    pub(crate) fn get(&self, target: &Target) -> Option<&Lane> {
        self.lanes.get(*self.places.get(target)? as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, target: &Target) -> Option<&mut Lane> {
        let at = *self.places.get(target)?;
        self.lanes.get_mut(at as usize)?.as_mut()
    }

    pub(crate) fn contains_key(&self, target: &Target) -> bool {
        self.places.contains_key(target)
    }

    pub(super) fn place_of(&self, target: Target) -> Place {
        self.places
            .get(&target)
            .map_or(Place::NOWHERE, |at| Place(*at))
    }

    pub(super) fn at(&self, place: Place, target: Target) -> Option<&Lane> {
        let lane = self.lanes.get(place.0 as usize)?.as_ref();
        lane.filter(|lane| lane.target == target)
    }

    pub(super) fn at_mut(&mut self, place: Place, target: Target) -> Option<&mut Lane> {
        let lane = self.lanes.get_mut(place.0 as usize)?.as_mut();
        lane.filter(|lane| lane.target == target)
    }

    pub(super) fn open(&mut self, lane: Lane) {
        if self.contains_key(&lane.target) {
            return;
        }
        let target = lane.target;
        let at = self.vacant.pop().unwrap_or_else(|| {
            self.lanes.push(None);
            u32::try_from(self.lanes.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(slot) = self.lanes.get_mut(at as usize) {
            *slot = Some(lane);
            self.places.insert(target, at);
        }
    }

    pub(crate) fn remove(&mut self, target: &Target) {
        if let Some(at) = self.places.remove(target)
            && let Some(slot) = self.lanes.get_mut(at as usize)
        {
            *slot = None;
            self.vacant.push(at);
        }
    }

    fn len(&self) -> usize {
        self.places.len()
    }
}

/// The same lanes, wherever they are.
impl PartialEq for Lanes {
    fn eq(&self, other: &Self) -> bool {
        let mut lanes = self.lanes.iter().flatten();
        self.len() == other.len() && lanes.all(|lane| other.get(&lane.target) == Some(lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::QueueId;

    #[test]
    fn a_place_is_good_for_its_own_lane_only() {
        let [one, two] = [1, 2].map(|id| Target::Queue(QueueId(id)));
        let mut lanes = Lanes::default();
        lanes.open(Lane::new(one));
        let place = lanes.place_of(one);
        assert!(lanes.at(place, one).is_some() && lanes.at(place, two).is_none());
        lanes.remove(&one);
        lanes.open(Lane::new(two));
        assert!(lanes.at(place, one).is_none(), "another is there now");
        assert!(lanes.at_mut(lanes.place_of(two), two).is_some());
        assert!(lanes.at(lanes.place_of(one), one).is_none());
    }
}

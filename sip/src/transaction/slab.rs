//! A table of entries under ids of our own, found by position.
//!
//! An id is never given twice: it names the place and how often the place was used before.

use alloc::vec::Vec;

/// Where an entry is, and which of its successive tenants it is.
pub(crate) type Key = u64;

struct Place<T> {
    tenancy: u32,
    tenant: Option<T>,
}

/// Entries under ids.
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The id that the next `insert` gives, for entries that contain their own.
    pub(crate) fn next_key(&self) -> Key {
        let index = self.free.last().copied();
        let index = index.unwrap_or_else(|| {
            u32::try_from(self.places.len()).expect("memory ends long before four thousand million")
        });
        let place = self.places.get(index as usize);
        key(index, place.map_or(0, |place| place.tenancy))
    }

    pub(crate) fn insert(&mut self, tenant: T) -> Key {
        let key = self.next_key();
        match self.free.pop().map(|index| index as usize) {
            Some(index) => self.places[index].tenant = Some(tenant),
            None => self.places.push(Place {
                tenancy: 0,
                tenant: Some(tenant),
            }),
        }
        key
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let place = self.places.get(index_of(key))?;
        place
            .tenant
            .as_ref()
            .filter(|_| place.tenancy == tenancy_of(key))
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let place = self.places.get_mut(index_of(key))?;
        place
            .tenant
            .as_mut()
            .filter(|_| place.tenancy == tenancy_of(key))
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let index = index_of(key);
        let place = self.places.get_mut(index)?;
        if place.tenancy != tenancy_of(key) {
            return None;
        }
        let tenant = place.tenant.take()?;
        place.tenancy = place.tenancy.wrapping_add(1);
        self.free.push(index as u32);
        Some(tenant)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// All entries, in the order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.places.iter().enumerate().filter_map(|(index, place)| {
            let tenant = place.tenant.as_ref()?;
            Some((key(index as u32, place.tenancy), tenant))
        })
    }

    /// All entries, to be changed, in the order of their places.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places
            .iter_mut()
            .filter_map(|place| place.tenant.as_mut())
    }
}

fn key(index: u32, tenancy: u32) -> Key {
    u64::from(tenancy) << 32 | u64::from(index)
}

fn index_of(key: Key) -> usize {
    (key & u64::from(u32::MAX)) as usize
}

fn tenancy_of(key: Key) -> u32 {
    (key >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_its_own_tenant_only() {
        let mut slab = Slab::new();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        assert_eq!((slab.get(a), slab.get(b)), (Some(&'a'), Some(&'b')));
        assert_eq!(slab.remove(a), Some('a'));
        assert_eq!(slab.remove(a), None);
        let expected = slab.next_key();
        let c = slab.insert('c');
        assert_eq!(c, expected);
        assert_eq!(
            (slab.get(a), slab.get(c)),
            (None, Some(&'c')),
            "the place is used again"
        );
        assert_eq!(slab.get_mut(a), None);
        assert_eq!(slab.remove(a), None);
        assert_eq!(slab.len(), 2);
        let all: Vec<_> = slab.iter().collect();
        assert_eq!(all, [(c, &'c'), (b, &'b')]);
        assert_eq!(slab.get(Key::MAX), None);
    }
}

//! What somebody can do, and how well.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde_json::Value as Json;

use super::Name;
use crate::read::{Field, Node, Reader, Shape, entries, within};

/// The levels a skill can have.
const LEVELS: (i64, i64) = (1, 1000);

/// Skills by name, each with its level of 1 to 1000: `{ dutch = 3, billing = 1 }`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skills(BTreeMap<Name, u32>);

impl Deref for Skills {
    type Target = BTreeMap<Name, u32>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<(Name, u32)> for Skills {
    fn from_iter<I: IntoIterator<Item = (Name, u32)>>(skills: I) -> Self {
        Self(skills.into_iter().collect())
    }
}

impl Field for Skills {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut skills = BTreeMap::new();
        for entry in entries(node, reader)? {
            if entry.node.is_null() {
                continue;
            }
            let read = reader.in_field(&entry.key, &entry.node, |reader| {
                let level = u32::read(&entry.node, reader)?;
                let level = within(level, LEVELS, &entry.node, reader)?;
                match entry.key.parse::<Name>() {
                    Ok(name) => Some((name, level)),
                    Err(fault) => {
                        reader.invalid(&entry.node, fault);
                        None
                    }
                }
            });
            skills.extend(read);
        }
        Some(Self(skills))
    }

    fn write(&self) -> Json {
        let skills = self.0.iter();
        Json::Object(
            skills
                .map(|(name, level)| (name.to_string(), Json::from(*level)))
                .collect(),
        )
    }

    fn shape() -> Shape {
        let (min, max) = LEVELS;
        Shape::Named(Box::new(Shape::Integer { min, max }))
    }
}

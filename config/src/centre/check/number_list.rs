//! Number lists that leave no doubt which of them a caller is on.

use std::collections::BTreeMap;

use super::super::{Kind, NumberList};
use super::Checker;
use crate::values::NumberPattern;

impl Checker<'_> {
    /// A number or prefix stands in one list, once: else two matches would be equally long.
    pub(super) fn check_number_lists(&mut self) {
        let centre = self.centre;
        let mut lists: Vec<&NumberList> =
            centre.number_lists.values().map(|list| &**list).collect();
        lists.sort_by_key(|list| (self.turn)(Kind::NumberList, &list.name));
        let mut taken: BTreeMap<&NumberPattern, &str> = BTreeMap::new();
        for list in lists {
            for (index, pattern) in list.numbers.iter().enumerate() {
                let Some(other) = taken.insert(pattern, &list.name) else {
                    continue;
                };
                let message = if *other == *list.name {
                    format!("\"{pattern}\" stands there twice")
                } else {
                    format!("\"{pattern}\" stands in number list \"{other}\" already")
                };
                self.fault(list, format!("numbers[{index}]"), message, "write it once");
            }
        }
    }
}

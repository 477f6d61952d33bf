//! The numbers under which the distribution core knows queues and agents.
//!
//! A name keeps its number for ever: journalled inputs of the core hold numbers only, and a queue or user that
//! is removed and made again is the same one to the statistics.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use acd::{AgentId, QueueId};

use crate::journal::NameRecord;

/// Names and numbers, both ways.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    queues: Table,
    agents: Table,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Table {
    by_name: BTreeMap<String, u32>,
    by_id: Vec<String>,
}

impl Table {
    fn id(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    fn name(&self, id: u32) -> Option<&str> {
        self.by_id
            .get(usize::try_from(id).ok()?)
            .map(String::as_str)
    }

    /// Gives the next number; `None` when the name has one.
    fn add(&mut self, name: &str) -> Option<u32> {
        if self.by_name.contains_key(name) {
            return None;
        }
        let id = u32::try_from(self.by_id.len()).ok()?;
        self.by_id.push(name.into());
        self.by_name.insert(name.into(), id);
        Some(id)
    }
}

impl Names {
    pub(crate) fn queue(&self, name: &str) -> Option<QueueId> {
        self.queues.id(name).map(QueueId)
    }

    pub(crate) fn agent(&self, username: &str) -> Option<AgentId> {
        self.agents.id(username).map(AgentId)
    }

    pub(crate) fn queue_name(&self, id: QueueId) -> Option<&str> {
        self.queues.name(id.0)
    }

    pub(crate) fn username(&self, id: AgentId) -> Option<&str> {
        self.agents.name(id.0)
    }

    /// Numbers a queue; the record to journal, unless it has its number.
    pub(crate) fn add_queue(&mut self, name: &str) -> Option<NameRecord> {
        let id = self.queues.add(name)?;
        Some(NameRecord {
            is_queue: true,
            id,
            name: name.into(),
        })
    }

    /// Numbers an agent; the record to journal, unless they have their number.
    pub(crate) fn add_agent(&mut self, username: &str) -> Option<NameRecord> {
        let id = self.agents.add(username)?;
        Some(NameRecord {
            is_queue: false,
            id,
            name: username.into(),
        })
    }

    /// Takes up what the journal says. Records come in the order they were written.
    pub(crate) fn restore(&mut self, record: &NameRecord) {
        let table = if record.is_queue {
            &mut self.queues
        } else {
            &mut self.agents
        };
        table.add(&record.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_numbers_over_a_restart() {
        let mut names = Names::default();
        let records = [
            names.add_queue("sales"),
            names.add_queue("support"),
            names.add_agent("ann"),
        ];
        assert_eq!(names.add_queue("sales"), None, "numbered once");
        let mut again = Names::default();
        records
            .iter()
            .flatten()
            .for_each(|record| again.restore(record));
        assert_eq!(again, names);
        assert_eq!(again.queue("support"), Some(QueueId(1)));
        assert_eq!(again.username(AgentId(0)), Some("ann"));
    }
}

//! A queue's agents by what they do.

use alloc::collections::BTreeMap;
use alloc::string::String;

use super::agent::Doing;
use crate::view::AgentRow;

/// Why an agent is on break who let calls ring out (rule 12).
const NO_ANSWER: &str = "no-answer";

/// So many agents do this or that. Logged in are all but those who are offline; they are the other figures together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staff {
    /// At work.
    pub logged_in: usize,
    /// Available, with a phone that can be rung, without a call.
    pub available: usize,
    /// Being rung.
    pub alerting: usize,
    /// On a call.
    pub on_contact: usize,
    /// In wrap-up.
    pub wrap_up: usize,
    /// On break.
    pub on_break: usize,
    /// Of these, by reason.
    pub breaks: BTreeMap<String, usize>,
    /// Available, but their phone cannot be rung.
    pub unreachable: usize,
}

impl Staff {
    /// Counts them.
    pub fn count<'a>(rows: impl IntoIterator<Item = &'a AgentRow>) -> Self {
        let mut staff = Self::default();
        rows.into_iter().for_each(|row| staff.add(row));
        staff
    }

    /// Of those on break, the ones sent there for not answering.
    pub fn no_answer(&self) -> usize {
        self.breaks.get(NO_ANSWER).copied().unwrap_or(0)
    }

    fn add(&mut self, row: &AgentRow) {
        let figure = match Doing::of(row.presence, row.activity, row.device) {
            Doing::Offline => return,
            Doing::Available => &mut self.available,
            Doing::Alerting => &mut self.alerting,
            Doing::OnContact => &mut self.on_contact,
            Doing::WrapUp => &mut self.wrap_up,
            Doing::OnBreak => {
                let reason = row.reason.clone().unwrap_or_default();
                *self.breaks.entry(reason).or_default() += 1;
                &mut self.on_break
            }
            Doing::Unreachable => &mut self.unreachable,
        };
        *figure += 1;
        self.logged_in += 1;
    }
}

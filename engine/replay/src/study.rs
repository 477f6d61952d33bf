//! The day beside what it would have been: figure by figure, with how much that depends on what had to be drawn.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use acd::{AgentId, QueueId, Target};
use engine::CallId;
use engine::board::Variant;
use engine::paper::Paper;

use crate::day::{Day, call_of};
use crate::model::Model;
use crate::outcome::{AgentTally, Ending, Ledger, Promise, Stay, Tally};
use crate::simulate::Script;

/// A day and another centre.
#[derive(Debug)]
pub struct Study<'a> {
    script: Script<'a>,
}

/// What came of one run.
#[derive(Debug, Clone)]
pub struct Run {
    queues: BTreeMap<QueueId, Tally>,
    total: Tally,
    agents: BTreeMap<AgentId, AgentTally>,
    fates: BTreeMap<CallId, Fate>,
    alerts: u64,
    same: bool,
}

/// What a figure says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Calls that came in, and were over when the day was.
    Offered,
    /// Of these, those who got an agent.
    Answered,
    /// Of these, those who gave up.
    Abandoned,
    /// Of these, those whom a rule sent elsewhere.
    SentOn,
    /// The service level, in ten-thousandths: A≤T / (A + B + F − Bs).
    ServiceLevel,
    /// How long those waited who were answered, on average, in microseconds.
    AverageWait,
    /// The longest wait, in microseconds.
    LongestWait,
    /// Calls that an agent took.
    Calls,
    /// The share of contact in contact and free time, in ten-thousandths.
    Occupancy,
}

/// One figure then and now. None where there is nothing to divide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What it says.
    pub figure: Figure,
    /// On the day.
    pub then: Option<i64>,
    /// With the other centre: the middle one of all runs.
    pub now: Option<i64>,
    /// Nine in ten runs differ from the day by so much: the least and the most.
    pub band: Option<(i64, i64)>,
}

/// What rows are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// All queues together; a call that went through several is one.
    Total,
    /// A queue.
    Queue(String),
    /// An agent.
    Agent(String),
}

/// What became of a call in the last queue that had it, or with the last user it waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// The queue's or the user's name.
    pub place: String,
    /// Who took it.
    pub agent: Option<String>,
    /// How its waiting ended.
    pub ending: Ending,
    /// How long it waited there, microseconds.
    pub waited_us: u64,
}

/// A call of which something else would have become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub call: CallId,
    /// What became of it; none: no queue had it.
    pub then: Option<Fate>,
    /// What would have become of it, in the first run.
    pub now: Option<Fate>,
}

/// What a study says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Every decision is the same, and so is the state at the end.
    pub same: bool,
    /// How many runs were made.
    pub runs: usize,
    /// When the day began and ended, UTC microseconds.
    pub span_us: (i64, i64),
    /// Calls that came to a queue or user on the day.
    pub calls: usize,
    /// Alerts then, and in the first run.
    pub alerts: (u64, u64),
    /// Those who are agents in the other centre and were not at work on the day: nobody knows when they would have been.
    pub not_at_work: Vec<String>,
    /// Rows, all together first.
    pub rows: Vec<(About, Vec<Row>)>,
    /// The calls that went otherwise, in the first run.
    pub changed: Vec<Changed>,
}

impl<'a> Study<'a> {
    /// Plays `day` against the centre on `paper`, where need be with what `model` says.
    pub fn new(day: &'a Day, paper: &'a Paper, model: &'a Model) -> Self {
        Self {
            script: Script::new(day, paper, model),
        }
    }

    /// One run; runs of other seeds draw otherwise. They have nothing to do with one another.
    pub fn run(&self, seed: u64) -> Run {
        let day = self.script.day;
        let played = self.script.play(seed);
        let same = played.state == day.state && played.ledger.digest() == day.ledger.digest();
        let mut run = self.book(&played.ledger, |queue| self.promise(queue));
        run.same = same;
        run
    }

    /// What the runs say; the first is the one whose calls are told.
    pub fn report(&self, runs: &[Run]) -> Report {
        let day = self.script.day;
        let then = self.book(&day.ledger, |queue| {
            day.promises.get(&queue).copied().unwrap_or_default()
        });
        let first = runs.first().unwrap_or(&then);
        Report {
            same: !runs.is_empty() && runs.iter().all(|run| run.same),
            runs: runs.len(),
            span_us: day.span_us(),
            calls: day.calls.keys().filter(|(_, visit)| *visit == 0).count(),
            alerts: (then.alerts, first.alerts),
            not_at_work: self.not_at_work(),
            rows: self.rows(&then, runs),
            changed: changed(&then.fates, &first.fates),
        }
    }

    fn book(&self, ledger: &Ledger, promise: impl Fn(QueueId) -> Promise) -> Run {
        let (queues, total) = ledger.tallies(promise);
        let fates = ledger.stays().iter();
        let fates = fates.filter_map(|(id, stays)| Some((call_of(*id), self.fate(stays.last()?))));
        Run {
            queues,
            total,
            agents: ledger.agents().map(|id| (id, ledger.agent(id))).collect(),
            fates: fates.collect(),
            alerts: ledger.alerts(),
            same: false,
        }
    }

    fn fate(&self, stay: &Stay) -> Fate {
        let paper = self.script.paper;
        let place = match stay.at {
            Target::Queue(queue) => paper.queue_name(queue),
            Target::Personal(agent) => paper.username(agent),
        };
        let agent = match stay.ending {
            Ending::Answered(agent) => Some(paper.username(agent).into()),
            _ => None,
        };
        Fate {
            place: place.into(),
            agent,
            ending: stay.ending,
            waited_us: stay.waited_us,
        }
    }

    /// What the other centre promises.
    fn promise(&self, queue: QueueId) -> Promise {
        let paper = self.script.paper;
        let queues = &paper.snapshot().centre.queues;
        let settings = queues.get(paper.queue_name(queue));
        let level = settings.and_then(|queue| queue.service_level.clone());
        let level = level.unwrap_or_default();
        Promise {
            within_us: u64::from(level.seconds.0) * 1_000_000,
            short_us: u64::from(level.short_abandon.0) * 1_000_000,
        }
    }

    fn not_at_work(&self) -> Vec<String> {
        let at_work = self.script.day.at_work();
        let config = self.script.paper.config();
        let agents = config
            .agents
            .iter()
            .filter(|agent| !agent.queues.is_empty());
        let absent = agents.filter(|agent| !at_work.contains(&agent.id));
        let names = absent.map(|agent| self.script.paper.username(agent.id).into());
        names.collect()
    }

    fn rows(&self, then: &Run, runs: &[Run]) -> Vec<(About, Vec<Row>)> {
        let paper = self.script.paper;
        let queue_rows = |of: &dyn Fn(&Run) -> Tally| -> Vec<Row> {
            let figures = QUEUE_FIGURES.into_iter();
            figures
                .map(|figure| row(figure, then, runs, |run| of_queue(figure, &of(run))))
                .collect()
        };
        let mut rows = [(About::Total, queue_rows(&|run| run.total))].to_vec();
        for queue in keys(then, runs, |run| &run.queues) {
            let of = |run: &Run| run.queues.get(&queue).copied().unwrap_or_default();
            let name = paper.queue_name(queue).into();
            rows.push((About::Queue(name), queue_rows(&of)));
        }
        for agent in keys(then, runs, |run| &run.agents) {
            let of = |run: &Run| run.agents.get(&agent).copied().unwrap_or_default();
            let figures = AGENT_FIGURES.into_iter();
            let agent_rows =
                figures.map(|figure| row(figure, then, runs, |run| of_agent(figure, &of(run))));
            let name = paper.username(agent).into();
            rows.push((About::Agent(name), agent_rows.collect()));
        }
        rows
    }
}

const QUEUE_FIGURES: [Figure; 7] = [
    Figure::Offered,
    Figure::Answered,
    Figure::Abandoned,
    Figure::SentOn,
    Figure::ServiceLevel,
    Figure::AverageWait,
    Figure::LongestWait,
];
const AGENT_FIGURES: [Figure; 2] = [Figure::Calls, Figure::Occupancy];

fn keys<K: Ord + Copy, V>(
    then: &Run,
    runs: &[Run],
    of: impl Fn(&Run) -> &BTreeMap<K, V>,
) -> BTreeSet<K> {
    let all = core::iter::once(then).chain(runs);
    all.flat_map(|run| of(run).keys().copied()).collect()
}

fn of_queue(figure: Figure, tally: &Tally) -> Option<i64> {
    let counts = &tally.outcomes;
    match figure {
        Figure::Offered => signed(counts.offered()),
        Figure::Answered => signed(counts.answered),
        Figure::Abandoned => signed(counts.abandoned),
        Figure::SentOn => signed(counts.flowed_out),
        Figure::ServiceLevel => {
            let share = Variant::Genesys.of(counts).ten_thousandths();
            share.map(i64::from)
        }
        Figure::AverageWait => signed(tally.answered_us.checked_div(counts.answered)?),
        Figure::LongestWait => signed(tally.longest_us),
        Figure::Calls | Figure::Occupancy => None,
    }
}

fn of_agent(figure: Figure, tally: &AgentTally) -> Option<i64> {
    match figure {
        Figure::Calls => signed(tally.calls),
        Figure::Occupancy => {
            let whole = u128::from(tally.contact_us) + u128::from(tally.free_us);
            let share = (u128::from(tally.contact_us) * 20_000 + whole).checked_div(whole * 2)?;
            i64::try_from(share).ok()
        }
        Figure::Offered
        | Figure::Answered
        | Figure::Abandoned
        | Figure::SentOn
        | Figure::ServiceLevel
        | Figure::AverageWait
        | Figure::LongestWait => None,
    }
}

fn signed(count: u64) -> Option<i64> {
    i64::try_from(count).ok()
}

fn row(figure: Figure, then: &Run, runs: &[Run], of: impl Fn(&Run) -> Option<i64>) -> Row {
    let mut now: Vec<i64> = runs.iter().filter_map(&of).collect();
    now.sort_unstable();
    let then = of(then);
    let band = then
        .zip(percentile(&now, 5).zip(percentile(&now, 95)))
        .map(|(then, (low, high))| (low - then, high - then));
    Row {
        figure,
        then,
        now: percentile(&now, 50),
        band,
    }
}

/// The smallest value that so many in a hundred do not exceed.
fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn changed(then: &BTreeMap<CallId, Fate>, now: &BTreeMap<CallId, Fate>) -> Vec<Changed> {
    let calls: BTreeSet<CallId> = then.keys().chain(now.keys()).copied().collect();
    let pairs = calls.into_iter().map(|call| Changed {
        call,
        then: then.get(&call).cloned(),
        now: now.get(&call).cloned(),
    });
    pairs.filter(|pair| pair.then != pair.now).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let all: Vec<i64> = (1..=200).collect();
        for (percent, expected) in [(5, 10), (50, 100), (95, 190)] {
            assert_eq!(percentile(&all, percent), Some(expected));
        }
        assert_eq!(percentile(&[7], 5), Some(7));
        assert_eq!(percentile(&[7], 95), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }
}

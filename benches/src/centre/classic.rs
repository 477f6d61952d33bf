//! How long the two usual designs take from 'an agent is free' to 'the next caller is offered'.
//!
//! In one, each caller looks once a second whether it is their turn and somebody is free, as Asterisk's `app_queue` does. In the other a
//! loop asks a database ten times a second whom each free agent should get. Both are modelled in simulated time, to which is added
//! what their look-ups take here and now: of the first the walk along the queue, of the second real queries of SQLite.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

use super::load::Lots;
use super::{AGENTS, QUEUES, QUEUES_OF_AN_AGENT, config};

/// How often a caller looks.
const POLL: Duration = Duration::from_secs(1);
/// How often the database is asked.
const TICK: Duration = Duration::from_millis(100);
/// In one queue so many agents become free in a second, in the whole centre so many.
const FREED_IN_A_QUEUE: u64 = 1;
const FREED_IN_ALL: u64 = 50;

/// Milliseconds from free to offered, for so many agents, where each of `waiting` callers of one queue polls.
#[must_use]
pub fn polled(waiting: usize, agents: usize) -> Vec<f64> {
    let mut lots = Lots(1);
    // When in each second they look.
    let mut line: VecDeque<Duration> = (0..waiting).map(|_| phase(&mut lots)).collect();
    let (mut now, mut next_freed) = (Duration::ZERO, apart(&mut lots, FREED_IN_A_QUEUE));
    let mut free: VecDeque<Duration> = VecDeque::new();
    let mut delays = Vec::new();
    while delays.len() < agents {
        // As many as there are free agents may be offered, each when they look.
        let looks = line.iter().take(free.len());
        let looks = looks
            .enumerate()
            .map(|(nth, phase)| (next_look(now, *phase), nth));
        match looks.min().filter(|(look, _)| *look <= next_freed) {
            Some((look, nth)) => {
                now = look + walk(&line);
                let freed = free.pop_front().unwrap_or_default();
                delays.push((now - freed).as_secs_f64() * 1e3);
                line.remove(nth);
                line.push_back(phase(&mut lots));
            }
            None => {
                now = next_freed;
                free.push_back(now);
                next_freed += apart(&mut lots, FREED_IN_A_QUEUE);
            }
        }
    }
    delays
}

fn phase(lots: &mut Lots) -> Duration {
    Duration::from_micros(lots.below(1_000_000))
}

/// Until the next agent: 0 to 2 seconds through `per_second`, evenly.
fn apart(lots: &mut Lots, per_second: u64) -> Duration {
    Duration::from_micros(lots.below(2_000_000) / per_second)
}

/// The first moment from `from` on that is `phase` after a whole second.
fn next_look(from: Duration, phase: Duration) -> Duration {
    let since = from.as_micros() % POLL.as_micros();
    let ahead = (phase.as_micros() + POLL.as_micros() - since) % POLL.as_micros();
    from + Duration::from_micros(ahead as u64)
}

/// What it takes to find one's place.
fn walk(line: &VecDeque<Duration>) -> Duration {
    let since = Instant::now();
    black_box(line.iter().filter(|phase| !phase.is_zero()).count());
    since.elapsed()
}

/// Milliseconds from free to offered, for so many agents, where a loop asks SQLite and `waiting` callers wait in all queues.
///
/// # Errors
///
/// If SQLite fails.
pub async fn asked(waiting: u64, agents: usize) -> Result<Vec<f64>> {
    let mut database = fill(waiting).await?;
    let mut lots = Lots(2);
    let mut freed = Duration::ZERO;
    let mut busy_until = Duration::ZERO;
    let mut delays = Vec::new();
    for _ in 0..agents {
        freed += apart(&mut lots, FREED_IN_ALL);
        // Asked for at the next tick, behind those who became free before.
        let asked = next_tick(freed).max(busy_until);
        let since = Instant::now();
        offer(&mut database, lots.below(AGENTS.into()) as u32).await?;
        busy_until = asked + since.elapsed();
        delays.push((busy_until - freed).as_secs_f64() * 1e3);
    }
    Ok(delays)
}

fn next_tick(at: Duration) -> Duration {
    let ticks = at.as_micros().div_ceil(TICK.as_micros()) as u32;
    TICK * ticks
}

async fn fill(waiting: u64) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().in_memory(true);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let schema = "CREATE TABLE waiting (id INTEGER PRIMARY KEY, queue INTEGER, tier INTEGER, aged INTEGER, arrival INTEGER);
        CREATE INDEX by_rank ON waiting (queue, tier, aged, arrival, id);
        CREATE TABLE assigned (agent INTEGER, queue INTEGER, PRIMARY KEY (agent, queue)) WITHOUT ROWID;";
    sqlx::raw_sql(schema).execute(&mut database).await?;
    let mut change = database.begin().await?;
    for agent in config().agents {
        for assigned in agent.queues {
            sqlx::query("INSERT INTO assigned VALUES ($1, $2)")
                .bind(agent.id.0)
                .bind(assigned.queue.0)
                .execute(&mut *change)
                .await?;
        }
    }
    let mut lots = Lots(3);
    for id in 0..waiting as i64 {
        let arrival = id * 1_000;
        sqlx::query("INSERT INTO waiting VALUES ($1, $2, 1, $3, $4)")
            .bind(id)
            .bind(lots.below(QUEUES.into()) as i64)
            .bind(arrival - 10_000_000 * lots.below(20) as i64)
            .bind(arrival)
            .execute(&mut *change)
            .await?;
    }
    change.commit().await?;
    Ok(database)
}

/// The best-ranked caller of all the agent's queues; they are offered, and somebody else comes.
async fn offer(database: &mut SqliteConnection, agent: u32) -> Result<()> {
    let mut change = database.begin().await?;
    let first = sqlx::query(
        "SELECT waiting.id FROM assigned JOIN waiting ON waiting.queue = assigned.queue
         WHERE assigned.agent = $1 ORDER BY tier, aged, arrival, id LIMIT 1",
    )
    .bind(agent)
    .fetch_optional(&mut *change)
    .await?;
    let caller: i64 = first
        .with_context(|| format!("nobody waits in {QUEUES_OF_AN_AGENT} queues"))?
        .try_get(0)?;
    sqlx::query(
        "UPDATE waiting SET aged = aged + 1000000000, arrival = arrival + 1000000000 WHERE id = $1",
    )
    .bind(caller)
    .execute(&mut *change)
    .await?;
    change.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_caller_looks_once_a_second_and_the_loop_ten_times() {
        assert_eq!(next_look(ms(2_300), ms(400)), ms(2_400));
        assert_eq!(next_look(ms(2_400), ms(400)), ms(2_400));
        assert_eq!(next_look(ms(2_401), ms(400)), ms(3_400));
        assert_eq!(next_tick(ms(2_301)), ms(2_400));
        assert_eq!(next_tick(ms(2_300)), ms(2_300));
    }
}

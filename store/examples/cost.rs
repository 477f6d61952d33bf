//! What keeping a call costs: `cost CALLS_PER_SECOND SECONDS` writes calls of 14 events and 12 inputs of the distribution
//! core at that rate, and prints the processor time of the whole process per call.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::event::{
    AlertEnd, Direction, EndCause, EndResult, EndedBy, Event, LeftQueue, LegRole, Party, Rank,
};
use engine::journal::{Body, Entry, Stamp};
use engine::{CallId, LegId};
use store::{Limits, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>());
    let rate = arguments.next().unwrap_or(Ok(20))?.max(1);
    let seconds = arguments.next().unwrap_or(Ok(10))?;
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (_store, mut writer) = runtime.block_on(open(directory.path()))?;
    let health = writer.health();

    // A call's entries are spread over the three seconds it lasts.
    let spread =
        |number: u64, part: usize| number * 1_000_000 / rate + part as u64 * 3_000_000 / 26;
    let mut entries: Vec<(u64, Body)> = (0..rate * seconds)
        .flat_map(|number| {
            call(number)
                .into_iter()
                .enumerate()
                .map(move |(part, body)| (spread(number, part), body))
        })
        .collect();
    entries.sort_by_key(|(due_us, _)| *due_us);

    let (started, used) = (Instant::now(), processor_time());
    for (seq, (due_us, body)) in (1..).zip(entries) {
        let early = Duration::from_micros(due_us).saturating_sub(started.elapsed());
        // As the engine's turns do, several fall together.
        if early > Duration::from_millis(10) {
            std::thread::sleep(early);
        }
        let at_us = 1_700_000_000_000_000 + u64::try_from(started.elapsed().as_micros())?;
        let stamp = Stamp {
            node: 1,
            incarnation: 1,
            mono_us: at_us,
            utc_us: at_us.cast_signed(),
            config_version: 1,
            rules_version: 1,
        };
        writer.append(Entry { seq, stamp, body });
    }
    writer.close()?;
    let used = processor_time() - used;
    let figures = health.figures();
    eprintln!(
        "{rate} calls/s: {} us of processor time per call, {} commits, the slowest {:?}, {} entries lost",
        used.as_micros() / u128::from(rate * seconds),
        figures.commits,
        figures.slowest_commit,
        figures.lost,
    );
    Ok(())
}

async fn open(directory: &Path) -> Result<(Store, store::JournalWriter), store::StoreError> {
    let store = Store::open(
        &format!("sqlite:{}/lampfield.db", directory.display()),
        directory,
    )
    .await?;
    let writer = store.start(Limits::default()).await?;
    Ok((store, writer))
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Inputs of the distribution core and events in turn.
fn call(number: u64) -> Vec<Body> {
    let call = CallId(number + 1);
    let (caller, leg) = (LegId(2 * number), LegId(2 * number + 1));
    let rank = Rank {
        tier: 1,
        key_us: 0,
        arrival_us: 0,
        id: call.0,
    };
    let queue = Some("support".to_owned());
    let user = Some("alice".to_owned());
    let agent = "alice".to_owned();
    let party = Party {
        number: "+31201234567".into(),
        name: None,
    };
    let trunk = Some("pbx".to_owned());
    let cause = EndCause {
        result: EndResult::Answered,
        sip_status: None,
        reason: None,
    };
    let events = [
        Event::CallStarted {
            call,
            direction: Direction::Inbound,
            caller: party,
            called: "2000".into(),
            trunk: trunk.clone(),
            user: None,
            vip: false,
        },
        Event::LegStarted {
            call,
            leg: caller,
            role: LegRole::Caller,
            number: "+31201234567".into(),
            trunk,
            user: None,
        },
        Event::CallAnswered { call },
        Event::CallQueued {
            call,
            queue: queue.clone(),
            user: None,
            rank,
            priority: 0,
            arrival_us: 0,
            estimate_seconds: None,
        },
        Event::AlertStarted {
            alert: call.0,
            call,
            agent: agent.clone(),
            queue: queue.clone(),
            picked_up: false,
            choice: None,
        },
        Event::LegStarted {
            call,
            leg,
            role: LegRole::Agent,
            number: "1001".into(),
            trunk: None,
            user: user.clone(),
        },
        Event::LegRinging { call, leg },
        Event::LegAnswered { call, leg },
        Event::AlertEnded {
            alert: call.0,
            call,
            agent,
            end: AlertEnd::Accepted,
            sip_status: None,
        },
        Event::CallLeftQueue {
            call,
            why: LeftQueue::Connected,
        },
        Event::CallConnected {
            call,
            user,
            leg,
            queue,
        },
        Event::LegEnded {
            call,
            leg,
            cause: cause.clone(),
        },
        Event::LegEnded {
            call,
            leg: caller,
            cause: cause.clone(),
        },
        Event::CallEnded {
            call,
            cause,
            by: EndedBy::Caller,
        },
    ];
    let events = events.into_iter().map(|event| Body::Event(Arc::new(event)));
    events
        .chain((0..12).map(|_| Body::Acd(vec![0x5a; 40])))
        .collect()
}

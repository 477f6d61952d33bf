//! The figures of the whole daemon in the text form of Prometheus, version 0.0.4.

mod trunks;

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use engine::TrunkFigures;
use engine::board::{Board, QueueFigures, Staff, Variant};
use media_io::{MediaPool, WorkerMetrics};
use store::JournalHealth;

use crate::driver::Pulse;
use crate::net::connections::Connections;
use crate::net::intake::Intake;
use crate::view::Views;

/// Where figures come from.
pub(crate) struct Metrics {
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) intake: Intake,
    pub(crate) connections: Connections,
    pub(crate) media: Arc<MediaPool>,
    pub(crate) journal: JournalHealth,
    pub(crate) views: Arc<Views>,
}

impl admin_api::ports::Metrics for Metrics {
    fn render(&self) -> String {
        let mut page = Page::default();
        self.engine(&mut page);
        self.readers(&mut page);
        self.network(&mut page);
        trunks::write(&mut page, &self.pulse.trunks());
        media(&mut page, &self.media.metrics());
        self.journal(&mut page);
        process(&mut page);
        page.text
    }

    fn trunk(&self, name: &str) -> Option<TrunkFigures> {
        self.pulse.trunks().get(name).cloned()
    }
}

impl Metrics {
    fn engine(&self, page: &mut Page) {
        let shown = self.pulse.shown();
        let engine = shown.engine;
        page.counter(
            "sip_messages_total",
            "SIP messages that reached the engine",
            engine.messages,
        );
        page.counter(
            "calls_shed_total",
            "Calls refused by the engine for want of room",
            engine.shed,
        );
        page.counter(
            "calls_unknown_total",
            "Calls of nobody we know",
            engine.unknown,
        );
        page.counter(
            "calls_barred_total",
            "Outside calls that their users may not make",
            engine.barred,
        );
        page.gauge("calls", "Calls that are up", engine.calls);
        page.gauge("legs", "Legs that are up", engine.legs);
        page.gauge("dialogs", "SIP dialogs that are up", engine.dialogs);
        page.gauge("transactions", "SIP transactions", engine.transactions);
        page.gauge("timers", "Deadlines of the engine's own", engine.timers);
        page.gauge(
            "ports_in_stock",
            "Bound pairs of ports that no leg has",
            engine.ports_in_stock,
        );
        page.gauge("bindings", "Bindings of phones", engine.bindings);
        page.gauge(
            "shedding",
            "Whether new calls are refused because a queue is half full",
            u8::from(shown.shedding),
        );
        page.counter(
            "media_commands_lost_total",
            "Orders to media threads that were lost",
            shown.media_commands_lost,
        );
        page.head(
            "queue_length",
            "gauge",
            "What waits between the daemon's threads",
        );
        for (lane, length) in self.intake.lanes.lengths() {
            page.labelled("queue_length", "queue", lane, length);
        }
        page.labelled("queue_length", "queue", "view", shown.view_queued);
        let dropped = self.intake.lanes.media.dropped.count();
        page.counter(
            "media_events_dropped_total",
            "Media events dropped because the engine was behind",
            dropped,
        );
    }

    fn readers(&self, page: &mut Page) {
        let view = self.views.view();
        page.gauge("view_seq", "The last event that readers see", view.seq);
        page.gauge(
            "event_followers",
            "Open event streams",
            self.views.followers(),
        );
        page.gauge("alarms", "Alarms in force", view.alarms.len());
        page.head("queue_waiting", "gauge", "Calls that wait in a queue");
        for (name, queue) in &view.queues {
            page.labelled("queue_waiting", "name", name, queue.waiting.len());
        }
        queues(page, &view.board, crate::clock::utc_us());
        page.head("agents", "gauge", "Agents by what they do");
        let staff = Staff::count(view.agents.values());
        for (doing, agents) in [
            ("available", staff.available),
            ("alerting", staff.alerting),
            ("on-contact", staff.on_contact),
            ("wrap-up", staff.wrap_up),
            ("break", staff.on_break),
            ("unreachable", staff.unreachable),
        ] {
            page.labelled("agents", "doing", doing, agents);
        }
    }

    fn network(&self, page: &mut Page) {
        for (name, help, count) in self.intake.counters.iter() {
            page.counter(&format!("net_{name}_total"), help, count);
        }
        if let Some(trace) = self.intake.tap.counters() {
            page.counter(
                "trace_messages_total",
                "SIP messages that the recorder has taken up",
                trace.taken.count(),
            );
            page.counter(
                "trace_lost_total",
                "SIP messages that the recorder had no room for",
                trace.lost.count(),
            );
        }
        page.head("net_connections", "gauge", "SIP connections that are open");
        for (transport, count) in self.connections.counts() {
            let transport = transport.as_str().to_ascii_lowercase();
            page.labelled("net_connections", "transport", &transport, count);
        }
    }

    fn journal(&self, page: &mut Page) {
        let figures = self.journal.figures();
        page.gauge(
            "journal_appended_seq",
            "The last entry handed in",
            figures.appended_seq,
        );
        page.gauge(
            "journal_durable_seq",
            "The last entry on disk",
            figures.durable_seq,
        );
        page.gauge(
            "journal_projected_seq",
            "The last entry in the read models",
            figures.projected_seq,
        );
        page.gauge(
            "journal_queued",
            "Entries on their way to disk",
            figures.queued,
        );
        page.gauge(
            "journal_spilled",
            "Entries kept in memory because the queue was full",
            figures.spilled,
        );
        page.gauge("journal_spilled_bytes", "Their size", figures.spilled_bytes);
        page.gauge(
            "journal_pressure",
            "0 normal, 1 half full, 2 spilling, 3 losing",
            self.journal.pressure() as u8,
        );
        page.counter("journal_lost_total", "Entries lost", figures.lost);
        page.counter("journal_commits_total", "Commits", figures.commits);
        page.counter(
            "journal_commit_errors_total",
            "Commits that failed and were tried again",
            figures.commit_errors,
        );
        page.counter(
            "journal_projection_errors_total",
            "Read models' transactions that failed",
            figures.projection_errors,
        );
        let slowest = figures.slowest_commit.as_secs_f64();
        page.gauge(
            "journal_slowest_commit_seconds",
            "The slowest commit",
            slowest,
        );
    }
}

/// So many queues have figures of their own here: what watches the daemon keeps a series for each.
const QUEUES_MAX: usize = 1_000;

/// The figures of each queue, all of one name together; counts start at zero when the centre's day begins.
fn queues(page: &mut Page, board: &Board, now_us: i64) {
    type Figure = fn(&QueueFigures, i64) -> Option<f64>;
    let figures: [(&str, &str, &str, Figure); 7] = [
        (
            "queue_oldest_wait_seconds",
            "gauge",
            "How long the first of those has waited",
            |row, now_us| Some(seconds(row.oldest_wait_us(now_us).unwrap_or(0))),
        ),
        (
            "queue_breached_waiting",
            "gauge",
            "Calls that have waited longer than the service level says",
            |row, now_us| Some(row.breached(now_us) as f64),
        ),
        (
            "queue_offered_total",
            "counter",
            "Calls that were let in",
            |row, _| Some(row.counts.today.offered as f64),
        ),
        (
            "queue_answered_total",
            "counter",
            "Calls that an agent took",
            |row, _| Some(row.counts.today.outcomes.answered as f64),
        ),
        (
            "queue_abandoned_total",
            "counter",
            "Calls whose caller gave up",
            |row, _| Some(row.counts.today.outcomes.abandoned as f64),
        ),
        (
            "queue_flowed_out_total",
            "counter",
            "Calls that a rule sent elsewhere",
            |row, _| Some(row.counts.today.outcomes.flowed_out as f64),
        ),
        (
            "queue_service_level_ratio",
            "gauge",
            "Service level of the last 15 minutes, variant genesys; absent where nothing ended",
            |row, now_us| {
                let level = Variant::Genesys.of(&row.counts.last_minutes(now_us, 15));
                level
                    .ten_thousandths()
                    .map(|parts| f64::from(parts) / 10_000.0)
            },
        ),
    ];
    for (metric, kind, help, figure) in figures {
        page.head(metric, kind, help);
        for (name, row) in board.queues.iter().take(QUEUES_MAX) {
            if let Some(value) = figure(row, now_us) {
                page.labelled(metric, "name", name, value);
            }
        }
    }
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// The figures of each media thread, all of one name together.
fn media(page: &mut Page, workers: &[WorkerMetrics]) {
    let Some(first) = workers.first() else { return };
    for (index, (name, _)) in first.iter().enumerate() {
        let name = format!("media_{name}");
        page.head(&name, "untyped", "Of a media thread");
        for (worker, metrics) in workers.iter().enumerate() {
            let value = metrics.iter().nth(index).map_or(0, |(_, value)| value);
            page.labelled(&name, "worker", &worker.to_string(), value);
        }
    }
}

fn process(page: &mut Page) {
    if let Some(kib) = resident_kib() {
        page.gauge(
            "process_resident_memory_bytes",
            "Memory in use",
            kib * 1_024,
        );
    }
    if let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open descriptors", descriptors.count());
    }
}

fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.plain(name, "counter", help, &value);
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.plain(name, "gauge", help, &value);
    }

    fn plain(&mut self, name: &str, kind: &str, help: &str, value: &dyn Display) {
        self.head(name, kind, help);
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "lampfield_{name} {value}");
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.trim_end_matches('.');
        let _ = writeln!(
            self.text,
            "# HELP lampfield_{name} {help}.\n# TYPE lampfield_{name} {kind}"
        );
    }

    fn labelled(&mut self, name: &str, label: &str, labelled: &str, value: impl Display) {
        self.labels(name, &[(label, labelled)], value);
    }

    fn labels(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let escaped = labels.iter().map(|(label, text)| {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{label}=\"{}\"", text.replace('\n', "\\n"))
        });
        let labels = escaped.collect::<Vec<_>>().join(",");
        let _ = writeln!(self.text, "lampfield_{name}{{{labels}}} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::event::{LeftQueue, Rank};
    use engine::{CallId, Event};

    #[test]
    fn a_page_is_what_prometheus_reads() {
        let mut page = Page::default();
        page.counter("calls_total", "Calls.", 3);
        page.head("queue_waiting", "gauge", "Waiting");
        page.labelled("queue_waiting", "name", "a\"b\\c", 2);
        let expected = "# HELP lampfield_calls_total Calls.\n# TYPE lampfield_calls_total counter\nlampfield_calls_total 3\n\
            # HELP lampfield_queue_waiting Waiting.\n# TYPE lampfield_queue_waiting gauge\n\
            lampfield_queue_waiting{name=\"a\\\"b\\\\c\"} 2\n";
        assert_eq!(page.text, expected);
    }

    #[test]
    fn each_queue_has_its_figures_and_no_share_of_nothing() {
        let mut board = Board::default();
        for (at, event) in [
            (0, queued(1)),
            (0, queued(2)),
            (
                30_000_000,
                Event::CallLeftQueue {
                    call: CallId(1),
                    why: LeftQueue::Connected,
                },
            ),
        ] {
            board.apply(at, &event);
        }
        let text = |now_us| {
            let mut page = Page::default();
            queues(&mut page, &board, now_us);
            page.text
        };
        let (shown, later) = (text(40_500_000), text(7_200_000_000));
        for line in [
            "lampfield_queue_oldest_wait_seconds{name=\"support\"} 40.5",
            "lampfield_queue_breached_waiting{name=\"support\"} 1",
            "lampfield_queue_offered_total{name=\"support\"} 2",
            "lampfield_queue_answered_total{name=\"support\"} 1",
            "lampfield_queue_service_level_ratio{name=\"support\"} 0",
        ] {
            assert!(shown.contains(&format!("{line}\n")), "{line}: {shown}");
        }
        assert!(!later.contains("queue_service_level_ratio{"), "{later}");
    }

    fn queued(call: u64) -> Event {
        Event::CallQueued {
            call: CallId(call),
            queue: Some("support".into()),
            user: None,
            rank: Rank {
                tier: 1,
                key_us: 0,
                arrival_us: 0,
                id: call,
            },
            priority: 0,
            arrival_us: 0,
            estimate_seconds: None,
        }
    }

    #[test]
    fn each_media_figure_stands_once_for_every_worker() {
        let mut page = Page::default();
        let busy = WorkerMetrics {
            packets_relayed: 7,
            ..WorkerMetrics::default()
        };
        media(&mut page, &[busy, WorkerMetrics::default()]);
        assert!(
            page.text
                .contains("lampfield_media_packets_relayed{worker=\"0\"} 7\n"),
            "{}",
            page.text
        );
        assert!(
            page.text
                .contains("lampfield_media_packets_relayed{worker=\"1\"} 0\n"),
            "{}",
            page.text
        );
        assert_eq!(
            page.text
                .matches("# TYPE lampfield_media_packets_relayed ")
                .count(),
            1
        );
    }

    #[test]
    fn memory_is_known() {
        assert!(resident_kib().unwrap() > 100);
    }
}

//! The figures of the whole daemon in the text form of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use media_io::{MediaPool, WorkerMetrics};
use store::JournalHealth;

use crate::driver::Pulse;
use crate::net::intake::Intake;
use crate::net::tcp::Connections;
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
        media(&mut page, &self.media.metrics());
        self.journal(&mut page);
        process(&mut page);
        page.text
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
    }

    fn network(&self, page: &mut Page) {
        for (name, help, count) in self.intake.counters.iter() {
            page.counter(&format!("net_{name}_total"), help, count);
        }
        page.gauge(
            "net_connections",
            "SIP connections that are open",
            self.connections.len(),
        );
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
        let escaped = labelled
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = writeln!(
            self.text,
            "lampfield_{name}{{{label}=\"{escaped}\"}} {value}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

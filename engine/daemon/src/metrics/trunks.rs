//! The figures of each trunk, all of one name together.

use std::collections::BTreeMap;

use engine::{BUCKETS_MS, Times, TrunkFigures};

use super::Page;

/// So many trunks have figures of their own here, by name: what watches the daemon keeps series for each.
const TRUNKS_MAX: usize = 200;

type Trunks = BTreeMap<String, TrunkFigures>;

pub(super) fn write(page: &mut Page, trunks: &Trunks) {
    let shown = || trunks.iter().take(TRUNKS_MAX);
    both_ways(
        page,
        trunks,
        "trunk_calls_total",
        "Calls over a trunk",
        |it| (it.calls_in, it.calls_out),
    );
    both_ways(
        page,
        trunks,
        "trunk_answered_total",
        "Calls over a trunk that were answered",
        |it| (it.answered_in, it.answered_out),
    );
    page.head(
        "trunk_failed_total",
        "counter",
        "Calls over a trunk that were not, by final response",
    );
    for (name, figures) in shown() {
        failures(page, name, figures);
    }
    times(
        page,
        trunks,
        "trunk_response_seconds",
        "From our INVITE to the first response",
        |it| it.response,
    );
    times(
        page,
        trunks,
        "trunk_answer_seconds",
        "From our INVITE to its answer",
        |it| it.answer,
    );
    page.head(
        "trunk_retransmitted_total",
        "counter",
        "Messages that were sent to a trunk again",
    );
    for (name, figures) in shown() {
        page.labelled(
            "trunk_retransmitted_total",
            "trunk",
            name,
            figures.retransmitted,
        );
    }
    page.head("trunk_calls", "gauge", "Calls that are up on a trunk");
    for (name, figures) in shown() {
        page.labelled("trunk_calls", "trunk", name, figures.legs);
    }
}

fn both_ways(
    page: &mut Page,
    trunks: &Trunks,
    metric: &str,
    help: &str,
    of: fn(&TrunkFigures) -> (u64, u64),
) {
    page.head(metric, "counter", help);
    for (name, figures) in trunks.iter().take(TRUNKS_MAX) {
        let (inbound, outbound) = of(figures);
        for (direction, count) in [("in", inbound), ("out", outbound)] {
            page.labels(metric, &[("trunk", name), ("direction", direction)], count);
        }
    }
}

/// Codes that have come up only: most of the four hundred never do.
fn failures(page: &mut Page, name: &str, figures: &TrunkFigures) {
    let mut write = |direction: &str, code: &str, count: u64| {
        let labels = [("trunk", name), ("direction", direction), ("code", code)];
        page.labels("trunk_failed_total", &labels, count);
    };
    for (code, count) in &figures.refused_in {
        write("in", &code.to_string(), *count);
    }
    for (code, count) in &figures.failed_out {
        write("out", &code.to_string(), *count);
    }
    write("out", "timeout", figures.timed_out);
    write("out", "unreachable", figures.unreachable);
}

fn times(
    page: &mut Page,
    trunks: &Trunks,
    metric: &str,
    help: &str,
    of: fn(&TrunkFigures) -> Times,
) {
    page.head(metric, "histogram", help);
    let bucket = format!("{metric}_bucket");
    for (name, figures) in trunks.iter().take(TRUNKS_MAX) {
        let times = of(figures);
        let mut below = 0;
        for (end_ms, count) in BUCKETS_MS.iter().zip(times.counts) {
            below += count;
            let end = format!("{}", *end_ms as f64 / 1e3);
            page.labels(&bucket, &[("trunk", name), ("le", &end)], below);
        }
        page.labels(&bucket, &[("trunk", name), ("le", "+Inf")], times.count());
        page.labelled(
            &format!("{metric}_sum"),
            "trunk",
            name,
            times.sum.as_secs_f64(),
        );
        page.labelled(&format!("{metric}_count"), "trunk", name, times.count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trunk_has_counts_by_way_and_code_and_histograms_that_add_up() {
        let mut figures = TrunkFigures {
            calls_in: 3,
            calls_out: 5,
            timed_out: 1,
            ..TrunkFigures::default()
        };
        figures.failed_out.insert(486, 2);
        figures.answer.counts[0] = 1;
        figures.answer.counts[5] = 2;
        let mut page = Page::default();
        write(&mut page, &Trunks::from([("pbx".into(), figures)]));
        for line in [
            "trunk_calls_total{trunk=\"pbx\",direction=\"in\"} 3",
            "trunk_calls_total{trunk=\"pbx\",direction=\"out\"} 5",
            "trunk_failed_total{trunk=\"pbx\",direction=\"out\",code=\"486\"} 2",
            "trunk_failed_total{trunk=\"pbx\",direction=\"out\",code=\"timeout\"} 1",
            "trunk_answer_seconds_bucket{trunk=\"pbx\",le=\"0.02\"} 1",
            "trunk_answer_seconds_bucket{trunk=\"pbx\",le=\"1\"} 3",
            "trunk_answer_seconds_bucket{trunk=\"pbx\",le=\"+Inf\"} 3",
            "trunk_answer_seconds_count{trunk=\"pbx\"} 3",
            "trunk_calls{trunk=\"pbx\"} 0",
        ] {
            assert!(
                page.text.contains(&format!("lampfield_{line}\n")),
                "{line}: {}",
                page.text
            );
        }
    }
}

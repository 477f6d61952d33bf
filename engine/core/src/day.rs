//! When the centre's day begins: the counters of agents start at zero then (rule 6, `[centre] day_starts`).

use config::{TimeOfDay, Zone};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

/// The first beginning of a day after this moment, UTC microseconds.
///
/// A time that the clock skips on that day is the instant after the gap, one that comes twice the first of the two.
pub(crate) fn next_day_start_us(utc_us: i64, zone: &Zone, starts: TimeOfDay) -> Option<i64> {
    let at = Timestamp::from_microsecond(utc_us).ok()?;
    let today = zone.time_zone().to_datetime(at).date();
    let starts = [today.yesterday().ok()?, today, today.tomorrow().ok()?]
        .map(|date| start_us(date, zone, starts));
    starts.into_iter().flatten().find(|start| *start > utc_us)
}

fn start_us(date: Date, zone: &Zone, starts: TimeOfDay) -> Option<i64> {
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let local = midnight
        .checked_add(i64::from(starts.seconds()).seconds())
        .ok()?;
    let instant = zone
        .time_zone()
        .to_ambiguous_timestamp(local)
        .compatible()
        .ok()?;
    Some(instant.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn mo_3_1_the_day_begins_in_the_centres_zone_on_the_days_the_clock_moves_too() {
        let zone: Zone = "Europe/Amsterdam".parse().unwrap();
        let cases = [
            (
                "before it",
                "2026-11-22T04:59:59Z",
                "06:00",
                "2026-11-22T05:00:00Z",
            ),
            (
                "at it",
                "2026-11-22T05:00:00Z",
                "06:00",
                "2026-11-23T05:00:00Z",
            ),
            (
                "midnight",
                "2026-11-22T12:00:00Z",
                "00:00",
                "2026-11-22T23:00:00Z",
            ),
            (
                "the clock goes forward",
                "2026-03-28T12:00:00Z",
                "02:30",
                "2026-03-29T01:30:00Z",
            ),
            (
                "the clock goes back",
                "2026-10-24T12:00:00Z",
                "02:30",
                "2026-10-25T00:30:00Z",
            ),
            (
                "24:00 is the next midnight",
                "2026-11-22T12:00:00Z",
                "24:00",
                "2026-11-22T23:00:00Z",
            ),
        ];
        for (name, now, starts, expected) in cases {
            let next = next_day_start_us(us(now), &zone, starts.parse().unwrap());
            assert_eq!(next, Some(us(expected)), "{name}");
        }
    }
}

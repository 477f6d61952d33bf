//! Times as clients see them: RFC 3339 in UTC, lengths in seconds.

use jiff::Timestamp;

use crate::problem::ApiError;

/// Microseconds since the Unix epoch as RFC 3339, such as `2026-12-24T09:00:00.250000Z`: always with six digits, so
/// that texts sort as their times.
pub(crate) fn rfc3339(utc_us: i64) -> String {
    let furthest = if utc_us < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    let time = Timestamp::from_microsecond(utc_us).unwrap_or(furthest);
    format!("{time:.6}")
}

/// Reads a time of a request into microseconds since the Unix epoch.
///
/// # Errors
///
/// 422 for this field.
pub(crate) fn read(field: &str, text: &str) -> Result<i64, ApiError> {
    let parsed: Result<Timestamp, _> = text.parse();
    let help = "write a time with its zone, such as 2026-12-24T09:00:00Z";
    parsed
        .map(Timestamp::as_microsecond)
        .map_err(|_| ApiError::field(field, format!("{text:?} is no time"), help))
}

/// Microseconds as seconds, to the millisecond; less than none is none.
pub(crate) fn seconds(us: i64) -> f64 {
    let millis = u32::try_from(us.max(0) / 1000).unwrap_or(u32::MAX);
    f64::from(millis) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_in_utc() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_798_102_800_250_000, "2026-12-24T09:00:00.250000Z"),
        ];
        for (us, text) in cases {
            assert_eq!(rfc3339(us), text);
            assert_eq!(read("from", text), Ok(us));
        }
        assert_eq!(
            read("from", "2026-12-24T10:00:00.25+01:00"),
            Ok(1_798_102_800_250_000)
        );
        assert!(read("from", "tomorrow").is_err());
        assert!(rfc3339(i64::MAX).starts_with("9999-"));
    }

    #[test]
    fn lengths_are_seconds() {
        for (us, expected) in [(0, 0.0), (1_500_000, 1.5), (-1, 0.0), (1_999, 0.001)] {
            assert_eq!(seconds(us), expected, "{us}");
        }
    }
}

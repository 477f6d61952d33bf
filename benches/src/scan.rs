//! The bare line scan: the least that any reader and writer of SIP has to do.
//!
//! It finds the lines, splits each at its colon and remembers where name and value stand; to print, it copies them
//! into a buffer again. It checks nothing, folds nothing, knows no header and would take any text for a message: no
//! codec, but the bound that a codec is measured against.

use memchr::memchr;

/// Lines remembered; what comes behind them is part of the body.
const LINES_MAX: usize = 64;

/// Where one header stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Line {
    start: u32,
    colon: u32,
    value: u32,
    end: u32,
}

/// Where things stand in a message.
#[derive(Debug, Clone)]
pub struct Scan {
    lines: [Line; LINES_MAX],
    count: usize,
    body: usize,
}

impl Scan {
    /// Scans a message up to its empty line.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        let mut scan = Self {
            lines: [Line::default(); LINES_MAX],
            count: 0,
            body: message.len(),
        };
        let mut start = 0;
        while let Some(length) = memchr(b'\n', &message[start..]) {
            let next = start + length + 1;
            let end =
                (next - 1).saturating_sub(usize::from(length > 0 && message[next - 2] == b'\r'));
            if end == start || scan.count == LINES_MAX {
                scan.body = next;
                break;
            }
            scan.lines[scan.count] = split(message, start, end);
            scan.count += 1;
            start = next;
        }
        scan
    }

    /// How many lines stand before the empty one.
    #[must_use]
    pub const fn lines(&self) -> usize {
        self.count
    }

    /// Prints what was scanned into a buffer that is kept.
    pub fn print(&self, message: &[u8], out: &mut Vec<u8>) {
        out.clear();
        for line in &self.lines[..self.count] {
            let [start, colon, value, end] =
                [line.start, line.colon, line.value, line.end].map(|at| at as usize);
            out.extend_from_slice(&message[start..colon]);
            if value > colon {
                out.extend_from_slice(b": ");
                out.extend_from_slice(&message[value..end]);
            }
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&message[self.body..]);
    }
}

/// A line without a colon has all of it before that.
fn split(message: &[u8], start: usize, end: usize) -> Line {
    let line = &message[start..end];
    let colon = memchr(b':', line).filter(|_| start > 0);
    let (colon, value) = colon.map_or((end, end), |at| {
        let blanks = line[at + 1..]
            .iter()
            .take_while(|octet| **octet == b' ')
            .count();
        (start + at, start + at + 1 + blanks)
    });
    let [start, colon, value, end] = [start, colon, value, end].map(|at| at as u32);
    Line {
        start,
        colon,
        value,
        end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Sample;

    #[test]
    fn what_was_scanned_prints_as_it_was() {
        for (sample, lines) in [
            (Sample::Invite, 20),
            (Sample::Ok, 13),
            (Sample::Register, 13),
            (Sample::Bye, 9),
        ] {
            let message = sample.bytes();
            let scan = Scan::of(&message);
            let mut out = Vec::new();
            scan.print(&message, &mut out);
            assert_eq!(
                String::from_utf8(out),
                String::from_utf8(message),
                "{}",
                sample.name()
            );
            assert_eq!(scan.lines(), lines, "{}", sample.name());
        }
    }

    #[test]
    fn no_text_is_too_odd_to_scan() {
        for text in ["", "\n", "\r\n", ":", "a:b", "a:\n\n", &"x\n".repeat(100)] {
            let mut out = Vec::new();
            Scan::of(text.as_bytes()).print(text.as_bytes(), &mut out);
        }
    }
}

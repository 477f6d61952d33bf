//! Standard output is for what was asked for, standard error for everything else.

use std::io::Write as _;

/// Prints a line that somebody asked for. Who closed the pipe does not want it any more.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Prints what is wrong.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", line.trim_end());
}

/// An error and its causes in one line, each said once: many errors say their cause themselves.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    line.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn what_went_wrong_takes_one_line_that_says_nothing_twice() {
        let system = || std::io::Error::from_raw_os_error(98);
        let bare = anyhow!(system()).context("cannot listen on udp:127.0.0.1:5060");
        let telling = anyhow!(system()).context(format!("var/lampfield.db: {}", system()));
        for (name, error, expected) in [
            (
                "a cause is added",
                bare,
                format!("cannot listen on udp:127.0.0.1:5060: {}", system()),
            ),
            (
                "a cause that is said already is not",
                telling,
                format!("var/lampfield.db: {}", system()),
            ),
            ("lines are joined", anyhow!("one\ntwo"), "one two".into()),
        ] {
            assert_eq!(one_line(&error), expected, "{name}");
        }
    }
}

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

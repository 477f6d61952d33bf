//! What another process has used, from /proc: for benches that put load on a daemon.

use std::io;
use std::time::Duration;

/// Used so far by one process with all its threads, those ended included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Time in its own code.
    pub user: Duration,
    /// Time in the kernel for it.
    pub system: Duration,
    /// Memory it has in RAM, in kB.
    pub rss_kb: u64,
    /// Its threads.
    pub threads: u64,
}

impl Used {
    /// Both times together.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

/// Reads what a process has used.
///
/// # Errors
///
/// If there is no such process, or /proc says nothing of it.
pub fn used(pid: u32) -> io::Result<Used> {
    let of = |file| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
    parse(&of("stat")?, &of("status")?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/PID reads oddly"))
}

/// Milliseconds in a tick of /proc: Linux shows 100 to a second on all its platforms of today.
const TICK_MS: u64 = 10;

/// Fields 14, 15 and 20 of `stat` in proc(5), and `VmRSS` of `status`. The name in field 2 may contain anything, blanks
/// and parentheses included.
fn parse(stat: &str, status: &str) -> Option<Used> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = behind_name.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let rss = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(Used {
        user: Duration::from_millis(TICK_MS * field(14)?),
        system: Duration::from_millis(TICK_MS * field(15)?),
        threads: field(20)?,
        rss_kb: rss.split_ascii_whitespace().next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_name() {
        let stat = "812 (lamp) field) S 1 812 812 0 -1 4194560 9000 0 3 0 1234 567 0 0 20 0 9 0 5000 900000000 2500";
        let status = "Name:\tlamp) field\nVmRSS:\t   10000 kB\nThreads:\t9\n";
        let used = parse(stat, status).unwrap();
        assert_eq!(used.cpu(), Duration::from_millis(18_010));
        assert_eq!((used.threads, used.rss_kb), (9, 10_000));
        assert_eq!(parse("nonsense", status), None);
        assert_eq!(parse(stat, "nonsense"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        let used = used(std::process::id()).unwrap();
        assert!(used.rss_kb > 100 && used.threads >= 1);
        assert!(super::used(u32::MAX).is_err());
    }
}

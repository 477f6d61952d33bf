//! Other programs: found, started, watched and ended.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to end when asked to.
const GOODBYE: Duration = Duration::from_secs(5);

/// The program of that name in the path, or where Debian keeps programs of administrators.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path)
        .chain(more)
        .map(|place| place.join(program));
    places.find(|file| file.is_file())
}

/// A program that was built together with this one.
///
/// # Errors
///
/// If it was not.
pub fn built(program: &str) -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let file = me
        .parent()
        .context("a program is in a directory")?
        .join(program);
    ensure!(
        file.is_file(),
        "{} was not built; benches/run.sh does",
        file.display()
    );
    Ok(file)
}

/// A running program. Dropped, it is asked to end, and killed if it does not.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts it without input.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("{command:?}"))?))
    }

    /// Starts it with an input to be written.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start_piped(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).spawn();
        Ok(Self(child.with_context(|| format!("{command:?}"))?))
    }

    /// The process itself.
    pub const fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_up(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// If it takes longer than that.
    pub fn wait(&mut self, at_most: Duration) -> Result<()> {
        let end = Instant::now() + at_most;
        while self.is_up() {
            ensure!(Instant::now() < end, "a program does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_up() {
            // Both can only fail if it has just ended.
            let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
            if self.wait(GOODBYE).is_err() {
                let _ = self.0.kill();
            }
        }
        let _ = self.0.wait();
    }
}

/// Runs a program to its end.
///
/// # Errors
///
/// If it cannot be started, or fails.
pub fn run(command: &mut Command) -> Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?}: {complaint}");
    Ok(output)
}

/// The number behind `key=` in what a program printed.
///
/// # Errors
///
/// If there is none.
pub fn field(text: &str, key: &str) -> Result<f64> {
    let word = text
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let word = word.with_context(|| format!("no {key} in {text:?}"))?;
    Ok(word.parse()?)
}

/// CPU time of a process and its children, with the threads that have ended, to a hundredth of a second.
#[must_use]
pub fn cpu(pid: u32) -> Duration {
    family(pid).into_iter().filter_map(on_cpu).sum()
}

/// Memory in RAM of a process and its children, in kB; what they share is counted once.
#[must_use]
pub fn memory_kb(pid: u32) -> u64 {
    let of_one = |pid: u32| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    family(pid).into_iter().filter_map(of_one).sum()
}

/// `utime` and `stime` of proc(5), fields 14 and 15; the name before them may have spaces in it.
fn on_cpu(pid: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind) = text.rsplit_once(')')?;
    let mut fields = behind.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let spent = ticks()? + ticks()?;
    Some(Duration::from_millis(
        spent * 1_000 / clock_ticks_per_second(),
    ))
}

fn tasks_of_one(pid: u32) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task"));
    entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    for task in tasks_of_one(pid) {
        let children = std::fs::read_to_string(task.join("children")).unwrap_or_default();
        for child in children
            .split_ascii_whitespace()
            .filter_map(|child| child.parse().ok())
        {
            all.extend(family(child));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "packets=12 us_per_packet=3.25";
        assert_eq!(field(text, "us_per_packet").unwrap(), 3.25);
        assert!(field(text, "us").is_err() && field(text, "packet").is_err());
    }

    #[test]
    fn a_process_and_its_child_are_watched_and_ended() {
        let shell = find("sh").expect("every system has a shell");
        let mut running = Running::start(Command::new(shell).args(["-c", "read x; :"])).unwrap();
        running.wait(GOODBYE).expect("without input it ends");
        let me = std::process::id();
        assert!(memory_kb(me) > 100);
        let before = cpu(me);
        let sum = (0..100_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        assert!(cpu(me) > before, "{sum}");
        assert!(find("no-such-program").is_none());
    }
}

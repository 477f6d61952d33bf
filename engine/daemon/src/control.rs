//! The command line and the running daemon: one question and one answer, or a stream of them ([`follow`]), over `lampfield.sock` in `store.directory`.
//!
//! The socket is the owner's alone (0600). Where no daemon listens, the command line takes the store's lock and does
//! the same itself; with a daemon that is only just starting or stopping, it says who has the lock.

mod follow;

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use config::{Role, Settings, Snapshot};
use engine::Actor;
use engine::command::Moves;
use serde::{Deserialize, Serialize};
use store::{CentreChange, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use crate::apply::{NoPlan, Plan, Wish, plan, summary};
use crate::centre::{Writer, print_changes};
use crate::clock::utc_us;
use crate::print::{complain, one_line, say};
use crate::prompts;
use crate::recorder::{Filter, Tap};
pub(crate) use follow::{TraceOptions, trace};

const SOCKET: &str = "lampfield.sock";
/// The longest question: a centre of some ten thousand users.
const QUESTION_MAX: u64 = 64 << 20;
/// Questions answered at a time.
const AT_A_TIME: usize = 4;
const LOST: &str = "the daemon went away before it answered";
/// How long a question may take to come in, and its answer to be read.
const TALK_MAX: Duration = Duration::from_secs(30);

/// What the command line asks the daemon.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Question {
    Apply(Wish),
    Export,
    Trace(Filter),
}

/// What the command line prints, and whether it was a success.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Said {
    ok: bool,
    out: String,
    err: String,
}

impl Said {
    fn out(out: String) -> Self {
        Self {
            ok: true,
            out,
            err: String::new(),
        }
    }

    fn err(err: impl Into<String>) -> Self {
        Self {
            ok: false,
            out: String::new(),
            err: err.into(),
        }
    }

    fn print(&self) -> bool {
        if !self.out.is_empty() {
            say(self.out.trim_end());
        }
        if !self.err.is_empty() {
            complain(&self.err);
        }
        self.ok
    }
}

/// Who the command line is to the engine and in the audit.
pub(crate) fn command_line() -> Actor {
    Actor {
        username: "command line".into(),
        role: Role::Administrator,
    }
}

// ---- the command line's side

/// `lampfield apply`. False when it failed and has said why.
pub(crate) fn apply(settings: &Settings, wish: Wish) -> anyhow::Result<bool> {
    let question = Question::Apply(wish);
    if let Some(said) = ask(settings, &question)? {
        return Ok(said.print());
    }
    let Question::Apply(wish) = question else {
        bail!("apply asks for nothing else")
    };
    alone(settings, async |store, current| {
        apply_alone(store, current, &wish).await
    })
    .map(|said| said.print())
}

/// `lampfield export`.
pub(crate) fn export(settings: &Settings) -> anyhow::Result<bool> {
    if let Some(said) = ask(settings, &Question::Export)? {
        return Ok(said.print());
    }
    let export =
        async |_: &Store, current: Snapshot| Ok(Said::out(config::export(&current.centre)));
    alone(settings, export).map(|said| said.print())
}

/// Asks the running daemon; none when there is none.
fn ask(settings: &Settings, question: &Question) -> anyhow::Result<Option<Said>> {
    let Some(mut stream) = connect(settings, question)? else {
        return Ok(None);
    };
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context(LOST)?;
    serde_json::from_slice(&answer)
        .map(Some)
        .map_err(|_| anyhow!(LOST))
}

/// Puts a question to the running daemon; none when there is none.
fn connect(settings: &Settings, question: &Question) -> anyhow::Result<Option<UnixStream>> {
    let directory = Path::new(settings.store.directory.as_ref());
    let connected =
        SocketPath::in_directory(directory).and_then(|path| UnixStream::connect(path.as_path()));
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error).context("cannot speak to the running daemon"),
    };
    let text = serde_json::to_vec(question)?;
    stream
        .write_all(&text)
        .and_then(|()| stream.shutdown(std::net::Shutdown::Write))
        .context(LOST)?;
    Ok(Some(stream))
}

/// Does something with the store while no daemon runs.
fn alone(
    settings: &Settings,
    act: impl AsyncFnOnce(&Store, Snapshot) -> anyhow::Result<Said>,
) -> anyhow::Result<Said> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let directory = Path::new(settings.store.directory.as_ref());
        let store = Store::open(&settings.store.url.to_string(), directory).await?;
        let (version, mut centre) = store.centre().load().await?;
        centre.prompts = prompts::known(directory);
        let current = Snapshot {
            version,
            settings: Arc::new(settings.clone()),
            centre: Arc::new(centre),
        };
        let said = act(&store, current).await;
        store.close().await;
        said
    })
}

async fn apply_alone(store: &Store, current: Snapshot, wish: &Wish) -> anyhow::Result<Said> {
    let Plan { centre, changes } = match plan(&current, wish) {
        Ok(plan) => plan,
        Err(NoPlan::Faults(faults)) => return Ok(Said::err(faults)),
        Err(NoPlan::Failed(error)) => return Err(error),
    };
    let mut version = current.version;
    if !wish.dry_run && !changes.is_empty() {
        version += 1;
        let change = CentreChange {
            old_version: current.version,
            old: &current.centre,
            new_version: version,
            new: &centre,
            who: &command_line().username,
            utc_us: utc_us(),
        };
        store.centre().save(change).await?;
    }
    let summary = summary(changes.len(), wish.dry_run, version);
    Ok(Said::out(print_changes(&changes, &[]) + &summary))
}

// ---- the daemon's side

/// The socket; its file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
}

impl Control {
    /// Listens in this directory, whose lock is ours: a socket that is there already was left behind.
    pub(crate) fn start(directory: &Path, writer: Writer, tap: Tap) -> io::Result<Self> {
        let path = directory.join(SOCKET);
        let listener = listen(directory)?;
        tokio::spawn(serve(listener, writer, tap));
        Ok(Self { path })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Nobody would answer there any more.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Made under another name and moved, so that it never stands there for others to use.
fn listen(directory: &Path) -> io::Result<UnixListener> {
    let (made, wanted) = (directory.join("lampfield.sock.new"), directory.join(SOCKET));
    match std::fs::remove_file(&made) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let short = SocketPath::of(directory, "lampfield.sock.new")?;
    let listener = UnixListener::bind(short.as_path())?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(made, wanted)?;
    Ok(listener)
}

async fn serve(listener: UnixListener, writer: Writer, tap: Tap) {
    let permits = Arc::new(Semaphore::new(AT_A_TIME));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((mut stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (writer, tap) = (writer.clone(), tap.clone());
        tokio::spawn(async move {
            let said = match read_question(&mut stream).await {
                Ok(Question::Apply(wish)) => apply_running(&writer, wish).await,
                Ok(Question::Trace(filter)) => {
                    // Who follows for hours takes no place from who asks for a moment.
                    drop(permit);
                    return follow::serve(stream, &tap, filter).await;
                }
                Ok(Question::Export) => Said::out(config::export(&writer.current().centre)),
                Err(error) => Said::err(format!(
                    "lampfield: the daemon cannot read what was asked: {error}"
                )),
            };
            if let Ok(text) = serde_json::to_vec(&said) {
                // Who asked may have gone.
                let _ = tokio::time::timeout(TALK_MAX, stream.write_all(&text)).await;
            }
            drop(permit);
        });
    }
}

async fn read_question(stream: &mut tokio::net::UnixStream) -> anyhow::Result<Question> {
    let mut text = Vec::new();
    let mut limited = stream.take(QUESTION_MAX);
    tokio::time::timeout(TALK_MAX, limited.read_to_end(&mut text)).await??;
    Ok(serde_json::from_slice(&text)?)
}

async fn apply_running(writer: &Writer, wish: Wish) -> Said {
    let turn = writer.turn().await;
    let (dry_run, current) = (wish.dry_run, Arc::clone(&turn.current));
    // Hashing passwords is slow by design.
    let planned = tokio::task::spawn_blocking(move || plan(&current, &wish)).await;
    let Plan { centre, changes } = match planned {
        Ok(Ok(plan)) => plan,
        Ok(Err(NoPlan::Faults(faults))) => return Said::err(faults),
        Ok(Err(NoPlan::Failed(error))) => {
            return Said::err(format!("lampfield: {}", one_line(&error)));
        }
        Err(error) => return Said::err(format!("lampfield: {error}")),
    };
    let version = turn.current.version;
    let done = if changes.is_empty() {
        Ok((version, Vec::new()))
    } else if dry_run {
        writer
            .effects(&turn, command_line(), centre)
            .await
            .map(|effects| (version, effects))
    } else {
        writer
            .put(turn, command_line(), centre, Moves::new())
            .await
            .map(|done| (done.version, done.effects))
    };
    match done {
        Ok((version, effects)) => {
            Said::out(print_changes(&changes, &effects) + &summary(changes.len(), dry_run, version))
        }
        Err(error) => Said::err(format!("lampfield: {error}")),
    }
}

/// A path to a socket that the system takes: names of sockets have 107 bytes, names of directories many more. Through
/// the open directory every name is short.
struct SocketPath {
    path: PathBuf,
    /// Keeps the short name good.
    _directory: std::fs::File,
}

impl SocketPath {
    fn in_directory(directory: &Path) -> io::Result<Self> {
        Self::of(directory, SOCKET)
    }

    fn of(directory: &Path, name: &str) -> io::Result<Self> {
        let open = std::fs::File::open(directory)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", open.as_raw_fd()));
        Ok(Self {
            path,
            _directory: open,
        })
    }

    fn as_path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(directory: &Path) -> Settings {
        let text = format!(
            "[store]\nurl = \"sqlite:{0}/lampfield.db\"\ndirectory = \"{0}\"\n",
            directory.display()
        );
        Settings::load(&text, "test", []).unwrap()
    }

    fn wish(text: &str, dry_run: bool) -> Wish {
        Wish {
            file: "c.toml".into(),
            text: text.into(),
            dry_run,
            prune: false,
        }
    }

    fn apply_offline(settings: &Settings, wish: &Wish) -> Said {
        alone(settings, async |store, current| {
            apply_alone(store, current, wish).await
        })
        .unwrap()
    }

    #[test]
    fn without_a_daemon_the_store_is_changed_itself() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        assert!(ask(&settings, &Question::Export).unwrap().is_none());
        let queue = "[[queues]]\nname = \"support\"\nnumber = \"2000\"\n";
        for (name, wish, ok, text) in [
            (
                "dry run",
                wish(queue, true),
                true,
                "+ queue support\n1 change, not made (dry run)",
            ),
            (
                "first",
                wish(queue, false),
                true,
                "+ queue support\n1 change, now version 1",
            ),
            ("again", wish(queue, false), true, "nothing changes"),
            ("faulty", wish("[[queues]]\n", false), false, ""),
        ] {
            let said = apply_offline(&settings, &wish);
            assert_eq!(
                (said.ok, said.out.as_str()),
                (ok, text),
                "{name}: {}",
                said.err
            );
            assert_eq!(said.err.is_empty(), ok, "{name}: {}", said.err);
        }
    }

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_and_may_stand_deep_in_the_tree() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("d".repeat(120));
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join(SOCKET), "left behind").unwrap();
        let _listener = listen(&directory).unwrap();
        let mode = std::fs::metadata(directory.join(SOCKET))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let path = SocketPath::in_directory(&directory).unwrap();
        assert!(UnixStream::connect(path.as_path()).is_ok());
    }
}

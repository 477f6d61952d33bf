//! The daemon from its start to its end.
//!
//! **Start**, each step on what those before have made: the store with its lock, sockets, the state that the journal says,
//! media threads, the engine's thread, control socket and API, and then the line `ready`.
//! **End**, in the other order: no new calls until the last has ended, then API, engine, media, and the journal written out.

use std::collections::BTreeMap;
use std::future::ready;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use admin_api::{ApiState, Ports};
use anyhow::{Context as _, anyhow, bail};
use config::{Settings, Snapshot};
use engine::journal::{Body, Entry, Stamp};
use engine::{Engine, Listen, PORT_STOCK_LEVEL, Restore, Seeds, Setup};
use media::control::ClipId;
use media_io::{MediaIoConfig, MediaPool};
use sip::Transport;
use store::{JournalWriter, Limits, Store};
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle as Task;

use crate::beside::{Beside, Running};
use crate::centre::Writer;
use crate::clock::{Clock, utc_us};
use crate::control::Control;
use crate::driver::{Driver, MEDIA_ORDERS, Parts, Pulse};
use crate::first_start::load_or_create;
use crate::lookup::Lookups;
use crate::media_out::MediaOut;
use crate::metrics::Metrics;
use crate::net::Network;
use crate::net::connections::Connections;
use crate::net::intake::Intake;
use crate::net::lanes::{Lanes, lanes};
use crate::net::listen::advertised;
use crate::net::peers::Peers;
use crate::net::strangers::Strangers;
use crate::net::tcp::Listener;
use crate::net::tls::Tls;
use crate::net::udp::{Senders, Udp};
use crate::net::websocket;
use crate::ports::{
    AccountsPort, BEHIND_MAX, BansPort, ChroniclePort, Commands, DirectoryPort, EventsPort, Health,
    HistoryPort, TracesPort,
};
use crate::print::say;
use crate::prompts::{Prompts, Shelf};
use crate::signals::{Rereading, Signals};
use crate::view::{self, Views};
use crate::{clips, event_log, http, logging, lookup, random, realm, recorder};

/// This node; the only one so far.
const NODE: u8 = 1;
/// Threads of the runtime: HTTP, SQL, connections, lookups. Calls and packets have threads of their own.
const RUNTIME_THREADS: usize = 2;
/// Threads for what blocks: the resolver, and hashing passwords, whose 19 MB stay with the thread that has hashed once.
const BLOCKING_THREADS: usize = lookup::AT_A_TIME + 3;
/// A further media thread pays from this many pairs of ports on.
const PAIRS_A_WORKER: u32 = 512;
/// How often what is too old is deleted.
const MAINTENANCE: Duration = Duration::from_secs(3_600);
/// How long requests in progress have at the end.
const HTTP_END_MAX: Duration = Duration::from_secs(2);

/// Runs the daemon until it is told to end.
///
/// # Errors
///
/// Whatever keeps it from starting, as one line; and a thread that has died.
pub(crate) fn run(settings: Settings, config: Option<&Path>) -> anyhow::Result<()> {
    run_beside(settings, config, |_| ready(Ok(())))
}

/// The same, with something beside it that may use it.
///
/// # Errors
///
/// As for [`run`]; and whatever what runs beside it fails with.
pub(crate) fn run_beside<F>(
    settings: Settings,
    config: Option<&Path>,
    beside: impl FnOnce(Running) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let log = logging::start(&settings.log);
    raise_descriptor_limit();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(RUNTIME_THREADS)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let result = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let daemon = Daemon::start(settings, runtime.handle()).await?;
        tokio::spawn(event_log::run(Arc::clone(&daemon.views), log.level()));
        let rereading = Rereading {
            config: config.map(Path::to_path_buf),
            writer: daemon.writer.clone(),
            log,
            tls: daemon.tls.clone(),
        };
        let beside = Beside::start(beside(daemon.running()));
        daemon.run(&mut signals, &rereading, beside).await
    });
    shut_down(runtime);
    result
}

/// Tasks that hang on to a peer or a file do not keep the process.
fn shut_down(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_secs(1));
}

/// Two descriptors for each leg's media: the usual soft limit of 1024 is soon reached.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open descriptors stays as it is");
    }
}

/// All running parts.
struct Daemon {
    store: Arc<Store>,
    writer: Writer,
    commands: Commands,
    lanes: Lanes,
    views: Arc<Views>,
    media: Arc<MediaPool>,
    control: Control,
    http: Task<std::io::Result<()>>,
    http_stop: watch::Sender<bool>,
    engine: JoinHandle<JournalWriter>,
    /// Resolves when the engine's thread has ended.
    engine_ended: oneshot::Receiver<()>,
    view: JoinHandle<()>,
    /// Certificates, to be read again when asked.
    tls: Vec<Arc<Tls>>,
    /// Where SIP over UDP and the API are bound.
    bound: (Option<SocketAddr>, SocketAddr),
}

impl Daemon {
    async fn start(settings: Settings, runtime: &Handle) -> anyhow::Result<Self> {
        let directory = Path::new(settings.store.directory.as_ref()).to_path_buf();
        let store = Store::open(&settings.store.url.to_string(), &directory).await?;
        // What is most likely to fail comes before anything is made or printed.
        let sip_tls = settings.sip.tls.as_ref().map(Tls::for_sip).transpose()?;
        let http_tls = settings.http.tls.as_ref().map(Tls::for_http).transpose()?;
        let (sip_tls, http_tls) = (sip_tls.map(Arc::new), http_tls.map(Arc::new));
        let sockets = Sockets::bind(&settings).await?;
        let (incarnation, restore) = restore(&store).await?;
        let clock = Clock::starting_after(restore.last_mono());
        let (lanes, lane_ends) = lanes();
        let media = Arc::new(start_media(&settings, clock, &lanes)?);
        let clips = clips::load(&media.sender())?;
        let shelf = load_prompts(&directory, &media, &clips).await?;
        let (version, mut centre) = load_or_create(&store, &settings).await?;
        Arc::make_mut(&mut centre).prompts = shelf.in_centre();
        let snapshot = Arc::new(Snapshot {
            version,
            settings: Arc::new(settings),
            centre,
        });
        realm::warn(&snapshot.centre, &snapshot.settings.sip.domain);

        let strangers = Arc::new(Strangers::new(&snapshot.centre));
        let tap = recorder::start(snapshot.settings.log.trace_megabytes)
            .context("cannot start threads")?;
        let intake = Intake::new(
            lanes.clone(),
            Arc::clone(&strangers),
            tap.clone(),
            &snapshot.settings,
        );
        let peers = Arc::new(Peers::new(&snapshot.centre));
        let connections = Connections::new(
            intake.clone(),
            runtime.clone(),
            Arc::clone(&peers),
            sip_tls.clone(),
        );

        let setup = Setup {
            node: NODE,
            incarnation,
            version: env!("CARGO_PKG_VERSION").into(),
            snapshot: Arc::clone(&snapshot),
            vips: store.directory().vips().await?,
            listen: sockets.listen(),
            seeds: Seeds {
                ids: random::bytes()?,
                secrets: random::bytes()?,
            },
            nonce_key: store.secrets().nonce_key().await?,
            clips,
        };
        let (views, publications, view) =
            view::start(restore.board()).context("cannot start threads")?;
        let journal = store.start(Limits::default()).await?;
        let health = journal.health();
        let pulse = Arc::new(Pulse::new(clock.now()));
        let parts = Parts {
            clock,
            lanes: lane_ends,
            network: Network {
                udp: Senders {
                    sockets: sockets.udp.clone(),
                    counters: Arc::clone(&intake.counters),
                },
                connections: connections.clone(),
            },
            media: MediaOut::new(media.sender()),
            pool: Arc::clone(&media),
            journal,
            view: publications,
            lookups: Lookups::start(
                runtime,
                lanes.clone(),
                Arc::clone(&strangers),
                Arc::clone(&peers),
            ),
            strangers: Arc::clone(&strangers),
            tap: tap.clone(),
            intake: intake.clone(),
            pulse: Arc::clone(&pulse),
        };
        let engine = Engine::new(clock.now(), setup, restore);
        let (engine, mut engine_ended) = start_engine(engine, parts)?;
        // What the restart has brought back is there before anybody can ask.
        tokio::select! {
            _ = views.view_at(1) => {}
            _ = &mut engine_ended => bail!("the engine's thread has died; its last words are in the log"),
        }

        let commands = Commands::new(lanes.clone(), Arc::clone(&views));
        let noticing = intake.clone();
        let http_settings = snapshot.settings.http.clone();
        let writer = Writer::new(
            snapshot,
            store.centre(),
            commands.clone(),
            move |snapshot| {
                noticing.strangers.set_trunks(&snapshot.centre);
                peers.set_trunks(&snapshot.centre);
                noticing.set_emergency_numbers(&snapshot.settings);
            },
        );
        let prompts = Prompts::new(shelf, writer.clone());
        let control = Control::start(&directory, writer.clone(), tap.clone())
            .with_context(|| format!("cannot listen in {}", directory.display()))?;

        let history = Arc::new(HistoryPort {
            history: store.history(),
            journal: health.clone(),
            views: Arc::clone(&views),
            behind_max: BEHIND_MAX,
        });
        let ports = Ports {
            engine: Arc::new(commands.clone()),
            centre: Arc::new(writer.clone()),
            prompts: Arc::new(prompts),
            directory: Arc::new(DirectoryPort::new(store.directory(), commands.clone())),
            accounts: Arc::new(AccountsPort(store.accounts())),
            chronicle: Arc::new(ChroniclePort {
                past: store.events(),
                history: Arc::clone(&history),
                one_at_a_time: tokio::sync::Mutex::default(),
            }),
            history,
            events: Arc::new(EventsPort {
                past: store.events(),
                views: Arc::clone(&views),
            }),
            bans: Arc::new(BansPort(intake.clone())),
            traces: Arc::new(TracesPort(tap.clone())),
            metrics: Arc::new(Metrics {
                pulse: Arc::clone(&pulse),
                intake: intake.clone(),
                connections: connections.clone(),
                media: Arc::clone(&media),
                journal: health.clone(),
                views: Arc::clone(&views),
            }),
            readiness: Arc::new(Health {
                clock,
                pulse,
                journal: health,
                views: Arc::clone(&views),
            }),
            utc_us: Arc::new(utc_us),
        };
        let (http_stop, http_stopping) = watch::channel(false);
        let ready = sockets.ready();
        let bound = (
            sockets.udp.first().map(|udp| udp.bound),
            sockets.http_address,
        );
        let local = advertised(sockets.http_address);
        let router = admin_api::router(ApiState::new(ports)).merge(websocket::router(
            connections.clone(),
            local,
            &http_settings,
        ));
        let http = http::serve(sockets.http, http_tls.clone(), router, http_stopping);
        let http = tokio::spawn(http);

        // Only now, so that the first message finds everything in place.
        for udp in &sockets.udp {
            udp.start(intake.clone()).context("cannot start threads")?;
        }
        for listener in sockets.streams {
            listener.start(&connections);
        }
        let store = Arc::new(store);
        tokio::spawn(maintain(Arc::clone(&store), writer.clone()));
        say(&ready);
        Ok(Self {
            store,
            writer,
            commands,
            lanes,
            views,
            media,
            control,
            http,
            http_stop,
            engine,
            engine_ended,
            view,
            tls: sip_tls.into_iter().chain(http_tls).collect(),
            bound,
        })
    }

    fn running(&self) -> Running {
        let (sip, http) = self.bound;
        Running {
            commands: self.commands.clone(),
            writer: self.writer.clone(),
            sip,
            http,
        }
    }

    async fn run(
        mut self,
        signals: &mut Signals,
        rereading: &Rereading,
        mut beside: Beside,
    ) -> anyhow::Result<()> {
        let died = tokio::select! {
            () = signals.until_end(rereading) => false,
            () = beside.failed() => false,
            _ = &mut self.engine_ended => true,
        };
        if died {
            bail!("the engine's thread has died; its last words are in the log");
        }
        let drain = self.writer.current().settings.sip.drain_seconds;
        signals
            .drain(&self.commands, Duration::from_secs(drain.into()))
            .await;
        let ended = beside.end().await;
        self.stop().await?;
        ended
    }

    async fn stop(self) -> anyhow::Result<()> {
        let Self {
            store,
            writer,
            commands,
            lanes,
            views,
            media,
            control,
            mut http,
            http_stop,
            engine,
            view,
            ..
        } = self;
        drop(control);
        views.end();
        let _ = http_stop.send(true);
        if tokio::time::timeout(HTTP_END_MAX, &mut http).await.is_err() {
            http.abort();
        }
        commands.stop();
        drop((writer, commands));
        let journal = tokio::task::spawn_blocking(move || {
            lanes.stop();
            let journal = engine
                .join()
                .map_err(|_| anyhow!("the engine's thread has died"))?;
            // The engine held the queue's other end.
            view.join()
                .map_err(|_| anyhow!("the projection thread has died"))?;
            drop(media);
            journal.close().context("not all is on disk")
        });
        journal.await??;
        if let Ok(store) = Arc::try_unwrap(store) {
            store.close().await;
        }
        tracing::info!("ended");
        Ok(())
    }
}

/// What was uploaded. Reading it blocks, and takes up to a second for each long sound.
async fn load_prompts(
    directory: &Path,
    media: &MediaPool,
    clips: &BTreeMap<String, ClipId>,
) -> anyhow::Result<Shelf> {
    let (directory, media) = (directory.to_path_buf(), media.sender());
    let last = clips.values().max().map_or(0, |id| id.0);
    let load = move || Shelf::load(&directory, &media, ClipId(last + 1));
    Ok(tokio::task::spawn_blocking(load).await?)
}

/// The state that the journal says, and the number of this start.
async fn restore(store: &Store) -> anyhow::Result<(u32, Restore)> {
    let incarnation = store.next_incarnation().await?;
    let mut restore = Restore::new();
    let mut reader = store.restart().await?;
    for gap in reader.gaps() {
        tracing::error!(
            first = gap.first_seq,
            last = gap.last_seq,
            "entries of the journal were lost; state lacks them"
        );
        restore.note_gap();
    }
    let mut last: Option<Stamp> = None;
    loop {
        let entries = reader.next_batch().await?;
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            // One bad entry must not keep a centre from starting.
            if let Err(error) = restore.apply(entry) {
                tracing::error!(%error, "state lacks an entry of the journal");
            }
            last = Some(entry.stamp);
        }
    }
    let last_seq = store.last_seq().await?;
    if last_seq > restore.last_seq() {
        skip_to(&mut restore, last_seq, last);
    }
    Ok((incarnation, restore))
}

/// Numbers that were given to entries that are lost are not given again.
fn skip_to(restore: &mut Restore, seq: u64, last: Option<Stamp>) {
    let first = Stamp {
        node: NODE,
        incarnation: 0,
        mono_us: 0,
        utc_us: 0,
        config_version: 0,
        rules_version: 0,
    };
    let lost = Entry {
        seq,
        stamp: last.unwrap_or(first),
        body: Body::Unknown {
            kind: u16::MAX,
            bytes: Vec::new(),
        },
    };
    if let Err(error) = restore.apply(&lost) {
        tracing::error!(%error, "the journal's numbers may begin anew");
    }
}

fn start_media(settings: &Settings, clock: Clock, lanes: &Lanes) -> anyhow::Result<MediaPool> {
    let events = Arc::clone(&lanes.media);
    let ports = settings.media.ports.first..=settings.media.ports.last;
    let seed = u64::from_le_bytes(random::bytes()?);
    let tell_time = Arc::new(move || clock.mono());
    let config = MediaIoConfig::new(
        settings.media.address,
        ports,
        seed,
        tell_time,
        Arc::new(move |event| events.put(event)),
    );
    let pairs = u32::from(
        settings
            .media
            .ports
            .last
            .saturating_sub(settings.media.ports.first),
    ) / 2;
    let config = MediaIoConfig {
        workers: workers(pairs),
        stock: PORT_STOCK_LEVEL,
        commands_max: MEDIA_ORDERS,
        ..config
    };
    Ok(MediaPool::start(&config)?)
}

/// One media thread for each core but one, which is the engine's; few ports need fewer.
fn workers(pairs: u32) -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let by_cores = u16::try_from(cores.saturating_sub(1)).unwrap_or(u16::MAX);
    let by_ports = u16::try_from(pairs / PAIRS_A_WORKER).unwrap_or(u16::MAX);
    by_cores.min(by_ports).max(1)
}

fn start_engine(
    engine: Engine,
    parts: Parts,
) -> anyhow::Result<(JoinHandle<JournalWriter>, oneshot::Receiver<()>)> {
    let (ended, engine_ended) = oneshot::channel();
    let thread = std::thread::Builder::new().name("engine".into());
    let thread = thread.spawn(move || {
        // Dropped when the thread ends, also when it panics.
        let _ended: oneshot::Sender<()> = ended;
        Driver::new(engine, parts).run()
    });
    Ok((thread.context("cannot start threads")?, engine_ended))
}

/// Deletes what is too old, about once an hour.
async fn maintain(store: Arc<Store>, writer: Writer) {
    loop {
        tokio::time::sleep(MAINTENANCE).await;
        let days = writer.current().settings.store.retention.history_days;
        match store.maintain(utc_us(), days).await {
            Ok(pruned) => tracing::debug!(?pruned, "what was too old is deleted"),
            Err(error) => tracing::warn!(%error, "what is too old cannot be deleted"),
        }
    }
}

/// Everything we listen on.
struct Sockets {
    udp: Vec<Udp>,
    /// TCP and TLS.
    streams: Vec<Listener>,
    http: TcpListener,
    http_address: SocketAddr,
    is_https: bool,
}

impl Sockets {
    async fn bind(settings: &Settings) -> anyhow::Result<Self> {
        let (mut udp, mut streams) = (Vec::new(), Vec::new());
        for listen in &settings.sip.listen {
            let failed = || format!("cannot listen on {listen} (sip.listen)");
            let transport = match listen.transport {
                config::Transport::Udp => {
                    udp.push(Udp::bind(listen.address).with_context(failed)?);
                    continue;
                }
                config::Transport::Tcp => Transport::Tcp,
                config::Transport::Tls => Transport::Tls,
            };
            streams.push(Listener::bind(transport, listen.address).with_context(failed)?);
        }
        let address = settings.http.listen;
        let http = TcpListener::bind(address).await;
        let http = http.with_context(|| format!("cannot listen on {address} (http.listen)"))?;
        let http_address = http.local_addr()?;
        Ok(Self {
            udp,
            streams,
            http,
            http_address,
            is_https: settings.http.tls.is_some(),
        })
    }

    fn listen(&self) -> Vec<Listen> {
        let udp = self.udp.iter().map(|udp| Listen {
            transport: Transport::Udp,
            address: udp.advertised,
        });
        let streams = self.streams.iter().map(|listener| Listen {
            transport: listener.transport,
            address: listener.advertised,
        });
        udp.chain(streams).collect()
    }

    /// The line that says that all is in place, with the ports that were bound.
    fn ready(&self) -> String {
        let udp = self.udp.iter().map(|udp| format!(" udp:{}", udp.bound));
        let streams = self.streams.iter().map(|listener| {
            let transport = listener.transport.as_str().to_ascii_lowercase();
            format!(" {transport}:{}", listener.bound)
        });
        let sip: String = udp.chain(streams).collect();
        let (scheme, ws) = if self.is_https {
            ("https", "wss")
        } else {
            ("http", "ws")
        };
        let http = self.http_address;
        format!("ready sip{sip} {ws}:{http} http {scheme}://{http}")
    }
}

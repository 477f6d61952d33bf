//! A centre with five users, and fakes of the ports that do just enough to be asked about.
//!
//! `root` administrates, `sue` supervises, `ann` and `cid` attend `support`, `bob` attends `sales`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use admin_api::ports::{
    Account, Accounts, BanRecord, Bans, CallDetail, Carried, CentreChange, CentreWriter,
    ChangeError, Check, Chronicle, CommandError, Committed, EngineHandle, EventLog, HistoryPage,
    HistoryQuery, HistoryReader, LoggedEvent, Metrics, NoTrace, Prompt, PromptChange, PromptError,
    Prompts, ReadError, Readiness, Recounted, SinceError, Sound, StoreError, StoredToken, Story,
    StoryEvent, TokenHash, Traces, Upload,
};
use admin_api::{Answer, ApiState, Ports, hash_password, router};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use config::{Settings, Snapshot};
use engine::command::{Moves, OverrideEnd, OverrideState, PresenceWish};
use engine::event::{
    Activity, Change, Device, Direction, EndCause, EndResult, EndedBy, Event, LegRole, Party,
    Presence, Rank,
};
use engine::view::View;
use engine::{Actor, CallId, CommandBody, Done, LegId, Refusal, TrunkFigures};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::{Notify, broadcast, watch};
use tower::ServiceExt;

use crate::contacts::FakeDirectory;
use crate::explain;

/// The password of all users.
pub(crate) const PASSWORD: &str = "Correct Horse 9";

/// The moment at which everything begins: 2026-06-01T08:00:00Z.
pub(crate) const START_US: i64 = 1_780_300_800_000_000;

static HASH: LazyLock<String> =
    LazyLock::new(|| hash_password(PASSWORD).expect("the system has randomness"));

const CENTRE: &str = r#"
[[calendars]]
name = "office"
open = [{ days = "mon-fri", from = "08:00", to = "17:30" }]

[[holiday_lists]]
name = "nl-public"
dates = [{ date = "2026-06-02", name = "Republic day" }]

[[holiday_lists]]
name = "unused"
dates = ["2026-12-25"]

[[calendars]]
name = "shop"
open = [{ days = "all", from = "09:00", to = "18:00" }]
holidays = ["nl-public"]

[[calendars]]
name = "nights"
open = [{ days = "all", from = "22:00", to = "24:00" }]

[[queues]]
name = "support"
number = "2000"
calendar = "office"
default = true

[[queues]]
name = "sales"
number = "2001"

[[users]]
username = "root"
password = "HASH"
role = "administrator"

[[users]]
username = "sue"
password = "HASH"
role = "supervisor"

[[users]]
username = "ann"
name = "Ann Admiraal"
password = "HASH"
extension = "1001"
sip_password = "phone-of-ann"
queues = ["support"]

[[users]]
username = "bob"
password = "HASH"
extension = "1002"
sip_password = "phone-of-bob"
queues = ["sales"]

[[users]]
username = "cid"
password = "HASH"
queues = ["support"]

[[trunks]]
name = "pbx"
kind = "peer"
address = "sip:127.0.0.1:5080;transport=udp"
numbers = ["*"]

[[numbers]]
number = "+31850082900"
to = "queue:support"

[[aux_codes]]
name = "errand"

[[wrap_up_codes]]
name = "outcome"
codes = ["sold", "not sold"]

[[wrap_up_codes]]
name = "sales only"
codes = ["lead"]
queues = ["sales"]

[[number_lists]]
name = "vip"
numbers = ["+3120555*"]
priority = 5
"#;

/// The API with its fakes at hand.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) engine: Arc<FakeEngine>,
    pub(crate) centre: Arc<FakeCentre>,
    pub(crate) directory: Arc<FakeDirectory>,
    pub(crate) accounts: Arc<FakeAccounts>,
    pub(crate) history: Arc<FakeHistory>,
    pub(crate) health: Arc<FakeHealth>,
    /// Where requests come from.
    pub(crate) source: Option<SocketAddr>,
    clock: Arc<AtomicI64>,
    tokens: AtomicU64,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answered {
    /// The header's text; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The word at the end of a problem's type.
    pub(crate) fn problem(&self) -> &str {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        self.body["type"]
            .as_str()
            .and_then(|kind| kind.strip_prefix("urn:lampfield:problem:"))
            .unwrap_or_default()
    }

    /// The fields that a problem names.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        errors
            .iter()
            .filter_map(|error| error["field"].as_str())
            .collect()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let text = CENTRE.replace("HASH", &HASH);
        let centre = config::parse_centre(&text, "test.toml").expect("a right centre");
        let settings = Settings::load("", "lampfield.toml", []).expect("right settings");
        let snapshot = Snapshot {
            version: 1,
            settings: Arc::new(settings),
            centre: Arc::new(centre),
        };
        let engine = Arc::new(FakeEngine(Arc::new(Inside::new())));
        let centre = Arc::new(FakeCentre::new(snapshot, Arc::clone(&engine)));
        let directory = Arc::new(FakeDirectory::new());
        let accounts = Arc::new(FakeAccounts::default());
        let history = Arc::new(FakeHistory::default());
        let health = Arc::new(FakeHealth::default());
        let clock = Arc::new(AtomicI64::new(START_US));
        let now = Arc::clone(&clock);
        let ports = Ports {
            engine: engine.clone(),
            centre: centre.clone(),
            prompts: Arc::new(FakePrompts::new(Arc::clone(&centre), Arc::clone(&clock))),
            directory: directory.clone(),
            accounts: accounts.clone(),
            history: history.clone(),
            chronicle: engine.clone(),
            events: engine.clone(),
            bans: health.clone(),
            traces: engine.clone(),
            metrics: health.clone(),
            readiness: health.clone(),
            utc_us: Arc::new(move || now.load(Ordering::SeqCst)),
        };
        let router = router(ApiState::new(ports));
        for queue in ["support", "sales"] {
            engine.publish(Event::QueueChanged {
                queue: queue.into(),
                open: true,
                override_state: None,
                override_until_us: None,
                next_change_us: Some(START_US + 3_600_000_000),
            });
        }
        Self {
            router,
            engine,
            centre,
            directory,
            accounts,
            history,
            health,
            source: None,
            clock,
            tokens: AtomicU64::new(0),
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// A valid token of this user, made without a login.
    pub(crate) fn token(&self, username: &str) -> String {
        use sha2::Digest;
        let now_us = self.clock.load(Ordering::SeqCst);
        let token = format!("{username}-{}", self.tokens.fetch_add(1, Ordering::SeqCst));
        let stored = StoredToken {
            hash: TokenHash(sha2::Sha256::digest(&token).into()),
            username: username.into(),
            created_us: now_us,
            expires_us: now_us + 3600 * 1_000_000,
        };
        self.accounts.state().tokens.insert(stored.hash, stored);
        token
    }

    /// Sends a request as this user, or as nobody.
    pub(crate) async fn call(
        &self,
        user: Option<&str>,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answered {
        let token = user.map(|user| format!("Bearer {}", self.token(user)));
        let headers: Vec<(&str, &str)> = token
            .iter()
            .map(|token| ("authorization", token.as_str()))
            .collect();
        self.send(method, path, &headers, body).await
    }

    /// Sends a request with these headers.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let request = request.header("content-type", "application/json");
        self.answer(request.body(body).expect("a request")).await
    }

    /// Uploads a file of this type with these headers.
    pub(crate) async fn upload(
        &self,
        user: &str,
        path: &str,
        headers: &[(&str, &str)],
        text: &str,
    ) -> Answered {
        self.upload_by("POST", user, path, headers, text).await
    }

    /// The same, by this method.
    pub(crate) async fn upload_by(
        &self,
        method: &str,
        user: &str,
        path: &str,
        headers: &[(&str, &str)],
        text: &str,
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {}", self.token(user)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(
            request
                .body(Body::from(text.to_owned()))
                .expect("a request"),
        )
        .await
    }

    async fn answer(&self, mut request: Request<Body>) -> Answered {
        if let Some(source) = self.source {
            request.extensions_mut().insert(ConnectInfo(source));
        }
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("the router never fails");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answered {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) async fn get(&self, user: &str, path: &str) -> Answered {
        self.call(Some(user), "GET", path, Value::Null).await
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds a lock")
}

/// The call number `n`.
pub(crate) fn call_id(n: u64) -> CallId {
    CallId(0x0100_0000_0000_0000 + n)
}

/// An engine that remembers what it was asked and publishes what follows at once.
#[derive(Clone)]
pub(crate) struct FakeEngine(Arc<Inside>);

impl Deref for FakeEngine {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

pub(crate) struct Inside {
    view: watch::Sender<Arc<View>>,
    log: Mutex<Vec<LoggedEvent>>,
    live: broadcast::Sender<LoggedEvent>,
    pub(crate) asked: Mutex<Vec<(Actor, CommandBody)>>,
    pub(crate) refuse: Mutex<Option<Refusal>>,
    /// What is kept of every call.
    pub(crate) traced: Mutex<Result<trace::Kept, NoTrace>>,
    /// Whether calls that are asked about wait for nobody to be found.
    pub(crate) explains_none: Mutex<bool>,
    /// While set, replies are held back until it is cleared and `resume` is called.
    pub(crate) silent: AtomicBool,
    pub(crate) resumed: Notify,
    /// Events up to here can be read from the journal; those after are only published yet.
    pub(crate) durable: AtomicU64,
    /// Events up to here are no longer kept.
    pub(crate) forgotten: AtomicU64,
}

impl Inside {
    fn new() -> Self {
        Self {
            view: watch::Sender::new(Arc::new(View::default())),
            log: Mutex::default(),
            live: broadcast::Sender::new(16),
            asked: Mutex::default(),
            refuse: Mutex::default(),
            traced: Mutex::new(Err(NoTrace::Nothing)),
            explains_none: Mutex::default(),
            silent: AtomicBool::new(false),
            resumed: Notify::new(),
            durable: AtomicU64::new(u64::MAX),
            forgotten: AtomicU64::new(0),
        }
    }

    /// Publishes an event. Every second number is another entry of the journal.
    pub(crate) fn publish(&self, event: Event) -> u64 {
        let mut log = lock(&self.log);
        let seq = log.last().map_or(0, |logged| logged.seq) + 2;
        let logged = LoggedEvent {
            seq,
            utc_us: START_US,
            event: Arc::new(event),
        };
        log.push(logged.clone());
        self.view
            .send_modify(|view| Arc::make_mut(view).apply(seq, START_US, &logged.event));
        let _ = self.live.send(logged);
        seq
    }

    pub(crate) fn latest_seq(&self) -> u64 {
        lock(&self.log).last().map_or(0, |logged| logged.seq)
    }

    /// Answers what was held back.
    pub(crate) fn resume(&self) {
        self.silent.store(false, Ordering::SeqCst);
        self.resumed.notify_waiters();
    }

    pub(crate) fn commands(&self) -> Vec<CommandBody> {
        lock(&self.asked)
            .iter()
            .map(|(_, body)| body.clone())
            .collect()
    }

    /// A caller waits in this queue.
    pub(crate) fn queued(&self, n: u64, queue: &str) {
        self.started(n, None);
        self.publish(Event::CallQueued {
            call: call_id(n),
            queue: Some(queue.into()),
            user: None,
            rank: Rank {
                tier: 1,
                key_us: START_US + i64::try_from(n).unwrap_or(0),
                arrival_us: START_US,
                id: n,
            },
            priority: 0,
            arrival_us: START_US,
            estimate_seconds: None,
        });
    }

    pub(crate) fn started(&self, n: u64, user: Option<&str>) {
        self.publish(Event::CallStarted {
            call: call_id(n),
            direction: Direction::Inbound,
            caller: Party {
                number: "+31201".into(),
                name: Some("Caller".into()),
            },
            called: "2000".into(),
            trunk: Some("pbx".into()),
            user: user.map(str::to_owned),
            vip: false,
        });
    }

    /// The user's phone is in the call.
    pub(crate) fn joined(&self, n: u64, user: &str) {
        self.publish(Event::LegStarted {
            call: call_id(n),
            leg: LegId(n),
            role: LegRole::Agent,
            number: "1001".into(),
            trunk: None,
            user: Some(user.into()),
        });
    }

    pub(crate) fn ended(&self, n: u64) {
        let cause = EndCause {
            result: EndResult::Answered,
            sip_status: None,
            reason: None,
        };
        self.publish(Event::CallEnded {
            call: call_id(n),
            cause,
            by: EndedBy::User,
        });
    }

    pub(crate) fn agent(&self, agent: &str, presence: Presence, reason: Option<&str>) {
        self.publish(Event::AgentChanged {
            agent: agent.into(),
            presence,
            reason: reason.map(str::to_owned),
            activity: Activity::Idle,
            pending: None,
            extension: Some("1001".into()),
            device: Device::Reachable,
            since_us: START_US,
            call: None,
            left_queues: Vec::new(),
            codes_due: Vec::new(),
        });
    }

    fn publish_pick_up(&self, call: CallId) {
        self.publish(Event::AlertStarted {
            alert: call.0,
            call,
            agent: "ann".into(),
            queue: Some("support".into()),
            picked_up: true,
            choice: None,
        });
    }

    fn reserved(&self, call: CallId, by: Option<&str>) {
        let by = by.map(str::to_owned);
        self.publish(Event::CallReserved {
            call,
            by,
            sticky: false,
            recall: false,
        });
    }

    fn ranked(&self, call: CallId, priority: i32) {
        self.publish(Event::CallQueued {
            call,
            queue: Some("support".into()),
            user: None,
            rank: Rank {
                tier: 1,
                key_us: START_US - i64::from(priority),
                arrival_us: START_US,
                id: call.0,
            },
            priority,
            arrival_us: START_US,
            estimate_seconds: None,
        });
    }

    fn joined_queue(&self, agent: &str, queue: &str, joined: bool) {
        self.publish(Event::AgentChanged {
            agent: agent.into(),
            presence: Presence::Available,
            reason: None,
            activity: Activity::Idle,
            pending: None,
            extension: Some("1001".into()),
            device: Device::Reachable,
            since_us: START_US,
            call: None,
            left_queues: if joined {
                Vec::new()
            } else {
                vec![queue.into()]
            },
            codes_due: Vec::new(),
        });
    }

    fn carry_out(&self, body: &CommandBody) -> Done {
        match body {
            CommandBody::Login { username, .. } => self.agent(username, Presence::Available, None),
            CommandBody::Logout { username } => self.agent(username, Presence::Offline, None),
            CommandBody::SetAgentState { username, state } => match state {
                PresenceWish::Available => self.agent(username, Presence::Available, None),
                PresenceWish::Break { reason } => {
                    self.agent(username, Presence::Break, Some(reason))
                }
                PresenceWish::Offline => self.agent(username, Presence::Offline, None),
            },
            CommandBody::EndWrapUp { username } | CommandBody::ExtendWrapUp { username, .. } => {
                self.agent(username, Presence::Available, None);
            }
            CommandBody::PlaceCall { username, .. } => {
                let n = lock(&self.asked).len() as u64 + 1000;
                self.started(n, Some(username));
                return Done::Call(call_id(n));
            }
            CommandBody::CodeCall { call, code, .. } => {
                self.publish(Event::CallCoded {
                    call: *call,
                    agent: "ann".into(),
                    category: code.as_ref().and_then(|code| code.category.clone()),
                    code: code.as_ref().map(|code| code.code.clone()),
                    text: code.as_ref().and_then(|code| code.text.clone()),
                });
            }
            CommandBody::Hold { .. } | CommandBody::Resume { .. } => {}
            CommandBody::Transfer { .. } | CommandBody::Retrieve { .. } => {}
            CommandBody::Park { slot, .. } => return Done::Parked(slot.unwrap_or(1)),
            CommandBody::PickUp { call } => self.publish_pick_up(*call),
            CommandBody::Reserve { call } => self.reserved(*call, Some("ann")),
            CommandBody::Release { call } => self.reserved(*call, None),
            CommandBody::Rerank { call, priority, .. } => self.ranked(*call, priority.unwrap_or(0)),
            CommandBody::JoinQueue {
                username,
                queue,
                joined,
            } => self.joined_queue(username, queue, *joined),
            CommandBody::ExplainWaiting { .. } => {
                let found = !*lock(&self.explains_none);
                return Done::Waiting(found.then(|| Box::new(explain::why_waiting())));
            }
            CommandBody::ExplainAgent { .. } => {
                return Done::Nothing(Box::new(explain::why_nothing()));
            }
            CommandBody::HangUp { call } => self.ended(call.0 - call_id(0).0),
            CommandBody::OverrideQueue {
                queue,
                state,
                until,
            } => {
                let next_change = START_US + 3_600_000_000;
                self.publish(Event::QueueChanged {
                    queue: queue.clone(),
                    open: *state != Some(OverrideState::Closed),
                    override_state: *state,
                    override_until_us: match until {
                        OverrideEnd::Revoked => None,
                        OverrideEnd::At(us) => Some(*us),
                        OverrideEnd::NextChange => Some(next_change),
                    },
                    next_change_us: Some(next_change),
                });
            }
            CommandBody::PrepareCentre { .. }
            | CommandBody::CommitCentre { .. }
            | CommandBody::AbortCentre { .. }
            | CommandBody::SetVips { .. }
            | CommandBody::Drain => panic!("the API does not ask for {body:?}"),
        }
        Done::Ok
    }
}

impl EngineHandle for FakeEngine {
    fn send(
        &self,
        actor: Actor,
        body: CommandBody,
    ) -> Answer<'static, Result<Carried, CommandError>> {
        lock(&self.asked).push((actor, body.clone()));
        if let Some(refusal) = lock(&self.refuse).take() {
            return Box::pin(std::future::ready(Err(refusal.into())));
        }
        let engine = self.clone();
        Box::pin(async move {
            let resumed = engine.resumed.notified();
            if engine.silent.load(Ordering::SeqCst) {
                resumed.await;
            }
            let done = engine.carry_out(&body);
            Ok(Carried {
                seq: engine.latest_seq(),
                done,
            })
        })
    }

    fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    fn view_at(&self, seq: u64) -> Answer<'_, Arc<View>> {
        let mut views = self.view.subscribe();
        Box::pin(async move {
            let reached = views.wait_for(|view| view.seq >= seq).await;
            Arc::clone(&reached.expect("the engine outlives its readers"))
        })
    }
}

impl Traces for FakeEngine {
    fn of_call(&self, _: CallId) -> Answer<'_, Result<trace::Kept, NoTrace>> {
        let kept = lock(&self.traced).clone();
        Box::pin(std::future::ready(kept))
    }
}

impl EventLog for FakeEngine {
    fn latest(&self) -> u64 {
        self.latest_seq()
    }

    fn since(&self, seq: u64, limit: usize) -> Answer<'_, Result<Vec<LoggedEvent>, SinceError>> {
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        if seq < forgotten {
            return Box::pin(std::future::ready(Err(SinceError::TooOld {
                oldest: forgotten,
            })));
        }
        let durable = self.durable.load(Ordering::SeqCst);
        let log = lock(&self.log);
        let after = log
            .iter()
            .filter(|logged| logged.seq > seq && logged.seq <= durable);
        Box::pin(std::future::ready(Ok(after.take(limit).cloned().collect())))
    }

    fn subscribe(&self) -> broadcast::Receiver<LoggedEvent> {
        self.live.subscribe()
    }
}

/// A writer without a store; others can be faster.
pub(crate) struct FakeCentre {
    current: Mutex<Arc<Snapshot>>,
    engine: Arc<FakeEngine>,
    /// So many changes come too late: somebody else's came first.
    pub(crate) beaten: AtomicU64,
    pub(crate) refuse: Mutex<Option<ChangeError>>,
    /// Where those go who wait in queues that the last change removed.
    pub(crate) moves: Mutex<Moves>,
}

impl FakeCentre {
    fn new(snapshot: Snapshot, engine: Arc<FakeEngine>) -> Self {
        Self {
            current: Mutex::new(Arc::new(snapshot)),
            engine,
            beaten: AtomicU64::new(0),
            refuse: Mutex::default(),
            moves: Mutex::default(),
        }
    }

    fn put(&self, centre: config::Centre) -> Committed {
        let mut current = lock(&self.current);
        let changes = config::diff(&current.centre, &centre)
            .into_iter()
            .map(|change| Change {
                kind: change.kind.path().to_owned(),
                name: change.name,
                what: change.what.word().to_owned(),
            });
        let changes = changes.collect();
        let version = current.version + 1;
        *current = Arc::new(Snapshot {
            version,
            settings: current.settings.clone(),
            centre: Arc::new(centre),
        });
        drop(current);
        let seq = self
            .engine
            .publish(Event::CentreChanged { version, changes });
        Committed {
            version,
            seq,
            effects: Vec::new(),
        }
    }

    /// Somebody else changes the priority of `sales`.
    pub(crate) fn other_change(&self) {
        let mut centre = config::Centre::clone(&self.snapshot().centre);
        let sales = centre.queues.get_mut("sales").expect("there is one");
        Arc::make_mut(sales).priority += 1;
        self.put(centre);
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        lock(&self.current).clone()
    }
}

impl CentreWriter for FakeCentre {
    fn current(&self) -> Arc<Snapshot> {
        self.snapshot()
    }

    fn change(&self, change: CentreChange) -> Answer<'_, Result<Committed, ChangeError>> {
        Box::pin(async move {
            if let Some(error) = lock(&self.refuse).take() {
                return Err(error);
            }
            if self.beaten.load(Ordering::SeqCst) > 0 {
                self.beaten.fetch_sub(1, Ordering::SeqCst);
                self.other_change();
            }
            if change.base != self.snapshot().version {
                return Err(ChangeError::Stale);
            }
            *lock(&self.moves) = change.moves;
            Ok(self.put(change.centre))
        })
    }
}

/// Sounds in memory: `welcome` and `silence` come with the program. A file is good when it begins as WAV files do.
pub(crate) struct FakePrompts {
    files: Mutex<BTreeMap<String, (Bytes, Upload)>>,
    centre: Arc<FakeCentre>,
    clock: Arc<AtomicI64>,
}

/// What comes with the fake program.
const BUILT_IN: [&str; 2] = ["silence", "welcome"];

impl FakePrompts {
    fn new(centre: Arc<FakeCentre>, clock: Arc<AtomicI64>) -> Self {
        Self {
            files: Mutex::default(),
            centre,
            clock,
        }
    }

    fn keep(&self, change: PromptChange) -> Result<Committed, PromptError> {
        let snapshot = self.centre.snapshot();
        let mut centre = config::Centre::clone(&snapshot.centre);
        let mut files = lock(&self.files);
        let name = change.name.to_string();
        match change.wav {
            Some(wav) if wav.starts_with(b"ID3") => {
                return Err(PromptError::OtherKind("this is an MP3 file".into()));
            }
            Some(wav) if !wav.starts_with(b"RIFF") => {
                return Err(PromptError::Faulty("the file holds no sound".into()));
            }
            Some(wav) => {
                let prompt = config::Prompt {
                    sha256: format!("{:x}", wav.len()),
                    clip: Some(1),
                };
                centre.prompts.insert(name.clone(), prompt);
                let upload = Upload {
                    at_us: self.clock.load(Ordering::SeqCst),
                    by: Some(change.actor.username),
                };
                files.insert(name, (wav, upload));
            }
            None => {
                centre.prompts.remove(&name);
                files.remove(&name);
            }
        }
        Ok(self.centre.put(centre))
    }
}

impl Prompts for FakePrompts {
    fn all(&self) -> Vec<Prompt> {
        let files = lock(&self.files);
        let built_in = BUILT_IN.into_iter().map(str::to_owned);
        let names: std::collections::BTreeSet<String> =
            built_in.chain(files.keys().cloned()).collect();
        let prompt = |name: String| {
            let found = files.get(&name);
            let bytes = found.map_or(4, |(wav, _)| wav.len());
            Prompt {
                built_in: BUILT_IN.contains(&name.as_str()),
                upload: found.map(|(_, upload)| upload.clone()),
                sound: Some(Sound {
                    seconds: 1.5,
                    bytes: bytes as u64,
                    sample_rate_hz: 8000,
                    channels: 1,
                    sha256: format!("{bytes:x}"),
                }),
                fault: None,
                name,
            }
        };
        names.into_iter().map(prompt).collect()
    }

    fn audio(&self, name: &str) -> Answer<'_, Result<Option<Bytes>, StoreError>> {
        let uploaded = lock(&self.files).get(name).map(|(wav, _)| wav.clone());
        let built_in = BUILT_IN
            .contains(&name)
            .then(|| Bytes::from_static(b"RIFF"));
        Box::pin(std::future::ready(Ok(uploaded.or(built_in))))
    }

    fn change(&self, change: PromptChange) -> Answer<'_, Result<Committed, PromptError>> {
        Box::pin(async move {
            if self.centre.beaten.load(Ordering::SeqCst) > 0 {
                self.centre.beaten.fetch_sub(1, Ordering::SeqCst);
                self.centre.other_change();
            }
            if change.base != self.centre.snapshot().version {
                return Err(ChangeError::Stale.into());
            }
            self.keep(change)
        })
    }
}

/// Accounts in memory.
#[derive(Default)]
pub(crate) struct FakeAccounts {
    state: Mutex<AccountsState>,
}

#[derive(Default)]
pub(crate) struct AccountsState {
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) tokens: BTreeMap<TokenHash, StoredToken>,
}

impl FakeAccounts {
    pub(crate) fn state(&self) -> MutexGuard<'_, AccountsState> {
        lock(&self.state)
    }

    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AccountsState) -> T,
    ) -> Answer<'_, Result<T, StoreError>> {
        let result = work(&mut self.state());
        Box::pin(std::future::ready(Ok(result)))
    }
}

impl Accounts for FakeAccounts {
    fn account(&self, username: &str) -> Answer<'_, Result<Account, StoreError>> {
        self.with(|state| state.accounts.get(username).copied().unwrap_or_default())
    }

    fn login_failed(
        &self,
        username: &str,
        lock_after: u32,
    ) -> Answer<'_, Result<Account, StoreError>> {
        self.with(|state| {
            let account = state.accounts.entry(username.into()).or_default();
            account.failures += 1;
            account.locked |= lock_after > 0 && account.failures >= lock_after;
            *account
        })
    }

    fn login_succeeded(&self, username: &str) -> Answer<'_, Result<(), StoreError>> {
        self.with(|state| state.accounts.entry(username.into()).or_default().failures = 0)
    }

    fn set_locked(&self, username: &str, locked: bool) -> Answer<'_, Result<(), StoreError>> {
        self.with(|state| {
            let account = state.accounts.entry(username.into()).or_default();
            (account.locked, account.failures) = (locked, 0);
        })
    }

    fn set_must_change_password(
        &self,
        username: &str,
        must: bool,
    ) -> Answer<'_, Result<(), StoreError>> {
        self.with(|state| {
            state
                .accounts
                .entry(username.into())
                .or_default()
                .must_change_password = must
        })
    }

    fn keep_token(&self, token: StoredToken) -> Answer<'_, Result<(), StoreError>> {
        self.with(|state| {
            state.tokens.insert(token.hash, token);
        })
    }

    fn token(&self, hash: &TokenHash) -> Answer<'_, Result<Option<StoredToken>, StoreError>> {
        self.with(|state| state.tokens.get(hash).cloned())
    }

    fn revoke(&self, hash: &TokenHash) -> Answer<'_, Result<(), StoreError>> {
        self.with(|state| {
            state.tokens.remove(hash);
        })
    }

    fn revoke_all(
        &self,
        username: &str,
        except: Option<&TokenHash>,
    ) -> Answer<'_, Result<(), StoreError>> {
        self.with(|state| {
            state
                .tokens
                .retain(|hash, token| token.username != username || Some(hash) == except)
        })
    }

    fn forget(&self, username: &str) -> Answer<'_, Result<(), StoreError>> {
        self.with(|state| {
            state.accounts.remove(username);
            state.tokens.retain(|_, token| token.username != username);
        })
    }
}

/// What the engine published of a call is its story.
impl Chronicle for FakeEngine {
    fn story(&self, call: CallId) -> Answer<'_, Result<Option<Story>, ReadError>> {
        let id = ("calls", call.to_string());
        let log = lock(&self.log);
        let of_call = log.iter().filter(|logged| logged.event.resource() == id);
        let events: Vec<_> = of_call
            .map(|logged| StoryEvent {
                seq: Some(logged.seq),
                utc_us: logged.utc_us,
                event: Event::clone(&logged.event),
            })
            .collect();
        let known = !events.is_empty();
        let story = known.then_some(Story {
            events,
            whole: true,
        });
        Box::pin(std::future::ready(Ok(story)))
    }

    fn recount(&self, _: CallId, _: Arc<Snapshot>) -> Answer<'_, Result<Recounted, ReadError>> {
        let recounted = match *lock(&self.explains_none) {
            true => Recounted::Lost("the journal is gone".into()),
            false => Recounted::Made(vec![explain::decision()]),
        };
        Box::pin(std::future::ready(Ok(recounted)))
    }
}

/// Calls that are over, newest first.
#[derive(Default)]
pub(crate) struct FakeHistory {
    pub(crate) calls: Mutex<Vec<CallDetail>>,
    pub(crate) queries: Mutex<Vec<HistoryQuery>>,
}

impl HistoryReader for FakeHistory {
    fn page(&self, query: HistoryQuery) -> Answer<'_, Result<HistoryPage, ReadError>> {
        lock(&self.queries).push(query.clone());
        let Ok(start) = query.cursor.as_deref().unwrap_or("0").parse::<usize>() else {
            return Box::pin(std::future::ready(Err(ReadError::Cursor)));
        };
        let calls = lock(&self.calls);
        let of_party =
            |detail: &&CallDetail| query.party.is_none() || detail.call.agent == query.party;
        let all: Vec<_> = calls
            .iter()
            .filter(of_party)
            .map(|detail| detail.call.clone())
            .collect();
        let items: Vec<_> = all.iter().skip(start).take(query.limit).cloned().collect();
        let end = start + items.len();
        let next = (end < all.len()).then(|| end.to_string());
        Box::pin(std::future::ready(Ok(HistoryPage { items, next })))
    }

    fn call(&self, call: CallId) -> Answer<'_, Result<Option<CallDetail>, ReadError>> {
        let found = lock(&self.calls)
            .iter()
            .find(|detail| detail.call.id == call)
            .cloned();
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// A daemon that is well, unless told otherwise.
#[derive(Default)]
pub(crate) struct FakeHealth {
    pub(crate) unwell: AtomicBool,
    pub(crate) lifted: AtomicBool,
    pub(crate) trunks: Mutex<BTreeMap<String, TrunkFigures>>,
}

impl Metrics for FakeHealth {
    fn render(&self) -> String {
        "lampfield_calls 1\n".into()
    }

    fn trunk(&self, name: &str) -> Option<TrunkFigures> {
        lock(&self.trunks).get(name).cloned()
    }
}

/// One address is banned, until it is not.
impl Bans for FakeHealth {
    fn list(&self) -> Vec<BanRecord> {
        let ban = BanRecord {
            address: "203.0.113.9".parse().expect("an address"),
            until_us: START_US + 60_000_000,
            why: "wrong credentials",
            doublings: 1,
        };
        let lifted = self.lifted.load(Ordering::SeqCst);
        (!lifted).then_some(ban).into_iter().collect()
    }

    fn lift(&self, address: std::net::IpAddr) -> bool {
        let banned = self.list().iter().any(|ban| ban.address == address);
        banned && !self.lifted.swap(true, Ordering::SeqCst)
    }
}

impl Readiness for FakeHealth {
    fn checks(&self) -> Vec<Check> {
        let ok = !self.unwell.load(Ordering::SeqCst);
        vec![Check {
            name: "journal".into(),
            ok,
            text: (!ok).then(|| "the disk is full".into()),
        }]
    }
}

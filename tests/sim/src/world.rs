//! The world as scenarios see it: people with names who do things, and what is expected of it all.
//!
//! Each verb takes a [`BLINK`] of the world's time, so that what was sent has arrived when the next one begins.

use std::cell::{Ref, RefCell, RefMut};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::{Role, Snapshot};
use engine::command::Moves;
use engine::event::Presence;
use engine::journal::Entry;
use engine::view::{AgentRow, View};
use engine::{CommandBody, Done, Event, Figures, Pressure, Refusal};
use expect_test::ExpectFile;

use crate::inner::{Inner, Plan, SERVER};
use crate::network::Weather;
use crate::people::{Agent, Peer, Phone};
use crate::ua::Registration;

/// How long a verb takes.
pub const BLINK: Duration = Duration::from_millis(10);
/// The carrier's gateway: callers from outside.
pub(crate) const CARRIER: SocketAddr = address(2, 5060);
/// The PBX: attendants whose phones are behind a trunk.
pub(crate) const PBX: SocketAddr = address(3, 5060);

const fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, host)), port)
}

/// The centre most stories play in: two queues, two attendants with phones that register, two on the PBX.
pub const CENTRE: &str = r#"
[[trunks]]
name = "carrier"
kind = "peer"
address = "sip:10.0.0.2:5060"
numbers = ["0*", "+*", "112"]

[[trunks]]
name = "pbx"
kind = "peer"
address = "sip:10.0.0.3:5060"
numbers = ["9*"]

[[queues]]
name = "sales"
number = "2000"

[[queues]]
name = "support"
number = "2001"
welcome = "welcome"
default = true

[[users]]
username = "ann"
name = "Ann"
extension = "1001"
sip_password = "ann's secret"
queues = ["sales", "support"]

[[users]]
username = "bob"
name = "Bob"
extension = "1002"
sip_password = "bob's secret"
queues = ["sales"]

[[users]]
username = "eva"
name = "Eva"
extension = "901"
queues = ["sales"]

[[users]]
username = "max"
name = "Max"
extension = "902"
queues = ["support"]
"#;

/// A seed, so that it reads as one.
pub fn seed(seed: u64) -> u64 {
    seed
}

/// So many seconds.
pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many milliseconds.
pub fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A world. Clones are the same world.
#[derive(Debug, Clone)]
pub struct World(pub(crate) Rc<RefCell<Inner>>);

/// A world about to be made.
#[derive(Debug)]
pub struct Builder {
    plan: Plan,
}

impl Builder {
    /// Another centre than [`CENTRE`].
    pub fn centre(mut self, centre: &str) -> Self {
        self.plan.centre = centre.into();
        self
    }

    /// Settings as `lampfield.toml` has them.
    pub fn settings(mut self, settings: &str) -> Self {
        self.plan.settings = settings.into();
        self
    }

    /// When it begins, as RFC 3339 has it.
    pub fn start(mut self, start: &str) -> Self {
        self.plan.start = start.parse().expect("a time such as 2026-11-02T09:00:00Z");
        self
    }

    /// Makes it.
    pub fn build(self) -> World {
        World::from_plan(self.plan)
    }
}

impl World {
    /// The usual centre, on a Monday morning, with a network that loses nothing.
    pub fn new(seed: u64) -> Self {
        Self::builder(seed).build()
    }

    /// A world that differs from the usual one.
    pub fn builder(seed: u64) -> Builder {
        let plan = Plan {
            seed,
            start: "2026-11-02T09:00:00Z".parse().expect("a constant"),
            settings: String::new(),
            centre: CENTRE.into(),
            weather: Weather::FAIR,
            late_us: 0,
            trace: usize::MAX,
            keep_journal: true,
            again: "cargo test --profile ci -p scenarios".into(),
        };
        Builder { plan }
    }

    pub(crate) fn from_plan(plan: Plan) -> Self {
        let mut inner = Inner::new(plan);
        inner.add_ua("carrier", CARRIER, None);
        inner.add_ua("pbx", PBX, None);
        let world = Self(Rc::new(RefCell::new(inner)));
        world.run_for(BLINK);
        world.inner().trace.clear();
        world
    }

    pub(crate) fn inner(&self) -> RefMut<'_, Inner> {
        self.0.borrow_mut()
    }

    /// Somebody outside, whose calls come by the carrier.
    pub fn phone(&self, number: &str) -> Phone {
        Phone::new(self, CARRIER, number)
    }

    /// Somebody behind the PBX, who is no user of ours.
    pub fn behind_pbx(&self, number: &str) -> Phone {
        Phone::new(self, PBX, number)
    }

    /// The phone of a user: registered here, or on the PBX when the user has no password for one.
    pub fn extension(&self, username: &str) -> Phone {
        let user = self.inner().snapshot.centre.users.get(username).cloned();
        let user = user.unwrap_or_else(|| panic!("the centre has no user {username}"));
        let extension = user.extension.as_ref().map(ToString::to_string);
        let extension = extension.unwrap_or_else(|| panic!("{username} has no extension"));
        if !user.has_phone() {
            return Phone::new(self, PBX, &extension);
        }
        let address = self.address_of_extension(&extension);
        let known = self.inner().uas.contains_key(&address);
        if !known {
            let registration = Registration::new(&extension, &format!("{username}'s secret"), 600);
            self.inner().add_ua(username, address, Some(registration));
        }
        Phone::new(self, address, &extension)
    }

    /// Each phone has an address of its own, told by its extension.
    fn address_of_extension(&self, extension: &str) -> SocketAddr {
        let number: u16 = extension.parse().expect("extensions are numbers here");
        let (third, fourth) = (1 + number / 250, 1 + number % 250);
        let octet = |number: u16| u8::try_from(number).unwrap_or(255);
        SocketAddr::from(([10, 1, octet(third), octet(fourth)], 5060))
    }

    /// A user at work.
    pub fn agent(&self, username: &str) -> Agent {
        Agent::new(self.extension(username), username)
    }

    /// Somebody nobody knows, who sends what they like.
    pub fn stranger(&self, address: &str) -> Peer {
        let address = address.parse().expect("an address with a port");
        self.inner().mailboxes.insert(address, Vec::new());
        Peer::new(self, address)
    }

    /// Somebody at the carrier's own address with a port of their own: what they send comes by that trunk.
    pub fn raw_carrier(&self) -> Peer {
        self.stranger("10.0.0.2:5061")
    }

    /// Lets so much time pass.
    pub fn run_for(&self, time: Duration) {
        let until = self.inner().now + time;
        self.inner().run_until(until);
    }

    /// Lets time pass until something is so; it ends the test when that takes longer than `at_most`.
    ///
    /// # Panics
    ///
    /// When it does not become so in time.
    pub fn run_until(
        &self,
        what: &str,
        at_most: Duration,
        is_so: impl Fn(&Self) -> bool,
    ) -> Duration {
        let start = self.inner().now;
        while !is_so(self) {
            let next = self.inner().next();
            if next > start + at_most {
                self.inner()
                    .fail(&format!("within {at_most:?} it did not become so: {what}"));
            }
            self.inner().step();
        }
        self.inner().now - start
    }

    /// Lets time pass until this moment, as RFC 3339 has it.
    pub fn run_until_utc(&self, moment: &str) {
        let moment: jiff::Timestamp = moment.parse().expect("a time such as 2026-11-02T09:00:00Z");
        let until = Duration::from_micros(moment.as_microsecond().try_into().expect("after 1970"));
        self.inner().run_until(until);
    }

    /// `kill -9` after all that happened has reached the disk, and a new start.
    pub fn crash_and_restart(&self) {
        self.inner().crash_and_restart(|_, behind| behind);
        self.run_for(BLINK);
    }

    /// The same, and of what was on its way to the disk the last so many entries have not arrived.
    pub fn crash_and_restart_without(&self, entries: usize) {
        self.inner()
            .crash_and_restart(|_, behind| behind.saturating_sub(entries));
        self.run_for(BLINK);
    }

    /// `kill -9`, and a new start only so much later.
    pub fn is_down_for(&self, time: Duration) {
        self.inner()
            .crash_and_restart_after(time, |_, behind| behind);
        self.run_for(BLINK);
    }

    /// Somebody with this role asks for something.
    ///
    /// # Errors
    ///
    /// The engine's refusal.
    pub fn command(&self, username: &str, role: Role, body: CommandBody) -> Result<Done, Refusal> {
        let result = self.inner().command(username, role, body);
        self.run_for(BLINK);
        result
    }

    /// The supervisor Sven asks for something that is not refused.
    pub fn supervisor(&self, body: CommandBody) -> Done {
        let asked = format!("{body:?}");
        let result = self.command("sven", Role::Supervisor, body);
        result.unwrap_or_else(|refusal| self.inner().fail(&format!("refused: {refusal}: {asked}")))
    }

    /// `lampfield apply`, with another centre.
    ///
    /// # Errors
    ///
    /// The engine's refusal.
    pub fn applies(&self, centre: &str) -> Result<Done, Refusal> {
        let result = self.inner().apply(centre, Moves::new());
        self.run_for(BLINK);
        result
    }

    /// Changes the centre as it is, such as by an upload.
    pub fn changes(&self, change: impl FnOnce(&mut config::Centre)) {
        let mut centre = config::Centre::clone(&self.0.borrow().snapshot.centre);
        change(&mut centre);
        let mut inner = self.inner();
        if let Err(refusal) = inner.put(centre, Moves::new()) {
            inner.fail(&format!("refused: {refusal}"));
        }
        drop(inner);
        self.run_for(BLINK);
    }

    /// Applies another centre, in which a queue is gone whose callers go to `to`.
    ///
    /// # Errors
    ///
    /// The engine's refusal.
    pub fn removes(&self, queue: &str, to: &str, centre: &str) -> Result<Done, Refusal> {
        let to = to.parse().expect("a destination");
        let moves = Moves::from([(queue.to_owned(), to)]);
        let result = self.inner().apply(centre, moves);
        self.run_for(BLINK);
        result
    }

    /// The directory's entry of that number marks VIPs with these telephone numbers; with none it marks nobody any more.
    pub fn marks_vips(&self, entry: u64, numbers: &[&str]) {
        self.inner().mark_vips(entry, numbers);
        self.run_for(BLINK);
    }

    /// The output queues of the daemon fill, or drain.
    pub fn pressure(&self, pressure: Pressure) {
        self.inner().pressure(pressure);
    }

    /// The network changes.
    pub fn weather(&self, weather: Weather) {
        self.inner().network.set_weather(weather);
    }

    /// What a host name stands for from now on.
    pub fn resolves(&self, name: &str, address: &str) {
        let address = address.parse().expect("an address");
        self.inner().hosts.insert(name.into(), vec![address]);
    }

    /// What readers see.
    pub fn view(&self) -> Ref<'_, View> {
        Ref::map(self.0.borrow(), |inner| &inner.view)
    }

    /// Whether what somebody says goes to this address, as the media threads were told.
    pub fn sends_to(&self, address: &str) -> bool {
        let address = address.parse().expect("an address with a port");
        self.0.borrow().media.sends_to(address)
    }

    /// What stands in the engine.
    pub fn figures(&self) -> Figures {
        self.0.borrow().engine.figures()
    }

    /// What strangers have done that scanners do, from wherever.
    pub fn all_offences(&self) -> Vec<engine::Offence> {
        let inner = self.0.borrow();
        inner.offences.iter().map(|(_, offence)| *offence).collect()
    }

    /// What somebody at this address did that scanners do.
    pub fn offences_of(&self, address: &str) -> Vec<engine::Offence> {
        let inner = self.0.borrow();
        let offences = inner.offences.iter();
        let of = offences.filter(|(source, _)| source.ip().to_string() == address);
        of.map(|(_, offence)| *offence).collect()
    }

    /// What has passed over each trunk.
    pub fn trunk_figures(&self) -> std::collections::BTreeMap<String, engine::TrunkFigures> {
        self.0.borrow().engine.trunk_figures()
    }

    /// UTC, in microseconds since the Unix epoch.
    pub fn utc_us(&self) -> i64 {
        self.0.borrow().utc_us()
    }

    /// Time since the world began.
    pub fn now(&self) -> Duration {
        let inner = self.0.borrow();
        inner.now - Duration::from_micros(inner.plan.start.as_microsecond().try_into().unwrap_or(0))
    }

    /// All events so far, with the seconds since the world began.
    pub fn events(&self) -> Vec<(Duration, Arc<Event>)> {
        let inner = self.0.borrow();
        let start = inner.plan.start.as_microsecond();
        let since = |utc_us: i64| Duration::from_micros(u64::try_from(utc_us - start).unwrap_or(0));
        inner
            .events
            .iter()
            .map(|(utc_us, event)| (since(*utc_us), Arc::clone(event)))
            .collect()
    }

    /// The times of the events of which `is` says so.
    pub fn times_of(&self, is: impl Fn(&Event) -> bool) -> Vec<Duration> {
        let wanted = self.events().into_iter().filter(|(_, event)| is(event));
        wanted.map(|(at, _)| at).collect()
    }

    /// An agent as readers see them.
    pub fn row(&self, username: &str) -> AgentRow {
        let row = self.view().agents.get(username).cloned();
        row.unwrap_or_else(|| {
            self.inner()
                .fail(&format!("readers see no agent {username}"))
        })
    }

    /// The numbers of those waiting in a queue, in order.
    pub fn waiting(&self, queue: &str) -> Vec<String> {
        let view = self.view();
        let waiting = view.waiting(&[queue.into()], None);
        let callers = waiting.iter().filter_map(|call| view.calls.get(call));
        callers.map(|call| call.caller.number.clone()).collect()
    }

    /// Whether a queue is open, as readers see it.
    pub fn is_open(&self, queue: &str) -> bool {
        self.view().queues.get(queue).is_some_and(|row| row.open)
    }

    /// Whether an agent is on break, and why.
    pub fn break_reason(&self, username: &str) -> Option<String> {
        let row = self.row(username);
        row.reason.filter(|_| row.presence == Presence::Break)
    }

    /// Lets two minutes pass in which nobody does anything, then looks whether anything is left of all calls: a transaction,
    /// a dialog, a port, a record that was not closed.
    pub fn expect_quiet(&self) {
        self.inner()
            .uas
            .values_mut()
            .for_each(crate::ua::Ua::stop_refreshing);
        self.run_for(secs(120));
        self.inner().check_quiet();
    }

    /// The ladder so far is as in this file; `UPDATE_EXPECT=1` rewrites it.
    pub fn expect_trace(&self, expected: ExpectFile) {
        expected.assert_eq(&self.ladder());
    }

    /// The ladder so far.
    pub fn ladder(&self) -> String {
        self.0.borrow().trace.print()
    }

    /// The journal from its first entry on, as if all of it had reached the disk.
    pub fn whole_journal(&self) -> Vec<Entry> {
        self.inner().flush_disk();
        self.inner().disk.journal()
    }

    /// State rebuilt from the journal equals the state that wrote it (I8).
    pub fn expect_journal_gives_the_same_state(&self) {
        self.inner().check_journal();
    }

    /// The journal's entries from its last checkpoint on.
    pub fn journal(&self) -> Vec<Entry> {
        self.0.borrow().disk.entries().collect()
    }

    /// The centre in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.borrow().snapshot)
    }

    /// Sends bytes from an address to the daemon.
    pub(crate) fn send_raw(&self, from: SocketAddr, payload: Bytes) {
        self.inner().transmit(from, SERVER, payload);
        self.run_for(BLINK);
    }
}

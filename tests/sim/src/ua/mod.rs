//! Phones and trunks: SIP user agents without sockets or clocks, on another codec and other transactions (`sipx-sip`).
//!
//! A [`Ua`] is one piece of equipment at one address: a desk phone with one line, or a carrier's gateway with as many
//! lines as there are numbers. It has the four doors of all machines here, and verbs for what a person does with it.
//! What happens to it is told as [`Happening`]s. It keeps the rules of RFC 3261 for whatever it does, save what its
//! [`Manner`] breaks on purpose; what it sees the other side do wrong it notes as a fault.

mod answering;
mod calling;
mod referring;
mod registering;
pub(crate) mod wire;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sipx_sip::transaction::Dispatch;
use sipx_sip::{
    HeaderName, Message, Method, Output, Reliability, Request, Response, Timer, Timers,
    TransactionKey, TransactionLayer, TuEvent, Uri,
};

use crate::dice::Dice;
use crate::sdp::{Sdp, Way};
pub(crate) use registering::Registration;

/// 64 × T1: after this nobody repeats anything any more (RFC 3261 §17).
const LINGER: Duration = Duration::from_secs(32);
/// How long a call that is over is remembered: whatever comes for it later should not come at all.
const REMEMBERED: Duration = Duration::from_secs(128);
/// How long a phone rings before it gives up by itself.
const RINGS_MAX: Duration = Duration::from_secs(180);

/// Names a call at one UA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallRef(pub(crate) u64);

/// What a line does with an INVITE that makes a new call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// Rings at once.
    #[default]
    Rings,
    /// Says 100 and no more.
    OnlyTries,
    /// Does not say a word.
    IsSilent,
    /// Refuses without ringing.
    Refuses(u16),
    /// Answers without ringing.
    Answers,
    /// Sleeps so long before it reads the INVITE, then rings.
    RingsAfter(Duration),
    /// Sleeps so long before it reads the INVITE, then answers.
    AnswersAfter(Duration),
    /// Plays its own ringing tone (183 with a description).
    PlaysTone,
    /// Says that it goes on, but not how (183 without a description).
    Progresses,
}

/// How a call is dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialling {
    /// Whether the INVITE has no offer, so that theirs is in the 200.
    pub late_offer: bool,
    /// Payload types offered and accepted.
    pub payloads: Vec<u8>,
    /// Max-Forwards.
    pub hops: u8,
    /// Whether a 2xx is left without its ACK.
    pub withholds_ack: bool,
    /// The value of Replaces, when the call is to take the place of another (RFC 3891).
    pub replaces: Option<String>,
}

impl Default for Dialling {
    fn default() -> Self {
        Self {
            late_offer: false,
            payloads: vec![8, 0, 101],
            hops: 70,
            withholds_ack: false,
            replaces: None,
        }
    }
}

/// Something happened to a UA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    /// The number it happened to.
    pub line: String,
    /// The call; none for a registration.
    pub call: Option<CallRef>,
    /// What.
    pub what: What,
}

/// What can happen to a UA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// It rings.
    Rings,
    /// The one called is being sought, or rings.
    Progress(u16),
    /// The call is up.
    Answered,
    /// The call did not come about.
    Refused(u16),
    /// The other side ended it.
    Ended,
    /// Nobody answers any more.
    Lost,
    /// A re-INVITE was answered.
    Changed(u16),
    /// A REGISTER was answered.
    Registered(u16),
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// We called.
    Inviting,
    /// We are called.
    Ringing,
    /// Answered.
    Up,
    /// Ended; what is repeated is still answered.
    Over,
}

/// One call at a UA.
#[derive(Debug)]
pub(crate) struct UaCall {
    pub(crate) line: String,
    pub(crate) far: String,
    pub(crate) stage: Stage,
    pub(crate) way: Way,
    /// The other side's last description.
    pub(crate) heard: Option<Sdp>,
    /// The last response to a request of ours.
    pub(crate) status: Option<u16>,
    /// The CSeq of the last request of theirs.
    pub(crate) their_cseq: u32,
    /// What the NOTIFYs within it said.
    pub(crate) notified: Vec<String>,
    call_id: String,
    local: String,
    remote: String,
    local_tag: String,
    remote_tag: Option<String>,
    /// The other side's tag in its last provisional response.
    early_tag: Option<String>,
    target: String,
    cseq: u32,
    port: u16,
    version: u32,
    dialling: Dialling,
    invite: Option<(TransactionKey, Request)>,
    progressed: bool,
    cancel: Cancel,
    challenged: bool,
    /// Our 2xx, sent again until its ACK comes.
    repeat: Option<Repeat>,
    /// Whether the handset was put down before that ACK had come.
    hangs_up: bool,
    acks: BTreeMap<u32, Request>,
    /// The best that came back to our BYEs: a repeated 2xx gets one more, and that finds nothing any more.
    bye_status: Option<u16>,
    /// Whether the other side hung up.
    bye_came: bool,
    /// Whether the daemon was killed during the call.
    survived_a_crash: bool,
    /// Whether it dialled; it was called if not.
    dialled: bool,
    /// An offer of ours in a 2xx waits for its answer in the ACK.
    reinvite: Option<Way>,
    muted: bool,
    /// Since when it sends no packets.
    silent_since: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancel {
    No,
    /// As soon as there is a provisional response (RFC 3261 §9.1).
    Wanted,
    Sent,
}

#[derive(Debug)]
struct Repeat {
    key: TransactionKey,
    response: Response,
    interval: Duration,
    until: Duration,
}

/// What a request of ours was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Invite(CallRef),
    Reinvite(CallRef),
    Bye(CallRef),
    Refer(CallRef),
    /// A CANCEL, or a BYE to somebody we never wanted to talk to: whatever the answer is.
    Aside,
    Register,
}

#[derive(Debug, Clone)]
enum Alarm {
    Transaction(TransactionKey, Timer),
    /// Our 2xx is sent again.
    Repeat(CallRef),
    /// The cancelled INVITE gets no final response any more.
    GiveUp(CallRef),
    /// It has rung long enough.
    RangOut(CallRef),
    Forget(CallRef),
    /// Half of a registration's time is over.
    Refresh,
    /// A sleepy phone reads what came.
    Read(Bytes),
}

/// A piece of equipment.
#[derive(Debug)]
pub(crate) struct Ua {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    server: SocketAddr,
    domain: String,
    dice: Dice,
    now: Duration,
    layer: TransactionLayer,
    pending: HashMap<TransactionKey, Purpose>,
    alarms: BTreeMap<(Duration, u64), Alarm>,
    calls: BTreeMap<CallRef, UaCall>,
    by_call_id: BTreeMap<String, CallRef>,
    manners: BTreeMap<String, Manner>,
    /// Rings while it is in a call.
    call_waiting: bool,
    registration: Option<Registration>,
    online: bool,
    /// When it lost its power last.
    unplugged: Duration,
    /// What it says to an OPTIONS within a call.
    says_to_options: u16,
    /// Whether it has lost its memory at some time.
    rebooted: bool,
    count: u64,
    out: VecDeque<Bytes>,
    happenings: VecDeque<Happening>,
    faults: Vec<String>,
}

impl Ua {
    pub(crate) fn new(
        name: &str,
        address: SocketAddr,
        server: SocketAddr,
        domain: &str,
        dice: Dice,
    ) -> Self {
        Self {
            name: name.into(),
            address,
            server,
            domain: domain.into(),
            dice,
            now: Duration::ZERO,
            layer: TransactionLayer::new(Timers::default()),
            pending: HashMap::new(),
            alarms: BTreeMap::new(),
            calls: BTreeMap::new(),
            by_call_id: BTreeMap::new(),
            manners: BTreeMap::new(),
            call_waiting: false,
            registration: None,
            online: true,
            unplugged: Duration::ZERO,
            says_to_options: 200,
            rebooted: false,
            count: 0,
            out: VecDeque::new(),
            happenings: VecDeque::new(),
            faults: Vec::new(),
        }
    }

    /// A datagram came.
    pub(crate) fn handle_packet(&mut self, now: Duration, payload: &Bytes) {
        self.now = now;
        if self.online
            && let Some(message) = wire::parse(payload)
        {
            self.receive(message, payload, true);
        }
    }

    fn receive(&mut self, message: Message, payload: &Bytes, awake: bool) {
        if let Message::Request(request) = &message
            && awake
            && self.sleeps_through(request, payload)
        {
            return;
        }
        match self.layer.receive(message, Reliability::Unreliable) {
            Dispatch::Matched { key, outputs } | Dispatch::Created { key, outputs } => {
                self.carry_out(&key, outputs)
            }
            Dispatch::Unmatched(message) => match *message {
                Message::Request(request) if request.method == Method::Ack => self.on_ack(&request),
                // A response to what we forgot: nobody waits for it.
                Message::Request(_) | Message::Response(_) => {}
            },
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        while let Some(first) = self.alarms.first_entry() {
            if first.key().0 > now {
                break;
            }
            let alarm = first.remove();
            self.on_alarm(alarm);
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        self.alarms.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn poll_happening(&mut self) -> Option<Happening> {
        self.happenings.pop_front()
    }

    /// What the other side did wrong since this was asked last.
    pub(crate) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// The plug is pulled: it says nothing any more and forgets all.
    pub(crate) fn vanish(&mut self, now: Duration) {
        if self.online {
            self.unplugged = now;
        }
        self.online = false;
        self.rebooted = true;
        self.layer = TransactionLayer::new(Timers::default());
        self.pending.clear();
        self.alarms.clear();
        self.calls.clear();
        self.by_call_id.clear();
        self.out.clear();
    }

    pub(crate) fn is_online(&self) -> bool {
        self.online
    }

    /// Plugged in again; it registers when it has to.
    pub(crate) fn plug_in(&mut self, now: Duration) {
        self.now = now;
        self.online = true;
        self.start_registration();
    }

    pub(crate) fn set_manner(&mut self, line: &str, manner: Manner) {
        self.manners.insert(line.into(), manner);
    }

    pub(crate) fn set_call_waiting(&mut self) {
        self.call_waiting = true;
    }

    pub(crate) fn set_answer_to_options(&mut self, status: u16) {
        self.says_to_options = status;
    }

    /// A phone that is muted sends no packets until it is not.
    pub(crate) fn mute(&mut self, now: Duration, id: CallRef) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.muted = true;
            call.note_silence(now);
        }
    }

    /// When the last packet left this port.
    pub(crate) fn last_sound(&self, now: Duration, port: u16) -> Duration {
        let mut newest_first = self.calls.values().rev();
        match newest_first.find(|call| call.port == port) {
            Some(call) => call.silent_since.unwrap_or(now),
            None => self.unplugged,
        }
    }

    /// The calls of a line that are not over, oldest first.
    pub(crate) fn calls_of<'a>(
        &'a self,
        line: &'a str,
    ) -> impl Iterator<Item = (CallRef, &'a UaCall)> {
        self.active().filter(move |(_, call)| call.line == line)
    }

    /// The calls of a line, those that are over too, oldest first.
    pub(crate) fn all_calls_of<'a>(&'a self, line: &'a str) -> impl Iterator<Item = &'a UaCall> {
        self.calls.values().filter(move |call| call.line == line)
    }

    /// All calls that are not over.
    pub(crate) fn active(&self) -> impl Iterator<Item = (CallRef, &UaCall)> {
        let active = |(_, call): &(&CallRef, &UaCall)| call.stage != Stage::Over;
        self.calls
            .iter()
            .filter(active)
            .map(|(id, call)| (*id, call))
    }

    pub(crate) fn call_at(&self, id: CallRef) -> Option<&UaCall> {
        self.calls.get(&id)
    }

    /// The last call of a line, over or not.
    pub(crate) fn last_call_of(&self, line: &str) -> Option<(CallRef, &UaCall)> {
        let mut newest_first = self.calls.iter().rev();
        newest_first
            .find(|(_, call)| call.line == line)
            .map(|(id, call)| (*id, call))
    }

    fn carry_out(&mut self, key: &TransactionKey, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send(message) => self.out.push_back(message.to_bytes()),
                Output::SetTimer { timer, after } => {
                    self.set_alarm(after, Alarm::Transaction(key.clone(), timer));
                }
                Output::ToTu(event) => self.on_event(key, *event),
                Output::Terminated(_) => {
                    self.pending.remove(key);
                }
                // A timer that fires in a later state changes nothing (RFC 3261 §17).
                _ => {}
            }
        }
    }

    fn on_event(&mut self, key: &TransactionKey, event: TuEvent) {
        match event {
            TuEvent::Request(request) => self.on_request(key, *request),
            TuEvent::Ack(request) => self.on_ack(&request),
            TuEvent::Response(response) => self.on_response(key, &response),
            TuEvent::Timeout | TuEvent::TransportError => self.on_no_response(key),
            _ => {}
        }
    }

    fn on_response(&mut self, key: &TransactionKey, response: &Response) {
        match self.pending.get(key).copied() {
            Some(Purpose::Invite(call)) => self.on_invite_response(call, response),
            Some(Purpose::Reinvite(call)) => self.on_reinvite_response(call, response),
            Some(Purpose::Register) => self.on_register_response(response),
            Some(Purpose::Bye(call)) => {
                if let Some(call) = self.calls.get_mut(&call) {
                    let status = response.status.code();
                    call.bye_status = call.bye_status.into_iter().chain([status]).min();
                }
            }
            Some(Purpose::Refer(call)) => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.status = Some(response.status.code());
                }
            }
            Some(Purpose::Aside) | None => {}
        }
    }

    fn on_no_response(&mut self, key: &TransactionKey) {
        match self.pending.get(key).copied() {
            Some(Purpose::Invite(call)) => self.end(call, What::Lost),
            Some(Purpose::Reinvite(call)) => self.tell(call, What::Changed(408)),
            Some(Purpose::Register) => self.registration_lost(),
            Some(Purpose::Bye(_) | Purpose::Refer(_) | Purpose::Aside) | None => {}
        }
    }

    fn on_alarm(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::Transaction(key, timer) => {
                let outputs = self.layer.on_timer(&key, timer);
                self.carry_out(&key, outputs);
            }
            Alarm::Repeat(call) => self.repeat_success(call),
            Alarm::GiveUp(call) => {
                if self
                    .calls
                    .get(&call)
                    .is_some_and(|call| call.stage == Stage::Inviting)
                {
                    self.end(call, What::Lost);
                }
            }
            Alarm::RangOut(call) => {
                if self
                    .calls
                    .get(&call)
                    .is_some_and(|call| call.stage == Stage::Ringing)
                {
                    self.refuse(self.now, call, 480);
                }
            }
            Alarm::Forget(call) => {
                if let Some(gone) = self.calls.remove(&call) {
                    self.by_call_id.remove(&gone.call_id);
                    self.check_end(&gone);
                }
            }
            Alarm::Refresh => self.start_registration(),
            Alarm::Read(payload) => {
                if let Some(message) = wire::parse(&payload) {
                    self.receive(message, &payload, false);
                }
            }
        }
    }

    fn send(&mut self, request: Request, purpose: Purpose) -> Option<TransactionKey> {
        let (key, outputs) = self.layer.send_request(request, Reliability::Unreliable)?;
        self.pending.insert(key.clone(), purpose);
        self.carry_out(&key, outputs);
        Some(key)
    }

    fn respond(&mut self, key: &TransactionKey, response: Response) {
        let outputs = self.layer.send_response(key, response);
        self.carry_out(key, outputs);
    }

    fn set_alarm(&mut self, after: Duration, alarm: Alarm) {
        self.count += 1;
        self.alarms.insert((self.now + after, self.count), alarm);
    }

    /// A new number: for a call, a port.
    fn next_number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn token(&mut self) -> String {
        format!("{:08x}", self.dice.draw() >> 32)
    }

    fn branch(&mut self) -> String {
        format!("z9hG4bK{:016x}", self.dice.draw())
    }

    fn contact(&self, line: &str) -> String {
        format!("<sip:{line}@{}>", self.address)
    }

    fn tell(&mut self, call: CallRef, what: What) {
        if let Some(found) = self.calls.get(&call) {
            self.happenings.push_back(Happening {
                line: found.line.clone(),
                call: Some(call),
                what,
            });
        }
    }

    /// The call is over; it is kept for what the other side repeats.
    fn end(&mut self, call: CallRef, what: What) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        if found.stage == Stage::Over {
            return;
        }
        found.stage = Stage::Over;
        found.repeat = None;
        found.note_silence(self.now);
        self.tell(call, what);
        self.set_alarm(REMEMBERED, Alarm::Forget(call));
    }

    fn add_call(&mut self, call: UaCall) -> CallRef {
        let id = CallRef(self.next_number());
        self.by_call_id.insert(call.call_id.clone(), id);
        self.calls.insert(id, call);
        id
    }

    /// The call a request within a dialog belongs to.
    fn call_of(&self, request: &Request) -> Option<CallRef> {
        let call_id = wire::text(&request.headers, &HeaderName::CallId);
        let id = *self.by_call_id.get(&call_id)?;
        let call = self.calls.get(&id)?;
        let to_tag = wire::tag(&request.headers, &HeaderName::To);
        (to_tag.as_deref() == Some(&call.local_tag)).then_some(id)
    }

    /// Who hangs up and hears that there is no such call should have been hung up on before.
    fn check_end(&mut self, gone: &UaCall) {
        let forgotten = gone.bye_status == Some(481) && !gone.bye_came && !gone.survived_a_crash;
        if forgotten {
            let (line, far) = (&gone.line, &gone.far);
            self.faults.push(format!(
                "the call of {line} with {far} was over, and nobody told"
            ));
        }
    }

    /// The daemon is killed: what it owes to the calls of now is no fault any more.
    pub(crate) fn daemon_crashed(&mut self) {
        self.calls
            .values_mut()
            .for_each(|call| call.survived_a_crash = true);
    }

    /// A port for a call's sound: each call has another.
    fn fresh_port(&mut self) -> u16 {
        let number = self.next_number() % 20_000;
        20_000 + 2 * u16::try_from(number).unwrap_or(0)
    }

    /// The other side wants its requests where we send ours.
    fn check_target(&mut self, target: &Uri) {
        let host = target.host().map(ToString::to_string).unwrap_or_default();
        let port = target.port().unwrap_or(5060);
        let named = format!("{host}:{port}");
        if named != self.server.to_string() {
            self.faults
                .push(format!("a Contact names {named}, not {}", self.server));
        }
    }
}

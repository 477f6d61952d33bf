//! The people in a scenario, by the verbs of what they do.

use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use bytes::Bytes;
use config::Role;
use engine::command::PresenceWish;
use engine::{CallId, CommandBody, Done, Refusal};

use crate::media::Hears;
use crate::sdp::Way;
use crate::ua::{CallRef, Dialling, Manner, Stage, Ua, UaCall};
use crate::world::{BLINK, World};

/// Somebody with a phone: one number at one piece of equipment.
#[derive(Debug, Clone)]
pub struct Phone {
    world: World,
    address: SocketAddr,
    line: String,
}

impl Phone {
    pub(crate) fn new(world: &World, address: SocketAddr, line: &str) -> Self {
        Self {
            world: world.clone(),
            address,
            line: line.into(),
        }
    }

    /// Their number.
    pub fn number(&self) -> &str {
        &self.line
    }

    fn act<R>(&self, act: impl FnOnce(&mut Ua, Duration) -> R) -> R {
        let result = self.world.inner().with_ua(self.address, act);
        self.world.run_for(BLINK);
        result
    }

    fn on_call(&self, what: &str, act: impl FnOnce(&mut Ua, Duration, CallRef)) {
        let current = self.current();
        let Some(call) = current else {
            self.world
                .inner()
                .fail(&format!("{} {what}, but has no call", self.line));
        };
        self.act(|ua, now| act(ua, now, call));
    }

    /// The call they have, if any.
    pub(crate) fn current(&self) -> Option<CallRef> {
        let inner = self.world.0.borrow();
        let ua = inner.uas.get(&self.address)?;
        ua.calls_of(&self.line).last().map(|(id, _)| id)
    }

    fn look<R>(&self, look: impl FnOnce(&UaCall) -> R) -> Option<R> {
        let inner = self.world.0.borrow();
        let ua = inner.uas.get(&self.address)?;
        ua.last_call_of(&self.line).map(|(_, call)| look(call))
    }

    /// Dials a number, or the name of a queue.
    pub fn calls(&self, to: &str) -> &Self {
        self.calls_as(to, Dialling::default())
    }

    /// Dials in a way of its own.
    pub fn calls_as(&self, to: &str, dialling: Dialling) -> &Self {
        let queue = self.world.inner().snapshot.centre.queues.get(to).cloned();
        let number = queue.and_then(|queue| queue.number.as_ref().map(ToString::to_string));
        let number = number.unwrap_or_else(|| to.to_owned());
        self.act(|ua, now| ua.dial(now, &self.line, &number, dialling));
        self
    }

    /// Begins to ring, after it has said something else.
    pub fn starts_to_ring(&self) -> &Self {
        self.on_call("starts to ring", Ua::start_ringing);
        self
    }

    /// The network says that it cannot be reached, or that its connection is gone.
    pub fn cannot_be_reached(&self) -> &Self {
        self.world.inner().transport_fails(self.address);
        self.world.run_for(BLINK);
        self
    }

    /// Lifts the handset of a phone that rings.
    pub fn answers(&self) -> &Self {
        self.on_call("answers", |ua, now, call| ua.answer(now, call));
        self
    }

    /// Refuses a call.
    pub fn rejects(&self, status: u16) -> &Self {
        self.on_call("rejects", |ua, now, call| ua.refuse(now, call, status));
        self
    }

    /// Sends the ACK that it withheld.
    pub fn acknowledges(&self) -> &Self {
        self.on_call("acknowledges", Ua::acknowledge);
        self
    }

    /// Puts the other side on hold.
    pub fn holds(&self) -> &Self {
        self.on_call("holds", Ua::hold);
        self
    }

    /// Takes the other side from hold.
    pub fn resumes(&self) -> &Self {
        self.on_call("resumes", Ua::resume);
        self
    }

    /// Sends a re-INVITE: with an offer of this way, or without any.
    pub fn reinvites(&self, way: Option<Way>) -> &Self {
        self.on_call("re-invites", |ua, now, call| ua.reinvite(now, call, way));
        self
    }

    /// Sends whom they talk to on by the phone's own key: a REFER to that number.
    pub fn refers_to(&self, to: &str) -> &Self {
        self.on_call("refers", |ua, now, call| {
            let uri = ua.uri_of_number(to);
            ua.refer(now, call, &uri, Vec::new());
        });
        self
    }

    /// The same without wanting to hear of it (RFC 4488).
    pub fn refers_silently_to(&self, to: &str) -> &Self {
        let line = (sipx_sip::HeaderName::ReferSub, "false".into());
        self.on_call("refers", |ua, now, call| {
            let uri = ua.uri_of_number(to);
            ua.refer(now, call, &uri, vec![line]);
        });
        self
    }

    /// Asks within their call for the other side to be sent to a URI.
    pub fn refers_to_uri(&self, uri: &str) -> &Self {
        self.on_call("refers", |ua, now, call| {
            ua.refer(now, call, uri, Vec::new())
        });
        self
    }

    /// Joins the two they talk to, by a REFER on the older call that names the younger.
    pub fn joins_both(&self) -> &Self {
        self.refers_older_to_younger()
    }

    /// The same while the younger has not been answered yet.
    pub fn refers_older_to_younger(&self) -> &Self {
        let calls = self.all_calls();
        let [first, second] = calls[..] else {
            let line = &self.line;
            let count = calls.len();
            self.world
                .inner()
                .fail(&format!("{line} joins two, but has {count} calls"));
        };
        self.act(|ua, now| {
            if let Some(uri) = ua.uri_of(second) {
                ua.refer(now, first, &uri, Vec::new());
            }
        });
        self
    }

    /// Calls in order to take the place of this phone in its call.
    pub fn takes_over_from(&self, other: &Self) -> &Self {
        let replaces = other.look(UaCall::replaces);
        let dialling = Dialling {
            replaces,
            ..Dialling::default()
        };
        self.calls_as(&other.line, dialling)
    }

    /// The URI that names their call to whoever is to take its place.
    pub fn uri_of_call(&self) -> String {
        let inner = self.world.0.borrow();
        let ua = inner.uas.get(&self.address);
        let last = ua.and_then(|ua| ua.uri_of(ua.last_call_of(&self.line)?.0));
        last.unwrap_or_default()
    }

    /// What the NOTIFYs within their calls said, oldest first: event, body, and state of the subscription.
    pub fn notified(&self) -> Vec<String> {
        let inner = self.world.0.borrow();
        let ua = inner.uas.get(&self.address);
        let calls = ua.into_iter().flat_map(|ua| ua.all_calls_of(&self.line));
        calls.flat_map(|call| call.notified.clone()).collect()
    }

    fn all_calls(&self) -> Vec<CallRef> {
        let inner = self.world.0.borrow();
        let ua = inner.uas.get(&self.address);
        let calls = ua.into_iter().flat_map(|ua| ua.calls_of(&self.line));
        calls.map(|(id, _)| id).collect()
    }

    /// Mutes the microphone of a phone that sends nothing then.
    pub fn mutes(&self) -> &Self {
        self.on_call("mutes", Ua::mute);
        self
    }

    /// Gives this answer to an OPTIONS within a call from now on.
    pub fn answers_options_with(&self, status: u16) -> &Self {
        self.act(|ua, _| ua.set_answer_to_options(status));
        self
    }

    /// Puts the handset down, whatever the call is at.
    pub fn hangs_up(&self) -> &Self {
        self.on_call("hangs up", Ua::hang_up);
        self
    }

    /// The plug is pulled.
    pub fn vanishes(&self) -> &Self {
        self.act(|ua, now| ua.vanish(now));
        self
    }

    /// The phone is plugged in again, and registers.
    pub fn comes_back(&self) -> &Self {
        self.act(Ua::plug_in);
        self
    }

    /// Registers for ten minutes, and again at half of that.
    pub fn registers(&self) -> &Self {
        self.registers_for(600)
    }

    /// Registers for so many seconds; 0 takes it back.
    pub fn registers_for(&self, seconds: u32) -> &Self {
        self.act(|ua, now| ua.register(now, seconds));
        self
    }

    /// Registers with another password.
    pub fn registers_with(&self, password: &str) -> &Self {
        self.has_password(password).registers()
    }

    /// Proves who it is with this password from now on.
    pub fn has_password(&self, password: &str) -> &Self {
        self.act(|ua, _| {
            if let Some(registration) = ua.registration_mut() {
                registration.password = password.into();
            }
        });
        self
    }

    /// Does not register again by itself.
    pub fn forgets_to_register(&self) -> &Self {
        self.act(|ua, _| ua.stop_refreshing());
        self
    }

    /// What it does with new calls from now on.
    pub fn will(&self, manner: Manner) -> &Self {
        self.act(|ua, _| ua.set_manner(&self.line, manner));
        self
    }

    /// Rings while it is in a call, too.
    pub fn has_call_waiting(&self) -> &Self {
        self.act(|ua, _| ua.set_call_waiting());
        self
    }

    /// The status of the last answer to a REGISTER.
    pub fn registered(&self) -> u16 {
        let inner = self.world.0.borrow();
        let registration = inner.uas.get(&self.address).and_then(Ua::registration);
        registration.map_or(0, |registration| registration.state.status)
    }

    /// The Contacts in the last answer to a REGISTER.
    pub fn registered_contacts(&self) -> Vec<String> {
        let inner = self.world.0.borrow();
        let registration = inner.uas.get(&self.address).and_then(Ua::registration);
        registration
            .map(|registration| registration.state.contacts.clone())
            .unwrap_or_default()
    }

    /// Whether it rings.
    pub fn rings(&self) -> bool {
        self.has(Stage::Ringing)
    }

    /// Whether its call is up.
    pub fn talks(&self) -> bool {
        self.has(Stage::Up)
    }

    /// Whether it has no call.
    pub fn is_idle(&self) -> bool {
        self.current().is_none()
    }

    fn has(&self, stage: Stage) -> bool {
        let inner = self.world.0.borrow();
        let ua = inner.uas.get(&self.address);
        ua.is_some_and(|ua| ua.calls_of(&self.line).any(|(_, call)| call.stage == stage))
    }

    /// The number at the other end of its last call, as its display shows.
    pub fn sees(&self) -> String {
        self.look(|call| call.far.clone()).unwrap_or_default()
    }

    /// The last status it got to an INVITE or BYE.
    pub fn status(&self) -> Option<u16> {
        self.look(|call| call.status).flatten()
    }

    /// The CSeq of the last request that came within its last call.
    pub fn their_cseq(&self) -> u32 {
        self.look(|call| call.their_cseq).unwrap_or(0)
    }

    /// Which way sound goes, as the other side described it last.
    pub fn way(&self) -> Option<Way> {
        self.look(|call| call.heard.as_ref().map(|sdp| sdp.way))
            .flatten()
    }

    /// What is heard here.
    pub fn hears(&self) -> Hears {
        let port = self
            .look(|call| call.heard.as_ref().map(|sdp| sdp.address))
            .flatten();
        let inner = self.world.0.borrow();
        port.map_or(Hears::Nothing, |port| inner.media.heard_at(port))
    }

    /// Whether this clip is heard here.
    pub fn hears_clip(&self, clip: &str) -> bool {
        self.hears() == Hears::Clip(clip.into())
    }

    /// Whether these two hear one another.
    pub fn talks_to(&self, other: &Self) -> bool {
        let both = self.talks() && other.talks();
        both && self.hears() == Hears::Person && other.hears() == Hears::Person
    }
}

/// A user at work, with their phone.
#[derive(Debug, Clone)]
pub struct Agent {
    phone: Phone,
    username: String,
}

impl Deref for Agent {
    type Target = Phone;

    fn deref(&self) -> &Phone {
        &self.phone
    }
}

impl Agent {
    pub(crate) fn new(phone: Phone, username: &str) -> Self {
        Self {
            phone,
            username: username.into(),
        }
    }

    /// Their user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Their phone is registered if it has to be, and they are logged in and available.
    pub fn available(self) -> Self {
        let is_desk_phone = self
            .phone
            .world
            .0
            .borrow()
            .uas
            .get(&self.phone.address)
            .is_some_and(|ua| ua.registration().is_some());
        if is_desk_phone && self.registered() != 200 {
            self.registers();
            assert_eq!(self.registered(), 200, "{} registers", self.username);
        }
        self.logs_in();
        self.is_available();
        self
    }

    /// Asks for something that is not refused.
    pub fn asks(&self, body: CommandBody) -> Done {
        let asked = format!("{body:?}");
        let result = self.tries(body);
        let world = &self.phone.world;
        result.unwrap_or_else(|refusal| world.inner().fail(&format!("refused: {refusal}: {asked}")))
    }

    /// Asks for something.
    ///
    /// # Errors
    ///
    /// The engine's refusal.
    pub fn tries(&self, body: CommandBody) -> Result<Done, Refusal> {
        self.phone
            .world
            .command(&self.username, Role::Attendant, body)
    }

    fn wishes(&self, state: PresenceWish) -> &Self {
        self.asks(CommandBody::SetAgentState {
            username: self.username.clone(),
            state,
        });
        self
    }

    /// Logs in at their own extension.
    pub fn logs_in(&self) -> &Self {
        self.asks(CommandBody::Login {
            username: self.username.clone(),
            extension: None,
        });
        self
    }

    /// Logs out.
    pub fn logs_out(&self) -> &Self {
        self.asks(CommandBody::Logout {
            username: self.username.clone(),
        });
        self
    }

    /// Is ready for calls.
    pub fn is_available(&self) -> &Self {
        self.wishes(PresenceWish::Available)
    }

    /// Takes a break.
    pub fn takes_a_break(&self, reason: &str) -> &Self {
        self.wishes(PresenceWish::Break {
            reason: reason.into(),
        })
    }

    /// Takes a call that waits.
    pub fn picks_up(&self, call: CallId) -> &Self {
        self.asks(CommandBody::PickUp { call });
        self
    }

    /// Sends whom they talk to on.
    pub fn transfers(&self, call: CallId, to: &str) -> &Self {
        let to = to.into();
        self.asks(CommandBody::Transfer { call, to });
        self
    }

    /// Parks whom they talk to; gives the slot.
    pub fn parks(&self, call: CallId, slot: Option<u32>) -> u32 {
        match self.asks(CommandBody::Park { call, slot }) {
            Done::Parked(slot) => slot,
            other => panic!("parked as {other:?}"),
        }
    }

    /// Takes whom is parked there.
    pub fn retrieves(&self, slot: u32) -> &Self {
        self.asks(CommandBody::Retrieve { slot });
        self
    }

    /// Has a call that waits held for them.
    pub fn reserves(&self, call: CallId) -> &Self {
        self.asks(CommandBody::Reserve { call });
        self
    }

    /// Lets it wait for everybody again.
    pub fn releases(&self, call: CallId) -> &Self {
        self.asks(CommandBody::Release { call });
        self
    }

    /// Leaves one of their queues until they log out, or comes back to it.
    pub fn joins(&self, queue: &str, joined: bool) -> &Self {
        self.asks(CommandBody::JoinQueue {
            username: self.username.clone(),
            queue: queue.into(),
            joined,
        });
        self
    }

    /// Clicks on a number: their own phone rings first.
    pub fn clicks(&self, to: &str) -> Done {
        self.asks(CommandBody::PlaceCall {
            username: self.username.clone(),
            to: to.into(),
        })
    }
}

/// Somebody who sends what they like and reads what comes back.
#[derive(Debug, Clone)]
pub struct Peer {
    world: World,
    address: SocketAddr,
}

impl Peer {
    pub(crate) fn new(world: &World, address: SocketAddr) -> Self {
        Self {
            world: world.clone(),
            address,
        }
    }

    /// Sends a message, written with plain line ends; its body, if any, follows an empty line, and its length is added.
    pub fn sends(&self, message: &str) -> &Self {
        let (head, body) = message
            .trim_start()
            .split_once("\n\n")
            .unwrap_or_else(|| (message.trim(), ""));
        let head: Vec<&str> = head.lines().map(str::trim).collect();
        let body: String = body
            .lines()
            .map(|line| format!("{}\r\n", line.trim()))
            .collect();
        let text = format!(
            "{}\r\nContent-Length: {}\r\n\r\n{body}",
            head.join("\r\n"),
            body.len()
        );
        self.world.send_raw(self.address, Bytes::from(text));
        self
    }

    /// What came back since this was asked last.
    pub fn received(&self) -> Vec<String> {
        let mut inner = self.world.inner();
        let mailbox = inner.mailboxes.get_mut(&self.address).map(std::mem::take);
        let texts = mailbox.unwrap_or_default();
        texts
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }

    /// The statuses of the responses that came back since this was asked last.
    pub fn statuses(&self) -> Vec<u16> {
        let status = |text: &String| text.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok();
        self.received().iter().filter_map(status).collect()
    }
}

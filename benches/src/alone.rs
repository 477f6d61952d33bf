//! [`Alone`]: an engine without sockets or threads, with far ends that answer by the book.
//!
//! Callers reach the queue through a trunk, and the one attendant is an extension behind the same trunk. The far ends
//! say what real ones would say next, in messages parsed before the engine's time is taken; media threads confirm what
//! they are told. Time passes as the bench wants it to, and deadlines fall due in it.

use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use config::{Role, Settings, Snapshot, parse_centre};
use engine::{
    Actor, Command, CommandBody, CommandId, Engine, Input, Listen, Now, Output, Restore, Seeds,
    Setup,
};
use media::control::{ClipId, MediaCommand, MediaEvent, PortPair, WorkerId};
use sip::{Flow, Message, Method, Transport};

use crate::messages::with_body;

const CENTRE: &str = r#"
[[trunks]]
name = "pbx"
kind = "peer"
address = "sip:127.0.0.2:5070"
allow = ["127.0.0.2/32"]
numbers = ["9*"]
[[queues]]
name = "support"
number = "2000"
[[users]]
username = "ann"
name = "Ann"
extension = "901"
queues = ["support"]
"#;

const HERE: &str = "127.0.0.1:5060";
const THERE: &str = "127.0.0.2:5070";
const START: Duration = Duration::from_secs(1_800_000_000);
/// Between two messages of one call.
const STEP: Duration = Duration::from_millis(5);
const SDP: &str = "v=0\no=- 1 1 IN IP4 127.0.0.2\ns=-\nc=IN IP4 127.0.0.2\nt=0 0\nm=audio 20000 RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\n";

/// The engine and what is around it.
pub struct Alone {
    engine: Engine,
    now: Duration,
    flow: Flow,
    out: Vec<Output>,
    /// What the far ends say next.
    next: VecDeque<String>,
    /// The INVITE that rings at the attendant's.
    alert: Option<Message>,
    slots: u32,
    callers: u64,
    spent: Duration,
    /// Every message of both directions since they were last taken, if they are wanted.
    ladder: Option<Vec<Bytes>>,
}

impl Alone {
    /// A centre with one attendant who is not at work yet.
    ///
    /// # Errors
    ///
    /// If the centre's file has a fault.
    pub fn new() -> Result<Self> {
        let flow = Flow {
            transport: Transport::Udp,
            local: HERE.parse()?,
            remote: THERE.parse()?,
            connection: None,
        };
        let engine = Engine::new(now(START), setup()?, Restore::new());
        let mut alone = Self {
            engine,
            now: START,
            flow,
            out: Vec::new(),
            next: VecDeque::new(),
            alert: None,
            slots: 0,
            callers: 0,
            spent: Duration::ZERO,
            ladder: None,
        };
        alone.drain()?;
        alone.restock(64)?;
        Ok(alone)
    }

    /// A caller comes and is answered by the queue.
    ///
    /// # Errors
    ///
    /// If the engine does not do what it should.
    pub fn caller_comes(&mut self) -> Result<()> {
        self.callers += 1;
        let number = self.callers;
        let head = format!(
            "INVITE sip:2000@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP {THERE};branch=z9hG4bKi{number};rport\n\
             Max-Forwards: 70\nFrom: \"Bo\" <sip:0{number}@127.0.0.2>;tag=c{number}\nTo: <sip:2000@127.0.0.1>\n\
             Call-ID: call-{number}@127.0.0.2\nCSeq: 1 INVITE\nContact: <sip:0{number}@{THERE}>\n\
             Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\nUser-Agent: bench\nContent-Type: application/sdp\n"
        );
        self.next.push_back(with_body(&head, SDP));
        self.talk()
    }

    /// The attendant logs in, and is rung for whoever waits longest.
    ///
    /// # Errors
    ///
    /// If the engine does not do what it should.
    pub fn attendant_comes(&mut self) -> Result<()> {
        let body = CommandBody::Login {
            username: "ann".into(),
            extension: None,
        };
        let actor = Actor {
            username: "ann".into(),
            role: Role::Attendant,
        };
        self.turn(Input::Command(Command {
            id: CommandId(1),
            actor,
            body,
        }))?;
        self.talk()
    }

    /// The attendant's phone rings, is answered, and after a moment the attendant hangs up.
    ///
    /// # Errors
    ///
    /// If nothing rings there, or the engine does not do what it should.
    pub fn attendant_serves(&mut self) -> Result<()> {
        let alert = self
            .alert
            .take()
            .context("nothing rings at the attendant's")?;
        self.next.push_back(answer(&alert, "180 Ringing", "")?);
        self.talk()?;
        self.next.push_back(answer(&alert, "200 OK", SDP)?);
        self.talk()?;
        let field = |name| {
            alert
                .header_str(name)
                .context("a header is missing in the INVITE")
        };
        let head = format!(
            "BYE sip:{HERE} SIP/2.0\nVia: SIP/2.0/UDP {THERE};branch=z9hG4bKb{}\nMax-Forwards: 70\n\
             From: {};tag=ann\nTo: {}\nCall-ID: {}\nCSeq: 1 BYE\n",
            alert.call_id(),
            field(sip::HeaderName::To)?,
            field(sip::HeaderName::From)?,
            alert.call_id(),
        );
        self.next.push_back(with_body(&head, ""));
        self.talk()
    }

    /// The engine's time since this was last asked.
    pub fn take_spent(&mut self) -> Duration {
        std::mem::take(&mut self.spent)
    }

    /// Keeps every message from now on.
    pub fn keep_messages(&mut self) {
        self.ladder = Some(Vec::new());
    }

    /// The messages since this was last asked.
    pub fn take_messages(&mut self) -> Vec<Bytes> {
        self.ladder.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Calls that are up.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.engine.figures().calls
    }

    /// Lets the far ends say all they have to.
    fn talk(&mut self) -> Result<()> {
        while let Some(text) = self.next.pop_front() {
            let bytes = Bytes::from(text);
            if let Some(ladder) = &mut self.ladder {
                ladder.push(bytes.clone());
            }
            let message =
                Message::parse(bytes).map_err(|fault| anyhow!("a message of ours: {fault:?}"))?;
            self.turn(Input::Received {
                flow: self.flow,
                message,
            })?;
        }
        Ok(())
    }

    /// One turn of the engine's thread: what is due, then the input, then all effects.
    fn turn(&mut self, input: Input) -> Result<()> {
        self.now += STEP;
        let since = Instant::now();
        turn(&mut self.engine, now(self.now), input, &mut self.out);
        self.spent += since.elapsed();
        self.carry_out()
    }

    fn drain(&mut self) -> Result<()> {
        self.out
            .extend(std::iter::from_fn(|| self.engine.poll_output()));
        self.carry_out()
    }

    fn carry_out(&mut self) -> Result<()> {
        let mut out = std::mem::take(&mut self.out);
        for output in out.drain(..) {
            match output {
                Output::Transmit(transmit) => self.far_end_hears(transmit.payload)?,
                Output::Media { command, .. } => self.media(command)?,
                Output::Reply(reply) => {
                    reply.result.map_err(|refusal| anyhow!("{refusal:?}"))?;
                }
                Output::Journal(_)
                | Output::Publish { .. }
                | Output::Lookup { .. }
                | Output::LegTraced { .. }
                | Output::LegUntraced { .. }
                | Output::Offended { .. } => {}
            }
        }
        // The larger of the two has the room already.
        if self.out.is_empty() {
            self.out = out;
        }
        Ok(())
    }

    fn far_end_hears(&mut self, payload: Bytes) -> Result<()> {
        if let Some(ladder) = &mut self.ladder {
            ladder.push(payload.clone());
        }
        let message = Message::parse(payload)
            .map_err(|fault| anyhow!("a message of the engine: {fault:?}"))?;
        let is_success = message
            .status()
            .is_some_and(|status| (200..300).contains(&status));
        if !message.is_request() {
            if is_success && message.cseq().method == Method::Invite {
                self.next.push_back(ack(&message)?);
            }
            return Ok(());
        }
        let method = message.method();
        if method == Method::Invite {
            self.alert = Some(message);
        } else if method == Method::Bye {
            self.next.push_back(answer(&message, "200 OK", "")?);
        } else if method != Method::Ack {
            return Err(anyhow!("the engine sends a {method:?}"));
        }
        Ok(())
    }

    /// Ports come when they are asked for; a leg that is closed is confirmed.
    fn media(&mut self, command: MediaCommand) -> Result<()> {
        if let MediaCommand::Restock { count } = command {
            self.restock(count)?;
        } else if let MediaCommand::Close { leg } = command {
            let stats = Box::default();
            self.turn(Input::Media(MediaEvent::Closed { leg, stats }))?;
        }
        Ok(())
    }

    fn restock(&mut self, count: u32) -> Result<()> {
        let pairs = (self.slots..self.slots + count).map(pair).collect();
        self.slots += count;
        self.turn(Input::Media(MediaEvent::PortsReady(pairs)))
    }
}

/// What a bench takes the time of, and what callgrind counts: it is told this name.
#[inline(never)]
fn turn(engine: &mut Engine, now: Now, input: Input, out: &mut Vec<Output>) {
    while engine
        .poll_timeout()
        .is_some_and(|(due, _)| due <= now.mono)
    {
        engine.handle_timeout(now);
        out.extend(std::iter::from_fn(|| engine.poll_output()));
    }
    engine.handle_input(now, input);
    out.extend(std::iter::from_fn(|| engine.poll_output()));
    black_box(engine.poll_timeout());
}

fn now(mono: Duration) -> Now {
    let utc_us = i64::try_from(mono.as_micros()).unwrap_or(i64::MAX);
    Now { mono, utc_us }
}

fn setup() -> Result<Setup> {
    let settings = Settings::load("", "lampfield.toml", std::iter::empty::<(String, String)>())
        .map_err(|faults| anyhow!("{faults:?}"))?;
    let centre = parse_centre(CENTRE, "centre.toml").map_err(|faults| anyhow!("{faults:?}"))?;
    let snapshot = Snapshot {
        version: 1,
        settings: Arc::new(settings),
        centre: Arc::new(centre),
    };
    Ok(Setup {
        node: 1,
        incarnation: 1,
        version: "bench".into(),
        snapshot: Arc::new(snapshot),
        vips: BTreeMap::new(),
        listen: vec![Listen {
            transport: Transport::Udp,
            address: HERE.parse()?,
        }],
        seeds: Seeds {
            ids: [1; 32],
            secrets: [2; 32],
        },
        nonce_key: [3; 32],
        clips: BTreeMap::from([("default".to_owned(), ClipId(1))]),
    })
}

/// A pair of its own for every slot, on as many loopback addresses as it takes.
fn pair(slot: u32) -> PortPair {
    let [_, high, low, _] = (slot / 25_000 * 256 + 256).to_be_bytes();
    let port = 10_000 + 2 * (slot % 25_000) as u16;
    PortPair {
        worker: WorkerId(0),
        slot,
        rtp: SocketAddr::from(([127, high, low, 1], port)),
    }
}

fn answer(request: &Message, status: &str, body: &str) -> Result<String> {
    let field = |name| request.header_str(name).context("a header is missing");
    let head = format!(
        "SIP/2.0 {status}\nVia: {}\nFrom: {}\nTo: {}{}\nCall-ID: {}\nCSeq: {}\nContact: <sip:901@{THERE}>\n{}",
        field(sip::HeaderName::Via)?,
        field(sip::HeaderName::From)?,
        field(sip::HeaderName::To)?,
        if request.to_tag().is_some() {
            ""
        } else {
            ";tag=ann"
        },
        request.call_id(),
        field(sip::HeaderName::CSeq)?,
        if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\n"
        },
    );
    Ok(with_body(&head, body))
}

fn ack(answer: &Message) -> Result<String> {
    let field = |name| answer.header_str(name).context("a header is missing");
    let head = format!(
        "ACK sip:{HERE} SIP/2.0\nVia: SIP/2.0/UDP {THERE};branch=z9hG4bKa{}\nMax-Forwards: 70\nFrom: {}\nTo: {}\n\
         Call-ID: {}\nCSeq: {} ACK\n",
        answer.call_id(),
        field(sip::HeaderName::From)?,
        field(sip::HeaderName::To)?,
        answer.call_id(),
        answer.cseq().number,
    );
    Ok(with_body(&head, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_served_and_nothing_is_left() {
        let mut alone = Alone::new().unwrap();
        for _ in 0..3 {
            alone.caller_comes().unwrap();
        }
        alone.attendant_comes().unwrap();
        for left in (0..3).rev() {
            alone.attendant_serves().unwrap();
            assert_eq!(alone.calls(), left);
        }
        assert!(
            alone.attendant_serves().is_err(),
            "nobody is left to be served"
        );
        assert!(alone.take_spent() > Duration::ZERO);
    }

    #[test]
    fn every_slot_has_an_address_of_its_own() {
        let addresses: std::collections::BTreeSet<_> =
            (0..110_000).map(|slot| pair(slot).rtp).collect();
        assert_eq!(addresses.len(), 110_000);
    }
}

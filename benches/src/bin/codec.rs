//! `codec SUBJECT STEPS MESSAGE`: reads one message over and over, to be counted from outside; `codec allocations`: how
//! often each subject asks for memory.
//!
//! Under callgrind only what [`collected`] does counts, of [`ROUNDS`] rounds, after a few that warm up what is set up
//! once. SUBJECT is `ours`, `rsip` or `scan`; STEPS is `parse`, `match` (parse, and find the transaction it belongs
//! to), `print` (parse, and print it with a Via of ours on top, as it would be sent on), or `whole` (all three).
//!
//! `codec rtp SUBJECT` reads a packet of sound and writes it as a packet of another stream; SUBJECT is `ours` or
//! `package`, which is webrtc-rs's `rtp`.

use std::alloc::System;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use benches::messages::Sample;
use benches::scan::Scan;
use bytes::Bytes;
use media::rtp::Header;
use rsip::prelude::{HeadersExt as _, ToTypedHeader as _};
use sip::dialog::DialogKey;
use sip::transaction::{Config, Layer, Output};
use sip::wire::Edit;
use sip::{Flow, HeaderName, Message, RequestBuilder, Transport};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use webrtc_util::marshal::{Marshal as _, MarshalSize as _, Unmarshal as _};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 100;
/// Other transactions there are.
const OTHERS: usize = 100;
const NOW: Duration = Duration::from_secs(1_800_000_000);
const OUR_VIA: &str = "SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK5b3d77a0c1e2f401";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["allocations"] => allocations(),
        ["rtp", subject] => {
            let mut step = packets(subject)?;
            (0..10).for_each(|_| step());
            collected(&mut step);
            Ok(())
        }
        [subject, steps, message] => {
            let sample = Sample::named(message).context("no such message")?;
            let mut step = subject_of(subject, Steps::named(steps)?, sample)?;
            (0..10).for_each(|_| step());
            collected(&mut step);
            Ok(())
        }
        _ => bail!("usage: codec SUBJECT STEPS MESSAGE | codec rtp SUBJECT | codec allocations"),
    }
}

/// What callgrind counts: it is told this name.
#[inline(never)]
fn collected(step: &mut dyn FnMut()) {
    for _ in 0..ROUNDS {
        step();
    }
}

/// Prints `SUBJECT STEPS MESSAGE ALLOCATIONS` for all that can be asked for.
#[expect(
    clippy::print_stdout,
    reason = "its output is for another program to read"
)]
fn allocations() -> Result<()> {
    for sample in Sample::ALL {
        for subject in ["ours", "rsip"] {
            for steps in ["parse", "match", "print", "dialog"] {
                let mut step = subject_of(subject, Steps::named(steps)?, sample)?;
                (0..10).for_each(|_| step());
                let region = Region::new(ALLOCATOR);
                collected(&mut step);
                let change = region.change();
                let count = (change.allocations + change.reallocations) as f64 / ROUNDS as f64;
                println!("{subject} {steps} {} {count}", sample.name());
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Steps {
    Parse,
    Match,
    Dialog,
    Print,
    Whole,
}

impl Steps {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "parse" => Self::Parse,
            "match" => Self::Match,
            "dialog" => Self::Dialog,
            "print" => Self::Print,
            "whole" => Self::Whole,
            _ => bail!("no such steps"),
        })
    }

    fn matches(self) -> bool {
        matches!(self, Self::Match | Self::Whole)
    }

    fn prints(self) -> bool {
        matches!(self, Self::Print | Self::Whole)
    }
}

fn subject_of(subject: &str, steps: Steps, sample: Sample) -> Result<Box<dyn FnMut()>> {
    Ok(match subject {
        "ours" => Box::new(ours(steps, sample)?),
        "rsip" => Box::new(rsips(steps, sample)),
        "scan" => Box::new(scans(steps, sample)),
        _ => bail!("no such subject"),
    })
}

/// Ours: the transaction layer of the engine finds the transaction, among a hundred others.
fn ours(steps: Steps, sample: Sample) -> Result<impl FnMut() + use<>> {
    let mut layer = Layer::new(&Config::new(7, [9; 32]));
    let bytes = waiting_for(&mut layer, sample)?;
    let mut out = Vec::with_capacity(4096);
    Ok(move || {
        let message = Message::parse(bytes.clone()).expect("a sample is well-formed");
        if steps == Steps::Dialog {
            let key = if message.is_request() {
                DialogKey::of_request(&message)
            } else {
                DialogKey::of_response(&message)
            };
            black_box(key);
        }
        if steps.prints() {
            let edit = Edit::new(&message).prepend(HeaderName::Via, OUR_VIA);
            out.clear();
            edit.write_to(&mut out).expect("a sample can be printed");
            black_box(&out);
        }
        if steps.matches() {
            layer.receive(NOW, flow(), message);
            while let Some(output) = layer.poll_output() {
                black_box(output);
            }
        } else {
            black_box(message);
        }
    })
}

/// Makes the transaction that the sample belongs to, among a hundred others, and says the sample's bytes.
fn waiting_for(layer: &mut Layer, sample: Sample) -> Result<Bytes> {
    let text = String::from_utf8(sample.bytes())?;
    let mut bytes = Bytes::new();
    for number in 0..=OTHERS {
        bytes = if sample == Sample::Ok {
            text.replace("z9hG4bK77ef4c2312983.1", &sent_invite(layer, number)?)
                .into()
        } else {
            let branch = format!("branch=z9hG4bK{number}x");
            let call_id = format!("Call-ID: {number}x");
            text.replacen("branch=z9hG4bK", &branch, 1)
                .replacen("Call-ID: ", &call_id, 1)
                .into()
        };
        layer.receive(NOW, flow(), Message::parse(bytes.clone())?);
        while layer.poll_output().is_some() {}
    }
    Ok(bytes)
}

/// Sends an INVITE and says its branch.
fn sent_invite(layer: &mut Layer, number: usize) -> Result<String> {
    let invite = RequestBuilder::new(sip::Method::Invite, "sip:1001@192.0.2.77:5062")
        .from(
            "Bo Lundgren",
            "sip:+4930123456@centre.example.org",
            "a6c85cf",
        )
        .to("Ann Ek", "sip:1001@centre.example.org", None)
        .call_id(&format!("a84b4c76e66710{number}@203.0.113.5"))
        .cseq(314_160);
    layer.send_request(NOW, flow(), invite)?;
    let mut branch = None;
    while let Some(output) = layer.poll_output() {
        if let Output::Transmit(transmit) = output {
            let sent = Message::parse(transmit.payload)?;
            branch = sent.via().branch().map(str::to_owned);
        }
    }
    branch.context("the INVITE has a branch")
}

fn flow() -> Flow {
    Flow {
        transport: Transport::Udp,
        local: ([203, 0, 113, 5], 5060).into(),
        remote: ([192, 0, 2, 77], 5062).into(),
        connection: None,
    }
}

/// rsip: it knows no transactions, so to match is to read what names one, as its users do.
fn rsips(steps: Steps, sample: Sample) -> impl FnMut() + use<> {
    let bytes = sample.bytes();
    move || {
        let message =
            rsip::SipMessage::try_from(bytes.as_slice()).expect("a sample is well-formed");
        if steps.matches() {
            let via = message.via_header().expect("it has a Via").typed();
            let cseq = message.cseq_header().expect("it has a CSeq").typed();
            black_box((via.expect("readable"), cseq.expect("readable")));
        }
        if matches!(steps, Steps::Dialog | Steps::Whole) {
            let from = message.from_header().expect("it has a From").typed();
            let to = message.to_header().expect("it has a To").typed();
            black_box((from.expect("readable"), to.expect("readable")));
            black_box(message.call_id_header().expect("it has a Call-ID"));
        }
        if steps.prints() {
            let mut message = message;
            rsip::message::HasHeaders::headers_mut(&mut message)
                .push(rsip::headers::Via::from(OUR_VIA).into());
            black_box(String::from(message));
        } else {
            black_box(message);
        }
    }
}

/// A packet of 20 ms of G.711 read, and written in place as the next one of another stream.
fn packets(subject: &str) -> Result<Box<dyn FnMut()>> {
    let mut packet = vec![0xd5; 172];
    packet[..12].copy_from_slice(&[0x80, 0x08, 0x12, 0x34, 0, 0, 0x40, 0, 1, 2, 3, 4]);
    let shared = Bytes::from(packet.clone());
    Ok(match subject {
        "ours" => Box::new(move || {
            let mut header = Header::parse(black_box(&packet)).expect("a sample is well-formed");
            header.ssrc = 7;
            black_box(header.write_before_payload(&mut packet));
        }),
        "package" => Box::new(move || {
            let mut read = rtp::packet::Packet::unmarshal(&mut black_box(shared.clone()))
                .expect("a sample is well-formed");
            read.header.ssrc = 7;
            let length = read.marshal_size();
            black_box(read.marshal_to(packet.get_mut(..length).unwrap_or_default())).ok();
        }),
        _ => bail!("no such subject"),
    })
}

fn scans(steps: Steps, sample: Sample) -> impl FnMut() + use<> {
    let bytes = sample.bytes();
    let mut out = Vec::with_capacity(4096);
    move || {
        let scan = Scan::of(black_box(&bytes));
        if steps.prints() {
            scan.print(&bytes, &mut out);
            black_box(&out);
        }
        black_box(scan);
    }
}

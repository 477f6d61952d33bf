//! A leg's ports and packets: what the media threads are told.
//!
//! Ports are taken from the stock when a leg first needs to name them, from the worker its call lives on, and
//! given back or closed when the leg ends. An SDP is made by the leg's negotiation; what it agrees is
//! handed down as it stands.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ::media::codec::Codec;
use ::media::control::{
    ClipId, EventTypes, LatchRule, LegKey, MediaCommand, MediaEvent, PortPair, RemoteMedia,
};
use ::media::sdp::{Direction, LocalMedia};

use super::Stage;
use crate::engine::Engine;
use crate::event::{Event, PROMPT_ALARM};
use crate::ids::LegId;
use crate::output::Output;
use crate::sabotage;

/// The alarm of an empty port range.
const PORTS_EXHAUSTED: &str = "ports-exhausted";

impl Engine {
    /// Sees to it that the leg has ports, on the worker of its call; `false` when there are none left.
    pub(crate) fn ensure_ports(&mut self, leg: LegId) -> bool {
        let Some(call) = self.legs.get(&leg).map(|leg| leg.call) else {
            return false;
        };
        if self
            .legs
            .get(&leg)
            .is_some_and(|leg| leg.media.ports.is_some())
        {
            return true;
        }
        let caller = self.calls.get(&call).map(|call| call.caller);
        let worker = caller
            .and_then(|caller| self.legs.get(&caller))
            .and_then(|caller| caller.media.ports)
            .map(|ports| ports.worker);
        let taken = match worker {
            Some(worker) => self.stock.take_from(worker),
            None => self.first_ports(leg),
        };
        let (Some(ports), Some(leg)) = (taken, self.legs.get_mut(&leg)) else {
            self.raise_alarm(
                PORTS_EXHAUSTED,
                "no media port is free: new calls are refused",
            );
            return false;
        };
        leg.media.ports = Some(ports);
        true
    }

    /// The ports of a call's first leg: on the worker of what its user talks in besides, so that the two can be joined.
    fn first_ports(&mut self, leg: LegId) -> Option<PortPair> {
        let user = self.legs.get(&leg).and_then(|leg| leg.user.as_deref());
        let beside = user.and_then(|user| {
            let mut legs = self.conversations_of(user);
            legs.find_map(|leg| self.legs.get(&leg)?.media.ports)
        });
        let there = beside.and_then(|ports| self.stock.take_from(ports.worker));
        there.or_else(|| self.stock.take())
    }

    /// What we can do on this leg; the codec of the call's other leg first, so that nothing is translated.
    pub(crate) fn local_media(&self, leg: LegId) -> Option<LocalMedia> {
        let leg = self.legs.get(&leg)?;
        let ports = leg.media.ports?;
        let mut codecs = self.codecs_of(leg.trunk.as_deref());
        let spoken = self
            .calls
            .get(&leg.call)
            .into_iter()
            .flat_map(|call| [Some(call.caller), call.other()])
            .flatten()
            .filter(|other| *other != leg.id)
            .find_map(|other| self.legs.get(&other)?.media.negotiation.agreed())
            .map(|agreed| agreed.codec);
        if let Some(spoken) = spoken {
            // Stable: the others keep their order.
            codecs.sort_by_key(|codec| *codec != spoken);
        }
        Some(LocalMedia {
            codecs,
            ..LocalMedia::new(ports.rtp)
        })
    }

    pub(crate) fn codecs_of(&self, trunk: Option<&str>) -> Vec<Codec> {
        let codec = |codec: &config::Codec| match codec {
            config::Codec::Pcma => Codec::Pcma,
            config::Codec::Pcmu => Codec::Pcmu,
        };
        let trunk = trunk.and_then(|name| self.snapshot.centre.trunks.get(name));
        trunk.map_or_else(
            || Codec::ALL.to_vec(),
            |trunk| trunk.codecs.iter().map(codec).collect(),
        )
    }

    /// Binds the leg to its ports on the media thread.
    pub(crate) fn open_media(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let Some(ports) = found.media.ports.filter(|_| !found.media.open) else {
            return;
        };
        found.media.open = true;
        let key = found.media.key;
        self.output(Output::Media {
            worker: ports.worker,
            command: MediaCommand::Open { leg: key, ports },
        });
    }

    /// Tells the media thread what was agreed; the source is learned anew.
    pub(crate) fn set_remote(&mut self, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else {
            return;
        };
        let Some(agreed) = found.media.negotiation.agreed() else {
            return;
        };
        // A phone that names another address than it speaks from is behind NAT, whatever its Contact says.
        let source = found.flow.remote.ip();
        let elsewhere = found.trunk.is_none() && agreed.remote_rtp.ip() != source;
        let latch = if found.nat || elsewhere {
            LatchRule::AnyPortOf(source)
        } else {
            LatchRule::Signalled
        };
        let remote = RemoteMedia {
            rtp: agreed.remote_rtp,
            rtcp: agreed.remote_rtcp,
            latch,
            codec: agreed.codec,
            payload_type_send: agreed.send_payload_type,
            payload_type_receive: agreed.receive_payload_type,
            telephone_event: agreed.telephone_event.map(|types| EventTypes {
                send: types.send,
                receive: types.receive,
            }),
            ptime_ms: agreed.ptime_ms,
        };
        let direction: Direction = agreed.direction;
        let command = MediaCommand::SetRemote {
            leg: found.media.key,
            remote,
            send: direction.sends(),
            receive: direction.receives(),
        };
        self.media_command(leg, command);
    }

    pub(crate) fn bridge(&mut self, a: LegId, b: LegId) {
        let (Some(first), Some(second)) = (self.legs.get(&a), self.legs.get(&b)) else {
            return;
        };
        let command = MediaCommand::Bridge {
            a: first.media.key,
            b: second.media.key,
        };
        self.media_command(a, command);
    }

    /// Plays a clip to a leg; `false` when there is no such clip.
    pub(crate) fn play(&mut self, leg: LegId, clip: &str, repeat: bool) -> bool {
        let Some(clip) = self.clip(clip) else {
            return false;
        };
        let Some(key) = self.legs.get(&leg).map(|leg| leg.media.key) else {
            return false;
        };
        self.media_command(
            leg,
            MediaCommand::Play {
                leg: key,
                clip,
                repeat,
            },
        );
        true
    }

    /// What was uploaded under that name, else what comes with the program.
    fn clip(&self, name: &str) -> Option<ClipId> {
        let uploaded = self.snapshot.centre.prompts.get(name);
        let uploaded = uploaded.filter(|_| !sabotage::uploaded_prompt());
        let uploaded = uploaded.and_then(|prompt| prompt.clip).map(ClipId);
        uploaded.or_else(|| self.clips.get(name).copied())
    }

    /// Raises an alarm for each uploaded prompt that cannot be read, and clears those of others.
    pub(crate) fn check_prompts(&mut self) {
        let prompts = &self.snapshot.centre.prompts;
        let unreadable: BTreeSet<String> = prompts
            .iter()
            .filter(|(_, prompt)| prompt.clip.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        let raised = self.durable.alarms.iter();
        let raised = raised.filter_map(|alarm| alarm.strip_prefix(PROMPT_ALARM));
        let over: Vec<String> = raised
            .filter(|name| !unreadable.contains(*name))
            .map(|name| format!("{PROMPT_ALARM}{name}"))
            .collect();
        for alarm in over {
            self.clear_alarm(&alarm);
        }
        for name in unreadable {
            let instead = match self.clips.contains_key(&name) {
                true => "the one that comes with the program is heard instead",
                false => "nothing is heard in its place",
            };
            let text = format!("the uploaded prompt {name} cannot be read: {instead}");
            self.raise_alarm(&format!("{PROMPT_ALARM}{name}"), &text);
        }
    }

    pub(crate) fn stop_play(&mut self, leg: LegId) {
        let Some(key) = self.legs.get(&leg).map(|leg| leg.media.key) else {
            return;
        };
        self.media_command(leg, MediaCommand::StopPlay { leg: key });
    }

    /// Closes what was opened, or gives back what was only taken.
    pub(crate) fn close_media(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let Some(ports) = found.media.ports.take() else {
            return;
        };
        if sabotage::port_leak() && !found.is_up() {
            return;
        }
        let command = if found.media.open {
            MediaCommand::Close {
                leg: found.media.key,
            }
        } else {
            MediaCommand::GiveBack { ports }
        };
        self.output(Output::Media {
            worker: ports.worker,
            command,
        });
    }

    fn media_command(&mut self, leg: LegId, command: MediaCommand) {
        let open = self.legs.get(&leg).filter(|leg| leg.media.open);
        let Some(ports) = open.and_then(|leg| leg.media.ports) else {
            return;
        };
        self.output(Output::Media {
            worker: ports.worker,
            command,
        });
    }

    pub(crate) fn handle_media(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::PortsReady(pairs) => {
                self.stock.handle_ready(pairs);
                if !self.stock.is_exhausted() {
                    self.clear_alarm(PORTS_EXHAUSTED);
                }
            }
            MediaEvent::PortsExhausted { worker } => {
                self.stock.handle_exhausted(worker);
                self.raise_alarm(PORTS_EXHAUSTED, "the range of media ports is used up");
            }
            MediaEvent::ClipEnded { leg } => self.clip_ended(self.leg_of_media(leg)),
            MediaEvent::Lifeless { leg } => self.leg_is_lifeless(self.leg_of_media(leg)),
            // What a leg was like is for its record, which the quality reports will bring.
            MediaEvent::DtmfPressed { .. }
            | MediaEvent::Silent { .. }
            | MediaEvent::Heard { .. }
            | MediaEvent::Closed { .. } => {}
        }
    }

    fn leg_of_media(&self, key: LegKey) -> LegId {
        let renamed = self.index.media.get(&key.leg);
        renamed.copied().unwrap_or(LegId(key.leg))
    }

    /// The welcome is followed by music, an announcement by the end of the call.
    fn clip_ended(&mut self, leg: LegId) {
        let Some(call) = self
            .legs
            .get(&leg)
            .and_then(|leg| self.calls.get(&leg.call))
        else {
            return;
        };
        if call.caller != leg {
            return;
        }
        match &call.stage {
            Stage::Waiting(_) => self.go_on_waiting(call.id, leg),
            Stage::Announcing => self.announcement_ended(call.id),
            Stage::Routing
            | Stage::Dialling
            | Stage::Placing { .. }
            | Stage::Parked(_)
            | Stage::Connected { .. } => {}
        }
    }

    pub(crate) fn music_of(&self, queue: Option<&str>) -> String {
        let queue = queue.and_then(|name| self.snapshot.centre.queues.get(name));
        queue.map_or_else(
            || String::from("default"),
            |queue| String::from(&*queue.music),
        )
    }

    pub(crate) fn raise_alarm(&mut self, alarm: &str, text: &str) {
        if !self.durable.alarms.contains(alarm) {
            self.publish(Event::AlarmRaised {
                alarm: alarm.into(),
                text: text.into(),
            });
        }
    }

    pub(crate) fn clear_alarm(&mut self, alarm: &str) {
        if self.durable.alarms.contains(alarm) {
            self.publish(Event::AlarmCleared {
                alarm: alarm.into(),
            });
        }
    }
}

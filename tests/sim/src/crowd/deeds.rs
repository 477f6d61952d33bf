//! What people do, and what befalls them.

use std::net::SocketAddr;
use std::time::Duration;

use config::Role;
use engine::command::{CodeWish, Had, Moves, OverrideEnd, OverrideState, PresenceWish};
use engine::view::{AgentRow, CallRow};
use engine::{CallId, CommandBody, Pressure, Refusal};

use super::{Crowd, centre};
use crate::sdp::Way;
use crate::ua::{CallRef, Dialling, Manner, Ua};
use crate::world::{CARRIER, PBX};

/// One thing somebody does.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// A caller from outside comes.
    Call,
    /// A phone of ours dials something.
    CallInside,
    /// A user clicks on a number.
    Click,
    /// Something with a call at a UA.
    With(SocketAddr, CallRef, Act),
    /// A phone changes how it takes calls.
    Manner,
    /// It takes them as it should again.
    Mannerly(SocketAddr, String),
    Vanish,
    VanishNow(SocketAddr),
    PlugIn(SocketAddr),
    /// A phone registers out of turn, or takes its registration back.
    Register,
    /// An agent logs in, logs out, takes a break or comes back.
    Wish(String),
    /// An agent takes, reserves or releases a call that waits; now and then two want the same.
    PickUp,
    /// Somebody who talks sends the other side on, or parks them.
    SendOn,
    /// Somebody takes one who is parked; now and then two want the same.
    Retrieve,
    /// An agent says what a call is or was about.
    Code,
    /// A supervisor opens or closes a queue.
    Override,
    /// A supervisor ends a call.
    HangUp,
    /// The centre changes.
    Apply,
    /// The daemon's queues fill for a moment.
    Pressure,
    Relief,
    /// The daemon is killed.
    Crash,
    /// The journal is read while all goes on.
    CheckJournal,
    EarlyWake,
}

/// One thing done with a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Answer,
    Refuse(u16),
    HangUp,
    Hold,
    Resume,
    ReinviteWithoutOffer,
    Mute,
}

impl Deed {
    /// Each plans itself anew whenever it is done.
    pub(super) const NOW_AND_THEN: [Self; 17] = [
        Self::Call,
        Self::CallInside,
        Self::Click,
        Self::Manner,
        Self::Vanish,
        Self::Register,
        Self::PickUp,
        Self::SendOn,
        Self::Retrieve,
        Self::Code,
        Self::Override,
        Self::HangUp,
        Self::Apply,
        Self::Pressure,
        Self::Crash,
        Self::CheckJournal,
        Self::EarlyWake,
    ];

    pub(super) fn changes_centre(&self) -> bool {
        matches!(self, Self::Apply)
    }

    /// How long until it is done again, in milliseconds.
    fn interval_ms(&self) -> Option<(u64, u64)> {
        let interval = match self {
            Self::Call => (0, 5_000),
            Self::CallInside => (2_000, 30_000),
            Self::Click => (10_000, 60_000),
            Self::Manner => (1_000, 20_000),
            Self::Vanish => (20_000, 120_000),
            Self::Register => (5_000, 60_000),
            Self::PickUp => (1_000, 15_000),
            Self::SendOn => (2_000, 20_000),
            Self::Retrieve => (5_000, 40_000),
            Self::Code => (500, 6_000),
            Self::Override => (60_000, 400_000),
            Self::HangUp => (20_000, 100_000),
            Self::Apply => (60_000, 300_000),
            Self::Pressure => (100_000, 400_000),
            Self::Crash => (100_000, 700_000),
            Self::CheckJournal => (20_000, 150_000),
            Self::EarlyWake => (1_000, 20_000),
            Self::Wish(_) => (5_000, 150_000),
            Self::With(..)
            | Self::Mannerly(..)
            | Self::VanishNow(_)
            | Self::PlugIn(_)
            | Self::Relief => return None,
        };
        Some(interval)
    }
}

impl Crowd {
    pub(super) fn carry_out(&mut self, deed: Deed) {
        if let Some((low, high)) = deed.interval_ms() {
            if self.closing {
                return;
            }
            let later = self.dice.millis(low, high);
            self.plan(later, deed.clone());
        }
        match deed {
            Deed::Call => self.call_from_outside(),
            Deed::CallInside => self.call_from_inside(),
            Deed::Click => self.click(),
            Deed::With(address, call, act) => self.act(address, call, act),
            Deed::Manner => self.change_manners(),
            Deed::Mannerly(address, line) => self
                .inner
                .with_ua(address, |ua, _| ua.set_manner(&line, Manner::Rings)),
            Deed::Vanish => {
                if let Some(address) = self.any_desk() {
                    self.vanish(address);
                }
            }
            Deed::VanishNow(address) => self.vanish(address),
            Deed::PlugIn(address) => self.inner.with_ua(address, Ua::plug_in),
            Deed::Register => self.register(),
            Deed::Wish(username) => self.wish(&username),
            Deed::PickUp => self.pick_up(),
            Deed::SendOn => self.send_on(),
            Deed::Retrieve => self.retrieve(),
            Deed::Code => self.code(),
            Deed::Override => self.override_queue(),
            Deed::HangUp => self.hang_up_any(),
            Deed::Apply => {
                self.priority = self.dice.below(5);
                let text = centre::text(self.priority);
                if let Err(refusal) = self.inner.apply(&text, Moves::new()) {
                    self.inner
                        .fail(&format!("the centre is refused: {refusal}"));
                }
            }
            Deed::Pressure => {
                self.inner.pressure(Pressure::Shedding);
                let soon = self.dice.millis(100, 4_000);
                self.plan(soon, Deed::Relief);
            }
            Deed::Relief => self.inner.pressure(Pressure::Normal),
            Deed::Crash => {
                self.crashes += 1;
                self.inner.crash_and_restart(|dice, behind| {
                    let behind = u64::try_from(behind).unwrap_or(0);
                    usize::try_from(dice.between(0, behind)).unwrap_or(0)
                });
                self.inner.check_journal();
            }
            Deed::CheckJournal => self.inner.check_journal(),
            Deed::EarlyWake => self.inner.check_early_wake(),
        }
    }

    fn count_call(&mut self) {
        self.started += 1;
        self.closing = self.started >= self.run.calls;
    }

    fn call_from_outside(&mut self) {
        self.count_call();
        let line = format!("+4930{:06}", self.started);
        let to = self.dice.pick(&centre::DIALLED).copied().unwrap_or("2000");
        self.dial(CARRIER, &line, to);
    }

    fn call_from_inside(&mut self) {
        let Some(address) = self.any_desk() else {
            return;
        };
        let Some((_, extension)) = self.desks.get(&address).cloned() else {
            return;
        };
        let free = self
            .inner
            .uas
            .get(&address)
            .is_some_and(|ua| ua.is_online() && ua.active().next().is_none());
        if free {
            self.count_call();
            let to = self
                .dice
                .pick(&centre::DIALLED_INSIDE)
                .copied()
                .unwrap_or("2000");
            self.dial(address, &extension, to);
        }
    }

    fn dial(&mut self, address: SocketAddr, line: &str, to: &str) {
        let dialling = match self.dice.below(100) {
            0..5 => Dialling {
                late_offer: true,
                ..Dialling::default()
            },
            5 => Dialling {
                payloads: vec![9],
                ..Dialling::default()
            },
            6 => Dialling {
                hops: 0,
                ..Dialling::default()
            },
            7 => Dialling {
                withholds_ack: true,
                ..Dialling::default()
            },
            8..20 => Dialling {
                payloads: vec![0, 101],
                ..Dialling::default()
            },
            _ => Dialling::default(),
        };
        let call = self
            .inner
            .with_ua(address, |ua, now| ua.dial(now, line, to, dialling));
        self.outgoing.insert((address, call));
        let patience = if self.dice.chance(60) {
            self.dice.millis(0, 80)
        } else {
            self.dice.millis(500, 90_000)
        };
        self.plan(patience, Deed::With(address, call, Act::HangUp));
    }

    fn click(&mut self) {
        let all: Vec<&str> = centre::DESKS
            .iter()
            .chain(&centre::ON_PBX)
            .map(|(username, ..)| *username)
            .collect();
        let username = self.dice.pick(&all).copied().unwrap_or("ann");
        let to = self
            .dice
            .pick(&centre::DIALLED_INSIDE)
            .copied()
            .unwrap_or("2000");
        let body = CommandBody::PlaceCall {
            username: username.into(),
            to: to.into(),
        };
        // Refused when there is no phone: that is an answer too.
        if self.inner.command(username, Role::Attendant, body).is_ok() {
            self.count_call();
        }
    }

    fn act(&mut self, address: SocketAddr, call: CallRef, act: Act) {
        self.inner.with_ua(address, |ua, now| match act {
            Act::Answer => ua.answer(now, call),
            Act::Refuse(status) => ua.refuse(now, call, status),
            Act::HangUp => ua.hang_up(now, call),
            Act::Hold => ua.hold(now, call),
            Act::Resume => ua.resume(now, call),
            Act::ReinviteWithoutOffer => ua.reinvite(now, call, None),
            Act::Mute => ua.mute(now, call),
        });
        let way = self
            .inner
            .uas
            .get(&address)
            .and_then(|ua| ua.call_at(call))
            .map(|call| call.way);
        if matches!(act, Act::Hold) && way != Some(Way::Inactive) && self.dice.chance(800) {
            let later = self.dice.millis(300, 8_000);
            self.plan(later, Deed::With(address, call, Act::Resume));
        }
    }

    fn any_desk(&mut self) -> Option<SocketAddr> {
        let addresses: Vec<SocketAddr> = self.desks.keys().copied().collect();
        self.dice.pick(&addresses).copied()
    }

    fn change_manners(&mut self) {
        let (address, line) = match self.dice.below(3) {
            0 => (CARRIER, String::from("+4930777")),
            1 => {
                let (_, extension, _) = self
                    .dice
                    .pick(&centre::ON_PBX)
                    .copied()
                    .unwrap_or(("eva", 901, ""));
                (PBX, extension.to_string())
            }
            _ => {
                let Some(address) = self.any_desk() else {
                    return;
                };
                let line = self
                    .desks
                    .get(&address)
                    .map(|(_, extension)| extension.clone());
                (address, line.unwrap_or_default())
            }
        };
        let manner = match self.dice.below(8) {
            0 => Manner::OnlyTries,
            1 => Manner::IsSilent,
            2 => Manner::Refuses(486),
            3 => {
                let statuses = [302, 403, 404, 408, 480, 500, 503, 600, 603];
                Manner::Refuses(self.dice.pick(&statuses).copied().unwrap_or(500))
            }
            4 => Manner::Answers,
            5 => Manner::RingsAfter(self.dice.millis(500, 6_000)),
            6 => Manner::AnswersAfter(self.dice.millis(500, 6_000)),
            _ => Manner::PlaysTone,
        };
        self.inner
            .with_ua(address, |ua, _| ua.set_manner(&line, manner));
        let later = self.dice.millis(1_000, 15_000);
        self.plan(later, Deed::Mannerly(address, line));
    }

    fn vanish(&mut self, address: SocketAddr) {
        if let Some((_, extension)) = self.desks.get(&address) {
            self.vanished.insert(extension.clone());
        }
        self.inner.with_ua(address, Ua::vanish);
        let later = self.dice.millis(500, 60_000);
        self.plan(later, Deed::PlugIn(address));
    }

    fn register(&mut self) {
        let Some(address) = self.any_desk() else {
            return;
        };
        let online = self.inner.uas.get(&address).is_some_and(Ua::is_online);
        if !online {
            return;
        }
        if self.dice.chance(250) {
            self.inner.with_ua(address, |ua, now| ua.register(now, 0));
            let later = self.dice.millis(500, 20_000);
            self.plan(later, Deed::PlugIn(address));
        }
        let expires = u32::try_from(self.dice.between(60, 300)).unwrap_or(60);
        self.inner
            .with_ua(address, |ua, now| ua.register(now, expires));
    }

    fn wish(&mut self, username: &str) {
        let username = username.to_owned();
        if self.dice.chance(120) {
            return self.hold_or_resume(&username);
        }
        let body = match self.dice.below(14) {
            12 | 13 => CommandBody::JoinQueue {
                username,
                queue: self
                    .dice
                    .pick(&["sales", "support"])
                    .copied()
                    .unwrap_or("sales")
                    .into(),
                joined: self.dice.chance(600),
            },
            0 => CommandBody::Logout { username },
            1 => CommandBody::SetAgentState {
                username,
                state: PresenceWish::Break {
                    reason: "lunch".into(),
                },
            },
            2 => CommandBody::EndWrapUp { username },
            3 => CommandBody::ExtendWrapUp {
                username,
                seconds: 5,
            },
            4 => CommandBody::Login {
                username,
                extension: Some(if self.dice.chance(500) { "1101" } else { "904" }.into()),
            },
            5 => CommandBody::Login {
                username,
                extension: None,
            },
            _ => CommandBody::SetAgentState {
                username,
                state: PresenceWish::Available,
            },
        };
        let actor = body_owner(&body);
        // A refusal (not in wrap-up, somebody else's seat) is an answer too.
        let _ = self.inner.command(&actor, Role::Attendant, body);
    }

    /// An agent says what the call is about that they have, or one that keeps them in wrap-up.
    fn code(&mut self) {
        let agents = &self.inner.view.agents;
        let asked =
            |(_, row): &(&String, &AgentRow)| row.call.is_some() || !row.codes_due.is_empty();
        let asked: Vec<_> = agents.iter().filter(asked).collect();
        let Some((username, row)) = self.dice.pick(&asked).copied() else {
            return;
        };
        let username = username.clone();
        let due = row.codes_due.first().copied();
        let Some(call) = due.or(row.call) else {
            return;
        };
        // The only queue that requires codes.
        let past = due.map(|_| {
            let (agent, queue) = (username.clone(), Some("support".into()));
            Box::new(Had { agent, queue })
        });
        let wish = |code: &str| CodeWish {
            category: None,
            code: code.into(),
            text: None,
        };
        // One of these is refused.
        let code = self.dice.pick(&["sold", "other", "grumble"]).copied();
        let code = code.map(wish).map(Box::new);
        let body = CommandBody::CodeCall { call, past, code };
        let word = match self.inner.command(&username, Role::Attendant, body) {
            Ok(_) => "can code",
            Err(_) => "cannot code",
        };
        self.seen.insert(word.into());
    }

    /// Puts a call of theirs on hold by command, or takes it up again.
    fn hold_or_resume(&mut self, username: &str) {
        let talks = |row: &CallRow| {
            let user = row.connected.as_ref().and_then(|(user, _)| user.as_deref());
            user == Some(username)
        };
        let calls = self.inner.view.calls.iter();
        let calls: Vec<CallId> = calls
            .filter_map(|(call, row)| talks(row).then_some(*call))
            .collect();
        let Some(call) = self.dice.pick(&calls).copied() else {
            return;
        };
        let body = if self.dice.chance(500) {
            CommandBody::Hold { call }
        } else {
            CommandBody::Resume { call }
        };
        // A refusal (held already, by the phone) is an answer too.
        let _ = self.inner.command(username, Role::Attendant, body);
    }

    fn pick_up(&mut self) {
        let view = &self.inner.view;
        let wish = self.dice.below(10);
        let releases = wish == 8;
        let wanted = |(call, row): (&CallId, &CallRow)| {
            let queued = row.queued.as_ref()?;
            (!releases || queued.reserved_by.is_some()).then_some(*call)
        };
        let waiting: Vec<CallId> = view.calls.iter().filter_map(wanted).collect();
        let Some(call) = self.dice.pick(&waiting).copied() else {
            return;
        };
        let agents: Vec<&str> = centre::DESKS
            .iter()
            .chain(&centre::ON_PBX)
            .map(|(username, ..)| *username)
            .collect();
        for _ in 0..self.dice.between(1, 2) {
            let username = self.dice.pick(&agents).copied().unwrap_or("ann");
            let role = if self.dice.chance(200) {
                Role::Supervisor
            } else {
                Role::Attendant
            };
            let (word, body) = match wish {
                0..4 => ("pick up", CommandBody::PickUp { call }),
                4..8 => ("reserve", CommandBody::Reserve { call }),
                8 => ("release", CommandBody::Release { call }),
                _ => (
                    "rank",
                    CommandBody::Rerank {
                        call,
                        tier: None,
                        priority: Some(20),
                    },
                ),
            };
            let word = match self.inner.command(username, role, body) {
                Ok(_) => format!("can {word}"),
                Err(Refusal::Forbidden(_)) => format!("may not {word}"),
                Err(_) => format!("cannot {word}"),
            };
            self.seen.insert(word);
        }
    }

    fn send_on(&mut self) {
        let talking = |(call, row): (&CallId, &CallRow)| {
            let (user, _) = row.connected.as_ref()?;
            // Either side may be a user's phone.
            let user = user.as_ref().or(row.user.as_ref())?;
            Some((*call, user.clone()))
        };
        let calls: Vec<_> = self.inner.view.calls.iter().filter_map(talking).collect();
        let Some((call, username)) = self.dice.pick(&calls).cloned() else {
            return;
        };
        let (word, body) = if self.dice.chance(400) {
            let slot = self.dice.chance(300).then_some(1);
            ("park", CommandBody::Park { call, slot })
        } else {
            let to = self.dice.pick(&centre::SENT_TO).copied().unwrap_or("2000");
            let to = to.into();
            ("transfer", CommandBody::Transfer { call, to })
        };
        let word = match self.inner.command(&username, Role::Attendant, body) {
            Ok(_) => format!("can {word}"),
            Err(_) => format!("cannot {word}"),
        };
        self.seen.insert(word);
    }

    fn retrieve(&mut self) {
        let parked = self.inner.view.calls.values();
        let slots: Vec<u32> = parked
            .filter_map(|row| Some(row.parked.as_ref()?.slot))
            .collect();
        let Some(slot) = self.dice.pick(&slots).copied() else {
            return;
        };
        let users: Vec<&str> = centre::DESKS
            .iter()
            .chain(&centre::ON_PBX)
            .map(|(username, ..)| *username)
            .collect();
        for _ in 0..self.dice.between(1, 2) {
            let username = self.dice.pick(&users).copied().unwrap_or("ann");
            let body = CommandBody::Retrieve { slot };
            let word = match self.inner.command(username, Role::Attendant, body) {
                Ok(_) => "can retrieve",
                Err(Refusal::NotFound { .. }) => "does not see what is parked",
                Err(_) => "cannot retrieve",
            };
            self.seen.insert(word.into());
        }
    }

    fn override_queue(&mut self) {
        let queue = self
            .dice
            .pick(&["sales", "support", "night"])
            .copied()
            .unwrap_or("sales");
        let in_a_minute = self.inner.utc_us() + 60_000_000;
        let (state, until) = match self.dice.below(4) {
            0 => (Some(OverrideState::Closed), OverrideEnd::At(in_a_minute)),
            1 => (Some(OverrideState::Open), OverrideEnd::NextChange),
            2 => (Some(OverrideState::Open), OverrideEnd::Revoked),
            _ => (None, OverrideEnd::Revoked),
        };
        let body = CommandBody::OverrideQueue {
            queue: queue.into(),
            state,
            until,
        };
        let _ = self.inner.command("sven", Role::Supervisor, body);
    }

    fn hang_up_any(&mut self) {
        let calls: Vec<CallId> = self.inner.view.calls.keys().copied().collect();
        if let Some(call) = self.dice.pick(&calls).copied() {
            self.hang_up_by_supervisor(call);
        }
    }

    pub(super) fn hang_up_by_supervisor(&mut self, call: CallId) {
        let body = CommandBody::HangUp { call };
        if let Err(refusal) = self.inner.command("sven", Role::Supervisor, body) {
            self.inner
                .fail(&format!("{call} is up but cannot be hung up: {refusal}"));
        }
    }

    pub(super) fn plan_with(
        &mut self,
        after: Duration,
        address: SocketAddr,
        call: CallRef,
        act: Act,
    ) {
        self.plan(after, Deed::With(address, call, act));
    }
}

fn body_owner(body: &CommandBody) -> String {
    match body {
        CommandBody::Login { username, .. }
        | CommandBody::Logout { username }
        | CommandBody::SetAgentState { username, .. }
        | CommandBody::EndWrapUp { username }
        | CommandBody::ExtendWrapUp { username, .. } => username.clone(),
        _ => "system".into(),
    }
}

//! Users at work: where they sit, what the distribution core says of them, and what they may ask for.
//!
//! An agent's state lives in the distribution core; here it gets its name, its phone and its words for the readers. A
//! seat is the phone an agent logged in with: their own extension, or another one that nobody else sits at.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use acd::{AgentChange, AgentId, Input as AcdInput};

use crate::command::{Done, PresenceWish, Refusal};
use crate::engine::Engine;
use crate::event::{Activity, Device, Event, Presence};
use crate::ids::CallId;
use crate::sabotage;

/// The phones agents sit at.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    /// Extension by user name; `None` is an agent without a phone.
    by_user: BTreeMap<String, Option<String>>,
    /// User name by extension.
    by_extension: BTreeMap<String, String>,
}

impl Seats {
    pub(crate) fn new(by_user: BTreeMap<String, Option<String>>) -> Self {
        let mut seats = Self::default();
        for (username, extension) in by_user {
            seats.sit(&username, extension);
        }
        seats
    }

    fn sit(&mut self, username: &str, extension: Option<String>) {
        self.leave(username);
        if let Some(extension) = &extension {
            self.by_extension.insert(extension.clone(), username.into());
        }
        self.by_user.insert(username.into(), extension);
    }

    /// Whether they had sat down at all.
    fn leave(&mut self, username: &str) -> bool {
        let Some(seat) = self.by_user.remove(username) else {
            return false;
        };
        if let Some(extension) = seat {
            self.by_extension.remove(&extension);
        }
        true
    }

    /// The phone this agent sits at.
    pub(crate) fn extension(&self, username: &str) -> Option<&str> {
        self.by_user.get(username)?.as_deref()
    }

    /// Who sits at this phone.
    pub(crate) fn user_at(&self, extension: &str) -> Option<&str> {
        self.by_extension.get(extension).map(String::as_str)
    }

    fn contains(&self, username: &str) -> bool {
        self.by_user.contains_key(username)
    }
}

impl Engine {
    pub(crate) fn login(
        &mut self,
        username: &str,
        extension: Option<String>,
    ) -> Result<Done, Refusal> {
        self.login_as(username, extension, None)
    }

    /// Logs in; with a presence, that holds from the first moment on, so that nobody is alerted who only comes to take a break.
    fn login_as(
        &mut self,
        username: &str,
        extension: Option<String>,
        presence: Option<acd::Presence>,
    ) -> Result<Done, Refusal> {
        let agent = self.agent_id(username)?;
        let centre = &self.snapshot.centre;
        let own = centre
            .users
            .get(username)
            .and_then(|user| user.extension.as_ref());
        let extension = extension.or_else(|| own.map(ToString::to_string));
        if let Some(extension) = &extension {
            self.check_seat(username, extension)?;
        }
        let device = self.device_of(extension.as_deref());
        // First what keeps them from being alerted, then that they are there. What it changes of one who is offline is told
        // before they come: told after, it would say that they have gone.
        if self.is_offline(agent)
            && let Some(extension) = &extension
        {
            self.count_own_calls(agent, extension);
            self.settle_acd();
        }
        if self.seats.contains(username) && self.seats.extension(username) != extension.as_deref() {
            self.publish(Event::AgentLoggedOut {
                agent: username.into(),
            });
        }
        if !self.seats.contains(username) || self.seats.extension(username) != extension.as_deref()
        {
            self.seats.sit(username, extension.clone());
            self.publish(Event::AgentLoggedIn {
                agent: username.into(),
                extension,
            });
        }
        self.refresh_own_calls(username);
        if let Some(presence) = presence {
            let change = AgentChange::Presence(presence);
            self.acd_input(AcdInput::AgentChanged { agent, change });
        }
        self.acd_input(AcdInput::AgentChanged {
            agent,
            change: AgentChange::Login { device },
        });
        self.publish_agent(agent);
        Ok(Done::Ok)
    }

    /// Who sits somewhere is at work, and nobody else is: a crash in the middle of a login or logout may have left half of it.
    pub(crate) fn mend_sessions(&mut self) {
        self.settle_acd();
        let usernames: Vec<String> = self.snapshot.centre.users.keys().cloned().collect();
        for username in usernames {
            let Some(agent) = self.names.agent(&username) else {
                continue;
            };
            let works = self
                .acd
                .agent(agent)
                .is_some_and(|view| !is_gone(view.state));
            if works && !self.seats.contains(&username) {
                let change = AgentChange::Presence(acd::Presence::Offline);
                self.acd_input(AcdInput::AgentChanged { agent, change });
            } else if !works {
                self.leave_seat(&username);
            }
        }
        self.settle_acd();
    }

    /// They are at work no more, if they were.
    fn leave_seat(&mut self, username: &str) {
        if self.seats.leave(username) {
            self.publish(Event::AgentLoggedOut {
                agent: username.into(),
            });
        }
    }

    fn is_offline(&self, agent: AgentId) -> bool {
        let view = self.acd.agent(agent);
        view.is_some_and(|view| view.state.presence == acd::Presence::Offline)
    }

    /// A phone can be sat at by one agent, and has to be one that can be rung.
    fn check_seat(&self, username: &str, extension: &str) -> Result<(), Refusal> {
        if let Some(other) = self
            .seats
            .user_at(extension)
            .filter(|other| *other != username)
        {
            return Err(Refusal::Conflict(format!(
                "{other} sits at extension {extension}"
            )));
        }
        let invalid = |message| {
            Err(Refusal::Invalid {
                field: "extension",
                message,
            })
        };
        match self.user_by_extension(extension) {
            Some(owner) if !owner.enabled => {
                invalid(format!("extension {extension} is switched off"))
            }
            Some(_) => Ok(()),
            None if self.routes.trunk_for(extension).is_some() => Ok(()),
            None => invalid(format!(
                "extension {extension} is nobody's, and no trunk leads to it"
            )),
        }
    }

    pub(crate) fn logout(&mut self, username: &str) -> Result<Done, Refusal> {
        let agent = self.agent_id(username)?;
        let offline = AgentChange::Presence(acd::Presence::Offline);
        self.acd_input(AcdInput::AgentChanged {
            agent,
            change: offline,
        });
        Ok(Done::Ok)
    }

    pub(crate) fn set_presence(
        &mut self,
        username: &str,
        wish: PresenceWish,
    ) -> Result<Done, Refusal> {
        let agent = self.agent_id(username)?;
        let presence = match wish {
            PresenceWish::Offline => return self.logout(username),
            PresenceWish::Available => acd::Presence::Available,
            PresenceWish::Break { reason } => {
                self.check_reason(&reason)?;
                acd::Presence::Break(acd::BreakReason::new(&reason))
            }
        };
        if !self.seats.contains(username) {
            let on_break = matches!(presence, acd::Presence::Break(_));
            self.login_as(username, None, on_break.then(|| presence.clone()))?;
        }
        self.acd_input(AcdInput::AgentChanged {
            agent,
            change: AgentChange::Presence(presence),
        });
        Ok(Done::Ok)
    }

    /// A break is for a reason that the centre knows, or for none where none is owed.
    fn check_reason(&self, reason: &str) -> Result<(), Refusal> {
        let centre = &self.snapshot.centre;
        if reason.is_empty() || centre.has_aux_code(reason) || sabotage::aux_code() {
            return Ok(());
        }
        let known: Vec<&str> = centre.aux_code_names().into_iter().collect();
        Err(Refusal::Invalid {
            field: "reason",
            message: format!(
                "there is no aux code {reason:?}; those there are: {}",
                known.join(", ")
            ),
        })
    }

    pub(crate) fn change_wrap_up(
        &mut self,
        username: &str,
        change: AgentChange,
    ) -> Result<Done, Refusal> {
        let agent = self.agent_id(username)?;
        let in_wrap_up = self
            .acd
            .agent(agent)
            .is_some_and(|view| matches!(view.state.activity, acd::Activity::WrapUp { .. }));
        if !in_wrap_up {
            return Err(Refusal::Conflict(format!("{username} is not in wrap-up")));
        }
        self.acd_input(AcdInput::AgentChanged { agent, change });
        Ok(Done::Ok)
    }

    /// Takes an agent out of one of their queues until they log out, or puts them back (rule 16).
    pub(crate) fn join_queue(
        &mut self,
        username: &str,
        queue: &str,
        joined: bool,
    ) -> Result<Done, Refusal> {
        let agent = self.agent_id(username)?;
        let user = self.snapshot.centre.users.get(username);
        let assigned = user.is_some_and(|user| user.is_assigned(queue));
        let id = self.names.queue(queue).filter(|_| assigned);
        let id = id.ok_or_else(|| {
            Refusal::Conflict(format!("queue {queue} is not assigned to {username}"))
        })?;
        if !self.seats.contains(username) {
            return Err(Refusal::Conflict(format!("{username} is not at work")));
        }
        let change = AgentChange::QueueJoined { queue: id, joined };
        self.acd_input(AcdInput::AgentChanged { agent, change });
        Ok(Done::Ok)
    }

    pub(crate) fn agent_id(&self, username: &str) -> Result<AgentId, Refusal> {
        let exists = self
            .snapshot
            .centre
            .users
            .get(username)
            .is_some_and(|user| user.enabled);
        let id = exists.then(|| self.names.agent(username)).flatten();
        id.ok_or_else(|| Refusal::NotFound {
            what: "agent",
            name: username.into(),
        })
    }

    /// Whose extension it is.
    pub(crate) fn user_by_extension(
        &self,
        extension: &str,
    ) -> Option<&alloc::sync::Arc<config::User>> {
        self.snapshot
            .centre
            .users
            .get(self.routes.user_of_extension(extension)?)
    }

    /// What the distribution core calls the phone at this extension (rule 18).
    pub(crate) fn device_of(&self, extension: Option<&str>) -> acd::Device {
        let Some(extension) = extension else {
            return acd::Device::Unregistered;
        };
        let registers = self
            .user_by_extension(extension)
            .is_some_and(|user| user.has_phone());
        if !registers && self.routes.trunk_for(extension).is_some() {
            return acd::Device::Trunk;
        }
        if self.registrar.is_registered(extension) {
            acd::Device::Registered
        } else {
            acd::Device::Unregistered
        }
    }

    /// A phone came, refreshed or went: whoever sits at it is told (rules 12, 18).
    pub(crate) fn phone_changed(&mut self, extension: &str) {
        let Some(username) = self.seats.user_at(extension).map(String::from) else {
            return;
        };
        let Some(agent) = self.names.agent(&username) else {
            return;
        };
        let device = self.device_of(Some(extension));
        self.acd_input(AcdInput::AgentChanged {
            agent,
            change: AgentChange::Device(device),
        });
    }

    /// Tells the distribution core how many calls of their own an agent has (rule 7, room).
    pub(crate) fn refresh_own_calls(&mut self, username: &str) {
        let Some(agent) = self.names.agent(username) else {
            return;
        };
        if let Some(extension) = self.seats.extension(username).map(String::from) {
            self.count_own_calls(agent, &extension);
        }
    }

    fn count_own_calls(&mut self, agent: AgentId, extension: &str) {
        let count = self.own_calls_at(extension);
        self.acd_input(AcdInput::AgentChanged {
            agent,
            change: AgentChange::OwnCalls { count },
        });
    }

    /// The distribution core says that an agent's state is another one.
    pub(crate) fn agent_state_changed(&mut self, agent: AgentId, state: &acd::AgentState) {
        let Some(username) = self.names.username(agent).map(String::from) else {
            return;
        };
        if is_gone(state) {
            self.leave_seat(&username);
        }
        self.publish_agent_state(&username, state);
    }

    /// The distribution core has forgotten an agent whose user is gone.
    pub(crate) fn agent_removed(&mut self, agent: AgentId) {
        if let Some(username) = self.names.username(agent).map(String::from) {
            self.publish(Event::AgentRemoved { agent: username });
        }
    }

    /// Publishes an agent as they are, for readers that know nothing of them yet.
    pub(crate) fn publish_agent(&mut self, agent: AgentId) {
        let Some(username) = self.names.username(agent).map(String::from) else {
            return;
        };
        let Some(state) = self.acd.agent(agent).map(|view| view.state.clone()) else {
            return;
        };
        self.publish_agent_state(&username, &state);
    }

    fn publish_agent_state(&mut self, username: &str, state: &acd::AgentState) {
        let extension = self.seats.extension(username).map(String::from);
        let device = match (&extension, state.device, state.device_health) {
            (None, ..) => Device::None,
            (Some(_), acd::Device::Unregistered, _) => Device::Unregistered,
            (Some(_), _, acd::DeviceHealth::Unreachable) => Device::Unreachable,
            (Some(_), _, acd::DeviceHealth::Good | acd::DeviceHealth::Busy) => Device::Reachable,
        };
        let (presence, reason) = presence_of(&state.presence);
        let (activity, call) = match state.activity {
            acd::Activity::Idle => (Activity::Idle, None),
            acd::Activity::Alerting { interaction, .. } => {
                (Activity::Alerting, Some(CallId(interaction.0)))
            }
            acd::Activity::Busy { interaction } => (Activity::Busy, Some(CallId(interaction.0))),
            acd::Activity::OwnCall => (Activity::Busy, None),
            acd::Activity::WrapUp { .. } => (Activity::WrapUp, None),
        };
        let left = state.left.iter();
        let left = left.filter_map(|queue| self.names.queue_name(*queue));
        let left_queues = left.map(String::from).collect();
        let owed = state.owes.iter();
        let codes_due = owed.map(|owed| CallId(owed.interaction.0)).collect();
        self.publish(Event::AgentChanged {
            agent: username.into(),
            presence,
            reason,
            activity,
            pending: state.pending.as_ref().map(|pending| presence_of(pending).0),
            extension,
            device,
            since_us: i64::try_from(state.since.as_micros()).unwrap_or(i64::MAX),
            call,
            left_queues,
            codes_due,
        });
    }
}

/// Offline, with nothing in hand any more.
fn is_gone(state: &acd::AgentState) -> bool {
    state.presence == acd::Presence::Offline && state.activity == acd::Activity::Idle
}

fn presence_of(presence: &acd::Presence) -> (Presence, Option<String>) {
    match presence {
        acd::Presence::Offline => (Presence::Offline, None),
        acd::Presence::Available => (Presence::Available, None),
        acd::Presence::Break(reason) => (Presence::Break, Some(reason.as_str().into())),
    }
}

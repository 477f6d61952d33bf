//! A change of the centre while calls run: prepared, then committed or aborted.
//!
//! The one writer of the centre validates and stores; the engine answers what the change does now and takes it up
//! between two turns. Calls in progress don't notice: those waiting keep their place, a phone that rings goes on ringing.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use acd::Input as AcdInput;
use acd::SkillId;
use acd::config::{
    AcdConfig, AgentConfig, Assignment, PersonalConfig, QueueConfig, Relaxation, ServiceStep, Skill,
};
use config::{Centre, Destination, Snapshot, User};

use crate::board::Promise;
use crate::call::who::trunk_of_login;
use crate::command::{Done, Effect, Moves, Refusal};
use crate::engine::Engine;
use crate::event::{Change, Event};
use crate::journal::Body;
use crate::names::Names;
use crate::routing::Routes;
use crate::sabotage;

/// What personal queues share (rule 12): the users' `personal` has no such fields.
const PERSONAL_MAX_NO_ANSWER: u32 = 1;
const PERSONAL_DEVICE_RETRY: Duration = Duration::from_secs(5);

/// A centre that waits to be committed.
#[derive(Debug)]
pub(crate) struct Prepared {
    snapshot: Arc<Snapshot>,
    moves: Moves,
}

impl Engine {
    pub(crate) fn prepare_centre(
        &mut self,
        snapshot: Arc<Snapshot>,
        moves: Moves,
    ) -> Result<Done, Refusal> {
        if snapshot.version <= self.snapshot.version {
            return Err(Refusal::Conflict(format!(
                "the centre is at version {} by now: prepare again",
                self.snapshot.version
            )));
        }
        self.check_moves(&snapshot.centre, &moves)?;
        let effects = self.effects(&snapshot.centre, &moves);
        self.prepared = Some(Prepared { snapshot, moves });
        Ok(Done::Prepared(effects))
    }

    pub(crate) fn abort_centre(&mut self, version: u64) -> Result<Done, Refusal> {
        self.take_prepared(version).map(|_| Done::Ok)
    }

    pub(crate) fn commit_centre(&mut self, version: u64) -> Result<Done, Refusal> {
        let Prepared { snapshot, moves } = self.take_prepared(version)?;
        self.moves
            .retain(|queue, _| !snapshot.centre.queues.contains_key(queue));
        self.moves.extend(moves);
        let changes = config::diff(&self.snapshot.centre, &snapshot.centre);
        let prompts = config::diff_prompts(&self.snapshot.centre, &snapshot.centre);
        self.snapshot = snapshot;
        self.forget_trunk_figures();
        self.take_up_centre();
        let prompts = prompts.into_iter().map(|(name, what)| Change {
            kind: "prompts".into(),
            name,
            what: what.into(),
        });
        let changes = changes
            .iter()
            .map(|change| Change {
                kind: change.kind.path().into(),
                name: change.name.clone(),
                what: change.what.word().into(),
            })
            .chain(prompts)
            .collect();
        self.publish(Event::CentreChanged { version, changes });
        self.publish_service_levels();
        self.publish_new_ranks();
        self.begin_new_announcements();
        self.check_prompts();
        self.refresh_queues();
        self.drop_removed_phones();
        Ok(Done::Ok)
    }

    /// Nobody who waits loses their queue unless somebody says where they go instead.
    fn check_moves(&self, new: &Centre, moves: &Moves) -> Result<(), Refusal> {
        for (name, to) in moves {
            if new.queues.contains_key(name) {
                return Err(Refusal::Conflict(format!("queue {name} stays")));
            }
            if !is_there(to, new) {
                return Err(Refusal::Invalid {
                    field: "to",
                    message: format!("there is no {to}; name a destination that there is"),
                });
            }
        }
        for name in self.removed_queues(new) {
            let waiting = self.waiting_in(name);
            if waiting > 0 && !moves.contains_key(name) && !sabotage::remove_queue() {
                return Err(Refusal::Conflict(format!(
                    "{waiting} waiting in queue {name}: say where they go (DELETE /queues/{name}?to=DESTINATION)"
                )));
            }
        }
        Ok(())
    }

    fn removed_queues<'a>(&'a self, new: &'a Centre) -> impl Iterator<Item = &'a String> {
        let queues = self.snapshot.centre.queues.keys();
        queues.filter(|name| !new.queues.contains_key(*name))
    }

    /// Those who wait in a queue, being alerted or not.
    fn waiting_in(&self, queue: &str) -> u32 {
        let id = self.names.queue(queue);
        let view = id.and_then(|id| self.acd.queue(id));
        view.map_or(0, |view| view.waiting.saturating_add(view.alerting))
    }

    fn take_prepared(&mut self, version: u64) -> Result<Prepared, Refusal> {
        let matches = self
            .prepared
            .as_ref()
            .is_some_and(|prepared| prepared.snapshot.version == version);
        let prepared = if matches { self.prepared.take() } else { None };
        prepared.ok_or_else(|| Refusal::Conflict(format!("version {version} is not prepared")))
    }

    /// Hands the centre in force to those who live by it; at the start, and after each change.
    pub(crate) fn take_up_centre(&mut self) {
        let snapshot = Arc::clone(&self.snapshot);
        self.routes = Routes::new(&snapshot);
        self.vips.read_as(snapshot.settings.centre.country);
        for (host, addresses) in &self.hosts {
            self.routes.learn_host(&snapshot.centre, host, addresses);
        }
        let queues = snapshot
            .centre
            .queues
            .keys()
            .filter_map(|name| self.names.add_queue(name));
        let mut records: Vec<_> = queues.collect();
        records.extend(
            snapshot
                .centre
                .users
                .keys()
                .filter_map(|name| self.names.add_agent(name)),
        );
        for record in records {
            self.journal(Body::Name(record));
        }
        let config = acd_config(&self.names, &snapshot.centre);
        self.acd_input(AcdInput::ConfigChanged(Box::new(config)));
        self.look_up_hosts();
    }

    /// Tells what each queue promises, where that is not what was told last.
    pub(crate) fn publish_service_levels(&mut self) {
        let snapshot = Arc::clone(&self.snapshot);
        for queue in snapshot.centre.queues.values() {
            let level = queue.service_level.clone().unwrap_or_default();
            let promise = Promise::of_level(&level);
            if self.durable.board.promise(&queue.name) != Some(promise) {
                self.publish(Event::ServiceLevelSet {
                    queue: queue.name.to_string(),
                    seconds: level.seconds.0,
                    short_abandon: level.short_abandon.0,
                });
            }
        }
    }

    /// What a change would do to calls and agents at this moment, as sentences.
    fn effects(&self, new: &Centre, moves: &Moves) -> Vec<Effect> {
        let effect = |kind: &str, name: &str, text: String| Effect {
            kind: kind.into(),
            name: name.into(),
            text,
        };
        let mut effects = Vec::new();
        for name in self.removed_queues(new) {
            let waiting = self.waiting_in(name);
            if let Some(to) = moves.get(name).filter(|_| waiting > 0) {
                let text = format!("{waiting} waiting calls go to {to}");
                effects.push(effect("queues", name, text));
            }
        }
        for (name, user) in &self.snapshot.centre.users {
            let keeps = new.users.get(name);
            if self.seats.extension(name).is_none() {
                continue;
            }
            match keeps {
                None => effects.push(effect(
                    "users",
                    name,
                    "is at work and gets no more calls".into(),
                )),
                Some(kept) if user.enabled && !kept.enabled => {
                    effects.push(effect(
                        "users",
                        name,
                        "is at work and gets no more calls".into(),
                    ));
                }
                Some(kept) if !user.queues.is_empty() && kept.queues.is_empty() => {
                    effects.push(effect(
                        "users",
                        name,
                        "is at work and loses the last queue".into(),
                    ));
                }
                Some(_) => {}
            }
        }
        effects
    }

    /// Phones whose extension or password is gone are not rung any more.
    fn drop_removed_phones(&mut self) {
        let centre = Arc::clone(&self.snapshot);
        let registers = |aor: &str| {
            let user = centre.centre.user_by_extension(aor);
            let phone = user.is_some_and(|user| user.enabled && user.has_phone());
            phone || trunk_of_login(&centre.centre, aor).is_some()
        };
        for gone in self.registrar.retain(|aor| registers(aor)) {
            self.binding_gone(&gone);
        }
        let seated: Vec<String> = self.snapshot.centre.users.keys().cloned().collect();
        for username in seated {
            if let Some(extension) = self.seats.extension(&username).map(String::from) {
                self.phone_changed(&extension);
            }
        }
    }

    /// Works out which queues are open, and tells the distribution core and the readers what changed.
    pub(crate) fn refresh_queues(&mut self) {
        for record in self.openings.expire(self.now.utc_us) {
            self.journal(Body::Override(record));
        }
        self.ask_calendars();
        let snapshot = Arc::clone(&self.snapshot);
        for record in self.openings.follow_calendars(&snapshot.centre) {
            self.journal(Body::Override(record));
        }
        for (name, opening) in self.openings.refresh(&snapshot.centre) {
            if let Some(queue) = self.names.queue(&name) {
                self.acd_input(if opening.open {
                    AcdInput::QueueOpened { queue }
                } else {
                    AcdInput::QueueClosed { queue }
                });
            }
            self.publish(opening.event(&name));
        }
    }

    pub(crate) fn ask_calendars(&mut self) {
        let snapshot = &self.snapshot;
        let zone = &snapshot.settings.centre.timezone;
        self.openings
            .ask_calendars(&snapshot.centre, zone, self.now.utc_us);
    }
}

/// The centre as the distribution core knows it.
pub(crate) fn acd_config(names: &Names, centre: &Centre) -> AcdConfig {
    let skills = SkillIds::of(centre);
    let queues = centre.queues.values().filter_map(|queue| {
        Some(QueueConfig {
            id: names.queue(&queue.name)?,
            priority: queue.priority,
            ageing: queue.ageing.into(),
            strategy: strategy(queue.strategy),
            ring_timeout: queue.ring_timeout.into(),
            retry_after: queue.retry_after.into(),
            max_no_answer: queue.max_no_answer,
            device_retry: queue.device_retry.into(),
            wrap_up: wrap_up(queue.wrap_up),
            max_waiting: queue.max_waiting,
            join_when: match queue.join_when {
                config::JoinWhen::Always => acd::config::JoinWhen::Always,
                config::JoinWhen::SomeoneLoggedIn => acd::config::JoinWhen::SomeoneLoggedIn,
                config::JoinWhen::SomeoneAvailable => acd::config::JoinWhen::SomeoneAvailable,
            },
            when_closing: match queue.when_closing {
                config::WhenClosing::Stay => acd::config::WhenClosing::Stay,
                config::WhenClosing::Go => acd::config::WhenClosing::Go,
            },
            reservation_limit: queue.reservation_limit.into(),
            max_wait: queue.max_wait.into(),
            nobody_after: queue.nobody_after.into(),
            when_nobody: match queue.when_nobody {
                Some(_) => acd::config::WhenNobody::Go,
                None => acd::config::WhenNobody::Stay,
            },
            service_action: queue.service_level.as_ref().and_then(service_action),
            skills: skills.all(&queue.skills),
            relax: queue
                .relax
                .iter()
                .map(|step| skills.relaxation(step))
                .collect(),
            max_busy: queue.max_busy,
            code_required: queue.wrap_up_code == config::WrapUpCode::Required,
        })
    });
    let enabled = centre.users.values().filter(|user| user.enabled);
    AcdConfig {
        queues: queues.collect(),
        agents: enabled
            .filter_map(|user| agent_config(names, user, &skills))
            .collect(),
    }
}

fn agent_config(names: &Names, user: &User, skills: &SkillIds<'_>) -> Option<AgentConfig> {
    let assigned = user.queues.iter().filter_map(|assignment| {
        Some(Assignment {
            queue: names.queue(&assignment.queue)?,
            order: assignment.order,
            level: assignment.level,
            weight: assignment.weight,
            delay: assignment.delay.into(),
        })
    });
    Some(AgentConfig {
        id: names.agent(&user.username)?,
        queues: assigned.collect(),
        direct_call_priority: user.direct_call_priority,
        personal: PersonalConfig {
            ring_timeout: user.personal.ring_timeout.into(),
            max_wait: user.personal.max_wait.into(),
            wrap_up: wrap_up(user.personal.wrap_up),
            max_no_answer: PERSONAL_MAX_NO_ANSWER,
            device_retry: PERSONAL_DEVICE_RETRY,
        },
        skills: skills.all(&user.skills),
    })
}

/// The numbers by which the distribution core knows the skills of one centre: their places among all names.
#[derive(Default)]
pub(crate) struct SkillIds<'a>(Vec<&'a str>);

impl<'a> SkillIds<'a> {
    pub(crate) fn of(centre: &'a Centre) -> Self {
        let queues = centre.queues.values();
        let relaxed = queues.clone().flat_map(|queue| &queue.relax);
        let of_queues = queues.map(|queue| &queue.skills);
        let of_users = centre.users.values().map(|user| &user.skills);
        let all = of_queues
            .chain(relaxed.map(|step| &step.skills))
            .chain(of_users);
        let names: BTreeSet<&str> = all
            .flat_map(|skills| skills.keys().map(|name| &**name))
            .collect();
        Self(names.into_iter().collect())
    }

    fn all(&self, skills: &config::Skills) -> Vec<Skill> {
        let known = skills.iter().filter_map(|(name, level)| {
            let place = self.0.binary_search(&&**name).ok()?;
            let skill = SkillId(u32::try_from(place).ok()?);
            Some(Skill {
                skill,
                level: *level,
            })
        });
        known.collect()
    }

    /// The name of a skill of that centre.
    pub(crate) fn name(&self, skill: SkillId) -> Option<&'a str> {
        self.0.get(usize::try_from(skill.0).ok()?).copied()
    }

    fn relaxation(&self, step: &config::Relaxation) -> Relaxation {
        Relaxation {
            after: step.after.into(),
            skills: self.all(&step.skills),
        }
    }
}

/// Whether the centre has what the destination names.
fn is_there(to: &Destination, centre: &Centre) -> bool {
    match to {
        Destination::Queue(name) => centre.queues.contains_key(&**name),
        Destination::User(username) => centre.users.contains_key(&**username),
        Destination::Extension(number) => centre.user_by_extension(number).is_some(),
        Destination::Announcement(name) => centre.has_prompt(name),
        Destination::External(_)
        | Destination::Park(_)
        | Destination::HangUp
        | Destination::Busy => true,
    }
}

fn wrap_up(wrap_up: config::WrapUp) -> acd::config::WrapUp {
    match wrap_up {
        config::WrapUp::Seconds(seconds) => {
            acd::config::WrapUp::For(Duration::from_secs(seconds.into()))
        }
        config::WrapUp::Manual => acd::config::WrapUp::Manual,
    }
}

fn service_action(level: &config::ServiceLevel) -> Option<acd::config::ServiceAction> {
    let step = match level.action.as_ref()? {
        config::ServiceAction::Raise(points) => ServiceStep::Raise((*points).into()),
        config::ServiceAction::Notify => ServiceStep::Notify,
        config::ServiceAction::Send(_) => ServiceStep::Go,
    };
    let after = level.seconds.into();
    Some(acd::config::ServiceAction { after, step })
}

const fn strategy(strategy: config::Strategy) -> acd::config::Strategy {
    match strategy {
        config::Strategy::LongestIdle => acd::config::Strategy::LongestIdle,
        config::Strategy::RoundRobin => acd::config::Strategy::RoundRobin,
        config::Strategy::FewestCalls => acd::config::Strategy::FewestCalls,
        config::Strategy::LeastOccupied => acd::config::Strategy::LeastOccupied,
        config::Strategy::FixedOrder => acd::config::Strategy::FixedOrder,
        config::Strategy::SkillLevel => acd::config::Strategy::SkillLevel,
        config::Strategy::WeightedRandom => acd::config::Strategy::WeightedRandom,
        config::Strategy::RingAll => acd::config::Strategy::RingAll,
    }
}

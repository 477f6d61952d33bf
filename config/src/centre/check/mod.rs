//! What must hold across resources: names that exist, numbers that are one's own, hours that can be.

mod aux_code;
mod calendar;
mod number_list;
mod trunk;
mod user;
mod wrap_up_codes;

use std::collections::BTreeMap;
use std::fmt;

use super::{
    AuxCode, Calendar, Centre, FeatureCodes, HolidayList, Kind, Number, NumberList, PromptUse,
    Queue, Resource, Trunk, User, WrapUpCodes,
};
use crate::values::Destination;
use crate::{Settings, read};

/// What is wrong with a resource, seen among the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} \"{name}\": {message} ({help})")]
pub struct ResourceFault {
    /// The kind of the resource.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The field, with its place in a list: `queues[1]`.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

/// A fault that shows when fields are seen together.
pub(super) struct CrossFault {
    pub(super) fault: ResourceFault,
    /// Fields whose absence it is about: were they faulty themselves, there is nothing more to say.
    pub(super) caused_by: &'static [&'static str],
}

impl Centre {
    /// Everything that is wrong with the centre, resource by resource.
    ///
    /// A centre read from a file or from JSON has been through the first half, each resource by
    /// itself; one that a program has put together has not.
    pub fn validate(&self) -> Vec<ResourceFault> {
        self.validate_since(self)
    }

    /// The same, for a centre that was `before` until now. Where two resources want the same thing, such as a number, the
    /// fault is with the one that is new or has changed.
    pub fn validate_since(&self, before: &Self) -> Vec<ResourceFault> {
        let changed = |kind, name: &str| {
            usize::from(match kind {
                Kind::Queue => self.queues.get(name) != before.queues.get(name),
                Kind::User => self.users.get(name) != before.users.get(name),
                Kind::NumberList => self.number_lists.get(name) != before.number_lists.get(name),
                Kind::Calendar
                | Kind::HolidayList
                | Kind::Trunk
                | Kind::Number
                | Kind::FeatureCodes
                | Kind::AuxCode
                | Kind::WrapUpCodes => false,
            })
        };
        let mut faults = Vec::new();
        own_faults::<HolidayList>(self, &mut faults);
        own_faults::<Calendar>(self, &mut faults);
        own_faults::<Queue>(self, &mut faults);
        own_faults::<User>(self, &mut faults);
        own_faults::<Trunk>(self, &mut faults);
        own_faults::<Number>(self, &mut faults);
        own_faults::<NumberList>(self, &mut faults);
        own_faults::<FeatureCodes>(self, &mut faults);
        own_faults::<AuxCode>(self, &mut faults);
        own_faults::<WrapUpCodes>(self, &mut faults);
        let across = self.cross_faults(&changed);
        faults.extend(across.into_iter().map(|found| found.fault));
        faults
    }

    /// What the centre and the settings say against one another: new passwords that are too short,
    /// numbers that the emergency numbers take away.
    pub fn check_against(&self, settings: &Settings) -> Vec<ResourceFault> {
        let mut checker = Checker::new(self, &|_, _| 0);
        let shortest = settings.security.password_min_length;
        for user in self.users.values() {
            let plain = user.password.as_ref().and_then(|password| password.plain());
            let length = plain.map_or(usize::MAX, |plain| plain.chars().count());
            if length < shortest as usize {
                let message = format!("the password has {length} characters");
                let help = format!("give it at least {shortest} (security.password_min_length)");
                checker.fault(&**user, "password", message, help);
            }
            if let Some(extension) = &user.extension {
                checker.check_emergency(&**user, "extension", extension, settings);
            }
        }
        for queue in self.queues.values() {
            if let Some(number) = &queue.number {
                checker.check_emergency(&**queue, "number", number, settings);
            }
        }
        checker
            .faults
            .into_iter()
            .map(|found| found.fault)
            .collect()
    }

    /// Every place that names a prompt.
    pub fn prompt_uses(&self) -> Vec<PromptUse> {
        let mut checker = Checker::new(self, &|_, _| 0);
        for queue in self.queues.values() {
            checker.check_queue(queue);
        }
        for user in self.users.values() {
            checker.check_user(user);
        }
        for number in self.numbers.values() {
            checker.check_destination(&**number, "to", number.to.as_ref());
        }
        checker.prompt_uses
    }

    /// What is wrong across resources. `turn` says whose claim comes first where two want the same thing; among equals, queues
    /// come before users, each by name.
    pub(super) fn cross_faults(&self, turn: &dyn Fn(Kind, &str) -> usize) -> Vec<CrossFault> {
        let mut checker = Checker::new(self, turn);
        for list in self.holiday_lists.values() {
            checker.check_holiday_list(list);
        }
        for calendar in self.calendars.values() {
            checker.check_calendar(calendar);
        }
        for queue in self.queues.values() {
            checker.check_queue(queue);
        }
        for user in self.users.values() {
            checker.check_user(user);
        }
        for trunk in self.trunks.values() {
            checker.check_trunk(trunk);
        }
        for number in self.numbers.values() {
            checker.check_destination(&**number, "to", number.to.as_ref());
        }
        checker.check_number_lists();
        for code in self.aux_codes.values() {
            checker.check_aux_code(code);
        }
        for list in self.wrap_up_codes.values() {
            checker.check_wrap_up_codes(list);
        }
        checker.check_usernames();
        checker.check_dialled_numbers();
        checker.check_feature_codes();
        checker.check_default_queue();
        checker.check_trunks_apart();
        checker.faults
    }
}

fn own_faults<T: Resource>(centre: &Centre, faults: &mut Vec<ResourceFault>) {
    for (name, resource) in T::of(centre) {
        let found = T::from_json(&resource.to_stored_json())
            .err()
            .unwrap_or_default();
        faults.extend(found.into_iter().map(|fault| ResourceFault {
            kind: T::KIND,
            name: name.clone(),
            field: fault.field,
            message: fault.message,
            help: fault.help,
        }));
    }
}

struct Checker<'a> {
    centre: &'a Centre,
    /// When a resource may claim what only one can have.
    turn: &'a dyn Fn(Kind, &str) -> usize,
    faults: Vec<CrossFault>,
    /// The prompts that were named so far.
    prompt_uses: Vec<PromptUse>,
}

impl<'a> Checker<'a> {
    fn new(centre: &'a Centre, turn: &'a dyn Fn(Kind, &str) -> usize) -> Self {
        Self {
            centre,
            turn,
            faults: Vec::new(),
            prompt_uses: Vec::new(),
        }
    }

    fn fault<T: Resource>(
        &mut self,
        resource: &T,
        field: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(CrossFault {
            fault: ResourceFault {
                kind: T::KIND,
                name: resource.key().to_owned(),
                field: field.into(),
                message: message.into(),
                help: help.into(),
            },
            caused_by: &[],
        });
    }

    /// The fault just found is about these fields being absent.
    fn caused_by(&mut self, fields: &'static [&'static str]) {
        if let Some(found) = self.faults.last_mut() {
            found.caused_by = fields;
        }
    }

    fn check_emergency<T: Resource>(
        &mut self,
        resource: &T,
        field: &str,
        number: &str,
        settings: &Settings,
    ) {
        if settings
            .sip
            .emergency_numbers
            .iter()
            .any(|emergency| **emergency == *number)
        {
            let message = format!("{number} is an emergency number");
            self.fault(resource, field, message, "choose another number");
        }
    }

    fn check_queue(&mut self, queue: &Queue) {
        if let Some(calendar) = &queue.calendar {
            self.check_name::<_, Calendar>(queue, "calendar", calendar);
        }
        self.check_wrap_up_code(queue);
        self.check_prompt(queue, "music", Some(&*queue.music));
        self.check_prompt(queue, "welcome", queue.welcome.as_deref());
        let announce = queue.announce.as_ref();
        let message = announce.and_then(|announce| announce.message.as_deref());
        self.check_prompt(queue, "announce.message", message);
        let says_nothing = |announce: &super::Announce| !announce.position && !announce.wait;
        if announce.is_some_and(says_nothing) && message.is_none() {
            let help =
                "set `position` or `wait` to true, name a `message`, or leave `announce` out";
            self.fault(queue, "announce", "tells callers nothing", help);
        }
        let ways_out = [
            ("when_closed", queue.when_closed.as_ref()),
            ("when_full", Some(&queue.when_full)),
            ("when_refused", queue.when_refused.as_ref()),
            ("when_nobody", queue.when_nobody.as_ref()),
            (
                "when_overflow.to",
                queue.when_overflow.as_ref().map(|it| &it.to),
            ),
            ("service_level.action", queue.service_destination()),
        ];
        for (field, destination) in ways_out {
            self.check_destination(queue, field, destination);
            if let Some(Destination::Queue(name)) = destination
                && *name == queue.name
            {
                let help = "send them to another queue or to an announcement";
                self.fault(
                    queue,
                    field,
                    "sends callers back to the queue they came from",
                    help,
                );
            }
        }
    }

    fn check_destination<T: Resource>(
        &mut self,
        resource: &T,
        field: &str,
        destination: Option<&Destination>,
    ) {
        match destination {
            Some(Destination::Queue(name)) => {
                self.check_name::<_, Queue>(resource, field, name);
            }
            Some(Destination::User(name)) => {
                self.check_name::<_, User>(resource, field, name);
            }
            Some(Destination::Extension(number)) => {
                if self.centre.user_by_extension(number).is_none() {
                    let message = format!("no user has the extension \"{number}\"");
                    let help = format!(
                        "give it to a user, or write \"external:{number}\" for a phone behind a trunk"
                    );
                    self.fault(resource, field, message, help);
                }
            }
            Some(Destination::Announcement(name)) => {
                self.check_prompt(resource, field, Some(name));
            }
            Some(
                Destination::External(_)
                | Destination::Park(_)
                | Destination::HangUp
                | Destination::Busy,
            )
            | None => {}
        }
    }

    fn check_prompt<T: Resource>(&mut self, resource: &T, field: &str, name: Option<&str>) {
        let Some(name) = name else {
            return;
        };
        self.prompt_uses.push(PromptUse {
            prompt: name.to_owned(),
            kind: T::KIND,
            name: resource.key().to_owned(),
            field: field.to_owned(),
        });
        if !self.centre.has_prompt(name) {
            let message = format!("there is no prompt \"{name}\"");
            let known = self.centre.prompt_names().join(", ");
            let help = format!("those there are: {known}; upload others to /api/v1/prompts");
            self.fault(resource, field, message, help);
        }
    }

    /// A name of another resource must be one that exists.
    fn check_name<T: Resource, Named: Resource>(&mut self, resource: &T, field: &str, name: &str) {
        let known = Named::of(self.centre);
        if known.contains_key(name) {
            return;
        }
        let kind = Named::KIND;
        let near = read::closest(name, known.keys().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if known.is_empty() => {
                format!("add it with [[{}]]; there are none yet", kind.table())
            }
            None => format!("add it, or name one of the {} there are", kind.table()),
        };
        self.fault(
            resource,
            field,
            format!("there is no {kind} \"{name}\""),
            help,
        );
    }

    /// What is dialled must lead to one place: queue numbers and extensions are one plan.
    fn check_dialled_numbers(&mut self) {
        let centre = self.centre;
        let queues = centre.queues.values().filter_map(|queue| {
            let turn = (self.turn)(Kind::Queue, &queue.name);
            Some((turn, Claim::Queue(queue), queue.number.as_deref()?))
        });
        let users = centre.users.values().filter_map(|user| {
            let turn = (self.turn)(Kind::User, &user.username);
            Some((turn, Claim::User(user), user.extension.as_deref()?))
        });
        let mut claims: Vec<_> = queues.chain(users).collect();
        claims.sort_by_key(|(turn, ..)| *turn);
        let mut taken: BTreeMap<&str, String> = BTreeMap::new();
        for (_, claim, number) in claims {
            let Some(other) = taken.insert(number, claim.to_string()) else {
                continue;
            };
            let message = format!("number \"{number}\" belongs to {other} already");
            let help = "give each its own number";
            match claim {
                Claim::Queue(queue) => self.fault(queue, "number", message, help),
                Claim::User(user) => self.fault(user, "extension", message, help),
            }
        }
    }

    /// What follows a code must be told from another code.
    fn check_feature_codes(&mut self) {
        let centre = self.centre;
        for codes in centre.feature_codes.values() {
            let (Some(pick_up), Some(park)) = (codes.pick_up.as_deref(), codes.park.as_deref())
            else {
                continue;
            };
            if pick_up.starts_with(park) || park.starts_with(pick_up) {
                let message = format!("\"{park}\" and the code that picks up begin alike");
                let help = "give them codes of which neither begins with the other, such as \"*8\" and \"*7\"";
                self.fault(&**codes, "park", message, help);
            }
        }
    }

    fn check_default_queue(&mut self) {
        let queues = self.centre.queues.values().filter(|queue| queue.default);
        let mut queues: Vec<&Queue> = queues.map(|queue| &**queue).collect();
        queues.sort_by_key(|queue| (self.turn)(Kind::Queue, &queue.name));
        let Some((first, others)) = queues.split_first() else {
            return;
        };
        for queue in others {
            let message = format!("queue \"{}\" is the default queue already", first.name);
            self.fault(*queue, "default", message, "leave it to one of the two");
        }
    }
}

/// Who is reached by a number.
enum Claim<'a> {
    Queue(&'a Queue),
    User(&'a User),
}

impl fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(queue) => write!(f, "queue \"{}\"", queue.name),
            Self::User(user) => write!(f, "user \"{}\"", user.username),
        }
    }
}

fn is_repeated<T: PartialEq>(items: &[T], index: usize, item: &T) -> bool {
    items.iter().take(index).any(|earlier| earlier == item)
}

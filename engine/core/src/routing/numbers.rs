//! Which place a dialled number leads to.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use config::{Centre, Country, FeatureCodes, Snapshot};

use super::patterns::{Patterns, may_lack_plus, readings};
use super::sources::Sources;

/// Where a call from a trunk goes. Names are the centre's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FromTrunk<'a> {
    /// A number: its `to` says where.
    Number(&'a str),
    /// The queue whose number was dialled.
    Queue(&'a str),
    /// A direct call to the user whose extension was dialled.
    User(&'a str),
    /// The default queue: nothing else matched.
    DefaultQueue(&'a str),
    /// Nowhere: 404.
    Nowhere,
}

/// Where a call from a registered phone goes. Names are the centre's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromPhone<'a> {
    /// An emergency number: out by the first of these trunks that takes it.
    Emergency(Vec<&'a str>),
    /// The queue whose number was dialled.
    Queue(&'a str),
    /// The phone with that extension, of the user of that name.
    Extension {
        /// Whose extension it is.
        user: &'a str,
    },
    /// An outside number, out by that trunk.
    Outside {
        /// The trunk.
        trunk: &'a str,
    },
    /// Nowhere: 404.
    Nowhere,
}

/// The dial plan of a centre: made when it changes, then only asked.
#[derive(Debug, Clone)]
pub struct Routes {
    numbers: Dialled,
    queues: Dialled,
    extensions: BTreeMap<String, String>,
    default_queue: Option<String>,
    emergency: BTreeSet<String>,
    first_emergency: Option<String>,
    country: Country,
    /// Trunks by the numbers that leave by them.
    outside: Patterns,
    outgoing: Vec<String>,
    /// Number lists by the callers on them.
    callers: Patterns,
    /// The code that phones pick up by.
    pick_up: Option<String>,
    /// The code that they retrieve parked calls by.
    park: Option<String>,
    sources: Sources,
}

/// Names by the number that leads to them, as written and in international form.
#[derive(Debug, Clone, Default)]
struct Dialled {
    as_written: BTreeMap<String, String>,
    international: BTreeMap<String, String>,
}

impl Routes {
    /// The dial plan of the snapshot's centre and settings.
    pub fn new(snapshot: &Snapshot) -> Self {
        let centre = &*snapshot.centre;
        let settings = &*snapshot.settings;
        let country = settings.centre.country;
        let numbers = centre.numbers.keys().map(|number| (&**number, &**number));
        let queues = centre
            .queues
            .iter()
            .filter_map(|(name, queue)| Some((queue.number.as_deref()?, &**name)));
        let extensions = centre.users.iter().filter_map(|(name, user)| {
            let extension = user.extension.as_deref()?;
            Some((extension.into(), name.clone()))
        });
        let mut routes = Self {
            numbers: Dialled::new(numbers, country),
            queues: Dialled::new(queues, country),
            extensions: extensions.collect(),
            default_queue: centre
                .default_queue()
                .map(|queue| String::from(&*queue.name)),
            first_emergency: settings
                .sip
                .emergency_numbers
                .first()
                .map(|number| String::from(&**number)),
            emergency: settings
                .sip
                .emergency_numbers
                .iter()
                .map(|number| String::from(&**number))
                .collect(),
            country,
            outside: Patterns::default(),
            outgoing: Vec::new(),
            callers: Patterns::default(),
            pick_up: code(centre, |codes| codes.pick_up.as_deref()),
            park: code(centre, |codes| codes.park.as_deref()),
            sources: Sources::new(centre),
        };
        routes.add_trunks(centre);
        for (name, list) in &centre.number_lists {
            for pattern in &list.numbers {
                routes.callers.add(pattern, name);
            }
        }
        routes
    }

    /// Trunks come by name, and the first with a pattern keeps it: so ties are decided.
    fn add_trunks(&mut self, centre: &Centre) {
        for (name, trunk) in centre
            .trunks
            .iter()
            .filter(|(_, trunk)| trunk.takes_calls())
        {
            self.outgoing.push(name.clone());
            for pattern in &trunk.numbers {
                self.outside.add(pattern, name);
            }
        }
    }

    /// Takes the addresses a trunk's host name was resolved to as its sources, in place of those
    /// it was resolved to before.
    pub fn learn_host(&mut self, centre: &Centre, host: &str, addresses: &[IpAddr]) {
        self.sources.learn_host(centre, host, addresses);
    }

    /// The trunk a message from that address comes from.
    pub fn trunk_of_source(&self, source: SocketAddr) -> Option<&str> {
        self.sources.trunk_of(source)
    }

    /// Where a call from a trunk goes: by numbers, then queue numbers, then extensions, then to the
    /// default queue. Trunks' patterns have no say.
    pub fn from_trunk(&self, dialled: &str) -> FromTrunk<'_> {
        if let Some(number) = self.numbers.find(dialled, self.country) {
            return FromTrunk::Number(number);
        }
        if let Some(queue) = self.queues.find(dialled, self.country) {
            return FromTrunk::Queue(queue);
        }
        if let Some(user) = self.user_of_extension(dialled) {
            return FromTrunk::User(user);
        }
        self.default_queue
            .as_deref()
            .map_or(FromTrunk::Nowhere, FromTrunk::DefaultQueue)
    }

    /// Where a call from a registered phone goes. An emergency number is one before all else.
    pub fn from_phone(&self, dialled: &str) -> FromPhone<'_> {
        if self.is_emergency(dialled) {
            return FromPhone::Emergency(self.emergency_trunks(dialled));
        }
        if let Some(queue) = self.queue_of_number(dialled) {
            return FromPhone::Queue(queue);
        }
        if let Some(user) = self.user_of_extension(dialled) {
            return FromPhone::Extension { user };
        }
        if self.picked_up(dialled).is_some() || self.parked(dialled).is_some() {
            return FromPhone::Nowhere;
        }
        self.trunk_for(dialled)
            .map_or(FromPhone::Nowhere, |trunk| FromPhone::Outside { trunk })
    }

    /// The emergency number that stands first in the settings.
    pub fn emergency_number(&self) -> Option<&str> {
        self.first_emergency.as_deref()
    }

    /// What a phone dialled after the code that picks up: a queue's number, or a caller's. None when it dialled no such thing.
    pub fn picked_up<'d>(&self, dialled: &'d str) -> Option<&'d str> {
        self.after_code(self.pick_up.as_deref()?, dialled)
    }

    /// What a phone dialled after the code that parks: a slot. None when it dialled no such thing.
    pub fn parked<'d>(&self, dialled: &'d str) -> Option<&'d str> {
        self.after_code(self.park.as_deref()?, dialled)
    }

    fn after_code<'d>(&self, code: &str, dialled: &'d str) -> Option<&'d str> {
        let of = dialled.strip_prefix(code)?;
        let is_number = self.is_emergency(dialled)
            || self.queue_of_number(dialled).is_some()
            || self.user_of_extension(dialled).is_some();
        (!is_number).then_some(of)
    }

    /// The queue with that number.
    pub fn queue_of_number(&self, dialled: &str) -> Option<&str> {
        self.queues.find(dialled, self.country)
    }

    /// What a caller's number may be when somebody dials it: as dialled, and in international form.
    pub fn readings_of_caller(&self, number: &str) -> impl Iterator<Item = String> + use<> {
        readings(number, self.country).into_iter().flatten()
    }

    /// Whether any phone can always dial that number.
    pub fn is_emergency(&self, dialled: &str) -> bool {
        self.emergency.contains(dialled)
    }

    /// The trunks an emergency call may leave by: the one whose numbers match first, then every
    /// other, by name.
    pub fn emergency_trunks(&self, dialled: &str) -> Vec<&str> {
        let meant = self.trunk_for(dialled);
        let others = self
            .outgoing
            .iter()
            .map(String::as_str)
            .filter(|name| Some(*name) != meant);
        meant.into_iter().chain(others).collect()
    }

    /// The user whose extension it is.
    pub fn user_of_extension(&self, extension: &str) -> Option<&str> {
        self.extensions.get(extension).map(String::as_str)
    }

    /// The trunk a number leaves by: that of the longest pattern that matches it as dialled or in
    /// international form; of equally long ones, that of the exact number, then by name.
    pub fn trunk_for(&self, number: &str) -> Option<&str> {
        self.outside.find_dialled(number, self.country)
    }

    /// The number list that a caller is on: that of the longest pattern that matches their number as it came or in
    /// international form. Who withholds it is on none.
    pub fn list_of_caller(&self, number: &str) -> Option<&str> {
        self.callers.find_caller(number, self.country)
    }
}

fn code(centre: &Centre, of: impl Fn(&FeatureCodes) -> Option<&str>) -> Option<String> {
    let codes = centre.feature_codes.values().next()?;
    of(codes).map(String::from)
}

impl Dialled {
    fn new<'a>(numbers: impl Iterator<Item = (&'a str, &'a str)>, country: Country) -> Self {
        let mut dialled = Self::default();
        for (number, name) in numbers {
            let international = country
                .to_international(number)
                .unwrap_or_else(|| number.into());
            dialled
                .international
                .entry(international)
                .or_insert_with(|| name.into());
            dialled.as_written.insert(number.into(), name.into());
        }
        dialled
    }

    /// By the number as dialled; else by what it is in international form, which carriers also
    /// write without its plus.
    fn find(&self, dialled: &str, country: Country) -> Option<&str> {
        let find = |number: &str| self.international.get(number);
        let as_written = self.as_written.get(dialled).or_else(|| find(dialled));
        let by_country = || find(&country.to_international(dialled)?);
        let without_plus = || {
            let long = may_lack_plus(dialled);
            long.then(|| find(&format!("+{dialled}"))).flatten()
        };
        let found = as_written.or_else(by_country).or_else(without_plus);
        found.map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;
    use std::vec;

    use config::{NumberPattern, Settings, parse_centre};
    use proptest::prelude::*;

    use super::*;

    const CENTRE: &str = r#"
        [[queues]]
        name = "support"
        number = "2000"
        [[queues]]
        name = "reception"
        number = "+31850082901"
        default = true
        [[users]]
        username = "alice"
        extension = "1001"
        sip_password = "secret"
        [[users]]
        username = "bob"
        extension = "1002"
        [[numbers]]
        number = "+31850082900"
        to = "queue:support"
        [[numbers]]
        number = "2000"
        to = "user:alice"
        [[trunks]]
        name = "pbx"
        kind = "peer"
        address = "sip:10.0.0.1"
        numbers = ["10*", "*"]
        [[trunks]]
        name = "carrier"
        kind = "peer"
        address = "sip:10.0.0.2"
        numbers = ["+*", "+3120*", "+31205550100"]
        [[trunks]]
        name = "backup"
        kind = "inbound"
        username = "backup"
        password = "secret"
        numbers = ["+3120*"]
        [[trunks]]
        name = "in-only"
        kind = "peer"
        allow = ["10.0.0.3"]
    "#;

    fn routes(centre: &str) -> Routes {
        Routes::new(&Snapshot {
            version: 1,
            settings: Arc::new(Settings::default()),
            centre: Arc::new(parse_centre(centre, "centre").unwrap()),
        })
    }

    #[test]
    fn calls_from_trunks_go_by_numbers_queues_extensions_default_queue() {
        let routes = routes(CENTRE);
        let cases = [
            ("+31850082900", FromTrunk::Number("+31850082900")),
            ("0850082900", FromTrunk::Number("+31850082900")),
            ("0031850082900", FromTrunk::Number("+31850082900")),
            ("31850082900", FromTrunk::Number("+31850082900")),
            ("2000", FromTrunk::Number("2000")),
            ("+31850082901", FromTrunk::Queue("reception")),
            ("0850082901", FromTrunk::Queue("reception")),
            ("1001", FromTrunk::User("alice")),
            ("1002", FromTrunk::User("bob")),
            ("1003", FromTrunk::DefaultQueue("reception")),
            ("+31205550100", FromTrunk::DefaultQueue("reception")),
            ("112", FromTrunk::DefaultQueue("reception")),
            ("", FromTrunk::DefaultQueue("reception")),
        ];
        for (dialled, expected) in cases {
            assert_eq!(routes.from_trunk(dialled), expected, "{dialled}");
        }
        let without_default = self::routes(&CENTRE.replace("default = true", ""));
        assert_eq!(without_default.from_trunk("1003"), FromTrunk::Nowhere);
    }

    #[test]
    fn phones_dial_emergency_queues_extensions_and_outside() {
        let routes = routes(CENTRE);
        let cases = [
            (
                "112",
                FromPhone::Emergency(vec!["pbx", "backup", "carrier"]),
            ),
            ("2000", FromPhone::Queue("support")),
            ("1002", FromPhone::Extension { user: "bob" }),
            ("1003", FromPhone::Outside { trunk: "pbx" }),
            ("+4930123456", FromPhone::Outside { trunk: "carrier" }),
            ("+31850082900", FromPhone::Outside { trunk: "carrier" }),
        ];
        for (dialled, expected) in cases {
            assert_eq!(routes.from_phone(dialled), expected, "{dialled}");
        }
        let no_trunks = self::routes("[[users]]\nusername = \"a\"\nextension = \"1\"");
        assert_eq!(no_trunks.from_phone("2"), FromPhone::Nowhere);
        assert_eq!(no_trunks.from_phone("112"), FromPhone::Emergency(vec![]));
    }

    #[test]
    fn a_code_comes_after_all_numbers_of_ours_and_before_those_outside() {
        let routes = routes(&format!("{CENTRE}[feature_codes]\npick_up = \"11\"\n"));
        for (dialled, expected) in [
            ("112000", Some("2000")),
            ("11+4930", Some("+4930")),
            ("11", Some("")),
            ("112", None),
            ("1", None),
        ] {
            assert_eq!(routes.picked_up(dialled), expected, "{dialled}");
        }
        assert_eq!(routes.from_phone("112000"), FromPhone::Nowhere);
        let of_ours = self::routes(&format!("{CENTRE}[feature_codes]\npick_up = \"10\"\n"));
        assert_eq!(of_ours.picked_up("1001"), None);
        assert_eq!(
            of_ours.from_phone("1002"),
            FromPhone::Extension { user: "bob" }
        );
        assert_eq!(
            self::routes(CENTRE).picked_up("*82000"),
            None,
            "none is set"
        );
    }

    #[test]
    fn the_longest_pattern_names_the_trunk_ties_go_by_name() {
        let routes = routes(CENTRE);
        let cases = [
            ("1001", Some("pbx")),
            ("999", Some("pbx")),
            ("+31207654321", Some("backup")),
            ("0207654321", Some("backup")),
            ("+31205550100", Some("carrier")),
            ("0205550100", Some("carrier")),
            ("+3110", Some("carrier")),
            ("", Some("pbx")),
            ("ü", Some("pbx")),
        ];
        for (number, expected) in cases {
            assert_eq!(routes.trunk_for(number), expected, "{number}");
        }
    }

    proptest! {
        /// The tables answer as a look at every pattern would.
        #[test]
        fn a_trunk_is_found_as_by_looking_at_all(patterns in prop::collection::vec("[+]?[12]{0,3}[*]?", 0..12), number in "[+]?[12]{0,5}") {
            let patterns: Vec<NumberPattern> = patterns.iter().filter_map(|text| text.parse().ok()).collect();
            let mut centre = Centre::default();
            for (index, pattern) in patterns.iter().enumerate() {
                centre.insert(config::Trunk {
                    name: format!("t{index:02}").parse().unwrap(),
                    kind: config::TrunkKind::Inbound,
                    numbers: vec![pattern.clone()],
                    ..config::Trunk::default()
                });
            }
            let snapshot = Snapshot { version: 1, settings: Arc::new(Settings::default()), centre: Arc::new(centre) };
            let weight = |pattern: &NumberPattern| match pattern {
                NumberPattern::Exact(number) => number.len() + 1,
                NumberPattern::Prefix(prefix) => prefix.len(),
            };
            let matching = patterns.iter().enumerate().filter(|(_, pattern)| pattern.matches(&number));
            let best = matching.min_by_key(|(index, pattern)| (core::cmp::Reverse(weight(pattern)), *index));
            let expected = best.map(|(index, _)| format!("t{index:02}"));
            prop_assert_eq!(Routes::new(&snapshot).trunk_for(&number).map(String::from), expected);
        }
    }
}

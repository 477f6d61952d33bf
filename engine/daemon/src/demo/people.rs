//! The made-up people of the demo: who they are and how they behave.
//!
//! Their phones are those of the demo centre's attendants, except alice's, which is the newcomer's; their callers come
//! from the demo centre's trunk `callers`. All is taken from the centre file, so that there is one place for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use config::{Centre, Destination};
use loadgen::{Arrivals, Attendant, Attendants, Callers, MediaMode, Number, Plan, Spread, Voice};
use media::codec::Codec;

/// The attendant whose phone and login are left to the newcomer.
pub(super) const NEWCOMER: &str = "alice";
/// Where callers come from, as the demo centre's trunk allows it.
const CALLERS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Where attendants' phones are.
const PHONES: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
/// Numbers of callers begin like this; no subscriber has such a number.
const PREFIX: &str = "+3165550";
/// Names that callers send.
const NAMES: [&str; 12] = [
    "M. Aalbers",
    "J. Bos",
    "Familie de Wit",
    "K. Eriksen",
    "Garage Hoek",
    "L. Jacobs",
    "N. Meijer",
    "Bakkerij Pol",
    "S. Smit",
    "T. Tromp",
    "V. Vos",
    "W. Zwart",
];

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Attendants that are played: user names with their phones.
pub(super) fn played(centre: &Centre) -> Vec<(String, Attendant)> {
    let users = centre
        .users
        .iter()
        .filter(|(name, _)| name.as_str() != NEWCOMER);
    let phone = |(name, user): (&String, &std::sync::Arc<config::User>)| {
        let attendant = Attendant {
            extension: user.extension.as_ref()?.to_string(),
            password: Some(user.sip_password.as_ref()?.plain()?.to_owned()),
        };
        Some((name.clone(), attendant))
    };
    users.filter_map(phone).collect()
}

/// What they do: callers come about every five seconds, which is a little less than the attendants can do, so that
/// some wait and most are served in time.
///
/// `centre` is the demo centre as its file has it, passwords included; `seed` makes every demo another one.
pub(super) fn plan(centre: &Centre, server: SocketAddr, domain: &str, seed: u64) -> Plan {
    let mut plan = Plan::new(server);
    plan.seed = seed;
    plan.domain = domain.into();
    plan.keep_calls = 100;
    plan.media = MediaMode::Full {
        codecs: vec![Codec::Pcma, Codec::Pcmu],
    };
    plan.callers = Some(callers(centre));
    let people = played(centre).into_iter().map(|(_, phone)| phone).collect();
    plan.attendants = Some(attendants(people));
    plan
}

fn callers(centre: &Centre) -> Callers {
    let arrivals = Arrivals::Poisson(secs(5));
    let mut callers = Callers::new(SocketAddr::new(CALLERS, 0), "", arrivals);
    // Twice the queues' numbers: few call one attendant.
    let queues = centre
        .numbers
        .values()
        .filter(|number| matches!(number.to, Some(Destination::Queue(_))));
    let all = centre.numbers.values();
    callers.numbers = queues
        .clone()
        .chain(queues)
        .chain(all)
        .map(|number| Number::plain(number.number.as_ref()))
        .collect();
    callers.prefix = PREFIX.into();
    callers.names = NAMES.map(Into::into).into();
    callers.patience = Some(Spread::Between(secs(30), secs(150)));
    callers.hang_up_per_mille = 500;
    callers.voice = Voice::caller_speech();
    callers
}

fn attendants(people: Vec<Attendant>) -> Attendants {
    let mut side = Attendants::new(SocketAddr::new(PHONES, 0), people);
    side.answer_after = Spread::Between(secs(1), secs(5));
    side.talk = Spread::Between(secs(12), secs(40));
    side.refuse_per_mille = 30;
    side.refusals = vec![486, 603];
    side.ignore_per_mille = 20;
    side.hold_per_mille = 100;
    side.hold_for = Spread::Between(secs(3), secs(8));
    side.voice = Voice::attendant_speech();
    side
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centre() -> Centre {
        config::parse_centre(super::super::CENTRE, "demo.toml").unwrap()
    }

    #[test]
    fn the_plan_is_sound_and_stays_on_this_machine() {
        let server = "127.0.0.1:5060".parse().unwrap();
        let plan = plan(&centre(), server, "lampfield.local", 1);
        assert_eq!(plan.check(), Ok(()));
        assert!(!plan.beyond_loopback);
        let callers = plan.callers.unwrap();
        let allowed = &centre().trunks["callers"].allow;
        assert!(
            allowed
                .iter()
                .any(|source| source.to_string().contains("127.0.0.2"))
        );
        assert_eq!(callers.from.ip(), CALLERS);
        let of = |number: &str| {
            callers
                .numbers
                .iter()
                .filter(|one| one.number == number)
                .count()
        };
        assert_eq!(
            (of("+31850082900"), of("+31850082901"), of("+31850082910")),
            (3, 3, 1)
        );
    }

    #[test]
    fn every_attendant_but_the_newcomer_is_played() {
        let played = played(&centre());
        let names: Vec<&str> = played.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["bob", "carol", "dirk", "eva", "farid", "gina"]);
        assert_eq!(played[0].1.extension, "1002");
        assert_eq!(played[0].1.password.as_deref(), Some("demo-phone-1002"));
    }
}

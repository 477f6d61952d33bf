//! What to do next, for somebody who has just started the demo.

use std::net::SocketAddr;

use config::{Centre, User};

use super::people::NEWCOMER;

/// Where the demo can be reached.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) sip: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) domain: String,
}

/// The text. `people`: whether made-up people are at work.
pub(super) fn text(centre: &Centre, reach: &Reach, people: bool) -> String {
    let Reach { sip, http, domain } = reach;
    let mut lines = vec![
        String::new(),
        "The demo centre runs, on this machine only.".into(),
        String::new(),
        format!("  SIP   {sip}, UDP and TCP, domain {domain}"),
        format!("  API   http://{http}/api/v1, to be read at http://{http}/api/v1/docs"),
        String::new(),
    ];
    if let Some(user) = centre.users.get(NEWCOMER) {
        lines.extend(newcomer(user, reach));
    }
    lines.push("Call a queue from it:".into());
    for queue in centre.queues.values() {
        if let Some(number) = &queue.number {
            lines.push(format!("  {number}  {}", queue.name));
        }
    }
    lines.push(match people {
        true => "A made-up attendant answers, when it is your turn.".into(),
        false => "You hear the welcome and music until an attendant who has logged in answers."
            .to_owned(),
    });
    lines.push(String::new());
    lines.push(
        "Everybody in this centre (user, password of the API; extension, password of the phone):"
            .into(),
    );
    lines.extend(centre.users.iter().map(|(name, user)| listed(name, user)));
    if !people {
        lines.push(String::new());
        lines.push("To see it move without a phone, end this one with Ctrl-C and start it with made-up callers and".into());
        lines.push("attendants: cargo run --profile ci -- demo".into());
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The most important of it, in one line.
pub(super) fn line(centre: &Centre, reach: &Reach) -> String {
    let Reach { sip, domain, .. } = reach;
    let user = centre.users.get(NEWCOMER);
    let extension = user.and_then(|user| user.extension.as_ref());
    let extension = extension.map(ToString::to_string).unwrap_or_default();
    let secret = plain(user.and_then(|user| user.sip_password.as_ref()));
    format!("Your phone: {extension}@{domain}, password {secret}, at {sip}")
}

/// How to register a softphone and go to work with it.
fn newcomer(user: &User, reach: &Reach) -> Vec<String> {
    let Reach { sip, http, domain } = reach;
    let extension = user
        .extension
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let secret = plain(user.sip_password.as_ref());
    let password = plain(user.password.as_ref());
    vec![
        format!("Register a softphone as {NEWCOMER}:"),
        format!("  user {extension}, password {secret}, domain {domain}, proxy sip:{sip}"),
        format!(
            "  baresip, a line in ~/.baresip/accounts: <sip:{extension}@{domain}>;auth_pass={secret};outbound=\"sip:{sip}\""
        ),
        "Log her in, and calls of her queues ring that phone:".into(),
        format!(
            "  curl http://{http}/api/v1/login --json '{{\"username\":\"{NEWCOMER}\",\"password\":\"{password}\"}}'"
        ),
    ]
}

fn listed(name: &str, user: &User) -> String {
    let login = plain(user.password.as_ref());
    match &user.extension {
        Some(extension) => {
            let extension = extension.to_string();
            let secret = plain(user.sip_password.as_ref());
            format!("  {name:<8} {login:<20} {extension:<6} {secret}")
        }
        None => format!("  {name:<8} {login:<20} {}", user.role),
    }
}

/// A password of the demo, which is no secret.
fn plain(secret: Option<&config::Secret>) -> &str {
    secret.and_then(config::Secret::plain).unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centre() -> Centre {
        config::parse_centre(super::super::CENTRE, "demo.toml").unwrap()
    }

    fn reach() -> Reach {
        Reach {
            sip: "127.0.0.1:5060".parse().unwrap(),
            http: "127.0.0.1:8080".parse().unwrap(),
            domain: "lampfield.local".into(),
        }
    }

    fn guide(people: bool) -> String {
        text(&centre(), &reach(), people)
    }

    #[test]
    fn the_line_fits_a_terminal() {
        let line = line(&centre(), &reach());
        let expected =
            "Your phone: 1001@lampfield.local, password demo-phone-1001, at 127.0.0.1:5060";
        assert_eq!((line.as_str(), line.len() <= 80), (expected, true));
    }

    #[test]
    fn a_newcomer_is_told_all_they_need() {
        let guide = guide(false);
        for needed in [
            "127.0.0.1:5060",
            "http://127.0.0.1:8080/api/v1",
            "user 1001, password demo-phone-1001, domain lampfield.local, proxy sip:127.0.0.1:5060",
            "<sip:1001@lampfield.local>;auth_pass=demo-phone-1001;outbound=\"sip:127.0.0.1:5060\"",
            "--json '{\"username\":\"alice\",\"password\":\"demo-attendant-1\"}'",
            "  2000  reception",
            "  2001  support",
            "  carol    demo-attendant-3     1003   demo-phone-1003",
            "  sven     demo-supervisor-1    supervisor",
            "cargo run --profile ci -- demo",
        ] {
            assert!(guide.contains(needed), "{needed:?} is missing in\n{guide}");
        }
    }

    #[test]
    fn with_people_the_next_step_is_another() {
        let guide = guide(true);
        assert!(
            guide.contains("A made-up attendant answers") && !guide.contains("Ctrl-C"),
            "{guide}"
        );
    }
}

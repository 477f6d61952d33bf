//! What `apply` makes of a file and the centre that is, and what it refuses.

use std::sync::Arc;

use config::{Centre, Kind, Sealer, Settings, Snapshot, apply_centre, export, parse_centre};

/// Seals in a way that looks as the real one does.
struct Toy;

impl Sealer for Toy {
    fn login(&self, plain: &str) -> String {
        format!("$argon2id$v=19$m=1,t=1,p=1$c2FsdA${plain}")
    }

    fn digest(&self, _: &str, _: &str) -> String {
        hash_for("lampfield.local")
    }
}

fn hash_for(realm: &str) -> String {
    format!("ha1:realm={realm},md5={}", "0".repeat(32))
}

fn current(text: &str) -> Snapshot {
    let mut centre = parse_centre(text, "before").expect("a right centre");
    centre.seal(&Toy);
    Snapshot {
        version: 1,
        settings: Arc::default(),
        centre: Arc::new(centre),
    }
}

fn applied(before: &Snapshot, file: &str, prune: bool) -> Result<Centre, String> {
    apply_centre(file, "c.toml", before, prune).map_err(|faults| faults.to_string())
}

fn user(username: &str, fields: &str) -> String {
    format!("[[users]]\nusername = \"{username}\"\n{fields}")
}

const ADMINISTRATOR: &str = "role = \"administrator\"\npassword = \"correct horse battery\"\n";

/// CW-2.d: whatever a file says, somebody can administer the centre afterwards.
#[test]
fn the_last_administrator_stays() {
    let root = user("root", ADMINISTRATOR);
    let bob = user("bob", "");
    let (running, empty) = (current(&(root.clone() + &bob)), current(""));
    let boss = user("boss", ADMINISTRATOR);
    let no_password = user("root", "role = \"administrator\"\n");
    type Case<'a> = (&'a str, &'a Snapshot, String, bool, &'a [&'a str]);
    let cases: [Case<'_>; 12] = [
        (
            "named as they are",
            &running,
            no_password.clone(),
            true,
            &[],
        ),
        ("not named", &running, bob.clone(), false, &[]),
        ("deleted, another comes", &running, boss.clone(), true, &[]),
        (
            "stepping down, another comes",
            &running,
            boss + &user("root", ""),
            false,
            &[],
        ),
        ("before the first start", &empty, bob.clone(), false, &[]),
        (
            "the first start can make another",
            &empty,
            no_password,
            false,
            &[],
        ),
        (
            "deleted",
            &running,
            bob,
            true,
            &["c.toml:1:1: user \"root\"", "deleted"],
        ),
        (
            "role left out",
            &running,
            user("root", ""),
            false,
            &["c.toml:1:", "role = "],
        ),
        (
            "another role",
            &running,
            user("root", "role = \"supervisor\"\n"),
            true,
            &[
                "c.toml:3:8: user \"root\": this is the last administrator",
                "role = ",
            ],
        ),
        (
            "disabled",
            &running,
            user("root", "enabled = false\nrole = \"administrator\"\n"),
            false,
            &["c.toml:3:11", "enabled = true"],
        ),
        (
            "the first start's name, without a password",
            &empty,
            user("administrator", "role = \"administrator\"\n"),
            false,
            &["c.toml:1:", "give a password"],
        ),
        (
            "a role that is none is one fault",
            &running,
            user("root", "role = \"administrater\"\n"),
            false,
            &["c.toml:3:8: `role`: \"administrater\" is not known here"],
        ),
    ];
    for (name, before, file, prune, expected) in cases {
        let said = applied(before, &file, prune).err().unwrap_or_default();
        assert_eq!(said.is_empty(), expected.is_empty(), "{name}: {said}");
        assert!(said.lines().count() <= 1, "{name}: {said}");
        for part in expected {
            assert!(said.contains(part), "{name}: {said}");
        }
    }
}

/// CW-2.1.3: a login takes the name in any case, so two that differ in nothing else would be one.
#[test]
fn user_names_are_told_apart_without_their_case() {
    let current = current(&user("Ann", ""));
    for (name, line) in [("ann", "c.toml:2:12"), ("Me", "c.toml:2:12")] {
        let said = applied(&current, &user(name, ""), false).unwrap_err();
        assert!(said.starts_with(line), "{said}");
    }
    assert!(applied(&current, &user("ann", ""), true).is_ok());
}

/// A hash that was made for another domain lets nobody register, so it is refused when it is new, and named when it is not.
#[test]
fn phones_passwords_are_hashed_for_one_domain() {
    let phone = |secret: &str| {
        user("ann", "extension = \"1001\"\n") + &format!("sip_password = \"{secret}\"\n")
    };
    let mut before = current(&phone("secret"));
    let other = applied(&before, &phone(&hash_for("other.example")), false).unwrap_err();
    assert!(
        other.starts_with(
            "c.toml:4:16: user \"ann\": `sip_password` was made for \"other.example\""
        ) && other.contains("write the password itself"),
        "{other}"
    );
    let foreign = "ha1:md5=00000000000000000000000000000000";
    assert!(applied(&before, &phone(foreign), false).is_ok());

    let settings = "[sip]\ndomain = \"new.example\"\n";
    before.settings = Arc::new(Settings::load(settings, "lampfield.toml", []).unwrap());
    assert_eq!(
        before.centre.secrets_of_other_realms("new.example"),
        [(Kind::User, "ann")]
    );
    assert_eq!(before.centre.secrets_of_other_realms("lampfield.local"), []);
    let exported = export(&before.centre);
    assert_eq!(
        applied(&before, &exported, true),
        Ok(Centre::clone(&before.centre))
    );
}

//! The settings: file, environment, defaults, faults.

use config::{DigestAlgorithm, LogFormat, Settings, Transport};
use expect_test::{expect, expect_file};

const EXAMPLE: &str = include_str!("../example.toml");

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::load(text, "lampfield.toml", environment).map_err(|faults| faults.to_string())
}

#[test]
fn the_example_says_every_setting_with_its_default() {
    assert_eq!(load(EXAMPLE, &[]), Ok(Settings::default()));
    assert_eq!(load("", &[]), Ok(Settings::default()));
    let written: toml::Table = EXAMPLE.parse().unwrap();
    for section in <Settings as config::Record>::schema() {
        let table = written[section.name].as_table().unwrap();
        let config::Shape::Table(fields) = &section.shape else {
            panic!("{} is a table", section.name);
        };
        for field in fields {
            let commented = format!("# {} = ", field.name);
            assert!(
                table.contains_key(field.name)
                    || field.default.is_null() && EXAMPLE.contains(&commented),
                "{}.{}",
                section.name,
                field.name
            );
        }
    }
}

#[test]
fn the_environment_prevails() {
    let settings = load(
        "[sip]\ndomain = \"file.example\"\n[log]\nlevel = \"debug\"\n",
        &[
            ("LAMPFIELD__SIP__DOMAIN", "env.example"),
            ("LAMPFIELD__SIP__LISTEN", "[\"tcp:[::1]:5070\"]"),
            ("LAMPFIELD__SIP__DIGEST", "sha-256, md5"),
            ("LAMPFIELD__SIP__EMERGENCY_NUMBERS", ""),
            ("LAMPFIELD__SIP__DRAIN_SECONDS", "5"),
            ("LAMPFIELD__STORE__RETENTION__HISTORY_DAYS", "30"),
            ("LAMPFIELD__MEDIA__PORTS", "20000-20099"),
            ("LAMPFIELD__LOG__FORMAT", "json"),
            ("LAMPFIELD_OTHER", "not ours"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(&*settings.sip.domain, "env.example");
    assert_eq!(settings.sip.listen[0].transport, Transport::Tcp);
    assert_eq!(
        settings.sip.digest,
        [DigestAlgorithm::Sha256, DigestAlgorithm::Md5]
    );
    assert!(settings.sip.emergency_numbers.is_empty());
    assert_eq!(
        (
            settings.sip.drain_seconds,
            settings.store.retention.history_days
        ),
        (5, 30)
    );
    assert_eq!(
        (settings.media.ports.first, settings.media.ports.last),
        (20_000, 20_099)
    );
    assert_eq!(
        (settings.log.level.as_str(), settings.log.format),
        ("debug", LogFormat::Json)
    );
}

#[test]
fn faults_of_file_and_environment_come_together() {
    let text = r#"[sip]
listen = ["ws:0.0.0.0:5061", "tls:127.0.0.1:5060", "tcp:127.0.0.1:5060", "udp:127.0.0.1:10000", "tcp:127.0.0.1:8080"]
domian = "x"
tls = { certificate = "a", verify_client = "required" }
digest = []
[media]
address = "0.0.0.0"
ports = "29999-10000"
[store]
url = "postgres://localhost/lampfield"
retention = { history_days = 0, recordings_days = 90 }
[centre]
timezone = "Mars/Olympus"
day_starts = "24:00"
vip_priority = 1001
[logs]
level = "info"
"#;
    let environment = [
        ("LAMPFIELD__SIP__DOMIAN", "x"),
        ("LAMPFIELD__SECURITY__LOCK_AFTER", "many"),
        ("LAMPFIELD__LOG__LEVEL__X", "1"),
    ];
    expect![[r#"
        lampfield.toml:2:11: `listen[0]`: "ws" has no address of its own: it is spoken at /sip on the port of the API; leave it out here, and see http.listen and http.tls
        lampfield.toml:2:52: `sip.listen`: tcp:127.0.0.1:5060 is the same port as tls:127.0.0.1:5060; choose another port for one of the two
        lampfield.toml:2:97: `sip.listen`: 127.0.0.1:8080 is where the API listens (http.listen); choose another port for one of the two
        lampfield.toml:3:1: unknown key `domian`; did you mean `domain`?
        lampfield.toml:4:7: `key` is missing; write key = "var"
        lampfield.toml:4:44: `sip.tls.verify_client`: any certificate that the system trusts would let a peer in; name the file with the roots of your peers' certificates as sip.tls.ca
        lampfield.toml:5:10: `sip.digest`: phones could not be challenged; write ["md5"]
        lampfield.toml:7:11: `media.address`: 0.0.0.0 is no address that others can send audio to; write the address of this machine that they reach
        lampfield.toml:8:9: `ports`: "29999-10000" is an impossible range; write the first and the last port, from 1024 to 65535: "10000-29999"
        lampfield.toml:10:7: `url`: "postgres:" is known, but not built yet; write "sqlite:var/lampfield.db"
        lampfield.toml:11:30: `history_days`: 0 is out of range; write a number from 1 to 36500
        lampfield.toml:11:33: `recordings_days` is known, but not built yet; leave `recordings_days` out for now
        lampfield.toml:13:12: `timezone`: no time zone is called "Mars/Olympus"; write a name of the IANA database, such as "Europe/Amsterdam"
        lampfield.toml:14:14: `centre.day_starts`: no day starts at 24:00; write "00:00"
        lampfield.toml:15:16: `vip_priority`: 1001 is out of range; write a number from 0 to 1000
        lampfield.toml:16:2: unknown key `logs`; did you mean `log`?
        environment variable LAMPFIELD__LOG__LEVEL__X:1:1: the environment variable LAMPFIELD__LOG__LEVEL__X names no setting; nothing comes after LEVEL
        environment variable LAMPFIELD__SECURITY__LOCK_AFTER:1:1: `lock_after` must be a whole number, not text; write digits only, without quotes
        environment variable LAMPFIELD__SIP__DOMIAN:1:1: the environment variable LAMPFIELD__SIP__DOMIAN names no setting; did you mean DOMAIN instead of DOMIAN?"#]].assert_eq(&load(text, &environment).unwrap_err());
}

#[test]
fn session_timers_have_bounds_and_go_together() {
    for (text, expected) in [
        ("{ expires = 90, min = 90 }", ""),
        (
            "{ expires = 89 }",
            "lampfield.toml:2:30: `expires`: 89 is out of range; write a number from 90 to 86400",
        ),
        (
            "{ min = 30 }",
            "lampfield.toml:2:26: `min`: 30 is out of range; write a number from 90 to 86400",
        ),
        (
            "{ expires = 600, min = 700 }",
            "lampfield.toml:2:41: `sip.session_timers.min`: 700 s is more than the 600 s that we ask for (expires); write no more than `expires`",
        ),
    ] {
        let text = format!("[sip]\nsession_timers = {text}\n");
        let found = load(&text, &[]).err().unwrap_or_default();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn what_differs_is_named() {
    let other = load(
        "[sip]\ndomain = \"x.example\"\n[store]\nretention = { history_days = 3 }\n",
        &[],
    )
    .unwrap();
    assert_eq!(
        Settings::default().differing(&other),
        ["sip.domain", "store.retention"]
    );
}

#[test]
fn the_reference_says_what_the_doc_comments_say() {
    expect_file!["../../docs/config.md"].assert_eq(&config::reference());
}

#[test]
fn the_reference_names_every_field() {
    let reference = config::reference();
    for section in <Settings as config::Record>::schema() {
        assert!(reference.contains(&format!("### `[{}]`", section.name)));
    }
    for field in <config::Queue as config::Record>::schema() {
        let first_line = field.doc.lines().next().unwrap_or_default();
        assert!(
            reference.contains(&format!("| `{}` |", field.name)),
            "{}",
            field.name
        );
        assert!(reference.contains(first_line), "{first_line}");
    }
}

#[test]
fn the_schema_of_a_resource_says_types_bounds_and_defaults() {
    let schema = config::json_schema::<config::Queue>();
    assert_eq!(schema["required"], serde_json::json!(["name"]));
    assert_eq!(schema["additionalProperties"], false);
    let ageing = &schema["properties"]["ageing"];
    assert_eq!(
        (&ageing["minimum"], &ageing["default"]),
        (&1.into(), &10.into())
    );
    let strategy = &schema["properties"]["strategy"];
    assert_eq!(strategy["enum"][0], "longest-idle");
    assert_eq!(strategy["enum"].as_array().map(Vec::len), Some(8));
    let password = &config::json_schema::<config::User>()["properties"]["password"];
    assert_eq!(password["writeOnly"], true);
}

#[test]
fn what_only_follows_from_another_fault_is_not_said() {
    let text = "[sip]\nlisten = [\"tls:127.0.0.1:5061\"]\ndigest = [\"sha-1\"]\n";
    let faults = Settings::load(text, "lampfield.toml", []).unwrap_err();
    let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 3], "{faults}");
    // The first address is left out, and the second takes its place in the list.
    let text = "[sip]\nlisten = [\"tls:127.0.0.1:5061\", \"tcp:127.0.0.1:8080\"]\n";
    let faults = Settings::load(text, "lampfield.toml", []).unwrap_err();
    assert_eq!(faults.count(), 2, "{faults}");
}

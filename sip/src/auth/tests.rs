//! The asking and the answering side together: what each set of credentials is worth.

use super::*;
use crate::{Method, RequestBuilder};
use alloc::vec;
use core::net::Ipv4Addr;

const START: Duration = Duration::from_secs(1_700_000_000);
const PHONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8));
const URI: &str = "sip:example.org";

fn after(seconds: u64) -> Duration {
    START + Duration::from_secs(seconds)
}

fn credentials(password: &str) -> Credentials {
    Credentials {
        username: "1001".into(),
        password: password.into(),
    }
}

/// What the registrar knows: one user.
fn lookup(username: &str) -> Option<Ha1Set> {
    (username == "1001").then(|| Ha1Set::of_password("1001", "example.org", "secret"))
}

fn register(authorization: Option<&str>) -> Message {
    let request = RequestBuilder::new(Method::Register, URI)
        .via(crate::Transport::Udp, "192.0.2.7", "z9hG4bK1")
        .from("", "sip:1001@example.org", "a")
        .to("", "sip:1001@example.org", None)
        .call_id("c1")
        .cseq(1);
    match authorization {
        Some(value) => request.header(HeaderName::Authorization, value),
        None => request,
    }
    .message()
    .unwrap()
}

fn registrar(algorithms: &[Algorithm]) -> Authenticator {
    Authenticator::new(&[9; 32], "example.org", algorithms, START)
}

/// Has a phone answer the first challenge it can.
fn answer(challenges: &[String], password: &str, count: u32) -> String {
    let challenge = challenges
        .iter()
        .find_map(|value| Challenge::parse(value.as_bytes()))
        .unwrap();
    challenge.answer(&credentials(password), "REGISTER", URI, count, "f00d")
}

fn accepted() -> Verdict {
    Verdict::Accepted {
        username: "1001".into(),
    }
}

fn forbidden(username: &str) -> Verdict {
    Verdict::Forbidden {
        username: username.into(),
    }
}

const FRESH: Verdict = Verdict::Challenge { stale: false };
const STALE: Verdict = Verdict::Challenge { stale: true };

fn judge(registrar: &mut Authenticator, now: Duration, source: IpAddr, value: &str) -> Verdict {
    registrar.verify(now, source, &register(Some(value)), lookup)
}

#[test]
fn a_phone_that_knows_the_password_is_accepted() {
    for algorithms in [
        &[Algorithm::Md5][..],
        &[Algorithm::Sha256],
        &[Algorithm::Sha256, Algorithm::Md5],
        &[],
    ] {
        let mut registrar = registrar(algorithms);
        let nobody = registrar.verify(after(1), PHONE, &register(None), lookup);
        assert_eq!(nobody, FRESH);
        let challenges = registrar.challenge(after(1), PHONE, false);
        assert_eq!(challenges.len(), algorithms.len().max(1));
        let value = answer(&challenges, "secret", 1);
        assert_eq!(judge(&mut registrar, after(2), PHONE, &value), accepted());
    }
}

#[test]
fn what_credentials_are_worth() {
    let mut registrar = registrar(&[Algorithm::Sha256, Algorithm::Md5]);
    let challenges = registrar.challenge(after(1), PHONE, false);
    let good = |count| answer(&challenges, "secret", count);
    let stranger = good(1).replace("username=\"1001\"", "username=\"nobody\"");
    let table: &[(&str, String, IpAddr, u64, Verdict)] = &[
        (
            "wrong password",
            answer(&challenges, "guess", 1),
            PHONE,
            2,
            forbidden("1001"),
        ),
        ("no such user", stranger, PHONE, 2, forbidden("nobody")),
        ("from elsewhere", good(1), OTHER, 2, STALE),
        (
            "another realm",
            good(1).replace("example.org\", n", "example.com\", n"),
            PHONE,
            2,
            FRESH,
        ),
        (
            "not digest",
            "Basic MTAwMTpzZWNyZXQ=".into(),
            PHONE,
            2,
            FRESH,
        ),
        (
            "unknown algorithm",
            good(1).replace("SHA-256", "SHA-256-sess"),
            PHONE,
            2,
            FRESH,
        ),
        (
            "auth-int",
            good(1).replace("qop=auth", "qop=auth-int"),
            PHONE,
            2,
            FRESH,
        ),
        (
            "no count",
            good(1).replace(", nc=00000001", ""),
            PHONE,
            2,
            FRESH,
        ),
        (
            "no response",
            good(1).replace("response=", "answer="),
            PHONE,
            2,
            FRESH,
        ),
        ("good", good(1), PHONE, 2, accepted()),
        ("replayed", good(1), PHONE, 3, STALE),
        ("next", good(2), PHONE, 3, accepted()),
        (
            "upper case",
            good(3).replace("qop=auth", "qop=\"AUTH\""),
            PHONE,
            3,
            accepted(),
        ),
        ("too old", good(4), PHONE, 61, STALE),
    ];
    for (name, value, source, at, expected) in table {
        let verdict = judge(&mut registrar, after(*at), *source, value);
        assert_eq!(verdict, *expected, "{name}: {value}");
    }
}

#[test]
fn the_digest_covers_the_method() {
    let mut registrar = registrar(&[Algorithm::Md5]);
    let challenges = registrar.challenge(after(1), PHONE, false);
    let challenge = Challenge::parse(challenges[0].as_bytes()).unwrap();
    let invite = challenge.answer(&credentials("secret"), "INVITE", URI, 1, "f00d");
    assert_eq!(
        judge(&mut registrar, after(2), PHONE, &invite),
        forbidden("1001")
    );
}

#[test]
fn a_nonce_of_another_life_is_stale_and_not_a_wrong_password() {
    let mut before = Authenticator::new(&[8; 32], "example.org", &[Algorithm::Md5], START);
    let value = answer(&before.challenge(after(1), PHONE, false), "secret", 1);
    let wrong = answer(&before.challenge(after(1), PHONE, false), "guess", 1);
    let mut now = registrar(&[Algorithm::Md5]);
    assert_eq!(judge(&mut now, after(2), PHONE, &value), STALE, "other key");
    assert_eq!(
        judge(&mut now, after(2), PHONE, &wrong),
        FRESH,
        "other key, wrong password"
    );
    let mut restarted = Authenticator::new(&[8; 32], "example.org", &[Algorithm::Md5], after(2));
    assert_eq!(
        judge(&mut restarted, after(3), PHONE, &value),
        STALE,
        "same key"
    );
}

#[test]
fn a_nonce_of_the_first_instant_is_good() {
    let mut registrar = registrar(&[Algorithm::Md5]);
    let value = answer(&registrar.challenge(START, PHONE, false), "secret", 1);
    assert_eq!(judge(&mut registrar, START, PHONE, &value), accepted());
}

#[test]
fn evicted_nonces_are_stale() {
    let mut registrar = registrar(&[Algorithm::Md5]).remembering(2);
    let nonces: Vec<_> = (1..=3)
        .map(|second| registrar.challenge(after(second), PHONE, false))
        .collect();
    for challenges in &nonces {
        let value = answer(challenges, "secret", 1);
        assert_eq!(judge(&mut registrar, after(4), PHONE, &value), accepted());
    }
    assert_eq!(registrar.nonces(), 2);
    let evicted = answer(&nonces[0], "secret", 2);
    assert_eq!(judge(&mut registrar, after(4), PHONE, &evicted), STALE);
    let kept = answer(&nonces[2], "secret", 2);
    assert_eq!(judge(&mut registrar, after(4), PHONE, &kept), accepted());
}

#[test]
fn phones_without_qop_are_accepted_once_for_each_nonce() {
    let mut registrar = registrar(&[Algorithm::Md5]);
    let challenge = registrar.challenge(after(1), PHONE, false)[0].replace(", qop=\"auth\"", "");
    let value = answer(&[challenge], "secret", 1);
    assert!(!value.contains("cnonce"), "{value}");
    assert_eq!(judge(&mut registrar, after(2), PHONE, &value), accepted());
    assert_eq!(judge(&mut registrar, after(2), PHONE, &value), STALE);
}

#[test]
fn a_user_without_that_algorithm_is_nobody() {
    let mut registrar = registrar(&[Algorithm::Sha256]);
    let value = answer(&registrar.challenge(after(1), PHONE, false), "secret", 1);
    let verdict = registrar.verify(after(2), PHONE, &register(Some(&value)), |_| {
        let mut md5_only = Ha1Set::default();
        md5_only.insert(ha1("1001", "example.org", "secret", Algorithm::Md5));
        Some(md5_only)
    });
    assert_eq!(verdict, forbidden("1001"));
}

#[test]
fn what_stands_in_for_unknown_users_opens_nothing() {
    let mut registrar = registrar(&[Algorithm::Md5]);
    let value = answer(&registrar.challenge(after(1), PHONE, false), "secret", 1);
    let stranger = value.replace("username=\"1001\"", "username=\"nobody\"");
    let header = AuthHeader::parse(stranger.as_bytes()).unwrap();
    let nonce = header.get("nonce").unwrap();
    let proof = Proof {
        nonce: nonce.as_bytes(),
        method: b"REGISTER",
        uri: URI.as_bytes(),
        counted: Some((b"00000001", b"f00d")),
    };
    let decoy = registrar.decoy.of(Algorithm::Md5).unwrap();
    let response = proof.response(&decoy).hex();
    let old = header.get("response").unwrap();
    let forged = stranger.replace(&*old, response.as_str());
    assert_eq!(
        judge(&mut registrar, after(2), PHONE, &forged),
        forbidden("nobody")
    );
}

#[test]
fn several_credentials_are_searched_for_ours() {
    let mut registrar = registrar(&[Algorithm::Md5]);
    let ours = answer(&registrar.challenge(after(1), PHONE, false), "secret", 1);
    let request = RequestBuilder::new(Method::Register, URI)
        .via(crate::Transport::Udp, "192.0.2.7", "z9hG4bK1")
        .from("", "sip:1001@example.org", "a")
        .to("", "sip:1001@example.org", None)
        .call_id("c1")
        .cseq(1)
        .header(
            HeaderName::Authorization,
            ours.replace("example.org\", n", "elsewhere\", n"),
        )
        .header(HeaderName::Authorization, &ours)
        .message()
        .unwrap();
    assert_eq!(
        registrar.verify(after(2), PHONE, &request, lookup),
        accepted()
    );
}

#[test]
fn a_challenge_says_what_it_asks() {
    let mut registrar = registrar(&[Algorithm::Sha256, Algorithm::Md5]);
    let challenges = registrar.challenge(after(1), PHONE, true);
    let parsed: Vec<_> = challenges
        .iter()
        .map(|value| Challenge::parse(value.as_bytes()).unwrap())
        .collect();
    assert!(
        parsed
            .iter()
            .all(|one| one.is_stale() && one.realm() == "example.org")
    );
    assert!(
        challenges[0].contains("algorithm=SHA-256"),
        "{challenges:?}"
    );
    assert!(challenges[1].contains("algorithm=MD5"), "{challenges:?}");
}

#[test]
fn what_cannot_be_answered_is_no_challenge() {
    for (name, value, readable) in [
        ("minimal", "Digest realm=\"a\", nonce=\"b\"", true),
        (
            "qop list",
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth-int, auth\"",
            true,
        ),
        (
            "auth-int only",
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\"",
            false,
        ),
        (
            "unknown algorithm",
            "Digest realm=\"a\", nonce=\"b\", algorithm=SHA-512-256",
            false,
        ),
        ("no nonce", "Digest realm=\"a\"", false),
        ("another scheme", "Basic realm=\"a\"", false),
        ("empty", "", false),
    ] {
        assert_eq!(
            Challenge::parse(value.as_bytes()).is_some(),
            readable,
            "{name}"
        );
    }
}

#[test]
fn quotes_and_line_ends_cannot_leave_their_place() {
    let challenge = Challenge::parse(br#"Digest realm="a\"b", nonce="n""#).unwrap();
    let tricky = Credentials {
        username: "x\"\r\nVia: y".into(),
        password: String::new(),
    };
    let value = challenge.answer(&tricky, "REGISTER", URI, 1, "c");
    assert!(
        value.starts_with(r#"Digest username="x\"Via: y", realm="a\"b", "#),
        "{value}"
    );
}

proptest::proptest! {
    /// Whatever stands in the header, it opens nothing and breaks nothing.
    #[test]
    fn no_text_is_accepted_by_chance(
        params in "[ -~]{0,80}",
        known in proptest::sample::subsequence(
            vec![
                "username=\"1001\"",
                "realm=\"example.org\"",
                "nonce=\"00060a24181e400000000000000000000000000000000000\"",
                "uri=\"sip:example.org\"",
                "response=\"00000000000000000000000000000000\"",
                "qop=auth",
                "nc=00000001",
                "cnonce=\"x\"",
            ],
            0..=8,
        ),
    ) {
        let mut registrar = registrar(&[Algorithm::Md5]);
        let value = format!("Digest {}, {params}", known.join(", "));
        proptest::prop_assert_eq!(judge(&mut registrar, after(1), PHONE, &value), FRESH);
        let _ = Challenge::parse(value.as_bytes());
    }
}

//! Answers to the challenges that our requests meet: which of them are given, and when to give up.
//!
//! One [`Answers`] belongs to one account at one peer and outlives its requests. A challenge that was answered well is
//! used for the next request at once, with a count that grows (RFC 7616 §3.4), so that a refresh takes one round trip. A peer
//! and the proxies before it may each ask in a realm of their own (RFC 3261 §22.3).

use alloc::format;
use alloc::vec::Vec;

use crate::{HeaderName, Message, RequestBuilder};

use super::client::{Challenge, Credentials};

/// Challenges to one request that are answered; a peer that goes on asking is not satisfied by any answer.
const ROUNDS_MAX: u8 = 4;

/// What a challenge means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenged {
    /// The request is to be sent again, with the answer.
    Again,
    /// The answer is wrong: the user name or the password is.
    Refused,
    /// There is nothing that could be answered: no digest, or no algorithm that we speak.
    Unknown,
}

/// The answers that one account gives to one peer.
#[derive(Debug, Clone)]
pub struct Answers {
    credentials: Credentials,
    seed: u64,
    rounds: u8,
    kept: Vec<Kept>,
}

#[derive(Debug, Clone)]
struct Kept {
    challenge: Challenge,
    /// Whether a proxy asked, by 407.
    proxy: bool,
    /// How often it has been answered.
    count: u32,
    /// Whether it came in answer to the request in hand.
    fresh: bool,
}

impl Answers {
    /// An account that has not been asked yet. `seed` is random: client nonces are made of it.
    #[must_use]
    pub const fn new(credentials: Credentials, seed: u64) -> Self {
        Self {
            credentials,
            seed,
            rounds: 0,
            kept: Vec::new(),
        }
    }

    /// The next challenge belongs to a new request.
    pub fn begin(&mut self) {
        self.rounds = 0;
        self.kept.iter_mut().for_each(|kept| kept.fresh = false);
    }

    /// Takes the challenges of a 401 or 407.
    ///
    /// An answer to a challenge of before may have been too old, whether the peer says so or not; one to a challenge that came
    /// just now was wrong, unless the peer says `stale`.
    pub fn challenged(&mut self, response: &Message) -> Challenged {
        let proxy = response.status() == Some(407);
        let name = if proxy {
            HeaderName::ProxyAuthenticate
        } else {
            HeaderName::WwwAuthenticate
        };
        let mut challenges = response.headers(name);
        let Some(challenge) = challenges.find_map(Challenge::parse) else {
            return Challenged::Unknown;
        };
        self.rounds = self.rounds.saturating_add(1);
        let same = |kept: &Kept| kept.proxy == proxy && kept.challenge.realm() == challenge.realm();
        let before = self.kept.iter().position(same);
        let before = before.map(|index| self.kept.swap_remove(index));
        let was_wrong = before.is_some_and(|before| before.fresh) && !challenge.is_stale();
        if was_wrong || self.rounds > ROUNDS_MAX {
            return Challenged::Refused;
        }
        self.kept.push(Kept {
            challenge,
            proxy,
            count: 0,
            fresh: true,
        });
        Challenged::Again
    }

    /// Adds the answers to all challenges so far.
    pub fn authorize(
        &mut self,
        mut request: RequestBuilder,
        method: &str,
        uri: &str,
    ) -> RequestBuilder {
        for kept in &mut self.kept {
            kept.count = kept.count.saturating_add(1);
            self.seed = next(self.seed);
            let cnonce = format!("{:016x}", self.seed);
            let value = kept
                .challenge
                .answer(&self.credentials, method, uri, kept.count, &cnonce);
            let name = if kept.proxy {
                HeaderName::ProxyAuthorization
            } else {
                HeaderName::Authorization
            };
            request = request.header(name, value);
        }
        request
    }
}

/// One step of a SplitMix64 (Steele, Lea and Flood 2014): a client nonce has to differ from the last, and no more.
pub(crate) const fn next(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;
    use alloc::string::String;
    use bytes::Bytes;

    fn response(status: u16, challenges: &[&str]) -> Message {
        let name = if status == 407 { "Proxy" } else { "WWW" };
        let lines: String = challenges
            .iter()
            .map(|value| format!("{name}-Authenticate: {value}\r\n"))
            .collect();
        let text = format!(
            "SIP/2.0 {status} No\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:a@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n{lines}Content-Length: 0\r\n\r\n"
        );
        Message::parse(Bytes::from(text)).unwrap()
    }

    fn account() -> Answers {
        let credentials = Credentials {
            username: "u".into(),
            password: "p".into(),
        };
        Answers::new(credentials, 7)
    }

    fn digest(realm: &str, nonce: &str, more: &str) -> String {
        format!("Digest realm=\"{realm}\", nonce=\"{nonce}\"{more}")
    }

    /// What each of these responses to one request means.
    fn check(answers: &mut Answers, rounds: &[(u16, &str, Challenged)]) {
        answers.begin();
        for (status, challenge, expected) in rounds {
            let response = response(*status, &[challenge]);
            assert_eq!(answers.challenged(&response), *expected, "{challenge}");
        }
    }

    #[test]
    fn an_answer_is_wrong_when_a_fresh_challenge_comes_back_for_it() {
        use Challenged::{Again, Refused};
        let (a, b) = (digest("r", "a", ""), digest("r", "b", ""));
        let stale = digest("r", "b", ", stale=true");
        let other = digest("of the proxy", "a", "");
        check(&mut account(), &[(401, &a, Again), (401, &b, Refused)]);
        check(&mut account(), &[(401, &a, Again), (401, &stale, Again)]);
        check(&mut account(), &[(407, &a, Again), (401, &a, Again)]);
        check(&mut account(), &[(407, &other, Again), (407, &a, Again)]);
        let mut later = account();
        check(&mut later, &[(401, &a, Again)]);
        check(&mut later, &[(401, &b, Again), (401, &a, Refused)]);
    }

    #[test]
    fn who_asks_without_end_is_not_answered_without_end() {
        use Challenged::{Again, Refused};
        let stale = digest("r", "b", ", stale=true");
        let rounds = [
            (401, &*stale, Again),
            (401, &*stale, Again),
            (401, &*stale, Again),
            (401, &*stale, Again),
            (401, &*stale, Refused),
        ];
        check(&mut account(), &rounds);
    }

    #[test]
    fn what_cannot_be_answered_is_said_so_and_of_several_the_first_that_can_is_taken() {
        let mut answers = account();
        for challenges in [
            &[][..],
            &["Basic realm=\"r\""],
            &["Digest realm=\"r\", nonce=\"n\", algorithm=WHAT"],
            &["Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\""],
        ] {
            assert_eq!(
                answers.challenged(&response(401, challenges)),
                Challenged::Unknown,
                "{challenges:?}"
            );
        }
        let several = [
            "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256",
            "Digest realm=\"r\", nonce=\"n\", algorithm=MD5",
        ];
        let several = response(401, &several);
        assert_eq!(answers.challenged(&several), Challenged::Again);
    }

    #[test]
    fn a_challenge_is_used_again_with_a_higher_count() {
        let mut answers = account();
        let challenge = digest("r", "n", ", qop=\"auth\"");
        answers.challenged(&response(401, &[&challenge]));
        let mut sent = |_| {
            let request = RequestBuilder::new(Method::Register, "sip:b")
                .from("", "sip:u@b", "1")
                .to("", "sip:u@b", None)
                .call_id("c")
                .cseq(1);
            let request = answers.authorize(request, "REGISTER", "sip:b");
            String::from_utf8(request.build().unwrap().to_vec()).unwrap()
        };
        let (first, second) = (sent(()), sent(()));
        assert!(first.contains("nc=00000001"), "{first}");
        assert!(second.contains("nc=00000002"), "{second}");
        let cnonce = |text: &str| {
            let (_, rest) = text.split_once("cnonce=\"").unwrap();
            String::from(&rest[..16])
        };
        assert_ne!(cnonce(&first), cnonce(&second));
    }
}

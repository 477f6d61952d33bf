//! `Idempotency-Key`: a change that is sent twice is made once, and answered the same both times.
//!
//! The first request with a key runs in a task of its own, so that it ends even when its client has gone; later ones
//! with the same key wait for its answer or get it again. This makes a retry after a 504 harmless: the engine may
//! still do what it was asked, and then the retry finds that answer instead of asking again. For this a request with
//! a key waits a minute for the engine, while its client is told 504 after two seconds as usual.
//!
//! Answers are kept for a day, at most [`KEYS_MAX`] of a user and [`ANSWERS_MAX`] in all, oldest forgotten first.
//! Answers that say "not now" (5xx) are not kept: that retry may try anew.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::auth::identity::Authenticated;
use crate::extract::body_max;
use crate::problem::{ApiError, FieldFault, Kind};
use crate::state::{ApiState, SILENCE};

/// Answers kept for one user.
const KEYS_MAX: usize = 100;

/// Answers kept in all.
const ANSWERS_MAX: usize = 2000;

/// The largest answer that is kept, in bytes; larger ones are given once.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long a request with a key waits for the engine, while its client may come back for the answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time a client waits beyond the engine's silence: hashing a password, writing the store.
const SLACK: Duration = Duration::from_secs(8);

tokio::task_local! {
    static PATIENT: Duration;
}

/// How long the request at hand waits for the engine.
pub(crate) fn patience() -> Duration {
    PATIENT.try_with(|patience| *patience).unwrap_or(SILENCE)
}

/// The answers that are kept.
#[derive(Default)]
pub(crate) struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    answers: BTreeMap<Key, Slot>,
    oldest_first: VecDeque<Key>,
    /// Numbers the slots, so that an old one's end does not remove a new one.
    count: u64,
}

/// Whose key, and which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    username: String,
    key: String,
}

#[derive(Clone)]
struct Slot {
    number: u64,
    request: [u8; 32],
    since: Instant,
    answer: watch::Receiver<Option<Answer>>,
}

/// An answer that can be given again.
#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }
}

/// What to do with a request that has a key.
enum Turn {
    First(
        u64,
        watch::Sender<Option<Answer>>,
        watch::Receiver<Option<Answer>>,
    ),
    Later(watch::Receiver<Option<Answer>>),
    OtherRequest,
}

/// The layer; stands behind the authentication.
pub(crate) async fn once(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    match keyed(&request) {
        Ok(Some(key)) => run(state, key, request, next)
            .await
            .unwrap_or_else(IntoResponse::into_response),
        Ok(None) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn keyed(request: &Request) -> Result<Option<Key>, ApiError> {
    let Some(value) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    let identity = request
        .extensions()
        .get::<Authenticated>()
        .and_then(|found| found.0.as_ref().ok());
    let (Some(identity), false) = (identity, request.method() == Method::GET) else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=200).contains(&key.len()));
    let key = key.ok_or_else(|| {
        ApiError::field(
            "Idempotency-Key",
            "this is no key",
            "write 1 to 200 characters of ASCII, such as a UUID",
        )
    })?;
    Ok(Some(Key {
        username: identity.user.username.to_string(),
        key: key.to_owned(),
    }))
}

async fn run(
    state: ApiState,
    key: Key,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let limit = body_max(&parts.headers);
    let too_large = |_| {
        let what = format!("such a body has at most {} MB", limit / 1_000_000);
        ApiError::new(Kind::TooLarge, what)
    };
    let body = to_bytes(body, limit).await.map_err(too_large)?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let print = fingerprint(&parts.method, path, &body);
    let answer = match state.memory().turn(&key, print, Instant::now()) {
        Turn::First(number, sender, receiver) => {
            let request = Request::from_parts(parts, Body::from(body));
            let work = carry_out(state.clone(), key, number, request, next, sender);
            tokio::spawn(PATIENT.scope(PATIENCE, work));
            receiver
        }
        Turn::Later(receiver) => receiver,
        Turn::OtherRequest => {
            let fault = FieldFault::new("Idempotency-Key", "this key was used for another request")
                .help("take a new key for a new request");
            return Err(ApiError::invalid(vec![fault]));
        }
    };
    wait(answer).await.map(IntoResponse::into_response)
}

fn fingerprint(method: &Method, path: &str, body: &[u8]) -> [u8; 32] {
    let head = format!("{method} {path}\n");
    Sha256::new()
        .chain_update(head)
        .chain_update(body)
        .finalize()
        .into()
}

async fn carry_out(
    state: ApiState,
    key: Key,
    number: u64,
    request: Request,
    next: Next,
    sender: watch::Sender<Option<Answer>>,
) {
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if parts.status.is_server_error() || body.len() > ANSWER_BYTES_MAX {
        state.memory().forget(&key, number);
    }
    // Nobody may be waiting any more; whoever comes back finds the answer in the slot.
    sender.send_replace(Some(Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }));
}

async fn wait(mut answer: watch::Receiver<Option<Answer>>) -> Result<Answer, ApiError> {
    let silent = || {
        ApiError::new(
            Kind::Timeout,
            "it is still under way; ask again with the same Idempotency-Key",
        )
    };
    let answered = timeout(SILENCE + SLACK, answer.wait_for(Option::is_some)).await;
    let answer = answered
        .map_err(|_| silent())?
        .map_err(ApiError::internal)?;
    answer.clone().ok_or_else(silent)
}

impl Memory {
    fn turn(&self, key: &Key, request: [u8; 32], now: Instant) -> Turn {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget_old(now);
        if let Some(slot) = kept.answers.get(key) {
            // A task that ended without an answer (it panicked) is as good as none.
            let is_lost = slot.answer.has_changed().is_err() && slot.answer.borrow().is_none();
            if !is_lost {
                let same = slot.request == request;
                return if same {
                    Turn::Later(slot.answer.clone())
                } else {
                    Turn::OtherRequest
                };
            }
        }
        let (sender, receiver) = watch::channel(None);
        let number = kept.insert(key.clone(), request, now, receiver.clone());
        Turn::First(number, sender, receiver)
    }

    fn forget(&self, key: &Key, number: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept
            .answers
            .get(key)
            .is_some_and(|slot| slot.number == number)
        {
            kept.remove(key);
        }
    }
}

impl Kept {
    fn insert(
        &mut self,
        key: Key,
        request: [u8; 32],
        since: Instant,
        answer: watch::Receiver<Option<Answer>>,
    ) -> u64 {
        self.remove(&key);
        let of_user = self
            .oldest_first
            .iter()
            .filter(|other| other.username == key.username);
        if of_user.count() >= KEYS_MAX {
            let oldest = self
                .oldest_first
                .iter()
                .find(|other| other.username == key.username)
                .cloned();
            oldest.iter().for_each(|oldest| self.remove(oldest));
        }
        if self.answers.len() >= ANSWERS_MAX {
            let oldest = self.oldest_first.front().cloned();
            oldest.iter().for_each(|oldest| self.remove(oldest));
        }
        self.count += 1;
        self.oldest_first.push_back(key.clone());
        self.answers.insert(
            key,
            Slot {
                number: self.count,
                request,
                since,
                answer,
            },
        );
        self.count
    }

    fn remove(&mut self, key: &Key) {
        if self.answers.remove(key).is_some() {
            self.oldest_first.retain(|other| other != key);
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(oldest) = self.oldest_first.front().cloned() {
            let is_old = self
                .answers
                .get(&oldest)
                .is_none_or(|slot| now.duration_since(slot.since) > KEPT);
            if !is_old {
                return;
            }
            self.oldest_first.pop_front();
            self.answers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(username: &str, key: usize) -> Key {
        Key {
            username: username.to_owned(),
            key: key.to_string(),
        }
    }

    fn is_first(memory: &Memory, key: &Key, request: u8, now: Instant) -> bool {
        match memory.turn(key, [request; 32], now) {
            Turn::First(_, sender, _) => {
                let answer = Answer {
                    status: StatusCode::OK,
                    headers: HeaderMap::new(),
                    body: Bytes::new(),
                };
                sender.send_replace(Some(answer));
                true
            }
            Turn::Later(_) | Turn::OtherRequest => false,
        }
    }

    #[test]
    fn a_key_belongs_to_one_user_and_one_request_for_a_day() {
        let (memory, now) = (Memory::default(), Instant::now());
        assert!(is_first(&memory, &key("ann", 1), 1, now));
        assert!(!is_first(&memory, &key("ann", 1), 1, now));
        assert!(is_first(&memory, &key("bob", 1), 1, now));
        assert!(matches!(
            memory.turn(&key("ann", 1), [2; 32], now),
            Turn::OtherRequest
        ));
        assert!(is_first(
            &memory,
            &key("ann", 1),
            2,
            now + KEPT + Duration::from_secs(1)
        ));
    }

    #[test]
    fn memory_is_bounded_for_each_user_and_in_all() {
        let (memory, now) = (Memory::default(), Instant::now());
        for n in 0..=KEYS_MAX {
            assert!(is_first(&memory, &key("ann", n), 1, now));
        }
        assert!(
            is_first(&memory, &key("ann", 0), 1, now),
            "the oldest was forgotten"
        );
        assert!(
            !is_first(&memory, &key("ann", KEYS_MAX), 1, now),
            "the newest was not"
        );
        for user in 0..100 {
            for n in 0..KEYS_MAX {
                is_first(&memory, &key(&user.to_string(), n), 1, now);
            }
        }
        let kept = memory.kept.lock().unwrap();
        assert_eq!(
            (kept.answers.len(), kept.oldest_first.len()),
            (ANSWERS_MAX, ANSWERS_MAX)
        );
    }

    #[test]
    fn a_task_that_died_does_not_block_its_key() {
        let (memory, now) = (Memory::default(), Instant::now());
        let Turn::First(_, sender, _) = memory.turn(&key("ann", 1), [1; 32], now) else {
            panic!("the first")
        };
        assert!(
            !is_first(&memory, &key("ann", 1), 1, now),
            "it is under way"
        );
        drop(sender);
        assert!(is_first(&memory, &key("ann", 1), 1, now));
    }
}

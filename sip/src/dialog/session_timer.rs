//! Session timers: whether the other side of a dialog is still there, known by refreshes (RFC 4028).
//!
//! A [`SessionTimer`] belongs to one dialog, from its INVITE on. It negotiates how long the session holds and who refreshes it,
//! in the requests of either side; it says when a refresh of ours is due and when one of theirs has not come. It begins with
//! the 2xx to the INVITE, begins anew with every refresh, and ends when a 2xx says nothing of it any more. How a refresh is
//! made (an UPDATE or a re-INVITE), and what becomes of a call whose session is over, is its owner's affair.

use core::time::Duration;

use crate::{HeaderName, Message, RequestBuilder, ResponseBuilder};

/// The option tag (RFC 4028 §3).
pub const TAG: &str = "timer";
/// What Min-SE is where nobody says it, in seconds: nobody may ask for less (RFC 4028 §5).
pub const MIN_SE_S: u32 = 90;
/// By how much a session that is not refreshed ends before its time, at most (RFC 4028 §10).
const BEFORE_THE_END: Duration = Duration::from_secs(32);
/// The part of the interval that is waited before a refresh which failed for no lasting reason is tried again.
const AGAIN_PART: u32 = 20;

/// What is done about session timers with one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How far it goes.
    pub wish: Wish,
    /// The interval we ask for, in seconds.
    pub expires_s: u32,
    /// The shortest we take, in seconds: 90 and more.
    pub min_s: u32,
}

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// There is no such thing.
    Off,
    /// If the other side asks for it.
    Accept,
    /// We ask for it.
    Request,
}

/// The session timer of one dialog, from our side.
#[derive(Debug, Clone)]
pub struct SessionTimer {
    terms: Terms,
    /// The largest Min-SE that a 422 has named.
    floor_s: u32,
    running: Option<Running>,
    due: Option<Due>,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    interval_s: u32,
    /// Whether we refresh.
    ours: bool,
    /// When; `None` while a refresh of ours is under way, and where they refresh.
    refresh_at: Option<Duration>,
    /// When it is over if nobody has.
    ends_at: Duration,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Send a refresh.
    Refresh,
    /// No refresh has come, or none of ours was accepted: send a BYE.
    Expired,
}

/// A request asks for an interval that is too short for us: it gets 422 with this Min-SE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session interval is shorter than {min_se_s} s")]
pub struct TooSmall {
    /// The shortest we take, in seconds.
    pub min_se_s: u32,
}

/// What a Session-Expires says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SessionExpires {
    seconds: u32,
    refresher: Option<Refresher>,
}

/// Who refreshes, by the parts in the transaction that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refresher {
    Uac,
    Uas,
}

impl SessionTimer {
    /// One that does not run yet.
    #[must_use]
    pub const fn new(terms: Terms) -> Self {
        Self {
            terms,
            floor_s: 0,
            running: None,
            due: None,
        }
    }

    /// Whether Supported names it.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        self.terms.wish != Wish::Off
    }

    /// The interval, in seconds, while it runs.
    #[must_use]
    pub fn interval_s(&self) -> Option<u32> {
        self.running.map(|running| running.interval_s)
    }

    /// Whether it is our part to refresh.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.running.is_some_and(|running| running.ours)
    }

    /// The other side does not know it, as its 420 says: it is not spoken of any more.
    pub const fn decline(&mut self) {
        self.terms.wish = Wish::Off;
        self.running = None;
    }

    /// Judges an INVITE or UPDATE of theirs. Who does not know session timers does not know a 422 either (§9).
    ///
    /// # Errors
    ///
    /// It is to be refused with 422.
    pub fn judge(&self, request: &Message) -> Result<(), TooSmall> {
        let too_small = session_expires(request)
            .is_some_and(|asked| asked.seconds < self.terms.min_s && is_known_to(request));
        if too_small && self.is_supported() {
            return Err(TooSmall {
                min_se_s: self.terms.min_s,
            });
        }
        Ok(())
    }

    /// Puts into our 2xx to an INVITE or UPDATE of theirs what is agreed, and begins anew (§9).
    pub fn accept(
        &mut self,
        now: Duration,
        request: &Message,
        response: ResponseBuilder,
    ) -> ResponseBuilder {
        let known = is_known_to(request);
        let Some((interval_s, refresher)) = self.settle(request, known) else {
            self.running = None;
            return response;
        };
        self.begin(now, interval_s, refresher == Refresher::Uas);
        let response = if known {
            response.header(HeaderName::Require, TAG)
        } else {
            response
        };
        response.display(
            HeaderName::SessionExpires,
            format_args!("{interval_s};refresher={}", refresher.as_str()),
        )
    }

    /// The interval and who refreshes, as table 2 of §9 has it; `None` where there is to be no session timer.
    fn settle(&self, request: &Message, known: bool) -> Option<(u32, Refresher)> {
        let asked = session_expires(request);
        let least = min_se(request).unwrap_or(MIN_SE_S);
        let interval_s = match (self.terms.wish, asked) {
            (Wish::Off, _) | (Wish::Accept, None) => return None,
            // A proxy has asked for less than anybody may, and the caller would not understand a refusal.
            (_, Some(asked)) if asked.seconds < self.terms.min_s => return None,
            (Wish::Accept, Some(asked)) => asked.seconds,
            (Wish::Request, None) => self.terms.expires_s.max(least),
            // It may be made shorter, but never longer.
            (Wish::Request, Some(asked)) => asked.seconds.min(self.terms.expires_s.max(least)),
        };
        let refresher = match asked {
            Some(_) if !known => Refresher::Uas,
            Some(asked) => asked.refresher.unwrap_or(Refresher::Uac),
            None => Refresher::Uas,
        };
        Some((interval_s, refresher))
    }

    /// Puts into an INVITE or UPDATE of ours what we ask for (§7.1, §7.4). Supported is the owner's to write.
    pub fn ask(&self, request: RequestBuilder) -> RequestBuilder {
        let min_s = self.terms.min_s.max(self.floor_s);
        let request = match (self.running, self.terms.wish) {
            (Some(running), _) => {
                let refresher = if running.ours {
                    Refresher::Uac
                } else {
                    Refresher::Uas
                };
                request.display(
                    HeaderName::SessionExpires,
                    format_args!(
                        "{};refresher={}",
                        running.interval_s.max(self.floor_s),
                        refresher.as_str()
                    ),
                )
            }
            (None, Wish::Request) => request.display(HeaderName::SessionExpires, self.wanted_s()),
            (None, Wish::Off | Wish::Accept) => return request,
        };
        if min_s > MIN_SE_S {
            request.display(HeaderName::MinSe, min_s)
        } else {
            request
        }
    }

    fn wanted_s(&self) -> u32 {
        self.terms.expires_s.max(self.floor_s)
    }

    /// Takes what their 2xx to an INVITE or UPDATE of ours says, and begins anew (§7.2).
    ///
    /// Where we asked and they do not know it, we refresh all the same: a side that is gone shows itself then.
    pub fn on_success(&mut self, now: Duration, response: &Message) {
        let agreed = session_expires(response);
        match (self.terms.wish, agreed) {
            (Wish::Off, _) | (Wish::Accept, None) => self.running = None,
            (Wish::Request, None) => self.begin(now, self.wanted_s(), true),
            (Wish::Accept | Wish::Request, Some(agreed)) => {
                // Nobody may answer less; a peer that does shall not have us send without pause.
                let interval_s = agreed.seconds.max(self.terms.min_s);
                self.begin(now, interval_s, agreed.refresher != Some(Refresher::Uas));
            }
        }
    }

    /// Takes the Min-SE of their 422. False if another request would get the same answer (§7.3).
    pub fn on_too_small(&mut self, response: &Message) -> bool {
        let asked = self.interval_s().unwrap_or(0).max(self.floor_s);
        let asked = asked.max(if self.running.is_none() {
            self.wanted_s()
        } else {
            0
        });
        match min_se(response) {
            Some(least) if least > asked && self.is_supported() => {
                self.floor_s = least;
                true
            }
            Some(_) | None => false,
        }
    }

    /// A refresh of ours was refused, or could not be sent now: it is tried again after `wait`, or after a twentieth of the
    /// interval, while there is time.
    pub fn again(&mut self, now: Duration, wait: Option<Duration>) {
        if let Some(running) = &mut self.running {
            let usual = Duration::from_secs(running.interval_s.into()) / AGAIN_PART;
            running.refresh_at = Some(now + wait.unwrap_or(usual));
        }
    }

    fn begin(&mut self, now: Duration, interval_s: u32, ours: bool) {
        let interval = Duration::from_secs(interval_s.into());
        self.due = None;
        self.running = Some(Running {
            interval_s,
            ours,
            refresh_at: ours.then(|| now + interval / 2),
            ends_at: now + interval - BEFORE_THE_END.min(interval / 3),
        });
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let running = self.running?;
        let refresh = running.refresh_at.into_iter();
        refresh.chain([running.ends_at]).min()
    }

    /// Sees what is due. Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        let Some(running) = &mut self.running else {
            return;
        };
        if running.ends_at <= now {
            self.running = None;
            self.due = Some(Due::Expired);
        } else if running.refresh_at.is_some_and(|at| at <= now) {
            running.refresh_at = None;
            self.due = Some(Due::Refresh);
        }
    }

    /// What is due, once.
    pub const fn poll_output(&mut self) -> Option<Due> {
        self.due.take()
    }
}

impl Refresher {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

/// Whether the sender knows session timers.
fn is_known_to(message: &Message) -> bool {
    message.has_token(HeaderName::Supported, TAG) || message.has_token(HeaderName::Require, TAG)
}

/// What a message's Session-Expires says; one that cannot be read says nothing.
fn session_expires(message: &Message) -> Option<SessionExpires> {
    let (seconds, params) = message.token_with_params(HeaderName::SessionExpires)?;
    let refresher = params.get("refresher").and_then(|who| {
        if who.eq_ignore_ascii_case("uac") {
            Some(Refresher::Uac)
        } else {
            who.eq_ignore_ascii_case("uas").then_some(Refresher::Uas)
        }
    });
    Some(SessionExpires {
        seconds: seconds.parse().ok()?,
        refresher,
    })
}

fn min_se(message: &Message) -> Option<u32> {
    let (seconds, _) = message.token_with_params(HeaderName::MinSe)?;
    seconds.parse().ok()
}

#[cfg(test)]
mod tests;

//! The early dialogs of one INVITE of ours: what each branch of a fork has said before the answer (RFC 3261 §13.2.2).
//!
//! [`Forks`] begins with the INVITE and ends with its final response. It keeps one dialog for each To-tag, tells which provisional
//! responses are to be acknowledged and which are to be passed over (RFC 3262 §4), and whose session description is
//! heard: the first that comes, until one of them answers. When a 2xx comes its dialog is taken out; the others are nobody's.

use alloc::vec::Vec;

use bytes::Bytes;

use super::{Dialog, DialogKey};
use crate::{Fault, HeaderName, Message, Method, RequestBuilder, Transport, Uri};

/// How many branches are told apart: more than any phone system rings at once. What others say still shows that it rings.
const FORKS_MAX: usize = 16;

/// Where an INVITE of ours went.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Its Request-URI.
    pub request_uri: &'a Uri,
    /// Our Contact in it, a name-addr.
    pub contact: &'a str,
    /// What it was sent by.
    pub transport: Transport,
}

/// The early dialogs of one INVITE of ours.
#[derive(Debug, Default)]
pub struct Forks {
    forks: Vec<Fork>,
    /// The one whose description came first.
    heard: Option<usize>,
}

/// One branch.
#[derive(Debug)]
pub struct Fork {
    /// Its dialog, early still.
    pub dialog: Dialog,
    /// The answer to our offer in its provisional responses.
    pub answer: Option<Bytes>,
    /// Whether that answer came reliably: nothing else can be the answer then (RFC 3262 §5).
    pub is_settled: bool,
    /// The number of the last reliable response that came in order.
    rseq: Option<u32>,
}

/// What a provisional response means.
#[derive(Debug, Default)]
pub struct Progress {
    /// It has made this dialog.
    pub new: Option<DialogKey>,
    /// The PRACK that it is to get, in that dialog.
    pub prack: Option<RequestBuilder>,
    /// Whether its session description is the one to be heard.
    pub is_heard: bool,
}

impl Forks {
    /// Takes a response from 101 to 199. `None` if it is to be passed over: it has come before, or one before it is missing.
    pub fn on_provisional(&mut self, response: &Message, sent: Sent<'_>) -> Option<Progress> {
        let reliable = is_reliable(response);
        let Some((at, new)) = self.find_or_add(response, sent) else {
            // No more than a sign of life; it cannot be acknowledged, so it has not come.
            return (reliable.is_none()).then(Progress::default);
        };
        let fork = self.forks.get_mut(at)?;
        let prack = match reliable {
            None => None,
            Some(rseq)
                if fork
                    .rseq
                    .is_none_or(|last| last.checked_add(1) == Some(rseq)) =>
            {
                fork.rseq = Some(rseq);
                let rack = format_args!("{rseq} {} INVITE", response.cseq().number);
                let prack = fork.dialog.request(Method::Prack);
                Some(prack.display(HeaderName::RAck, rack))
            }
            Some(_) => return None,
        };
        let body = response.body();
        let is_answer = !body.is_empty() && !fork.is_settled;
        if is_answer {
            fork.answer = Some(body);
            fork.is_settled = reliable.is_some();
        }
        let is_heard = is_answer && *self.heard.get_or_insert(at) == at;
        Some(Progress {
            new,
            prack,
            is_heard,
        })
    }

    /// The fork of a response; its key if it is new.
    fn find_or_add(
        &mut self,
        response: &Message,
        sent: Sent<'_>,
    ) -> Option<(usize, Option<DialogKey>)> {
        let tag = response.to_tag().unwrap_or_default();
        if let Some(at) = self.position(tag) {
            return Some((at, None));
        }
        if self.forks.len() == FORKS_MAX {
            return None;
        }
        let dialog = Dialog::uac(response, sent.request_uri, sent.contact, sent.transport).ok()?;
        let key = dialog.key();
        self.forks.push(Fork {
            dialog,
            answer: None,
            is_settled: false,
            rseq: None,
        });
        Some((self.forks.len() - 1, Some(key)))
    }

    fn position(&self, remote_tag: &str) -> Option<usize> {
        let is_it = |fork: &Fork| fork.dialog.remote_tag() == remote_tag;
        self.forks.iter().position(is_it)
    }

    /// The fork of that tag.
    #[must_use]
    pub fn of(&self, remote_tag: &str) -> Option<&Fork> {
        self.forks.get(self.position(remote_tag)?)
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, remote_tag: &str) -> Option<&mut Fork> {
        let at = self.position(remote_tag)?;
        self.forks.get_mut(at)
    }

    /// Whether it is this tag's description that is heard.
    #[must_use]
    pub fn is_heard(&self, remote_tag: &str) -> bool {
        self.heard.is_some() && self.heard == self.position(remote_tag)
    }

    /// The keys of all dialogs.
    pub fn keys(&self) -> impl Iterator<Item = DialogKey> {
        self.forks.iter().map(|fork| fork.dialog.key())
    }

    /// The dialog that a 2xx confirms, with what its branch has said before. All others are over for us: a second 2xx is
    /// acknowledged and hung up (RFC 3261 §13.2.2.4).
    ///
    /// # Errors
    ///
    /// If an address in the response cannot be read.
    pub fn confirm(&mut self, response: &Message, sent: Sent<'_>) -> Result<Fork, Fault> {
        let known = self.position(response.to_tag().unwrap_or_default());
        self.heard = None;
        let known = known.map(|at| self.forks.swap_remove(at));
        self.forks.clear();
        match known {
            Some(mut fork) => {
                fork.dialog.confirm_by(response)?;
                Ok(fork)
            }
            None => Ok(Fork {
                dialog: Dialog::uac(response, sent.request_uri, sent.contact, sent.transport)?,
                answer: None,
                is_settled: false,
                rseq: None,
            }),
        }
    }
}

/// The RSeq of a response that is to be acknowledged; what requires that without a number is none.
fn is_reliable(response: &Message) -> Option<u32> {
    let required = response.has_token(HeaderName::Require, super::RELIABLE_TAG);
    let rseq = response.header_str(HeaderName::RSeq)?;
    rseq.trim().parse().ok().filter(|_| required)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};

    use super::*;

    fn response(status: u16, tag: &str, rseq: Option<u32>, body: &str) -> Message {
        let reliable = rseq.map_or_else(String::new, |rseq| {
            format!("Require: 100rel\r\nRSeq: {rseq}\r\n")
        });
        let text = format!(
            "SIP/2.0 {status} Whatever\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:us@a>;tag=ours\r\n\
            To: <sip:b@b>{}{tag}\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:{tag}@192.0.2.9>\r\n{reliable}\r\n{body}",
            if tag.is_empty() { "" } else { ";tag=" }
        );
        Message::parse(Bytes::from(text)).unwrap()
    }

    /// What a response means, in a few words.
    fn heard(forks: &mut Forks, response: &Message) -> String {
        let uri = Uri::parse("sip:b@b").unwrap();
        let Some(progress) = forks.on_provisional(response, sent(&uri)) else {
            return "passed over".into();
        };
        let mut words = String::from(if progress.new.is_some() {
            "new"
        } else {
            "known"
        });
        if let Some(prack) = progress.prack {
            let prack = prack
                .via(Transport::Udp, "a", "z9hG4bK2")
                .message()
                .unwrap();
            let rack = prack.header_str(HeaderName::RAck).unwrap();
            words += &format!(
                ", {} {} to {} for {rack}",
                prack.method().as_str(),
                prack.cseq().number,
                prack.request_uri().unwrap().as_str()
            );
        }
        if progress.is_heard {
            words += ", heard";
        }
        words
    }

    const fn sent(request_uri: &Uri) -> Sent<'_> {
        Sent {
            request_uri,
            contact: "<sip:us@192.0.2.1>",
            transport: Transport::Udp,
        }
    }

    #[test]
    fn reliable_responses_are_acknowledged_once_and_in_order() {
        let mut forks = Forks::default();
        let table = [
            (
                180,
                "x",
                Some(10),
                "",
                "new, PRACK 8 to sip:x@192.0.2.9 for 10 7 INVITE",
            ),
            (180, "x", Some(10), "", "passed over"),
            (183, "x", Some(12), "v", "passed over"),
            (
                183,
                "x",
                Some(11),
                "v",
                "known, PRACK 9 to sip:x@192.0.2.9 for 11 7 INVITE, heard",
            ),
            (
                183,
                "x",
                Some(12),
                "w",
                "known, PRACK 10 to sip:x@192.0.2.9 for 12 7 INVITE",
            ),
            (180, "x", None, "", "known"),
            // Another branch counts for itself.
            (
                180,
                "y",
                Some(500),
                "",
                "new, PRACK 8 to sip:y@192.0.2.9 for 500 7 INVITE",
            ),
        ];
        for (status, tag, rseq, body, expected) in table {
            let response = response(status, tag, rseq, body);
            assert_eq!(
                heard(&mut forks, &response),
                expected,
                "{status} {tag} {rseq:?}"
            );
        }
        let fork = forks.of("x").unwrap();
        assert!(fork.is_settled);
        assert_eq!(
            fork.answer.as_deref(),
            Some(&b"v"[..]),
            "the second was none"
        );
    }

    #[test]
    fn the_first_description_is_heard_until_one_answers() {
        let mut forks = Forks::default();
        assert_eq!(heard(&mut forks, &response(180, "x", None, "")), "new");
        assert_eq!(
            heard(&mut forks, &response(183, "y", None, "y1")),
            "new, heard"
        );
        assert_eq!(heard(&mut forks, &response(183, "x", None, "x1")), "known");
        assert_eq!(
            heard(&mut forks, &response(183, "y", None, "y2")),
            "known, heard"
        );
        assert!(forks.is_heard("y") && !forks.is_heard("x") && !forks.is_heard("z"));
        let uri = Uri::parse("sip:b@b").unwrap();
        let fork = forks
            .confirm(&response(200, "x", None, ""), sent(&uri))
            .unwrap();
        assert!(fork.dialog.is_confirmed());
        assert_eq!(fork.answer.as_deref(), Some(&b"x1"[..]));
        assert_eq!(forks.keys().count(), 0);
    }

    #[test]
    fn the_dialog_of_a_2xx_counts_on_after_its_pracks() {
        let mut forks = Forks::default();
        heard(&mut forks, &response(180, "x", Some(1), ""));
        let uri = Uri::parse("sip:b@b").unwrap();
        let known = forks
            .confirm(&response(200, "x", None, ""), sent(&uri))
            .unwrap();
        assert_eq!(known.dialog.local_cseq(), 8);
        let other = forks
            .confirm(&response(200, "z", None, ""), sent(&uri))
            .unwrap();
        assert_eq!(
            (other.dialog.local_cseq(), other.dialog.remote_tag()),
            (7, "z")
        );
    }

    #[test]
    fn too_many_branches_only_show_that_it_rings() {
        let mut forks = Forks::default();
        for number in 0..FORKS_MAX {
            let response = response(180, &number.to_string(), None, "");
            assert_eq!(heard(&mut forks, &response), "new");
        }
        assert_eq!(
            heard(&mut forks, &response(180, "late", None, "v")),
            "known"
        );
        assert_eq!(
            heard(&mut forks, &response(180, "late", Some(1), "v")),
            "passed over"
        );
        assert_eq!(forks.keys().count(), FORKS_MAX);
    }

    #[test]
    fn what_is_no_reliable_response() {
        let mut forks = Forks::default();
        let plain = response(183, "x", None, "");
        for extra in [
            "Require: 100rel",
            "RSeq: 1",
            "Require: 100rel\r\nRSeq: x",
            "Require: y\r\nRSeq: 1",
        ] {
            let text = String::from_utf8_lossy(plain.as_bytes())
                .replace("Contact", &format!("{extra}\r\nContact"));
            let response = Message::parse(Bytes::from(text)).unwrap();
            assert!(!heard(&mut forks, &response).contains("PRACK"), "{extra}");
        }
        let untagged = response(183, "", None, "v");
        assert_eq!(
            heard(&mut forks, &untagged),
            "new, heard",
            "RFC 2543 knew no tags"
        );
    }
}

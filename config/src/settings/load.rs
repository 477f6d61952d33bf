//! Reads the settings file, lays the environment over it, and checks what goes together.

use std::net::SocketAddr;

use super::{Settings, env};
use crate::centre::Document;
use crate::fault::{Faults, Source};
use crate::read::{self, Places, Problem, Reader, Record};
use crate::values::Listen;
use crate::values::{TimeOfDay, Transport, VerifyClient};

impl Settings {
    /// Reads the settings: `text` is the file (empty where there is none), `file` its name in
    /// messages, `environment` all variables, of which those that begin with `LAMPFIELD__` count
    /// and prevail: `LAMPFIELD__SIP__DOMAIN=example.com`. Values that are no text are written as
    /// in the file; a list may also be its items with commas between them.
    ///
    /// # Errors
    ///
    /// All faults of the file and the environment at once.
    pub fn load(
        text: &str,
        file: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Faults> {
        let mut document = Document::parse(text);
        let mut sources = vec![Source {
            name: file.to_owned(),
            text: text.to_owned(),
        }];
        let mut problems = env::overlay(&mut document.root, &mut sources, environment);
        let mut reader = Reader::default();
        let settings = Self::read_table(&document.root, &mut reader).unwrap_or_default();
        let (found, places) = reader.finish();
        problems.extend(found);
        let mut across = settings.cross_faults(&places);
        // What is said of a field that is faulty by itself only follows from that; the places of a list's items move
        // when faulty ones are left out.
        across.retain(|fault| {
            let is_in_it = |problem: &Problem| problem.path.starts_with(&fault.path);
            fault.path.ends_with(']') || !problems.iter().any(is_in_it)
        });
        problems.extend(across);
        match Faults::new(sources, document.with_syntax_faults(text, problems)) {
            Some(faults) => Err(faults),
            None => Ok(settings),
        }
    }

    /// The settings that are not the same in `other`, as `sip.domain`.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let sections = self.written().into_iter().zip(other.written());
        let mut names = Vec::new();
        for (ours, theirs) in sections {
            let (Some(ours_in), Some(theirs_in)) =
                (ours.value.as_object(), theirs.value.as_object())
            else {
                continue;
            };
            let changed = ours_in
                .iter()
                .filter(|(key, value)| theirs_in.get(*key) != Some(value));
            names.extend(changed.map(|(key, _)| format!("{}.{key}", ours.name)));
        }
        names
    }

    fn cross_faults(&self, places: &Places) -> Vec<Problem> {
        let mut faults = CrossFaults {
            places,
            problems: Vec::new(),
        };
        if self.sip.listen.is_empty() {
            faults.add(
                "sip.listen",
                "nobody could reach us",
                "write at least \"udp:127.0.0.1:5060\"",
            );
        }
        for (index, listen) in self.sip.listen.iter().enumerate() {
            let field = format!("sip.listen[{index}]");
            if listen.address.port() != 0
                && self
                    .sip
                    .listen
                    .iter()
                    .take(index)
                    .any(|earlier| earlier == listen)
            {
                faults.add(
                    &field,
                    &format!("{listen} stands there twice"),
                    "write it once",
                );
            }
            if listen.transport != Transport::Udp && same_socket(listen.address, self.http.listen) {
                let message = format!("{} is where the API listens (http.listen)", listen.address);
                faults.add(&field, &message, "choose another port for one of the two");
            }
            let is_there_too = |earlier: &&Listen| {
                earlier.transport != listen.transport
                    && earlier.transport != Transport::Udp
                    && same_socket(earlier.address, listen.address)
            };
            let earlier = self.sip.listen.iter().take(index).find(is_there_too);
            if let Some(earlier) = earlier.filter(|_| listen.transport != Transport::Udp) {
                let message = format!("{listen} is the same port as {earlier}");
                faults.add(&field, &message, "choose another port for one of the two");
            }
            if listen.transport == Transport::Tls && self.sip.tls.is_none() {
                let help = "write sip.tls = { certificate = \"cert.pem\", key = \"key.pem\" }";
                faults.add(&field, &format!("{listen} needs a certificate"), help);
            }
        }
        if let Some(tls) = &self.sip.tls
            && tls.verify_client != VerifyClient::Off
            && tls.ca.is_none()
        {
            faults.add(
                "sip.tls.verify_client",
                "any certificate that the system trusts would let a peer in",
                "name the file with the roots of your peers' certificates as sip.tls.ca",
            );
        }
        if self.sip.digest.is_empty() {
            faults.add(
                "sip.digest",
                "phones could not be challenged",
                "write [\"md5\"]",
            );
        }
        for (index, algorithm) in self.sip.digest.iter().enumerate() {
            if self
                .sip
                .digest
                .iter()
                .take(index)
                .any(|earlier| earlier == algorithm)
            {
                let field = format!("sip.digest[{index}]");
                faults.add(
                    &field,
                    &format!("\"{algorithm}\" stands there twice"),
                    "write it once",
                );
            }
        }
        let timers = &self.sip.session_timers;
        if timers.min > timers.expires {
            let message = format!(
                "{} s is more than the {} s that we ask for (expires)",
                timers.min, timers.expires
            );
            faults.add(
                "sip.session_timers.min",
                &message,
                "write no more than `expires`",
            );
        }
        if self.media.address.is_unspecified() {
            let message = format!(
                "{} is no address that others can send audio to",
                self.media.address
            );
            faults.add(
                "media.address",
                &message,
                "write the address of this machine that they reach",
            );
        }
        if self.centre.day_starts == TimeOfDay::END {
            faults.add(
                "centre.day_starts",
                "no day starts at 24:00",
                "write \"00:00\"",
            );
        }
        faults.problems
    }
}

fn same_socket(one: SocketAddr, other: SocketAddr) -> bool {
    let any = |address: SocketAddr| address.ip().is_unspecified();
    let same_ip = one.ip() == other.ip() || any(one) || any(other);
    one.port() == other.port() && one.port() != 0 && same_ip
}

struct CrossFaults<'a> {
    places: &'a Places,
    problems: Vec<Problem>,
}

impl CrossFaults<'_> {
    fn add(&mut self, path: &str, message: &str, help: &str) {
        let field = path.split('[').next().unwrap_or(path);
        self.problems.push(Problem {
            path: path.to_owned(),
            span: read::nearest_place(self.places, path),
            message: format!("`{field}`: {message}"),
            help: help.to_owned(),
        });
    }
}

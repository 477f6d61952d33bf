//! Which phone is where: the registrar's bindings (RFC 3261 §10).
//!
//! Owns the bindings of every address of record we serve: an extension with a password, or a trunk that
//! registers here. An address of record may have several. Who may register is decided before; the answer's
//! bytes are made after. A binding lives from its REGISTER until it is taken back, runs out, or its
//! address of record is removed from the centre; it survives a restart by its journal record.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use sip::{Flow, Transport};

use crate::Now;
use crate::event::Event;
use crate::journal::{BindingKey, BindingRecord};

/// The shortest registration taken; shorter ones get 423 (RFC 3261 §10.3 step 7).
pub(crate) const EXPIRES_MIN: u32 = 60;
/// The longest, and what a phone gets that names none.
pub(crate) const EXPIRES_MAX: u32 = 3600;
/// The most bindings one address of record may have.
const CONTACTS_MAX: usize = 10;
/// How often a phone behind NAT is sent a keep-alive: well under the 30 s after which routers forget (RFC 5626 §4.4).
pub(crate) const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(20);

/// All bindings.
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    bindings: BTreeMap<String, Vec<Binding>>,
    /// Expiries in order, so that none is scanned for.
    expiries: BTreeMap<(i64, BindingKey), ()>,
    /// Whose phone a source is; asked for every new INVITE.
    sources: BTreeMap<(Transport, SocketAddr), Vec<String>>,
    /// How many bindings came from an address, whatever the port.
    addresses: BTreeMap<IpAddr, usize>,
}

/// One binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) record: BindingRecord,
    pub(crate) flow: Flow,
}

/// A REGISTER that may be carried out.
#[derive(Debug)]
pub(crate) struct Register {
    pub(crate) aor: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) flow: Flow,
    pub(crate) ua: Option<String>,
    pub(crate) contacts: Contacts,
}

/// What a REGISTER asks for.
#[derive(Debug)]
pub(crate) enum Contacts {
    /// Nothing: it only asks what is there.
    Query,
    /// `*` with an expiry of 0.
    RemoveAll,
    /// These.
    Set(Vec<ContactWish>),
}

/// One Contact of a REGISTER.
#[derive(Debug)]
pub(crate) struct ContactWish {
    pub(crate) uri: String,
    /// Whether it names where the request came from; else the phone is behind NAT.
    pub(crate) names_source: bool,
    pub(crate) expires: Option<u32>,
}

/// What a REGISTER did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Registered {
    /// Added or refreshed, to be journalled.
    pub(crate) kept: Vec<BindingRecord>,
    /// Taken back.
    pub(crate) gone: Vec<BindingKey>,
}

/// Why a REGISTER was not carried out; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegisterFault {
    /// 423 with Min-Expires.
    TooBrief,
    /// 500: older than what we have (§10.3 step 7).
    OutOfOrder,
    /// 403: too many contacts.
    TooMany,
}

impl Registrar {
    /// Takes up what the journal says; what has run out meanwhile is found by [`expire`](Self::expire).
    pub(crate) fn new<'r>(records: impl Iterator<Item = &'r BindingRecord>, _now: Now) -> Self {
        let mut registrar = Self::default();
        for record in records {
            if let Some(flow) = flow_of(record) {
                registrar.insert(Binding {
                    record: record.clone(),
                    flow,
                });
            }
        }
        registrar
    }

    /// Carries out a REGISTER, whole or not at all.
    pub(crate) fn register(
        &mut self,
        now: Now,
        request: &Register,
    ) -> Result<Registered, RegisterFault> {
        let mut done = Registered::default();
        match &request.contacts {
            Contacts::Query => {}
            Contacts::RemoveAll => {
                let old: Vec<BindingKey> = self
                    .of(&request.aor)
                    .iter()
                    .map(|b| b.record.key.clone())
                    .collect();
                for key in &old {
                    self.check_order(key, request)?;
                }
                old.iter().for_each(|key| self.remove(key));
                done.gone = old;
            }
            Contacts::Set(wishes) => {
                self.check(request, wishes)?;
                for wish in wishes {
                    self.set(now, request, wish, &mut done);
                }
            }
        }
        Ok(done)
    }

    fn check(&self, request: &Register, wishes: &[ContactWish]) -> Result<(), RegisterFault> {
        let mut count = self.of(&request.aor).len();
        for wish in wishes {
            let expires = wish.expires.unwrap_or(EXPIRES_MAX);
            if expires > 0 && expires < EXPIRES_MIN {
                return Err(RegisterFault::TooBrief);
            }
            let key = BindingKey {
                aor: request.aor.clone(),
                contact: wish.uri.clone(),
            };
            self.check_order(&key, request)?;
            count += usize::from(expires > 0 && self.find(&key).is_none());
        }
        if count > CONTACTS_MAX {
            Err(RegisterFault::TooMany)
        } else {
            Ok(())
        }
    }

    fn check_order(&self, key: &BindingKey, request: &Register) -> Result<(), RegisterFault> {
        let old = self.find(key).map(|binding| &binding.record);
        let stale =
            old.is_some_and(|old| old.call_id == request.call_id && old.cseq >= request.cseq);
        if stale {
            Err(RegisterFault::OutOfOrder)
        } else {
            Ok(())
        }
    }

    fn set(&mut self, now: Now, request: &Register, wish: &ContactWish, done: &mut Registered) {
        let key = BindingKey {
            aor: request.aor.clone(),
            contact: wish.uri.clone(),
        };
        let expires = wish.expires.unwrap_or(EXPIRES_MAX).min(EXPIRES_MAX);
        if expires == 0 {
            if self.find(&key).is_some() {
                self.remove(&key);
                done.gone.push(key);
            }
            return;
        }
        let record = BindingRecord {
            key: key.clone(),
            expires_us: now.utc_us + i64::from(expires) * 1_000_000,
            call_id: request.call_id.clone(),
            cseq: request.cseq,
            transport: request.flow.transport.as_str().into(),
            local: request.flow.local.to_string(),
            remote: request.flow.remote.to_string(),
            ua: request.ua.clone(),
            nat: !wish.names_source,
        };
        self.remove(&key);
        self.insert(Binding {
            record: record.clone(),
            flow: request.flow,
        });
        done.kept.push(record);
    }

    fn insert(&mut self, binding: Binding) {
        let key = binding.record.key.clone();
        self.expiries
            .insert((binding.record.expires_us, key.clone()), ());
        let source = (binding.flow.transport, binding.flow.remote);
        self.sources
            .entry(source)
            .or_default()
            .push(key.aor.clone());
        *self.addresses.entry(source.1.ip()).or_default() += 1;
        self.bindings.entry(key.aor).or_default().push(binding);
    }

    fn remove(&mut self, key: &BindingKey) {
        let Some(all) = self.bindings.get_mut(&key.aor) else {
            return;
        };
        let at = all.iter().position(|binding| binding.record.key == *key);
        let old = at.map(|at| all.remove(at));
        if all.is_empty() {
            self.bindings.remove(&key.aor);
        }
        if let Some(old) = old {
            self.forget_source(&old);
            self.expiries
                .remove(&(old.record.expires_us, old.record.key));
        }
    }

    fn forget_source(&mut self, old: &Binding) {
        let source = (old.flow.transport, old.flow.remote);
        if let Some(count) = self.addresses.get_mut(&source.1.ip()) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&source.1.ip());
            }
        }
        let Some(aors) = self.sources.get_mut(&source) else {
            return;
        };
        if let Some(at) = aors.iter().position(|aor| *aor == old.record.key.aor) {
            aors.remove(at);
        }
        if aors.is_empty() {
            self.sources.remove(&source);
        }
    }

    fn find(&self, key: &BindingKey) -> Option<&Binding> {
        self.of(&key.aor)
            .iter()
            .find(|binding| binding.record.key == *key)
    }

    /// The bindings of an address of record, oldest first.
    pub(crate) fn of(&self, aor: &str) -> &[Binding] {
        self.bindings.get(aor).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_registered(&self, aor: &str) -> bool {
        self.bindings.contains_key(aor)
    }

    /// The address of record that registered from this source.
    pub(crate) fn aor_at(&self, source: SocketAddr, transport: Transport) -> Option<&str> {
        self.sources
            .get(&(transport, source))?
            .first()
            .map(String::as_str)
    }

    /// Whether any phone registered from this address, by whatever port.
    pub(crate) fn knows_address(&self, address: IpAddr) -> bool {
        self.addresses.contains_key(&address)
    }

    /// The addresses of record that registered from this address, by whatever port. Looks at all bindings.
    pub(crate) fn aors_at_address(&self, address: IpAddr) -> Vec<&str> {
        let bindings = self.bindings.values().flatten();
        bindings
            .filter(|binding| binding.flow.remote.ip() == address)
            .map(|binding| binding.record.key.aor.as_str())
            .collect()
    }

    /// Takes back what has run out.
    pub(crate) fn expire(&mut self, now: Now) -> Vec<BindingKey> {
        let mut gone = Vec::new();
        while let Some(((at, key), ())) = self.expiries.first_key_value() {
            if *at > now.utc_us {
                break;
            }
            let key = key.clone();
            self.remove(&key);
            gone.push(key);
        }
        gone
    }

    /// Takes back the bindings of addresses of record that are no more.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) -> Vec<BindingKey> {
        let all = self
            .bindings
            .values()
            .flatten()
            .map(|binding| binding.record.key.clone());
        let gone: Vec<BindingKey> = all.filter(|key| !keep(&key.aor)).collect();
        gone.iter().for_each(|key| self.remove(key));
        gone
    }

    /// When the first binding runs out, UTC microseconds.
    pub(crate) fn next_expiry_us(&self) -> Option<i64> {
        self.expiries.first_key_value().map(|((at, _), ())| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.expiries.len()
    }

    /// The flows on which a phone behind NAT is to be kept reachable.
    pub(crate) fn flows_behind_nat(&self) -> Vec<Flow> {
        let behind =
            |binding: &&Binding| binding.record.nat && !binding.flow.transport.is_reliable();
        self.bindings
            .values()
            .flatten()
            .filter(behind)
            .map(|binding| binding.flow)
            .collect()
    }

    /// All bindings, for readers that start with nothing.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.bindings
            .values()
            .flatten()
            .map(|binding| registered(&binding.record))
            .collect()
    }
}

/// What readers see of a binding.
pub(crate) fn registered(record: &BindingRecord) -> Event {
    Event::PhoneRegistered {
        extension: record.key.aor.clone(),
        contact: record.key.contact.clone(),
        expires_us: record.expires_us,
    }
}

fn flow_of(record: &BindingRecord) -> Option<Flow> {
    Some(Flow {
        transport: Transport::parse(&record.transport)?,
        local: record.local.parse().ok()?,
        remote: record.remote.parse().ok()?,
        // A connection does not survive a restart; the phone opens another.
        connection: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const NOW: Now = Now {
        mono: Duration::from_secs(1_000),
        utc_us: 1_000_000_000,
    };

    fn after(seconds: i64) -> Now {
        Now {
            utc_us: NOW.utc_us + seconds * 1_000_000,
            ..NOW
        }
    }

    fn request(cseq: u32, contacts: Contacts) -> Register {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let flow = Flow {
            transport: Transport::Udp,
            local: address(5060),
            remote: address(6000),
            connection: None,
        };
        Register {
            aor: "1001".into(),
            call_id: "c".into(),
            cseq,
            flow,
            ua: None,
            contacts,
        }
    }

    fn set(cseq: u32, uris: &[&str], expires: Option<u32>) -> Register {
        let wish = |uri: &&str| ContactWish {
            uri: (*uri).into(),
            names_source: true,
            expires,
        };
        request(cseq, Contacts::Set(uris.iter().map(wish).collect()))
    }

    #[test]
    fn one_user_may_have_several_phones() {
        let mut registrar = Registrar::default();
        registrar
            .register(NOW, &set(1, &["sip:a@1", "sip:a@2"], None))
            .unwrap();
        assert_eq!(registrar.of("1001").len(), 2);
        assert!(registrar.is_registered("1001") && !registrar.is_registered("1002"));
    }

    #[test]
    fn a_refresh_replaces_and_an_older_one_is_refused() {
        let mut registrar = Registrar::default();
        registrar
            .register(NOW, &set(5, &["sip:a@1"], Some(100)))
            .unwrap();
        registrar
            .register(after(50), &set(6, &["sip:a@1"], Some(100)))
            .unwrap();
        assert_eq!(registrar.len(), 1);
        assert_eq!(
            registrar.register(after(60), &set(6, &["sip:a@1"], Some(0))),
            Err(RegisterFault::OutOfOrder)
        );
        assert!(registrar.expire(after(149)).is_empty());
        assert_eq!(registrar.expire(after(150)).len(), 1);
        assert_eq!(registrar.next_expiry_us(), None);
    }

    #[test]
    fn expiries_have_bounds() {
        let mut registrar = Registrar::default();
        let brief = registrar.register(NOW, &set(1, &["sip:a@1"], Some(59)));
        assert_eq!(brief, Err(RegisterFault::TooBrief));
        registrar
            .register(NOW, &set(1, &["sip:a@1"], Some(1_000_000)))
            .unwrap();
        assert_eq!(
            registrar.next_expiry_us(),
            Some(after(EXPIRES_MAX.into()).utc_us)
        );
    }

    #[test]
    fn un_registering_takes_one_or_all_back() {
        let mut registrar = Registrar::default();
        registrar
            .register(NOW, &set(1, &["sip:a@1", "sip:a@2"], None))
            .unwrap();
        let one = registrar
            .register(NOW, &set(2, &["sip:a@1"], Some(0)))
            .unwrap();
        assert_eq!((one.gone.len(), registrar.len()), (1, 1));
        let all = registrar
            .register(NOW, &request(3, Contacts::RemoveAll))
            .unwrap();
        assert_eq!((all.gone.len(), registrar.len()), (1, 0));
    }

    #[test]
    fn a_crowd_of_contacts_is_refused_whole() {
        let mut registrar = Registrar::default();
        let uris: Vec<String> = (0..11).map(|n| alloc::format!("sip:a@{n}")).collect();
        let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
        assert_eq!(
            registrar.register(NOW, &set(1, &uris, None)),
            Err(RegisterFault::TooMany)
        );
        assert_eq!(registrar.len(), 0);
    }

    #[test]
    fn bindings_are_back_after_a_restart() {
        let mut registrar = Registrar::default();
        let done = registrar
            .register(NOW, &set(1, &["sip:a@1"], None))
            .unwrap();
        let again = Registrar::new(done.kept.iter(), NOW);
        assert_eq!(again.of("1001"), registrar.of("1001"));
        assert_eq!(
            again.aor_at(SocketAddr::from(([127, 0, 0, 1], 6000)), Transport::Udp),
            Some("1001")
        );
        let nothing: Vec<BindingKey> = vec![];
        assert_eq!(registrar.retain(|_| true), nothing);
    }
}

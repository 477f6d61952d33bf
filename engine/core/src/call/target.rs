//! Where the far ends are: phones by their bindings, trunks by their addresses, and the flow a request takes.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use config::{Host, Trunk, TrunkKind};
use sip::dialog::Dialog;
use sip::wire::Scheme;
use sip::{Flow, Transport, Uri, UriRef};

use crate::engine::{Engine, Timer};
use crate::ids::LegId;
use crate::output::Output;
use core::time::Duration;

/// How long the addresses of a host name are believed.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(60);
/// How soon a name that had none is asked for again.
const LOOK_UP_SOON: Duration = Duration::from_secs(10);

/// Somewhere an INVITE can be sent.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) request_uri: Uri,
    pub(crate) flow: Flow,
    pub(crate) nat: bool,
    pub(crate) trunk: Option<String>,
}

impl Engine {
    /// Where this extension's phones are: its bindings, or the PBX behind the trunk that leads to it.
    pub(crate) fn targets_of_extension(&self, extension: &str) -> Vec<Target> {
        let owner = self.user_by_extension(extension);
        if owner.is_some_and(|user| user.has_phone()) {
            return self.targets_of_bindings(extension);
        }
        self.target_of_number(extension).into_iter().collect()
    }

    /// Where an outside number leaves, unless all lines of its trunk are taken.
    pub(crate) fn target_of_number(&self, number: &str) -> Option<Target> {
        let trunk = self.routes.trunk_for(number)?;
        if self.trunk_is_full(trunk) {
            return None;
        }
        self.target_by_trunk(trunk, number)
    }

    pub(super) fn target_by_trunk(&self, trunk: &str, number: &str) -> Option<Target> {
        let trunk = self.snapshot.centre.trunks.get(trunk)?;
        match trunk.kind {
            TrunkKind::Peer => self.target_of_peer(trunk, number),
            TrunkKind::Inbound => self.target_of_registered(trunk, number),
        }
    }

    fn target_of_peer(&self, trunk: &Trunk, number: &str) -> Option<Target> {
        let address = trunk.address.as_ref()?;
        let next_hop = trunk.outbound_proxy.as_ref().unwrap_or(address);
        let ip = match &next_hop.host {
            Host::Ip(ip) => *ip,
            Host::Name(name) => *self.hosts.get(name)?.first()?,
        };
        let transport = match next_hop.transport {
            config::Transport::Udp => Transport::Udp,
            config::Transport::Tcp => Transport::Tcp,
            config::Transport::Tls => Transport::Tls,
        };
        let remote = SocketAddr::new(ip, next_hop.port_or_default());
        let uri = address.with_user(sip::wire::escape_user(number));
        Some(Target {
            request_uri: Uri::parse(&uri).ok()?,
            flow: self.flow_to(transport, remote)?,
            nat: false,
            trunk: Some(String::from(&*trunk.name)),
        })
    }

    /// A trunk that registers here is called where it registered from, with the number in place of its user part.
    fn target_of_registered(&self, trunk: &Trunk, number: &str) -> Option<Target> {
        let username = trunk.username.as_ref()?;
        let mut target = self.targets_of_bindings(username).pop()?;
        let contact = target.request_uri.view();
        target.request_uri = Uri::sip(Some(number), contact.host()?, contact.port());
        target.trunk = Some(String::from(&*trunk.name));
        Some(target)
    }

    fn targets_of_bindings(&self, aor: &str) -> Vec<Target> {
        let bindings = self.registrar.of(aor).iter();
        bindings
            .filter_map(|binding| {
                let uri = Uri::parse(&binding.record.key.contact).ok()?;
                let flow = self.flow_of_contact(&uri, binding.flow, binding.record.nat);
                Some(Target {
                    request_uri: uri,
                    flow,
                    nat: binding.record.nat,
                    trunk: None,
                })
            })
            .collect()
    }

    /// Behind NAT, or over a connection, the way back is the way it came; else the Contact says.
    fn flow_of_contact(&self, uri: &Uri, came: Flow, nat: bool) -> Flow {
        if nat || came.transport.is_reliable() {
            return came;
        }
        flow_of_uri(uri, came).unwrap_or(came)
    }

    /// The flow to an address, from one of ours that can reach it.
    pub(crate) fn flow_to(&self, transport: Transport, remote: SocketAddr) -> Option<Flow> {
        let fits = |listen: &&crate::setup::Listen| {
            listen.transport == transport && listen.address.is_ipv4() == remote.is_ipv4()
        };
        let mut fitting: Vec<SocketAddr> = self
            .listen
            .iter()
            .filter(fits)
            .map(|listen| listen.address)
            .collect();
        // Loopback talks to loopback where there is a choice.
        fitting.sort_by_key(|local| local.ip().is_loopback() != remote.ip().is_loopback());
        let local = *fitting.first()?;
        Some(Flow {
            transport,
            local,
            remote,
            connection: None,
        })
    }

    /// Our Contact within a leg's dialog.
    pub(super) fn contact_of(&self, leg: LegId) -> String {
        let found = self.legs.get(&leg);
        let secure = found
            .and_then(|leg| leg.dialog())
            .is_some_and(Dialog::is_secure);
        found.map_or_else(String::new, |leg| self.contact_on(&leg.flow, secure))
    }

    /// Our Contact on a flow; `sips:` in answer to `sips:` (RFC 3261 §8.1.1.8, §12.1.1).
    pub(crate) fn contact_on(&self, flow: &Flow, sips: bool) -> String {
        let scheme = if sips { "sips" } else { "sip" };
        let transport = match flow.transport {
            Transport::Udp => "",
            // TLS is what the scheme says already (RFC 5630 §3.1.3).
            Transport::Tls if sips => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
            // One word for both (RFC 7118 §5.2).
            Transport::Ws | Transport::Wss => ";transport=ws",
        };
        alloc::format!("{scheme}:{}{transport}", flow.local)
    }

    /// Asks for the addresses of every host name the trunks have.
    pub(crate) fn look_up_hosts(&mut self) {
        let trunks = self.snapshot.centre.trunks.values();
        let addresses =
            trunks.flat_map(|trunk| [trunk.address.as_ref(), trunk.outbound_proxy.as_ref()]);
        let names = addresses
            .flatten()
            .filter_map(|address| match &address.host {
                Host::Name(name) => Some(name.clone()),
                Host::Ip(_) => None,
            });
        let new: Vec<String> = names
            .filter(|name| !self.hosts.contains_key(name))
            .collect();
        for name in new {
            self.hosts.insert(name.clone(), Vec::new());
            self.output(Output::Lookup { name });
        }
    }

    pub(crate) fn look_up(&mut self, name: String) {
        let wanted = self.snapshot.centre.trunks.values().any(|trunk| {
            let hosts = [trunk.address.as_ref(), trunk.outbound_proxy.as_ref()];
            hosts
                .into_iter()
                .flatten()
                .any(|address| address.host == Host::Name(name.clone()))
        });
        if wanted {
            self.output(Output::Lookup { name });
        } else {
            self.hosts.remove(&name);
        }
    }

    /// Old addresses stand when a name suddenly has none: a resolver that is down takes no trunk down.
    pub(crate) fn lookup_done(&mut self, name: String, addresses: Vec<IpAddr>) {
        let again = if addresses.is_empty() {
            LOOK_UP_SOON
        } else {
            LOOK_UP_AGAIN
        };
        if !addresses.is_empty() {
            self.routes
                .learn_host(&self.snapshot.centre, &name, &addresses);
            self.hosts.insert(name.clone(), addresses);
        }
        self.timers.set(self.now.mono + again, Timer::LookUp(name));
    }
}

/// Whether a URI asks for TLS on every hop.
pub(crate) fn is_sips(uri: UriRef<'_>) -> bool {
    matches!(uri.scheme(), Scheme::Sips)
}

/// The flow to a URI's host and port when it is an address; our end stays that of `came`.
///
/// None over TLS: nobody has said whose certificate to expect at an address in a Contact, and the way it came by is proven.
pub(crate) fn flow_of_uri(uri: &Uri, came: Flow) -> Option<Flow> {
    let view = uri.view();
    let ip = view.host()?.ip()?;
    let transport = view.transport().unwrap_or(came.transport);
    let remote = SocketAddr::new(ip, view.port().unwrap_or_else(|| transport.default_port()));
    let same_family = remote.is_ipv4() == came.local.is_ipv4();
    if transport != came.transport || transport.is_secure() || !same_family {
        return None;
    }
    let connection = came.connection.filter(|_| remote == came.remote);
    Some(Flow {
        remote,
        connection,
        ..came
    })
}

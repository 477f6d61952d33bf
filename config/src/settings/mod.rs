//! The settings of the daemon: what `lampfield.toml` and the environment say.

mod env;
mod load;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::read::{impl_record_field, record};
use crate::values::{
    Country, DialNumber, DigestAlgorithm, Domain, Listen, LogFormat, LogLevel, NumberPattern,
    Origin, PathText, PortRange, StoreUrl, TimeOfDay, Transport, UnknownSources, VerifyClient,
    Zone,
};

record! {
    /// Everything that is not the centre: where we listen, where data lies, what is allowed.
    pub struct Settings {
        /// SIP.
        sip: SipSettings,
        /// Audio.
        media: MediaSettings,
        /// API and console.
        http: HttpSettings,
        /// Where data is kept.
        store: StoreSettings,
        /// What holds for the whole centre.
        centre: CentreSettings,
        /// Passwords and logins.
        security: SecuritySettings,
        /// What is logged, and how.
        log: LogSettings,
    }
    later {}
}

record! {
    /// SIP.
    pub struct SipSettings {
        /// Addresses to listen on: `udp:`, `tcp:` or `tls:`, address, port. WebSocket is on the port of the API (`http.listen`).
        listen: Vec<Listen> = vec![local(Transport::Udp), local(Transport::Tcp)],
        /// Realm of the digest and host part of our addresses.
        domain: Domain = text("lampfield.local"),
        /// What phones are challenged with, in this order: `md5`, `sha-256`.
        digest: Vec<DigestAlgorithm> = vec![DigestAlgorithm::Md5],
        /// Numbers that any phone can always dial, and that are never shed.
        emergency_numbers: Vec<DialNumber> = vec![text("112")],
        /// What a source nobody knows hears when it asks for something else than to register: `answer` (403 to a call, 200 to OPTIONS) or
        /// `silent`.
        unknown_sources: UnknownSources,
        /// Seconds that calls in progress may go on after SIGTERM. 0 to 86400.
        drain_seconds: u32 = 30 ; 0..=86_400,
        /// How long a session holds that nobody refreshes (RFC 4028), where session timers are used.
        session_timers: SessionTimers,
        /// Certificates for `tls:` listeners and for trunks over TLS.
        tls: Option<SipTls>,
    }
    later { public_address, local_networks }
}

record! {
    /// Certificates for SIP over TLS. The files are read again at SIGHUP.
    pub struct SipTls {
        /// PEM file with our certificate, and those between it and a root.
        certificate: PathText => required,
        /// PEM file with its private key.
        key: PathText => required,
        /// PEM file with the roots that peers' certificates must lead to. Unset: those of the system.
        ca: Option<PathText>,
        /// Whether peers that connect must show a certificate: `off`, `optional` or `required`; needs `ca`.
        verify_client: VerifyClient,
    }
    later {}
}

record! {
    /// How long a session holds that nobody refreshes (RFC 4028), where session timers are used.
    pub struct SessionTimers {
        /// Seconds that we ask for. 90 to 86400.
        expires: u32 = 1800 ; 90..=86_400,
        /// Seconds below which the other side is refused with 422; no more than `expires`. 90 to 86400.
        min: u32 = 90 ; 90..=86_400,
    }
    later {}
}

record! {
    /// Audio.
    pub struct MediaSettings {
        /// The address that audio is sent from and received on.
        address: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// Its ports, below the system's ephemeral range; the least recently used go first.
        ports: PortRange = PortRange { first: 10_000, last: 29_999 },
    }
    later { public_address }
}

record! {
    /// API under `/api/v1`, console at `/`.
    pub struct HttpSettings {
        /// Address and port to listen on.
        listen: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
        /// Makes it HTTPS, and WebSocket secure. The files are read again at SIGHUP.
        tls: Option<HttpTls>,
        /// Origins whose pages may speak SIP over WebSocket, `https://phone.example.com`, besides our own; `*`: any page.
        origins: Vec<Origin>,
    }
    later {}
}

record! {
    /// The certificate of the API's port.
    pub struct HttpTls {
        /// PEM file with our certificate, and those between it and a root.
        certificate: PathText => required,
        /// PEM file with its private key.
        key: PathText => required,
    }
    later {}
}

record! {
    /// Where data is kept.
    pub struct StoreSettings {
        /// The database: `sqlite:PATH`.
        url: StoreUrl = text("sqlite:var/lampfield.db"),
        /// The folder of the journal, prompts and the socket of the command line.
        directory: PathText = text("var"),
        /// How long what is kept.
        retention: Retention,
    }
    later {}
}

record! {
    /// How long what is kept.
    pub struct Retention {
        /// Days for which the history of calls is kept. 1 to 36500.
        history_days: u32 = 400 ; 1..=36_500,
    }
    later { recordings_days }
}

record! {
    /// What holds for the whole centre.
    pub struct CentreSettings {
        /// The zone of reports, of the daily reset, and of calendars that name none.
        timezone: Zone = text("Europe/Amsterdam"),
        /// When the day of reports begins and counts are reset. 00:00 to 23:59:59.
        day_starts: TimeOfDay = TimeOfDay::START,
        /// The country as whose national numbers dialled numbers are read.
        country: Country,
        /// Points of priority of callers whom a directory entry marks as VIPs, besides the queue's, the dialled number's and their
        /// number list's. 0 to 1000.
        vip_priority: i32 = 10 ; 0..=1000,
    }
    later {}
}

record! {
    /// Passwords and logins.
    pub struct SecuritySettings {
        /// Characters that a new password has at least. 1 to 128.
        password_min_length: u32 = 12 ; 1..=128,
        /// Failed logins after which a user is locked out until an administrator unlocks them. 1 to 1000.
        lock_after: u32 = 5 ; 1..=1000,
        /// What anybody here may call outside, by phone, by click or by sending somebody on. Emergency numbers always; what the centre's own
        /// destinations name is not asked.
        dial: DialSettings,
        /// The same for attendants; a call must pass both.
        dial_attendant: RoleDialSettings,
        /// The same for supervisors.
        dial_supervisor: RoleDialSettings,
        /// The same for administrators.
        dial_administrator: RoleDialSettings,
    }
    later {}
}

record! {
    /// Which outside numbers may be called. Of `allow` and `deny` the longest match has it, of equally long ones `deny`; what matches
    /// neither goes by `countries`.
    pub struct DialSettings {
        /// Numbers and prefixes that may be called wherever they are, as dialled or in international form.
        allow: Vec<NumberPattern>,
        /// Numbers and prefixes that may not. By default satellites and international premium numbers, the classic of toll fraud.
        deny: Vec<NumberPattern> = costly(),
        /// Countries that may be called, by their calling codes. Numbers in no international form count as the centre's own country.
        /// None: all.
        countries: Vec<Country>,
        /// Outside calls of one user in a day of the centre, begun anew when the daemon starts; 0: no limit. 0 to 100000.
        calls_per_day: u32 ; 0..=100_000,
    }
    later {}
}

record! {
    /// Which outside numbers users of one role may call.
    pub struct RoleDialSettings {
        /// Numbers and prefixes that they may call wherever they are.
        allow: Vec<NumberPattern>,
        /// Numbers and prefixes that they may not.
        deny: Vec<NumberPattern>,
        /// Countries that they may call; none: all.
        countries: Vec<Country>,
        /// Outside calls of one of them in a day; 0: no limit. 0 to 100000.
        calls_per_day: u32 ; 0..=100_000,
    }
    later {}
}

record! {
    /// What is logged, and how.
    pub struct LogSettings {
        /// The least important thing that is logged: `error`, `warn`, `info`, `debug`, `trace`.
        level: LogLevel,
        /// How it looks: `text` or `json`.
        format: LogFormat,
        /// Megabytes for the SIP messages of calls, the oldest of which go first; 0 keeps none. 0 to 4096.
        trace_megabytes: u32 = 64 ; 0..=4_096,
    }
    later {}
}

impl_record_field!(
    Settings,
    SipSettings,
    SessionTimers,
    SipTls,
    MediaSettings,
    HttpSettings,
    HttpTls,
    StoreSettings,
    Retention,
    CentreSettings,
    SecuritySettings,
    DialSettings,
    RoleDialSettings,
    LogSettings,
);

/// Inmarsat, universal personal, satellite, international networks, international premium (ITU-T E.164 assigned codes).
fn costly() -> Vec<NumberPattern> {
    ["+870*", "+878*", "+881*", "+882*", "+883*", "+979*"]
        .into_iter()
        .map(text)
        .collect()
}

fn local(transport: Transport) -> Listen {
    Listen {
        transport,
        address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5060),
    }
}

/// A default that stands above as it would in the file.
fn text<T: std::str::FromStr<Err = crate::Invalid>>(text: &str) -> T {
    text.parse().expect("the defaults above are right")
}

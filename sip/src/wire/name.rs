//! Header names: those we know, with their compact forms, and any other.

use core::fmt;

/// Makes [`HeaderName`], with the number under which a parsed message remembers a name.
macro_rules! header_names {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $(/ $compact:literal)?,)*) => {
        /// A header's name (RFC 3261 §7.3.1). Full and compact form are the same name; case is ignored.
        #[derive(Clone, Copy, Debug)]
        pub enum HeaderName<'a> {
            $($(#[$doc])* $variant,)*
            /// Any other name, as it was written.
            Other(&'a str),
        }

        #[derive(Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        enum Known { $($variant,)* }

        #[cfg(test)]
        const KNOWN: &[HeaderName<'static>] = &[$(HeaderName::$variant,)*];
        #[cfg(test)]
        const COMPACT: &[(&str, &str)] = &[$($(($compact, $name),)?)*];

        impl<'a> HeaderName<'a> {
            /// The full name.
            #[must_use]
            #[inline]
            pub const fn as_str(self) -> &'a str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            pub(crate) const fn id(self) -> u8 {
                match self {
                    $(Self::$variant => Known::$variant as u8,)*
                    Self::Other(_) => OTHER,
                }
            }
        }
    };
}

/// The number of every name we do not know.
pub(crate) const OTHER: u8 = u8::MAX;

header_names! {
    /// RFC 3261 §20.1.
    Accept = "Accept",
    /// RFC 3261 §20.3.
    AcceptLanguage = "Accept-Language",
    /// RFC 3261 §20.4.
    AlertInfo = "Alert-Info",
    /// RFC 3261 §20.5.
    Allow = "Allow",
    /// RFC 6665.
    AllowEvents = "Allow-Events" / "u",
    /// RFC 3261 §20.6.
    AuthenticationInfo = "Authentication-Info",
    /// RFC 3261 §20.7.
    Authorization = "Authorization",
    /// RFC 3261 §20.8.
    CallId = "Call-ID" / "i",
    /// RFC 3261 §20.9.
    CallInfo = "Call-Info",
    /// RFC 3261 §20.10.
    Contact = "Contact" / "m",
    /// RFC 3261 §20.11.
    ContentDisposition = "Content-Disposition",
    /// RFC 3261 §20.12.
    ContentEncoding = "Content-Encoding" / "e",
    /// RFC 3261 §20.14.
    ContentLength = "Content-Length" / "l",
    /// RFC 3261 §20.15.
    ContentType = "Content-Type" / "c",
    /// RFC 3261 §20.16.
    CSeq = "CSeq",
    /// RFC 3261 §20.17.
    Date = "Date",
    /// RFC 5806.
    Diversion = "Diversion",
    /// RFC 3261 §20.18.
    ErrorInfo = "Error-Info",
    /// RFC 6665.
    Event = "Event" / "o",
    /// RFC 3261 §20.19.
    Expires = "Expires",
    /// RFC 3261 §20.20.
    From = "From" / "f",
    /// RFC 7044.
    HistoryInfo = "History-Info",
    /// RFC 8224.
    Identity = "Identity" / "y",
    /// RFC 3261 §20.22.
    MaxForwards = "Max-Forwards",
    /// RFC 3261 §20.23.
    MinExpires = "Min-Expires",
    /// RFC 4028.
    MinSe = "Min-SE",
    /// RFC 3325.
    PAssertedIdentity = "P-Asserted-Identity",
    /// RFC 7315 §4.2.
    PCalledPartyId = "P-Called-Party-ID",
    /// RFC 3325.
    PPreferredIdentity = "P-Preferred-Identity",
    /// RFC 3327.
    Path = "Path",
    /// RFC 3323.
    Privacy = "Privacy",
    /// RFC 3261 §20.27.
    ProxyAuthenticate = "Proxy-Authenticate",
    /// RFC 3261 §20.28.
    ProxyAuthorization = "Proxy-Authorization",
    /// RFC 3261 §20.29.
    ProxyRequire = "Proxy-Require",
    /// RFC 3262.
    RAck = "RAck",
    /// RFC 3262.
    RSeq = "RSeq",
    /// RFC 3326.
    Reason = "Reason",
    /// RFC 3261 §20.30.
    RecordRoute = "Record-Route",
    /// RFC 3515.
    ReferTo = "Refer-To" / "r",
    /// RFC 3892.
    ReferredBy = "Referred-By" / "b",
    /// RFC 3891.
    Replaces = "Replaces",
    /// RFC 3261 §20.32.
    Require = "Require",
    /// RFC 3261 §20.33.
    RetryAfter = "Retry-After",
    /// RFC 3261 §20.34.
    Route = "Route",
    /// RFC 3261 §20.35.
    Server = "Server",
    /// RFC 4028.
    SessionExpires = "Session-Expires" / "x",
    /// RFC 3261 §20.36.
    Subject = "Subject" / "s",
    /// RFC 6665.
    SubscriptionState = "Subscription-State",
    /// RFC 3261 §20.37.
    Supported = "Supported" / "k",
    /// RFC 3261 §20.38.
    Timestamp = "Timestamp",
    /// RFC 3261 §20.39.
    To = "To" / "t",
    /// RFC 3261 §20.40.
    Unsupported = "Unsupported",
    /// RFC 3261 §20.41.
    UserAgent = "User-Agent",
    /// RFC 3261 §20.42.
    Via = "Via" / "v",
    /// RFC 3261 §20.43.
    Warning = "Warning",
    /// RFC 3261 §20.44.
    WwwAuthenticate = "WWW-Authenticate",
}

impl<'a> HeaderName<'a> {
    /// Reads a name, full or compact.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self::known(name.as_bytes()).unwrap_or(HeaderName::Other(name))
    }

    /// The known header of this name, full or compact.
    pub(crate) fn known(name: &[u8]) -> Option<HeaderName<'static>> {
        if let [letter] = name {
            return compact(letter.to_ascii_lowercase());
        }
        let found = candidate(name)?;
        let full = found.as_str().as_bytes();
        (name == full || name.eq_ignore_ascii_case(full)).then_some(found)
    }

    /// The known header, should someone have wrapped its name in `Other`.
    fn resolved(self) -> Self {
        if let Self::Other(name) = self {
            Self::new(name)
        } else {
            self
        }
    }

    /// Whether `written`, as it stands in a message, is this name in either form.
    pub(crate) fn matches(self, id: u8, written: &[u8]) -> bool {
        let name = self.resolved();
        if let Self::Other(name) = name {
            return id == OTHER && written.eq_ignore_ascii_case(name.as_bytes());
        }
        id == name.id()
    }

    /// Whether a message may carry the header once only, with one value.
    pub(crate) const fn is_single(self) -> bool {
        SINGLE & (1 << (self.id() % 64)) != 0 && self.id() != OTHER
    }
}

/// The headers that may stand once (RFC 3261 §7.3.1 and the table of §20), as bits by number.
const SINGLE: u64 = bit(Known::CallId)
    | bit(Known::ContentDisposition)
    | bit(Known::ContentLength)
    | bit(Known::ContentType)
    | bit(Known::CSeq)
    | bit(Known::Date)
    | bit(Known::Event)
    | bit(Known::Expires)
    | bit(Known::From)
    | bit(Known::MaxForwards)
    | bit(Known::MinExpires)
    | bit(Known::MinSe)
    | bit(Known::RAck)
    | bit(Known::RSeq)
    | bit(Known::ReferTo)
    | bit(Known::ReferredBy)
    | bit(Known::Replaces)
    | bit(Known::RetryAfter)
    | bit(Known::SessionExpires)
    | bit(Known::SubscriptionState)
    | bit(Known::Timestamp)
    | bit(Known::To);

const fn bit(id: Known) -> u64 {
    1 << id as u8
}

fn compact(letter: u8) -> Option<HeaderName<'static>> {
    Some(match letter {
        b'b' => HeaderName::ReferredBy,
        b'c' => HeaderName::ContentType,
        b'e' => HeaderName::ContentEncoding,
        b'f' => HeaderName::From,
        b'i' => HeaderName::CallId,
        b'k' => HeaderName::Supported,
        b'l' => HeaderName::ContentLength,
        b'm' => HeaderName::Contact,
        b'o' => HeaderName::Event,
        b'r' => HeaderName::ReferTo,
        b's' => HeaderName::Subject,
        b't' => HeaderName::To,
        b'u' => HeaderName::AllowEvents,
        b'v' => HeaderName::Via,
        b'x' => HeaderName::SessionExpires,
        b'y' => HeaderName::Identity,
        _ => return None,
    })
}

/// The one known name that the text can be, by its length and one telling letter or two: a message
/// has some twenty headers, and comparing each with sixty names would cost more than all the rest.
fn candidate(name: &[u8]) -> Option<HeaderName<'static>> {
    let at = |index: usize| name.get(index).map(u8::to_ascii_lowercase);
    let first = at(0)?;
    Some(match (name.len(), first) {
        (2, b't') => HeaderName::To,
        (3, b'v') => HeaderName::Via,
        (4, b'f') => HeaderName::From,
        (4, b'c') => HeaderName::CSeq,
        (4, b'd') => HeaderName::Date,
        (4, b'p') => HeaderName::Path,
        (4, b'r') if at(1) == Some(b'a') => HeaderName::RAck,
        (4, b'r') => HeaderName::RSeq,
        (5, b'a') => HeaderName::Allow,
        (5, b'r') => HeaderName::Route,
        (5, b'e') => HeaderName::Event,
        (6, b'a') => HeaderName::Accept,
        (6, b'm') => HeaderName::MinSe,
        (6, b'r') => HeaderName::Reason,
        (6, b's') => HeaderName::Server,
        (7, b'c') if at(1) == Some(b'a') => HeaderName::CallId,
        (7, b'c') => HeaderName::Contact,
        (7, b'e') => HeaderName::Expires,
        (7, b'p') => HeaderName::Privacy,
        (7, b'r') => HeaderName::Require,
        (7, b's') => HeaderName::Subject,
        (7, b'w') => HeaderName::Warning,
        (8, b'i') => HeaderName::Identity,
        (8, b'r') if at(2) == Some(b'f') => HeaderName::ReferTo,
        (8, b'r') => HeaderName::Replaces,
        (9, b'c') => HeaderName::CallInfo,
        (9, b'd') => HeaderName::Diversion,
        (9, b's') => HeaderName::Supported,
        (9, b't') => HeaderName::Timestamp,
        (10, b'a') => HeaderName::AlertInfo,
        (10, b'e') => HeaderName::ErrorInfo,
        (10, b'u') => HeaderName::UserAgent,
        (11, b'm') => HeaderName::MinExpires,
        (11, b'r') if at(2) == Some(b'f') => HeaderName::ReferredBy,
        (11, b'r') => HeaderName::RetryAfter,
        (11, b'u') => HeaderName::Unsupported,
        (12, b'a') => HeaderName::AllowEvents,
        (12, b'c') => HeaderName::ContentType,
        (12, b'h') => HeaderName::HistoryInfo,
        (12, b'm') => HeaderName::MaxForwards,
        (12, b'r') => HeaderName::RecordRoute,
        (13, b'a') => HeaderName::Authorization,
        (13, b'p') => HeaderName::ProxyRequire,
        (14, b'c') => HeaderName::ContentLength,
        (15, b'a') => HeaderName::AcceptLanguage,
        (15, b's') => HeaderName::SessionExpires,
        (16, b'c') => HeaderName::ContentEncoding,
        (16, b'w') => HeaderName::WwwAuthenticate,
        (17, b'p') => HeaderName::PCalledPartyId,
        (19, b'p') if at(1) == Some(b'-') => HeaderName::PAssertedIdentity,
        (18, b'p') => HeaderName::ProxyAuthenticate,
        (18, b's') => HeaderName::SubscriptionState,
        (19, b'a') => HeaderName::AuthenticationInfo,
        (19, b'c') => HeaderName::ContentDisposition,
        (19, b'p') => HeaderName::ProxyAuthorization,
        (20, b'p') => HeaderName::PPreferredIdentity,
        _ => return None,
    })
}

impl PartialEq for HeaderName<'_> {
    fn eq(&self, other: &HeaderName<'_>) -> bool {
        match (self.resolved(), other.resolved()) {
            (HeaderName::Other(one), HeaderName::Other(two)) => one.eq_ignore_ascii_case(two),
            (one, two) => one.id() == two.id(),
        }
    }
}

impl Eq for HeaderName<'_> {}

impl<'a> From<&'a str> for HeaderName<'a> {
    fn from(name: &'a str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for HeaderName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case() {
        assert!(KNOWN.len() <= 64, "the set of single headers is 64 bits");
        for &name in KNOWN {
            let found = HeaderName::known(name.as_str().as_bytes());
            assert_eq!(found.map(HeaderName::id), Some(name.id()), "{name}");
            let shouted = name.as_str().to_ascii_uppercase();
            assert_eq!(HeaderName::new(&shouted), name);
        }
    }

    #[test]
    fn every_compact_form_is_its_full_name() {
        assert_eq!(COMPACT.len(), 16);
        for &(letter, full) in COMPACT {
            assert_eq!(HeaderName::new(letter), HeaderName::new(full), "{letter}");
            assert_eq!(
                HeaderName::new(&letter.to_ascii_uppercase()),
                HeaderName::new(full)
            );
        }
    }

    #[test]
    fn other_names_compare_without_case() {
        assert_eq!(HeaderName::new("X-Skill"), HeaderName::Other("x-skill"));
        assert_ne!(HeaderName::new("X-Skill"), HeaderName::Other("X-Skills"));
        assert_eq!(HeaderName::Other("subject"), HeaderName::Subject);
        assert!(matches!(HeaderName::new("Q"), HeaderName::Other("Q")));
        assert!(matches!(HeaderName::new(""), HeaderName::Other("")));
    }

    #[test]
    fn only_some_headers_are_single() {
        assert!(HeaderName::CallId.is_single() && HeaderName::To.is_single());
        assert!(!HeaderName::Via.is_single() && !HeaderName::Contact.is_single());
        assert!(!HeaderName::Other("X").is_single());
    }
}

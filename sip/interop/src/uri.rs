//! URIs both ways.

use rsip::{Host, HostWithPort, Param, Scheme};

use crate::Unrepresentable;

/// Turns one of our URIs into rsip's.
///
/// # Errors
///
/// For other schemes than sip and sips, and for headers in the URI: rsip has no place for them.
pub fn uri_to_rsip(uri: sip::UriRef<'_>) -> Result<rsip::Uri, Unrepresentable> {
    let scheme = match uri.scheme() {
        sip::wire::Scheme::Sip => Scheme::Sip,
        sip::wire::Scheme::Sips => Scheme::Sips,
        other @ (sip::wire::Scheme::Tel | sip::wire::Scheme::Urn | sip::wire::Scheme::Other(_)) => {
            return Err(Unrepresentable::Scheme(other.as_str().to_owned()));
        }
    };
    if uri.has_headers() {
        return Err(Unrepresentable::UriHeaders);
    }
    let auth = uri.user().map(|user| rsip::Auth {
        user: user.to_owned(),
        password: uri.password().map(str::to_owned),
    });
    let host = match uri.host() {
        Some(sip::Host::Ip(address)) => Host::IpAddr(address),
        Some(sip::Host::Name(name)) => Host::Domain(name.into()),
        None => return Err(Unrepresentable::Refused("no host".to_owned())),
    };
    let params = uri.params().iter().map(|(name, value)| param(name, value));
    Ok(rsip::Uri {
        scheme: Some(scheme),
        auth,
        host_with_port: HostWithPort {
            host,
            port: uri.port().map(Into::into),
        },
        params: params.collect::<Result<_, _>>()?,
        headers: Vec::new(),
    })
}

/// A parameter in the variant that rsip has for it; as `Other` where the value is not one it knows.
fn param(name: &[u8], value: Option<&[u8]>) -> Result<Param, Unrepresentable> {
    let text = |octets: &[u8]| {
        String::from_utf8(octets.to_vec())
            .map_err(|_| Unrepresentable::NotUtf8("URI parameter".to_owned()))
    };
    let (name, value) = (text(name)?, value.map(text).transpose()?);
    Ok(
        Param::try_from((name.as_str(), value.as_deref())).unwrap_or_else(|_| {
            let value = value.as_deref();
            Param::Other(name.as_str().into(), value.map(Into::into))
        }),
    )
}

/// Turns one of rsip's URIs into ours. Without a scheme it counts as sip.
///
/// # Errors
///
/// If it is no URI: rsip lets anyone put anything into one.
pub fn uri_from_rsip(uri: &rsip::Uri) -> Result<sip::Uri, sip::wire::UriError> {
    let scheme = match &uri.scheme {
        None | Some(Scheme::Sip) => "sip",
        Some(Scheme::Sips) => "sips",
        Some(Scheme::Other(name)) => name,
    };
    let auth = uri.auth.as_ref().map(|auth| format!("{auth}@"));
    let host = match &uri.host_with_port.host {
        Host::Domain(name) => name.to_string(),
        Host::IpAddr(address) => sip::Host::Ip(*address).to_string(),
    };
    let port = uri.host_with_port.port.as_ref();
    let port = port.map(|port| format!(":{port}"));
    let params: String = uri.params.iter().map(ToString::to_string).collect();
    sip::Uri::parse(&format!(
        "{scheme}:{}{host}{}{params}",
        auth.unwrap_or_default(),
        port.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in [
            "sip:ann@example.com",
            "sips:ann:secret@example.com:5061;transport=tls",
            "sip:192.0.2.1;lr",
            "sip:ann@[2001:db8::1]:5070;transport=udp;user=phone;x-y=z",
            "sip:1_odd;par=u%40example.net@example.com;ttl=1;maddr=224.2.0.1",
            "sip:a@b;transport=carrier-pigeon",
            "sip:a@b;method=FOO",
        ] {
            let uri = sip::Uri::parse(text).expect(text);
            let theirs = uri_to_rsip(uri.view()).expect(text);
            assert_eq!(uri_from_rsip(&theirs).as_ref(), Ok(&uri), "{theirs:?}");
        }
    }

    #[test]
    fn refuses_what_would_be_lost() {
        let read = |text: &str| uri_to_rsip(sip::Uri::parse(text).expect(text).view());
        assert_eq!(
            read("tel:+4930"),
            Err(Unrepresentable::Scheme("tel".to_owned()))
        );
        assert_eq!(
            read("http://a"),
            Err(Unrepresentable::Scheme("http".to_owned()))
        );
        assert_eq!(read("sip:a@b?Replaces=x"), Err(Unrepresentable::UriHeaders));
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        let mut uri =
            uri_to_rsip(sip::Uri::parse("sip:a@b").expect("sound").view()).expect("sound");
        uri.host_with_port = Host::Domain("a b\r\nEvil: x".into()).into();
        assert!(uri_from_rsip(&uri).is_err());
    }
}

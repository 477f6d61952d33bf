//! Where a web page comes from.

use super::name::text_newtype;

text_newtype! {
    /// The origin of a web page as its browser writes it (RFC 6454 §7), or `*` for any: scheme, host, and the port where it is
    /// not the scheme's own.
    pub struct Origin, "a scheme and a host, in lower case and without a path", "https://phone.example.com", is_origin
}

fn is_origin(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let is_host = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !"/?#@".contains(c);
    matches!(scheme, "http" | "https") && !host.is_empty() && host.chars().all(is_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        for (text, right) in [
            ("*", true),
            ("https://phone.example.com", true),
            ("http://127.0.0.1:8081", true),
            ("https://[2001:db8::1]:8443", true),
            ("https://phone.example.com/", false),
            ("https://Phone.example.com", false),
            ("phone.example.com", false),
            ("https://", false),
            ("ftp://x", false),
        ] {
            assert_eq!(text.parse::<Origin>().is_ok(), right, "{text}");
        }
    }
}

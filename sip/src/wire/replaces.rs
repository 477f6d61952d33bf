//! Replaces: the dialog that an INVITE wants to take the place of (RFC 3891).

use super::fault::Fault;
use super::message::Message;
use super::name::HeaderName;
use super::params::Params;
use super::scan::{self, Cursor};

/// A value of Replaces. Its tags are seen from who is asked: `to_tag` is theirs, `from_tag` that of the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// The Call-ID.
    pub call_id: &'a str,
    /// The tag of who is asked.
    pub to_tag: &'a str,
    /// The tag of the far end of that dialog.
    pub from_tag: &'a str,
    /// Whether only a dialog that is not confirmed yet is meant.
    pub early_only: bool,
}

impl<'a> Replaces<'a> {
    /// Reads a value; one behind a URI's `?` has its escapes resolved first.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &'a [u8]) -> Result<Self, &'static str> {
        let mut cursor = Cursor::new(scan::trim(text));
        let call_id = cursor.take_while(|octet| octet != b';' && !scan::is_lws(octet));
        let call_id = core::str::from_utf8(call_id).ok();
        let call_id = call_id
            .filter(|id| !id.is_empty())
            .ok_or("names no Call-ID")?;
        let params = Params::new(cursor.rest());
        params.check()?;
        Ok(Self {
            call_id,
            to_tag: only(params, "to-tag").ok_or("needs one to-tag")?,
            from_tag: only(params, "from-tag").ok_or("needs one from-tag")?,
            early_only: params.has("early-only"),
        })
    }
}

/// The value of a parameter that is there exactly once.
fn only<'a>(params: Params<'a>, name: &str) -> Option<&'a str> {
    let mut named = params
        .iter()
        .filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
    let (_, value) = named.next()?;
    let value = core::str::from_utf8(value?).ok()?;
    named.next().is_none().then_some(value)
}

impl Message {
    /// Replaces; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is there twice (RFC 3891 §3: 400).
    pub fn replaces(&self) -> Result<Option<Replaces<'_>>, Fault> {
        let mut lines = self.headers(HeaderName::Replaces);
        let Some(line) = lines.next() else {
            return Ok(None);
        };
        if lines.next().is_some() {
            return Err(Fault::header("Replaces", "is there twice"));
        }
        let replaces = Replaces::parse(line);
        replaces
            .map(Some)
            .map_err(|why| Fault::header("Replaces", why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_is_named_by_a_call_id_and_both_tags() {
        let whole = Replaces {
            call_id: "98732@sip.example.com",
            to_tag: "ff87ff",
            from_tag: "r33th4x0r",
            early_only: false,
        };
        let early = Replaces {
            early_only: true,
            ..whole
        };
        for (text, expected) in [
            (
                "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff",
                Ok(whole),
            ),
            (
                " 98732@sip.example.com ; to-tag=ff87ff ;from-tag=r33th4x0r",
                Ok(whole),
            ),
            (
                "98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r;early-only",
                Ok(early),
            ),
            (";to-tag=1;from-tag=2", Err("names no Call-ID")),
            ("a@b;from-tag=2", Err("needs one to-tag")),
            ("a@b;to-tag=1", Err("needs one from-tag")),
            ("a@b;to-tag=1;to-tag=3;from-tag=2", Err("needs one to-tag")),
            ("a@b;to-tag;from-tag=2", Err("needs one to-tag")),
            (
                "a@b;to-tag=1;from-tag=2 c@d",
                Err("has something behind its parameters"),
            ),
        ] {
            assert_eq!(Replaces::parse(text.as_bytes()), expected, "{text}");
        }
    }
}

//! Puts our Via on top of a request that is ready but for it.

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;
use memchr::memchr;

use crate::Transport;

/// The request with our Via before its other headers, `rport` asked for (RFC 3581 §3).
///
/// `sent_by` is an address or a checked setting, so it needs no look here.
pub(crate) fn with_via(request: &[u8], transport: Transport, sent_by: &str, branch: &str) -> Bytes {
    let via = format!("Via: SIP/2.0/{transport} {sent_by};rport;branch={branch}\r\n");
    let after_first_line = memchr(b'\n', request).map_or(request.len(), |at| at + 1);
    let (first, rest) = request.split_at(after_first_line);
    let mut out = Vec::with_capacity(request.len() + via.len());
    for part in [first, via.as_bytes(), rest] {
        out.extend_from_slice(part);
    }
    out.into()
}

//! An entry as a row.

use std::sync::LazyLock;

use engine::journal::{Body, Entry, Stamp};
use sqlx::Row as _;

use crate::dialect::{self, Bulk, OnConflict};
use crate::error::StoreError;

/// The columns that [`read`] needs.
pub(crate) const COLUMNS: &str =
    "seq, node, incarnation, mono_us, utc_us, config_version, rules_version, kind, body";

/// Writes entries. One that is there already stays: a commit whose outcome was unknown is simply done again.
pub(crate) static INSERT: LazyLock<Bulk<Entry>> = LazyLock::new(|| {
    let columns: Vec<&str> = COLUMNS.split(", ").collect();
    Bulk::new("journal", &columns, 1, OnConflict::Keep, bind)
});

fn bind<'q>(query: dialect::Bound<'q>, entry: &Entry) -> dialect::Bound<'q> {
    let stamp = &entry.stamp;
    query
        .bind(dialect::signed(entry.seq))
        .bind(i64::from(stamp.node))
        .bind(i64::from(stamp.incarnation))
        .bind(dialect::signed(stamp.mono_us))
        .bind(stamp.utc_us)
        .bind(dialect::signed(stamp.config_version))
        .bind(i64::from(stamp.rules_version))
        .bind(i64::from(entry.body.kind()))
        .bind(entry.body.encode())
}

/// Reads a row of [`COLUMNS`].
///
/// A body of a known kind that does not decode is handed on as [`Body::Unknown`], and said: one bad row
/// must not keep a centre from starting.
pub(crate) fn read(row: &dialect::Row) -> Result<Entry, StoreError> {
    let seq = dialect::unsigned(row.try_get("seq")?);
    let narrow = |column: &str| -> Result<i64, sqlx::Error> { row.try_get(column) };
    let stamp = Stamp {
        node: fit(seq, "node", narrow("node")?)?,
        incarnation: fit(seq, "incarnation", narrow("incarnation")?)?,
        mono_us: dialect::unsigned(row.try_get("mono_us")?),
        utc_us: row.try_get("utc_us")?,
        config_version: dialect::unsigned(row.try_get("config_version")?),
        rules_version: fit(seq, "rules_version", narrow("rules_version")?)?,
    };
    let kind: u16 = fit(seq, "kind", narrow("kind")?)?;
    let bytes: &[u8] = row.try_get("body")?;
    let body = Body::decode(kind, bytes).unwrap_or_else(|error| {
        tracing::error!(seq, %error, "an entry of the journal cannot be read and is passed over");
        Body::Unknown {
            kind,
            bytes: bytes.to_vec(),
        }
    });
    Ok(Entry { seq, stamp, body })
}

fn fit<T: TryFrom<i64>>(seq: u64, column: &str, value: i64) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Unreadable {
        what: format!("entry {seq} of the journal"),
        why: format!("{column} is {value}"),
    })
}

//! The directory: entries as they were written, one change after the other, each on record, and lists in any order.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Home, START_US};
use config::{DirectoryEntry, EntryId};
use serde_json::{Value, json};
use store::{Directory, ENTRIES_MAX, EntryChange, StoreError, StoredEntry};

fn entry(json: &Value) -> DirectoryEntry {
    DirectoryEntry::from_json(json).unwrap()
}

async fn put(
    directory: &Directory,
    old: Option<&StoredEntry>,
    new: Option<&DirectoryEntry>,
) -> Result<EntryId, StoreError> {
    let change = EntryChange {
        old,
        new,
        who: "ann",
        utc_us: START_US,
    };
    directory.change(change).await
}

async fn add(directory: &Directory, json: &Value) -> StoredEntry {
    let id = put(directory, None, Some(&entry(json))).await.unwrap();
    directory.entry(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_entry_reads_back_as_it_was_written_also_after_a_restart() {
    let home = Home::new();
    let store = home.open().await;
    let whole = json!({
        "external_id": "E-17", "first_name": "Ann", "last_name": "Admiraal", "display_name": "Ann A.",
        "company": "Acme", "department": "Sales", "job_title": "Buyer", "phone": "+31205550001",
        "mobile": "0612345678", "other_numbers": ["1001"], "email": "ann@example.com",
        "notes": "Two\nlines", "vip": true,
    });
    let added = add(&store.directory(), &whole).await;
    assert_eq!((added.version, added.entry.to_json()), (1, whole));
    store.close().await;
    let store = home.open().await;
    let read = store.directory().entry(added.id).await.unwrap();
    assert_eq!(read.as_ref(), Some(&added));
    assert_eq!(store.directory().entry(EntryId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_change_of_what_was_changed_or_removed_meanwhile_is_refused() {
    let home = Home::new();
    let store = home.open().await;
    let directory = store.directory();
    let first = add(&directory, &json!({"last_name": "A"})).await;
    let new = entry(&json!({"last_name": "B"}));
    put(&directory, Some(&first), Some(&new)).await.unwrap();
    for late in [Some(&new), None] {
        let refused = put(&directory, Some(&first), late).await;
        assert!(
            matches!(refused, Err(StoreError::StaleEntry)),
            "{refused:?}"
        );
    }
    let second = directory.entry(first.id).await.unwrap().unwrap();
    assert_eq!((second.version, &second.entry), (2, &new));
    put(&directory, Some(&second), None).await.unwrap();
    let refused = put(&directory, Some(&second), Some(&new)).await;
    assert!(
        matches!(refused, Err(StoreError::StaleEntry)),
        "{refused:?}"
    );
    assert_eq!(directory.entry(first.id).await.unwrap(), None);
}

#[tokio::test]
async fn every_change_is_on_record_with_who_made_it() {
    let home = Home::new();
    let store = home.open().await;
    let directory = store.directory();
    let first = add(&directory, &json!({"last_name": "A", "phone": "1"})).await;
    let new = entry(&json!({"last_name": "A", "phone": "2", "vip": true}));
    put(&directory, Some(&first), Some(&new)).await.unwrap();
    let second = directory.entry(first.id).await.unwrap().unwrap();
    put(&directory, Some(&second), None).await.unwrap();
    let audit = store.centre().audit(None, 10).await.unwrap();
    let said: Vec<_> = audit
        .iter()
        .rev()
        .map(|row| (row.who.as_str(), row.kind.as_str(), row.what.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("ann", "contacts", "added"),
            ("ann", "contacts", "changed: phone, vip"),
            ("ann", "contacts", "removed"),
        ]
    );
    assert!(audit.iter().all(|row| row.name == first.id.to_string()));
    assert_eq!(audit[1].before.as_ref().unwrap()["phone"], "1");
    assert_eq!(audit[1].after.as_ref().unwrap()["phone"], "2");
    let (version, _) = store.centre().load().await.unwrap();
    assert_eq!(version, 0, "the centre is the same");
}

#[tokio::test]
async fn rule_2_the_numbers_of_vips_are_those_of_entries_with_the_mark() {
    let home = Home::new();
    let store = home.open().await;
    let directory = store.directory();
    add(&directory, &json!({"last_name": "Nobody", "phone": "1"})).await;
    let vip = json!({"last_name": "Vip", "phone": "2", "mobile": "3", "other_numbers": ["4"], "vip": true});
    let vip = add(&directory, &vip).await;
    let numbers = |vips: std::collections::BTreeMap<EntryId, Vec<config::DialNumber>>| {
        let numbers = vips.into_iter().map(|(id, numbers)| {
            let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            (id, texts.join(" "))
        });
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(
        numbers(directory.vips().await.unwrap()),
        [(vip.id, "2 3 4".to_owned())]
    );
    let unmarked = entry(&json!({"last_name": "Vip", "phone": "2"}));
    put(&directory, Some(&vip), Some(&unmarked)).await.unwrap();
    assert_eq!(numbers(directory.vips().await.unwrap()), []);
}

#[tokio::test]
async fn no_two_entries_have_one_external_id_and_any_number_has_none() {
    let home = Home::new();
    let store = home.open().await;
    let directory = store.directory();
    let one = json!({"last_name": "A", "external_id": "E-1"});
    add(&directory, &one).await;
    add(&directory, &json!({"last_name": "B"})).await;
    let third = add(&directory, &json!({"last_name": "C"})).await;
    for old in [None, Some(&third)] {
        let refused = put(&directory, old, Some(&entry(&one))).await;
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("\"E-1\""), "{text}");
    }
}

#[tokio::test]
async fn a_full_directory_takes_no_more() {
    let home = Home::new();
    let store = home.open().await;
    let directory = store.directory();
    home.meddle(
        &home.database(),
        "INSERT INTO directory SELECT value, 1, '{\"last_name\":\"X\"}', '', '', 'X', '', '', '', '', '', '', '', 0 \
         FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 100000) SELECT value FROM n)",
    )
    .await;
    let refused = put(&directory, None, Some(&entry(&json!({"last_name": "Y"})))).await;
    assert!(
        matches!(refused, Err(StoreError::DirectoryFull { max: ENTRIES_MAX })),
        "{refused:?}"
    );
    let sort = [("last_name".to_owned(), false), ("id".to_owned(), false)];
    let after = [json!("X"), json!(EntryId(99_998).to_string())];
    let last = directory.after(&sort, Some(&after), 10).await.unwrap();
    assert_eq!(last.len(), 2, "the last page of so many");
}

/// Reads the directory in that order, page by page, and says the last names.
async fn listed(directory: &Directory, sort: &[(&str, bool)], limit: u32) -> String {
    let sort: Vec<_> = sort
        .iter()
        .map(|(field, down)| ((*field).to_owned(), *down))
        .collect();
    let (mut said, mut after) = (Vec::new(), None);
    loop {
        let page = directory
            .after(&sort, after.as_deref(), limit)
            .await
            .unwrap();
        let Some(last) = page.last() else {
            return said.join(" ");
        };
        let mut json = last.entry.to_json();
        json["id"] = json!(last.id.to_string());
        let place = sort.iter().map(|(field, _)| json[field].clone());
        after = Some(place.collect::<Vec<_>>());
        said.extend(
            page.iter()
                .map(|it| it.entry.last_name.clone().unwrap().to_string()),
        );
    }
}

#[tokio::test]
async fn lists_are_read_in_any_order_part_by_part() {
    let home = Home::new();
    let store = home.open().await;
    let directory = store.directory();
    for (last, company, vip) in [
        ("b", "X", true),
        ("a", "Y", false),
        ("c", "X", false),
        ("d", "", true),
    ] {
        add(
            &directory,
            &json!({"last_name": last, "company": company, "vip": vip}),
        )
        .await;
    }
    for limit in 1..=5 {
        for (sort, expected) in [
            (&[("last_name", false), ("id", false)][..], "a b c d"),
            (&[("last_name", true)], "d c b a"),
            (&[("company", false), ("last_name", true)], "d c b a"),
            (&[("company", true), ("last_name", false)], "a b c d"),
            (
                &[("vip", true), ("last_name", true), ("vip", false)],
                "d b c a",
            ),
        ] {
            let said = listed(&directory, sort, limit).await;
            assert_eq!(said, expected, "{sort:?} by {limit}");
        }
    }
    let by = |field: &str| [(field.to_owned(), false)];
    let refused = directory.after(&by("notes"), None, 1).await;
    assert!(
        matches!(refused, Err(StoreError::Unsorted { .. })),
        "{refused:?}"
    );
    for (field, value) in [
        ("id", json!("x")),
        ("vip", json!("true")),
        ("company", json!(1)),
    ] {
        let refused = directory.after(&by(field), Some(&[value]), 1).await;
        assert!(
            matches!(refused, Err(StoreError::Cursor)),
            "{field}: {refused:?}"
        );
    }
    let refused = directory.after(&by("company"), Some(&[]), 1).await;
    assert!(matches!(refused, Err(StoreError::Cursor)), "{refused:?}");
}

//! The directory, over a fake that keeps it in memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard};

use admin_api::Answer;
use admin_api::ports::{Directory, DirectoryError, EntriesAfter, EntryChange, KeptEntry};
use config::{DirectoryEntry, EntryId};
use serde_json::{Value, json};

use crate::world::World;

const PLAIN: &str = "/api/v1/contacts/0000000000000001";
const VIP: &str = "/api/v1/contacts/0000000000000002";

/// Two entries, the second a VIP's.
pub(crate) struct FakeDirectory {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: BTreeMap<EntryId, KeptEntry>,
    /// So many changes come too late: somebody else's came first.
    beaten: u32,
    /// Who changed it.
    actors: Vec<String>,
}

impl FakeDirectory {
    pub(crate) fn new() -> Self {
        let mut kept = Kept::default();
        for (id, json) in [
            (1, json!({"last_name": "Plain", "phone": "+31205550001"})),
            (
                2,
                json!({"last_name": "Vip", "phone": "+31205550002", "vip": true}),
            ),
        ] {
            kept.put(EntryId(id), 1, entry(&json));
        }
        Self {
            kept: Mutex::new(kept),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no test panics while it holds it")
    }
}

fn entry(json: &Value) -> DirectoryEntry {
    DirectoryEntry::from_json(json).expect("a right entry")
}

impl Kept {
    fn put(&mut self, id: EntryId, version: u64, entry: DirectoryEntry) {
        self.entries.insert(id, KeptEntry { id, version, entry });
    }

    fn change(&mut self, change: EntryChange) -> Result<EntryId, DirectoryError> {
        if self.beaten > 0 {
            self.beaten -= 1;
            return Err(DirectoryError::Stale);
        }
        self.actors.push(change.actor.username);
        let external_id = change.new.as_ref().and_then(|new| new.external_id.clone());
        let id = change.old.as_ref().map(|old| old.id);
        let mut others = self.entries.values().filter(|kept| Some(kept.id) != id);
        if external_id.is_some() && others.any(|kept| kept.entry.external_id == external_id) {
            return Err(DirectoryError::Taken(
                external_id.map(|it| it.to_string()).unwrap_or_default(),
            ));
        }
        match (change.old, change.new) {
            (Some(old), _) if self.entries.get(&old.id) != Some(&old) => Err(DirectoryError::Stale),
            (Some(old), Some(new)) => {
                self.put(old.id, old.version + 1, new);
                Ok(old.id)
            }
            (Some(old), None) => {
                self.entries.remove(&old.id);
                Ok(old.id)
            }
            (None, Some(new)) => {
                let id = EntryId(self.entries.keys().last().map_or(1, |last| last.0 + 1));
                self.put(id, 1, new);
                Ok(id)
            }
            (None, None) => Err(DirectoryError::Stale),
        }
    }

    fn after(&self, query: &EntriesAfter) -> Vec<KeptEntry> {
        let place = |kept: &KeptEntry| -> Vec<Value> {
            let mut json = kept.entry.to_json();
            json["id"] = json!(kept.id.to_string());
            query
                .sort
                .iter()
                .map(|(field, _)| json[field].clone())
                .collect()
        };
        let compare = |a: &[Value], b: &[Value]| {
            let pairs = a.iter().zip(b).zip(&query.sort);
            pairs.fold(Ordering::Equal, |order, ((a, b), (_, down))| {
                let (a, b) = if *down { (b, a) } else { (a, b) };
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                order.then_with(|| text(a).cmp(&text(b)))
            })
        };
        let mut entries: Vec<_> = self
            .entries
            .values()
            .map(|kept| (place(kept), kept))
            .collect();
        entries.sort_by(|a, b| compare(&a.0, &b.0));
        if let Some(after) = &query.after {
            entries.retain(|(place, _)| compare(place, after) == Ordering::Greater);
        }
        let entries = entries.into_iter().take(query.limit as usize);
        entries.map(|(_, kept)| kept.clone()).collect()
    }
}

impl Directory for FakeDirectory {
    fn entry(&self, id: EntryId) -> Answer<'_, Result<Option<KeptEntry>, DirectoryError>> {
        Box::pin(ready(Ok(self.kept().entries.get(&id).cloned())))
    }

    fn entries(&self, query: EntriesAfter) -> Answer<'_, Result<Vec<KeptEntry>, DirectoryError>> {
        if query.sort.iter().any(|(field, _)| field == "notes") {
            let text = "entries are not sorted by notes".to_owned();
            return Box::pin(ready(Err(DirectoryError::Unsorted(text))));
        }
        Box::pin(ready(Ok(self.kept().after(&query))))
    }

    fn change(&self, change: EntryChange) -> Answer<'_, Result<EntryId, DirectoryError>> {
        Box::pin(ready(self.kept().change(change)))
    }
}

#[tokio::test]
async fn ct_7_7_an_attendant_adds_an_entry_changes_it_and_removes_it() {
    let world = World::new();
    let ann = Some("ann");
    let body = json!({"first_name": "Dave", "last_name": "Dodo", "mobile": "06-12345678", "notes": "a\nb"});
    let added = world.call(ann, "POST", "/api/v1/contacts", body).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let path = added.header("location").to_owned();
    assert_eq!(path, "/api/v1/contacts/0000000000000003");
    assert_eq!(added.body["id"], "0000000000000003");
    let read = world.get("ann", &path).await;
    assert_eq!(
        (&read.body, read.header("etag")),
        (&added.body, added.header("etag"))
    );
    assert_eq!(
        (&read.body["mobile"], &read.body["vip"]),
        (&json!("06-12345678"), &json!(false))
    );
    let patch = json!({"company": "Acme", "mobile": null, "id": "0000000000000003"});
    let changed = world.call(ann, "PATCH", &path, patch).await;
    assert_eq!(changed.body["company"], "Acme");
    assert_eq!(
        (&changed.body["mobile"], &changed.body["last_name"]),
        (&Value::Null, &json!("Dodo"))
    );
    // What was read can be sent back, and is no change.
    let same = world.call(ann, "PUT", &path, changed.body.clone()).await;
    assert_eq!((same.status.as_u16(), &same.body), (200, &changed.body));
    let replaced = world
        .call(ann, "PUT", &path, json!({"last_name": "Dodo"}))
        .await;
    assert_eq!(
        (replaced.status.as_u16(), &replaced.body["company"]),
        (200, &Value::Null)
    );
    let removed = world.call(ann, "DELETE", &path, Value::Null).await;
    assert_eq!(removed.status, 204);
    assert_eq!(world.get("ann", &path).await.problem(), "not-found");
    assert_eq!(world.directory.kept().actors, ["ann"; 4]);
}

#[tokio::test]
async fn what_is_wrong_with_an_entry_is_named() {
    let world = World::new();
    let list = "/api/v1/contacts";
    let other = json!({"last_name": "A", "id": "0000000000000002"});
    for (method, path, body, fields) in [
        ("POST", list, json!({}), vec!["display_name"]),
        (
            "POST",
            list,
            json!({"last_name": 1, "phone": "a b"}),
            vec!["last_name", "phone"],
        ),
        (
            "POST",
            list,
            json!({"last_name": "A", "favourite": true}),
            vec!["favourite"],
        ),
        (
            "POST",
            list,
            json!({"last_name": "A", "id": "x"}),
            vec!["id"],
        ),
        ("POST", list, json!([]), vec![""]),
        ("PUT", PLAIN, json!({"phone": "1"}), vec!["display_name"]),
        ("PUT", PLAIN, other, vec!["id"]),
        (
            "PATCH",
            PLAIN,
            json!({"last_name": null}),
            vec!["display_name"],
        ),
        ("PATCH", PLAIN, json!({"vip": "yes"}), vec!["vip"]),
        (
            "GET",
            "/api/v1/contacts?sort=notes",
            Value::Null,
            vec!["sort"],
        ),
        (
            "GET",
            "/api/v1/contacts?filter[fax]=1",
            Value::Null,
            vec!["filter[fax]"],
        ),
        (
            "GET",
            "/api/v1/contacts?cursor=00",
            Value::Null,
            vec!["cursor"],
        ),
    ] {
        let answer = world.call(Some("root"), method, path, body.clone()).await;
        let found = (answer.status.as_u16(), answer.fields());
        assert_eq!(
            found,
            (422, fields),
            "{method} {path} {body}: {}",
            answer.body
        );
    }
    for path in [
        "/api/v1/contacts/1",
        "/api/v1/contacts/00000000000000ff",
        "/api/v1/contacts/x",
    ] {
        assert_eq!(world.get("ann", path).await.status, 404, "{path}");
    }
    assert_eq!(
        world.directory.kept().actors,
        [""; 0],
        "nothing was changed"
    );
}

#[tokio::test]
async fn no_two_entries_have_one_external_id() {
    let world = World::new();
    for (method, path, status) in [
        ("PATCH", PLAIN, 200),
        ("POST", "/api/v1/contacts", 409),
        ("PATCH", VIP, 409),
        ("PATCH", PLAIN, 200),
    ] {
        let body = json!({"last_name": "A", "external_id": "E-1"});
        let answer = world.call(Some("sue"), method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}");
        if status == 409 {
            assert_eq!(answer.fields(), ["external_id"]);
        }
    }
}

#[tokio::test]
async fn two_people_at_one_entry_notice_each_other() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("ann"));
    let auth = ("authorization", bearer.as_str());
    let tag = world.get("ann", PLAIN).await.header("etag").to_owned();
    let matching = [auth, ("if-match", tag.as_str())];
    // Somebody else is at other entries: the change is made anew.
    world.directory.kept().beaten = 2;
    let first = world
        .send("PATCH", PLAIN, &matching, json!({"company": "A"}))
        .await;
    assert_eq!(first.status, 200);
    for (method, body) in [("PATCH", json!({"company": "B"})), ("DELETE", Value::Null)] {
        let late = world.send(method, PLAIN, &matching, body).await;
        assert_eq!(
            (late.status.as_u16(), late.problem()),
            (412, "changed-meanwhile")
        );
    }
    let tag = first.header("etag").to_owned();
    let unchanged = world
        .send("GET", PLAIN, &[auth, ("if-none-match", &tag)], Value::Null)
        .await;
    assert_eq!(unchanged.status, 304);
    world.directory.kept().beaten = 100;
    let never = world
        .send("PATCH", PLAIN, &[auth], json!({"company": "B"}))
        .await;
    assert_eq!((never.status.as_u16(), never.problem()), (409, "conflict"));
}

#[tokio::test]
async fn lists_are_sorted_filtered_and_cut_into_pages() {
    let world = World::new();
    for (first, last, company, numbers) in [
        ("Zoë", "Admiraal", "ÉTOILE", json!(["1001"])),
        ("Bea", "Admiraal", "Acme", json!([])),
        ("Cid", "Zwart", "étoile", json!(["1001", "1002"])),
    ] {
        let body = json!({"first_name": first, "last_name": last, "company": company, "other_numbers": numbers});
        world
            .call(Some("ann"), "POST", "/api/v1/contacts", body)
            .await;
    }
    for (query, expected) in [
        ("", "Admiraal Bea, Admiraal Zoë, Plain, Vip, Zwart Cid"),
        (
            "sort=-last_name",
            "Zwart Cid, Vip, Plain, Admiraal Bea, Admiraal Zoë",
        ),
        ("filter[company]=%C3%89toile", "Admiraal Zoë, Zwart Cid"),
        ("filter[other_numbers]=1002", "Zwart Cid"),
        ("filter[vip]=true", "Vip"),
        ("filter[company]=", "Plain, Vip"),
        (
            "filter[company]=%C3%A9toile&filter[first_name]=cid",
            "Zwart Cid",
        ),
    ] {
        for limit in 1..=6 {
            let (mut said, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("/api/v1/contacts?limit={limit}&cursor={cursor}&{query}");
                let page = world.get("ann", &path).await;
                let items = page.body["items"].as_array().expect("a page");
                assert!(items.len() <= limit);
                said.extend(items.iter().map(|row| {
                    let first = row["first_name"].as_str().unwrap_or_default();
                    format!("{} {first}", row["last_name"].as_str().unwrap_or_default())
                        .trim()
                        .to_owned()
                }));
                match page.body["next"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(said.join(", "), expected, "{query} by {limit}");
        }
    }
}

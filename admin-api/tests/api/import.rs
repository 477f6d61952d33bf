//! An iCalendar file becomes holidays: previewed, adopted, and never more than was asked for.

use serde_json::{Value, json};

use crate::world::{Answered, World};

const LIST: &str = "/api/v1/holiday-lists/nl-public";

/// The file of a public calendar; today is 2026-06-01.
const FEED: &str = "BEGIN:VCALENDAR\r
X-WR-CALNAME:Feestdagen\r
BEGIN:VEVENT\r
SUMMARY:Republic day\r
DTSTART;VALUE=DATE:20260602\r
END:VEVENT\r
BEGIN:VEVENT\r
SUMMARY:Koningsdag\r
DTSTART;VALUE=DATE:20270427\r
DTEND;VALUE=DATE:20270428\r
END:VEVENT\r
BEGIN:VEVENT\r
SUMMARY:Kerst\r
DTSTART;VALUE=DATE:20261225\r
DTEND;VALUE=DATE:20261227\r
END:VEVENT\r
BEGIN:VEVENT\r
SUMMARY:Sinterklaas\r
DTSTART:20261205T170000Z\r
END:VEVENT\r
END:VCALENDAR\r
";

const CALENDAR: (&str, &str) = ("content-type", "text/calendar; charset=utf-8");

async fn import(world: &World, query: &str, text: &str) -> Answered {
    world
        .upload("root", &format!("{LIST}/import{query}"), &[CALENDAR], text)
        .await
}

fn dates<'a>(body: &'a Value, field: &str) -> Vec<&'a str> {
    let rows = body[field].as_array().expect("a list");
    rows.iter()
        .map(|row| row["date"].as_str().expect("a date"))
        .collect()
}

async fn list(world: &World) -> Answered {
    world.get("sue", LIST).await
}

#[tokio::test]
async fn a_preview_says_what_would_come_of_it_and_changes_nothing() {
    let world = World::new();
    let before = list(&world).await;
    for query in ["", "?preview=true"] {
        let answer = import(&world, query, FEED).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = &answer.body;
        assert_eq!(
            (&body["preview"], &body["source"]),
            (&json!(true), &json!("Feestdagen"))
        );
        assert_eq!(
            dates(body, "added"),
            ["2026-12-25", "2026-12-26", "2027-04-27"]
        );
        assert_eq!(
            body["added"][2],
            json!({"date": "2027-04-27", "name": "Koningsdag", "source": "Feestdagen"})
        );
        assert_eq!(
            body["present"],
            json!([{"date": "2026-06-02", "name": "Republic day", "source": null}])
        );
        assert_eq!(body["removed"], json!([]));
        assert_eq!(
            body["ignored"],
            json!([{"what": "Sinterklaas", "why": "it is no whole day: DTSTART is 20261205T170000Z"}])
        );
        assert_eq!(answer.header("etag"), before.header("etag"));
    }
    assert_eq!(list(&world).await.body, before.body);
}

#[tokio::test]
async fn what_is_adopted_keeps_its_provenance_and_closes_the_calendars() {
    let world = World::new();
    let answer = import(&world, "?preview=false&source=nl.ics", FEED).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["preview"]),
        (200, &json!(false))
    );
    let after = list(&world).await;
    assert_eq!(after.header("etag"), answer.header("etag"));
    let kerst = |date: &str| json!({"date": date, "name": "Kerst", "source": "nl.ics"});
    assert_eq!(
        after.body["dates"],
        json!([
            {"date": "2026-06-02", "name": "Republic day", "source": null},
            kerst("2026-12-25"),
            kerst("2026-12-26"),
            {"date": "2027-04-27", "name": "Koningsdag", "source": "nl.ics"},
        ])
    );
    let why = world
        .get(
            "sue",
            "/api/v1/calendars/shop/explain?at=2027-04-27T10:00:00Z",
        )
        .await;
    assert_eq!(
        why.body["reason"]["text"],
        "closed: Koningsdag, list nl-public, from nl.ics"
    );
    let again = import(&world, "?preview=false&source=nl.ics", FEED).await;
    assert_eq!(
        (
            dates(&again.body, "added").len(),
            dates(&again.body, "present").len()
        ),
        (0, 4)
    );
    assert_eq!(list(&world).await.body, after.body);
}

#[tokio::test]
async fn what_a_file_has_no_more_goes_but_nothing_else() {
    let world = World::new();
    import(&world, "?preview=false&source=a", FEED).await;
    let shorter = FEED.replace("DTEND;VALUE=DATE:20261227", "DTEND;VALUE=DATE:20261226");
    let other = import(&world, "?source=b", &shorter).await;
    assert_eq!(
        dates(&other.body, "removed"),
        Vec::<&str>::new(),
        "of another source"
    );
    let kept = import(&world, "?source=a&except=2026-12-26", &shorter).await;
    assert_eq!(
        dates(&kept.body, "removed"),
        Vec::<&str>::new(),
        "as asked for"
    );
    let gone = import(&world, "?source=a&preview=false", &shorter).await;
    assert_eq!(dates(&gone.body, "removed"), ["2026-12-26"]);
    let left = list(&world).await;
    let left: Vec<&Value> = left.body["dates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["date"])
        .collect();
    assert_eq!(left, ["2026-06-02", "2026-12-25", "2027-04-27"]);
    // Once it has passed, a date stays for those who ask about the past.
    let empty = "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n";
    let june = FEED.replace("20260602", "20260620");
    import(&world, "?preview=false&source=c", &june).await;
    let gone = import(&world, "?source=c", empty).await;
    assert_eq!(dates(&gone.body, "removed"), ["2026-06-20", "2026-12-26"]);
    world.pass(25 * 86_400);
    let gone = import(&world, "?source=c", empty).await;
    assert_eq!(dates(&gone.body, "removed"), ["2026-12-26"]);
}

#[tokio::test]
async fn dates_can_be_left_out() {
    let world = World::new();
    let answer = import(
        &world,
        "?except=2026-12-26,%202027-04-27&preview=false",
        FEED,
    )
    .await;
    assert_eq!(dates(&answer.body, "added"), ["2026-12-25"]);
    assert_eq!(
        answer.body["ignored"].as_array().unwrap()[2],
        json!({"what": "Koningsdag", "why": "2027-04-27 is in except"})
    );
}

#[tokio::test]
async fn only_what_was_previewed_is_adopted() {
    let world = World::new();
    let preview = import(&world, "", FEED).await;
    let dates = json!({"dates": ["2026-07-01"]});
    world.call(Some("root"), "PATCH", LIST, dates).await;
    let stale = [CALENDAR, ("if-match", preview.header("etag"))];
    let path = format!("{LIST}/import?preview=false");
    let answer = world.upload("root", &path, &stale, FEED).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem()),
        (412, "changed-meanwhile")
    );
    assert_eq!(list(&world).await.body["dates"], json!(["2026-07-01"]));
    let preview = import(&world, "", FEED).await;
    let fresh = [CALENDAR, ("if-match", preview.header("etag"))];
    assert_eq!(world.upload("root", &path, &fresh, FEED).await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_the_reason() {
    let world = World::new();
    let big = " ".repeat(1_000_001);
    let cases = [
        ("", "hello", 400, "malformed"),
        ("", "", 400, "malformed"),
        ("", big.as_str(), 413, "too-large"),
        ("?preview=perhaps", FEED, 422, "invalid"),
        ("?perhaps=true", FEED, 422, "invalid"),
        ("?except=christmas", FEED, 422, "invalid"),
        ("?source=%0A", FEED, 422, "invalid"),
    ];
    for (query, text, status, problem) in cases {
        let answer = import(&world, query, text).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem()),
            (status, problem),
            "{query}"
        );
    }
    let json = [("content-type", "application/json")];
    let answer = world
        .upload("root", &format!("{LIST}/import"), &json, FEED)
        .await;
    assert_eq!(answer.problem(), "media-type");
    let none = world
        .upload(
            "root",
            "/api/v1/holiday-lists/none/import",
            &[CALENDAR],
            FEED,
        )
        .await;
    assert_eq!(none.status, 404);
    let sue = world
        .upload("sue", &format!("{LIST}/import"), &[CALENDAR], FEED)
        .await;
    assert_eq!(sue.status, 403);
    assert_eq!(
        list(&world).await.body["dates"].as_array().unwrap().len(),
        1
    );
}

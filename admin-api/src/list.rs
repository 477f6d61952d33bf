//! Lists: filtered, sorted and cut into pages, the same way for all.
//!
//! A page's `next` is a cursor: the place of its last row in the order. The next page starts after that place,
//! whatever was added or removed meanwhile.

use std::cmp::Ordering;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::hex;
use crate::problem::ApiError;
use crate::state::ApiState;

/// Rows of a page when the request does not say.
const LIMIT_DEFAULT: usize = 100;

/// The most rows of a page.
const LIMIT_MAX: usize = 1000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// The `cursor` of the next page; null on the last.
    pub(crate) next: Option<String>,
}

/// What a list was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// Rows at most.
    pub(crate) limit: usize,
    /// Where the page before ended.
    pub(crate) cursor: Option<String>,
    /// Fields to sort by, each with whether it goes down.
    pub(crate) sort: Vec<(String, bool)>,
    /// Fields and the values they must have.
    pub(crate) filters: Vec<(String, String)>,
}

/// The parameters of all lists, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "stands for what ListQuery reads; only its documentation is used"
)]
pub(crate) struct ListParams {
    /// Rows at most: 1 to 1000, 100 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Fields to sort by, separated by commas; `-` in front sorts downwards.
    sort: Option<String>,
    /// `filter[field]=value`: only rows whose field has that value, in any case; a list has it when an element does.
    #[param(style = DeepObject, explode, value_type = Option<Object>)]
    filter: Option<String>,
}

impl FromRequestParts<ApiState> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| {
                ApiError::field("query", rejection.body_text(), "write name=value pairs")
            })?;
        Self::parse(pairs)
    }
}

impl ListQuery {
    fn parse(pairs: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut query = Self {
            limit: LIMIT_DEFAULT,
            ..Self::default()
        };
        for (name, value) in pairs {
            if let Some(field) = name
                .strip_prefix("filter[")
                .and_then(|rest| rest.strip_suffix(']'))
            {
                query.filters.push((field.to_owned(), value));
                continue;
            }
            match name.as_str() {
                "limit" => query.limit = limit(&value)?,
                // Empty, as scripts send it that have none yet: from the start.
                "cursor" => query.cursor = Some(value).filter(|cursor| !cursor.is_empty()),
                "sort" => {
                    query.sort = value
                        .split(',')
                        .filter(|field| !field.is_empty())
                        .map(sort_field)
                        .collect()
                }
                _ => {
                    let known = "there are limit, cursor, sort and filter[FIELD]";
                    return Err(ApiError::field(name, "there is no such parameter", known));
                }
            }
        }
        Ok(query)
    }

    /// Whether a row has what the filters ask for.
    pub(crate) fn lets_through(&self, row: &Value) -> bool {
        self.filters
            .iter()
            .all(|(field, wanted)| has(&row[field], wanted))
    }

    /// Where the page begins in a list that is read in its order, since it is too long to be sorted here. `order` decides between
    /// rows that are alike.
    ///
    /// # Errors
    ///
    /// 422 for a cursor that was not given out for this sort.
    pub(crate) fn start(&self, order: &[&str]) -> Result<Start, ApiError> {
        let mut sort = self.sort.clone();
        sort.extend(order.iter().map(|field| ((*field).to_owned(), false)));
        let cursor = self.cursor.as_deref();
        let after = cursor
            .map(|cursor| read_cursor(cursor, &sort))
            .transpose()?;
        Ok(Start { sort, after })
    }

    /// Takes out the filter on a field.
    pub(crate) fn take_filter(&mut self, field: &str) -> Option<String> {
        let at = self.filters.iter().position(|(name, _)| name == field)?;
        Some(self.filters.remove(at).1)
    }
}

/// An order, and the place in it after which rows are read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    /// Fields, each with whether it goes down.
    pub(crate) sort: Vec<(String, bool)>,
    /// Their values at the place; none: from the first row on.
    pub(crate) after: Option<Vec<Value>>,
}

impl Start {
    /// Goes on after this row.
    pub(crate) fn pass(&mut self, row: &Value) {
        self.after = Some(place_of(row, &self.sort));
    }

    /// What asks for the page after this row.
    pub(crate) fn cursor_after(&self, row: &Value) -> String {
        write_cursor(&place_of(row, &self.sort), &self.sort)
    }
}

fn limit(value: &str) -> Result<usize, ApiError> {
    let parsed = value
        .parse()
        .ok()
        .filter(|limit| (1..=LIMIT_MAX).contains(limit));
    parsed.ok_or_else(|| {
        ApiError::field(
            "limit",
            format!("{value:?} is no limit"),
            "write a number from 1 to 1000",
        )
    })
}

fn sort_field(field: &str) -> (String, bool) {
    match field.strip_prefix('-') {
        Some(field) => (field.to_owned(), true),
        None => (field.to_owned(), false),
    }
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Place {
    /// The sort the page had: a cursor fits no other.
    sort: Vec<(String, bool)>,
    /// The values of its last row in the fields of the sort, then in the key.
    values: Vec<Value>,
}

/// Filters, sorts and cuts rows. They come in the order that holds when no sort is asked for, which must be that of
/// the `order` fields, none of them equal in two rows.
///
/// # Errors
///
/// 422 for fields that no row has, and for a cursor that was not given out for this sort.
pub(crate) fn page(
    rows: Vec<Value>,
    order: &[&str],
    query: &ListQuery,
) -> Result<Page<Value>, ApiError> {
    check_fields(&rows, query)?;
    let mut sort = query.sort.clone();
    sort.extend(order.iter().map(|field| ((*field).to_owned(), false)));
    let mut rows: Vec<(Vec<Value>, Value)> = rows
        .into_iter()
        .filter(|row| query.lets_through(row))
        .map(|row| (place_of(&row, &sort), row))
        .collect();
    rows.sort_by(|a, b| compare(&a.0, &b.0, &sort));
    if let Some(cursor) = &query.cursor {
        let after = read_cursor(cursor, &sort)?;
        rows.retain(|(place, _)| compare(place, &after, &sort) == Ordering::Greater);
    }
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|(place, _)| write_cursor(place, &sort));
    Ok(Page {
        items: rows.into_iter().map(|(_, row)| row).collect(),
        next,
    })
}

fn check_fields(rows: &[Value], query: &ListQuery) -> Result<(), ApiError> {
    let Some(Value::Object(first)) = rows.first() else {
        return Ok(());
    };
    let unknown = |field: &str| !first.contains_key(field);
    if let Some((field, _)) = query.filters.iter().find(|(field, _)| unknown(field)) {
        return Err(ApiError::field(
            format!("filter[{field}]"),
            "there is no such field",
            fields(first),
        ));
    }
    if let Some((field, _)) = query.sort.iter().find(|(field, _)| unknown(field)) {
        return Err(ApiError::field(
            "sort",
            format!("there is no field {field:?}"),
            fields(first),
        ));
    }
    Ok(())
}

fn fields(row: &serde_json::Map<String, Value>) -> String {
    let names: Vec<&str> = row.keys().map(String::as_str).collect();
    format!("the fields are {}", names.join(", "))
}

fn has(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Null => wanted.is_empty() || wanted == "null",
        Value::Bool(flag) => wanted == if *flag { "true" } else { "false" },
        Value::Number(number) => wanted == number.to_string(),
        Value::String(text) => text.to_lowercase() == wanted.to_lowercase(),
        Value::Array(elements) => elements.iter().any(|element| has(element, wanted)),
        Value::Object(_) => false,
    }
}

fn place_of(row: &Value, sort: &[(String, bool)]) -> Vec<Value> {
    sort.iter().map(|(field, _)| row[field].clone()).collect()
}

fn compare(a: &[Value], b: &[Value], sort: &[(String, bool)]) -> Ordering {
    let pairs = a.iter().zip(b).zip(sort);
    pairs.fold(Ordering::Equal, |order, ((a, b), (_, down))| {
        order.then_with(|| {
            if *down {
                compare_values(b, a)
            } else {
                compare_values(a, b)
            }
        })
    })
}

fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a
                .as_f64()
                .partial_cmp(&b.as_f64())
                .unwrap_or(Ordering::Equal),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => kind(a)
            .cmp(&kind(b))
            .then_with(|| a.to_string().cmp(&b.to_string())),
    }
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

fn write_cursor(values: &[Value], sort: &[(String, bool)]) -> String {
    let place = Place {
        sort: sort.to_vec(),
        values: values.to_vec(),
    };
    hex::encode(&serde_json::to_vec(&place).expect("values of JSON print as JSON"))
}

fn read_cursor(cursor: &str, sort: &[(String, bool)]) -> Result<Vec<Value>, ApiError> {
    let wrong = || {
        ApiError::field(
            "cursor",
            "the cursor is none of ours",
            "take the next of the page before",
        )
    };
    let bytes = hex::decode(cursor).ok_or_else(wrong)?;
    let place: Place = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if place.sort != sort || place.values.len() != sort.len() {
        return Err(ApiError::field(
            "cursor",
            "the cursor belongs to another sort",
            "ask for the first page anew",
        ));
    }
    Ok(place.values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows() -> Vec<Value> {
        vec![
            json!({"name": "ann", "level": 2, "queues": ["sales", "support"], "role": "Attendant"}),
            json!({"name": "bob", "level": 10, "queues": [], "role": null}),
            json!({"name": "cid", "level": 2, "queues": ["support"], "role": "attendant"}),
        ]
    }

    fn query(pairs: &[(&str, &str)]) -> Result<ListQuery, ApiError> {
        ListQuery::parse(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    fn names(pairs: &[(&str, &str)]) -> Result<String, ApiError> {
        let page = page(rows(), &["name"], &query(pairs)?)?;
        let names: Vec<&str> = page
            .items
            .iter()
            .filter_map(|row| row["name"].as_str())
            .collect();
        Ok(names.join(" "))
    }

    #[test]
    fn rows_are_filtered_and_sorted() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ann bob cid"),
            (&[("sort", "-name")], "cid bob ann"),
            (&[("sort", "level")], "ann cid bob"),
            (&[("sort", "-level,-name")], "bob cid ann"),
            (&[("filter[level]", "2")], "ann cid"),
            (&[("filter[role]", "ATTENDANT")], "ann cid"),
            (&[("filter[role]", "")], "bob"),
            (&[("filter[queues]", "sales")], "ann"),
            (
                &[("filter[queues]", "support"), ("filter[name]", "cid")],
                "cid",
            ),
            (&[("limit", "2")], "ann bob"),
        ];
        for (pairs, expected) in cases {
            assert_eq!(names(pairs).as_deref(), Ok(*expected), "{pairs:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("limit", "0")], "limit"),
            (&[("limit", "1001")], "limit"),
            (&[("limit", "x")], "limit"),
            (&[("page", "2")], "page"),
            (&[("sort", "size")], "sort"),
            (&[("filter[size]", "1")], "filter[size]"),
            (&[("cursor", "zz")], "cursor"),
            (&[("cursor", "7b7d")], "cursor"),
        ];
        for (pairs, field) in cases {
            let error = names(pairs).expect_err(field);
            assert!(
                format!("{error:?}").contains(&format!("field: \"{field}\"")),
                "{error:?}"
            );
        }
    }

    #[test]
    fn pages_follow_one_another_though_rows_come_and_go() {
        for sort in ["name", "-level"] {
            let first = page(
                rows(),
                &["name"],
                &query(&[("limit", "1"), ("sort", sort)]).unwrap(),
            )
            .unwrap();
            let cursor = first.next.clone().expect("there is more");
            let mut rows = rows();
            rows.retain(|row| row["name"] != first.items[0]["name"]);
            let rest = query(&[("cursor", &cursor), ("sort", sort)]).unwrap();
            let rest = page(rows, &["name"], &rest).unwrap();
            assert_eq!(rest.items.len(), 2, "{sort}");
            assert_eq!(rest.next, None);
        }
    }

    #[test]
    fn a_cursor_fits_its_sort_only() {
        let first = page(rows(), &["name"], &query(&[("limit", "1")]).unwrap()).unwrap();
        let cursor = first.next.unwrap();
        assert!(names(&[("cursor", &cursor), ("sort", "level")]).is_err());
        assert_eq!(names(&[("cursor", &cursor)]).as_deref(), Ok("bob cid"));
    }
}

//! Prints a centre as the file that `apply` reads.

use serde_json::Value as Json;

use super::{
    AuxCode, Calendar, Centre, FeatureCodes, HolidayList, Number, NumberList, Queue, Resource,
    Trunk, User, WrapUpCodes,
};

/// The centre as a file: what differs from the defaults, secrets as they are kept.
///
/// Reading it gives the same centre again.
pub fn export(centre: &Centre) -> String {
    let mut text = String::new();
    print_kind::<HolidayList>(centre, &mut text);
    print_kind::<Calendar>(centre, &mut text);
    print_kind::<Queue>(centre, &mut text);
    print_kind::<User>(centre, &mut text);
    print_kind::<Trunk>(centre, &mut text);
    print_kind::<Number>(centre, &mut text);
    print_kind::<NumberList>(centre, &mut text);
    print_kind::<FeatureCodes>(centre, &mut text);
    print_kind::<AuxCode>(centre, &mut text);
    print_kind::<WrapUpCodes>(centre, &mut text);
    text
}

fn print_kind<T: Resource>(centre: &Centre, text: &mut String) {
    for resource in T::of(centre).values() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{}\n", T::KIND.heading()));
        print_fields(&**resource, text);
    }
}

fn print_fields<T: Resource>(resource: &T, text: &mut String) {
    let required: Vec<&str> = T::schema()
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let chosen: Vec<&str> = resource.chosen().iter().map(|field| field.name).collect();
    for field in resource.written() {
        let wanted = required.contains(&field.name) || chosen.contains(&field.name);
        if wanted && !field.value.is_null() {
            text.push_str(&format!("{} = {}\n", field.name, inline(&field.value)));
        }
    }
}

/// A value as it stands after `key =`, on one line.
pub(super) fn inline(value: &Json) -> String {
    match value {
        Json::Null => "unset".to_owned(),
        Json::Bool(flag) => flag.to_string(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => toml::Value::String(text.clone()).to_string(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(entries) => {
            let set = entries.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<String> = set
                .map(|(key, value)| format!("{} = {}", key_of(key), inline(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// A key of a table: as it is, or in quotes where it must be.
fn key_of(key: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !key.is_empty() && key.chars().all(is_bare) {
        key.to_owned()
    } else {
        toml::Value::String(key.to_owned()).to_string()
    }
}

//! No text and no JSON panics the readers, and what they accept prints as it can be read again.

use config::{
    AuxCode, FeatureCodes, Number, NumberList, Queue, Resource, Settings, Trunk, User, WrapUpCodes,
    export, parse_centre,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const DEMO: &str = include_str!("../demo.toml");
const EXAMPLE: &str = include_str!("../example.toml");

/// A right text with a piece taken out and another put in.
fn damaged(text: &'static str) -> impl Strategy<Value = String> {
    let scraps = "[\\[\\]{}\"=,.:*#+0-9a-z \n\u{0}é-]{0,12}";
    (0..text.len(), 0..40_usize, scraps).prop_map(move |(start, length, scrap)| {
        let mut bytes = text.as_bytes().to_vec();
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, scrap.bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("queue:support")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|entries| json!(entries)),
        ]
    })
}

/// An object whose keys are fields of ours, and whose values are anything.
fn fields_of<T: Resource>() -> impl Strategy<Value = Value> {
    let names: Vec<&'static str> = T::schema().iter().map(|field| field.name).collect();
    let keys = prop::sample::select(names);
    prop::collection::btree_map(keys, any_json(), 0..8).prop_map(|entries| json!(entries))
}

fn check_json<T: Resource + std::fmt::Debug>(json: &Value) {
    match T::from_json(json) {
        Ok(resource) => assert_eq!(T::from_json(&resource.to_stored_json()), Ok(resource)),
        Err(faults) => assert!(!faults.is_empty(), "a refusal says why"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_damaged_centre_is_read_or_refused(text in damaged(DEMO)) {
        match parse_centre(&text, "centre.toml") {
            Ok(centre) => prop_assert_eq!(parse_centre(&export(&centre), "export"), Ok(centre)),
            Err(faults) => {
                let lines = text.matches('\n').count() + 1;
                prop_assert!(faults.iter().all(|fault| (1..=lines).contains(&fault.line)));
                prop_assert!(faults.iter().all(|fault| !fault.message.is_empty()));
                prop_assert!(faults.render().matches("error").count() >= faults.count());
            }
        }
    }

    #[test]
    fn damaged_settings_are_read_or_refused(text in damaged(EXAMPLE), value in ".{0,30}") {
        let environment = [("LAMPFIELD__SIP__LISTEN".to_owned(), value)];
        if let Err(faults) = Settings::load(&text, "lampfield.toml", environment) {
            prop_assert!(faults.count() > 0);
            prop_assert!(!faults.render().is_empty());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = parse_centre(&text, "centre.toml").map_err(|faults| faults.render());
        let _ = Settings::load(&text, "lampfield.toml", []).map_err(|faults| faults.render());
    }

    #[test]
    fn any_json_is_read_or_refused(user in fields_of::<User>(), queue in fields_of::<Queue>(), trunk in fields_of::<Trunk>(), any in any_json()) {
        check_json::<User>(&user);
        check_json::<Queue>(&queue);
        check_json::<Trunk>(&trunk);
        check_json::<Number>(&any);
        check_json::<NumberList>(&any);
        check_json::<FeatureCodes>(&any);
        check_json::<AuxCode>(&any);
        check_json::<WrapUpCodes>(&any);
    }
}

//! No input makes loading panic, and every refusal says why in one line.

use proptest::prelude::*;

use super::super::Config;
use super::Fixture;

/// A value that is sometimes of the right type.
fn value() -> impl Strategy<Value = toml::Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(toml::Value::from),
        (0_i64..30).prop_map(toml::Value::from),
        any::<f64>().prop_map(toml::Value::from),
        any::<bool>().prop_map(toml::Value::from),
        any::<String>().prop_map(toml::Value::from),
        "[0-9 */,-]{1,20}( [0-9*/,-]{1,5}){4,6}".prop_map(toml::Value::from),
        "[0-9]{1,25} ?(ms|s|m|h|MB|KiB|B)".prop_map(toml::Value::from),
        "(sqlite|http|https|postgres|file)://[ -~]{0,20}".prop_map(toml::Value::from),
        "[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?".prop_map(toml::Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(toml::Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..3)
                .prop_map(|table| toml::Value::Table(table.into_iter().collect())),
        ]
    })
}

/// A document of known keys with any values.
fn document() -> impl Strategy<Value = String> {
    let key = prop::sample::select(Config::keys());
    prop::collection::vec((key, value()), 0..12).prop_map(|entries| {
        let mut document = toml::Table::new();
        for (key, value) in entries {
            let section = document.entry(key.section).or_insert_with(|| toml::Table::new().into());
            section.as_table_mut().unwrap().insert(key.name.to_owned(), value);
        }
        document.to_string()
    })
}

fn load(document: &str) -> Result<(), TestCaseError> {
    if let Err(errors) = Fixture::new().toml(document).load(&[]) {
        let lines = errors.to_string().lines().count();
        prop_assert_eq!(lines, errors.iter().count());
        prop_assert!(lines > 0);
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(document in any::<String>()) {
        load(&document)?;
    }

    #[test]
    fn any_value_of_any_key_is_read_or_refused(document in document()) {
        load(&document)?;
    }

    #[test]
    fn any_variable_is_read_or_refused(at in 0..Config::keys().len(), value in any::<String>()) {
        let name = Config::keys()[at].variable();
        let fixture = Fixture::new().env(&[(&name, &value)]);
        if let Err(errors) = fixture.load(&[]) {
            prop_assert_eq!(errors.to_string().lines().count(), errors.iter().count());
        }
    }
}

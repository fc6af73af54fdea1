//! The shipped sample matches the keys.

use super::*;

/// The sample file in packaging/.
const SHIPPED: &str = include_str!("../../../../packaging/cached.toml");

#[test]
fn the_shipped_sample_is_the_table_of_keys() {
    let made = Config::sample().unwrap();
    assert!(
        made == SHIPPED,
        "packaging/cached.toml is not what the table says; run \
         `cargo run -p cached --example cached-pages -- DIR` and copy DIR/cached.toml there"
    );
}

#[test]
fn every_key_of_the_sample_may_be_uncommented_and_changes_nothing() {
    let key = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        rest.split_once(" = ").filter(|(name, _)| !name.contains(' ')).map(|_| rest.to_owned())
    };
    let lines = SHIPPED.lines().map(|line| key(line).unwrap_or_else(|| line.to_owned()));
    let text = lines.collect::<Vec<_>>().join("\n");
    let set = text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
    assert_eq!(set, Config::keys().len());
    let places = "[database]\nurl = \"/srv/vms/instance/vms.db\"\n[state]\nurl = \"/var/lib/cached/state.db\"\n\
                  [socket]\npath = \"/run/cached/cached.sock\"\n[log]\ndir = \"/var/log/cached\"\n";
    let chicago = &[("TZ", "America/Chicago")];
    let values = |text: &str| Fixture::new().env(chicago).toml(text).config(&[]).shown();
    assert_eq!(values(&text), values(places));
}

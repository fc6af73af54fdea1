//! The printed configuration.

use super::{Fixture, with_database};

#[test]
fn the_page_shows_every_value_with_its_origin() {
    let fixture = with_database("[log]\ndir = \"/l\"").env(&[("CACHED_SOCKET", "/c.sock")]);
    let page = fixture.config(&["--timezone", "UTC"]).render();
    insta::assert_snapshot!(page.replace(&fixture.dir.path().display().to_string(), "DIR"));
}

#[test]
fn the_page_can_be_read_back() {
    for lines in [
        "",
        "[schedule]\ncron = \"0 0 2 * * *\"",
        "[schedule]\nrefresh_interval_hours = 6\n[http]\nlisten = \"\"",
    ] {
        let config = with_database(lines).config(&[]);
        let again = Fixture::new().toml(&config.render()).config(&[]);
        let values = |page: String| {
            page.lines().map(|line| line.split(" # ").next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(values(again.render()), values(config.render()), "{lines}");
    }
}

//! Secrets are never shown.

use super::{Fixture, with_database};

/// Appears in every credential below, and must appear in no output.
const TOKEN: &str = "hunter2";

fn assert_hidden(text: &str) {
    assert!(!text.contains(TOKEN), "{text}");
}

#[test]
fn a_password_in_a_refused_url_is_hidden() {
    for url in [
        "postgres://ada:hunter2@db/vms",
        "postgres://ada:x@hunter2@db/vms",
        "postgres://ada:x/hunter2@db/vms",
        "postgres:ada:hunter2@db/vms",
        "mysql://hunter2@db/vms",
        "mysql://db/vms?password=hunter2",
        "sqlite:///x.db?key=hunter2",
    ] {
        assert_hidden(&Fixture::new().errors(&["--database", url]).join("\n"));
    }
}

#[test]
fn a_secret_never_comes_from_the_environment() {
    let errors =
        with_database("").env(&[("CACHED_NOTIFY_WEBHOOK", "https://example.org/hunter2")]).errors(&[]);
    assert_eq!(
        errors,
        ["notify.webhook = (hidden) (variable CACHED_NOTIFY_WEBHOOK): secrets are never taken from the \
          environment; write file:PATH or credential:NAME for this key into the configuration file"]
    );
    let errors =
        with_database("").env(&[("CACHED_NOTIFY_PING_URL", "https://example.org/hunter2")]).errors(&[]);
    assert!(errors[0].contains("never taken from the environment"), "{errors:?}");
    assert_hidden(&errors.join("\n"));
}

#[test]
fn a_ping_url_is_a_secret_like_a_webhook() {
    let page = with_database("[notify]\nping_url = \"https://hc.example.org/hunter2\"").config(&[]);
    assert_hidden(&format!("{page:?} {}", page.render()));
    assert!(page.render().contains("ping_url = \"(hidden)\""), "{}", page.render());

    let kept = Fixture::new().file("switch", "https://hc.example.org/hunter2\n").mode("switch", 0o600);
    for place in [format!("file:{}", kept.path("switch").display()), "credential:switch".to_owned()] {
        let directory = kept.dir.path().display().to_string();
        let fixture = with_database(&format!("[notify]\nping_url = \"{place}\""))
            .env(&[("CREDENTIALS_DIRECTORY", &directory)]);
        let config = fixture.config(&[]);
        assert_eq!(config.notify.ping_url.as_ref().unwrap().expose(), "https://hc.example.org/hunter2");
        let other = with_database("").config(&[]);
        assert_hidden(&format!("{config:?} {} {:?}", config.render(), config.changes(&other)));
    }
}

#[test]
fn a_user_and_password_in_an_open_url_need_a_private_file() {
    let errors = with_database("[vms]\nprobe_url = \"https://u:hunter2@example.org/health\"").errors(&[]);
    assert!(errors[0].contains("holds a credential"), "{errors:?}");
    assert_hidden(&errors.join("\n"));
}

#[test]
fn a_file_with_a_credential_must_be_private() {
    let fixture = with_database("[notify]\nwebhook = \"https://example.org/?token=hunter2\"");
    let errors = fixture.errors(&[]);
    assert_eq!(
        errors,
        ["notify.webhook = (hidden) (DIR/cached.toml line 4): holds a credential that others may read; \
          run chmod 600 DIR/cached.toml"]
    );
    let config = fixture.mode("cached.toml", 0o600).config(&[]);
    let webhook = config.notify.webhook.as_ref().unwrap();
    assert_eq!(webhook.expose(), "https://example.org/?token=hunter2");
    assert_hidden(&format!("{webhook} {webhook:?} {config:?} {}", config.render()));
    assert!(config.render().contains("webhook = \"(hidden)\""));
}

#[test]
fn a_secret_may_live_in_a_file_of_its_own() {
    let fixture = Fixture::new().file("hook", "https://example.org/hunter2\n").mode("hook", 0o600);
    let line = format!("[notify]\nwebhook = \"file:{}\"", fixture.path("hook").display());
    let fixture = fixture.toml(&line);
    let config = fixture.config(&["--database", "/a.db"]);
    assert_eq!(config.notify.webhook.as_ref().unwrap().expose(), "https://example.org/hunter2");
    assert_hidden(&config.render());

    let errors = fixture.mode("hook", 0o640).errors(&["--database", "/a.db"]);
    assert_eq!(
        errors,
        [
            "notify.webhook = (hidden) (DIR/cached.toml line 2): others may read DIR/hook; run chmod 600 DIR/hook"
        ]
    );
}

#[test]
fn a_secret_may_be_a_systemd_credential() {
    let fixture =
        with_database("[notify]\nwebhook = \"credential:hook\"").file("hook", "https://example.org/hunter2");
    let errors = fixture.errors(&[]);
    assert!(errors[0].contains("LoadCredential="), "{errors:?}");
    assert_eq!(fixture.load_to_check(&[]).unwrap().1, ["notify.webhook"]);
    // Other errors are still reported.
    let errors = fixture.load_to_check(&["--timezone", "nowhere"]).unwrap_err().to_string();
    assert!(errors.contains("nowhere") && !errors.contains("LoadCredential="), "{errors}");
    let directory = fixture.dir.path().display().to_string();
    let config = fixture.env(&[("CREDENTIALS_DIRECTORY", &directory)]).config(&[]);
    assert_eq!(config.notify.webhook.as_ref().unwrap().expose(), "https://example.org/hunter2");
}

#[test]
fn a_credential_is_a_name_and_no_path() {
    for name in ["", "../hook", "/etc/shadow", "."] {
        let errors = with_database(&format!("[notify]\nwebhook = \"credential:{name}\"")).errors(&[]);
        assert!(errors[0].contains("comes the name"), "{errors:?}");
    }
}

#[test]
fn a_refused_secret_is_hidden() {
    let errors = with_database("[notify]\nwebhook = \"hunter2\"").errors(&[]);
    assert!(errors[0].starts_with("notify.webhook = (hidden) "), "{errors:?}");
}

//! The status page is never open by accident, and no secret is ever shown.

use super::{Fixture, path, shown, with_database};

const KEY: &str = "hunter2-hunter2-hunter2";

/// Returns a fixture with `contents` in a file of mode 0600, and `lines` below `[http]`, where `KEY` is the
/// file's path.
fn with_key(contents: &str, lines: &str) -> Fixture {
    let fixture = Fixture::new().file("key", contents).mode("key", 0o600);
    let lines = lines.replace("KEY", &fixture.path("key").display().to_string());
    fixture.toml(&format!("[database]\nurl = \"/srv/vms.db\"\n[http]\n{lines}"))
}

#[test]
fn by_default_no_way_to_log_in_is_enabled() {
    let http = with_key("", "").config(&[]).http;
    assert!(http.secret_key_file.is_none() && http.token_file.is_none());
    assert!(!http.api_tokens && !http.open_viewing);
}

#[test]
fn a_secret_is_read_from_its_file_and_only_the_place_is_shown() {
    for form in ["KEY", "file:KEY"] {
        let fixture =
            with_key(&format!("{KEY}\n"), &format!("secret_key_file = \"{form}\"\ntoken_file = \"{form}\""));
        let config = fixture.config(&[]);
        assert_eq!(config.http.secret_key_file.as_ref().unwrap().expose(), KEY);
        assert_eq!(config.http.token_file.as_ref().unwrap().expose(), KEY);
        let place = format!("\"{}\"", fixture.path("key").display());
        assert_eq!(shown(&config, "http", "secret_key_file"), place);
        assert!(!format!("{config:?} {}", config.render()).contains(KEY));
    }
}

#[test]
fn a_secret_may_be_a_systemd_credential() {
    let fixture = with_key(KEY, "secret_key_file = \"credential:key\"");
    assert!(fixture.errors(&[])[0].contains("LoadCredential="));
    let (config, unjudged) = fixture.load_to_check(&[]).unwrap();
    assert_eq!((config.http.secret_key_file, unjudged), (None, vec!["http.secret_key_file".to_owned()]));
    let directory = path(&fixture.path("key").display().to_string()).parent().unwrap().display().to_string();
    let config = fixture.env(&[("CREDENTIALS_DIRECTORY", &directory)]).config(&[]);
    assert_eq!(config.http.secret_key_file.as_ref().unwrap().expose(), KEY);
    assert_eq!(shown(&config, "http", "secret_key_file"), "\"credential:key\"");
}

#[test]
fn a_file_that_changed_is_a_changed_configuration() {
    let fixture = with_key(KEY, "secret_key_file = \"KEY\"");
    let running = fixture.config(&[]);
    assert_eq!(running.changes(&fixture.config(&[])), []);
    let another = "another key of VMS's";
    let fixture = fixture.file("key", another).mode("key", 0o600);
    let (merged, waiting) = running.reload(fixture.config(&[]));
    assert_eq!(merged.http.secret_key_file.as_ref().unwrap().expose(), another);
    assert_eq!(waiting, []);
    let place = format!("\"{}\"", fixture.path("key").display());
    let changes: Vec<_> =
        running.changes(&merged).into_iter().map(|change| (change.key, change.from, change.to)).collect();
    let to = format!("{place} (with new contents)");
    assert_eq!(changes, [("http.secret_key_file".to_owned(), Some(place), Some(to))]);
}

#[test]
fn a_weak_or_malformed_secret_is_refused() {
    let publishes = "holds a key that VMS publishes";
    let cases = [
        ("secret_key_file", "dev-secret-key-change-in-production\n", publishes),
        ("secret_key_file", "your-secret-key-here", publishes),
        ("secret_key_file", "", "is empty"),
        ("secret_key_file", " \n", "is empty"),
        ("secret_key_file", "§", "fewer than 16 characters"),
        ("secret_key_file", "fifteen-letters", "fewer than 16 characters"),
        ("secret_key_file", "SECRET_KEY=hunter2-hunter2-hunter2", "\"SECRET_KEY=\" in front"),
        ("secret_key_file", "export SECRET_KEY = 'hunter2-hunter2-hunter2'", "\"SECRET_KEY=\" in front"),
        ("secret_key_file", "\"hunter2-hunter2-hunter2\"", "quotes around"),
        ("secret_key_file", "'hunter2-hunter2-hunter2'", "quotes around"),
        ("secret_key_file", "hunter2-hunter2-hunter2\nhunter2-hunter2", "more than one line"),
        ("token_file", "", "at least 20"),
        ("token_file", "nineteen-characters", "at least 20"),
        ("token_file", "twenty characters and blanks", "without blanks"),
        ("token_file", "two-lines-are-no-token\ntwo-lines-are-no-token", "without blanks"),
        ("token_file", "zwanzig-zeichen-und-ümlaute", "letters, digits and signs"),
    ];
    for (key, contents, message) in cases {
        let errors = with_key(contents, &format!("{key} = \"KEY\"")).errors(&[]);
        assert!(errors.len() == 1 && errors[0].starts_with(&format!("http.{key} = ")), "{errors:?}");
        assert!(errors[0].contains(message), "{errors:?}");
        assert!(contents.trim().is_empty() || !errors[0].contains(contents.trim()), "{errors:?}");
    }
    assert!(with_key("twenty-characters-ok", "token_file = \"KEY\"").load(&[]).is_ok());
    for sound in [
        "sixteen-letters!",
        "with=an-equals-sign==",
        "it's-got-a-quote-'",
        "s\u{fc}\u{df}e-\u{fc}mlaute-sechzehn",
    ] {
        assert!(with_key(sound, "secret_key_file = \"KEY\"").load(&[]).is_ok(), "{sound}");
    }
}

#[test]
fn a_secret_file_that_others_may_read_or_that_is_unreadable_is_refused() {
    let errors = with_key(KEY, "token_file = \"KEY\"").mode("key", 0o640).errors(&[]);
    assert_eq!(
        errors,
        [
            "http.token_file = \"DIR/key\" (DIR/cached.toml line 4): others may read DIR/key; run chmod 600 DIR/key"
        ]
    );
}

#[test]
fn a_secret_given_instead_of_its_path_is_not_shown() {
    let expects = "must be the path of a file of mode 0600 that holds the secret, or credential:NAME";
    for key in ["secret_key_file", "token_file"] {
        for given in [
            format!("\"{KEY}\""),
            format!("\"file:{KEY}\""),
            format!("\"/{KEY}\""),
            format!("\"a/{KEY}\\u0000\""),
            format!("\"{}\"", KEY.repeat(200)),
            format!("[\"{KEY}\"]"),
        ] {
            let errors = with_key("", &format!("{key} = {given}")).errors(&[]);
            assert!(errors.len() == 1 && !errors[0].contains("hunter2"), "{given}: {errors:?}");
            assert!(
                errors[0].starts_with(&format!("http.{key} = (hidden) (DIR/cached.toml line 4): must be "))
            );
            assert!(given.starts_with('[') || errors[0].contains(expects), "{given}: {errors:?}");
        }
        let variable = format!("CACHED_HTTP_{}", key.to_uppercase());
        for given in [KEY.to_owned(), format!("{KEY}\u{fffd}")] {
            let errors = with_key("", "").env(&[(&variable, &given)]).errors(&[]);
            assert!(
                errors[0].starts_with(&format!("http.{key} = (hidden) (variable {variable}): ")),
                "{errors:?}"
            );
        }
    }
}

#[test]
fn a_listener_for_other_machines_requires_a_way_to_log_in() {
    let others = "listen = \"0.0.0.0:8321\"\n";
    for way in ["secret_key_file = \"KEY\"", "token_file = \"KEY\"", "api_tokens = true"] {
        assert!(with_key(KEY, &format!("{others}{way}")).load(&[]).is_ok(), "{way}");
        // Only the error of the login method is reported, and not also that there is no login method.
        let errors = with_key(KEY, &format!("{others}{}", way.replace("KEY", "KEY.gone"))).load(&[]);
        assert!(errors.is_ok() || errors.unwrap_err().iter().count() == 1, "{way}");
    }
    for listen in ["0.0.0.0:8321", "[::]:8321", "192.0.2.1:80"] {
        let errors = with_key(KEY, &format!("listen = \"{listen}\"")).errors(&[]);
        assert!(errors.len() == 1 && errors[0].contains("no login is possible"), "{errors:?}");
    }
    for listen in ["127.0.0.1:8321", "127.0.0.9:0", "[::1]:8321", "[::ffff:127.0.0.1]:8321", ""] {
        assert!(with_key(KEY, &format!("listen = \"{listen}\"")).load(&[]).is_ok(), "{listen}");
    }
}

#[test]
fn open_viewing_is_refused_unless_only_this_machine_can_connect() {
    let cases = [
        ("", None),
        ("public_origin = \"http://localhost:8321\"", None),
        ("public_origin = \"http://[::1]:8321\"", None),
        ("trusted_proxies = [\"127.0.0.1\"]", Some("http.trusted_proxies names one")),
        ("public_origin = \"https://vms.example.org\"", Some("http.public_origin says")),
        ("public_origin = \"https://localhost.example.org\"", Some("http.public_origin says")),
        ("listen = \"0.0.0.0:8321\"\napi_tokens = true", Some("http.listen is a loopback address")),
    ];
    for (lines, message) in cases {
        let loaded = with_key(KEY, &format!("open_viewing = true\n{lines}")).load(&[]);
        match message {
            None => assert!(loaded.is_ok(), "{lines}"),
            Some(message) => {
                let errors = loaded.unwrap_err().to_string();
                assert!(
                    errors.starts_with("http.open_viewing = true") && errors.contains(message),
                    "{errors}"
                );
            }
        }
    }
}

#[test]
fn an_origin_with_a_bad_port_or_a_proxy_network_of_all_addresses_is_refused() {
    for line in [
        "public_origin = \"https://a:99999\"",
        "public_origin = \"https://a:99999:1\"",
        "public_origin = \"https://a:1:2\"",
        "public_origin = \"https://a:\"",
        "public_origin = \"https://a:+1\"",
        "public_origin = \"https://[a]\"",
        "public_origin = \"https://[::1]x:80\"",
        "trusted_proxies = [\"0.0.0.0/0\"]",
        "trusted_proxies = [\"127.0.0.1\", \"::/0\"]",
    ] {
        let errors = with_key("", line).errors(&[]);
        assert!(errors.len() == 1 && errors[0].contains("must "), "{line}: {errors:?}");
    }
    for line in [
        "public_origin = \"https://vms.example.org:8443/\"",
        "public_origin = \"http://[::1]:8321\"",
        "public_origin = \"http://[::1]\"",
        "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
    ] {
        assert!(with_key("", line).load(&[]).is_ok(), "{line}");
    }
}

#[test]
fn hosts_and_cookie_names_are_checked() {
    let config =
        with_key("", "hosts = [\"VMS.Example.org.\", \"[::1]\", \"192.0.2.7\"]\nremember_cookie = \"\"")
            .config(&[]);
    assert_eq!(shown(&config, "http", "hosts"), "[\"vms.example.org\", \"::1\", \"192.0.2.7\"]");
    assert!(config.http.remember_cookie.is_none());
    for line in [
        "hosts = [\"https://vms.example.org\"]",
        "hosts = [\"vms.example.org:443\"]",
        "hosts = [\"*\"]",
        "hosts = [\".\"]",
        "hosts = [\"..\"]",
        "session_cookie = \"\"",
        "session_cookie = \"a b\"",
        "session_cookie = \"a=b\"",
        "remember_cookie = \"a;b\"",
        "session_lifetime = \"0s\"",
    ] {
        let errors = with_key("", line).errors(&[]);
        assert!(errors.len() == 1 && errors[0].contains("must be "), "{line}: {errors:?}");
    }
}

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
fn a_secret_url_may_be_a_systemd_credential() {
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
fn a_path_as_the_name_of_a_credential_is_refused() {
    for name in ["", "../hook", "/etc/shadow", "."] {
        let errors = with_database(&format!("[notify]\nwebhook = \"credential:{name}\"")).errors(&[]);
        assert!(errors[0].contains("must be followed by the name"), "{errors:?}");
    }
}

#[test]
fn a_refused_secret_is_hidden() {
    let errors = with_database("[notify]\nwebhook = \"hunter2\"").errors(&[]);
    assert!(errors[0].starts_with("notify.webhook = (hidden) "), "{errors:?}");
}

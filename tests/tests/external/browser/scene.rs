//! A daemon on a golden database, and a browser in which an administrator of VMS is signed in.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::SystemTime;

use cached_tests::browser::Browser;
use cached_tests::daemon::{Daemon, socket};
use cached_tests::golden::Golden;
use cached_tests::session::{ADMIN, KEY, session_of_admin};
use cached_tests::vms::Other;

/// Roles whose elements must have a name.
const NAMED: [&str; 9] =
    ["button", "link", "checkbox", "radio", "textbox", "image", "progressbar", "navigation", "table"];

pub(crate) struct Scene {
    // Dropped before the daemon, whose events it follows.
    pub(crate) browser: Browser,
    pub(crate) daemon: Daemon,
    pub(crate) vms: Other,
    pub(crate) address: String,
    _golden: Golden,
}

impl Scene {
    /// Returns `None` where there is no browser.
    pub(crate) fn set() -> Option<Self> {
        let browser = Browser::start()?;
        let golden = Golden::unpack("tiny1");
        let vms = Other::open(&golden.database());
        vms.execute(ADMIN);
        let key = golden.directory().join("key");
        std::fs::write(&key, KEY).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        // The port was free a moment ago, and most probably still is.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let configuration = format!(
            "[http]\nsecret_key_file = \"{}\"\n[watch]\nenabled = false\n[retry]\nattempts = 1\n[schedule]\ntimezone = \"America/Chicago\"\n",
            key.display()
        );
        let mut command = Daemon::command(&golden, &configuration);
        command.env("CACHED_HTTP_LISTEN", &address);
        let daemon = Daemon::launch(command, &socket(golden.directory()));
        daemon.idle();
        let address = format!("http://{address}/management/cache");
        browser.cookie(&address, "vms_session", &session_of_admin(now()));
        Some(Self { browser, daemon, vms, address, _golden: golden })
    }

    /// Opens a page in every width and color scheme, saves screenshots, and checks for errors.
    pub(crate) fn inspect(&self, path: &str, name: &str) {
        self.browser.open(&format!("{}/{path}", self.address));
        self.picture(name);
    }

    /// Does the same for the page that is open.
    pub(crate) fn picture(&self, name: &str) {
        for (width, scheme) in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")] {
            self.browser.screen(width, scheme);
            let picture = self.browser.screenshot(&format!("{name}-{width}-{scheme}"));
            self.is_spoken(&picture.display().to_string());
            let fits = "return document.documentElement.scrollWidth <= window.innerWidth";
            assert_eq!(
                self.browser.run(fits),
                true,
                "the page is wider than the screen: {}",
                picture.display()
            );
        }
        self.browser.screen(1280, "light");
        self.is_content();
    }

    /// Checks that the accessibility tree conveys the same content at this width.
    fn is_spoken(&self, picture: &str) {
        let spoken = self.browser.spoken();
        let of = |role: &'static str| spoken.iter().filter(move |element| element.role == role);
        for role in NAMED {
            assert!(of(role).all(|element| !element.name.is_empty()), "{picture}: an unnamed {role}");
        }
        assert_eq!(of("main").count(), 1, "{picture}");
        let levels: Vec<u64> = of("heading").filter_map(|heading| heading.level).collect();
        assert_eq!(levels.first(), Some(&1), "{picture}: the page begins with its heading");
        assert!(levels.iter().filter(|level| **level == 1).count() == 1, "{picture}: {levels:?}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{picture} skips a level: {levels:?}");
        // This must hold also where rows are displayed as blocks.
        let script = "return document.querySelectorAll('main table:not(details table)').length";
        assert_eq!(
            self.browser.run(script),
            of("table").count(),
            "{picture}: tables are announced as tables"
        );
        assert!(of("table").count() == 0 || of("rowheader").count() > 0, "{picture}: rows have names");
    }

    /// Checks that there are no errors, and that the page's security policy refused nothing.
    pub(crate) fn is_content(&self) {
        assert_eq!(self.browser.complaints(), Vec::<String>::new());
    }
}

#[expect(clippy::disallowed_methods, reason = "a real daemon lives in real time")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

//! A headless browser and the few calls that the tests of the pages need, driven through `chromedriver`.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait;

/// An element of the page's accessibility tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// `button`, `heading`, `cell`, …
    pub role: String,
    /// Accessible name; may be empty.
    pub name: String,
    /// Level of a heading.
    pub level: Option<u64>,
}

/// A Chromium process, which ends when this is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
    profile: TempDir,
}

impl Browser {
    /// Starts the browser; `None` where Chromium is not installed, unless the environment sets `CI=true`,
    /// which requires it.
    pub fn start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        let spawned = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = match spawned {
            Ok(driver) => driver,
            Err(error) => {
                let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
                assert!(!is_ci, "chromedriver cannot be started: {error}");
                println!("NOT TESTED: chromedriver cannot be started: {error}");
                return None;
            }
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                Some(line.unwrap().split_once("successfully on port ")?.1.trim_end_matches('.').to_owned())
            })
            .unwrap();
        // The output has to be drained: a full pipe would block the driver.
        std::thread::spawn(move || lines.for_each(drop));
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_mins(2)));
        let mut browser = Self {
            driver,
            agent: config.build().into(),
            session: format!("http://127.0.0.1:{port}/session"),
            profile: tempfile::tempdir().unwrap(),
        };
        let profile = format!("--user-data-dir={}", browser.profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
            &profile,
        ];
        let wanted = json!({
            "browserName": "chrome", "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"},
        });
        let made = browser.ask("", &json!({"capabilities": {"alwaysMatch": wanted}}));
        browser.session = format!("{}/{}", browser.session, made["sessionId"].as_str().unwrap());
        Some(browser)
    }

    /// Opens a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.ask("/url", &json!({"url": url}));
    }

    /// Opens another tab and switches to it; returns the previous tab.
    pub fn tab(&self) -> String {
        let before = self.get("/window").as_str().unwrap().to_owned();
        let made = self.ask("/window/new", &json!({"type": "tab"}));
        self.switch(made["handle"].as_str().unwrap());
        before
    }

    /// Switches to a tab, which is then the visible one.
    pub fn switch(&self, tab: &str) {
        self.ask("/window", &json!({"handle": tab}));
        self.devtools("Page.bringToFront", &json!({}));
    }

    /// Sets a cookie for the host of an address.
    pub fn cookie(&self, url: &str, name: &str, value: &str) {
        let cookie = json!({"url": url, "name": name, "value": value, "path": "/", "httpOnly": true});
        let set = self.devtools("Network.setCookie", &cookie);
        assert_eq!(set["success"], true, "{set}");
    }

    /// Clicks the element that a selector matches.
    pub fn click(&self, selector: &str) {
        // Clicks by script: a page that refreshes itself may replace an element that was found a moment ago.
        let script = format!(
            "const found = document.querySelector({selector:?}); found?.click(); return found !== null"
        );
        wait::until(&format!("{selector} can be clicked"), || (self.run(&script) == true).then_some(()));
    }

    /// Runs a script and returns its result.
    pub fn run(&self, script: &str) -> Value {
        self.ask("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Returns the text of an element; empty when there is none.
    pub fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({selector:?})?.innerText ?? ''");
        self.run(&script).as_str().unwrap().to_owned()
    }

    /// Waits until an element's text contains `text`.
    pub fn shows(&self, selector: &str, text: &str) {
        wait::until(&format!("{selector} shows {text:?}"), || {
            self.text(selector).contains(text).then_some(())
        });
    }

    /// Sets the width of the screen and its color scheme, light or dark.
    pub fn screen(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", &scheme);
    }

    /// Saves a screenshot of the whole page under `target/screenshots`.
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let all = json!({"captureBeyondViewport": true, "format": "png"});
        let picture = self.devtools("Page.captureScreenshot", &all);
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join(format!("{name}.png"));
        std::fs::write(&file, STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()).unwrap();
        file
    }

    /// Returns the console messages since the last call, including errors and violations of the page's
    /// security policy.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.ask("/se/log", &json!({"type": "browser"}));
        let message = |entry: &Value| entry["message"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(message).collect()
    }

    /// Returns the page's accessibility tree: role and name of each element, and the level of headings.
    pub fn spoken(&self) -> Vec<Spoken> {
        let tree = self.devtools("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != true);
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().trim().to_owned();
        let level = |node: &Value| {
            let properties = node["properties"].as_array()?;
            properties.iter().find(|property| property["name"] == "level")?["value"]["value"].as_u64()
        };
        let spoken = |node: &Value| Spoken {
            role: text(&node["role"]),
            name: text(&node["name"]),
            level: level(node),
        };
        nodes.map(spoken).collect()
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.ask("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    fn get(&self, path: &str) -> Value {
        let mut answer = self.agent.get(format!("{}{path}", self.session)).call().unwrap();
        let mut value: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        value["value"].take()
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        let request =
            self.agent.post(format!("{}{path}", self.session)).header("Content-Type", "application/json");
        let mut answer = request.send(body.to_string()).unwrap();
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        assert!(answer.status().is_success(), "{path} {body}: {text}");
        value["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser when the session ends.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

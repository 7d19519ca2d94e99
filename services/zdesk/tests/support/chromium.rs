//! Headless Chromium, spoken to through its debugging pipe.
//!
//! Messages are JSON with a zero byte between them, on the browser's descriptors 3 and 4.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long something may take before the test fails. It is only waited for when it does not come.
const PATIENCE: Duration = Duration::from_mins(1);

/// The browser's program, if there is one. Without it tests are skipped, but not where all of them must run.
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("SPACE_CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
    let known = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let found = named.into_iter().chain(known).find(|program| program.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "Chromium is missing; install the package `chromium`");
        eprintln!("SKIPPED: no Chromium on the PATH, and SPACE_CHROMIUM names none");
    }
    found
}

/// A running browser.
pub struct Chromium {
    process: Child,
    folder: PathBuf,
    to: File,
    from: Receiver<Value>,
    last: u64,
    answers: BTreeMap<u64, Value>,
    pub events: Vec<Value>,
}

/// A page or a frame in a process of its own.
#[derive(Clone, Debug)]
pub struct Page {
    session: String,
    target: String,
}

impl Chromium {
    pub fn start(program: &Path) -> Self {
        let folder = std::env::temp_dir().join(format!("zdesk-{}-{:?}", std::process::id(), Instant::now()));
        let folder = PathBuf::from(folder.to_string_lossy().replace([' ', '{', '}', ':', ','], ""));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let pipes = [folder.join("in"), folder.join("out")];
        assert!(Command::new("mkfifo").args(&pipes).status().expect("mkfifo starts").success());
        let process = Command::new("sh")
            .args(["-c", "program=$1; shift; exec \"$program\" \"$@\" 3<in 4>out", "sh"])
            .arg(program)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage"])
            .args(["--user-data-dir=profile", "--window-size=1400,900", "--hide-scrollbars"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let to = OpenOptions::new().write(true).open(&pipes[0]).expect("the pipe opens");
        let mut output = File::open(&pipes[1]).expect("the pipe opens");
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let (mut waiting, mut bytes) = (Vec::new(), vec![0; 64 * 1024]);
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                waiting.extend_from_slice(&bytes[..length]);
                while let Some(end) = waiting.iter().position(|byte| *byte == 0) {
                    let message: Vec<u8> = waiting.drain(..=end).collect();
                    let message = serde_json::from_slice(&message[..end]).expect("the browser speaks JSON");
                    if sender.send(message).is_err() {
                        return;
                    }
                }
            }
        });
        Self { process, folder, to, from, last: 0, answers: BTreeMap::new(), events: Vec::new() }
    }

    fn send(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> u64 {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("the browser reads");
        self.last
    }

    /// Takes one message of the browser; whether one came in time.
    fn hear(&mut self, patience: Duration) -> bool {
        match self.from.recv_timeout(patience) {
            Ok(message) => {
                match message["id"].as_u64() {
                    Some(id) => drop(self.answers.insert(id, message)),
                    None => self.heard(message),
                }
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => panic!("the browser ended"),
        }
    }

    fn heard(&mut self, event: Value) {
        if event["method"] == "Target.attachedToTarget" {
            let session = event["params"]["sessionId"].as_str().expect("it has one").to_owned();
            self.prepare(&session);
        }
        self.events.push(event);
    }

    fn prepare(&mut self, session: &str) {
        let attach = json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
        self.send(Some(session), "Target.setAutoAttach", &attach);
        for domain in ["Runtime.enable", "Page.enable", "Log.enable", "Network.enable"] {
            self.send(Some(session), domain, &json!({}));
        }
    }

    fn call(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.try_call(session, method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_call(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Result<Value, Value> {
        let id = self.send(session, method, parameters);
        let begin = Instant::now();
        loop {
            if let Some(mut answer) = self.answers.remove(&id) {
                let error = answer["error"].take();
                return if error.is_null() { Ok(answer["result"].take()) } else { Err(error) };
            }
            assert!(begin.elapsed() < PATIENCE, "{method} has no answer");
            self.hear(Duration::from_millis(200));
        }
    }

    /// Opens an address in a window of its own.
    pub fn open(&mut self, url: &str) -> Page {
        let context = self.call(None, "Target.createBrowserContext", &json!({}));
        let context = &context["browserContextId"];
        let target = self.call(
            None,
            "Target.createTarget",
            &json!({ "url": "about:blank", "browserContextId": context }),
        );
        self.attach(&target["targetId"], url)
    }

    /// Opens an address in another tab of the same window.
    pub fn open_beside(&mut self, page: &Page, url: &str) -> Page {
        let about = self.call(None, "Target.getTargetInfo", &json!({ "targetId": page.target }));
        let context = &about["targetInfo"]["browserContextId"];
        let target = self.call(
            None,
            "Target.createTarget",
            &json!({ "url": "about:blank", "browserContextId": context }),
        );
        self.attach(&target["targetId"], url)
    }

    fn attach(&mut self, target: &Value, url: &str) -> Page {
        let attached =
            self.call(None, "Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        let session = attached["sessionId"].as_str().expect("it has one").to_owned();
        self.prepare(&session);
        let page = Page { session, target: target.as_str().expect("it has one").to_owned() };
        self.ask(&page, "Page.navigate", &json!({ "url": url }));
        page
    }

    /// The newest frame of a page whose title in the page begins with a word, and which has a process of its own.
    pub fn frame_at(&mut self, page: &Page, word: &str) -> Page {
        let find = format!(
            "[...document.querySelectorAll('iframe')].find((f) => f.title.startsWith({word:?}))?.src"
        );
        self.until(page, &find);
        let source = self.value(page, &find);
        let begin = Instant::now();
        loop {
            let targets = self.call(None, "Target.getTargets", &json!({ "filter": [{}] }));
            let targets = targets["targetInfos"].as_array().expect("they are a list");
            let wanted = |info: &&Value| info["type"] == "iframe" && info["url"] == source;
            let target = targets.iter().find(wanted).map(|info| info["targetId"].clone());
            let session = self.events.iter().rev().find(|event| {
                event["method"] == "Target.attachedToTarget"
                    && event["sessionId"] == json!(page.session)
                    && Some(&event["params"]["targetInfo"]["targetId"]) == target.as_ref()
            });
            if let Some(event) = session {
                let text = |value: &Value| value.as_str().expect("it has one").to_owned();
                let session = text(&event["params"]["sessionId"]);
                let target = text(&event["params"]["targetInfo"]["targetId"]);
                // It may have begun in another process than the one in which it is shown.
                let parameters = json!({ "expression": "location.href", "returnByValue": true });
                let place = self.try_call(Some(&session), "Runtime.evaluate", &parameters);
                if place.is_ok_and(|place| place["result"]["value"] == source) {
                    return Page { session, target };
                }
            }
            assert!(begin.elapsed() < PATIENCE, "no frame of {source} has a process of its own");
            self.hear(Duration::from_millis(50));
        }
    }

    /// Hears of downloads, which are refused.
    pub fn watch_downloads(&mut self) {
        self.call(None, "Browser.setDownloadBehavior", &json!({ "behavior": "deny", "eventsEnabled": true }));
    }

    /// Hears what comes in this time.
    pub fn listen(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.hear(left);
        }
    }

    /// Any command on a page.
    pub fn ask(&mut self, page: &Page, method: &str, parameters: &Value) -> Value {
        self.call(Some(&page.session), method, parameters)
    }

    /// The value of an expression, which may be a promise.
    pub fn value(&mut self, page: &Page, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.ask(page, "Runtime.evaluate", &parameters);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Begins something after which the page may not be there to answer.
    pub fn begin(&mut self, page: &Page, expression: &str) {
        let parameters = json!({ "expression": expression, "userGesture": true });
        self.send(Some(&page.session), "Runtime.evaluate", &parameters);
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, page: &Page, expression: &str) {
        let begin = Instant::now();
        let parameters = json!({ "expression": format!("Boolean({expression})"), "returnByValue": true });
        // A document that is not there yet is no more than not true.
        while self.ask(page, "Runtime.evaluate", &parameters)["result"]["value"] != json!(true) {
            if begin.elapsed() > PATIENCE {
                let text = self.value(page, "document.body.innerText");
                panic!("never: {expression}\n{text}\n{:#?}", self.complaints());
            }
            self.hear(Duration::from_millis(50));
        }
    }

    /// Presses a key, as a person would.
    pub fn key(&mut self, page: &Page, key: &str) {
        let text = if key.len() == 1 {
            key
        } else if key == "Enter" {
            "\r"
        } else {
            ""
        };
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code });
            self.ask(page, "Input.dispatchKeyEvent", &event);
        }
    }

    /// Presses at a point.
    pub fn press(&mut self, page: &Page, x: f64, y: f64) {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.ask(page, "Input.dispatchMouseEvent", &event);
        }
    }

    /// What pages complained of: errors that nobody caught, and refusals of the browser.
    pub fn complaints(&self) -> Vec<String> {
        let of_page = |event: &&Value| {
            event["method"] == "Runtime.exceptionThrown"
                || event["method"] == "Log.entryAdded"
                    && event["params"]["entry"]["level"] == "error"
                    && event["params"]["entry"]["source"] != "network"
                || event["method"] == "Runtime.consoleAPICalled" && event["params"]["type"] == "error"
        };
        self.events.iter().filter(of_page).map(ToString::to_string).collect()
    }

    /// Writes a picture of a page, where `SPACE_DESK_PICTURES` names a folder.
    pub fn picture(&mut self, page: &Page, name: &str) {
        let Some(folder) = std::env::var_os("SPACE_DESK_PICTURES").map(PathBuf::from) else { return };
        let answer = self.ask(page, "Page.captureScreenshot", &json!({ "format": "png" }));
        let bytes = base64(answer["data"].as_str().expect("it has a picture"));
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("the picture can be written");
    }

    /// How wide and high the window is, and whether it is dark.
    pub fn window(&mut self, page: &Page, (width, height): (u32, u32), scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.ask(page, "Emulation.setDeviceMetricsOverride", &size);
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask(page, "Emulation.setEmulatedMedia", &features);
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Its children end a little later, and write until then.
        let gone = || std::fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists();
        let _ = (0..40).any(|_| {
            gone() || {
                std::thread::sleep(Duration::from_millis(50));
                false
            }
        });
    }
}

fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).expect("it is base64");
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

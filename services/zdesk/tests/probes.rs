//! A hostile UI space in a frame of the desk, and the same page without the desk's policies.

mod support;

use serde_json::{Value, json};
use services_zdesk::view::{Kind, Way};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::chromium::{Chromium, Page, program};
use support::http::desk;

const HOSTILE: &str = include_str!("pages/hostile.js");
const HTML: &str =
    "<!doctype html><meta charset=utf-8><title>x</title><body><script src=hostile.js></script>";
const VICTIM: &str =
    "<!doctype html><meta charset=utf-8><script src=space.js></script><script src=victim.js></script>";
const VICTIM_SCRIPT: &str =
    "space.subscribe('readings', (m) => { document.title = m; document.body.textContent = m; });
setInterval(() => space.send('control', 'mine').catch(() => {}), 50);";

/// What a page can tell of itself; the rest is seen by the sink.
const TOLD: &[&str] = &[
    "fetch",
    "state",
    "parent",
    "popup",
    "storage",
    "database",
    "cookie",
    "caches",
    "worker",
    "service",
    "sibling",
    "eval",
    "inline",
    "clipboard",
    "place",
    "camera",
    "screen",
    "port",
];
/// Requests that arrive at a stranger's server, or do not.
const ASKED: &[&str] = &[
    "image", "style", "script", "socket", "events", "beacon", "ping", "prefetch", "calls", "form", "nested",
    "turn", "download",
];
/// What does not leak without the policies either: rules of the browser itself, or of `space.js`.
const NEVER: &[&str] = &["clipboard", "place", "camera", "screen", "port", "service"];

/// A server that answers everything, and remembers what it was asked.
struct Sink {
    address: String,
    udp: String,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Sink {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = format!("http://{}", listener.local_addr().expect("it listens"));
        let calls = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let udp = calls.local_addr().expect("it listens").to_string();
        let asked = Arc::new(Mutex::new(BTreeSet::new()));
        let called = Arc::clone(&asked);
        std::thread::spawn(move || {
            while calls.recv(&mut [0; 2048]).is_ok() {
                called.lock().expect("no thread fails").insert("/calls".to_owned());
            }
        });
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || answer(stream, &seen));
            }
        });
        Self { address, udp, asked }
    }

    fn has(&self, name: &str) -> bool {
        self.asked.lock().expect("no thread fails").contains(&format!("/{name}"))
    }
}

fn answer(mut stream: TcpStream, seen: &Mutex<BTreeSet<String>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut bytes = [0; 8192];
    let length = stream.read(&mut bytes).unwrap_or(0);
    let request = String::from_utf8_lossy(&bytes[..length]);
    let Some(path) = request.split(' ').nth(1) else { return };
    seen.lock().expect("no thread fails").insert(path.to_owned());
    let (mime, body) = match path {
        "/" => (
            "text/html",
            "<!doctype html><title>outer</title><iframe src=/hostile.html></iframe><iframe src=/victim.html></iframe>",
        ),
        "/hostile.html" => ("text/html", HTML),
        "/hostile.js" => ("text/javascript", HOSTILE),
        "/victim.html" => ("text/html", VICTIM),
        "/victim.js" => ("text/javascript", VICTIM_SCRIPT),
        "/space.js" => ("text/javascript", services_zdesk::SPACE_JS),
        "/api/state" => ("application/json", "{\"applications\":[]}"),
        _ => ("text/plain", "x"),
    };
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\n";
    let _ = write!(stream, "{head}Content-Type: {mime}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

/// Runs a probe where `call` says, as if the person had just pressed something.
fn run(browser: &mut Chromium, page: &Page, call: &str) -> Value {
    let parameters = json!({
        "expression": call,
        "awaitPromise": true,
        "returnByValue": true,
        "userGesture": true,
        "allowUnsafeEvalBlockedByCSP": false,
    });
    browser.ask(page, "Runtime.evaluate", &parameters)["result"]["value"].take()
}

/// Runs every probe but the last ones, and gives those that leaked.
fn leaks(
    browser: &mut Chromium,
    page: &Page,
    sink: &Sink,
    probe: &dyn Fn(&str) -> String,
) -> BTreeSet<String> {
    let mut leaked = BTreeSet::new();
    for name in TOLD.iter().chain(ASKED) {
        let said = run(browser, page, &probe(name));
        if said == "leaked" {
            leaked.insert((*name).to_owned());
        }
    }
    // What was asked for may still be on its way.
    browser.listen(Duration::from_secs(2));
    leaked.extend(ASKED.iter().filter(|name| sink.has(name)).map(|name| (*name).to_owned()));
    if browser.events.iter().any(|event| event["method"] == "Browser.downloadWillBegin") {
        leaked.insert("download".into());
    }
    leaked
}

const TICKS: &str = "globalThis.ticks = []; setInterval(() => ticks.push(Date.now()), 10); 1";

/// How often the outer page got its turn while the inner one kept its thread.
fn turns(browser: &mut Chromium, outer: &Page, busy: &Value) -> u64 {
    let (begin, end) = (&busy["begin"], &busy["end"]);
    let count = format!("ticks.filter((at) => at > {begin} + 200 && at < {end} - 200).length");
    browser.value(outer, &count).as_u64().expect("it is a number")
}

#[test]
fn a_hostile_ui_space_is_confined() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    let sink = Sink::new();
    fake.application("shop", &[("hostile", Kind::Ui), ("victim", Kind::Ui)], &[]);
    let grants = ["net.emit_to", "net.recv_next", "sys.log", "events.subscribe"];
    let html = "text/html; charset=utf-8";
    fake.ui(
        "shop",
        "hostile",
        &grants,
        &[("index.html", html, HTML), ("hostile.js", "text/javascript", HOSTILE)],
    );
    let files = [("index.html", html, VICTIM), ("victim.js", "text/javascript", VICTIM_SCRIPT)];
    fake.ui("shop", "victim", &grants, &files);
    let mut browser = Chromium::start(&program);
    let page = browser.open(&desk.url().expect("a ticket can be made"));
    browser.until(&page, "document.querySelectorAll('iframe').length === 2");
    let inside = browser.frame_at(&page, "hostile");
    browser.until(&inside, "document.documentElement.dataset.ready");
    browser.watch_downloads();
    let about =
        json!({ "sink": sink.address, "udp": sink.udp, "desk": format!("http://{}", desk.address()) });
    let probe = |name: &str| format!("probe({name:?}, {about})");

    let leaked = leaks(&mut browser, &inside, &sink, &probe);
    assert_eq!(leaked, BTreeSet::new());
    // Nobody's page went elsewhere.
    browser.begin(&inside, &probe("top"));
    browser.begin(&inside, "alert(1)");
    browser.listen(Duration::from_millis(500));
    assert!(!sink.has("top"));
    assert_eq!(browser.value(&page, "location.pathname"), json!("/"));
    assert!(browser.events.iter().all(|event| event["method"] != "Page.javascriptDialogOpening"));

    // The broker knows a frame by its window: what is forged is the hostile space's own, or nothing.
    run(&mut browser, &inside, &probe("forge"));
    let forged = |body: &[u8]| {
        let inner = fake.inner();
        let keys: Vec<String> =
            inner.emitted.iter().filter(|(_, _, sent)| sent == body).map(|(key, ..)| key.1.clone()).collect();
        keys
    };
    while forged(b"by hostile").is_empty() {
        browser.listen(Duration::from_millis(50));
    }
    assert_eq!(forged(b"by hostile"), ["hostile"]);
    assert_eq!(forged(b"forged"), [""; 0]);
    assert!(forged(b"mine").iter().all(|space| space == "victim"));

    // A frame that keeps its thread keeps nobody else's.
    browser.value(&page, TICKS);
    let busy = run(&mut browser, &inside, &probe("busy"));
    assert_ne!(turns(&mut browser, &page, &busy), 0);
    // It goes nowhere else, either.
    run(&mut browser, &inside, &probe("flood"));
    browser.until(&page, "document.querySelector('#screens').innerText.includes('messages in a second')");
    browser
        .value(&page, "[...document.querySelectorAll('.notice button')].find((b) => b.offsetParent).click()");
    browser.until(&page, "document.querySelectorAll('iframe').length === 2");
    let inside = browser.frame_at(&page, "hostile");
    browser.until(&inside, "document.documentElement.dataset.ready");
    browser.begin(&inside, &probe("self"));
    browser.listen(Duration::from_secs(1));
    assert!(!sink.has("self"));
    // After all that the other space still gets its messages.
    let victim = browser.frame_at(&page, "victim");
    fake.deliver("shop", "victim", Way::Path("readings".into()), b"for the victim");
    browser.until(&victim, "document.title === 'for the victim'");
    browser.picture(&page, "hostile");
}

#[test]
fn the_probes_bite_without_the_policies() {
    let Some(program) = program() else { return };
    let sink = Sink::new();
    let mut browser = Chromium::start(&program);
    let page = browser.open(&sink.address);
    browser.until(&page, "frames[0]?.document?.documentElement?.dataset.ready");
    browser.watch_downloads();
    let about = json!({ "sink": sink.address, "udp": sink.udp, "desk": sink.address });
    let probe = |name: &str| format!("frames[0].probe({name:?}, {about})");
    let leaked = leaks(&mut browser, &page, &sink, &probe);
    let expected = TOLD.iter().chain(ASKED).filter(|name| !NEVER.contains(name));
    let confined: Vec<&&str> = expected.filter(|name| !leaked.contains(**name)).collect();
    assert_eq!(confined, [&""; 0], "these cannot tell a policy from none");
    let leaked_too: Vec<&&str> = NEVER.iter().filter(|name| leaked.contains(**name)).collect();
    assert_eq!(leaked_too, [&""; 0], "these do tell");
    browser.value(&page, TICKS);
    let busy = run(&mut browser, &page, &probe("busy"));
    assert_eq!(turns(&mut browser, &page, &busy), 0);
    for name in ["self", "top"] {
        let page = browser.open(&sink.address);
        browser.until(&page, "frames[0]?.document?.documentElement?.dataset.ready");
        browser.begin(&page, &probe(name));
        browser.listen(Duration::from_secs(2));
        assert!(sink.has(name), "{name}");
    }
}

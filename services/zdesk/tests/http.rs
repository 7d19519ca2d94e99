//! The rules of the desk's server, over real connections.

mod support;

use serde_json::{Value, json};
use services_zdesk::view::{Action, Kind, Way};
use services_zdesk::{ServeError, limits, serve};
use std::net::TcpListener;
use std::sync::Arc;
use support::fake::Fake;
use support::http::{Answer, Browser, desk, get, raw, send};

const ROUTES: [(&str, &str); 8] = [
    ("GET", "/"),
    ("GET", "/api/state"),
    ("GET", "/api/stream?page=p"),
    ("GET", "/api/logs?app=a&space=b"),
    ("GET", "/api/tap?app=a&from=b&path=c"),
    ("POST", "/api/actions"),
    ("POST", "/api/frames"),
    ("POST", "/api/ui"),
];

fn open(browser: &Browser, app: &str, space: &str) -> (String, String) {
    let answer =
        browser.post("/api/frames", &json!({ "op": "open", "page": "p", "app": app, "space": space }));
    assert_eq!(answer.status, 200, "{answer:?}");
    let (frame, url) = (answer.json()["frame"].clone(), answer.json()["url"].clone());
    let url = url.as_str().expect("a URL is text");
    let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    (frame.as_str().expect("a frame's id is text").to_owned(), host)
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["refused"]["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_stranger_sees_how_to_come_in() {
    let (desk, fake) = desk();
    fake.application("hello", &[("secret-space", Kind::Io)], &[]);
    let answer = get(desk.address(), "/", &[]);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("space up") && !answer.body.contains("desk.js"), "{answer:?}");
    assert!(answer.header("set-cookie").is_none());
    for (method, path) in &ROUTES[1..] {
        let origin = format!("http://{}", desk.address());
        let headers =
            [("Origin", origin.as_str()), ("X-Space-Desk", "0"), ("Content-Type", "application/json")];
        let answer = send(desk.address(), method, path, &headers, "{}");
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.body.contains("secret-space"), "{path}");
        let cookie = format!("space-desk-{}={}", desk.address().port(), "0".repeat(32));
        let guessed = [&headers[..], &[("Cookie", &cookie)]].concat();
        assert_eq!(send(desk.address(), method, path, &guessed, "{}").status, 401, "{path}");
    }
}

#[test]
fn a_ticket_opens_once() {
    let (desk, _) = desk();
    let url = desk.url().unwrap();
    let path = url.strip_prefix(&format!("http://{}", desk.address())).unwrap().to_owned();
    let looks = [("Sec-Purpose", "prefetch;prerender")];
    assert_eq!(get(desk.address(), &path, &looks).status, 503);
    assert_eq!(send(desk.address(), "HEAD", &path, &[], "").status, 503);
    let first = get(desk.address(), &path, &[]);
    assert_eq!(first.status, 200);
    let cookie = first.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(path.split('=').next_back().unwrap()));
    for _ in 0..2 {
        let again = get(desk.address(), &path, &[]);
        assert_eq!(again.status, 403);
        assert!(again.header("set-cookie").is_none() && !again.body.contains("desk.js"));
    }
    // The browser that has the session may load its page again.
    let cookie = cookie.split(';').next().unwrap();
    let again = get(desk.address(), &path, &[("Cookie", cookie)]);
    assert!(again.body == first.body && !first.body.contains("\"no key\""));
    let other = Browser::new(&desk);
    let late = get(desk.address(), &path, &[("Cookie", &other.cookie)]);
    assert!(late.body.contains("desk.js") && late.body.contains("\"no key\""));
    // A browser whose storage was emptied begins anew with a new ticket.
    let next = desk.url().unwrap();
    let next = next.strip_prefix(&format!("http://{}", desk.address())).unwrap();
    assert!(!get(desk.address(), next, &[("Cookie", cookie)]).body.contains("\"no key\""));
    assert_eq!(get(desk.address(), "/?ticket=", &[]).status, 403);
    assert_eq!(get(desk.address(), "/?ticket=a&ticket=b", &[]).status, 200);
}

#[test]
fn sessions_are_of_one_desk() {
    let (one, _) = desk();
    let (other, _) = desk();
    let browser = Browser::new(&one);
    assert_eq!(browser.get("/api/state").status, 200);
    let (_, value) = browser.cookie.split_once('=').unwrap();
    let moved = format!("space-desk-{}={value}", other.address().port());
    let key = ("X-Space-Desk", browser.key.as_str());
    assert_eq!(get(other.address(), "/api/state", &[("Cookie", &moved), key]).status, 401);
    // One cookie among many is found.
    let many = format!("a=b; {}; c", browser.cookie);
    assert_eq!(get(one.address(), "/api/state", &[("Cookie", &many), key]).status, 200);
    // A server on another port is sent the cookie, but it has no key; and a key is of one session.
    let (cookie, second) = (("Cookie", browser.cookie.as_str()), Browser::new(&one));
    assert_eq!(get(one.address(), "/api/state", &[cookie]).status, 401);
    assert_eq!(get(one.address(), "/api/state", &[key]).status, 401);
    assert_eq!(get(one.address(), "/api/state", &[cookie, ("X-Space-Desk", value)]).status, 401);
    assert_eq!(get(one.address(), "/api/state", &[cookie, ("X-Space-Desk", &second.key)]).status, 401);
    assert!(!get(one.address(), "/", &[cookie]).body.contains(&browser.key));
}

#[test]
fn wrong_hosts_and_origins_are_refused_everywhere() {
    let (desk, _) = desk();
    let browser = Browser::new(&desk);
    let port = desk.address().port();
    let own = format!("127.0.0.1:{port}");
    let hosts = [
        format!("evil.example:{port}"),
        "evil.example".into(),
        "127.0.0.1".into(),
        format!("127.0.0.1:{}", port ^ 1),
        format!("127.0.0.2:{port}"),
        format!("[::1]:{port}"),
        format!("desk.localhost:{port}"),
        format!("127.0.0.1:{port}.evil.example"),
        format!("{own}, evil.example"),
        String::new(),
    ];
    let origins = [
        "null".into(),
        "http://evil.example".into(),
        format!("https://{own}"),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://evil.localhost:{port}"),
        format!("http://{}.localhost:{port}", "0".repeat(32)),
        "http://127.0.0.1".into(),
        String::new(),
        format!("http://{own}, http://evil.example"),
    ];
    let common = [
        ("Cookie", browser.cookie.as_str()),
        ("X-Space-Desk", browser.key.as_str()),
        ("Content-Type", "application/json"),
    ];
    let own_origin = format!("http://{own}");
    let mut refused = 0;
    for (method, path) in ROUTES {
        for host in &hosts {
            let origin = format!("http://{host}");
            let headers = [&common[..], &[("Host", host.as_str()), ("Origin", &origin)]].concat();
            assert_eq!(send(desk.address(), method, path, &headers, "{}").status, 403, "{path} host {host}");
            refused += 1;
        }
        for origin in &origins {
            let headers = [&common[..], &[("Origin", origin.as_str())]].concat();
            assert_eq!(
                send(desk.address(), method, path, &headers, "{}").status,
                403,
                "{path} origin {origin}"
            );
            refused += 1;
        }
        for site in ["cross-site", "same-site"] {
            let headers =
                [&common[..], &[("Origin", own_origin.as_str()), ("Sec-Fetch-Site", site)]].concat();
            assert_eq!(send(desk.address(), method, path, &headers, "{}").status, 403, "{path} {site}");
        }
    }
    assert_eq!(refused, 160);
    // What is right passes.
    let right = [&common[..], &[("Origin", own_origin.as_str())]].concat();
    assert_eq!(send(desk.address(), "GET", "/api/state", &right, "").status, 200);
    let local = format!("localhost:{port}");
    let right = [common[0], common[1], ("Host", &local)];
    assert_eq!(get(desk.address(), "/api/state", &right).status, 200);
}

#[test]
fn malformed_requests_change_nothing() {
    let (desk, _) = desk();
    let (address, browser) = (desk.address(), Browser::new(&desk));
    let twice =
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    let absolute =
        format!("GET http://evil.example/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let none = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned();
    let old = "GET / HTTP/1.0\r\n\r\n".to_owned();
    for request in [twice, absolute, none, old] {
        assert_eq!(raw(address, request.as_bytes()).status, 403, "{request}");
    }
    for request in [&b"\x16\x03\x01\x02\x00"[..], b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        assert_ne!(raw(address, request).status, 200);
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: {address}\r\n\r\n", "a".repeat(1 << 20));
    assert_ne!(raw(address, long.as_bytes()).status, 200);
    assert_eq!(browser.get("/api/state").status, 200);
}

#[test]
fn methods_are_those_of_the_route() {
    let (desk, _) = desk();
    let browser = Browser::new(&desk);
    let origin = format!("http://{}", desk.address());
    let headers =
        [("Cookie", browser.cookie.as_str()), ("Origin", &origin), ("X-Space-Desk", browser.key.as_str())];
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for (_, path) in ROUTES {
            assert_eq!(send(desk.address(), method, path, &headers, "").status, 405, "{method} {path}");
        }
    }
    for (method, path) in ROUTES {
        let other = if method == "GET" { "POST" } else { "GET" };
        assert_eq!(send(desk.address(), other, path, &headers, "").status, 405, "{other} {path}");
    }
    // A change needs its header, its origin and its type.
    let body = r#"{"app":"a","space":"b","action":"kill"}"#;
    let json = ("Content-Type", "application/json");
    let act = |headers: &[(&str, &str)]| send(desk.address(), "POST", "/api/actions", headers, body).status;
    assert_eq!(act(&[headers[0], headers[1], json]), 401);
    assert_eq!(act(&[headers[0], headers[2], json]), 403);
    assert_eq!(act(&headers), 415);
    assert_eq!(act(&[headers[0], headers[1], headers[2], ("Content-Type", "text/plain")]), 415);
    assert_eq!(act(&[headers[0], headers[1], headers[2], json]), 200);
}

#[test]
fn every_answer_carries_its_policy() {
    let (desk, fake) = desk();
    fake.ui("hello", "ui", &[], &[("index.html", "text/html", "<p>hi")]);
    let browser = Browser::new(&desk);
    let (_, host) = open(&browser, "hello", "ui");
    let own = [
        browser.get("/"),
        browser.get("/desk.js"),
        browser.get("/none"),
        get(desk.address(), "/api/state", &[]),
    ];
    for answer in own {
        let policy = answer.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"] {
            assert!(policy.contains(part), "{part} in {answer:?}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("* "), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(answer.header("access-control-allow-origin").is_none());
        assert!(answer.header("permissions-policy").unwrap().contains("camera=()"));
    }
    for path in ["/", "/space.js", "/none", "/../x"] {
        let answer = get(desk.address(), path, &[("Host", &host)]);
        let policy = answer.header("content-security-policy").unwrap();
        for part in
            ["sandbox allow-scripts;", "default-src 'none'", "connect-src 'none'", "form-action 'none'"]
        {
            assert!(policy.contains(part), "{part} in {answer:?}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("allow-same-origin"), "{policy}");
        assert!(answer.header("set-cookie").is_none());
    }
}

#[test]
fn files_of_a_space_are_for_its_frame() {
    let (desk, fake) = desk();
    let files = [("index.html", "text/html", "<p>hi"), ("assets/a b.js", "text/javascript", "1")];
    fake.ui("hello", "ui", &[], &files);
    fake.ui("hello", "other", &[], &[("secret.txt", "text/plain", "secret")]);
    let browser = Browser::new(&desk);
    let (frame, host) = open(&browser, "hello", "ui");
    let ask = |path: &str| get(desk.address(), path, &[("Host", &host)]);
    assert_eq!((ask("/").body, ask("/index.html").body), ("<p>hi".into(), "<p>hi".into()));
    assert_eq!(ask("/assets/a%20b.js").header("content-type"), Some("text/javascript"));
    assert!(ask("/space.js").body.contains("globalThis, \"space\""));
    for path in [
        "/secret.txt",
        "/../other/secret.txt",
        "/%2e%2e/other/secret.txt",
        "/..%2fother/secret.txt",
        "/..\\other\\secret.txt",
        "//secret.txt",
        "/hello/other/secret.txt",
        "/desk.js",
        "/api/state",
        "/?ticket=x/../secret.txt#",
    ] {
        let answer = ask(path);
        assert!(answer.status == 404 || answer.body == "<p>hi", "{path}: {answer:?}");
    }
    // Neither the session's cookie nor another ticket leads there.
    let guessed = format!("{}.localhost:{}", "0".repeat(32), desk.address().port());
    let cookie = ("Cookie", browser.cookie.as_str());
    assert_eq!(get(desk.address(), "/", &[("Host", &guessed), cookie]).status, 403);
    assert_eq!(send(desk.address(), "POST", "/", &[("Host", &host)], "").status, 403);
    browser.post("/api/frames", &json!({ "op": "close", "frame": frame }));
    assert_eq!(ask("/").status, 403);
    // A space that does not run shows nothing.
    let none = json!({ "op": "open", "page": "p", "app": "hello", "space": "none" });
    assert_eq!(refusal(&browser.post("/api/frames", &none)), (422, "not-found".into()));
}

#[test]
fn the_state_and_its_changes_arrive() {
    let (desk, fake) = desk();
    fake.application("hello", &[("sensor", Kind::Io), ("ui", Kind::Ui)], &[("sensor", "ui", "readings")]);
    let browser = Browser::new(&desk);
    let state = browser.get("/api/state").json();
    assert_eq!(state["applications"][0]["spaces"][1]["kind"], "UI");
    let mut stream = browser.stream("/api/stream?page=p");
    stream.until("\"path/hello/sensor/readings\"");
    fake.inner().snapshot.applications[0].paths[0].sent = 987_654;
    let seen = stream.until("987654");
    assert_eq!(seen.matches("space/hello/sensor").count(), 1, "only what changed is told again");
    fake.inner().snapshot.applications.clear();
    stream.until("\"gone\":[\"app/hello\",\"dead/hello\"");
}

#[test]
fn an_empty_state_is_said_too() {
    let (desk, _) = desk();
    Browser::new(&desk).stream("/api/stream?page=p").until("event: state\ndata: {\"set\":{},\"gone\":[]}");
}

#[test]
fn logs_and_taps_and_actions() {
    let (desk, fake) = desk();
    fake.application("hello", &[("sensor", Kind::Io)], &[("sensor", "ui", "readings")]);
    (0..3).for_each(|at| fake.log_line("hello", "sensor", &format!("line {at}")));
    let browser = Browser::new(&desk);
    let lines = browser.get("/api/logs?app=hello&space=sensor&after=1").json();
    assert_eq!(lines["lines"][0]["text"], "line 1");
    assert_eq!(lines["lines"].as_array().unwrap().len(), 2);
    assert_eq!(refusal(&browser.get("/api/logs?app=hello")), (400, "invalid".into()));
    let mut tap = browser.stream("/api/tap?app=hello&from=sensor&path=readings");
    tap.until("200 OK");
    while fake.inner().taps.is_empty() {
        std::thread::yield_now();
    }
    fake.tapped("readings", u64::MAX, b"21.5");
    fake.tapped("readings", 2, &[0xff, 0x00]);
    let seen = tap.until("ff00");
    assert!(seen.contains("\"id\":\"18446744073709551615\"") && seen.contains("\"text\":\"21.5\""), "{seen}");
    let none = browser.get("/api/tap?app=hello&from=sensor&path=none");
    assert_eq!(refusal(&none), (404, "not-found".into()));
    let act = |space: &str, action: &str| {
        browser.post("/api/actions", &json!({ "app": "hello", "space": space, "action": action }))
    };
    assert_eq!(act("sensor", "restart").status, 200);
    assert_eq!(refusal(&act("missing", "kill")), (422, "not-found".into()));
    assert_eq!(refusal(&act("sensor", "format")), (422, "invalid".into()));
    assert_eq!(refusal(&act(&"s".repeat(limits::NAME_BYTES_MAX + 1), "kill")), (422, "invalid".into()));
    assert_eq!(fake.inner().actions, [(("hello".into(), "sensor".into()), Action::Restart)]);
}

#[test]
fn the_broker_moves_messages_and_answers() {
    let (desk, fake) = desk();
    let grants = ["net.emit_to", "net.recv_next", "sys.log", "events.subscribe"];
    fake.ui("hello", "ui", &grants, &[]);
    let browser = Browser::new(&desk);
    let mut stream = browser.stream("/api/stream?page=p");
    let (frame, _) = open(&browser, "hello", "ui");
    let call = |mut value: Value| {
        value["frame"] = json!(frame);
        browser.post("/api/ui", &value)
    };
    assert_eq!(call(json!({ "op": "emit", "to": "control", "text": "on", "asks": false })).status, 200);
    assert_eq!(call(json!({ "op": "emit", "to": "control", "hex": "ff00", "asks": false })).status, 200);
    let sent: Vec<Vec<u8>> = fake.inner().emitted.iter().map(|(_, _, body)| body.clone()).collect();
    assert_eq!(sent, [b"on".to_vec(), vec![0xff, 0]]);
    assert_eq!(call(json!({ "op": "log", "text": "hello" })).status, 200);
    assert_eq!(call(json!({ "op": "listen" })).status, 200);
    assert_eq!(call(json!({ "op": "subscribe", "event": "hot" })).status, 200);
    assert_eq!(fake.inner().events.len(), 1);
    fake.deliver("hello", "ui", Way::Path("readings".into()), b"21.5");
    stream.until("\"way\":\"path\",\"name\":\"readings\"");
    fake.deliver("hello", "ui", Way::Event("hot".into()), b"{}");
    stream.until("\"way\":\"event\",\"name\":\"hot\"");
    let id = call(json!({ "op": "emit", "to": "ask", "text": "why", "asks": true })).json()["id"].clone();
    stream.until(&format!("\"way\":\"answer\",\"answers\":{id}"));
    // An answer that nobody asked for is not shown.
    call(json!({ "op": "emit", "to": "ask", "text": "quietly", "asks": false }));
    fake.deliver("hello", "ui", Way::Path("readings".into()), b"last");
    assert!(!stream.until("last").contains("quietly"));
    // The space stops: its frames close.
    fake.inner().grants.clear();
    stream.until("\"closed\":\"the space does not run\"");
    let late = call(json!({ "op": "log", "text": "late" }));
    assert_eq!(refusal(&late), (422, "closed".into()));
}

#[test]
fn the_broker_refuses_what_is_not_granted() {
    for (grants, call, capability) in [
        (&["sys.log"][..], json!({ "op": "emit", "to": "a", "text": "", "asks": false }), "net.emit_to"),
        (&["net.emit_to"], json!({ "op": "log", "text": "" }), "sys.log"),
        (&["net.emit_to"], json!({ "op": "listen" }), "net.recv_next"),
        (&["net.recv_next"], json!({ "op": "subscribe", "event": "e" }), "events.subscribe"),
    ] {
        let (desk, fake) = desk();
        fake.ui("hello", "ui", grants, &[]);
        let browser = Browser::new(&desk);
        let mut stream = browser.stream("/api/stream?page=p");
        let (frame, host) = open(&browser, "hello", "ui");
        let mut call = call;
        call["frame"] = json!(frame);
        assert_eq!(refusal(&browser.post("/api/ui", &call)), (422, "denied".into()));
        let inner = fake.inner();
        assert_eq!(inner.violations, [(("hello".into(), "ui".into()), capability.to_owned())]);
        assert!(inner.emitted.is_empty() && inner.logs.is_empty() && inner.events.is_empty());
        drop(inner);
        stream.until("which it does not hold");
        assert_eq!(get(desk.address(), "/", &[("Host", &host)]).status, 403);
        assert_eq!(refusal(&browser.post("/api/ui", &call)), (422, "closed".into()));
        assert_eq!(fake.inner().violations.len(), 1);
    }
}

#[test]
fn a_frame_is_of_its_session_and_has_its_limits() {
    let (desk, fake) = desk();
    fake.ui("hello", "ui", &["net.emit_to", "sys.log"], &[]);
    let (browser, other) = (Browser::new(&desk), Browser::new(&desk));
    let (frame, _) = open(&browser, "hello", "ui");
    let emit = |browser: &Browser, text: &str| {
        let call = json!({ "frame": frame, "op": "emit", "to": "a", "text": text, "asks": false });
        browser.post("/api/ui", &call)
    };
    assert_eq!(refusal(&emit(&other, "x")), (422, "closed".into()));
    let most = "a".repeat(limits::MESSAGE_BYTES_MAX);
    assert_eq!(emit(&browser, &most).status, 200);
    assert_eq!(refusal(&emit(&browser, &format!("{most}a"))), (422, "too-large".into()));
    assert_eq!(emit(&browser, &"a".repeat(limits::BODY_BYTES_MAX)).status, 413);
    let line = json!({ "frame": frame, "op": "log", "text": "a".repeat(limits::LOG_BYTES_MAX + 1) });
    assert_eq!(refusal(&browser.post("/api/ui", &line)), (422, "too-large".into()));
    for wrong in [
        json!({ "frame": frame, "op": "emit", "to": "a", "asks": false }),
        json!({ "frame": frame, "op": "emit", "to": "a", "hex": "0", "asks": false }),
        json!({ "frame": frame, "op": "emit", "to": "a", "text": "a", "hex": "00", "asks": false }),
        json!({ "frame": frame, "op": "forget", "id": "x" }),
        json!({ "frame": frame, "op": "none" }),
        json!({ "op": "listen" }),
        json!([]),
    ] {
        assert_eq!(refusal(&browser.post("/api/ui", &wrong)), (422, "invalid".into()), "{wrong}");
    }
    for at in 1..=limits::FRAMES_MAX {
        let call = json!({ "op": "open", "page": "p", "app": "hello", "space": "ui" });
        let answer = browser.post("/api/frames", &call);
        assert_eq!(answer.status, if at < limits::FRAMES_MAX { 200 } else { 422 }, "{at}");
    }
}

#[test]
fn streams_are_bounded() {
    let (desk, fake) = desk();
    fake.application("hello", &[], &[]);
    let browser = Browser::new(&desk);
    let mut streams: Vec<_> =
        (0..limits::STREAMS_MAX).map(|_| browser.stream("/api/stream?page=p")).collect();
    for stream in &mut streams {
        stream.until("app/hello");
    }
    assert_eq!(refusal(&browser.get("/api/stream?page=p")), (429, "quota".into()));
    let other = Browser::new(&desk);
    other.stream("/api/stream?page=p").until("app/hello");
}

#[test]
fn only_loopback_is_served_and_a_desk_ends() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let refused = serve(listener, Arc::new(Fake::default()));
    assert!(matches!(refused, Err(ServeError::NotLoopback(_))));
    let (desk, _) = desk();
    let (address, browser) = (desk.address(), Browser::new(&desk));
    let mut stream = browser.stream("/api/stream?page=p");
    stream.until("begin");
    desk.shutdown();
    assert!(TcpListener::bind(address).is_ok());
}

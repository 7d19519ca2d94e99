//! What guests and other sites say is text to the desk, and nothing else.

mod support;

use serde_json::json;
use services_zdesk::view::{Capability, Kind, State};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;
use support::chromium::{Chromium, program};
use support::fake::dead_letter;
use support::http::desk;

/// Each would set `pwned` where it is taken for markup or code.
const PAYLOADS: [&str; 32] = [
    "<script>pwned=1</script>",
    "</script><script>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    "<img src=x onerror=\"pwned=1\">",
    "\"><img src=x onerror=pwned=1>",
    "'><img src=x onerror=pwned=1>",
    "</title><script>pwned=1</script>",
    "</textarea><script>pwned=1</script>",
    "<svg onload=pwned=1>",
    "<svg><script>pwned=1</script></svg>",
    "<svg><animate onbegin=pwned=1 attributeName=x dur=1s>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=pwned=1>",
    "<iframe srcdoc=\"<script>parent.pwned=1</script>\">",
    "<iframe src=javascript:parent.pwned=1>",
    "<a href=javascript:pwned=1>x</a>",
    "javascript:pwned=1",
    "data:text/html,<script>opener.pwned=1</script>",
    "<body onload=pwned=1>",
    "<details open ontoggle=pwned=1>",
    "<input autofocus onfocus=pwned=1>",
    "<video><source onerror=pwned=1>",
    "<object data=javascript:pwned=1>",
    "<embed src=javascript:pwned=1>",
    "<link rel=stylesheet href=javascript:pwned=1>",
    "<meta http-equiv=refresh content=\"0;javascript:pwned=1\">",
    "<base href=//evil.example/>",
    "<form action=javascript:pwned=1><button autofocus>",
    "<template><script>pwned=1</script></template>",
    "{{constructor.constructor('pwned=1')()}}",
    "${pwned=1}",
    "__proto__",
    "\u{202e}gnp.exe\u{200b}\u{0}\u{1b}[2J\r\n\r\ndata: {\"set\":{}}\n\nevent: state",
];

#[test]
fn what_guests_say_is_text() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    for payload in PAYLOADS {
        fake.application(payload, &[(payload, Kind::Io)], &[(payload, payload, payload)]);
        (0..3).for_each(|_| fake.log_line(payload, payload, payload));
        let mut inner = fake.inner();
        let app = inner.snapshot.applications.last_mut().expect("it was added");
        app.reason = payload.into();
        app.remarks = vec![payload.into()];
        app.dead.push(dead_letter(payload, payload));
        app.state = State::Degraded;
        let space = &mut app.spaces[0];
        (space.reason, space.placement, space.host) = (payload.into(), payload.into(), Some(payload.into()));
        let (granted, used, refused) = (true, 1, 0);
        space.capabilities = vec![Capability { name: payload.into(), granted, used: Some(used), refused }];
    }
    let mut browser = Chromium::start(&program);
    let page = browser.open(&desk.url().expect("a ticket can be made"));
    browser.until(&page, &format!("document.querySelectorAll('#list li').length === {}", PAYLOADS.len()));
    for (at, payload) in PAYLOADS.iter().enumerate() {
        // Its space, its path with a message, its application.
        browser.value(&page, &format!("document.querySelectorAll('#list button')[{at}].click()"));
        browser.until(&page, "document.querySelector('#panel .log time')");
        browser.value(&page, "document.querySelector('#panel .paths button').click()");
        browser.until(&page, "document.querySelector('#panel .bars')");
        let tapped = fake.inner().taps.len();
        while fake.inner().taps.len() < tapped.max(at + 1) {
            browser.listen(Duration::from_millis(10));
        }
        // Which path is open follows from the order of the list, which is not ours.
        let open = fake.inner().taps[at].0.clone();
        fake.tapped(&open, at as u64, open.as_bytes());
        browser.until(&page, "document.querySelector('#panel .log bdi')");
        browser.value(&page, &format!("document.querySelector('#panel .back').click(); document.querySelectorAll('#panel .card')[{at}].click()"));
        browser.until(&page, "document.querySelector('#panel tbody td')");
        assert_eq!(browser.value(&page, "typeof pwned"), json!("undefined"), "{payload}");
    }
    // Nothing but the desk's own elements came into being.
    let foreign = "document.querySelectorAll('iframe, object, embed, base, form, template, video, svg, math, script:not([src=\"/desk.js\"])').length";
    assert_eq!(browser.value(&page, foreign), json!(0));
    let unseen = "/[\\u202e\\u200b\\u0000\\u001b]/.test(document.body.textContent)";
    assert_eq!(browser.value(&page, unseen), json!(false));
    let shown =
        browser.value(&page, "[...document.querySelectorAll('#list .name')].map((name) => name.textContent)");
    for payload in &PAYLOADS[..31] {
        assert!(shown.as_array().expect("a list").iter().any(|name| name == payload), "{payload} in {shown}");
    }
    assert_eq!(browser.complaints(), [""; 0]);
    browser.picture(&page, "injection");
}

/// A page of another site, which does what it can to the desk at the address in its query.
const SITE: &str = "<!doctype html><title>site</title><body><script>
const desk = location.hash.slice(1);
const said = {};
const tries = async (name, attempt) => { try { said[name] = await attempt() } catch { said[name] = 'refused' } };
const body = JSON.stringify({ app: 'shop', space: 'till', action: 'kill' });
Promise.all([
  tries('read', async () => (await fetch(desk + '/api/state', { credentials: 'include' })).text()),
  tries('blind', async () => { await fetch(desk + '/api/actions', { method: 'POST', mode: 'no-cors', credentials: 'include', body }); return 'sent' }),
  tries('json', async () => (await fetch(desk + '/api/actions', { method: 'POST', credentials: 'include', body, headers: { 'content-type': 'application/json', 'x-space-desk': '0' } })).text()),
  tries('stream', () => new Promise((resolve) => { const source = new EventSource(desk + '/api/stream?page=p', { withCredentials: true }); source.addEventListener('begin', () => resolve('open')); source.onerror = () => resolve('refused'); })),
  tries('script', () => new Promise((resolve) => { const script = document.createElement('script'); script.src = desk + '/api/state'; script.onload = () => resolve('loaded'); script.onerror = () => resolve('refused'); document.body.append(script); })),
  tries('frame', () => new Promise((resolve) => { const frame = document.createElement('iframe'); frame.src = desk + '/'; frame.onload = () => { try { resolve(frame.contentDocument ? 'blank' : 'refused') } catch { resolve('refused') } }; document.body.append(frame); })),
  tries('form', async () => { const frame = document.createElement('iframe'); frame.name = 'f'; document.body.append(frame); const form = document.createElement('form'); form.method = 'POST'; form.action = desk + '/api/actions'; form.target = 'f'; form.enctype = 'text/plain'; const input = document.createElement('input'); input.name = body; form.append(input); document.body.append(form); form.submit(); return 'sent' }),
  tries('window', async () => { const other = open(desk + '/'); await new Promise((done) => setTimeout(done, 1000)); try { return other?.document ? 'read' : 'refused' } catch { return 'refused' } }),
]).then(() => { self.said = said });
</script>";

#[test]
fn another_site_gets_nothing() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    fake.application("shop", &[("till", Kind::Io)], &[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = listener.local_addr().expect("it listens").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html";
            let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{SITE}", SITE.len());
        }
    });
    let mut browser = Chromium::start(&program);
    let page = browser.open(&desk.url().expect("a ticket can be made"));
    browser.until(&page, "document.querySelectorAll('#list li').length === 1");
    // The same site but for the port, another site, and another name for the same place.
    for name in ["127.0.0.1", "localhost", "evil.localhost"] {
        let site = browser.open_beside(&page, &format!("http://{name}:{port}/#http://{}", desk.address()));
        browser.until(&site, "self.said");
        let said = browser.value(&site, "said");
        for attempt in ["read", "json", "stream", "script", "frame", "window"] {
            assert_eq!(said[attempt], "refused", "{name}: {said}");
        }
    }
    browser.listen(Duration::from_millis(300));
    assert_eq!(fake.inner().actions, []);
    // A link that somebody else has already opened.
    let url = desk.url().expect("a ticket can be made");
    let first = browser.open(&url);
    browser.until(&first, "document.querySelectorAll('#list li').length === 1");
    let late = browser.open(&url);
    browser.until(&late, "document.body.textContent.includes('no session')");
    browser.picture(&late, "closed");
}

//! The desk as a person uses it, in headless Chromium.

mod support;

use serde_json::json;
use services_zdesk::view::{Kind, State, Way};
use std::time::Duration;
use support::chromium::{Chromium, program};
use support::fake::{Fake, dead_letter, world};
use support::http::desk;

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>Thermometer</title>
<link rel="stylesheet" href="ui.css"><script src="space.js"></script><script type="module" src="assets/app.js"></script>
<h1>Thermometer</h1><p id="value">–</p><p id="answer"></p><p id="where"></p><button id="reset">Reset</button>"#;
const SCRIPT: &str = r#"
const at = (id) => document.getElementById(id);
space.subscribe("readings", (message, about) => { at("value").textContent = `${message} ${about.from}`; });
space.subscribe("events/hot", (message) => { at("answer").textContent = `hot ${message.length}`; });
at("where").textContent = space.position ? `${space.position.at} ${space.position.face}` : "nowhere";
at("reset").onclick = async () => {
  await space.send("control", { reset: true });
  at("answer").textContent = await space.request("ask", "how are you?");
  try { await space.send("nowhere", "x"); } catch (error) { space.log(`${error.name} ${error.code}`); }
};
document.documentElement.dataset.ready = "yes";
"#;
const GRANTS: [&str; 4] = ["net.emit_to", "net.recv_next", "sys.log", "events.subscribe"];

fn hello(fake: &Fake) {
    fake.application(
        "hello-samoza",
        &[("sensor", Kind::Io), ("store", Kind::Data), ("ui", Kind::Ui), ("agent", Kind::Chat)],
        &[
            ("sensor", "ui", "readings"),
            ("sensor", "store", "samples"),
            ("ui", "store", "control"),
            ("agent", "ui", "advice"),
        ],
    );
    let style =
        ("ui.css", "text/css", "body { font: 20px system-ui; margin: 24px } #value { font-size: 48px }");
    let files = [("index.html", "text/html", PAGE), ("assets/app.js", "text/javascript", SCRIPT), style];
    fake.ui("hello-samoza", "ui", &GRANTS, &files);
    fake.log_line("hello-samoza", "sensor", "the sensor begins");
    let mut inner = fake.inner();
    let app = &mut inner.snapshot.applications[0];
    app.world = Some(world(&["hall", "Yard-2"], "ui"));
    app.dead.push(dead_letter("agent#1", "no-such-path"));
    app.remarks.push("its package is unsigned; only a development policy runs it".into());
    app.spaces[3].state = State::Failed;
    app.spaces[3].reason = "it trapped three times in a row".into();
    app.spaces[0].capabilities.push(services_zdesk::view::Capability {
        name: "actuators.lock".into(),
        granted: false,
        used: Some(0),
        refused: 2,
    });
    app.paths[3].dropped = 7;
    app.paths[3].rate = 0.0;
    app.paths[1].blocked = 3;
}

#[test]
fn a_person_looks_around() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    hello(&fake);
    let mut browser = Chromium::start(&program);
    let page = browser.open(&desk.url().unwrap());
    browser.window(&page, (1400, 900), "light");
    browser.until(&page, "document.querySelectorAll('#list li').length === 4");
    assert_eq!(browser.value(&page, "location.search"), json!(""), "the ticket is gone from the address");
    // The UI space is there and gets what comes.
    let inside = browser.frame_at(&page, "ui");
    browser.until(&inside, "document.documentElement.dataset.ready");
    fake.deliver("hello-samoza", "ui", Way::Path("readings".into()), "21.5 °C".as_bytes());
    browser.until(&inside, "document.getElementById('value').textContent === '21.5 °C sensor#1'");
    fake.deliver("hello-samoza", "ui", Way::Event("hot".into()), &[0xff, 0, 1]);
    browser.until(&inside, "document.getElementById('answer').textContent === 'hot 3'");
    browser.value(&inside, "document.getElementById('reset').click()");
    browser.until(&inside, "document.getElementById('answer').textContent === 'how are you?'");
    browser.until(&inside, "true");
    while !fake.inner().logs.contains_key(&("hello-samoza".into(), "ui".into())) {
        browser.until(&page, "true");
    }
    assert_eq!(fake.inner().logs[&("hello-samoza".into(), "ui".into())][0].text, "SpaceError denied");
    assert_eq!(fake.inner().emitted[0].2, br#"{"reset":true}"#);
    assert_eq!(browser.value(&inside, "document.getElementById('where').textContent"), json!("nowhere"));
    browser.picture(&page, "screens-light");

    // The graph, by keyboard.
    browser.value(&page, "document.getElementById('tab-screens').focus()");
    browser.key(&page, "ArrowRight");
    browser.until(&page, "!document.getElementById('graph').hidden");
    browser.value(&page, "document.getElementById('canvas').focus()");
    browser.key(&page, "ArrowRight");
    browser.until(&page, "document.querySelector('#panel h2')?.textContent === 'agent failed'");
    browser.key(&page, "ArrowDown");
    browser.until(&page, "document.querySelector('#panel h2')?.textContent === 'sensor running'");
    browser.key(&page, "ArrowRight");
    browser.until(&page, "document.querySelector('#panel h2')?.textContent === 'ui running'");
    browser.picture(&page, "graph-light");
    browser.key(&page, "Escape");
    browser.until(&page, "document.querySelector('#panel h2').textContent === 'Applications'");
    // The filter, and a space's details.
    browser.key(&page, "/");
    assert_eq!(browser.value(&page, "document.activeElement.id"), json!("filter"));
    browser.ask(&page, "Input.insertText", &json!({ "text": "sens" }));
    browser.until(&page, "document.querySelectorAll('#list li:not([hidden])').length === 1");
    browser.key(&page, "Tab");
    browser.key(&page, "Enter");
    browser.until(&page, "document.querySelector('#panel h2').textContent.startsWith('sensor')");
    browser.until(&page, "document.querySelector('#panel .log').textContent.includes('the sensor begins')");
    let panel = browser.value(&page, "document.getElementById('panel').innerText");
    for words in ["host-1", "the least load of those asked", "actuators.lock", "never", "1.0 MiB of 64.0 MiB"]
    {
        assert!(panel.as_str().unwrap().contains(words), "{words} in {panel}");
    }
    fake.log_line("hello-samoza", "sensor", "a later line");
    browser.until(&page, "document.querySelector('#panel .log').textContent.includes('a later line')");
    // Restart asks once.
    let restart =
        "[...document.querySelectorAll('#panel button')].find((b) => b.textContent.startsWith('Restart'))";
    browser.value(&page, &format!("{restart}.click()"));
    assert!(fake.inner().actions.is_empty());
    browser.value(&page, &format!("{restart}.click()"));
    browser.until(&page, "document.querySelector('#panel [role=status]').textContent === 'done'");
    assert_eq!(fake.inner().actions.len(), 1);
    // A path's messages as they pass.
    browser.value(&page, "[...document.querySelectorAll('#panel .paths button')].find((b) => b.textContent.includes('readings')).click()");
    browser.until(&page, "document.querySelector('#panel h2').textContent.startsWith('readings')");
    while fake.inner().taps.is_empty() {
        browser.until(&page, "true");
    }
    fake.tapped("readings", 7, b"{\"celsius\": 21.5}");
    fake.tapped("readings", 8, &[0xff, 0xee]);
    browser.until(&page, "document.querySelector('#panel .log').textContent.includes('ff ee')");
    browser.until(&page, "document.querySelector('#panel .log').textContent.includes('celsius')");
    browser.picture(&page, "path-light");
    // An application, its dead letters.
    browser.key(&page, "Escape");
    browser.value(&page, "document.querySelector('#panel .card').click()");
    browser.until(&page, "document.getElementById('panel').innerText.includes('no-such-path')");
    // What changes is shown, what is gone goes.
    fake.inner().snapshot.applications[0].spaces.remove(3);
    browser.value(
        &page,
        "const f = document.getElementById('filter'); f.value = ''; f.dispatchEvent(new Event('input'))",
    );
    browser.until(&page, "document.querySelectorAll('#list li').length === 3");
    assert_eq!(browser.complaints(), [""; 0]);
    desk.shutdown();
    browser.until(&page, "document.getElementById('there').textContent.includes('trying again')");
}

#[test]
fn a_face_of_the_world() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    hello(&fake);
    let mut browser = Chromium::start(&program);
    let page = browser.open(&format!("{}&at=hall&face=north", desk.url().expect("a ticket can be made")));
    browser.until(&page, "!document.getElementById('world').hidden");
    assert_eq!(browser.value(&page, "location.search"), json!("?at=hall&face=north"));
    browser.until(&page, "document.querySelector('#world iframe')");
    // Screens that nobody looks at are not what is meant here.
    browser.value(&page, "document.querySelectorAll('#screens iframe').forEach((frame) => frame.remove())");
    let inside = browser.frame_at(&page, "ui");
    browser.until(&inside, "document.getElementById('where')?.textContent === 'hall north'");
    browser.picture(&page, "world-light");
    browser.value(
        &page,
        "[...document.querySelectorAll('.ways button')].find((b) => b.textContent === '→ Yard-2').click()",
    );
    browser.until(&page, "location.search.includes('at=Yard-2')");
    let inside = browser.frame_at(&page, "ui");
    browser.until(&inside, "document.getElementById('where')?.textContent === 'Yard-2 north'");
    browser.value(&page, "document.querySelector('.compass button').focus()");
    browser.key(&page, "ArrowRight");
    browser.until(
        &page,
        "document.getElementById('world').innerText.includes('Nothing is to be seen to the east')",
    );
    // The keys go on from where one arrived: turned round once, and on to another location.
    assert_eq!(browser.value(&page, "document.activeElement.textContent"), json!("north"));
    for _ in 0..3 {
        browser.key(&page, "ArrowRight");
    }
    browser.until(&page, "location.search.includes('face=north')");
    browser.value(&page, "document.querySelector('.ways button').focus()");
    browser.key(&page, "Enter");
    browser.until(&page, "location.search === '?app=hello-samoza&at=hall&face=north'");
    let inside = browser.frame_at(&page, "ui");
    browser.until(&inside, "document.getElementById('where')?.textContent === 'hall north'");
    assert_eq!(browser.value(&page, "document.activeElement.textContent"), json!("→ Yard-2"));
    browser.key(&page, "Enter");
    browser.until(&page, "location.search.includes('at=Yard-2')");
    browser.key(&page, "ArrowLeft");
    browser.until(&page, "location.search.includes('face=west')");
    browser.value(&page, "history.back()");
    browser.until(&page, "document.querySelector('#world iframe')");
    let nowhere = browser.open_beside(&page, &format!("http://{}/?at=attic", desk.address()));
    browser.until(&nowhere, "document.getElementById('world').innerText.includes('no location attic')");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_space_that_was_started_anew_is_loaded_anew() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    hello(&fake);
    let restart = |instance: u64, state: State| {
        let mut inner = fake.inner();
        let spaces = &mut inner.snapshot.applications[0].spaces;
        spaces.iter_mut().find(|space| space.kind == Kind::Ui).expect("there is one").instance =
            Some(instance);
        // So that the page shows when it has heard of it.
        spaces[3].state = state;
    };
    let mut browser = Chromium::start(&program);
    let page = browser.open(&desk.url().expect("a ticket can be made"));
    browser.until(&page, "document.querySelector('#screens iframe')");
    browser.value(&page, "document.querySelector('#screens iframe').dataset.first = 'yes'");
    restart(2, State::Stopped);
    browser.until(&page, "document.getElementById('summary').textContent.includes('stopped')");
    browser.until(&page, "document.querySelector('#screens iframe')?.dataset.first === undefined");
    let inside = browser.frame_at(&page, "ui");
    browser.until(&inside, "document.documentElement.dataset.ready");
    // One that was closed stays so.
    browser.value(
        &page,
        "[...document.querySelectorAll('.tile button')].find((b) => b.textContent === 'Close').click()",
    );
    restart(3, State::Failed);
    browser.until(&page, "document.getElementById('summary').textContent.includes('failed')");
    assert_eq!(browser.value(&page, "document.querySelector('#screens iframe')"), json!(null));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_phone_in_the_dark_and_a_second_tab() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    hello(&fake);
    let mut browser = Chromium::start(&program);
    let page = browser.open(&desk.url().expect("a ticket can be made"));
    browser.window(&page, (390, 844), "dark");
    browser.until(&page, "document.querySelector('iframe')");
    let fits = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.value(&page, fits), json!(true));
    browser.picture(&page, "phone-screens-dark");
    browser.value(&page, "document.getElementById('tab-graph').click()");
    browser.listen(Duration::from_millis(300));
    browser.picture(&page, "phone-graph-dark");
    // The space in the middle of the graph, by finger.
    let at = browser.value(
        &page,
        "(() => { const b = document.getElementById('list').querySelector('button'); b.scrollIntoView(); \
        const r = b.getBoundingClientRect(); return [r.x + 20, r.y + 10]; })()",
    );
    browser.press(&page, at[0].as_f64().expect("a number"), at[1].as_f64().expect("a number"));
    browser.until(&page, "document.querySelector('#panel h2').textContent === 'agent failed'");
    browser.until(&page, "document.getElementById('panel').getBoundingClientRect().top < 200");
    assert_eq!(browser.value(&page, fits), json!(true));
    browser.picture(&page, "phone-details-dark");
    // Nothing that one presses is small.
    let small = "[...document.querySelectorAll('button, input')].filter((b) => b.offsetParent && \
        b.getBoundingClientRect().height < 38 && !b.matches('.link, .back, #tabs button')).map((b) => b.textContent)";
    assert_eq!(browser.value(&page, small), json!([]));
    // Both tabs get each message.
    let second = browser.open_beside(&page, &format!("http://{}/", desk.address()));
    browser.window(&second, (1400, 900), "dark");
    browser.until(&second, "document.querySelector('iframe')");
    let (one, other) = (browser.frame_at(&page, "ui"), browser.frame_at(&second, "ui"));
    for inside in [&one, &other] {
        browser.until(inside, "document.documentElement.dataset.ready");
    }
    // The pages have said hello when their first call is answered.
    for inside in [&one, &other] {
        browser.value(inside, "space.send('control', 'here')");
    }
    fake.deliver("hello-samoza", "ui", Way::Path("readings".into()), b"22");
    for inside in [&one, &other] {
        browser.until(inside, "document.getElementById('value').textContent === '22 sensor#1'");
    }
    browser.value(&second, "document.getElementById('tab-graph').click()");
    browser.listen(Duration::from_millis(300));
    browser.picture(&second, "graph-dark");
    // The space is stopped, and comes back.
    let key = ("hello-samoza".to_owned(), "ui".to_owned());
    let grants = fake.inner().grants.remove(&key).expect("it runs");
    browser.until(&page, "document.getElementById('screens').textContent.includes('the space does not run')");
    fake.inner().grants.insert(key, grants);
    browser.value(&page, "document.querySelector('.notice button').click()");
    let again = browser.frame_at(&page, "ui");
    browser.until(&again, "document.documentElement.dataset.ready");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_thousand_spaces() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    let names: Vec<String> = (0..1000).map(|at| format!("space-{at:03}")).collect();
    let spaces: Vec<(&str, Kind)> = names.iter().map(|name| (name.as_str(), Kind::Io)).collect();
    let next = |at: usize, step: usize| (names[at].as_str(), names[(at * step + 7) % 1000].as_str());
    let mut paths: Vec<(&str, &str, &str)> = Vec::new();
    for at in 0..1000 {
        paths.push((next(at, 3).0, next(at, 3).1, "a"));
        paths.push((next(at, 7).0, next(at, 7).1, "b"));
    }
    fake.application("wide", &spaces, &paths);
    let mut browser = Chromium::start(&program);
    let page = browser.open(&desk.url().expect("a ticket can be made"));
    browser.window(&page, (1400, 900), "light");
    browser.until(&page, "document.querySelectorAll('#list li').length === 1000");
    browser.until(&page, "!document.getElementById('graph').hidden");
    let drawn = browser.value(
        &page,
        "(async () => { const canvas = document.getElementById('canvas'); const times = []; \
         for (let at = 0; at < 60; at += 1) { \
           canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: at < 30 ? -40 : 40, cancelable: true })); \
           const begin = performance.now(); await new Promise(requestAnimationFrame); \
           times.push(performance.now() - begin); } \
         times.sort((a, b) => a - b); return times[30]; })()",
    );
    eprintln!("1,000 spaces, 2,000 paths: {drawn} ms from frame to frame while zooming, median of 60");
    browser.picture(&page, "thousand");
    // No two spaces stand in the same place, whatever the graph; and the same graph has the same places.
    let shapes = browser.value(&page, include_str!("pages/shapes.js"));
    assert_eq!(shapes, json!([]));
    // What changes is few, and what is shown follows.
    fake.inner().snapshot.applications[0].spaces[500].state = State::Failed;
    browser.until(&page, "document.getElementById('summary').textContent.includes('1 failed')");
    browser.value(&page, "document.getElementById('canvas').focus()");
    browser.key(&page, "ArrowDown");
    browser.until(&page, "document.querySelector('#panel h2').textContent.startsWith('space-')");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_lost_connection_closes_no_screen() {
    let Some(program) = program() else { return };
    let (desk, fake) = desk();
    hello(&fake);
    let mut browser = Chromium::start(&program);
    let page = browser.open(&desk.url().expect("a ticket can be made"));
    // A page whose stream the test can cut.
    let cut = "const own = fetch; window.fetch = (target, options) => {
        if (!target.startsWith('/api/stream')) return own(target, options);
        const stop = new AbortController();
        window.cut = () => stop.abort();
        return own(target, { ...options, signal: stop.signal });
    };";
    browser.ask(&page, "Page.addScriptToEvaluateOnNewDocument", &json!({ "source": cut }));
    browser.ask(&page, "Page.reload", &json!({}));
    browser.until(&page, "window.cut && document.querySelector('iframe')");
    let inside = browser.frame_at(&page, "ui");
    browser.until(&inside, "document.documentElement.dataset.ready");
    browser.value(&page, "document.querySelector('iframe').dataset.first = 'yes'");
    browser.value(&page, "cut(); delete window.cut");
    browser.until(&page, "document.getElementById('there').textContent.includes('trying again')");
    assert_eq!(browser.value(&page, "document.querySelectorAll('#list li').length"), json!(4));
    browser.until(&page, "window.cut && document.getElementById('there').textContent === 'live'");
    fake.deliver("hello-samoza", "ui", Way::Path("readings".into()), b"after");
    browser.until(&inside, "document.getElementById('value').textContent === 'after sensor#1'");
    assert_eq!(browser.value(&page, "document.querySelector('iframe').dataset.first"), json!("yes"));
}

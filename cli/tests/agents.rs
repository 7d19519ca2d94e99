//! What CHAT and CALL spaces ask for: models, functions, services, the intelligence cache, without any network.

mod common;
#[path = "../../services/zrun/tests/tls/server.rs"]
#[allow(clippy::unwrap_used, reason = "a server of tests")]
mod server;

use common::{Place, Said};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

const MANIFEST: &str = "apiVersion: samoza/v1\nkind: MEX\nmetadata:\n  name: thinkers\n  version: 1.0.0\n  \
                        publisher: tests\n  created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  \
                        spaces:\n    - brain\n    - caller\n    - double\n    - stuck\n";
const TOPOLOGY: &str = "apiVersion: samoza/v1
kind: Topology
metadata:
  name: thinkers
spaces:
  - name: brain
    type: CHAT
    capabilities: [sys.log, net.recv_next, agent.invoke_llm, agent.invoke_af, agent.invoke_df, ic.lookup, ic.store]
  - name: caller
    type: CALL
    capabilities: [sys.log, net.recv_next, agent.invoke_llm, agent.invoke_af, agent.invoke_df]
  - name: double
    type: DATA
    capabilities: [sys.log, net.recv_next, net.emit_to]
  - name: stuck
    type: DATA
    capabilities: [sys.log, net.recv_next]
agents:
  - name: small
    kind: LLM
    endpoint: http://recorded.invalid/v1
    model: small-1
    retries: 0
    budget:
      requests: 5
  - name: paid
    kind: LLM
    endpoint: http://recorded.invalid/v1
    model: small-1
    key: secret:paid
  - name: twice
    kind: DF
    space: double
  - name: never
    kind: DF
    space: stuck
  - name: triage
    kind: AF
    model: small
    functions: [twice]
    instructions: Select.
";

/// Does what a message says: a letter for the function, a digit for the length of a name, the name, the input. It logs
/// the result, or the code.
const GUEST: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "mem" "take" (func $take (param i32 i32) (result i32)))
  (import "agent" "invoke_llm" (func $model (param i32 i32 i32 i32) (result i32)))
  (import "agent" "invoke_af" (func $selector (param i32 i32 i32 i32) (result i32)))
  (import "agent" "invoke_df" (func $function (param i32 i32 i32 i32) (result i32)))
  ;; cache
  (import "ic" "lookup" (func $lookup (param i32 i32) (result i32)))
  (import "ic" "store" (func $store (param i32 i32 i32 i32 i32) (result i32)))
  ;; end
  (memory (export "memory") 1)
  (data (i32.const 0) "error -")
  (data (i32.const 1992) "answer: ")
  (func $digit (param $at i32) (param $digit i32)
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (local.get $digit))))
  (func $do (param $what i32) (param $name i32) (param $letters i32) (param $input i32) (param $bytes i32) (result i32)
    (if (i32.eq (local.get $what) (i32.const 0x6c)) (then (return
      (call $model (local.get $name) (local.get $letters) (local.get $input) (local.get $bytes)))))
    (if (i32.eq (local.get $what) (i32.const 0x61)) (then (return
      (call $selector (local.get $name) (local.get $letters) (local.get $input) (local.get $bytes)))))
    (if (i32.eq (local.get $what) (i32.const 0x64)) (then (return
      (call $function (local.get $name) (local.get $letters) (local.get $input) (local.get $bytes)))))
    ;; cache
    (if (i32.eq (local.get $what) (i32.const 0x6b)) (then (return
      (call $lookup (local.get $name) (local.get $letters)))))
    (if (i32.eq (local.get $what) (i32.const 0x73)) (then (return
      (call $store (local.get $name) (local.get $letters) (local.get $input) (local.get $bytes) (i32.const 3600)))))
    ;; end
    (i32.const -1))
  (func (export "on_init"))
  (func (export "on_process") (local $read i32) (local $letters i32) (local $input i32) (local $result i32)
    (local.set $read (call $next (i32.const 1000) (i32.const 900)))
    (if (i32.lt_s (local.get $read) (i32.const 2)) (then (return)))
    (local.set $letters (i32.sub (i32.load8_u (i32.const 1001)) (i32.const 48)))
    (local.set $input (i32.add (i32.const 1002) (local.get $letters)))
    (local.set $result (call $do (i32.load8_u (i32.const 1000)) (i32.const 1002) (local.get $letters)
      (local.get $input) (i32.sub (local.get $read) (i32.add (i32.const 2) (local.get $letters)))))
    (if (i32.ge_s (local.get $result) (i32.const 0))
      (then
        (if (local.get $result) (then (drop (call $take (i32.const 2000) (i32.const 4000)))))
        (drop (call $log (i32.const 1992) (i32.add (local.get $result) (i32.const 8)))))
      (else
        (local.set $result (i32.sub (i32.const 0) (local.get $result)))
        (call $digit (i32.const 7) (i32.div_u (local.get $result) (i32.const 10)))
        (call $digit (i32.const 8) (i32.rem_u (local.get $result) (i32.const 10)))
        (drop (call $log (i32.const 0) (i32.const 9))))))
  (func (export "on_close")))"#;

/// Answers with what it got, twice, and says where that came from.
const DOUBLE: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (import "net" "message_info" (func $info (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "@sender")
  (func (export "on_init"))
  (func (export "on_process") (local i32)
    (local.set 0 (call $next (i32.const 100) (i32.const 900)))
    (drop (call $log (i32.const 2000) (call $info (i32.const 2000) (i32.const 900))))
    (memory.copy (i32.add (i32.const 100) (local.get 0)) (i32.const 100) (local.get 0))
    (drop (call $emit (i32.const 0) (i32.const 7) (i32.const 100) (i32.mul (local.get 0) (i32.const 2)))))
  (func (export "on_close")))"#;

/// Takes what comes and answers nothing.
const STUCK: &str = r#"(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "taken")
  (func (export "on_init"))
  (func (export "on_process")
    (drop (call $next (i32.const 100) (i32.const 900)))
    (drop (call $log (i32.const 0) (i32.const 5))))
  (func (export "on_close")))"#;

/// An application's folder, and the parent that is gone with it.
struct Thinkers(Place);

impl Thinkers {
    fn new() -> Self {
        let thinkers = Self(Place::new());
        let write = |name: &str, text: &str| thinkers.0.write(&format!("app/{name}"), text);
        let head = "apiVersion: samoza/v1\nkind: Space\nmetadata:\n  name:";
        write("manifest.yaml", MANIFEST);
        write("topology.yaml", TOPOLOGY);
        write("spaces/brain/space.yaml", &format!("{head} brain\ntype: CHAT\nmodel: small\n"));
        let service =
            "service:\n  name: forecast\n  url: http://recorded.invalid/weather\n  methods: [GET]\n";
        write("spaces/caller/space.yaml", &format!("{head} caller\ntype: CALL\n{service}"));
        write("spaces/double/space.yaml", &format!("{head} double\ntype: DATA\npersistence: {{}}\n"));
        write("spaces/stuck/space.yaml", &format!("{head} stuck\ntype: DATA\npersistence: {{}}\n"));
        write("spaces/brain/assets/answers.jsonl", &answers());
        let weather = json!({"request": {"method": "GET", "path": "/weather/rome"}, "answer": "warm"});
        write("spaces/caller/assets/answers.jsonl", &weather.to_string());
        thinkers.module("brain", GUEST);
        let mut parts = GUEST.split(";; cache");
        let mut text = parts.next().unwrap_or_default().to_owned();
        parts.for_each(|part| text.push_str(part.split_once(";; end").expect("it ends").1));
        thinkers.module("caller", &text);
        thinkers.module("double", DOUBLE);
        thinkers.module("stuck", STUCK);
        thinkers
    }

    fn module(&self, space: &str, text: &str) {
        let bytes = wat::parse_str(text).expect("the module is text");
        self.0.write(&format!("app/spaces/{space}/core.wasm"), bytes);
    }

    fn call(&self, arguments: &[&str]) -> Said {
        self.0.call("app", arguments)
    }

    fn up(&self) -> String {
        self.call(&["up", "--detach"]).succeeds()
    }

    fn lines(&self, space: &str) -> Vec<String> {
        let said = self.call(&["logs", space]).succeeds();
        said.lines().filter_map(|line| line.split_once("| ")).map(|(_, text)| text.to_owned()).collect()
    }

    /// Sends a space what it is to do; what it says next.
    #[track_caller]
    fn ask(&self, space: &str, what: &str) -> String {
        let before = self.lines(space).len();
        self.call(&["send", space, what]).succeeds();
        self.until(what, |thinkers| thinkers.lines(space).len() > before);
        self.lines(space).swap_remove(before)
    }

    #[track_caller]
    fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "not in time: {what}\n{}", self.call(&["events"]).out);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Thinkers {
    fn drop(&mut self) {
        self.0.kill_parent();
    }
}

/// What is recorded of a model: an answer to a greeting, and the choice of a function.
fn answers() -> String {
    let asked = |body: Value| json!({"path": "/v1/chat/completions", "body": body});
    let greeting = json!({"model": "small-1", "messages": [{"role": "user", "content": "Hello?"}]});
    let text = json!({"choices": [{"message": {"content": "Good day."}}]});
    let tool = json!({"type": "function", "function": {"name": "twice", "parameters": {
        "type": "object",
        "properties": {"input": {"type": "string", "description": "What the function gets."}},
        "required": ["input"],
    }}});
    let choice = json!({
        "model": "small-1",
        "messages": [{"role": "system", "content": "Select."}, {"role": "user", "content": "21 twice"}],
        "tools": [tool],
        "tool_choice": "required",
    });
    let chosen = json!({"choices": [{"message": {"tool_calls": [
        {"function": {"name": "twice", "arguments": "{\"input\":\"21\"}"}}
    ]}}]});
    let lines = [(greeting, text), (choice, chosen)]
        .map(|(body, answer)| json!({"request": asked(body), "answer": answer}).to_string());
    lines.join("\n")
}

#[test]
fn models_functions_and_services_answer_offline() {
    let thinkers = Thinkers::new();
    let said = thinkers.up();
    assert!(said.contains("thinkers: running: all of it runs"), "{said}");
    assert_eq!(thinkers.ask("brain", "l5smallHello?"), "answer: Good day.");
    assert_eq!(thinkers.ask("brain", "d5twice12"), "answer: 1212");
    let info: Value = serde_json::from_str(&thinkers.lines("double")[0]).expect("it is JSON");
    assert_eq!((&info["path"], info["from"].as_str()), (&json!("twice"), Some("@local#1")));
    assert_eq!(thinkers.ask("brain", "a6triage21 twice"), "answer: 2121");
    assert_eq!(thinkers.ask("caller", r#"d8forecast{"path":"/rome"}"#), "answer: warm");
    assert_eq!(
        thinkers.ask("caller", "l5smallHello?"),
        "answer: Good day.",
        "every space asks the topology's"
    );
    assert_eq!(thinkers.ask("brain", "d8forecast"), "error -03", "the binding is another space's");
    // What is not recorded is said with all of it.
    assert_eq!(thinkers.ask("brain", "l5smallWho?"), "error -10");
    let events = thinkers.call(&["events"]).succeeds();
    assert!(events.contains("no answer is recorded for POST /v1/chat/completions {"), "{events}");
    assert!(events.contains(r#""content":"Who?""#), "{events}");
    // A space that waits for a function keeps nobody else waiting.
    thinkers.call(&["send", "brain", "d5never1"]).succeeds();
    thinkers.until("the function has it", |thinkers| !thinkers.lines("stuck").is_empty());
    assert_eq!(thinkers.ask("caller", "d5twiceab"), "answer: abab");
    assert_eq!(thinkers.call(&["down"]).succeeds(), "thinkers is down\n");
}

#[test]
fn what_a_space_answers_to_its_operator_is_said() {
    let thinkers = Thinkers::new();
    thinkers.up();
    for life in 1..=2 {
        thinkers.call(&["send", "double", "12\n"]).succeeds();
        let answers = |thinkers: &Thinkers| {
            let events = thinkers.call(&["events"]).succeeds();
            events.lines().filter(|line| *line == "double * it answers `12\\n12\\n`").count()
        };
        thinkers.until("it answers", |thinkers| answers(thinkers) == life);
        let info: Value =
            serde_json::from_str(&thinkers.lines("double").swap_remove(life - 1)).expect("it is JSON");
        assert_eq!(info["from"], format!("@operator#{life}"), "it is not from itself");
        thinkers.call(&["down"]).succeeds();
        thinkers.up();
        assert_eq!(answers(&thinkers), life, "it answers once");
    }
}

#[test]
fn a_function_that_is_gone_is_closed_for_who_waits() {
    let thinkers = Thinkers::new();
    thinkers.up();
    thinkers.call(&["send", "brain", "d5never1"]).succeeds();
    thinkers.until("the function has it", |thinkers| !thinkers.lines("stuck").is_empty());
    let without = TOPOLOGY.replace("  - name: never\n    kind: DF\n    space: stuck\n", "");
    thinkers.0.write("app/topology.yaml", without);
    thinkers.call(&["topo", "submit"]).succeeds();
    thinkers.until("it is told", |thinkers| !thinkers.lines("brain").is_empty());
    assert_eq!(thinkers.lines("brain"), ["error -09"]);
    assert_eq!(thinkers.call(&["down"]).succeeds(), "thinkers is down\n");
}

#[test]
fn budgets_and_the_cache_outlive_a_parent_that_is_killed() {
    let thinkers = Thinkers::new();
    thinkers.up();
    assert_eq!(thinkers.ask("brain", "k3one"), "error -03");
    assert_eq!(thinkers.ask("brain", "s3onefirst"), "answer: ");
    assert_eq!(thinkers.ask("brain", "k3one"), "answer: first");
    let why = thinkers.call(&["why", "brain"]).succeeds();
    assert!(why.contains("cache") && why.contains("1 found, 0 alike, 1 not found"), "{why}");
    for _ in 0..3 {
        assert_eq!(thinkers.ask("brain", "l5smallHello?"), "answer: Good day.");
    }
    // What is done is written with the message that is accepted next. When the first of these has its line, what was
    // before it is done; the second takes that along. What may be given once more costs nothing.
    for _ in 0..2 {
        assert_eq!(thinkers.ask("brain", "k3one"), "answer: first");
    }
    thinkers.0.kill_parent();
    let said = thinkers.up();
    assert!(said.contains("  model small: 3 of 5 requests, "), "{said}");
    assert_eq!(thinkers.ask("brain", "k3one"), "answer: first");
    for _ in 0..2 {
        assert_eq!(thinkers.ask("brain", "l5smallHello?"), "answer: Good day.");
    }
    assert_eq!(thinkers.ask("brain", "l5smallHello?"), "error -07", "five a day");
    thinkers.call(&["down"]).succeeds();
    thinkers.up();
    assert_eq!(thinkers.ask("brain", "l5smallHello?"), "error -07");
    // Another budget holds at once, and makes no space another.
    thinkers.0.write("app/topology.yaml", TOPOLOGY.replace("requests: 5", "requests: 6"));
    thinkers.call(&["topo", "submit", "."]).succeeds();
    assert_eq!(thinkers.ask("brain", "l5smallHello?"), "answer: Good day.");
    assert_eq!(thinkers.ask("brain", "l5smallHello?"), "error -07");
    thinkers.call(&["topo", "rollback", "1"]).succeeds();
    assert_eq!(thinkers.ask("brain", "l5smallHello?"), "error -07");
    // What was spent is not forgotten because it cannot be read.
    thinkers.0.kill_parent();
    thinkers.0.write("home/applications/thinkers/budgets.json", "[{");
    let said = thinkers.call(&["up", "--detach"]);
    said.refuses(6, "budgets.json: EOF");
}

#[test]
fn the_cache_finds_what_is_alike() {
    let thinkers = Thinkers::new();
    let path = "app/spaces/brain/space.yaml";
    let text = fs::read_to_string(thinkers.0.path(path)).expect("it is there");
    let embedding = "embedding:\n  endpoint: http://recorded.invalid/v1\n  model: e\n  x-similarity: 0.95\n";
    thinkers.0.write(path, format!("{text}{embedding}"));
    let means = [("one", [1.0, 0.0]), ("uno", [9.0, 1.0]), ("two", [0.0, 1.0]), ("few", [1.0, 0.5])];
    let means = means.map(|(text, numbers)| {
        let asked = json!({"path": "/v1/embeddings", "body": {"model": "e", "input": text}});
        json!({"request": asked, "answer": {"data": [{"embedding": numbers}]}}).to_string()
    });
    thinkers.0.write("app/spaces/brain/assets/answers.jsonl", means.join("\n"));
    thinkers.up();
    assert_eq!(thinkers.ask("brain", "k3one"), "error -03");
    assert_eq!(thinkers.ask("brain", "s3onefirst"), "answer: ");
    assert_eq!(thinkers.ask("brain", "k3uno"), "answer: first");
    assert_eq!(thinkers.ask("brain", "k3two"), "error -03");
    assert_eq!(thinkers.ask("brain", "k3few"), "error -03", "a cosine of 0.89");
    // What nobody can say the meaning of is not found, and stored all the same.
    assert_eq!(thinkers.ask("brain", "k3sky"), "error -03");
    assert_eq!(thinkers.ask("brain", "s3skyblue"), "answer: ");
    assert_eq!(thinkers.ask("brain", "k3sky"), "answer: blue");
    let events = thinkers.call(&["events"]).succeeds();
    assert_eq!(events.matches("its embedding model does not answer (io)").count(), 1, "{events}");
    let why = thinkers.call(&["why", "brain"]).succeeds();
    assert!(why.contains("1 found, 1 alike, 4 not found"), "{why}");
    thinkers.call(&["down"]).succeeds();
    thinkers.up();
    assert_eq!(thinkers.ask("brain", "k3uno"), "answer: first");
}

#[test]
fn a_secret_that_is_missing_is_named() {
    let thinkers = Thinkers::new();
    thinkers.up();
    assert_eq!(thinkers.ask("brain", "l4paidHello?"), "error -04");
    let events = thinkers.call(&["events"]).succeeds();
    assert!(
        events.contains("the secret `paid` is missing") && events.contains("home/secrets.json"),
        "{events}"
    );
    thinkers.call(&["down"]).succeeds();
    let path = thinkers.0.path("home/secrets.json");
    thinkers.0.write("home/secrets.json", r#"{"paid": "sesame"}"#);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let said = thinkers.call(&["up", "--detach"]);
    said.refuses(6, "secrets.json can be read by others");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    thinkers.up();
    assert_eq!(thinkers.ask("brain", "l4paidHello?"), "answer: Good day.");
}

#[test]
fn a_service_by_https_needs_an_issuer_that_is_trusted() {
    let authority = server::Authority::new();
    let port = authority.serve("localhost", 4000, b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwarm").port();
    let thinkers = Thinkers::new();
    let path = "app/spaces/caller/space.yaml";
    let text = fs::read_to_string(thinkers.0.path(path)).expect("it is there");
    let url = format!("https://localhost:{port}/weather");
    thinkers.0.write(path, text.replace("http://recorded.invalid/weather", &url));
    thinkers.up();
    assert_eq!(thinkers.ask("caller", "d8forecast"), "error -10");
    let events = thinkers.call(&["events"]).succeeds();
    let why = format!("GET {url}: the certificate is of an issuer that is not trusted here");
    assert!(events.contains(&why) && events.contains("$SPACE_HOME/certificates.pem"), "{events}");
    thinkers.call(&["down"]).succeeds();
    thinkers.0.write("home/certificates.pem", "none");
    thinkers.call(&["up", "--detach"]).refuses(6, "certificates.pem: it has no section");
    thinkers.0.write("home/certificates.pem", authority.pem());
    thinkers.up();
    assert_eq!(thinkers.ask("caller", "d8forecast"), "answer: warm");
}

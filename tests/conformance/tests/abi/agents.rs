//! `agent`: against the recorded responder, and against a server that fails in every way.

use sci::guest::ErrorCode::{
    self, Closed, Denied, Invalid, Io, Malformed, NotFound, Quota, TooLarge, WouldBlock,
};
use serde_json::json;
use services_topology::agent::{AgentBody, Budget, Model};
use services_topology::name::{HeaderName, Name, Secret, Url};
use services_topology::place::{Located, Place};
use services_topology::space::{Method, Service, ServiceLimits};
use services_zrun::Kind;
use services_zrun::agents::{Book, Own};
use services_zrun::linux::{BackEnds, Callee, Records, Responder, Runner, request_hash};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests_conformance::guest::Argument::Text;
use tests_conformance::guest::Calls;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn url(address: SocketAddr) -> Url {
    Url::new(&format!("http://{address}/v1")).unwrap()
}

fn model(address: SocketAddr) -> Model {
    Model {
        endpoint: url(address),
        model: "small-1".to_owned(),
        key: Some(Secret::new("models").unwrap()),
        timeout_milliseconds: 3000,
        retries: 1,
        budget: Budget::default(),
        price: None,
    }
}

fn service(address: SocketAddr) -> Service {
    Service {
        name: Located::new(name("forecast"), Place::whole("space.yaml")),
        url: url(address),
        methods: vec![Method::Get],
        headers: Vec::new(),
        key: Some((Secret::new("weather").unwrap(), HeaderName::new("X-Key").unwrap())),
        limits: ServiceLimits { response_bytes: 64, timeout_milliseconds: 3000, ..ServiceLimits::default() },
    }
}

/// A space that answers with what it was asked, and one that is gone.
struct Converter;

impl Callee for Converter {
    fn call(&self, from: u32, space: &str, function: &str, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        match space {
            "probe" => Ok([format!("{from} {function} ").as_bytes(), input].concat()),
            _ => Err(Closed),
        }
    }
}

fn runner(model: Model) -> Runner {
    let agents = [
        ("small", AgentBody::Model(model)),
        ("convert", AgentBody::Function { space: name("probe") }),
        ("lost", AgentBody::Function { space: name("gone") }),
        (
            "triage",
            AgentBody::Selector {
                model: name("small"),
                functions: vec![name("convert")],
                instructions: "Select.".to_owned(),
            },
        ),
    ];
    let keys = [("models", "open"), ("weather", "sesame")];
    let book = Book::new(
        agents.map(|(name, agent)| (name.to_owned(), agent)),
        keys.map(|(name, key)| (name.to_owned(), key.to_owned())),
    );
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    Runner::new(book, Box::new(now), Some(Box::new(Converter)))
}

fn back_ends(runner: &Runner, services: Vec<Service>) -> BackEnds {
    let invoker = runner.for_space(1, Own { services, ..Own::default() });
    BackEnds { agents: Some(Box::new(invoker)), ..BackEnds::default() }
}

/// Agents of which there are none.
pub(crate) fn none() -> BackEnds {
    back_ends(&Runner::new(Book::default(), Box::new(|| 0), None), Vec::new())
}

const RECORDS: &str = r#"
{"request":{"path":"/v1/chat/completions","body":{"model":"small-1","messages":[{"role":"user","content":"Hello?"}]}},"answer":{"choices":[{"message":{"content":"Good day."}}]}}
{"request":{"method":"GET","path":"/v1/today?q=warm"},"answer":"20 C"}
{"request":{"method":"GET","path":"/v1/forbidden"},"status":403,"answer":{}}
{"request":{"method":"GET","path":"/v1/busy"},"status":429,"answer":{}}
{"request":{"method":"GET","path":"/v1/large"},"answer":"0123456789012345678901234567890123456789012345678901234567890123456789"}
"#;

/// The records, and one for what a selector asks, which is found by its hash.
fn records(selection: &str) -> Records {
    let tool = json!({ "type": "function", "function": { "name": "convert", "parameters": {
        "type": "object",
        "properties": { "input": { "type": "string", "description": "What the function gets." } },
        "required": ["input"],
    }}});
    let asked = json!({
        "model": "small-1",
        "messages": [{ "role": "system", "content": "Select." }, { "role": "user", "content": "20 C in F" }],
        "tools": [tool],
        "tool_choice": "required",
    });
    let hash = request_hash("POST", "/v1/chat/completions", asked.to_string().as_bytes());
    let answer = json!({ "choices": [{ "message": { "tool_calls": [
        { "function": { "name": selection, "arguments": "{\"input\":\"20\"}" } }
    ] } }] });
    Records::read(&format!("{RECORDS}{}", json!({ "hash": hash, "answer": answer }))).unwrap()
}

#[test]
fn agents_answer_from_a_record() {
    let responder = Responder::start(records("convert")).unwrap();
    let runner = runner(model(responder.address()));
    let mut calls = Calls::default();
    calls.call("agent.invoke_llm", &[Text(b"small"), Text(b"Hello?")], 9);
    calls.takes("Good day.");
    calls.call("agent.invoke_df", &[Text(b"convert"), Text(b"20")], 12);
    calls.takes("1 convert 20");
    calls.call("agent.invoke_af", &[Text(b"triage"), Text(b"20 C in F")], 12);
    calls.takes("1 convert 20");
    let today = br#"{"path":"/today","query":{"q":"warm"}}"#;
    calls.call("agent.invoke_df", &[Text(b"forecast"), Text(today)], 4);
    calls.takes("20 C");
    let forecast = |path| [Text(b"forecast"), Text(path)];
    calls.fails("agent.invoke_df", &forecast(br#"{"path":"/nothing"}"#), NotFound);
    calls.fails("agent.invoke_df", &forecast(br#"{"path":"/forbidden"}"#), Denied);
    calls.fails("agent.invoke_df", &forecast(br#"{"path":"/busy"}"#), WouldBlock);
    calls.fails("agent.invoke_df", &forecast(br#"{"path":"/large"}"#), TooLarge);
    calls.fails("agent.invoke_df", &forecast(br#"{"path":"/../today"}"#), Denied);
    calls.fails("agent.invoke_df", &forecast(br#"{"method":"POST"}"#), Denied);
    calls.fails("agent.invoke_df", &forecast(br#"{"url":"/today"}"#), Invalid);
    calls.fails("agent.invoke_df", &forecast(b"today"), Malformed);
    calls.fails("agent.invoke_df", &[Text(b"lost"), Text(b"")], Closed);
    for function in ["agent.invoke_df", "agent.invoke_af", "agent.invoke_llm"] {
        calls.fails(function, &[Text(b"nobody"), Text(b"")], NotFound);
    }
    calls.fails("agent.invoke_llm", &[Text(b"small"), Text(b"")], Invalid);
    calls.fails("agent.invoke_llm", &[Text(b"small"), Text(b"\xff")], Malformed);
    calls.fails("agent.invoke_llm", &[Text(b"small"), Text(b"What nobody asked before")], Io);
    calls.hold_with(back_ends(&runner, vec![service(responder.address())]));
    assert_eq!(runner.spent("small").requests, 3);
}

#[test]
fn budgets_end() {
    let responder = Responder::start(records("convert")).unwrap();
    let mut model = model(responder.address());
    model.budget.requests = Some(1);
    let mut service = service(responder.address());
    service.limits.per_minute = 1;
    let mut calls = Calls::default();
    calls.call("agent.invoke_llm", &[Text(b"small"), Text(b"Hello?")], 9);
    calls.fails("agent.invoke_llm", &[Text(b"small"), Text(b"Hello?")], Quota);
    let today = [Text(b"forecast"), Text(br#"{"path":"/today","query":{"q":"warm"}}"#)];
    calls.call("agent.invoke_df", &today, 4);
    calls.fails("agent.invoke_df", &today, WouldBlock);
    // What was taken before is kept until another result is there.
    calls.takes("20 C");
    calls.hold_with(back_ends(&runner(model), vec![service]));
}

#[test]
fn a_model_that_chooses_what_is_not_there_fails() {
    let responder = Responder::start(records("launch")).unwrap();
    let mut calls = Calls::default();
    calls.fails("agent.invoke_af", &[Text(b"triage"), Text(b"20 C in F")], Io);
    calls.hold_with(back_ends(&runner(model(responder.address())), Vec::new()));
}

/// What a server does with a connection.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It says nothing.
    Silent,
    /// It says a byte now and then.
    Slow,
    /// It closes before it has heard.
    Reset,
    /// It closes in the middle of the body.
    Short,
    /// It says what is no HTTP.
    Garbage,
    /// It says so many bytes.
    Large,
    /// It leads elsewhere.
    Elsewhere,
    Status(u16),
    /// It answers as a model.
    Well,
    /// It answers as a model, and takes nothing more by the same connection.
    Once,
}

/// A server whose connections meet these faults, one after another.
fn faulty(faults: &'static [Fault]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (fault, stream) in faults.iter().zip(listener.incoming()) {
            let mut stream = stream.unwrap();
            thread::spawn(move || meet(*fault, &mut stream));
        }
    });
    address
}

fn meet(fault: Fault, stream: &mut TcpStream) {
    if matches!(fault, Fault::Reset) {
        return;
    }
    let mut heard = [0; 4096];
    // Whatever the client makes of a fault, the server goes on.
    let _ = stream.read(&mut heard);
    let mut say = |text: &str| stream.write_all(text.as_bytes()).is_ok();
    let ok = |bytes: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
    let last = match fault {
        Fault::Reset => return,
        Fault::Silent => return thread::sleep(Duration::from_mins(1)),
        Fault::Slow => {
            say(&ok(10_000));
            while say("x") {
                thread::sleep(Duration::from_millis(200));
            }
            return;
        }
        Fault::Large => {
            say(&ok(1 << 30));
            let piece = "x".repeat(1 << 16);
            while say(&piece) {}
            return;
        }
        Fault::Short => ok(1000) + "{",
        Fault::Garbage => "\u{1}\u{2}\u{3} nothing\r\n\r\n".to_owned(),
        Fault::Elsewhere => {
            "HTTP/1.1 302 Found\r\nlocation: /v1/today\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        Fault::Status(status) => format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n"),
        Fault::Well | Fault::Once => {
            let body = json!({ "choices": [{ "message": { "content": "Well." } }] }).to_string();
            ok(body.len()) + &body
        }
    };
    say(&last);
    if matches!(fault, Fault::Once) {
        // It closes when the next request has come, or its client is gone.
        let _ = stream.read(&mut heard);
    }
}

#[test]
fn a_server_that_fails_costs_its_caller_an_error() {
    use Fault::{Elsewhere, Garbage, Large, Reset, Short, Silent, Slow, Status};
    const FAULTS: &[Fault] =
        &[Silent, Slow, Reset, Short, Garbage, Large, Elsewhere, Status(500), Status(404), Status(418)];
    let mut calls = Calls::default();
    for fault in FAULTS {
        let code = match fault {
            Large => TooLarge,
            Status(404) => NotFound,
            Status(418) => Invalid,
            _ => Io,
        };
        calls.fails("agent.invoke_df", &[Text(b"forecast"), Text(b"")], code);
    }
    calls.hold_with(back_ends(&runner(model(faulty(&[]))), vec![service(faulty(FAULTS))]));
}

#[test]
fn a_model_that_fails_once_is_asked_again() {
    use Fault::{Garbage, Large, Reset, Silent, Status, Well};
    const FAULTS: &[Fault] = &[
        Reset,
        Well,
        Garbage,
        Well,
        Silent,
        Well,
        Status(503),
        Well,
        Status(500),
        Status(500),
        Status(400),
        Large,
        Well,
    ];
    let mut calls = Calls::default();
    let hello = [Text(b"small".as_slice()), Text(b"Hello?")];
    for _ in 0..4 {
        calls.call("agent.invoke_llm", &hello, 5);
        calls.takes("Well.");
    }
    calls.fails("agent.invoke_llm", &hello, Io);
    calls.fails("agent.invoke_llm", &hello, Io);
    calls.fails("agent.invoke_llm", &hello, TooLarge);
    calls.call("agent.invoke_llm", &hello, 5);
    calls.hold_with(back_ends(&runner(model(faulty(FAULTS))), Vec::new()));
}

#[test]
fn a_connection_that_was_kept_costs_no_try() {
    let mut model = model(faulty(&[Fault::Once, Fault::Once, Fault::Once]));
    model.retries = 0;
    let mut calls = Calls::default();
    for _ in 0..3 {
        calls.call("agent.invoke_llm", &[Text(b"small"), Text(b"Hello?")], 5);
        calls.takes("Well.");
    }
    calls.hold_with(back_ends(&runner(model), Vec::new()));
}

#[test]
fn an_invocation_may_be_waited_for_elsewhere() {
    let responder = Responder::start(records("convert")).unwrap();
    let runner = runner(model(responder.address()));
    let _space = runner.for_space(1, Own::default());
    let (sender, results) = mpsc::channel();
    for input in ["Hello?", "Hello?", ""] {
        let sender = sender.clone();
        let done = Box::new(move |result| drop(sender.send((input, result))));
        runner.start(1, Kind::Model, "small", input.as_bytes(), done);
    }
    drop(sender);
    let mut results: Vec<_> = results.iter().collect();
    results.sort();
    let well = ("Hello?", Ok(b"Good day.".to_vec()));
    assert_eq!(results, [("", Err(Invalid)), well.clone(), well]);
}

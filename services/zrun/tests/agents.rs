//! Invocations of agents, step by step.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use sci::guest::ErrorCode;
use serde_json::{Value, json};
use services_topology::agent::{AgentBody, Budget, Model, Price};
use services_topology::name::{HeaderName, HeaderValue, Name, Secret, Url};
use services_topology::place::{Located, Place};
use services_topology::space::{Embedding, Method, Service, ServiceLimits};
use services_zrun::Kind;
use services_zrun::agents::{Answer, Book, Event, Invocation, Own, Request, Step, Trouble};

const SPACE: u32 = 1;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn model() -> Model {
    Model {
        endpoint: Url::new("http://models.example/v1/").unwrap(),
        model: "small-1".to_owned(),
        key: Some(Secret::new("models").unwrap()),
        timeout_milliseconds: 2000,
        retries: 2,
        budget: Budget { requests: Some(4), tokens: Some(1000), cost_millionths: None },
        price: Some(Price { input_millionths: 1_000_000, output_millionths: 2_000_000 }),
    }
}

fn service() -> Service {
    Service {
        name: Located::new(name("forecast"), Place::whole("space.yaml")),
        url: Url::new("https://api.example/v1?units=metric").unwrap(),
        methods: vec![Method::Get, Method::Post],
        headers: vec![(HeaderName::new("Accept").unwrap(), HeaderValue::new("text/plain").unwrap())],
        key: Some((Secret::new("weather").unwrap(), HeaderName::new("X-Key").unwrap())),
        limits: ServiceLimits { request_bytes: 8, per_minute: 2, ..ServiceLimits::default() },
    }
}

fn book() -> Book {
    let agents = [
        ("small", AgentBody::Model(model())),
        ("convert", AgentBody::Function { space: name("probe") }),
        (
            "triage",
            AgentBody::Selector {
                model: name("small"),
                functions: vec![name("convert"), name("triage")],
                instructions: "Select.".to_owned(),
            },
        ),
    ];
    let keys = [("models", "open"), ("weather", "sesame")];
    let mut book = Book::new(
        agents.map(|(name, agent)| (name.to_owned(), agent)),
        keys.map(|(name, key)| (name.to_owned(), key.to_owned())),
    );
    book.join(SPACE, Own { services: vec![service()], ..Own::default() });
    book
}

fn begin(book: &mut Book, kind: Kind, name: &str, input: &str) -> (Invocation, Step) {
    book.begin(SPACE, kind, name, input.as_bytes(), 0)
}

fn request(step: Step) -> Request {
    match step {
        Step::Ask(request) => request,
        other => panic!("{other:?}"),
    }
}

fn answered(status: u16, body: &Value) -> Event {
    Event::Answered(Ok(Answer { status, retry_after: None, body: body.to_string().into_bytes() }))
}

fn text(text: &str) -> Value {
    json!({ "choices": [{ "message": { "content": text } }], "usage": { "prompt_tokens": 10, "completion_tokens": 5 } })
}

fn call(function: &str, input: &str) -> Value {
    let arguments = json!({ "input": input }).to_string();
    json!({ "choices": [{ "message": { "tool_calls": [
        { "function": { "name": function, "arguments": arguments } }
    ] } }] })
}

fn failed(step: &Step) -> ErrorCode {
    match step {
        Step::Done(Err(code)) => *code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_is_asked_and_its_answer_charged() {
    let mut book = book();
    let (mut invocation, step) = begin(&mut book, Kind::Model, "small", "How warm is it?");
    let Request { method, url, headers, body, timeout_milliseconds, .. } = request(step);
    assert_eq!(
        (method, url.as_str(), timeout_milliseconds),
        ("POST", "http://models.example/v1/chat/completions", 2000)
    );
    assert!(headers.contains(&("authorization".to_owned(), "Bearer open".to_owned())));
    let asked: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    let messages = json!([{ "role": "user", "content": "How warm is it?" }]);
    assert_eq!(asked, json!({ "model": "small-1", "messages": messages }));
    let step = book.go_on(&mut invocation, answered(200, &text("Very.")), 0);
    assert_eq!(step, Step::Done(Ok(b"Very.".to_vec())));
    let spent = book.spent("small");
    assert_eq!((spent.requests, spent.tokens, spent.cost_millionths), (1, 15, 20));
}

#[test]
fn a_guest_may_state_messages_and_options_and_nothing_else() {
    let mut book = book();
    let input = json!({ "messages": [{ "role": "system", "content": "Be brief." }], "temperature": 0 });
    let (_, step) = begin(&mut book, Kind::Model, "small", &input.to_string());
    let asked: Value = serde_json::from_slice(&request(step).body.unwrap()).unwrap();
    assert_eq!((&asked["model"], &asked["temperature"]), (&json!("small-1"), &json!(0)));
    for input in
        [r#"{"messages":[],"model":"large"}"#, r#"{"messages":[],"stream":true}"#, r#"{"messages":1}"#, ""]
    {
        assert_eq!(failed(&begin(&mut book, Kind::Model, "small", input).1), ErrorCode::Invalid, "{input}");
    }
    assert_eq!(failed(&book.begin(SPACE, Kind::Model, "small", b"\xff", 0).1), ErrorCode::Malformed);
}

#[test]
fn what_fails_for_now_is_tried_again_and_later_each_time() {
    let mut book = book();
    let (mut invocation, _) = begin(&mut book, Kind::Model, "small", "x");
    let slow = Event::Answered(Err(Trouble::TimedOut));
    assert_eq!(book.go_on(&mut invocation, slow, 0), Step::Wait(250));
    assert!(matches!(book.go_on(&mut invocation, Event::Waited, 0), Step::Ask(_)));
    assert_eq!(book.go_on(&mut invocation, answered(200, &json!("garbage")), 0), Step::Wait(500));
    book.go_on(&mut invocation, Event::Waited, 0);
    assert_eq!(failed(&book.go_on(&mut invocation, answered(503, &json!({})), 0)), ErrorCode::Io);
    let (mut invocation, _) = begin(&mut book, Kind::Model, "small", "x");
    let busy = Answer { status: 429, retry_after: Some(3), body: Vec::new() };
    assert_eq!(book.go_on(&mut invocation, Event::Answered(Ok(busy)), 0), Step::Wait(3000));
    let last = book.go_on(&mut invocation, Event::Waited, 0);
    assert_eq!(failed(&last), ErrorCode::Quota, "four requests a day");
}

#[test]
fn what_will_not_get_better_is_not_tried_again() {
    for (event, code) in [
        (answered(401, &json!({})), ErrorCode::Denied),
        (answered(400, &json!({})), ErrorCode::Io),
        (answered(302, &json!({})), ErrorCode::Io),
        (Event::Answered(Err(Trouble::TooLarge)), ErrorCode::TooLarge),
    ] {
        let mut book = book();
        let (mut invocation, _) = begin(&mut book, Kind::Model, "small", "x");
        assert_eq!(failed(&book.go_on(&mut invocation, event, 0)), code);
    }
}

#[test]
fn a_budget_ends_and_a_day_later_begins_anew() {
    let mut book = book();
    let (mut invocation, _) = begin(&mut book, Kind::Model, "small", "x");
    let dear = json!({ "choices": [{ "message": { "content": "y" } }], "usage": { "prompt_tokens": 600, "completion_tokens": 400 } });
    book.go_on(&mut invocation, answered(200, &dear), 0);
    assert_eq!(failed(&begin(&mut book, Kind::Model, "small", "x").1), ErrorCode::Quota);
    let tomorrow = book.begin(SPACE, Kind::Model, "small", b"x", 24 * 60 * 60 * 1000);
    assert!(matches!(tomorrow.1, Step::Ask(_)));
}

#[test]
fn a_model_selects_among_functions() {
    let mut book = book();
    let (mut invocation, step) = begin(&mut book, Kind::Selector, "triage", "20 C in F");
    let asked: Value = serde_json::from_slice(&request(step).body.unwrap()).unwrap();
    assert_eq!(asked["messages"][0], json!({ "role": "system", "content": "Select." }));
    assert_eq!(asked["tools"][0]["function"]["name"], json!("convert"));
    let step = book.go_on(&mut invocation, answered(200, &call("convert", "20")), 0);
    let expected =
        Step::Call { space: "probe".to_owned(), function: "convert".to_owned(), input: b"20".to_vec() };
    assert_eq!(step, expected);
    let step = book.go_on(&mut invocation, Event::Called(Ok(b"68".to_vec())), 0);
    assert_eq!(step, Step::Done(Ok(b"68".to_vec())));
    let (mut invocation, _) = begin(&mut book, Kind::Selector, "triage", "x");
    let step = book.go_on(&mut invocation, answered(200, &call("delete-all", "")), 0);
    assert_eq!(step, Step::Wait(250), "what it chose is none of them");
}

#[test]
fn selectors_that_select_each_other_come_to_an_end() {
    let mut book = book();
    let (mut invocation, mut step) = begin(&mut book, Kind::Selector, "triage", "x");
    for _ in 0..4 {
        request(step);
        step = book.go_on(&mut invocation, answered(200, &call("triage", "x")), 0);
    }
    assert_eq!(failed(&step), ErrorCode::Invalid);
}

#[test]
fn each_kind_has_its_own_names() {
    let mut book = book();
    for (kind, name) in
        [(Kind::Model, "convert"), (Kind::Function, "small"), (Kind::Selector, "small"), (Kind::Model, "")]
    {
        assert_eq!(failed(&begin(&mut book, kind, name, "x").1), ErrorCode::NotFound, "{kind:?} {name}");
    }
    let (_, step) = book.begin(2, Kind::Function, "forecast", b"", 0);
    assert_eq!(failed(&step), ErrorCode::Closed, "the space has not come");
    book.join(2, Own { model: Some(("mine".to_owned(), model())), ..Own::default() });
    let (_, step) = book.begin(2, Kind::Function, "forecast", b"", 0);
    assert_eq!(failed(&step), ErrorCode::NotFound, "the binding is another space's");
    assert!(matches!(book.begin(2, Kind::Model, "mine", b"x", 0).1, Step::Ask(_)));
    assert_eq!(failed(&begin(&mut book, Kind::Model, "mine", "x").1), ErrorCode::NotFound);
}

#[test]
fn a_key_that_is_missing_is_not_left_out() {
    let mut book = Book::new([("small".to_owned(), AgentBody::Model(model()))], []);
    book.join(SPACE, Own { services: vec![service()], ..Own::default() });
    assert_eq!(failed(&begin(&mut book, Kind::Model, "small", "x").1), ErrorCode::Denied);
    assert_eq!(failed(&begin(&mut book, Kind::Function, "forecast", "").1), ErrorCode::Denied);
}

#[test]
fn a_service_is_asked_below_its_url() {
    let url = |input: &str| {
        let step = begin(&mut book(), Kind::Function, "forecast", input).1;
        request(step).url
    };
    assert_eq!(url(""), "https://api.example/v1?units=metric");
    assert_eq!(url(r#"{"path":"/today"}"#), "https://api.example/v1/today?units=metric");
    let query = url(r#"{"path":"/a b/%2e%2e/c@d","query":{"q":"x&y=ü","n":2}}"#);
    assert_eq!(query, "https://api.example/v1/a%20b/%252e%252e/c%40d?units=metric&n=2&q=x%26y%3D%C3%BC");
    assert_eq!(
        url(r#"{"path":"//evil.example/?a#b\\c"}"#),
        "https://api.example/v1//evil.example/%3Fa%23b%5Cc?units=metric"
    );
    for (input, code) in [
        (r#"{"path":"/../admin"}"#, ErrorCode::Denied),
        (r#"{"path":"/a/./b"}"#, ErrorCode::Denied),
        (r#"{"path":"today"}"#, ErrorCode::Invalid),
        (r#"{"path":"@evil.example"}"#, ErrorCode::Invalid),
        (r#"{"path":1}"#, ErrorCode::Invalid),
        (r#"{"url":"http://evil.example"}"#, ErrorCode::Invalid),
        (r#"{"headers":{}}"#, ErrorCode::Invalid),
        (r#"{"query":{"a":[1]}}"#, ErrorCode::Invalid),
        (r#"{"method":"DELETE"}"#, ErrorCode::Denied),
        (r#"{"method":"TRACE"}"#, ErrorCode::Invalid),
        (r#"{"method":"GET","body":"x"}"#, ErrorCode::Invalid),
        (r#"{"method":"POST","body":"123456789"}"#, ErrorCode::TooLarge),
        ("[]", ErrorCode::Invalid),
        ("{", ErrorCode::Malformed),
    ] {
        assert_eq!(failed(&begin(&mut book(), Kind::Function, "forecast", input).1), code, "{input}");
    }
}

#[test]
fn a_service_gets_what_its_binding_says() {
    let mut book = book();
    let (mut invocation, step) =
        begin(&mut book, Kind::Function, "forecast", r#"{"method":"POST","body":{"a":1}}"#);
    let Request { method, headers, body, timeout_milliseconds, .. } = request(step);
    assert_eq!(
        (method, body.as_deref(), timeout_milliseconds),
        ("POST", Some(b"{\"a\":1}".as_slice()), 30_000)
    );
    let expected = [("content-type", "application/json"), ("Accept", "text/plain"), ("X-Key", "sesame")];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let step = book.go_on(&mut invocation, answered(201, &json!([1])), 0);
    assert_eq!(step, Step::Done(Ok(b"[1]".to_vec())));
    for (status, code) in [
        (302, ErrorCode::Io),
        (400, ErrorCode::Invalid),
        (403, ErrorCode::Denied),
        (404, ErrorCode::NotFound),
        (413, ErrorCode::TooLarge),
        (429, ErrorCode::WouldBlock),
        (500, ErrorCode::Io),
    ] {
        assert_eq!(failed(&book.go_on(&mut invocation, answered(status, &json!(0)), 0)), code, "{status}");
    }
    begin(&mut book, Kind::Function, "forecast", "");
    assert_eq!(
        failed(&begin(&mut book, Kind::Function, "forecast", "").1),
        ErrorCode::WouldBlock,
        "two a minute"
    );
    let later = book.begin(SPACE, Kind::Function, "forecast", b"", 60_000);
    assert!(matches!(later.1, Step::Ask(_)));
}

#[test]
fn an_embedding_is_asked_and_paid_like_a_model() {
    let mut book = book();
    assert_eq!(failed(&book.embed(SPACE, "x", 0).1), ErrorCode::NotFound, "it has no such model");
    let budget = Budget { requests: Some(3), ..Budget::default() };
    let embedding = Embedding { model: Model { budget, ..model() }, similarity_thousandths: 900 };
    book.join(SPACE, Own { embedding: Some(embedding), ..Own::default() });
    let (mut invocation, step) = book.embed(SPACE, "How warm is it?", 0);
    let Request { method, url, headers, body, .. } = request(step);
    assert_eq!((method, url.as_str()), ("POST", "http://models.example/v1/embeddings"));
    assert!(headers.contains(&("authorization".to_owned(), "Bearer open".to_owned())));
    let asked: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    assert_eq!(asked, json!({ "model": "small-1", "input": "How warm is it?" }));
    assert_eq!(book.go_on(&mut invocation, answered(200, &json!({ "data": [] })), 0), Step::Wait(250));
    book.go_on(&mut invocation, Event::Waited, 0);
    let answer =
        json!({ "data": [{ "embedding": [1, 0.5] }], "usage": { "prompt_tokens": 5, "total_tokens": 5 } });
    let step = book.go_on(&mut invocation, answered(200, &answer), 0);
    assert_eq!(step, Step::Done(Ok([1.0_f32.to_le_bytes(), 0.5_f32.to_le_bytes()].concat())));
    let spent: Vec<_> =
        book.all_spent().map(|(space, _, spent)| (space, spent.requests, spent.tokens)).collect();
    assert_eq!(spent[0].0, Some(SPACE));
    assert_eq!((spent[0].1, spent[0].2 >= 5), (2, true));
    let (mut invocation, _) = book.embed(SPACE, "x", 0);
    assert_eq!(failed(&book.go_on(&mut invocation, answered(401, &json!({})), 0)), ErrorCode::Denied);
    assert_eq!(failed(&book.embed(SPACE, "x", 0).1), ErrorCode::Quota, "three requests a day");
}

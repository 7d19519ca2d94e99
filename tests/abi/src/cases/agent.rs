//! `agent`: what is recorded of models and services, and a function that a space carries out.

use crate::Setting;
use crate::script::Argument::{Letters, Text};
use crate::script::Script;
use sci::guest::ErrorCode::{Denied, Invalid, Io, Malformed, NotFound, Quota, TooLarge, WouldBlock};
use sci::guest::SpaceType;
use sci::limits::guest as limits;

const DF: &str = "agent.invoke_df";
const AF: &str = "agent.invoke_af";
const LLM: &str = "agent.invoke_llm";

/// What is recorded: a model's answer, its choice of a function, and what a service answers.
pub const RECORDS: &str = r#"{"request":{"path":"/v1/chat/completions","body":{"model":"small-1","messages":[{"role":"user","content":"Hello?"}]}},"answer":{"choices":[{"message":{"content":"Good day."}}]}}
{"request":{"path":"/v1/chat/completions","body":{"model":"small-1","messages":[{"role":"system","content":"Select."},{"role":"user","content":"Say 20."}],"tools":[{"type":"function","function":{"name":"same","parameters":{"type":"object","properties":{"input":{"type":"string","description":"What the function gets."}},"required":["input"]}}}],"tool_choice":"required"}},"answer":{"choices":[{"message":{"tool_calls":[{"function":{"name":"same","arguments":"{\"input\":\"20\"}"}}]}}]}}
{"request":{"path":"/v1/chat/completions","body":{"model":"small-1","messages":[{"role":"system","content":"Select."},{"role":"user","content":"How warm is Rome?"}],"tools":[{"type":"function","function":{"name":"forecast","parameters":{"type":"object","properties":{"input":{"type":"string","description":"What the function gets."}},"required":["input"]}}}],"tool_choice":"required"}},"answer":{"choices":[{"message":{"tool_calls":[{"function":{"name":"forecast","arguments":"{\"input\":\"{\\\"path\\\":\\\"/today\\\",\\\"query\\\":{\\\"city\\\":\\\"rome\\\"}}\"}"}}]}}]}}
{"request":{"method":"GET","path":"/weather/today?city=rome"},"answer":"warm"}
{"request":{"method":"GET","path":"/weather/forbidden"},"status":403,"answer":{}}
{"request":{"method":"GET","path":"/weather/busy"},"status":429,"answer":{}}
{"request":{"method":"GET","path":"/weather/teapot"},"status":418,"answer":{}}
{"request":{"method":"GET","path":"/weather/broken"},"status":500,"answer":{}}
{"request":{"method":"GET","path":"/weather/large"},"answer":"0123456789012345678901234567890123456789012345678901234567890123456789"}
{"request":{"method":"GET","path":"/seldom"},"answer":"cold"}
"#;

/// The models of all cases.
const MODELS: &str = "agents:
  - name: small
    kind: LLM
    endpoint: http://recorded.invalid/v1
    model: small-1
    retries: 0
  - name: thrifty
    kind: LLM
    endpoint: http://recorded.invalid/v1
    model: small-1
    retries: 0
    budget:
      requests: 1
  - name: paid
    kind: LLM
    endpoint: http://recorded.invalid/v1
    model: small-1
    key: secret:paid
";

/// The agents of the topology that has these cases.
pub fn together() -> String {
    format!(
        "{MODELS}  - name: same
    kind: DF
    space: echo
  - name: triage
    kind: AF
    model: small
    functions: [same]
    instructions: Select.
"
    )
}

/// The services of its CALL space.
pub const SERVICES: &str = "service:
  - name: forecast
    url: http://recorded.invalid/weather
    methods: [GET]
    limits:
      response: 64
  - name: seldom
    url: http://recorded.invalid/seldom
    methods: [GET]
    limits:
      perMinute: 1
";

/// What a guest that is alone may invoke, as the file describes it.
pub fn alone() -> String {
    format!(
        "{MODELS}  - name: triage
    kind: AF
    model: small
    functions: [forecast]
    instructions: Select.
answers: answers.jsonl
{SERVICES}"
    )
}

pub fn agent(script: &mut Script<'static>, setting: Setting, kind: Option<SpaceType>) {
    if setting.is_together {
        functions(script);
        script.keeps(AF, "a choice", &[Text("triage"), Text("Say 20.")], "20");
    } else {
        script.keeps(AF, "a choice", &[Text("triage"), Text("How warm is Rome?")], "warm");
    }
    if kind.is_none_or(|kind| kind == SpaceType::Call) {
        services(script);
    }
    script.case(AF, "a choice that is not recorded", &[Text("triage"), Text("Say 30.")], Io);
    script.keeps(LLM, "an answer", &[Text("small"), Text("Hello?")], "Good day.");
    let object = r#"{"messages":[{"role":"user","content":"Hello?"}]}"#;
    script.keeps(LLM, "an answer to an object", &[Text("small"), Text(object)], "Good day.");
    script.case(LLM, "no input", &[Text("small"), Text("")], Invalid);
    script.case(LLM, "an unknown key", &[Text("small"), Text(r#"{"messages":[],"model":"x"}"#)], Invalid);
    script.case(LLM, "what is not recorded", &[Text("small"), Text("Who?")], Io);
    script.case(LLM, "a secret that is missing", &[Text("paid"), Text("Hello?")], Denied);
    if kind.is_none_or(|kind| kind == SpaceType::Chat) {
        script.keeps(LLM, "the last request of a budget", &[Text("thrifty"), Text("Hello?")], "Good day.");
        script.case(LLM, "a budget that is used up", &[Text("thrifty"), Text("Hello?")], Quota);
    }
    for function in [DF, AF, LLM] {
        for (case, name, code) in [
            ("no name", Text(""), Invalid),
            ("a name that is not there", Text("nobody"), NotFound),
            ("a name at its limit", Letters(limits::NAME_BYTES_MAX), NotFound),
        ] {
            script.case(function, case, &[name, Text("x")], code);
        }
    }
    script.case(LLM, "a function", &[Text("same"), Text("x")], NotFound);
    script.case(AF, "a model", &[Text("small"), Text("x")], NotFound);
    script.case(DF, "a model", &[Text("small"), Text("x")], NotFound);
    let longest = Letters(limits::INPUT_BYTES_MAX);
    script.case(LLM, "an input at its limit, not recorded", &[Text("small"), longest], Io);
    script.case(AF, "an input at its limit, not recorded", &[Text("triage"), longest], Io);
}

fn functions(script: &mut Script<'static>) {
    script.keeps(DF, "a function of a space", &[Text("same"), Text("20")], "20");
    script.keeps(DF, "an empty result", &[Text("same"), Text("")], "");
    let most = limits::INPUT_BYTES_MAX;
    script.case(DF, "an input at its limit", &[Text("same"), Letters(most)], most.cast_signed());
}

fn services(script: &mut Script<'static>) {
    let forecast = |input| [Text("forecast"), Text(input)];
    script.keeps(DF, "a service", &forecast(r#"{"path":"/today","query":{"city":"rome"}}"#), "warm");
    for (case, input, code) in [
        ("404 of a service", r#"{"path":"/nothing"}"#, NotFound),
        ("403 of a service", r#"{"path":"/forbidden"}"#, Denied),
        ("429 of a service", r#"{"path":"/busy"}"#, WouldBlock),
        ("418 of a service", r#"{"path":"/teapot"}"#, Invalid),
        ("500 of a service", r#"{"path":"/broken"}"#, Io),
        ("an answer that is too large", r#"{"path":"/large"}"#, TooLarge),
        ("a path that leaves", r#"{"path":"/../today"}"#, Denied),
        ("a method that is not the binding's", r#"{"method":"POST"}"#, Denied),
        ("an unknown key", r#"{"url":"/today"}"#, Invalid),
        ("no JSON", "today", Malformed),
    ] {
        script.case(DF, case, &forecast(input), code);
    }
    script.keeps(DF, "the last request of a minute", &[Text("seldom"), Text("")], "cold");
    script.case(DF, "one more in a minute", &[Text("seldom"), Text("")], WouldBlock);
}

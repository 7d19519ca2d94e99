//! What language models are asked, and what their answers say: the chat completions of OpenAI's interface.

use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;
use serde_json::{Map, Value, json};
use services_topology::agent::Model;

/// What a guest may say beside the messages.
const OPTIONS: [&str; 8] = [
    "frequency_penalty",
    "max_completion_tokens",
    "max_tokens",
    "presence_penalty",
    "response_format",
    "seed",
    "stop",
    "temperature",
];
/// Bytes of a token, roughly, where the answer does not count them.
const TOKEN_BYTES: u64 = 4;

/// A function that a model chose, and its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub function: String,
    pub input: Vec<u8>,
}

/// A question: the text of a user, or an object that has `messages` and options.
pub(crate) fn question(model: &Model, input: &[u8]) -> Result<Vec<u8>, ErrorCode> {
    let text = core::str::from_utf8(input).map_err(|_| ErrorCode::Malformed)?;
    if text.is_empty() {
        return Err(ErrorCode::Invalid);
    }
    let mut body = match serde_json::from_str(text) {
        Ok(Value::Object(object)) if object.contains_key("messages") => object,
        _ => Map::from_iter([("messages".into(), json!([{ "role": "user", "content": text }]))]),
    };
    let is_known = |key: &String| key == "messages" || OPTIONS.contains(&key.as_str());
    if !body.keys().all(is_known) || !body["messages"].is_array() {
        return Err(ErrorCode::Invalid);
    }
    body.insert("model".into(), json!(model.model));
    serde_json::to_vec(&body).map_err(|_| ErrorCode::Io)
}

/// The question which of some functions suits an input.
pub(crate) fn choice(
    model: &Model,
    instructions: &str,
    functions: &[String],
    input: &[u8],
) -> Result<Vec<u8>, ErrorCode> {
    let text = core::str::from_utf8(input).map_err(|_| ErrorCode::Malformed)?;
    let tool = |name: &String| {
        json!({ "type": "function", "function": { "name": name, "parameters": {
            "type": "object",
            "properties": { "input": { "type": "string", "description": "What the function gets." } },
            "required": ["input"],
        }}})
    };
    let body = json!({
        "model": model.model,
        "messages": [
            { "role": "system", "content": instructions },
            { "role": "user", "content": text },
        ],
        "tools": functions.iter().map(tool).collect::<Vec<_>>(),
        "tool_choice": "required",
    });
    serde_json::to_vec(&body).map_err(|_| ErrorCode::Io)
}

/// The question what a text means.
pub(crate) fn meaning(model: &Model, text: &str) -> Result<Vec<u8>, ErrorCode> {
    serde_json::to_vec(&json!({ "model": model.model, "input": text })).map_err(|_| ErrorCode::Io)
}

/// What a text means, as the bytes of its numbers; `None` where an answer does not say it.
pub(crate) fn meaning_of(body: &[u8]) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let numbers = value.pointer("/data/0/embedding")?.as_array()?;
    let mut bytes = Vec::with_capacity(numbers.len() * size_of::<f32>());
    for number in numbers {
        bytes.extend((number.as_f64()? as f32).to_le_bytes());
    }
    Some(bytes)
}

/// Tokens of a question and of its answer, as the answer counts them.
pub(crate) fn tokens(asked: &[u8], body: &[u8]) -> (u64, u64) {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let used = |name: &str| value.pointer(name).and_then(Value::as_u64);
    let question = used("/usage/prompt_tokens").unwrap_or(asked.len() as u64 / TOKEN_BYTES);
    let answer = used("/usage/completion_tokens").unwrap_or(body.len() as u64 / TOKEN_BYTES);
    (question, answer)
}

/// The text of an answer to a question; `None` where it is no answer.
pub(crate) fn text_of(body: &[u8]) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    Some(value.pointer("/choices/0/message/content")?.as_str()?.as_bytes().to_vec())
}

/// The function that an answer chooses; `None` where it chooses none of those.
pub(crate) fn chosen_of(body: &[u8], functions: &[String]) -> Option<Chosen> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let call = value.pointer("/choices/0/message/tool_calls/0/function")?;
    let function: String = call.get("name")?.as_str()?.into();
    let arguments: Value = serde_json::from_str(call.get("arguments")?.as_str()?).ok()?;
    let input = arguments.get("input")?.as_str()?.as_bytes().to_vec();
    functions.contains(&function).then_some(Chosen { function, input })
}

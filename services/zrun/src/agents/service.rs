//! What services outside are asked: requests that stay below what a binding allows.

use super::http::{Answer, Request, Trouble};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use sci::guest::ErrorCode;
use serde_json::{Map, Value};
use services_topology::space::{Method, Service};

/// The request of a guest's input: nothing, or an object with `method`, `path`, `query`, `body`.
pub(crate) fn request(service: &Service, key: Option<&str>, input: &[u8]) -> Result<Request, ErrorCode> {
    let object = match input {
        [] => Map::new(),
        _ => {
            let mut value: Value = serde_json::from_slice(input).map_err(|_| ErrorCode::Malformed)?;
            // Whichever order other crates have objects kept in, the query is in the order of its names.
            value.sort_all_objects();
            match value {
                Value::Object(object) => object,
                _ => return Err(ErrorCode::Invalid),
            }
        }
    };
    if object.keys().any(|name| !["method", "path", "query", "body"].contains(&name.as_str())) {
        return Err(ErrorCode::Invalid);
    }
    let method = method(service, object.get("method"))?;
    let url = url(service, object.get("path"), object.get("query"))?;
    let mut headers: Vec<(String, String)> = Vec::new();
    let body = match object.get("body") {
        None => None,
        Some(_) if matches!(method, Method::Get | Method::Head) => return Err(ErrorCode::Invalid),
        Some(Value::String(text)) => Some(text.as_bytes().to_vec()),
        Some(value) => {
            headers.push(("content-type".into(), "application/json".into()));
            Some(serde_json::to_vec(value).map_err(|_| ErrorCode::Io)?)
        }
    };
    if body.as_ref().is_some_and(|body| body.len() as u64 > service.limits.request_bytes) {
        return Err(ErrorCode::TooLarge);
    }
    // What the binding states comes last: it is what counts.
    for (name, value) in &service.headers {
        set(&mut headers, name.as_str(), value.as_str());
    }
    if let Some((_, name)) = &service.key {
        set(&mut headers, name.as_str(), key.ok_or(ErrorCode::Denied)?);
    }
    Ok(Request {
        method: method.word(),
        url,
        headers,
        body,
        timeout_milliseconds: service.limits.timeout_milliseconds,
        answer_bytes: service.limits.response_bytes,
    })
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    headers.push((name.into(), value.into()));
}

fn method(service: &Service, named: Option<&Value>) -> Result<Method, ErrorCode> {
    let Some(named) = named else { return service.methods.first().copied().ok_or(ErrorCode::Denied) };
    let word = named.as_str().ok_or(ErrorCode::Invalid)?;
    let method =
        Method::ALL.iter().copied().find(|method| method.word() == word).ok_or(ErrorCode::Invalid)?;
    if service.methods.contains(&method) { Ok(method) } else { Err(ErrorCode::Denied) }
}

/// The binding's URL with a path below it, and a query.
fn url(service: &Service, path: Option<&Value>, query: Option<&Value>) -> Result<String, ErrorCode> {
    let (base, fixed) = service.url.as_str().split_once('?').unwrap_or((service.url.as_str(), ""));
    let path = path.map_or(Some(""), Value::as_str).ok_or(ErrorCode::Invalid)?;
    let mut url = String::from(base);
    if !path.is_empty() {
        let path = path.strip_prefix('/').ok_or(ErrorCode::Invalid)?;
        url.truncate(url.trim_end_matches('/').len());
        for segment in path.split('/') {
            // A segment of dots would leave what the binding allows; all else is its own text, and escaped.
            if matches!(segment, "." | "..") {
                return Err(ErrorCode::Denied);
            }
            url.push('/');
            escape(&mut url, segment);
        }
    }
    let mut separator = '?';
    if !fixed.is_empty() {
        url.push(separator);
        url.push_str(fixed);
        separator = '&';
    }
    let query = match query {
        None => return Ok(url),
        Some(query) => query.as_object().ok_or(ErrorCode::Invalid)?,
    };
    for (name, value) in query {
        url.push(separator);
        separator = '&';
        escape(&mut url, name);
        url.push('=');
        match value {
            Value::String(text) => escape(&mut url, text),
            Value::Number(_) | Value::Bool(_) => {
                let _ = write!(url, "{value}");
            }
            _ => return Err(ErrorCode::Invalid),
        }
    }
    Ok(url)
}

/// Appends a text of which only letters, digits and a few signs stand for themselves.
fn escape(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            url.push(byte.into());
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

/// What a guest gets of an answer: its body, if it is a good one.
pub(crate) fn result(outcome: Result<Answer, Trouble>) -> Result<Vec<u8>, ErrorCode> {
    let Answer { status, body, .. } = outcome.map_err(|trouble| match trouble {
        Trouble::TooLarge => ErrorCode::TooLarge,
        _ => ErrorCode::Io,
    })?;
    match status {
        200..=299 => Ok(body),
        401 | 403 => Err(ErrorCode::Denied),
        404 | 410 => Err(ErrorCode::NotFound),
        413 => Err(ErrorCode::TooLarge),
        429 => Err(ErrorCode::WouldBlock),
        400..=499 => Err(ErrorCode::Invalid),
        _ => Err(ErrorCode::Io),
    }
}

//! What guests and devices write in JSON.

use alloc::string::String;
use sci::guest::ErrorCode;
use serde_json::{Map, Value};

/// An object; text that is no JSON is malformed, JSON that is none is invalid.
pub(crate) fn object(text: &str) -> Result<Map<String, Value>, ErrorCode> {
    match serde_json::from_str(text).map_err(|_| ErrorCode::Malformed)? {
        Value::Object(object) => Ok(object),
        _ => Err(ErrorCode::Invalid),
    }
}

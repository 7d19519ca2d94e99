//! Files of UI spaces, each frame at a host name of its own.

use crate::assets::SPACE_JS;
use crate::names::file_path;
use crate::server::Shared;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// The name that is the desk's own in every UI space.
const LIBRARY: &str = "space.js";

/// A frame's file.
pub fn file(shared: &Shared, ticket: &str, uri: &Uri) -> Response {
    let Some((app, space)) = shared.broker().shown(ticket) else {
        return (StatusCode::FORBIDDEN, "this frame is closed\n").into_response();
    };
    let Some(path) = file_path(uri.path()) else {
        return (StatusCode::NOT_FOUND, "this is no path of a file\n").into_response();
    };
    if path == LIBRARY {
        return ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SPACE_JS).into_response();
    }
    let Some(file) = shared.source.file(&app, &space, &path) else {
        return (StatusCode::NOT_FOUND, "the space has no such file\n").into_response();
    };
    let mime = HeaderValue::try_from(file.mime)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    ([(header::CONTENT_TYPE, mime)], file.bytes).into_response()
}

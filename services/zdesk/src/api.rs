//! Routes of the desk.

mod stream;
mod tap;

use crate::assets::{ASSETS, Asset, CLOSED, DESK, NO_KEY};
use crate::gate::Admission;
use crate::guard::{self, Place};
use crate::server::Shared;
use crate::token::from_hex;
use crate::view::{Action, Refusal};
use crate::{headers, limits, ui};
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

/// Everything that the desk answers.
pub fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new()
        .route("/", get(page))
        .route("/api/state", get(state))
        .route("/api/stream", get(stream::stream))
        .route("/api/logs", get(logs))
        .route("/api/tap", get(tap::tap))
        .route("/api/actions", post(act))
        .route("/api/frames", post(frames))
        .route("/api/ui", post(call));
    for asset in ASSETS {
        router = router.route(asset.path, get(move || async move { file(asset) }));
    }
    router
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), judge))
        .with_state(shared)
}

async fn judge(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let place = guard::judge(request.method(), request.uri(), request.headers(), shared.port);
    let mut response = match &place {
        Err(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
        Ok(Place::Desk) => next.run(request).await,
        Ok(Place::Frame(ticket)) => ui::file(&shared, ticket, request.uri()),
    };
    match place {
        Ok(Place::Frame(ticket)) => {
            let host = format!("{ticket}.localhost:{}", shared.port);
            headers::frame(response.headers_mut(), &host, shared.port);
        }
        _ => headers::desk(response.headers_mut(), shared.port),
    }
    response
}

/// The header with the session's key. No form can set it, nor another site without being asked first.
const KEY_HEADER: &str = "x-space-desk";

/// A request of the desk's own page, in a browser that showed a ticket.
struct Session(String);

impl FromRequestParts<Arc<Shared>> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refused> {
        let key = parts.headers.get(KEY_HEADER).and_then(|key| key.to_str().ok()).unwrap_or_default();
        let session = cookie(&parts.headers, shared);
        session.filter(|session| shared.gate().admits(session, key)).map(Session).ok_or_else(|| {
            let says = "this browser has no session; open the link that `space up` printed";
            Refused(StatusCode::UNAUTHORIZED, Refusal::new("denied", says))
        })
    }
}

fn cookie_name(shared: &Shared) -> String {
    // Browsers do not tell ports apart here.
    format!("space-desk-{}", shared.port)
}

fn cookie(headers: &HeaderMap, shared: &Shared) -> Option<String> {
    let name = cookie_name(shared);
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.into())
}

/// A refusal and its status.
struct Refused(StatusCode, Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, refusal)
    }
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.status(), Refusal::new("invalid", rejection.body_text()))
    }
}

impl From<QueryRejection> for Refused {
    fn from(rejection: QueryRejection) -> Self {
        Self(rejection.status(), Refusal::new("invalid", rejection.body_text()))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "refused": self.1 }))).into_response()
    }
}

fn internal(_: serde_json::Error) -> Refused {
    Refused(StatusCode::INTERNAL_SERVER_ERROR, Refusal::new("io", "the state cannot be written as JSON"))
}

fn short<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<(), Refused> {
    if names.into_iter().all(|name| name.len() <= limits::NAME_BYTES_MAX) {
        return Ok(());
    }
    let most = limits::NAME_BYTES_MAX;
    Err(Refusal::new("invalid", format!("a name has at most {most} bytes")).into())
}

fn file(asset: &Asset) -> Response {
    ([(header::CONTENT_TYPE, asset.mime)], asset.bytes).into_response()
}

fn html(status: StatusCode, text: impl IntoResponse) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

#[derive(Deserialize)]
struct Arrival {
    ticket: Option<String>,
}

async fn page(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    arrival: Result<Query<Arrival>, QueryRejection>,
) -> Response {
    let session = cookie(&headers, &shared).filter(|session| shared.gate().knows(session));
    let ticket = arrival.ok().and_then(|Query(arrival)| arrival.ticket);
    // What only looks ahead uses no ticket up.
    let looks = method != Method::GET || headers.contains_key("sec-purpose");
    let admission = match &ticket {
        Some(ticket) if !looks => shared.gate().exchange(ticket).ok().flatten(),
        _ => None,
    };
    let again = || shared.gate().again(ticket.as_ref()?, session.as_ref()?);
    let Some(Admission { session, key }) = admission.or_else(again) else {
        return match ticket {
            _ if session.is_some() => html(StatusCode::OK, DESK),
            None => html(StatusCode::OK, CLOSED),
            Some(_) if looks => html(StatusCode::SERVICE_UNAVAILABLE, CLOSED),
            Some(_) => html(StatusCode::FORBIDDEN, CLOSED),
        };
    };
    let cookie = format!("{}={session}; Path=/; HttpOnly; SameSite=Strict", cookie_name(&shared));
    let mut response = html(StatusCode::OK, DESK.replacen(NO_KEY, &format!("content=\"{key}\""), 1));
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn state(State(shared): State<Arc<Shared>>, _: Session) -> Response {
    Json(shared.source.snapshot()).into_response()
}

#[derive(Deserialize)]
struct LogQuery {
    app: String,
    space: String,
    #[serde(default)]
    after: u64,
}

async fn logs(
    State(shared): State<Arc<Shared>>,
    _: Session,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(query) = query?;
    short([&query.app, &query.space])?;
    let lines = shared.source.logs(&query.app, &query.space, query.after);
    Ok(Json(json!({ "lines": lines })).into_response())
}

#[derive(Deserialize)]
struct ActionRequest {
    app: String,
    space: String,
    action: Action,
}

async fn act(
    State(shared): State<Arc<Shared>>,
    _: Session,
    request: Result<Json<ActionRequest>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(request) = request?;
    short([&request.app, &request.space])?;
    shared.source.act(&request.app, &request.space, request.action)?;
    Ok(Json(json!({})).into_response())
}

/// A frame begins or ends.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum FrameRequest {
    Open { page: String, app: String, space: String },
    Close { frame: String },
}

async fn frames(
    State(shared): State<Arc<Shared>>,
    Session(session): Session,
    request: Result<Json<FrameRequest>, JsonRejection>,
) -> Result<Response, Refused> {
    match request?.0 {
        FrameRequest::Open { page, app, space } => {
            short([&page, &app, &space])?;
            let source = &*shared.source;
            let opened = shared.broker().open(source, (&session, &page), (&app, &space), Instant::now())?;
            let url = format!("http://{}.localhost:{}/", opened.ticket, shared.port);
            Ok(Json(json!({ "frame": opened.frame, "url": url })).into_response())
        }
        FrameRequest::Close { frame } => {
            shared.broker().close(&session, &frame);
            Ok(Json(json!({})).into_response())
        }
    }
}

/// What a UI space asks for, by the frame that it asked from.
#[derive(Deserialize)]
struct CallRequest {
    frame: String,
    #[serde(flatten)]
    call: Call,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Call {
    Emit { to: String, text: Option<String>, hex: Option<String>, asks: bool },
    Forget { id: String },
    Log { text: String },
    Listen {},
    Subscribe { event: String },
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Session(session): Session,
    request: Result<Json<CallRequest>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(CallRequest { frame, call }) = request?;
    let who = (session.as_str(), frame.as_str());
    let (source, now) = (&*shared.source, Instant::now());
    match call {
        Call::Emit { to, text, hex, asks } => {
            short([&to])?;
            let body = match (text, hex) {
                (Some(text), None) => Some(text.into_bytes()),
                (None, Some(hex)) => from_hex(&hex),
                _ => None,
            };
            let says = "a message is `text`, or `hex` with two digits a byte";
            let body = body.ok_or_else(|| Refusal::new("invalid", says))?;
            let id = shared.broker().emit(source, who, (&to, body, asks), now)?;
            return Ok(Json(json!({ "id": id.to_string() })).into_response());
        }
        Call::Forget { id } => {
            let id = id.parse().map_err(|_| Refusal::new("invalid", "an id is a number"))?;
            shared.broker().forget(&session, &frame, id);
        }
        Call::Log { text } => shared.broker().log(source, who, &text, now)?,
        Call::Listen {} => shared.broker().listen(source, who, now)?,
        Call::Subscribe { event } => {
            short([&event])?;
            shared.broker().subscribe(source, who, &event, now)?;
        }
    }
    Ok(Json(json!({})).into_response())
}

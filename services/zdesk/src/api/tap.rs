//! A path's messages as they pass.

use super::stream::opened;
use super::{Refused, Session, short};
use crate::broker::Body;
use crate::limits::{MESSAGE_PERIOD, TAP_BATCH_MAX, TAP_BYTES_SHOWN};
use crate::server::Shared;
use crate::view::{Refusal, Tapped};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

#[derive(Deserialize)]
pub struct TapQuery {
    app: String,
    from: String,
    path: String,
}

#[derive(Serialize)]
struct Shown {
    missed: u64,
    is_answer: bool,
    id: String,
    from: String,
    time: u64,
    bytes: usize,
    #[serde(flatten)]
    body: Body,
}

impl From<Tapped> for Shown {
    fn from(tapped: Tapped) -> Self {
        let bytes = tapped.body.len();
        let mut body = tapped.body;
        if bytes > TAP_BYTES_SHOWN {
            // Text stays text: a letter is not cut in two.
            let start = |at: &usize| body[*at] & 0b1100_0000 != 0b1000_0000;
            let end = (TAP_BYTES_SHOWN - 3..=TAP_BYTES_SHOWN).rev().find(start).unwrap_or(TAP_BYTES_SHOWN);
            body.truncate(end);
        }
        let (missed, is_answer) = (tapped.missed, tapped.is_answer);
        let id = tapped.id.to_string();
        Self { missed, is_answer, id, from: tapped.from, time: tapped.time, bytes, body: body.into() }
    }
}

struct Watch {
    shared: Arc<Shared>,
    session: String,
    receiver: Receiver<Tapped>,
}

impl Watch {
    async fn event(&mut self) -> Option<Event> {
        loop {
            let mut shown = Vec::new();
            while shown.len() < TAP_BATCH_MAX {
                match self.receiver.try_recv() {
                    Ok(tapped) => shown.push(Shown::from(tapped)),
                    Err(TryRecvError::Disconnected) if shown.is_empty() => return None,
                    Err(_) => break,
                }
            }
            if !shown.is_empty() {
                return Event::default().event("messages").json_data(&shown).ok();
            }
            tokio::time::sleep(MESSAGE_PERIOD).await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.gate().close_stream(&self.session);
    }
}

pub async fn tap(
    State(shared): State<Arc<Shared>>,
    Session(session): Session,
    query: Result<Query<TapQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(TapQuery { app, from, path }) = query?;
    short([&app, &from, &path])?;
    let Some(receiver) = shared.source.tap(&app, &from, &path) else {
        let says = format!("`{from}` in `{app}` has no path `{path}`");
        return Err(Refused(StatusCode::NOT_FOUND, Refusal::new("not-found", says)));
    };
    opened(&shared, &session)?;
    let events = stream::unfold(Watch { shared, session, receiver }, |mut watch| async {
        let event = watch.event().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_between_letters() {
        for letters in TAP_BYTES_SHOWN - 4..TAP_BYTES_SHOWN + 4 {
            let body = format!("{}é€😀", "a".repeat(letters)).into_bytes();
            let bytes = body.len();
            let tapped = Tapped { missed: 0, is_answer: false, id: 1, from: "a#1".into(), time: 0, body };
            let shown = Shown::from(tapped);
            assert_eq!(shown.bytes, bytes);
            assert!(matches!(shown.body, Body::Text(text) if text.len() <= TAP_BYTES_SHOWN), "{letters}");
        }
    }
}

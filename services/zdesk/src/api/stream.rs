//! What a page is told as it happens: changes of the state, and news for its frames.

use super::{Refused, Session, internal, short};
use crate::flat::Flat;
use crate::limits::STATE_PERIOD;
use crate::server::Shared;
use crate::view::Refusal;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

/// A change that changes nothing.
const NOTHING: &str = r#"{"set":{},"gone":[]}"#;

#[derive(Deserialize)]
pub struct StreamQuery {
    page: String,
}

struct Watch {
    shared: Arc<Shared>,
    session: String,
    page: String,
    said: Arc<Flat>,
    next: Instant,
    waiting: VecDeque<Event>,
}

impl Watch {
    async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let now = Instant::now();
            if now >= self.next {
                self.next = now + STATE_PERIOD;
                self.state().ok()?;
            }
            let news = {
                let mut broker = self.shared.broker();
                broker.look(&self.session, &self.page, now);
                broker.pump(&*self.shared.source, now);
                broker.collect(&self.session, &self.page)
            };
            if !news.is_empty() {
                self.waiting.push_back(Event::default().event("ui").json_data(&news).ok()?);
            }
            if self.waiting.is_empty() {
                let period = self.shared.broker().period(&self.session, &self.page);
                tokio::time::sleep(period).await;
            }
        }
    }

    fn state(&mut self) -> Result<(), serde_json::Error> {
        let state = self.shared.state()?;
        if let Some(delta) = state.since(&self.said)? {
            self.waiting.push_back(Event::default().event("state").data(delta));
        }
        self.said = state;
        Ok(())
    }

    /// Says all of it, also where there is nothing: what the page knew before is void then.
    fn begin(&mut self) -> Result<(), serde_json::Error> {
        self.waiting.push_back(Event::default().event("begin").data("{}"));
        self.state()?;
        if self.waiting.len() == 1 {
            self.waiting.push_back(Event::default().event("state").data(NOTHING));
        }
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.gate().close_stream(&self.session);
    }
}

pub async fn stream(
    State(shared): State<Arc<Shared>>,
    Session(session): Session,
    query: Result<Query<StreamQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(StreamQuery { page }) = query?;
    short([&page])?;
    opened(&shared, &session)?;
    let said = Arc::default();
    let mut watch = Watch { shared, session, page, said, next: Instant::now(), waiting: VecDeque::new() };
    watch.begin().map_err(internal)?;
    let events = stream::unfold(watch, |mut watch| async {
        let event = watch.event().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// Counts one more stream.
pub fn opened(shared: &Shared, session: &str) -> Result<(), Refused> {
    if shared.gate().open_stream(session) {
        return Ok(());
    }
    let says = "too many pages are open; close some";
    Err(Refused(StatusCode::TOO_MANY_REQUESTS, Refusal::new("quota", says)))
}

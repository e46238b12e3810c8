//! The routes of the server.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::answer::{Answer, Asked};
use crate::guard::{Access, guard, protected};
use crate::limits::Limits;
use crate::prometheus;
use crate::question::{Question, checked_key, segment, stream_name};
use crate::refusal::Refusal;
use crate::served::{ServedStream, list};
use crate::state::Ask;
use crate::telemetry::Telemetry;
use crate::unread::Unread;

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) streams: Arc<[ServedStream]>,
    pub(crate) limits: Limits,
    /// A permit for each request that is being answered, even when its client has gone.
    pub(crate) questions: Arc<Semaphore>,
    pub(crate) unread: Unread,
}

/// All routes.
pub(crate) fn router(site: Site, access: Access) -> Router {
    Router::new()
        .route(
            "/",
            get(|| file("text/html; charset=utf-8", include_str!("page/page.html"))),
        )
        .route(
            "/page.js",
            get(|| file("text/javascript", include_str!("page/page.js"))),
        )
        .route("/page.css", get(|| file("text/css", Telemetry::STYLE)))
        .route("/metrics", get(metrics))
        .route("/streams", get(streams))
        .route("/streams/{name}/charts", get(charts))
        .route("/streams/{name}/state", get(state))
        .route("/streams/{name}/state/{key}", get(state_in_path))
        .route("/streams/{name}/top", get(top))
        .route("/streams/{name}/sample", get(sample))
        .fallback(|| async { Refusal::no_such_page() })
        .layer(from_fn_with_state(access, guard))
        .with_state(site)
}

/// The answer of a server at its limit.
pub(crate) fn full() -> Router {
    Router::new()
        .fallback(|| async { ([(header::CONNECTION, "close")], Refusal::busy()) })
        .layer(map_response(protected))
}

async fn file(kind: &'static str, content: &'static str) -> Response {
    typed(kind, Bytes::from_static(content.as_bytes()))
}

fn typed(kind: &'static str, content: Bytes) -> Response {
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
        content,
    )
        .into_response()
}

async fn metrics(State(site): State<Site>) -> Response {
    let text = prometheus::exposition(&site.streams);
    site.send("text/plain; version=0.0.4; charset=utf-8", Ok(text.into()))
}

async fn streams(State(site): State<Site>, uri: Uri) -> Response {
    let answer = || {
        site.question(&uri, &[])?;
        list(&site.streams, site.limits.answer_bytes)
    };
    site.send_json(answer())
}

async fn charts(State(site): State<Site>, uri: Uri) -> Response {
    let answer = || {
        site.question(&uri, &[])?;
        let stream = site.stream(&stream_name(&uri)?)?;
        stream.charts(site.limits.answer_bytes)
    };
    site.send_json(answer())
}

async fn state(State(site): State<Site>, uri: Uri) -> Response {
    let question = site.question(&uri, &["of", "key"]);
    let question = question.and_then(|question| match question.key {
        Some(_) => Ok(question),
        None => Err(Refusal::no_key()),
    });
    site.respond(&uri, question, |_| true, state_of_key).await
}

async fn state_in_path(State(site): State<Site>, uri: Uri) -> Response {
    let question = site.question(&uri, &["of"]).and_then(|question| {
        let key = Some(checked_key(segment(&uri, 4))?);
        Ok(Question { key, ..question })
    });
    site.respond(&uri, question, |_| true, state_of_key).await
}

fn state_of_key(state: &dyn Ask, asked: &Asked<'_>, question: &Question) -> Answer {
    state.state(asked, question.key.as_deref().unwrap_or_default())
}

async fn top(State(site): State<Site>, uri: Uri) -> Response {
    let question = site.question(&uri, &["of", "n"]);
    let ask = |state: &dyn Ask, asked: &Asked<'_>, it: &Question| state.top(asked, it.n);
    site.respond(&uri, question, |state| state.ranks(), ask)
        .await
}

async fn sample(State(site): State<Site>, uri: Uri) -> Response {
    let question = site.question(&uri, &["of", "n", "key"]);
    let ask = |state: &dyn Ask, asked: &Asked<'_>, it: &Question| {
        state.sample(asked, it.key.as_deref(), it.n)
    };
    site.respond(&uri, question, |state| state.draws(), ask)
        .await
}

impl Site {
    fn stream(&self, name: &str) -> Result<&ServedStream, Refusal> {
        let mut streams = self.streams.iter();
        let found = streams.find(|stream| stream.name() == name);
        found.ok_or_else(Refusal::no_such_stream)
    }

    fn question(&self, uri: &Uri, known: &[&str]) -> Result<Question, Refusal> {
        Question::new(uri, known, self.limits.rows)
    }

    /// An answer or a refusal as a response.
    fn send(&self, kind: &'static str, answer: Answer) -> Response {
        match answer.and_then(|answer| self.unread.hold(answer)) {
            Ok(content) => typed(kind, content),
            Err(refusal) => refusal.into_response(),
        }
    }

    fn send_json(&self, answer: Answer) -> Response {
        self.send("application/json", answer)
    }

    /// Answers a question about the state of the stream in the path.
    async fn respond(
        self,
        uri: &Uri,
        question: Result<Question, Refusal>,
        can_answer: impl Fn(&dyn Ask) -> bool + Send + 'static,
        ask: impl Fn(&dyn Ask, &Asked<'_>, &Question) -> Answer + Send + 'static,
    ) -> Response {
        let answer = match stream_name(uri).and_then(|name| Ok((name, question?))) {
            Ok((name, question)) => self.ask(name, question, can_answer, ask).await,
            Err(refusal) => Err(refusal),
        };
        self.send_json(answer)
    }

    /// Queries the state of a stream on a thread of its own, since it may have to wait for the end
    /// of a batch.
    async fn ask(
        &self,
        name: String,
        question: Question,
        can_answer: impl Fn(&dyn Ask) -> bool + Send + 'static,
        ask: impl Fn(&dyn Ask, &Asked<'_>, &Question) -> Answer + Send + 'static,
    ) -> Answer {
        let permit = Arc::clone(&self.questions).try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::busy())?;
        let (site, (reply, found)) = (self.clone(), oneshot::channel());
        spawn_blocking(move || {
            let _held = permit;
            // Whoever asked may have left or given up while others were answered.
            if !reply.is_closed() {
                let answer = site.find(&name, &question, can_answer, ask);
                let _ = reply.send(answer);
            }
        });
        match timeout(self.limits.patience, found).await {
            Err(_) => Err(Refusal::late()),
            Ok(Err(_)) => Err(Refusal::failed("the state could not be read")),
            Ok(Ok(answer)) => answer,
        }
    }

    fn find(
        &self,
        name: &str,
        question: &Question,
        can_answer: impl Fn(&dyn Ask) -> bool,
        ask: impl Fn(&dyn Ask, &Asked<'_>, &Question) -> Answer,
    ) -> Answer {
        let (of, key) = (question.of.as_deref(), question.key.as_deref());
        let (state_name, state) = self.stream(name)?.choose(of, key, can_answer)?;
        let asked = Asked {
            stream: name,
            state: state_name,
            bytes: self.limits.answer_bytes,
        };
        ask(state, &asked, question)
    }
}

//! The routes of the server.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::answer::{Answer, Asked};
use crate::guard::{Access, guard};
use crate::limits::Limits;
use crate::prometheus;
use crate::refusal::Refusal;
use crate::served::{ServedStream, list};
use crate::state::Ask;
use crate::telemetry::Telemetry;

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) streams: Arc<[ServedStream]>,
    pub(crate) limits: Limits,
    /// A permit for each request that is being answered, even when its client has gone.
    pub(crate) questions: Arc<Semaphore>,
}

type Parameters = Result<Query<HashMap<String, String>>, axum::extract::rejection::QueryRejection>;

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
        .route("/streams/{name}/state/{key}", get(state))
        .route("/streams/{name}/top", get(top))
        .route("/streams/{name}/sample", get(sample))
        .fallback(|| async { Refusal::no_such_page() })
        .layer(from_fn_with_state(access, guard))
        .with_state(site)
}

/// The answer of a server at its limit.
pub(crate) fn full() -> Router {
    Router::new().fallback(|| async { ([(header::CONNECTION, "close")], Refusal::busy()) })
}

async fn file(kind: &'static str, content: &'static str) -> Response {
    typed(kind, content.into())
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
    typed("text/plain; version=0.0.4; charset=utf-8", text.into())
}

async fn streams(State(site): State<Site>) -> Response {
    to_response(list(&site.streams, site.limits.answer_bytes))
}

async fn charts(State(site): State<Site>, path: Result<Path<String>, PathRejection>) -> Response {
    let answer = || {
        let Path(name) = path.map_err(|_| Refusal::bad_path())?;
        site.stream(&name)?.charts(site.limits.answer_bytes)
    };
    to_response(answer())
}

async fn state(
    State(site): State<Site>,
    path: Result<Path<(String, String)>, PathRejection>,
    parameters: Parameters,
) -> Response {
    let answer = async {
        let Path((name, key)) = path.map_err(|_| Refusal::bad_path())?;
        let question = Question::new(&site, parameters, &["of"])?;
        check_key(&key)?;
        let any = |_: &dyn Ask| true;
        site.ask(name, question, any, move |state, asked, _| {
            state.state(asked, &key)
        })
        .await
    };
    to_response(answer.await)
}

async fn top(
    State(site): State<Site>,
    path: Result<Path<String>, PathRejection>,
    parameters: Parameters,
) -> Response {
    let ranks = |state: &dyn Ask| state.ranks();
    let ask = |state: &dyn Ask, asked: &Asked<'_>, it: &Question| state.top(asked, it.n);
    site.respond(path, parameters, &["of", "n"], ranks, ask)
        .await
}

async fn sample(
    State(site): State<Site>,
    path: Result<Path<String>, PathRejection>,
    parameters: Parameters,
) -> Response {
    let draws = |state: &dyn Ask| state.draws();
    let ask = |state: &dyn Ask, asked: &Asked<'_>, it: &Question| {
        state.sample(asked, it.key.as_deref(), it.n)
    };
    site.respond(path, parameters, &["of", "n", "key"], draws, ask)
        .await
}

fn to_response(answer: Answer) -> Response {
    match answer {
        Ok(json) => typed("application/json", json),
        Err(refusal) => refusal.into_response(),
    }
}

fn check_key(key: &str) -> Result<(), Refusal> {
    match key.len() > Limits::KEY_BYTES {
        true => Err(Refusal::long_key(Limits::KEY_BYTES)),
        false => Ok(()),
    }
}

/// The query parameters.
struct Question {
    /// The name of the state.
    of: Option<String>,
    n: usize,
    key: Option<String>,
}

impl Question {
    fn new(site: &Site, parameters: Parameters, known: &[&str]) -> Result<Self, Refusal> {
        let Query(mut given) = parameters.map_err(|_| Refusal::bad_query())?;
        if given.keys().any(|name| !known.contains(&name.as_str())) {
            return Err(Refusal::bad_query());
        }
        let most = site.limits.rows;
        let n = match given.get("n") {
            None => Limits::USUAL_ROWS.min(most),
            Some(text) => text.parse().map_err(|_| Refusal::bad_number(most))?,
        };
        if n > most {
            return Err(Refusal::bad_number(most));
        }
        let (of, key) = (given.remove("of"), given.remove("key"));
        key.as_deref().map_or(Ok(()), check_key)?;
        Ok(Self { of, n, key })
    }
}

impl Site {
    fn stream(&self, name: &str) -> Result<&ServedStream, Refusal> {
        let mut streams = self.streams.iter();
        let found = streams.find(|stream| stream.name() == name);
        found.ok_or_else(Refusal::no_such_stream)
    }

    /// Answers a request for a whole state of the stream in the path.
    async fn respond(
        self,
        path: Result<Path<String>, PathRejection>,
        parameters: Parameters,
        known: &[&str],
        can_answer: impl Fn(&dyn Ask) -> bool + Send + 'static,
        ask: impl Fn(&dyn Ask, &Asked<'_>, &Question) -> Answer + Send + 'static,
    ) -> Response {
        let answer = async {
            let Path(name) = path.map_err(|_| Refusal::bad_path())?;
            let question = Question::new(&self, parameters, known)?;
            self.ask(name, question, can_answer, ask).await
        };
        to_response(answer.await)
    }

    /// Queries the state of a stream on a thread of its own, since it may have to wait for the end
    /// of a batch.
    async fn ask(
        self,
        name: String,
        question: Question,
        can_answer: impl Fn(&dyn Ask) -> bool + Send + 'static,
        ask: impl Fn(&dyn Ask, &Asked<'_>, &Question) -> Answer + Send + 'static,
    ) -> Answer {
        let permit = Arc::clone(&self.questions).try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::busy())?;
        let patience = self.limits.patience;
        let found = spawn_blocking(move || {
            let _held = permit;
            let stream = self.stream(&name)?;
            let (state_name, state) = stream.choose(question.of.as_deref(), can_answer)?;
            let asked = Asked {
                stream: &name,
                state: state_name,
                bytes: self.limits.answer_bytes,
            };
            ask(state, &asked, &question)
        });
        match timeout(patience, found).await {
            Err(_) => Err(Refusal::late()),
            Ok(Err(_)) => Err(Refusal::failed("the state could not be read")),
            Ok(Ok(answer)) => answer,
        }
    }
}

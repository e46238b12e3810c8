//! Refusals, as typed JSON.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The answer to a request that is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// For programs; never changes.
    code: &'static str,
    /// For people.
    message: String,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    message: &'a str,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl ToString) -> Self {
        Self {
            status,
            code,
            message: message.to_string(),
        }
    }

    pub(crate) fn no_such_page() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_page",
            "there is nothing at this path",
        )
    }

    pub(crate) fn no_such_stream() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_stream",
            "no stream has this name",
        )
    }

    /// `able` are the names of the states that could answer.
    pub(crate) fn no_such_state<'a>(able: impl Iterator<Item = &'a str>) -> Self {
        let able = list(able);
        let message = format!("no such state can answer this question; those that can: {able}");
        Self::new(StatusCode::NOT_FOUND, "no_such_state", message)
    }

    pub(crate) fn which_state<'a>(states: impl Iterator<Item = &'a str>) -> Self {
        let states = list(states);
        let message = format!("several states have such keys, name one with of=: {states}");
        Self::new(StatusCode::BAD_REQUEST, "which_state", message)
    }

    pub(crate) fn no_such_keys<'a>(states: impl Iterator<Item = &'a str>) -> Self {
        let message = format!("no state has such keys; there are: {}", list(states));
        Self::new(StatusCode::BAD_REQUEST, "bad_key", message)
    }

    pub(crate) fn no_key() -> Self {
        let message = "the parameter key is missing";
        Self::new(StatusCode::BAD_REQUEST, "bad_query", message)
    }

    pub(crate) fn bad_host() -> Self {
        let message = "a request has one Host header, with a host and perhaps a port";
        Self::new(StatusCode::BAD_REQUEST, "bad_host", message)
    }

    pub(crate) fn foreign_page() -> Self {
        let message = "without a token, pages of other sites may not ask";
        Self::new(StatusCode::FORBIDDEN, "foreign_page", message)
    }

    pub(crate) fn no_such_key() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_such_key", "the key has no state")
    }

    pub(crate) fn bad_key() -> Self {
        let message = "the text is not a key of this state";
        Self::new(StatusCode::BAD_REQUEST, "bad_key", message)
    }

    pub(crate) fn long_key(limit: usize) -> Self {
        let message = format!("a key has at most {limit} bytes");
        Self::new(StatusCode::BAD_REQUEST, "long_key", message)
    }

    pub(crate) fn bad_path() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad_path",
            "the path is not text in UTF-8",
        )
    }

    pub(crate) fn bad_query() -> Self {
        let message = "unknown, repeated or undecodable query parameter";
        Self::new(StatusCode::BAD_REQUEST, "bad_query", message)
    }

    pub(crate) fn bad_number(limit: usize) -> Self {
        let message = format!("n is a whole number from 0 to {limit}");
        Self::new(StatusCode::BAD_REQUEST, "bad_number", message)
    }

    pub(crate) fn unauthorized() -> Self {
        let message = "missing or wrong bearer token";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(crate) fn method() -> Self {
        let message = "only GET and HEAD are allowed";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        )
    }

    pub(crate) fn long_uri(limit: usize) -> Self {
        let message = format!("a path with its query has at most {limit} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "long_uri", message)
    }

    pub(crate) fn foreign_host() -> Self {
        let message = "without a token, the host must be an IP address or localhost";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", message)
    }

    pub(crate) fn busy() -> Self {
        let message = "too many connections or requests at once";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    pub(crate) fn late() -> Self {
        let message = "the answer took too long";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "late", message)
    }

    pub(crate) fn large_answer(limit: usize) -> Self {
        let message = format!("the answer would have more than {limit} bytes");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "large_answer", message)
    }

    pub(crate) fn failed(message: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message)
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    match names.is_empty() {
        true => "none".into(),
        false => names.join(", "),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self {
            status,
            code,
            message,
        } = self;
        let told = Told {
            code,
            message: &message,
        };
        let body = serde_json::to_string(&Body { error: told });
        let body = body.expect("texts become JSON");
        let json = HeaderValue::from_static("application/json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

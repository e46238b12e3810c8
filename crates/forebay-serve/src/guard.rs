//! Checks of every request, and headers of every answer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::limits::Limits;
use crate::refusal::Refusal;

/// Who may send requests.
#[derive(Clone)]
pub(crate) enum Access {
    /// Anyone who knows this token; the page itself, which shows nothing without it, is public.
    Token(Arc<str>),
    /// Anyone who reaches the loopback under its own name. Without the check of the name any page
    /// in a browser could send requests through a DNS name of its own that points there.
    Loopback,
    /// Anyone who reaches the address.
    Everybody,
}

/// The paths that reveal nothing about any stream.
pub(crate) const PUBLIC: [&str; 3] = ["/", "/page.js", "/page.css"];

/// Checks a request, and adds the security headers to its answer.
pub(crate) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let mut response = match check(&request, &access) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    protect(response.headers_mut());
    response
}

fn check(request: &Request, access: &Access) -> Result<(), Refusal> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::method());
    }
    let uri = request.uri();
    let length = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if length > Limits::URI_BYTES {
        return Err(Refusal::long_uri(Limits::URI_BYTES));
    }
    match access {
        Access::Everybody => Ok(()),
        Access::Loopback if is_own_host(request) => Ok(()),
        Access::Loopback => Err(Refusal::foreign_host()),
        Access::Token(_) if PUBLIC.contains(&uri.path()) => Ok(()),
        Access::Token(token) if holds(request.headers(), token) => Ok(()),
        Access::Token(_) => Err(Refusal::unauthorized()),
    }
}

/// Whether the request bears the token. How long that takes depends on the lengths alone.
fn holds(headers: &HeaderMap, token: &str) -> bool {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return false;
    };
    let Some((scheme, given)) = given.as_bytes().split_at_checked("Bearer ".len()) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(b"Bearer ") && given.ct_eq(token.as_bytes()).into()
}

fn is_own_host(request: &Request) -> bool {
    let named = request.headers().get(header::HOST);
    let named = named.and_then(|host| host.to_str().ok());
    let Some(host) = request.uri().host().or(named) else {
        return false;
    };
    let authority: Option<axum::http::uri::Authority> = host.parse().ok();
    authority.is_some_and(|it| is_local_name(it.host()))
}

fn is_local_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

fn protect(headers: &mut HeaderMap) {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                          connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                          form-action 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Why a text cannot be a token in a header.
pub(crate) fn check_token(token: String) -> Option<Arc<str>> {
    let is_visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    (is_visible && !token.is_empty()).then(|| token.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_own_names() {
        for host in ["localhost", "LocalHost", "127.0.0.1", "[::1]", "10.0.0.7"] {
            assert!(is_local_name(host), "{host}");
        }
        for host in [
            "localhost.evil.example",
            "evil.example",
            "",
            "127.0.0.1.evil",
        ] {
            assert!(!is_local_name(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_one_visible_word() {
        assert!(check_token("s3cret-~".into()).is_some());
        for token in ["", "two words", "tab\t", "ümlaut", "line\n"] {
            assert!(check_token(token.into()).is_none(), "{token:?}");
        }
    }
}

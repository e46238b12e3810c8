//! Checks of every request, and headers of every answer.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
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
    /// Anyone who reaches the address, by any name.
    Everyone,
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

/// Adds the security headers to an answer that was given without a check.
pub(crate) async fn protected(mut response: Response) -> Response {
    protect(response.headers_mut());
    response
}

fn check(request: &Request, access: &Access) -> Result<(), Refusal> {
    let host = named_host(request)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::method());
    }
    let uri = request.uri();
    let length = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if length > Limits::URI_BYTES {
        return Err(Refusal::long_uri(Limits::URI_BYTES));
    }
    match access {
        Access::Loopback if !is_local_name(&host) => Err(Refusal::foreign_host()),
        Access::Loopback | Access::Everyone if is_of_foreign_page(request.headers()) => {
            Err(Refusal::foreign_page())
        }
        Access::Loopback | Access::Everyone => Ok(()),
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

/// The host that a request names: in its target or, as usual, in its only Host header. Empty if
/// it names none.
fn named_host(request: &Request) -> Result<String, Refusal> {
    let mut given = request.headers().get_all(header::HOST).iter();
    let named = match (given.next(), given.next()) {
        (Some(host), None) => host_of(host).ok_or_else(Refusal::bad_host)?,
        (None, _) if request.version() < Version::HTTP_11 => String::new(),
        _ => return Err(Refusal::bad_host()),
    };
    Ok(request.uri().host().map_or(named, Into::into))
}

/// The host in a Host header, without the port; `None` if it is not valid.
fn host_of(header: &HeaderValue) -> Option<String> {
    let text = header.to_str().ok()?;
    if text.is_empty() {
        return Some(String::new());
    }
    let authority: Authority = text.parse().ok()?;
    let port = text.strip_prefix(authority.host())?;
    let is_valid = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    is_valid.then(|| authority.host().to_owned())
}

fn is_local_name(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match bare {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.eq_ignore_ascii_case("localhost") || host.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Whether a browser says that a page of another site asks, other than by a link to follow.
fn is_of_foreign_page(headers: &HeaderMap) -> bool {
    let says = |name, values: &[&str]| {
        let said = headers.get(name).and_then(|said| said.to_str().ok());
        said.is_some_and(|said| values.contains(&said))
    };
    says("sec-fetch-site", &["cross-site", "same-site"]) && !says("sec-fetch-mode", &["navigate"])
}

fn protect(headers: &mut HeaderMap) {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                          connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                          form-action 'none'; frame-ancestors 'none'";
    const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
        HeaderName::from_static("cross-origin-resource-policy");
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The token, if it can be one in a header.
pub(crate) fn check_token(token: &str) -> Option<Arc<str>> {
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
            "::1",
            "[127.0.0.1]",
            "[[::1]]",
        ] {
            assert!(!is_local_name(host), "{host}");
        }
    }

    #[test]
    fn a_host_has_a_name_and_perhaps_a_port() {
        for (header, host) in [
            ("localhost", "localhost"),
            ("localhost:", "localhost"),
            ("LocalHost:80", "LocalHost"),
            ("[::1]:8080", "[::1]"),
            ("", ""),
        ] {
            let header = HeaderValue::from_static(header);
            assert_eq!(host_of(&header).as_deref(), Some(host));
        }
        for header in [
            "evil@localhost",
            "localhost:80@evil.example",
            "localhost:8o",
            "localhost/",
            "localhost evil.example",
            "localhost, evil.example",
            "a:b:c",
        ] {
            let header = HeaderValue::from_static(header);
            assert_eq!(host_of(&header), None, "{header:?}");
        }
    }

    #[test]
    fn a_token_is_one_visible_word() {
        assert!(check_token("s3cret-~").is_some());
        for token in ["", "two words", "tab\t", "ümlaut", "line\n"] {
            assert!(check_token(token).is_none(), "{token:?}");
        }
    }
}

//! Parsers for the values of options.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::error::Error;

/// The length of a window in panes. The window is given as a number of panes or, if `each` is the
/// length of a pane, as a multiple of that.
pub(super) fn panes(window: Option<&str>, each: Option<Duration>) -> Result<Option<usize>, Error> {
    let Some(window) = window else {
        return Ok(None);
    };
    let panes = match each {
        None => at_least_one(window)
            .map(NonZeroUsize::get)
            .map_err(str::to_owned),
        Some(each) => panes_of(window, each),
    };
    panes
        .map(Some)
        .map_err(|reason| Error::Usage(format!("--window {window}: {reason}")))
}

fn panes_of(window: &str, each: Duration) -> Result<usize, String> {
    let (window, millis) = (interval(window)?.as_millis(), each.as_millis());
    if window % millis != 0 {
        let each = humantime::format_duration(each);
        return Err(format!("must be a multiple of {each}"));
    }
    usize::try_from(window / millis).map_err(|_| "is too long".to_owned())
}

pub(super) fn at_least_one(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse()
        .map_err(|_| "must be a whole number, 1 or more")
}

/// A number of counters that a summary can have.
pub(super) fn counters(text: &str) -> Result<NonZeroUsize, &'static str> {
    at_most(text, 1 << 30).ok_or("must be a whole number from 1 to 1073741824")
}

/// A number of threads, or of partitions.
pub(super) fn parts(text: &str) -> Result<NonZeroUsize, &'static str> {
    at_most(text, 1 << 16).ok_or("must be a whole number from 1 to 65536")
}

fn at_most(text: &str, most: usize) -> Option<NonZeroUsize> {
    at_least_one(text)
        .ok()
        .filter(|number| number.get() <= most)
}

pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let port = text
        .parse()
        .map(|port: u16| (Ipv4Addr::LOCALHOST, port).into());
    port.or_else(|_| text.parse()).map_err(
        |_| "must be a port, or an address with a port, for example 8080 or 127.0.0.1:8080",
    )
}

/// So long that nobody waits for it, and so short that it can be added to any time.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

pub(super) fn interval(text: &str) -> Result<Duration, &'static str> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "must be a duration, for example 500ms, 2s or 1m")?;
    if duration.is_zero() || duration.subsec_nanos() % 1_000_000 != 0 {
        return Err("must be a whole number of milliseconds, 1 or more");
    }
    if duration > LONGEST {
        return Err("must be at most 100 years");
    }
    Ok(duration)
}

pub(super) fn delimiter(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("must not be empty"),
        r"\t" => Ok("\t".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

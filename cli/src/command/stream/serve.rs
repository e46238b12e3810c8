//! The HTTP server while the stream runs.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use forebay_serve::{ServeError, ServedStream, Server};

use crate::error::Error;
use crate::file::{open_regular, read_at_most};
use crate::output::message::say;

/// Starts the server and prints its address.
///
/// # Errors
///
/// If the token is not valid, or the server cannot listen at the address.
pub(crate) fn start(
    address: SocketAddr,
    token: Option<String>,
    stream: ServedStream,
) -> Result<Server, Error> {
    let mut builder = Server::builder().bind(address).stream(stream);
    if let Some(token) = token {
        builder = builder.token(token);
    }
    let server = builder.start().map_err(|error| match error {
        ServeError::Token => Error::Usage(format!("--serve-token-file: {error}")),
        other => Error::stream(other),
    })?;
    say(format_args!("serving at http://{}/", server.local_addr()));
    Ok(server)
}

/// The token in a file, without its line end. It is not an argument, since all users of a machine
/// can see the arguments of a program.
///
/// # Errors
///
/// If it cannot be read, or is no regular file or a large one: not the file that was meant.
pub(crate) fn token(path: &Path) -> Result<String, Error> {
    const LARGEST: u64 = 4 << 10;
    let read = || {
        let bytes = read_at_most(open_regular(path)?, LARGEST)?;
        String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
    };
    let text = read().map_err(|cause| Error::Read {
        name: path.display().to_string().into(),
        cause,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

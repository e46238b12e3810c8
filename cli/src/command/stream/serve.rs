//! The HTTP server while the stream runs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use forebay_serve::{ServeError, ServedStream, Server};

use crate::error::Error;
use crate::output::message::say;

/// Starts the server and prints its address.
///
/// # Errors
///
/// If the token cannot be read or is not valid, or the server cannot listen at the address.
pub(crate) fn start(
    address: SocketAddr,
    token_file: Option<&Path>,
    stream: ServedStream,
) -> Result<Server, Error> {
    let mut builder = Server::builder().bind(address).stream(stream);
    if let Some(path) = token_file {
        builder = builder.token(token(path)?);
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
fn token(path: &Path) -> Result<String, Error> {
    let text = fs::read_to_string(path).map_err(|cause| Error::Read {
        name: path.display().to_string().into(),
        cause,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

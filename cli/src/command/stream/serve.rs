//! Answers over HTTP while the stream runs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use forebay_serve::{ServeError, ServedStream, Server};

use crate::error::Error;
use crate::output::message::say;

/// Starts to answer at an address, and says so.
///
/// # Errors
///
/// If the token cannot be read or is none, or the address cannot be listened at.
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

/// The token in a file, without the end of its line. It is no argument, since those of a program
/// are seen by all users of the machine.
fn token(path: &Path) -> Result<String, Error> {
    let text = fs::read_to_string(path).map_err(|cause| Error::Read {
        name: path.display().to_string().into(),
        cause,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

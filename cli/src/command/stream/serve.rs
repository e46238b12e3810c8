//! The HTTP server while the stream runs.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use forebay_serve::{ServeError, ServedStream, Server, ServerBuilder};

use crate::args::StreamArgs;
use crate::error::Error;
use crate::file::{open_regular, read_at_most};
use crate::output::message::say;

/// The settings of the server.
///
/// # Errors
///
/// If the token cannot be read or is not valid, or there is none where one is needed.
pub(crate) fn settings(address: SocketAddr, args: &StreamArgs) -> Result<ServerBuilder, Error> {
    let mut builder = Server::builder().bind(address);
    if let Some(path) = &args.serve_token_file {
        builder = builder.token(token(path)?);
    }
    if args.serve_open {
        builder = builder.open_to_everyone();
    }
    match builder.check() {
        Ok(()) => Ok(builder),
        Err(ServeError::Open(_)) => Err(Error::Usage(format!(
            "--serve {address}: anyone who reaches it could read everything; require a token with \
             --serve-token-file, or allow it with --serve-open"
        ))),
        Err(error) => Err(Error::Usage(format!("--serve-token-file: {error}"))),
    }
}

/// Starts the server and prints its address.
///
/// # Errors
///
/// If the server cannot listen at the address.
pub(crate) fn start(settings: ServerBuilder, stream: ServedStream) -> Result<Server, Error> {
    let server = settings.stream(stream).start().map_err(Error::stream)?;
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

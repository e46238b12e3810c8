//! Why a server could not start.

use std::error::Error;
use std::net::SocketAddr;
use std::{fmt, io};

/// Why a server could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The server cannot listen at the address: it may be in use.
    Address(SocketAddr, io::Error),
    /// The token is empty, or has characters that are not visible ASCII.
    Token,
    /// Anyone who reaches the address could ask: it is beyond the loopback, there is no token, and
    /// [`open_to_everyone`](crate::ServerBuilder::open_to_everyone) was not called.
    Open(SocketAddr),
    /// Two streams, or two states or two receivers of a stream, have this name.
    Name(String),
    /// No path leads to a stream of this name: "", "." or "..".
    StreamName(String),
    /// A limit is zero.
    Limit,
    /// The thread of the server could not be started.
    Thread(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address, cause) => write!(f, "cannot listen at {address}: {cause}"),
            Self::Token => f.write_str("the token is not one word of visible ASCII characters"),
            Self::Open(address) => write!(
                f,
                "without a token, anyone who reaches {address} could read everything"
            ),
            Self::Name(name) => write!(f, "two streams, states or receivers are named {name}"),
            Self::StreamName(name) => write!(f, "no path leads to a stream named {name:?}"),
            Self::Limit => f.write_str("a limit of the server is zero"),
            Self::Thread(cause) => write!(f, "cannot start the thread of the server: {cause}"),
        }
    }
}

impl Error for ServeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(_, cause) | Self::Thread(cause) => Some(cause),
            _ => None,
        }
    }
}

//! The server: connected, or on its way back.

use std::convert::Infallible;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;
use std::{fmt, mem, thread};

use redis::{Client, Connection, FromRedisValue, IntoConnectionInfo, RedisError};

/// How long to wait for an answer, unless a test says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first and the longest pause between two attempts to reach a server that was absent.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// A text is not the address of a Redis server, such as `redis://127.0.0.1/`.
#[derive(Clone, Debug)]
pub struct AddressError(RedisError);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not the address of a redis server: {}", self.0)
    }
}

impl std::error::Error for AddressError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// A server.
pub(crate) struct Server {
    client: Client,
    /// How long to wait for an answer.
    patience: Duration,
    link: Link,
}

/// How a server can be used.
enum Link {
    /// The next use connects.
    None,
    Connected(Connection),
    /// It was absent, and a thread waits for it.
    Lost(Return),
}

impl Server {
    /// The server of this address, to which the first use connects.
    pub(crate) fn new(address: &str) -> Result<Self, AddressError> {
        let info = address.into_connection_info().map_err(AddressError)?;
        // The name of this library tells the server nothing, and its answer would be waited for.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let client = Client::open(info.set_redis_settings(settings)).map_err(AddressError)?;
        Ok(Self {
            client,
            patience: PATIENCE,
            link: Link::None,
        })
    }

    #[cfg(test)]
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.link, Link::Connected(_))
    }

    /// The answer to a command; `None` while the server cannot be reached. Only the first command
    /// after it was lost waits.
    pub(crate) fn ask<T: FromRedisValue>(
        &mut self,
        command: &redis::Cmd,
    ) -> Result<Option<T>, RedisError> {
        let answer = self.connection().and_then(|connection| {
            let Some(mut connection) = connection else {
                return Ok(None);
            };
            let answer = command.query(&mut connection)?;
            self.link = Link::Connected(connection);
            Ok(Some(answer))
        });
        match answer {
            Err(error) if is_absence(&error) => {
                // Without a thread the next use connects.
                self.link = Return::of(&self.client, self.patience).map_or(Link::None, Link::Lost);
                Ok(None)
            }
            answer => answer,
        }
    }

    /// Takes the connection, which is to be given back if it is good.
    fn connection(&mut self) -> Result<Option<Connection>, RedisError> {
        match mem::replace(&mut self.link, Link::None) {
            Link::None => connect(&self.client, self.patience).map(Some),
            Link::Connected(connection) => Ok(Some(connection)),
            Link::Lost(awaited) => match awaited.server.try_recv() {
                Ok(connection) => connection.map(Some),
                Err(TryRecvError::Disconnected) => Ok(None),
                Err(TryRecvError::Empty) => {
                    self.link = Link::Lost(awaited);
                    Ok(None)
                }
            },
        }
    }
}

/// The return of a server, which a thread waits for, so that batches do not.
struct Return {
    server: Receiver<Result<Connection, RedisError>>,
    /// When it is dropped, the thread ends.
    _wanted: Sender<Infallible>,
}

impl Return {
    fn of(client: &Client, patience: Duration) -> std::io::Result<Self> {
        let client = client.clone();
        let (found, server) = mpsc::channel();
        let (_wanted, unwanted) = mpsc::channel::<Infallible>();
        let named = thread::Builder::new().name("forebay-redis".into());
        named.spawn(move || {
            let mut pause = PAUSES.0;
            while let Err(RecvTimeoutError::Timeout) = unwanted.recv_timeout(pause) {
                match reach(&client, patience) {
                    Err(error) if is_absence(&error) => pause = (2 * pause).min(PAUSES.1),
                    reached => {
                        // Nobody may want it any more.
                        let _ = found.send(reached);
                        return;
                    }
                }
            }
        })?;
        Ok(Self { server, _wanted })
    }
}

/// A connection to a server that answers.
fn reach(client: &Client, patience: Duration) -> Result<Connection, RedisError> {
    let mut connection = connect(client, patience)?;
    redis::cmd("PING").exec(&mut connection)?;
    Ok(connection)
}

fn connect(client: &Client, patience: Duration) -> Result<Connection, RedisError> {
    let connection = client.get_connection_with_timeout(patience)?;
    connection.set_read_timeout(Some(patience))?;
    connection.set_write_timeout(Some(patience))?;
    Ok(connection)
}

/// Whether the server may be reachable again later.
fn is_absence(error: &RedisError) -> bool {
    // A server that has just started refuses everything until it has read its file.
    let loading = error.code() == Some("LOADING");
    loading || error.is_io_error() || error.is_connection_dropped() || error.is_timeout()
}

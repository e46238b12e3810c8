//! The server: settings, thread, shutdown.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use tokio::runtime;
use tokio::sync::{Semaphore, watch};

use crate::connection::Acceptor;
use crate::error::ServeError;
use crate::guard::{Access, check_token};
use crate::limits::Limits;
use crate::names::twice;
use crate::routes::{Site, full, router};
use crate::served::ServedStream;
use crate::unread::Unread;

/// Answers requests about running streams over HTTP, and changes nothing. Dropping it stops it.
///
/// | path | answer |
/// |---|---|
/// | `/` | a page with charts and heavy hitters that keeps itself up to date |
/// | `/streams` | all streams: batches, items, delays, and what their states can be asked |
/// | `/streams/{name}/state/{key}` | the state of a key; `/streams/{name}/state?key=` for any key |
/// | `/streams/{name}/top?n=` | the heaviest keys or items, with bounds |
/// | `/streams/{name}/sample?key=` | samples of one key or, without one, of the first `n` |
/// | `/streams/{name}/charts` | the charts of the last batches |
/// | `/metrics` | everything that is measured, for Prometheus |
///
/// Answers are JSON except for the page and the metrics; so are refusals, as in
/// `{"error":{"code":"no_such_key","message":"the key has no state"}}`. `of=NAME` selects a state;
/// without it, the only state that has such keys answers. Keys are bytes, written with percent
/// signs. The keys "", "." and ".." have no path of their own, since clients shorten it: they are
/// asked with `?key=`.
///
/// Of a key longer than 1 KiB a row shows the start, and its length as `key_bytes`. An answer that
/// would be too large has fewer rows, and says in `left_out` how many are missing.
///
/// # Guarantee
///
/// Every answer is the state as of one boundary between two batches, whose time is in it. The
/// stream never waits for a request. No request can end the server: what takes too long or is too
/// large is refused or cut off.
///
/// # Memory
///
/// Answers that clients have not read yet take at most 64 MiB together, see
/// [`max_unread`](ServerBuilder::max_unread); what is beyond is refused.
///
/// # Cost
///
/// One thread for all connections, and at most two that answer requests; none of them belongs to
/// the streams.
///
/// # Security
///
/// Without [`bind`](ServerBuilder::bind) only programs on the same machine reach it; pages of other
/// sites, open in a browser there, get no answer. Beyond the loopback it starts only with a
/// [`token`](ServerBuilder::token), or if it is said to be
/// [open to everyone](ServerBuilder::open_to_everyone). There is no encryption: beyond the loopback
/// put a proxy in front of it.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use forebay::stream::StreamingContext;
/// use forebay_serve::{ServedState, ServedStream, Server};
///
/// let ctx = StreamingContext::builder("words").build()?;
/// let counts = ctx
///     .batches([vec!["ebb".to_string(), "flow".to_string(), "ebb".to_string()]])
///     .map(|word| (word, 1u64))
///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
/// let counted = ServedState::new(counts.handle()).counts(|count| *count);
/// let server = Server::builder()
///     .token("open sesame".replace(' ', "-"))
///     .stream(ServedStream::of(&ctx).state("counts", counted))
///     .start()?;
/// ctx.into_driver()?.run_to_end()?;
///
/// let mut client = TcpStream::connect(server.local_addr())?;
/// let request = "GET /streams/words/top?n=1 HTTP/1.0\r\nAuthorization: Bearer open-sesame\r\n\r\n";
/// client.write_all(request.as_bytes())?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.contains(r#""rows":[{"key":"ebb","lower":2,"upper":2,"certain":true}]"#));
/// server.stop();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server {
    address: SocketAddr,
    /// Ends the thread when it is dropped.
    stop: Option<watch::Sender<()>>,
    /// `None` once joined.
    thread: Option<JoinHandle<()>>,
}

/// The settings of a [`Server`].
#[must_use]
pub struct ServerBuilder {
    address: SocketAddr,
    token: Option<String>,
    is_open: bool,
    limits: Limits,
    streams: Vec<ServedStream>,
}

/// Without the token.
impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("address", &self.address)
            .field("has_token", &self.token.is_some())
            .field("is_open", &self.is_open)
            .field("limits", &self.limits)
            .field("streams", &self.streams)
            .finish()
    }
}

impl Server {
    /// A builder for a server on a free port of the loopback, without a token.
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            token: None,
            is_open: false,
            limits: Limits::default(),
            streams: Vec::new(),
        }
    }

    /// The address it listens at, with the actual port.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops and frees the port; requests in progress have a second left.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread reports nothing, and after a panic there is nothing left to end.
            let _ = thread.join();
        }
    }
}

impl ServerBuilder {
    /// Listens at this address; by default at a free port of the loopback. Any other address needs
    /// a [`token`](Self::token), or [`open_to_everyone`](Self::open_to_everyone).
    pub fn bind(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// Answers only requests with this token, in a header `Authorization: Bearer …`. The page
    /// itself is served without one, and asks for it.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Answers everyone who reaches the address, by whatever name, if there is no token. That may
    /// include pages of other sites in the browsers of those who reach it. At the loopback nothing
    /// changes.
    pub fn open_to_everyone(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// Serves a stream; may be called several times.
    pub fn stream(mut self, stream: ServedStream) -> Self {
        self.streams.push(stream);
        self
    }

    /// How many connections are served at a time; 256 by default. A few more get a refusal, the
    /// rest is cut.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// The largest `n` of a request; 1,000 by default.
    pub fn max_rows(mut self, rows: usize) -> Self {
        self.limits.rows = rows;
        self
    }

    /// The largest answer, in bytes; 4 MiB by default.
    pub fn max_answer(mut self, bytes: usize) -> Self {
        self.limits.answer_bytes = bytes;
        self
    }

    /// How many bytes of answers may wait for their clients to read them, all together; 64 MiB by
    /// default, and always enough for one answer. Answers of at most 64 KiB do not count, since
    /// there are no more of them than connections.
    pub fn max_unread(mut self, bytes: usize) -> Self {
        self.limits.unread_bytes = bytes;
        self
    }

    /// How long a client may take to send the head of a request and to read more of an answer, and
    /// how long an answer may take to be found; ten seconds by default, and a day at most.
    pub fn timeout(mut self, patience: Duration) -> Self {
        self.limits.patience = patience.min(Limits::MOST_PATIENCE);
        self
    }

    /// Starts to listen and answer, on a thread of its own.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check); if the server cannot listen at the address, or the operating
    /// system refuses a thread.
    pub fn start(self) -> Result<Server, ServeError> {
        self.check()?;
        let access = self.access()?;
        let bound = |cause| ServeError::Address(self.address, cause);
        let listener = TcpListener::bind(self.address).map_err(bound)?;
        listener.set_nonblocking(true).map_err(bound)?;
        let address = listener.local_addr().map_err(bound)?;
        let site = Site {
            streams: self.streams.into(),
            limits: self.limits,
            questions: Arc::new(Semaphore::new(Limits::QUESTIONS)),
            unread: Unread::new(self.limits.unread_bytes.max(self.limits.answer_bytes)),
        };
        let (stop, stopped) = watch::channel(());
        let acceptor = Acceptor {
            limits: self.limits,
            site: router(site, access),
            full: full(),
            stop: stopped,
        };
        let thread = spawn(listener, acceptor).map_err(ServeError::Thread)?;
        Ok(Server {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Checks the settings, without listening.
    ///
    /// # Errors
    ///
    /// If the token is not one word of visible ASCII, anyone beyond this machine could ask without
    /// one and that is not [said](Self::open_to_everyone) to be wanted, a limit is zero, two streams
    /// have the same name, or two states or two receivers of one, or no path can name a stream.
    pub fn check(&self) -> Result<(), ServeError> {
        self.access()?;
        if self.limits.are_any_zero() {
            return Err(ServeError::Limit);
        }
        let names = self.streams.iter().map(ServedStream::name);
        // Clients shorten paths with these segments.
        let mut shortened = names.clone();
        if let Some(name) = shortened.find(|name| ["", ".", ".."].contains(name)) {
            return Err(ServeError::StreamName(name.into()));
        }
        let within = || self.streams.iter().find_map(ServedStream::twice);
        match twice(names).or_else(within) {
            Some(name) => Err(ServeError::Name(name.into())),
            None => Ok(()),
        }
    }

    /// Who may ask.
    fn access(&self) -> Result<Access, ServeError> {
        match &self.token {
            Some(token) => check_token(token)
                .map(Access::Token)
                .ok_or(ServeError::Token),
            None if self.address.ip().to_canonical().is_loopback() => Ok(Access::Loopback),
            None if self.is_open => Ok(Access::Everyone),
            None => Err(ServeError::Open(self.address)),
        }
    }
}

fn spawn(listener: TcpListener, acceptor: Acceptor) -> io::Result<JoinHandle<()>> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(Limits::THREADS)
        .thread_name("forebay-answer")
        .build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    thread::Builder::new()
        .name("forebay-serve".into())
        .spawn(move || {
            runtime.block_on(acceptor.serve(listener));
            // A request may wait for a batch that never ends.
            runtime.shutdown_timeout(Limits::GRACE);
        })
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

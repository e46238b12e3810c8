//! Lines of text: from a socket, or from any reader.

use std::borrow::Cow;
use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::string::String;
use std::time::{Duration, Instant};
use std::vec::Vec;
use std::{format, mem, thread, vec};

use socket2::{SockRef, TcpKeepalive};

use crate::stream::error::BoxError;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::source::channel::Sender;
use crate::stream::source::receiver::{Receiver, ReceiverStatus};
use crate::stream::source::text;

/// How much is read at once.
const CHUNK: usize = 1 << 16;

/// How long to wait for a silent connection before checking whether the stream has stopped.
const SILENCE: Duration = Duration::from_millis(100);

/// How long a call of a reader that has nothing lasts at least: one that does not wait by itself is
/// not asked more often.
const PAUSE: Duration = Duration::from_millis(20);

/// After how much silence a connection is probed, and how often. The operating system gives up
/// after several probes without an answer, nine on Linux.
const PROBES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(10));

/// Splits bytes that come in pieces into lines, ended by `\n` or `\r\n`; invalid UTF-8 is replaced.
struct LineCutter {
    /// The longest line that is kept, in bytes without its `\n`.
    longest: usize,
    /// The start of a line whose end has not come.
    begun: Vec<u8>,
    /// Whether that line was too long: the rest is dropped, too.
    is_too_long: bool,
    /// How many lines were too long.
    dropped: u64,
    /// How many lines had invalid UTF-8 replaced in them.
    replaced: u64,
}

impl LineCutter {
    fn new(longest: usize) -> Self {
        Self {
            longest,
            begun: Vec::new(),
            is_too_long: false,
            dropped: 0,
            replaced: 0,
        }
    }

    /// The lines that end in `bytes`.
    fn cut(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            let is_whole = self.begun.is_empty() && !self.is_too_long;
            if is_whole && line.len() <= self.longest {
                lines.push(self.line(line));
            } else {
                self.begin(line);
                lines.extend(self.end());
            }
        }
        self.begin(bytes);
        lines
    }

    /// Adds a piece without a line end.
    fn begin(&mut self, piece: &[u8]) {
        if self.is_too_long {
            return;
        }
        self.is_too_long = piece.len() > self.longest - self.begun.len();
        match self.is_too_long {
            true => (self.begun, self.dropped) = (Vec::new(), self.dropped + 1),
            false => self.begun.extend_from_slice(piece),
        }
    }

    /// The line that was begun, unless it was too long.
    fn end(&mut self) -> Option<String> {
        let begun = mem::take(&mut self.begun);
        (!mem::take(&mut self.is_too_long)).then(|| self.line(&begun))
    }

    fn line(&mut self, bytes: &[u8]) -> String {
        let line = text::line(bytes);
        self.replaced += u64::from(matches!(line, Cow::Owned(_)));
        line.into_owned()
    }

    /// Whether the start of a line is held.
    fn has_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    /// The last line, if it has no line end.
    fn rest(&mut self) -> Option<String> {
        self.end().filter(|line| !line.is_empty())
    }

    /// Passes the counts on.
    fn report(&mut self, status: &ReceiverStatus) {
        status.add_replaced(mem::take(&mut self.replaced));
        match mem::take(&mut self.dropped) {
            0 => {}
            dropped => {
                status.add_dropped(dropped);
                status.survive(format!(
                    "{dropped} lines of more than {} bytes were dropped",
                    self.longest
                ));
            }
        }
    }
}

/// Sends the lines of a reader until its end; `Ok(false)` if the stream stopped first. The start of
/// a line that does not end stays in the cutter.
fn forward(
    reader: &mut impl Read,
    cutter: &mut LineCutter,
    sender: &Sender<String>,
    status: &ReceiverStatus,
) -> io::Result<bool> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let called = Instant::now();
        let lines = match reader.read(&mut chunk) {
            Ok(0) => return Ok(true),
            Ok(read) => cutter.cut(&chunk[..read]),
            Err(error) if is_silence(&error) => {
                thread::sleep(PAUSE.saturating_sub(called.elapsed()));
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        cutter.report(status);
        if sender.is_stopped() || sender.send_all(lines).is_err() {
            return Ok(false);
        }
    }
}

fn is_silence(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// Connects, so that a read returns after some silence and fails when the other side is no longer
/// there.
fn connect(address: &impl ToSocketAddrs) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(SILENCE))?;
    let probes = TcpKeepalive::new().with_time(PROBES.0);
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
    let probes = probes.with_interval(PROBES.1);
    SockRef::from(&connection).set_tcp_keepalive(&probes)?;
    Ok(connection)
}

struct Socket<A> {
    address: A,
    longest: usize,
    status: ReceiverStatus,
}

impl<A: ToSocketAddrs + Send + 'static> Receiver for Socket<A> {
    type Item = String;

    fn receive(&mut self, sender: &Sender<String>) -> Result<(), BoxError> {
        let mut connection = connect(&self.address)?;
        let mut cutter = LineCutter::new(self.longest);
        let forwarded = forward(&mut connection, &mut cutter, sender, &self.status);
        if let Ok(false) = forwarded {
            return Ok(());
        }
        // The server may send the whole line later: this is not one.
        self.status.add_dropped(u64::from(cutter.has_begun()));
        forwarded?;
        Err("the server closed the connection".into())
    }
}

struct Lines<R> {
    reader: R,
    /// Kept from call to call: a line may go on after an error.
    cutter: LineCutter,
    status: ReceiverStatus,
}

impl<R: Read + Send + 'static> Receiver for Lines<R> {
    type Item = String;

    fn receive(&mut self, sender: &Sender<String>) -> Result<(), BoxError> {
        if forward(&mut self.reader, &mut self.cutter, sender, &self.status)? {
            let last = Vec::from_iter(self.cutter.rest());
            self.cutter.report(&self.status);
            // If the stream has stopped, nobody wants it.
            let _ = sender.send_all(last);
        }
        Ok(())
    }
}

impl StreamingContext {
    /// A stream of the lines of text that a server sends, and the count of failures.
    ///
    /// Lines end with `\n` or `\r\n`; invalid UTF-8 is replaced, and the lines that had any are
    /// [counted](ReceiverStatus::replaced_lines). So are those that are dropped: a line that is
    /// [too long](crate::stream::ContextBuilder::longest_line), and one whose end had not come when
    /// the connection was lost.
    ///
    /// Connects from a thread of its own; when the connection is refused, fails, or is closed by
    /// the other side, it connects again, after pauses from 50 ms to 10 s. A silent connection is
    /// probed, so a server that has vanished without a word is noticed after some minutes. Up to
    /// about a million lines wait for a batch; then the server is held back.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let (lines, status) = ctx.socket_text(("127.0.0.1", 9_999));
    /// # let _ = (lines, status);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn socket_text<A>(&self, address: A) -> (DStream<'_, String>, ReceiverStatus)
    where
        A: ToSocketAddrs + Send + 'static,
    {
        let status = ReceiverStatus::default();
        let socket = Socket {
            address,
            longest: self.settings().longest_line,
            status: status.clone(),
        };
        (self.receive(socket, &status), status)
    }

    /// A stream of the lines of a reader, such as standard input, read on its own thread, to its
    /// end.
    ///
    /// Lines are those of [`socket_text`](Self::socket_text), and the last one needs no line end. A
    /// reader that fails is read again, after pauses from 50 ms to 10 s, and goes on where it was;
    /// one that fails for ever does not end the stream.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let (lines, status) = ctx.lines_of(std::io::stdin());
    /// # let _ = (lines, status);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lines_of<R>(&self, reader: R) -> (DStream<'_, String>, ReceiverStatus)
    where
        R: Read + Send + 'static,
    {
        let status = ReceiverStatus::default();
        let lines = Lines {
            reader,
            cutter: LineCutter::new(self.settings().longest_line),
            status: status.clone(),
        };
        (self.receive(lines, &status), status)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        let bytes = b"one\r\n\ntwo \xff\nmuch too long\nthree";
        for size in 1..=bytes.len() {
            let mut cutter = LineCutter::new(5);
            let mut lines: Vec<String> = Vec::new();
            for piece in bytes.chunks(size) {
                lines.extend(cutter.cut(piece));
                assert!(cutter.begun.len() <= 5);
            }
            assert!(cutter.has_begun());
            lines.extend(cutter.rest());
            assert_eq!(lines, ["one", "", "two \u{fffd}", "three"]);
            assert_eq!(cutter.rest(), None);
            assert_eq!((cutter.replaced, cutter.dropped), (1, 1));
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_not_half_a_line_at_the_end() {
        let mut cutter = LineCutter::new(5);
        assert!(cutter.cut(b"123456").is_empty());
        assert!(!cutter.has_begun());
        assert_eq!(cutter.rest(), None);
    }

    #[test]
    fn a_silent_connection_is_probed() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let connection = connect(&address).expect("a connection");
        assert!(SockRef::from(&connection).keepalive().expect("an option"));
    }
}

//! Lines of text: from a socket, or from any reader.

use std::borrow::Cow;
use std::boxed::Box;
use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::string::String;
use std::time::Duration;
use std::vec::Vec;
use std::{mem, vec};

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

/// Splits bytes that come in pieces into lines, ended by `\n` or `\r\n`; invalid UTF-8 is replaced.
#[derive(Default)]
struct LineCutter {
    /// The start of a line whose end has not come.
    begun: Vec<u8>,
    /// How many lines had invalid UTF-8 replaced in them.
    replaced: u64,
}

impl LineCutter {
    /// The lines that end in `bytes`.
    fn cut(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.begun.is_empty() {
                lines.push(self.line(line));
            } else {
                let mut begun = mem::take(&mut self.begun);
                begun.extend_from_slice(line);
                lines.push(self.line(&begun));
            }
        }
        self.begun.extend_from_slice(bytes);
        lines
    }

    fn line(&mut self, bytes: &[u8]) -> String {
        let line = text::line(bytes);
        self.replaced += u64::from(matches!(line, Cow::Owned(_)));
        line.into_owned()
    }

    /// The last line, if it has no line end.
    fn rest(&mut self) -> Option<String> {
        let rest = mem::take(&mut self.begun);
        let line = self.line(&rest);
        (!line.is_empty()).then_some(line)
    }
}

/// Sends the lines of a reader until its end; `Ok(false)` if the stream stopped first.
fn forward(
    reader: &mut impl Read,
    sender: &Sender<String>,
    status: &ReceiverStatus,
) -> io::Result<bool> {
    let mut cutter = LineCutter::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let lines = match reader.read(&mut chunk) {
            Ok(0) => {
                let last = Vec::from_iter(cutter.rest());
                status.add_replaced(mem::take(&mut cutter.replaced));
                return Ok(sender.send_all(last).is_ok());
            }
            Ok(read) => cutter.cut(&chunk[..read]),
            Err(error) if is_silence(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        status.add_replaced(mem::take(&mut cutter.replaced));
        if sender.is_stopped() || sender.send_all(lines).is_err() {
            return Ok(false);
        }
    }
}

fn is_silence(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

struct Socket<A> {
    address: A,
    status: ReceiverStatus,
}

impl<A: ToSocketAddrs + Send + 'static> Receiver for Socket<A> {
    type Item = String;

    fn receive(&mut self, sender: &Sender<String>) -> Result<(), BoxError> {
        let mut connection = TcpStream::connect(&self.address)?;
        connection.set_read_timeout(Some(SILENCE))?;
        match forward(&mut connection, sender, &self.status)? {
            true => Err("the server closed the connection".into()),
            false => Ok(()),
        }
    }
}

struct Lines<R> {
    reader: R,
    status: ReceiverStatus,
}

impl<R: Read + Send + 'static> Receiver for Lines<R> {
    type Item = String;

    fn receive(&mut self, sender: &Sender<String>) -> Result<(), BoxError> {
        let forwarded = forward(&mut self.reader, sender, &self.status);
        forwarded.map(drop).map_err(Box::from)
    }
}

impl StreamingContext {
    /// A stream of the lines of text that a server sends, and the count of failures.
    ///
    /// Lines end with `\n` or `\r\n`; invalid UTF-8 is replaced, and the lines that had any are
    /// [counted](ReceiverStatus::replaced_lines). Connects from a thread of its
    /// own; when the connection is refused, fails, or is closed by the other side, it connects
    /// again, after pauses from 50 ms to 10 s. Up to about a million lines wait for a batch; then
    /// the server is held back.
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
            status: status.clone(),
        };
        (self.receive(socket, &status), status)
    }

    /// A bounded stream of the lines of a reader, such as standard input, read on its own thread.
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
            status: status.clone(),
        };
        (self.receive(lines, &status), status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        let bytes = b"one\r\n\ntwo \xff\nthree";
        for size in 1..=bytes.len() {
            let mut cutter = LineCutter::default();
            let mut lines: Vec<String> = Vec::new();
            for piece in bytes.chunks(size) {
                lines.extend(cutter.cut(piece));
            }
            lines.extend(cutter.rest());
            assert_eq!(lines, ["one", "", "two \u{fffd}", "three"]);
            assert_eq!(cutter.rest(), None);
            assert_eq!(cutter.replaced, 1);
        }
    }
}

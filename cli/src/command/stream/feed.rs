//! Records from a thread of their own, until they end or somebody presses Ctrl-C.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use crate::args::StreamArgs;
use crate::command::stream::record::{Record, RecordReader};
use crate::error::Error;

/// Blocks read ahead of the stream; more would only take memory.
const AHEAD: usize = 64;

/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// What comes through the channel.
pub(crate) enum Message {
    Records(Vec<Record>),
    /// The input has ended, perhaps with an error.
    End(Result<(), Error>),
    /// Somebody asked for an end.
    Stop,
}

/// The input as it comes.
pub(crate) struct Feed(Receiver<Message>);

impl Feed {
    /// Begins to read, and to listen for Ctrl-C: the first one ends the feed, so that what has
    /// been read is processed and shown; the second one ends the program.
    ///
    /// # Errors
    ///
    /// If the operating system refuses.
    pub(crate) fn start(args: &StreamArgs) -> Result<Self, Error> {
        let (sender, messages) = sync_channel(AHEAD);
        stop_on_interrupt(sender.clone())?;
        let reader = RecordReader::new(args);
        // Left alone at the end: it may be waiting for a line that never comes.
        thread::spawn(move || {
            let read = reader.read(|records| {
                let sent = sender.send(Message::Records(records));
                sent.map_err(|_| Error::Closed)
            });
            // Nobody waits for it after a stop.
            let _ = sender.send(Message::End(read));
        });
        Ok(Self(messages))
    }

    /// Waits for the next message; there is none after the end.
    pub(crate) fn next(&self) -> Option<Message> {
        self.0.recv().ok()
    }

    /// The next message, if there is one already; like [`next`](Self::next) after the end.
    pub(crate) fn next_if_there(&self) -> Option<Option<Message>> {
        match self.0.try_recv() {
            Ok(message) => Some(Some(message)),
            Err(TryRecvError::Disconnected) => Some(None),
            Err(TryRecvError::Empty) => None,
        }
    }
}

fn stop_on_interrupt(sender: SyncSender<Message>) -> Result<(), Error> {
    let asked = AtomicBool::new(false);
    let handled = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED);
        }
        let sender = sender.clone();
        // The channel may be full, and the second Ctrl-C must not wait for it.
        thread::spawn(move || sender.send(Message::Stop));
    });
    handled.map_err(Error::stream)
}

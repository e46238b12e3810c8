//! Reads records on another thread, until the input ends or the user presses Ctrl-C.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use crate::args::StreamArgs;
use crate::command::stream::record::{Record, RecordReader};
use crate::error::Error;

/// The most blocks that are read ahead.
const AHEAD: usize = 64;

/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// A message from the thread that reads, or from Ctrl-C.
pub(crate) enum Message {
    Records(Vec<Record>),
    /// The input has ended, perhaps with an error.
    End(Result<(), Error>),
    /// The user asked to stop.
    Stop,
}

/// The input as it arrives.
pub(crate) struct Feed(Receiver<Message>);

impl Feed {
    /// Starts to read, and to handle Ctrl-C: the first one ends the feed, so that what was read is
    /// processed and shown; the second one ends the program.
    ///
    /// # Errors
    ///
    /// If the handler of Ctrl-C cannot be installed.
    pub(crate) fn start(args: &StreamArgs) -> Result<Self, Error> {
        let (sender, messages) = sync_channel(AHEAD);
        stop_on_interrupt(sender.clone())?;
        let reader = RecordReader::new(args);
        // This thread is not joined: it may wait for a line that never comes.
        thread::spawn(move || {
            let read = reader.read(|records| {
                let sent = sender.send(Message::Records(records));
                sent.map_err(|_| Error::Closed)
            });
            // After a stop there is no receiver.
            let _ = sender.send(Message::End(read));
        });
        Ok(Self(messages))
    }

    /// Waits for the next message; `None` after the end.
    pub(crate) fn next(&self) -> Option<Message> {
        self.0.recv().ok()
    }

    /// The next message, if one has arrived; after the end, `Some(None)`.
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
        // The channel may be full, and the second Ctrl-C must not wait.
        thread::spawn(move || sender.send(Message::Stop));
    });
    handled.map_err(Error::stream)
}

//! The chunks of a file, read and counted by several threads, in order.
//!
//! Most of the time of a command that looks at few lines goes into copying the file from the
//! system's cache, which threads do at once.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::input::chunk::{CHUNK_BYTES, Chunk, Chunks, Delivery};
use crate::input::progress::Progress;

/// How many chunks a thread may be ahead: few, so that they stay in the cache.
const AHEAD: usize = 1;

/// Calls `visit` with the chunks of a file, which `threads` threads read in turn.
pub(crate) fn with_chunks<T>(
    file: &File,
    threads: usize,
    progress: &Progress,
    visit: impl FnOnce(InTurn) -> T,
) -> T {
    thread::scope(|scope| {
        let crew = (0..threads).map(|number| {
            let (sender, chunks) = sync_channel(AHEAD);
            let (give_back, spares) = channel();
            let share = Share {
                file,
                number,
                threads,
            };
            scope.spawn(move || share.read(progress, &sender, &spares));
            Hand { chunks, give_back }
        });
        let crew = crew.collect();
        visit(InTurn {
            crew,
            turn: 0,
            ended: false,
        })
    })
}

/// Chunk `i` of the file is read by thread `i % threads`.
#[derive(Clone, Copy, Debug)]
struct Share<'a> {
    file: &'a File,
    number: usize,
    threads: usize,
}

impl Share<'_> {
    /// Reads this share until the file ends, it fails, or nobody takes it.
    fn read(
        self,
        progress: &Progress,
        chunks: &SyncSender<io::Result<Chunk>>,
        spares: &Receiver<Chunk>,
    ) {
        for number in (self.number as u64..).step_by(self.threads) {
            let mut chunk = spares.try_recv().unwrap_or_default();
            let mut reader = progress.watch(At {
                file: self.file,
                offset: number * CHUNK_BYTES as u64,
            });
            let read = chunk.fill(&mut reader, Delivery::Full);
            let last = read.is_err() || chunk.bytes().len() < CHUNK_BYTES;
            if chunks.send(read.map(|()| chunk)).is_err() || last {
                return;
            }
        }
    }
}

/// A file from an offset on.
#[derive(Debug)]
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// One of the threads, from outside.
#[derive(Debug)]
struct Hand {
    chunks: Receiver<io::Result<Chunk>>,
    give_back: Sender<Chunk>,
}

/// The chunks of several threads, one of each in turn.
#[derive(Debug)]
pub(crate) struct InTurn {
    crew: Vec<Hand>,
    /// Whose chunk comes next.
    turn: usize,
    /// A chunk was not full: what other threads find behind it came too late.
    ended: bool,
}

impl Chunks for InTurn {
    fn next_chunk(&mut self, used: Chunk) -> io::Result<Chunk> {
        if self.ended {
            return Ok(Chunk::default());
        }
        let hand = &self.crew[self.turn];
        self.turn = (self.turn + 1) % self.crew.len();
        // Any thread may use it; one that has ended needs none.
        let _ = hand.give_back.send(used);
        let chunk = hand
            .chunks
            .recv()
            .unwrap_or_else(|_| Ok(Chunk::default()))?;
        self.ended = chunk.bytes().len() < CHUNK_BYTES;
        Ok(chunk)
    }
}

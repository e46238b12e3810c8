//! The chunks of a file in order, read by several threads.
//!
//! A command that looks at few lines spends most of its time copying the file from the cache of the
//! system. Several threads do that in parallel.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::input::chunk::{CHUNK_BYTES, Chunk, Chunks, Delivery};
use crate::input::progress::Progress;

/// How many chunks a thread reads ahead; few, so that they stay in the cache.
const AHEAD: usize = 1;

/// Calls `visit` with the chunks of a file, read by `threads` threads.
pub(crate) fn with_chunks<T>(
    file: &File,
    threads: usize,
    progress: &Progress,
    visit: impl FnOnce(InTurn) -> T,
) -> T {
    thread::scope(|scope| {
        let workers = (0..threads).map(|number| {
            let (sender, chunks) = sync_channel(AHEAD);
            let (used, reusable) = channel();
            let share = Share {
                file,
                number,
                threads,
            };
            scope.spawn(move || share.read(progress, &sender, &reusable));
            Worker { chunks, used }
        });
        let workers = workers.collect();
        visit(InTurn {
            workers,
            next: 0,
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
    /// Reads this share until the file ends, reading fails, or the receiver is gone.
    fn read(
        self,
        progress: &Progress,
        chunks: &SyncSender<io::Result<Chunk>>,
        reusable: &Receiver<Chunk>,
    ) {
        for number in (self.number as u64..).step_by(self.threads) {
            let mut chunk = reusable.try_recv().unwrap_or_default();
            let mut reader = progress.watch(FileAt {
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

/// A file, read from an offset.
#[derive(Debug)]
struct FileAt<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for FileAt<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// The channels to one of the threads.
#[derive(Debug)]
struct Worker {
    chunks: Receiver<io::Result<Chunk>>,
    /// Takes used chunks back.
    used: Sender<Chunk>,
}

/// The chunks of several threads, in the order of the file.
#[derive(Debug)]
pub(crate) struct InTurn {
    workers: Vec<Worker>,
    /// The worker with the next chunk.
    next: usize,
    /// A chunk was not full, so it was the last one; the file may have grown since.
    ended: bool,
}

impl Chunks for InTurn {
    fn next_chunk(&mut self, used: Chunk) -> io::Result<Chunk> {
        if self.ended {
            return Ok(Chunk::default());
        }
        let worker = &self.workers[self.next];
        self.next = (self.next + 1) % self.workers.len();
        // A thread that has ended does not need it.
        let _ = worker.used.send(used);
        let chunk = worker
            .chunks
            .recv()
            .unwrap_or_else(|_| Ok(Chunk::default()))?;
        self.ended = chunk.bytes().len() < CHUNK_BYTES;
        Ok(chunk)
    }
}

//! Running counts of words in a table of SQLite, each word counted exactly once, whatever happens.
//!
//! ```text
//! cargo run --manifest-path examples/sqlite/Cargo.toml -- DIRECTORY
//! ```
//!
//! counts the words of the files in `DIRECTORY/input` (some are written if there are none) into
//! `DIRECTORY/counts.sqlite`, and prints the ten most frequent. Kill it when you like and start it
//! again: it goes on from its last checkpoint, and the table is as if nothing had happened.
//!
//! # Why once
//!
//! After a crash the batches since the last checkpoint run again, with the same times and the same
//! words. The table is changed by one transaction a batch, which also notes the batch time, and a
//! batch that is not later than that time changes nothing. So it does not matter whether the
//! crash came before the transaction or after it. The whole batch is one transaction, so the
//! stream may also be started again with another number of partitions; if each partition had its
//! own, the pair of batch time and partition would have to be noted, and the number of
//! partitions kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use forebay::stream::{BatchTime, BoxError, Every, Sink, StreamingContext};
use rusqlite::{Connection, OptionalExtension};

/// Counts in a table of a database.
struct Table {
    /// Partitions are written in parallel, a connection is not.
    connection: Mutex<Connection>,
    /// Whether the table has what this batch brings already.
    has_it: bool,
}

impl Table {
    fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        // Durable when committed, and nobody who reads is in the way.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS counts (word TEXT PRIMARY KEY, count INTEGER NOT NULL);
             CREATE TABLE IF NOT EXISTS written (stream TEXT PRIMARY KEY, batch INTEGER NOT NULL);",
        )?;
        Ok(Self {
            connection: Mutex::new(connection),
            has_it: false,
        })
    }

    fn connection(&mut self) -> Result<&mut Connection, BoxError> {
        self.connection
            .get_mut()
            .map_err(|_| "a write has panicked".into())
    }
}

impl Sink<(String, u64)> for Table {
    fn begin(&mut self, time: BatchTime) -> Result<(), BoxError> {
        let connection = self.connection()?;
        if !connection.is_autocommit() {
            // The batch before failed half-way.
            connection.execute_batch("ROLLBACK")?;
        }
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let last = "SELECT batch FROM written WHERE stream = 'words'";
        let last: Option<i64> = connection
            .query_row(last, [], |row| row.get(0))
            .optional()?;
        self.has_it = last.is_some_and(|last| last >= time.as_millis() as i64);
        Ok(())
    }

    fn write(&self, _: BatchTime, _: usize, items: &[(String, u64)]) -> Result<(), BoxError> {
        if self.has_it {
            return Ok(());
        }
        let connection = self.connection.lock().map_err(|_| "a write has panicked")?;
        let mut add = connection.prepare_cached(
            "INSERT INTO counts VALUES (?1, ?2)
             ON CONFLICT (word) DO UPDATE SET count = count + excluded.count",
        )?;
        for (word, count) in items {
            add.execute((word, *count as i64))?;
        }
        Ok(())
    }

    fn commit(&mut self, time: BatchTime) -> Result<(), BoxError> {
        let has_it = self.has_it;
        let connection = self.connection()?;
        if !has_it {
            let note = "INSERT OR REPLACE INTO written VALUES ('words', ?1)";
            connection.execute(note, [time.as_millis() as i64])?;
        }
        Ok(connection.execute_batch("COMMIT")?)
    }
}

/// Some files to count, if there is nothing else.
fn write_input(directory: &Path) -> std::io::Result<()> {
    let words = ["ebb", "flow", "spring", "neap", "slack", "flood", "tide"];
    // Whole or not at all, whoever is killed.
    let aside = directory.with_extension("part");
    fs::create_dir_all(&aside)?;
    for file in 0..20usize {
        let line = |n: usize| format!("{} {}\n", words[n % 7], words[n * n % 7]);
        let text: String = (file * 500..(file + 1) * 500).map(line).collect();
        fs::write(aside.join(format!("{file:02}.txt")), text)?;
    }
    fs::rename(aside, directory)
}

fn run(directory: &Path, partitions: usize) -> Result<(), BoxError> {
    let (input, checkpoints) = (directory.join("input"), directory.join("checkpoints"));
    if !input.exists() {
        write_input(&input)?;
    }
    let database = directory.join("counts.sqlite");
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("words")
            .partitions(partitions)
            .max_rate(200.0)
            .checkpoint(&checkpoints, Every::batches(4))
            .build()?;
        ctx.text_files(&input)
            .flat_map(|line| {
                line.split_whitespace()
                    .map(String::from)
                    .collect::<Vec<_>>()
            })
            .map(|word| (word, 1u64))
            .reduce_by_key(|a, b| a + b)
            .write_to(Table::open(&database)?);
        Ok(ctx)
    };
    let mut driver = StreamingContext::recover_or(&checkpoints, build)?.into_driver()?;
    // The files are read in batches of 200 lines. First come the batches again that an earlier run
    // has begun; after them an empty batch says that there are no more files.
    loop {
        let comes_again = driver.has_pending();
        if driver.step(driver.next_time())?.items() == 0 && !comes_again {
            break;
        }
    }
    drop(driver);
    let connection = Connection::open(&database)?;
    let most = "SELECT word, count FROM counts ORDER BY count DESC, word LIMIT 10";
    let mut rows = connection.prepare(most)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        println!("{:>8}  {}", row.get::<_, i64>(1)?, row.get::<_, String>(0)?);
    }
    Ok(())
}

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: forebay-sqlite DIRECTORY [PARTITIONS]";
    let directory: PathBuf = arguments.next().ok_or(usage)?.into();
    let partitions = arguments
        .next()
        .map_or(Ok(3), |partitions| partitions.parse());
    run(&directory, partitions.map_err(|_| usage)?)
}

//! Running counts of the words in the files of a directory, most frequent first.
//!
//! ```text
//! cargo run --example word_count -- DIRECTORY [SECONDS]
//! ```
//!
//! Move text files into the directory while it runs; it ends after so many seconds, or 10.

use std::error::Error;
use std::time::Duration;

use forebay::stream::StreamingContext;

fn words(line: &str) -> Vec<String> {
    line.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("which directory?")?;
    let seconds = arguments.next().map_or(Ok(10), |text| text.parse())?;

    let ctx = StreamingContext::builder("word_count")
        .batch_interval(Duration::from_millis(500))
        .build()?;
    let counts = ctx
        .text_files(directory)
        .flat_map(|line| words(&line))
        .map(|word| (word, 1u64))
        .update_state_by_key(|_word, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    counts
        .transform(|batch, _time| {
            let same = batch.clone();
            let mut rows = batch.into_vec();
            rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            same.with_items(rows)
        })
        .map(|(word, count)| format!("{count:>8}  {word}"))
        .print();

    let mut running = ctx.start()?;
    running.await_termination_or_timeout(Duration::from_secs(seconds))?;
    running.stop()?;
    Ok(())
}

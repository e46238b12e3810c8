//! A few requests of each user, drawn at random from all in a directory of logs.
//!
//! ```text
//! cargo run --example sample_per_user
//! ```
//!
//! It writes the logs itself, into a directory of its own. The samples are of everything so far,
//! batch after batch, and the same in every run.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use forebay::sample::Reservoir;
use forebay::stream::StreamingContext;

/// Lines of a user and a request. Files are moved in whole: one that is still being written would
/// be read as it is.
fn log(directory: &Path, name: &str, requests: std::ops::Range<u32>) -> std::io::Result<()> {
    let line = |n| format!("user-{} GET /page/{n}\n", n % 4);
    let aside = directory.join(format!(".{name}"));
    fs::write(&aside, requests.map(line).collect::<String>())?;
    fs::rename(aside, directory.join(name))
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("forebay-logs-{}", std::process::id()));
    fs::create_dir_all(&directory)?;

    let ctx = StreamingContext::builder("sample_per_user")
        .seed(7)
        .build()?;
    let requests = ctx.text_files(&directory).flat_map(|line| {
        let (user, request) = line.split_once(' ')?;
        Some((user.to_owned(), request.to_owned()))
    });
    let samples = requests.summarize_by_key(|rng| Reservoir::with_rng(3, rng));
    // The samples stay where they are; only what is shown of them is copied.
    let rows = samples.filter_map_ref(|user, sample| {
        let requests: Vec<String> = sample.iter().cloned().collect();
        Some((user.clone(), (sample.seen(), requests)))
    });
    let history = rows.remember(std::time::Duration::from_secs(3_600));

    // A directory never ends: a program on the clock would run `ctx.start()` until it is stopped.
    let mut driver = ctx.into_driver()?;
    for (name, requests) in [("monday.log", 0..1_000), ("tuesday.log", 1_000..3_000)] {
        log(&directory, name, requests)?;
        driver.step(driver.next_time())?;
    }
    fs::remove_dir_all(&directory)?;

    let last = driver.last_time().ok_or("no batch was run")?;
    let batches = history.slice(last, last);
    let rows = batches.last().ok_or("the batch is remembered")?;
    let users: BTreeMap<_, _> = rows.iter().cloned().collect();
    for (user, (seen, requests)) in &users {
        println!("{user}: {seen} requests, among them {requests:?}");
        assert_eq!((*seen, requests.len()), (750, 3));
    }
    assert_eq!(users.len(), 4);
    Ok(())
}

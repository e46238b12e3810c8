//! The ten most frequent words of each minute, read from a socket.
//!
//! ```text
//! cargo run --example top_ten_a_minute
//! ```
//!
//! It serves the text itself, and steps through time by hand so as not to take minutes; with
//! `ctx.start()` instead, the same program runs on the clock.

use std::error::Error;
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use forebay::stream::StreamingContext;

const LINES: u64 = 20_000;

/// Serves lines of two words each to whoever connects.
fn serve(listener: &TcpListener) -> std::io::Result<()> {
    let (mut connection, _) = listener.accept()?;
    for n in 0..LINES {
        writeln!(connection, "ebb word-{}", n * n % 7)?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || serve(&listener));

    let minute = Duration::from_secs(60);
    let ctx = StreamingContext::builder("top_ten")
        .batch_interval(Duration::from_secs(10))
        .build()?;
    let (lines, status) = ctx.socket_text(address);
    let words = lines.flat_map(|line| line.split(' ').map(String::from).collect::<Vec<_>>());
    let counts = words.count_by_value_and_window(minute, minute)?;
    let total = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&total);
    counts.for_each_batch(move |counts, time| {
        println!("until {time}:");
        for (word, count) in counts.top_by(10, |a, b| a.1.cmp(&b.1))? {
            println!("{count:>8}  {word}");
            counted.fetch_add(count, Ordering::Relaxed);
        }
        Ok(())
    });

    let mut driver = ctx.into_driver()?;
    while status.items() < LINES {
        driver.step(driver.next_time())?;
        thread::sleep(Duration::from_millis(1));
    }
    // To the end of the minute that the last line is in.
    for _ in 0..6 {
        driver.step(driver.next_time())?;
    }
    server.join().expect("the server does not panic")?;
    assert_eq!(total.load(Ordering::Relaxed), 2 * LINES);
    Ok(())
}

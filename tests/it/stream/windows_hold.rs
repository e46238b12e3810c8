//! Windows are the same after crashes, retries and with other numbers of partitions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay::stream::pipe::Pipe;
use forebay::stream::{BoxError, DStream, Data, Driver, Every, FailurePolicy, StreamingContext};
use forebay::{Merge, Summary};

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Bag(Vec<u64>);

impl Merge for Bag {
    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Summary for Bag {
    type Item = u64;

    fn update(&mut self, item: u64) {
        self.0.push(item);
    }
}

impl Bag {
    fn sorted(mut self) -> Vec<u64> {
        self.0.sort_unstable();
        self.0
    }
}

/// By batch time and operator: the rows of a window, sorted.
type Rows = Arc<Mutex<BTreeMap<(u64, &'static str), Vec<String>>>>;

fn see<T: Data + std::fmt::Debug, P: Pipe<Item = T>>(
    rows: &Rows,
    name: &'static str,
    stream: &DStream<'_, T, P>,
) {
    let sink = Arc::clone(rows);
    stream.for_each_batch(move |batch, time| {
        let mut rows: Vec<_> = batch.iter().map(|row| format!("{row:?}")).collect();
        rows.sort();
        sink.lock().unwrap().insert((time.as_millis(), name), rows);
        Ok(())
    });
}

const BATCHES: u64 = 12;

fn batches() -> Vec<Vec<(u64, u64)>> {
    let batch = |batch: u64| {
        let records = 0..batch * 5 % 7;
        records
            .map(move |n| ((batch * 31 + n * n * 7) % 5, batch * 100 + n))
            .collect()
    };
    (0..BATCHES).map(batch).collect()
}

/// A stream of windows of this length and slide in seconds; the batch of time `fails` fails once.
fn open(
    directory: &Path,
    partitions: usize,
    (window, slide): (u64, u64),
    fails: u64,
    rows: &Rows,
) -> Driver {
    let (window, slide) = (Duration::from_secs(window), Duration::from_secs(slide));
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("windows")
            .threads(1)
            .partitions(partitions)
            .on_failure(FailurePolicy::Retry(1))
            .checkpoint(directory, Every::batches(1))
            .durable::<Bag>("bag")
            .durable::<(u64, u64)>("pair")
            .build()?;
        let records = ctx.batches(batches());
        let numbers = records.map(|(_, number)| number);
        let add = |a: u64, b: u64| a + b;
        see(rows, "window", &records.window(window, slide)?);
        see(rows, "count", &records.count_by_window(window, slide)?);
        see(
            rows,
            "reduce",
            &records.reduce_by_key_and_window(window, slide, add)?,
        );
        let inverse = |a: u64, b: u64| a - b;
        let inverse = records.reduce_by_key_and_window_with_inverse(window, slide, add, inverse)?;
        see(rows, "inverse", &inverse);
        let bag = numbers.summarize_window(window, slide, |_| Bag::default())?;
        see(rows, "bag", &bag.map(Bag::sorted));
        let bags = records.summarize_by_key_and_window(window, slide, |_| Bag::default())?;
        see(rows, "bags", &bags.map(|(key, bag)| (key, bag.sorted())));
        let fails = AtomicU64::new(fails);
        records.for_each_batch(move |_, time| {
            let time = time.as_millis();
            match fails.compare_exchange(time, 0, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => Err("once".into()),
                Err(_) => Ok(()),
            }
        });
        Ok(ctx)
    };
    let ctx = StreamingContext::recover_or(directory, build).unwrap();
    ctx.into_driver().unwrap()
}

#[test]
fn windows_are_the_same_after_crashes_retries_and_with_other_partitions() {
    for shape in [(1, 1), (3, 2), (2, 5), (20, 2)] {
        let (directory, whole) = (tempfile::tempdir().unwrap(), Rows::default());
        let mut driver = open(directory.path(), 3, shape, 0, &whole);
        driver.run_to_end().unwrap();
        for crash in [1, 4, 7, 10] {
            let (directory, rows) = (tempfile::tempdir().unwrap(), Rows::default());
            let mut driver = open(directory.path(), 4, shape, 1_000 * crash, &rows);
            for _ in 0..crash {
                driver.step(driver.next_time()).unwrap();
            }
            drop(driver);
            let partitions = 1 + crash as usize % 7;
            let mut driver = open(
                directory.path(),
                partitions,
                shape,
                1_000 * (crash + 2),
                &rows,
            );
            driver.run_to_end().unwrap();
            assert_eq!(
                *rows.lock().unwrap(),
                *whole.lock().unwrap(),
                "{shape:?} {crash}"
            );
        }
    }
}

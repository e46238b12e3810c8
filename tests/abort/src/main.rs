//! Errors that closures return travel as values: with `panic = "abort"`, where nothing can unwind,
//! each fails its batch only, and the process goes on.

use std::sync::{Arc, Mutex};

use forebay::stream::{
    BoxError, ContextBuilder, DStream, FailurePolicy, PageStore, StateBackend, StateError,
    StreamingContext,
};

/// The number in the second batch at which every closure here fails.
const BAD: i32 = 7;

fn check(n: i32) -> Result<i32, BoxError> {
    if n == BAD { Err("seven".into()) } else { Ok(n) }
}

/// Runs three batches, of which the second fails; returns what the others gave.
fn run(
    name: &str,
    settings: impl Fn(ContextBuilder) -> ContextBuilder,
    declare: impl Fn(&DStream<'_, i32>) -> Arc<Mutex<Vec<i32>>>,
) {
    for threads in [1, 2] {
        let builder = StreamingContext::builder(name)
            .threads(threads)
            .partitions(3);
        let ctx = settings(builder.on_failure(FailurePolicy::Skip))
            .build()
            .expect("valid settings");
        let numbers = ctx.batches([vec![1, 2], vec![3, BAD], vec![4]]).boxed();
        let seen = declare(&numbers);
        let mut driver = ctx.into_driver().expect("it starts");
        let mut failures = Vec::new();
        while !driver.is_finished() {
            let report = driver
                .step(driver.next_time())
                .expect("a failed batch is skipped");
            failures.extend(report.failure().map(ToString::to_string));
        }
        let [failure] = &failures[..] else {
            panic!("{name}: {failures:?}");
        };
        assert!(
            failure.contains("2000 ms") && failure.ends_with("seven"),
            "{name}: {failure}"
        );
        assert_eq!(*seen.lock().expect("nothing panics"), [1, 2, 4], "{name}");
        println!("{name}, {threads} threads: {failure}");
    }
}

/// Collects the items of a stream.
fn seen<P>(stream: &DStream<'_, i32, P>) -> Arc<Mutex<Vec<i32>>>
where
    P: forebay::stream::pipe::Pipe<Item = i32>,
{
    let seen = Arc::<Mutex<Vec<i32>>>::default();
    let sink = Arc::clone(&seen);
    stream.for_each_batch(move |batch, _| {
        let mut items = batch.into_vec();
        items.sort_unstable();
        sink.lock().expect("nothing panics").extend(items);
        Ok(())
    });
    seen
}

/// A backend with no room in memory, whose store fails once.
#[derive(Clone, Debug, Default)]
struct FailsOnce {
    pages: Arc<Mutex<std::collections::HashMap<u64, Vec<u8>>>>,
    gets: Arc<std::sync::atomic::AtomicUsize>,
}

impl StateBackend for FailsOnce {
    fn open(&self) -> Result<Option<Box<dyn PageStore>>, StateError> {
        Ok(Some(Box::new(self.clone())))
    }
}

impl PageStore for FailsOnce {
    fn memory_limit(&self) -> usize {
        0
    }

    fn put(&self, page: u64, bytes: &[u8]) -> Result<(), StateError> {
        let mut pages = self.pages.lock().expect("nothing panics");
        pages.insert(page, bytes.to_vec());
        Ok(())
    }

    fn get(&self, page: u64) -> Result<Vec<u8>, StateError> {
        let earlier = self.gets.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let pages = self.pages.lock().expect("nothing panics");
        match pages.get(&page) {
            Some(bytes) if earlier != 0 => Ok(bytes.clone()),
            _ => Err(StateError::new("store", "seven")),
        }
    }

    fn remove(&self, page: u64) -> Result<(), StateError> {
        self.pages.lock().expect("nothing panics").remove(&page);
        Ok(())
    }
}

fn main() {
    let plain = |builder| builder;
    run("try_map", plain, |numbers| seen(&numbers.try_map(check)));
    run("transform", plain, |numbers| {
        seen(&numbers.transform(|batch, _| {
            let all = batch.clone();
            batch
                .take(10)?
                .into_iter()
                .try_for_each(|n| check(n).map(drop))?;
            Ok::<_, BoxError>(all)
        }))
    });
    run("for_each_batch", plain, |numbers| {
        let seen = Arc::<Mutex<Vec<i32>>>::default();
        let sink = Arc::clone(&seen);
        numbers.for_each_batch(move |batch, _| {
            let items = batch
                .iter()
                .map(|n| check(*n))
                .collect::<Result<Vec<_>, _>>()?;
            sink.lock().expect("nothing panics").extend(items);
            Ok(())
        });
        seen
    });
    run("for_each_partition", plain, |numbers| {
        let seen = seen(numbers);
        numbers
            .for_each_partition(|_, _, items| items.iter().try_for_each(|n| check(*n).map(drop)));
        // The batch that fails has been seen by the first output.
        let all = Arc::clone(&seen);
        numbers.for_each_batch(move |_, time| {
            if time.as_millis() == 3_000 {
                all.lock()
                    .expect("nothing panics")
                    .retain(|n| *n != 3 && *n != BAD);
            }
            Ok(())
        });
        seen
    });
    let backend = FailsOnce::default();
    let ctx = StreamingContext::builder("backend")
        .threads(2)
        .on_failure(FailurePolicy::Skip)
        .state_backend(backend)
        .build()
        .expect("valid settings");
    let counts = ctx
        .batches([vec![(1u32, 1u64)], vec![(1, 1)], vec![(1, 1)]])
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let last = Arc::<Mutex<u64>>::default();
    let sink = Arc::clone(&last);
    counts.for_each_batch(move |batch, _| {
        let sum = batch.iter().map(|(_, count)| *count).sum();
        *sink.lock().expect("nothing panics") = sum;
        Ok(())
    });
    let mut driver = ctx.into_driver().expect("it starts");
    let mut failures = Vec::new();
    for _ in 0..3 {
        let report = driver
            .step(driver.next_time())
            .expect("a failed batch is skipped");
        failures.extend(report.failure().map(ToString::to_string));
    }
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].ends_with("state in store: seven"),
        "{failures:?}"
    );
    assert_eq!(*last.lock().expect("nothing panics"), 2);
    println!("backend: {}", failures[0]);
    println!("errors are values: none of them needed to unwind");
}

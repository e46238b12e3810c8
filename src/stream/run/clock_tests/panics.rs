//! Panics that no operator catches.

use super::*;

fn panic_at(at: &'static str) -> (Result<(), StopError>, Vec<String>) {
    let clock = TestClock::jumping();
    let ctx = builder().build().expect("settings");
    ctx.batches([vec![1], vec![2]])
        .for_each_batch(|_, _| Ok(()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    ctx.listen(move |event: &StreamEvent| {
        if format!("{event:?}").starts_with(at) {
            panic!("the disk of the metrics is full");
        }
    });
    ctx.listen(move |event: &StreamEvent| {
        let event = match event {
            StreamEvent::Failed(error) => error.to_string(),
            other => format!("{other:?}"),
        };
        let word = event.split('(').next().unwrap_or_default().to_string();
        lock(&sink).push(word);
    });
    let result = run(ctx, &clock, |_| {});
    let told = lock(&told).clone();
    (result, told)
}

#[test]
fn a_listener_that_panics_ends_the_stream_with_its_message() {
    let words = "panicked: the disk of the metrics is full";
    for (at, before) in [
        ("Submitted", vec!["Submitted"]),
        ("Started", vec!["Submitted", "Started"]),
        ("Completed", vec!["Submitted", "Started", "Completed"]),
    ] {
        let (result, told) = panic_at(at);
        let error = result.expect_err("a failure");
        assert_eq!(error.operator(), "listener");
        assert!(error.to_string().contains(words), "{error}");
        let (last, others) = told.split_last().expect("the failure");
        assert_eq!(
            (others, last.contains(words)),
            (
                &before.iter().map(ToString::to_string).collect::<Vec<_>>()[..],
                true
            )
        );
    }
}

/// A source that panics where no batch is to blame.
struct Faulty;

impl Source for Faulty {
    type Item = u32;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0])
    }

    fn plan(&mut self, _: &[u64], _: usize) -> Result<Vec<Range<u64>>, BoxError> {
        Err("no batch is run".into())
    }

    fn read(&mut self, _: usize, _: &Range<u64>) -> Result<Vec<u32>, BoxError> {
        Err("no batch is run".into())
    }

    fn is_finished(&self, _: &[u64]) -> bool {
        panic!("no end in sight")
    }
}

#[test]
fn a_panic_on_the_clocks_thread_is_an_error_with_its_message() {
    let ctx = builder().build().expect("settings");
    ctx.source(Faulty).for_each_batch(|_, _| Ok(()));
    let (clock, _) = TestClock::new(false);
    let ended = ctx.start_on(clock).expect("a thread").await_termination();
    let error = ended.expect_err("a panic");
    assert_eq!(error.operator(), "driver");
    assert!(
        error.to_string().contains("panicked: no end in sight"),
        "{error}"
    );
}

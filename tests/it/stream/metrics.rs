//! What is told about batches, operators and receivers.

use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use forebay::stream::{
    BoxError, Every, Receiver, ReceiverState, Sender, StateSpec, StepError, StreamEvent,
    StreamingContext,
};

use super::{Flaky, builder, context, millis};

/// The events of a stream in short, as they come.
fn log_of(ctx: &StreamingContext) -> Arc<Mutex<Vec<String>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    ctx.listen(move |event: &StreamEvent| {
        sink.lock().unwrap().push(match event {
            StreamEvent::Submitted(time) => format!("submitted {time}"),
            StreamEvent::Started(time) => format!("started {time}"),
            StreamEvent::Completed(report) => {
                format!("completed {} with {}", report.time(), report.items())
            }
            StreamEvent::Failed(error) => format!("failed {}", error.operator()),
            StreamEvent::ReceiverStarted(name) => format!("{name} started"),
            StreamEvent::ReceiverError(name, message) => format!("{name}: {message}"),
            StreamEvent::ReceiverStopped(name) => format!("{name} stopped"),
            other => format!("{other:?}"),
        });
    });
    log
}

#[test]
fn listeners_hear_of_every_batch() {
    let ctx = context();
    ctx.batches([vec![1, 2], vec![0]])
        .try_map(|n| 6u32.checked_div(n).ok_or("division by zero"))
        .for_each_batch(|_, _| Ok(()));
    let log = log_of(&ctx);
    ctx.into_driver().unwrap().run_to_end().unwrap_err();
    let expected = [
        "submitted 1000 ms",
        "started 1000 ms",
        "completed 1000 ms with 2",
        "submitted 2000 ms",
        "started 2000 ms",
        "failed try_map-1",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn batches_that_come_while_another_runs_are_submitted_before_they_start() {
    let ctx = builder().batch_interval(Duration::from_millis(1));
    let ctx = ctx.build().unwrap();
    let mut first = true;
    ctx.from_iter(0..40, 1).for_each_batch(move |_, _| {
        // A slow batch can only be shown by a clock that runs.
        if std::mem::take(&mut first) {
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    let log = log_of(&ctx);
    ctx.start().unwrap().await_termination().unwrap();
    let log = log.lock().unwrap();
    let (mut waiting, mut most) = (0, 0);
    for event in log.iter() {
        waiting += i32::from(event.starts_with("submitted"));
        waiting -= i32::from(event.starts_with("started"));
        most = most.max(waiting);
        assert!(waiting >= 0, "{log:?}");
    }
    assert!(most >= 10, "{log:?}");
}

#[test]
fn the_life_of_a_receiver_is_reported() {
    let ctx = context();
    let (numbers, status) = ctx.receiver(Flaky(0));
    numbers.named("flaky").for_each_batch(|_, _| Ok(()));
    let log = log_of(&ctx);
    assert_eq!(status.state(), ReceiverState::Waiting);
    let mut driver = ctx.into_driver().unwrap();
    let started = Instant::now();
    while status.state() != ReceiverState::Stopped {
        assert!(started.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(1));
    }
    let first = driver.step(millis(1_000)).unwrap();
    assert_eq!((status.items(), status.errors()), (3, 2));
    let second = driver.step(millis(2_000)).unwrap();
    for report in [first, second] {
        let [input, output] = report.operators() else {
            panic!("two operators");
        };
        let receiver = input.receiver().unwrap();
        assert_eq!(receiver.state(), ReceiverState::Stopped);
        assert_eq!((receiver.items(), receiver.errors()), (3, 2));
        assert_eq!(receiver.rate(), 0.0);
        assert_eq!(output.receiver(), None);
    }
    let log = log.lock().unwrap();
    let told: Vec<&String> = log.iter().filter(|event| event.contains("flaky")).collect();
    assert_eq!(
        told,
        [
            "flaky started",
            "flaky: not now",
            "flaky: panicked: not now either",
            "flaky stopped"
        ]
    );
}

#[test]
fn a_stop_is_the_end_of_a_receiver() {
    struct Silent;
    impl Receiver for Silent {
        type Item = u32;
        fn receive(&mut self, sender: &Sender<u32>) -> Result<(), BoxError> {
            while !sender.is_stopped() {
                thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        }
    }
    let ctx = builder().batch_interval(Duration::from_secs(3_600));
    let ctx = ctx.build().unwrap();
    let (numbers, status) = ctx.receiver(Silent);
    numbers.for_each_batch(|_, _| Ok(()));
    let log = log_of(&ctx);
    let running = ctx.start().unwrap();
    assert_eq!(status.state(), ReceiverState::Running);
    running.stop().unwrap();
    assert_eq!(status.state(), ReceiverState::Stopped);
    assert_eq!(
        *log.lock().unwrap(),
        ["receiver-0 started", "receiver-0 stopped"]
    );
}

#[test]
fn a_report_has_the_items_and_the_state_of_every_operator() {
    let ctx = context();
    let numbers = ctx.from_iter(0..100u64, 50).named("numbers");
    let pairs = numbers.map(|n| (n % 10, n)).named("pairs");
    let sums = pairs.update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    sums.named("sums")
        .count()
        .named("count")
        .for_each_batch(|_, _| Ok(()));
    let spec = StateSpec::new(
        |_, key: &u64, new: Option<u64>, state: &mut forebay::stream::State<u64>| {
            state.update(new?);
            Some(*key)
        },
    );
    let touched = pairs.state_by_key(spec).named("touched");
    touched.for_each_batch(|_, _| Ok(()));
    let report = ctx.into_driver().unwrap().step(millis(1_000)).unwrap();
    let of = |name| {
        let mut operators = report.operators().iter();
        operators.find(|operator| operator.name() == name).unwrap()
    };
    assert_eq!(report.operators().len(), 7);
    assert_eq!((report.items(), report.retries()), (50, 0));
    assert_eq!(of("numbers").items(), Some(50));
    // Read twice, hence computed once and counted.
    assert_eq!(of("pairs").items(), Some(50));
    assert_eq!(of("count").items(), Some(1));
    assert_eq!(of("touched").items(), Some(50));
    assert_eq!(of("pairs").state(), None);
    for name in ["sums", "touched"] {
        let state = of(name).state().unwrap();
        assert_eq!(state.keys(), 10);
        assert!(state.bytes() >= 10 * 16, "{state:?}");
    }
    let parts = report
        .operators()
        .iter()
        .map(forebay::stream::OperatorReport::duration);
    assert!(parts.sum::<Duration>() <= report.duration());
    assert_eq!(report.total_delay(), report.duration());
}

/// The batch has run, and its outputs are done.
#[test]
fn a_batch_whose_checkpoint_fails_is_completed() {
    let directory = tempfile::tempdir().unwrap();
    let ctx = builder().checkpoint(directory.path(), Every::batches(1));
    let ctx = ctx.build().unwrap();
    ctx.from_iter([1u32, 2], 1).for_each_batch(|_, _| Ok(()));
    let log = log_of(&ctx);
    let mut driver = ctx.into_driver().unwrap();
    driver.step(millis(1_000)).unwrap();
    driver.checkpoint().unwrap();
    // In the way of the next checkpoint: a file where its directory is to be made.
    fs::write(directory.path().join(".part-00000000000000002000"), b"").unwrap();
    driver.step(millis(2_000)).unwrap_err();
    let log = log.lock().unwrap();
    let last = [
        "started 2000 ms",
        "completed 2000 ms with 1",
        "failed checkpoint",
    ];
    assert_eq!(log[log.len() - 3..], last);
}

#[test]
fn a_listener_that_panics_ends_the_stream_and_others_hear_why() {
    let ctx = context();
    ctx.batches([vec![1], vec![2]])
        .for_each_batch(|_, _| Ok(()));
    ctx.listen(|event: &StreamEvent| {
        assert!(
            !matches!(event, StreamEvent::Completed(_)),
            "the disk of the metrics is full"
        );
    });
    let log = log_of(&ctx);
    let mut driver = ctx.into_driver().unwrap();
    let error = driver.step(millis(1_000)).unwrap_err().to_string();
    assert!(error.contains("operator listener"), "{error}");
    assert!(
        error.contains("panicked: the disk of the metrics is full"),
        "{error}"
    );
    // The batch is over, and no other one runs.
    assert_eq!(driver.last_time(), Some(millis(1_000)));
    assert!(matches!(
        driver.step(millis(2_000)),
        Err(StepError::Failed(_))
    ));
    let told = [
        "submitted 1000 ms",
        "started 1000 ms",
        "completed 1000 ms with 1",
        "failed listener",
    ];
    assert_eq!(*log.lock().unwrap(), told);
}

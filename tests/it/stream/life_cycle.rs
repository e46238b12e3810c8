//! Building, starting, stepping, stopping.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use forebay::stream::{
    BatchQueue, BuildError, Executor, StartError, StepError, StopError, StreamingContext,
};

use super::{Seen, builder, context, millis};

#[test]
fn settings_without_sense_are_errors_that_name_them() {
    let error = |builder: forebay::stream::ContextBuilder| builder.build().unwrap_err().to_string();
    assert!(error(builder().batch_interval(Duration::ZERO)).contains("interval 0ns"));
    let micros = Duration::from_micros(1_500);
    assert!(error(builder().batch_interval(micros)).contains("1.5ms"));
    assert!(error(builder().threads(0)).contains("threads is 0"));
    assert!(error(builder().partitions(0)).contains("partitions is 0"));
    assert!(error(builder().key_groups(70_000)).contains("key groups is 70000"));
    assert!(matches!(
        Executor::new(0),
        Err(BuildError::Count("threads", 0))
    ));
}

#[test]
fn a_context_without_output_does_not_start() {
    let ctx = context();
    ctx.batches([vec![1]]).map(|n| n + 1);
    let error = ctx.start().unwrap_err();
    assert!(matches!(error, StartError::NoOutput));
    assert!(
        error
            .to_string()
            .contains("no output operations registered")
    );
}

#[test]
fn two_operators_of_one_name_do_not_start() {
    let ctx = context();
    let numbers = ctx.batches([vec![1]]).named("same");
    numbers.map(|n| n + 1).named("same").print();
    let error = ctx.into_driver().unwrap_err();
    assert!(matches!(error, StartError::DuplicateName(name) if name == "same"));
}

#[test]
fn batch_times_are_checked_and_a_refused_one_changes_nothing() {
    let ctx = context();
    let seen = Seen::of(&ctx.batches([vec![1], vec![2]]));
    let mut driver = ctx.into_driver().unwrap();
    for wrong in [0, 1_500] {
        let error = driver.step(millis(wrong)).unwrap_err();
        assert!(matches!(error, StepError::NotAMultiple { .. }), "{error}");
    }
    assert_eq!(driver.step(millis(5_000)).unwrap().items(), 1);
    for wrong in [0, 4_000, 5_000, 5_500, 7_000] {
        let error = driver.step(millis(wrong)).unwrap_err();
        assert!(matches!(error, StepError::OutOfOrder { .. }));
        let text = error.to_string();
        assert!(text.contains("6000 ms") && text.contains(&format!("{wrong} ms")));
    }
    assert_eq!(driver.next_time(), millis(6_000));
    driver.step(millis(6_000)).unwrap();
    assert!(driver.is_finished());
    assert_eq!(seen.batches(), [[1], [2]]);
}

#[test]
fn a_queue_gives_one_collection_a_batch_and_ends_when_closed() {
    let queue = BatchQueue::new();
    let ctx = context();
    let seen = Seen::of(&ctx.queue_stream(&queue));
    let mut driver = ctx.into_driver().unwrap();
    queue.push(vec![1]);
    queue.push(vec![2, 3]);
    for time in 1..=4 {
        driver.step(millis(1_000 * time)).unwrap();
    }
    assert!(!driver.is_finished());
    queue.close();
    queue.push(vec![4]);
    assert!(driver.is_finished());
    assert_eq!(seen.batches(), [vec![1], vec![2, 3], vec![], vec![]]);
}

#[test]
fn queues_may_give_all_at_once_or_a_default() {
    let all = BatchQueue::all_at_once();
    let idle = BatchQueue::with_default(vec![0]);
    let ctx = context();
    let (first, second) = (
        Seen::of(&ctx.queue_stream(&all)),
        Seen::of(&ctx.queue_stream(&idle)),
    );
    all.push(vec![1]);
    all.push(vec![2]);
    idle.push(vec![9]);
    let mut driver = ctx.into_driver().unwrap();
    driver.step(millis(1_000)).unwrap();
    driver.step(millis(2_000)).unwrap();
    assert_eq!(first.batches(), [vec![1, 2], vec![]]);
    assert_eq!(second.batches(), [[9], [0]]);
}

#[test]
fn a_bounded_context_ends_by_itself() {
    let ctx = builder()
        .batch_interval(Duration::from_millis(1))
        .build()
        .unwrap();
    let seen = Seen::of(&ctx.from_iter(0..10, 3));
    ctx.start().unwrap().await_termination().unwrap();
    let expected = [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7, 8], vec![9]];
    assert_eq!(seen.batches(), expected);
}

#[test]
fn an_empty_bounded_context_ends_without_a_batch() {
    let ctx = context();
    let seen = Seen::of(&ctx.from_iter(std::iter::empty::<u8>(), 3));
    assert_eq!(ctx.into_driver().unwrap().run_to_end().unwrap(), 0);
    assert!(seen.batches().is_empty());
}

/// A context on a clock so slow that only a stop ends it.
fn slow(queue: &BatchQueue<u32>) -> (StreamingContext, Seen<u32>) {
    let ctx = builder()
        .batch_interval(Duration::from_secs(3_600))
        .build()
        .unwrap();
    let seen = Seen::of(&ctx.queue_stream(queue));
    (ctx, seen)
}

#[test]
fn a_graceful_stop_processes_what_was_received_in_time() {
    let queue = BatchQueue::from_iter([vec![1], vec![2], vec![3]]);
    let interval = Duration::from_millis(5);
    let ctx = builder().batch_interval(interval).build().unwrap();
    let seen = Seen::of(&ctx.queue_stream(&queue));
    let running = ctx.start().unwrap();
    running.stop().unwrap();
    assert_eq!(seen.batches().concat(), [1, 2, 3]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let last = *seen.times().last().unwrap();
    assert!(u128::from(last) <= now.as_millis());
}

/// The batch of the hour gets nothing more, so it does not wait for the hour to end.
#[test]
fn a_graceful_stop_in_a_long_interval_cuts_its_batch() {
    let queue = BatchQueue::from_iter([vec![1], vec![2], vec![3]]);
    let (ctx, seen) = slow(&queue);
    let mut running = ctx.start().unwrap();
    let ended = running.await_termination_or_timeout(Duration::from_millis(5));
    assert!(!ended.unwrap());
    let error = running.stop().unwrap_err();
    assert!(matches!(error, StopError::Unprocessed { .. }), "{error}");
    assert_eq!(error.operator(), "queue-0");
    assert_eq!((seen.batches(), queue.len()), (vec![vec![1]], 2));
}

#[test]
fn a_stop_at_once_leaves_what_was_received() {
    let queue = BatchQueue::from_iter([vec![1], vec![2]]);
    let (ctx, seen) = slow(&queue);
    ctx.start().unwrap().stop_now().unwrap();
    assert!(seen.batches().is_empty());
    assert_eq!(queue.len(), 2);
}

#[test]
fn dropping_a_running_stream_stops_it() {
    let (ctx, _) = slow(&BatchQueue::new());
    drop(ctx.start().unwrap());
}

#[test]
fn a_stop_handle_stops_from_elsewhere() {
    let (ctx, _) = slow(&BatchQueue::new());
    let mut running = ctx.start().unwrap();
    let handle = running.stop_handle();
    std::thread::spawn(move || handle.stop());
    let ended = running.await_termination_or_timeout(Duration::from_secs(60));
    assert!(ended.unwrap());
}

#[test]
fn an_executor_outlives_its_streams() {
    let executor = Executor::new(2).unwrap();
    for _ in 0..3 {
        let ctx = |name| {
            let builder = StreamingContext::builder(name).executor(&executor);
            builder.batch_interval(Duration::from_millis(1)).build()
        };
        let (first, second) = (ctx("first").unwrap(), ctx("second").unwrap());
        let seen = (
            Seen::of(&first.from_iter(0..100, 50).map(|n| n + 1)),
            Seen::of(&second.from_iter(0..100, 10).map(|n| n * 2)),
        );
        let (first, second) = (first.start().unwrap(), second.start().unwrap());
        first.await_termination().unwrap();
        second.await_termination().unwrap();
        assert_eq!(seen.0.batches().len(), 2);
        assert_eq!(seen.1.batches().len(), 10);
    }
}

#[test]
fn dropping_a_busy_stream_ends_it_and_frees_a_sender_that_is_held_back() {
    let ctx = builder().batch_interval(Duration::from_millis(1));
    let ctx = ctx.build().unwrap();
    let (sender, numbers) = ctx.channel(1);
    let (began, begun) = std::sync::mpsc::channel();
    numbers.for_each_batch(move |_, _| {
        // Nobody listens any more once the test goes on.
        let _ = began.send(());
        std::thread::sleep(Duration::from_millis(1));
        Ok(())
    });
    let running = ctx.start().unwrap();
    let sender = std::thread::spawn(move || (0..).find(|n| sender.send(*n).is_err()));
    begun.recv().unwrap();
    drop(running);
    assert!(sender.join().unwrap().is_some());
    // The driver is gone with all its outputs: this would wait for ever otherwise.
    while begun.recv().is_ok() {}
    assert!(begun.try_recv().is_err());
}

#[test]
fn a_stream_that_fails_leaves_the_others_on_its_executor_alone() {
    let executor = Executor::new(2).unwrap();
    let ctx = |name| {
        let builder = StreamingContext::builder(name).executor(&executor);
        let every = Duration::from_millis(1);
        builder.batch_interval(every).partitions(4).build().unwrap()
    };
    let (failing, sound) = (ctx("failing"), ctx("sound"));
    let explode = |n: u64| -> u64 { panic!("number {n}") };
    failing.from_iter(0..100, 50).map(explode).count().print();
    let seen = Seen::of(&sound.from_iter(0..100u64, 10).map(|n| n + 1));
    let (failing, sound) = (failing.start().unwrap(), sound.start().unwrap());
    let error = failing.await_termination().unwrap_err().to_string();
    assert!(error.contains("map-1"), "{error}");
    sound.await_termination().unwrap();
    assert_eq!(seen.batches().concat().len(), 100);
}

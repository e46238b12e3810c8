//! Limits of rate, for every kind of input.

use forebay::stream::{BatchQueue, BoxError, BuildError, ContextBuilder, Driver, FailurePolicy};

use super::{Seen, builder, millis};

fn slow() -> ContextBuilder {
    builder().max_rate(3.0)
}

#[test]
fn a_rate_without_sense_is_an_error_that_names_it() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for builder in [builder().max_rate(rate), builder().backpressure(rate)] {
            let error = builder.build().unwrap_err();
            assert!(matches!(error, BuildError::Rate(_)));
            assert!(error.to_string().contains(&rate.to_string()));
        }
    }
}

/// Steps a driver to its end; every batch but the last has three items.
fn drain(mut driver: Driver, seen: &Seen<u32>) {
    let steps = driver.run_to_end().unwrap();
    let batches = seen.batches();
    assert_eq!(steps, batches.len());
    let (last, full) = batches.split_last().unwrap();
    assert!(full.iter().all(|batch| batch.len() == 3));
    assert_eq!(last.len(), 1);
    assert_eq!(batches.concat(), (0..10).collect::<Vec<_>>());
}

#[test]
fn an_iterator_a_queue_and_a_channel_are_held_to_the_rate_and_lose_nothing() {
    let ctx = slow().build().unwrap();
    let seen = Seen::of(&ctx.from_iter(0..10, 100));
    drain(ctx.into_driver().unwrap(), &seen);

    let queue = BatchQueue::all_at_once();
    queue.push((0..5).collect());
    queue.push((5..10).collect());
    queue.close();
    let ctx = slow().build().unwrap();
    let seen = Seen::of(&ctx.queue_stream(&queue));
    drain(ctx.into_driver().unwrap(), &seen);

    let ctx = slow().build().unwrap();
    let (sender, numbers) = ctx.channel(100);
    let seen = Seen::of(&numbers);
    sender.send_all((0..10).collect()).unwrap();
    drop(sender);
    drain(ctx.into_driver().unwrap(), &seen);
}

#[test]
fn each_input_has_a_limit_of_its_own() {
    let ctx = slow().build().unwrap();
    let both = ctx.from_iter(0..10, 10).union(&ctx.from_iter(0..10, 10));
    let seen = Seen::of(&both);
    ctx.into_driver().unwrap().step(millis(1_000)).unwrap();
    assert_eq!(seen.batches(), [[0, 1, 2, 0, 1, 2]]);
}

#[test]
fn the_first_batch_under_back_pressure_has_the_initial_limit() {
    let ctx = builder().backpressure(4.0).build().unwrap();
    let seen = Seen::of(&ctx.from_iter(0..1_000_000, 1_000_000));
    let mut driver = ctx.into_driver().unwrap();
    for step in 1..=4 {
        driver.step(millis(1_000 * step)).unwrap();
    }
    let sizes: Vec<usize> = seen.batches().iter().map(Vec::len).collect();
    // The first estimate comes after the second batch; it is never below the least rate.
    assert_eq!(sizes[..2], [4, 4]);
    assert!(sizes[2] >= 100, "{sizes:?}");
}

#[test]
fn batches_that_are_left_out_do_not_raise_the_limit() {
    let policy = builder().on_failure(FailurePolicy::Skip);
    let ctx = policy.backpressure(4.0).build().unwrap();
    let numbers = ctx.from_iter(0..1_000_000, 1_000_000);
    numbers.for_each_batch(|_, _| Err(BoxError::from("the database refuses")));
    let mut driver = ctx.into_driver().unwrap();
    for step in 1..=4 {
        let report = driver.step(millis(1_000 * step)).unwrap();
        assert_eq!(report.items(), 4, "batch {step}");
    }
}

#[test]
fn what_is_queued_is_cut_without_a_default_in_between() {
    let queue = BatchQueue::with_default((100..110).collect());
    let ctx = slow().build().unwrap();
    let seen = Seen::of(&ctx.queue_stream(&queue));
    let mut driver = ctx.into_driver().unwrap();
    let mut step = || driver.step(driver.next_time()).unwrap();
    step();
    // A default is for a batch without anything; what exceeds the limit waits for none.
    queue.push((0..5).collect());
    assert_eq!(queue.len(), 1);
    for _ in 0..4 {
        step();
    }
    let default = vec![100, 101, 102];
    let expected = [
        default.clone(),
        vec![0, 1, 2],
        vec![3, 4],
        default.clone(),
        default,
    ];
    assert_eq!(seen.batches(), expected);
}

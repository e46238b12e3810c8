//! A closure that panics or errs fails the batch under its operator's name, and nothing hangs.

use std::error::Error;

use forebay::stream::{BatchError, BatchTime, BoxError, StepError, StreamingContext};

use super::{builder, context, millis};

/// The error of the second batch, after a first one that went well.
fn failure(ctx: StreamingContext) -> BatchError {
    let mut driver = ctx.into_driver().unwrap();
    driver.step(millis(1_000)).unwrap();
    let Err(StepError::Batch(error)) = driver.step(millis(2_000)) else {
        panic!("the second batch did not fail");
    };
    let refused = driver.step(millis(3_000)).unwrap_err();
    assert!(matches!(&refused, StepError::Failed(_)), "{refused}");
    assert!(refused.to_string().contains(&error.to_string()));
    assert_eq!(error.time(), BatchTime::from_millis(2_000));
    error
}

/// Declares a stream that fails in its second batch.
type Declare = fn(&StreamingContext);

fn explode(n: u64) -> u64 {
    assert!(n < 100, "boom at {n}");
    n
}

fn batches() -> [Vec<u64>; 2] {
    [vec![1, 2, 3, 4], vec![5, 6, 7, 100]]
}

#[test]
fn a_panic_is_blamed_on_the_operator_inside_a_fused_chain() {
    for threads in [1, 2, 8] {
        let ctx = builder().threads(threads).build().unwrap();
        ctx.batches(batches())
            .map(|n| n)
            .flat_map(|n| [n])
            .map(explode)
            .named("fuse")
            .filter(|_| true)
            .flat_map(|n| [n, n])
            .for_each_batch(|_, _| Ok(()));
        let error = failure(ctx);
        assert_eq!(error.operator(), "fuse");
        assert_eq!(error.partition(), Some(2));
        assert!(error.is_panic() && error.source().is_none());
        assert_eq!(
            error.to_string(),
            "operator fuse failed in the batch of 2000 ms, partition 2: panicked: boom at 100"
        );
    }
}

#[test]
fn a_panic_is_blamed_on_every_kind_of_operator() {
    let kinds: [(&str, Declare); 9] = [
        ("flat_map-1", |ctx| {
            ctx.batches(batches())
                .flat_map(|n| (0..1).map(move |_| explode(n)))
                .count()
                .print();
        }),
        ("filter-1", |ctx| {
            ctx.batches(batches()).filter(|n| explode(*n) > 0).print();
        }),
        ("map_partitions-1", |ctx| {
            ctx.batches(batches())
                .map_partitions(|items| items.map(explode))
                .print();
        }),
        ("reduce-2", |ctx| {
            ctx.batches(batches())
                .flat_map(|n| [n, n])
                .reduce(|a, b| explode(a.max(b)))
                .print();
        }),
        ("reduce_by_key-2", |ctx| {
            ctx.batches(batches())
                .flat_map(|n| [((), n), ((), n)])
                .reduce_by_key(|a, b| explode(a.max(b)))
                .count()
                .print();
        }),
        ("update_state_by_key-2", |ctx| {
            ctx.batches(batches())
                .map(|n| (n, n))
                .update_state_by_key(|n, _, _| Some(explode(*n)))
                .count()
                .print();
        }),
        ("transform-1", |ctx| {
            ctx.batches(batches())
                .transform(|batch, _| batch.map(explode))
                .print();
        }),
        ("queue-0", |ctx| {
            ctx.from_iter((0..8).map(|n| explode(20 * n)), 4)
                .named("queue-0")
                .print();
        }),
        ("for_each_batch-1", |ctx| {
            ctx.batches(batches()).for_each_batch(|batch, _| {
                batch.iter().copied().for_each(|n| {
                    explode(n);
                });
                Ok(())
            });
        }),
    ];
    for (name, declare) in kinds {
        let ctx = context();
        declare(&ctx);
        assert_eq!(failure(ctx).operator(), name);
    }
}

#[test]
fn an_error_fails_the_batch_and_is_the_source() {
    fn check(n: u64) -> Result<u64, BoxError> {
        match n {
            100.. => Err(format!("{n} is too much").into()),
            _ => Ok(n),
        }
    }
    let kinds: [(&str, Declare); 5] = [
        ("try_map-1", |ctx| {
            ctx.batches(batches()).try_map(check).print();
        }),
        ("try_flat_map-1", |ctx| {
            let items = ctx.batches(batches());
            items.try_flat_map(|n| check(n).map(|n| [n, n])).print();
        }),
        ("try_filter-1", |ctx| {
            let items = ctx.batches(batches());
            items.try_filter(|n| check(*n).map(|n| n > 0)).print();
        }),
        ("transform-1", |ctx| {
            ctx.batches(batches())
                .transform(|batch, _| {
                    batch.iter().try_for_each(|n| check(*n).map(drop))?;
                    Ok::<_, BoxError>(batch)
                })
                .print();
        }),
        ("for_each_batch-1", |ctx| {
            ctx.batches(batches())
                .for_each_batch(|batch, _| batch.iter().try_for_each(|n| check(*n).map(drop)));
        }),
    ];
    for (name, declare) in kinds {
        let ctx = context();
        declare(&ctx);
        let error = failure(ctx);
        assert_eq!(error.operator(), name);
        assert!(!error.is_panic());
        assert_eq!(error.source().unwrap().to_string(), "100 is too much");
    }
}

#[test]
fn of_several_failing_partitions_the_first_is_reported() {
    for threads in [1, 2, 8] {
        let ctx = builder().threads(threads).partitions(6).build().unwrap();
        ctx.batches([vec![0; 12], (0..12).map(|n| 95 + n).collect()])
            .map(explode)
            .count()
            .print();
        let error = failure(ctx);
        assert_eq!(error.partition(), Some(2));
        assert!(error.to_string().contains("boom at 100"));
    }
}

#[test]
fn awaiting_a_failed_stream_gives_the_error() {
    let ctx = builder()
        .batch_interval(std::time::Duration::from_millis(1))
        .build()
        .unwrap();
    ctx.batches(batches())
        .map(explode)
        .print_to(std::io::sink(), 1);
    let error = ctx.start().unwrap().await_termination().unwrap_err();
    assert_eq!(error.operator(), "map-1");
    assert!(error.to_string().contains("boom at 100"));
}

//! Past batches at hand.

use std::time::Duration;

use forebay::stream::{BoxError, FailurePolicy, History};

use super::{builder, millis};

const SECOND: Duration = Duration::from_secs(1);

fn slice(history: &History<u64>, from: u64, to: u64) -> Vec<(u64, Vec<u64>)> {
    let batches = history.slice(millis(from), millis(to)).into_iter();
    batches
        .map(|batch| (batch.time().as_millis(), batch.into_vec()))
        .collect()
}

#[test]
fn a_batch_left_out_is_not_remembered_and_one_run_again_is_once() {
    for (policy, expected) in [
        (
            FailurePolicy::Skip,
            vec![(1_000, vec![1]), (3_000, vec![3])],
        ),
        (
            FailurePolicy::Retry(1),
            vec![(1_000, vec![1]), (2_000, vec![2]), (3_000, vec![3])],
        ),
    ] {
        let ctx = builder().on_failure(policy).build().unwrap();
        let numbers = ctx.batches([vec![1], vec![2], vec![3]]);
        let history = numbers.remember(60 * SECOND);
        let mut fails = true;
        numbers.for_each_batch(move |_, time| match time == millis(2_000) && fails {
            true => {
                fails = false;
                Err(BoxError::from("once"))
            }
            false => Ok(()),
        });
        ctx.into_driver().unwrap().run_to_end().unwrap();
        assert_eq!(slice(&history, 0, 9_000), expected);
    }
}

#[test]
fn a_recovered_stream_remembers_its_batches_before_it_runs_one() {
    use forebay::stream::{Every, StreamingContext};

    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let mut history = None;
        let build = || -> Result<StreamingContext, BoxError> {
            let durable = builder().checkpoint(directory.path(), Every::batches(2));
            let ctx = durable.build()?;
            let numbers = ctx.from_iter(0..20u64, 2);
            history = Some(numbers.remember(3 * SECOND));
            Ok(ctx)
        };
        let ctx = StreamingContext::recover_or(directory.path(), build).unwrap();
        (history.unwrap(), ctx.into_driver().unwrap())
    };
    let (history, mut driver) = open();
    assert!(slice(&history, 0, 99_000).is_empty());
    for _ in 0..5 {
        driver.step(driver.next_time()).unwrap();
    }
    drop(driver);
    let (history, mut driver) = open();
    // The checkpoint is that of the fourth batch.
    let kept = [
        (2_000, vec![2, 3]),
        (3_000, vec![4, 5]),
        (4_000, vec![6, 7]),
    ];
    assert_eq!(slice(&history, 0, 99_000), kept);
    assert_eq!(slice(&history, 2_999, 3_500), kept[..2]);
    let batch = history.slice(millis(3_000), millis(3_000)).remove(0);
    assert_eq!(batch.map(|n| n * 10).into_vec(), [40, 50]);
    driver.step(driver.next_time()).unwrap();
    let last = (5_000, vec![8, 9]);
    assert_eq!(
        slice(&history, 0, 99_000),
        [kept[1].clone(), kept[2].clone(), last]
    );
}

#[test]
fn what_cannot_be_kept_is_refused() {
    use forebay::stream::Every;

    #[derive(Clone)]
    struct Unknown;
    let directory = tempfile::tempdir().unwrap();
    let durable = builder().checkpoint(directory.path(), Every::batches(2));
    let ctx = durable.build().unwrap();
    let unknown = ctx.from_iter(0..3, 1).map(|_| Unknown);
    let _history = unknown.remember(SECOND);
    let error = ctx.into_driver().unwrap_err().to_string();
    assert!(
        error.contains("remember-2") && error.contains("Unknown"),
        "{error}"
    );
}

/// The operator that uses an older batch fails in its own batch; the cause names the older one.
#[test]
fn a_failure_on_an_older_batch_is_that_of_the_batch_that_runs() {
    use forebay::stream::{BatchError, StepError};
    use std::error::Error;

    type Use = fn(forebay::stream::Batch<u64>) -> Result<(), BoxError>;
    let panics: Use = |batch| {
        let _ = batch.map(|_| -> u64 { panic!("no such day") });
        Ok(())
    };
    let reduces: Use = |batch| {
        batch.reduce(|_, _| panic!("no such day"))?;
        Ok(())
    };
    for uses in [panics, reduces] {
        let ctx = builder().build().unwrap();
        let numbers = ctx.batches([vec![1, 2], vec![2, 3]]);
        let history = numbers.remember(60 * SECOND);
        numbers.for_each_batch(move |_, time| match time == millis(2_000) {
            true => uses(history.slice(millis(1_000), millis(1_000)).remove(0)),
            false => Ok(()),
        });
        let failed = ctx.into_driver().unwrap().run_to_end();
        let Err(StepError::Batch(error)) = failed else {
            panic!("{failed:?}")
        };
        assert_eq!(error.time(), millis(2_000), "{error}");
        assert!(error.is_panic(), "{error}");
        let cause = error.source().unwrap().downcast_ref::<BatchError>();
        let cause = cause.unwrap();
        assert_eq!(cause.time(), millis(1_000), "{error}");
        assert!(cause.source().is_none(), "wrapped twice: {error}");
    }
}

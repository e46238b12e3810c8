//! Queues of batches with positions.

use forebay::stream::ReplayableQueue;

use super::{Seen, builder, context};

#[test]
fn batches_are_read_one_by_one_or_cut_by_the_rate_to_the_end() {
    let queue = ReplayableQueue::new();
    for batch in [vec![1, 2, 3, 4, 5], vec![], vec![6]] {
        queue.push(batch);
    }
    let ctx = builder().max_rate(2.0).build().unwrap();
    let (numbers, positions) = ctx.source_from(queue.clone(), None);
    let seen = Seen::of(&numbers);
    let mut driver = ctx.into_driver().unwrap();
    let mut stood = Vec::new();
    for _ in 0..6 {
        driver.step(driver.next_time()).unwrap();
        let at = positions.get()[0];
        stood.push((at.batch(), at.items()));
    }
    let expected = [vec![1, 2], vec![3, 4], vec![5], vec![], vec![6], vec![]];
    assert_eq!(seen.batches(), expected);
    assert_eq!(stood, [(0, 2), (0, 4), (1, 0), (2, 0), (3, 0), (3, 0)]);
    assert!(!driver.is_finished());
    queue.close();
    queue.push(vec![7]);
    assert!(driver.is_finished());
    assert_eq!(queue.numbers(), 0..3);
}

#[test]
fn what_is_forgotten_is_gone_and_what_was_never_there_is_not_waited_for() {
    let queue = ReplayableQueue::from_iter([vec![1], vec![2], vec![3]]);
    let run = |from| {
        let ctx = context();
        let seen = Seen::of(&ctx.source_from(queue.clone(), from).0);
        let mut driver = ctx.into_driver().map_err(|error| error.to_string())?;
        driver.step(driver.next_time()).unwrap();
        Ok::<_, String>(seen.batches())
    };
    let begin = {
        let ctx = context();
        let (numbers, positions) = ctx.source_from(queue.clone(), None);
        numbers.for_each_batch(|_, _| Ok(()));
        let _driver = ctx.into_driver().unwrap();
        positions.get()
    };
    assert_eq!(run(Some(begin.clone())).unwrap(), [[1]]);
    queue.forget_before(2);
    assert_eq!(queue.numbers(), 2..3);
    let error = run(Some(begin)).unwrap_err();
    assert!(
        error.contains("batch 0 was dropped: the oldest batch held is 2"),
        "{error}"
    );
    assert_eq!(run(None).unwrap(), [[3]]);
    queue.forget_before(7);
    queue.push(vec![8]);
    assert_eq!(queue.numbers(), 7..8);
    assert_eq!(run(None).unwrap(), [[8]]);
}

mod durable {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use forebay::stream::{BatchTime, BoxError, Driver, Every, StreamingContext};

    use super::*;

    type Log = Arc<Mutex<BTreeMap<u64, Vec<(u64, u64)>>>>;

    fn items(number: u64) -> Vec<u64> {
        (0..number % 4).map(|n| n * number).collect()
    }

    fn open(directory: &Path, queue: &ReplayableQueue<u64>, log: &Log) -> Driver {
        let build = || -> Result<StreamingContext, BoxError> {
            let durable = builder().checkpoint(directory, Every::batches(3));
            let ctx = durable.max_rate(2.0).build()?;
            let sums = ctx
                .source(queue.clone())
                .map(|n| (n % 3, n))
                .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
            let log = Arc::clone(log);
            sums.for_each_batch(move |batch, time| {
                log.lock()
                    .unwrap()
                    .insert(time.as_millis(), batch.into_vec());
                Ok(())
            });
            Ok(ctx)
        };
        let ctx = StreamingContext::recover_or(directory, build).unwrap();
        ctx.into_driver().unwrap()
    }

    fn steps(driver: &mut Driver, count: usize) {
        for _ in 0..count {
            driver.step(driver.next_time()).unwrap();
        }
    }

    #[test]
    fn a_stream_without_a_log_goes_on_in_this_process_and_in_another() {
        let whole = || ReplayableQueue::from_iter((0..20).map(items));
        let unbroken = Log::default();
        let directory = tempfile::tempdir().unwrap();
        steps(&mut open(directory.path(), &whole(), &unbroken), 20);
        for lost_after in 1..12 {
            let (directory, log, queue) = (tempfile::tempdir().unwrap(), Log::default(), whole());
            steps(&mut open(directory.path(), &queue, &log), lost_after);
            // The same queue, one that is filled anew, and one that begins where it must.
            let mut driver = open(directory.path(), &queue, &log);
            let restored = driver.last_time().map_or(0, BatchTime::as_millis) as usize / 1_000;
            assert_eq!(restored, lost_after / 3 * 3);
            steps(&mut driver, 4);
            drop(driver);
            steps(&mut open(directory.path(), &whole(), &log), 4);
            let later = ReplayableQueue::new();
            let mut driver = open(directory.path(), &later, &log);
            later.forget_before(queue.numbers().start);
            (queue.numbers().start..20).for_each(|number| later.push(items(number)));
            while driver.last_time() < Some(BatchTime::from_millis(20_000)) {
                steps(&mut driver, 1);
            }
            assert_eq!(
                *log.lock().unwrap(),
                *unbroken.lock().unwrap(),
                "{lost_after}"
            );
        }
    }

    #[test]
    fn batches_that_no_checkpoint_goes_back_to_are_released() {
        let (directory, log) = (tempfile::tempdir().unwrap(), Log::default());
        let queue = ReplayableQueue::from_iter((0..20).map(|_| vec![1]));
        let mut driver = open(directory.path(), &queue, &log);
        for _ in 0..6 {
            steps(&mut driver, 3);
            driver.checkpoint().unwrap();
        }
        // After 18 batches the checkpoints of 15 and 18 are kept.
        assert_eq!(queue.numbers(), 15..20);
        drop(driver);
        steps(&mut open(directory.path(), &queue, &log), 2);
    }
}

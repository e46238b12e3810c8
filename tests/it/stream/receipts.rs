//! What a sender may know of what it has sent.

use std::thread;
use std::time::Duration;

use forebay::stream::{BoxError, FailurePolicy, LostError};

use super::{Seen, builder, context};

const SOON: Duration = Duration::from_millis(1);

#[test]
fn without_a_log_items_are_safe_when_their_batch_is_over() {
    let ctx = builder().max_rate(3.0).build().unwrap();
    let (sender, numbers) = ctx.channel(10);
    let seen = Seen::of(&numbers);
    let mut driver = ctx.into_driver().unwrap();
    assert!(sender.receipt().is_safe());
    sender.send_all(vec![1, 2]).unwrap();
    let first = sender.receipt();
    sender.clone().send_all(vec![3, 4]).unwrap();
    let both = sender.receipt();
    assert_eq!(first.wait_timeout(SOON), Ok(false));
    // The rate lets three of them in.
    driver.step(driver.next_time()).unwrap();
    assert_eq!((first.is_safe(), both.is_safe()), (true, false));
    first.wait().unwrap();
    driver.step(driver.next_time()).unwrap();
    assert_eq!(both.wait_timeout(SOON), Ok(true));
    assert_eq!(seen.batches(), [vec![1, 2, 3], vec![4]]);
}

#[test]
fn a_batch_that_fails_makes_nothing_safe_and_one_left_out_is_over() {
    for (policy, safe) in [(FailurePolicy::Stop, false), (FailurePolicy::Skip, true)] {
        let ctx = builder().on_failure(policy).build().unwrap();
        let (sender, numbers) = ctx.channel(10);
        numbers.for_each_batch(|_, _| Err(BoxError::from("full")));
        let mut driver = ctx.into_driver().unwrap();
        sender.send(1).unwrap();
        let receipt = sender.receipt();
        let result = driver.step(driver.next_time());
        assert_eq!((receipt.is_safe(), result.is_ok()), (safe, safe));
    }
}

#[test]
fn waiting_for_a_stream_that_is_gone_ends() {
    let ctx = context();
    let (sender, numbers) = ctx.channel(10);
    numbers.for_each_batch(|_, _| Ok(()));
    let driver = ctx.into_driver().unwrap();
    sender.send(1).unwrap();
    let receipt = sender.receipt();
    let waiting = thread::spawn(move || receipt.wait());
    drop(driver);
    assert_eq!(waiting.join().unwrap(), Err(LostError));
    assert_eq!(sender.receipt().wait_timeout(SOON), Err(LostError));
}

#[test]
fn a_graceful_stop_keeps_its_promise() {
    let slow = builder().batch_interval(Duration::from_secs(3_600));
    let ctx = slow.build().unwrap();
    let (sender, numbers) = ctx.channel(10);
    numbers.for_each_batch(|_, _| Ok(()));
    let running = ctx.start().unwrap();
    sender.send(1).unwrap();
    let receipt = sender.receipt();
    running.stop().unwrap();
    assert_eq!(receipt.wait(), Ok(()));
    assert_eq!(receipt.wait_timeout(SOON), Ok(true));
}

#[test]
fn with_a_log_items_are_safe_before_their_batch_runs_and_survive_it() {
    use forebay::stream::{Every, Sender, StreamingContext};
    use std::sync::{Arc, Mutex};

    let directory = tempfile::tempdir().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let open = |fails: bool| {
        let build = || -> Result<StreamingContext, BoxError> {
            let durable = builder().checkpoint(directory.path(), Every::batches(10));
            Ok(durable.write_ahead_log().build()?)
        };
        let ctx = StreamingContext::recover_or(directory.path(), build).unwrap();
        let (sender, numbers): (Sender<u32>, _) = ctx.channel(10);
        let (kept, asked) = (sender.clone(), Arc::clone(&asked));
        numbers.for_each_batch(move |batch, _| {
            let safe = kept.receipt().is_safe();
            asked.lock().unwrap().push((batch.into_vec(), safe));
            match fails {
                true => Err("the process is killed here".into()),
                false => Ok(()),
            }
        });
        (sender, ctx.into_driver().unwrap())
    };
    let (sender, mut driver) = open(true);
    sender.send_all(vec![1, 2]).unwrap();
    let receipt = sender.receipt();
    driver.step(driver.next_time()).unwrap_err();
    drop(driver);
    // The stream is gone, and the items are not.
    assert_eq!(receipt.wait(), Ok(()));
    let (_, mut driver) = open(false);
    driver.step(driver.next_time()).unwrap();
    let expected = [(vec![1, 2], true), (vec![1, 2], true)];
    assert_eq!(*asked.lock().unwrap(), expected);
}

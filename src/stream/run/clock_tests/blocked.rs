//! Operators that do not end.

use super::*;

/// A stream whose output has begun and does not end, and what lets it go.
struct Stuck {
    running: RunningStream,
    clock: TestClock,
    waited: Receiver<Duration>,
    queue: BatchQueue<u32>,
    _release: Sender<()>,
}

fn stuck() -> Stuck {
    let (clock, waited) = TestClock::new(false);
    let (began, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let queue = backlog(0..2);
    let ctx = builder().stop_timeout(HOUR).build().expect("settings");
    ctx.queue_stream(&queue)
        .named("in")
        .for_each_batch(move |_, _| {
            began.send(())?;
            // The end comes when the test drops the other side.
            let _ = released.recv();
            Ok(())
        });
    let running = ctx.start_on(clock.clone()).expect("a thread");
    clock.advance_to_first(&waited, running.control());
    begun.recv().expect("the first batch");
    Stuck {
        running,
        clock,
        waited,
        queue,
        _release: release,
    }
}

fn check(result: Result<(), StopError>) {
    let error = result.expect_err("the output is at work");
    let StopError::Blocked {
        operator,
        time,
        timeout,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((operator.as_str(), *timeout), ("for_each_batch-1", HOUR));
    let first = START.as_millis() as u64 / 100 * 100 + 100;
    assert_eq!(*time, Some(BatchTime::from_millis(first)));
    assert_eq!(
        error.to_string(),
        format!(
            "the stream has not ended within 3600s: operator for_each_batch-1 is still at work on the batch of {first} ms"
        )
    );
}

#[test]
fn waiting_for_a_stop_has_an_end_and_names_the_operator() {
    for stop in [RunningStream::stop, RunningStream::stop_now] {
        let Stuck {
            running,
            clock,
            waited,
            _release,
            ..
        } = stuck();
        let control = Arc::clone(running.control());
        let stopping = thread::spawn(move || stop(running));
        let deadline = clock.now() + HOUR;
        waited
            .iter()
            .find(|until| *until == deadline)
            .expect("it waits that long");
        clock.advance(HOUR);
        control.wake();
        check(stopping.join().expect("no panic"));
    }
}

#[test]
fn whoever_awaits_the_end_learns_that_a_stop_takes_too_long() {
    let Stuck {
        mut running,
        clock,
        _release,
        ..
    } = stuck();
    running.stop_handle().stop();
    let ended = running.await_termination_or_timeout(Duration::ZERO);
    assert!(matches!(ended, Ok(false)));
    clock.advance(HOUR);
    check(running.await_termination_or_timeout(HOUR).map(drop));
    check(running.await_termination());
}

#[test]
fn dropping_does_not_wait_longer() {
    let Stuck {
        running,
        clock,
        _release,
        ..
    } = stuck();
    running.stop_handle().stop();
    clock.advance(HOUR);
    drop(running);
}

/// The stream goes on to end by itself when the operator returns at last.
#[test]
fn what_returns_too_late_ends_the_stream() {
    let Stuck {
        running,
        clock,
        queue,
        _release,
        ..
    } = stuck();
    let control = Arc::clone(running.control());
    running.stop_handle().stop();
    clock.advance(HOUR);
    check(running.await_termination());
    drop(_release);
    let ended = loop {
        match control.ended() {
            Some(ended) => break ended,
            None => thread::yield_now(),
        }
    };
    assert!(
        ended.is_ok(),
        "dropping it has asked for a stop at once: {ended:?}"
    );
    assert_eq!(queue.len(), 1);
}

#[test]
fn an_output_that_sends_into_its_own_full_channel_is_named() {
    let (clock, waited) = TestClock::new(false);
    let (began, begun) = mpsc::channel();
    let ctx = builder().build().expect("settings");
    let (sender, numbers) = ctx.channel(1);
    sender.send(0).expect("room for one");
    numbers.named("own").for_each_batch(move |batch, _| {
        for n in batch {
            sender.send(n)?;
            began.send(())?;
            sender.send(n)?;
        }
        Ok(())
    });
    let running = ctx.start_on(clock.clone()).expect("a thread");
    clock.advance_to_first(&waited, running.control());
    begun.recv().expect("the first batch");
    running.stop_handle().stop();
    clock.advance(HOUR);
    let error = running.stop().expect_err("it waits for itself");
    assert!(matches!(error, StopError::Blocked { .. }));
    assert_eq!(error.operator(), "for_each_batch-1");
}

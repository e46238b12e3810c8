//! Streams that are stopped by what they run.

use super::*;

type Held = Arc<Mutex<Option<RunningStream>>>;
type End = fn(RunningStream) -> Result<(), StopError>;

const ENDS: [(&str, End); 5] = [
    ("stop", |running| running.stop()),
    ("stop_now", |running| running.stop_now()),
    ("drop", |running| {
        drop(running);
        Ok(())
    }),
    ("await_termination", RunningStream::await_termination),
    ("await_termination_or_timeout", |mut running| {
        running.await_termination_or_timeout(HOUR).map(drop)
    }),
];

/// Ends the stream when called, once, and tells how that went.
#[derive(Clone)]
struct Ender(Held, End, Sender<Result<(), StopError>>);

impl Ender {
    fn call(&self) {
        let running = lock(&self.0).take();
        if let Some(running) = running {
            let _ = self.2.send((self.1)(running));
        }
    }
}

/// Ends the stream when it is dropped.
struct EndOnDrop(Ender);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.call();
    }
}

/// Declares a stream that ends itself somewhere.
type Declare = fn(&StreamingContext, &BatchQueue<u32>, Ender);

const PLACES: [(&str, usize, &str, Declare); 6] = [
    ("an output", 1, "for_each_batch-1", |ctx, queue, ender| {
        ctx.queue_stream(queue).for_each_batch(move |_, _| {
            ender.call();
            Ok(())
        });
    }),
    (
        "a closure on the clock's thread",
        1,
        "for_each_batch-2",
        |ctx, queue, ender| {
            let numbers = ctx.queue_stream(queue).map(move |n| {
                ender.call();
                n
            });
            numbers.for_each_batch(|_, _| Ok(()));
        },
    ),
    (
        "a closure on a worker",
        2,
        "for_each_batch-2",
        |ctx, queue, ender| {
            let numbers = ctx.queue_stream(queue).map(move |n| {
                assert!(
                    thread::current()
                        .name()
                        .is_some_and(|it| it.contains("worker"))
                );
                ender.call();
                n
            });
            numbers.for_each_batch(|_, _| Ok(()));
        },
    ),
    (
        "a sink on a worker",
        2,
        "for_each_partition-1",
        |ctx, queue, ender| {
            ctx.queue_stream(queue).for_each_partition(move |_, _, _| {
                ender.call();
                Ok(())
            });
        },
    ),
    ("a listener", 1, "listener", |ctx, queue, ender| {
        ctx.queue_stream(queue).for_each_batch(|_, _| Ok(()));
        ctx.listen(move |_: &StreamEvent| ender.call());
    }),
    (
        "a closure that is dropped",
        1,
        "driver",
        |ctx, queue, ender| {
            let dropped = EndOnDrop(ender);
            let numbers = ctx.queue_stream(queue);
            numbers.for_each_batch(move |_, _| {
                let _owned = &dropped;
                Err("the end".into())
            });
        },
    ),
];

#[test]
fn a_stream_is_ended_from_each_of_its_threads() {
    for (place, threads, operator, declare) in PLACES {
        for (what, end) in ENDS {
            let (clock, waited) = TestClock::new(false);
            let (tell, told) = mpsc::channel();
            let (held, queue) = (Held::default(), BatchQueue::new());
            queue.push(vec![1, 2, 3, 4]);
            let ctx = builder().threads(threads).build().expect("settings");
            declare(&ctx, &queue, Ender(Arc::clone(&held), end, tell));
            let running = ctx.start_on(clock.clone()).expect("a thread");
            let control = Arc::clone(running.control());
            *lock(&held) = Some(running);
            clock.advance_to_first(&waited, &control);
            let case = format!("{what} in {place}");
            let result = told.recv().expect("an answer");
            match what.starts_with("await") {
                false => assert!(result.is_ok(), "{case}: {result:?}"),
                true => {
                    let error = result.expect_err(&case);
                    assert!(matches!(error, StopError::Inside { .. }), "{case}: {error}");
                    assert_eq!(error.operator(), operator, "{case}");
                }
            }
            // It ends, and nobody waits: the clock stands still.
            let ended = control.wait_for_end(Duration::MAX);
            assert_eq!(ended.is_err(), operator == "driver", "{case}: {ended:?}");
        }
    }
}

/// A closure may wait for a stream that it is not part of.
#[test]
fn a_stream_awaits_another() {
    let clock = TestClock::jumping();
    let ctx = builder().build().expect("settings");
    ctx.batches([vec![1]]).for_each_batch(|_, _| {
        let other = builder().build()?;
        let nothing: [Vec<u32>; 0] = [];
        other.batches(nothing).for_each_batch(|_, _| Ok(()));
        let (clock, _) = TestClock::new(false);
        Ok(other.start_on(clock)?.await_termination()?)
    });
    run(ctx, &clock, |_| {}).expect("a good end");
}

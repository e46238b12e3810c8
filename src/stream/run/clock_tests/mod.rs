//! Streams on a clock of the test: late ones, and ones that stop, from every thread there is. No
//! test sleeps, and none waits for time to pass.

mod backlogs;
mod blocked;
mod inside;
mod late;
mod panics;

use std::boxed::Box;
use std::ops::Range;
use std::string::{String, ToString};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::vec::Vec;
use std::{format, thread, vec};

use crate::stream::run::clock::Clock;
use crate::stream::run::control::{Control, Stop};
use crate::stream::run::ticks;
use crate::stream::threads::lock::lock;
use crate::stream::{
    BatchQueue, BatchTime, BoxError, ContextBuilder, DStream, Every, FailurePolicy, RunningStream,
    Source, StepReport, StopError, StreamEvent, StreamingContext,
};

/// When every test begins: in 2026, at 20 minutes and 10.03 seconds past an hour.
const START: Duration = Duration::from_millis(1_795_810_810_030);

const HOUR: Duration = Duration::from_secs(3_600);

/// A clock that only the test moves.
#[derive(Clone)]
struct TestClock(Arc<Mutex<Time>>);

struct Time {
    now: Duration,
    /// Whether it moves by itself to the time that is waited for.
    jumps: bool,
    /// Told the time that a thread waits for, before it waits.
    waits: Sender<Duration>,
}

impl TestClock {
    fn new(jumps: bool) -> (Self, Receiver<Duration>) {
        let (waits, waited) = mpsc::channel();
        let now = START;
        (
            Self(Arc::new(Mutex::new(Time { now, jumps, waits }))),
            waited,
        )
    }

    /// A clock for a loop that no other thread waits for.
    fn jumping() -> Self {
        Self::new(true).0
    }

    /// Moves to the time that the loop waits for.
    fn advance_to_first(&self, waited: &Receiver<Duration>, control: &Control) {
        let due = waited.recv().expect("the loop waits for its first batch");
        self.advance(due - START);
        control.wake();
    }

    fn advance(&self, by: Duration) {
        lock(&self.0).now += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        lock(&self.0).now
    }

    fn sleep(&self, until: Duration) -> Option<Duration> {
        let mut time = lock(&self.0);
        if time.jumps {
            time.now = time.now.max(until);
            return Some(Duration::ZERO);
        }
        // Most tests do not listen.
        let _ = time.waits.send(until);
        None
    }
}

fn builder() -> ContextBuilder {
    let builder = StreamingContext::builder("clock").threads(1).partitions(2);
    builder.batch_interval(Duration::from_millis(100))
}

/// What an output saw: the batch time and when it ran, since the start of the test, and the items.
type Ran = Arc<Mutex<Vec<(i64, i64, Vec<u32>)>>>;

fn millis_since(time: Duration) -> i64 {
    time.as_millis() as i64 - START.as_millis() as i64
}

fn record(numbers: &DStream<'_, u32>, clock: &TestClock) -> Ran {
    let ran = Ran::default();
    let (sink, clock) = (Arc::clone(&ran), clock.clone());
    numbers.for_each_batch(move |batch, time| {
        let time = millis_since(Duration::from_millis(time.as_millis()));
        let row = (time, millis_since(clock.now()), batch.into_vec());
        lock(&sink).push(row);
        Ok(())
    });
    ran
}

/// A queue that gives each of these numbers as a batch.
fn backlog(numbers: Range<u32>) -> BatchQueue<u32> {
    numbers.map(|n| vec![n]).collect()
}

/// Runs a stream on this thread to its end, with a stop that was asked for before the first batch.
fn run_stopped(ctx: StreamingContext, clock: &TestClock) -> Result<(), StopError> {
    run(ctx, clock, |control| control.request(Stop::Gracefully))
}

fn run(
    ctx: StreamingContext,
    clock: &TestClock,
    before: impl FnOnce(&Arc<Control>),
) -> Result<(), StopError> {
    let stop_timeout = ctx.settings().stop_timeout;
    let driver = ctx.into_driver().expect("the stream is complete");
    let activity = Arc::clone(driver.activity());
    let control = Arc::new(Control::new(
        Box::new(clock.clone()),
        activity,
        stop_timeout,
    ));
    before(&control);
    ticks::run(driver, &control)
}

/// The report of a batch is kept when nothing is amiss.
#[test]
fn a_bounded_stream_ends_in_time() {
    let clock = TestClock::jumping();
    let ctx = builder().build().expect("settings");
    let ran = record(&ctx.batches([vec![1], vec![2]]), &clock);
    let reports = Arc::new(Mutex::new(Vec::<StepReport>::new()));
    let sink = Arc::clone(&reports);
    ctx.listen(move |event: &StreamEvent| {
        if let StreamEvent::Completed(report) = event {
            lock(&sink).push(report.clone());
        }
    });
    run(ctx, &clock, |_| {}).expect("a good end");
    assert_eq!(*lock(&ran), [(70, 70, vec![1]), (170, 170, vec![2])]);
    assert!(
        lock(&reports)
            .iter()
            .all(|report| report.scheduling_delay().is_zero())
    );
}

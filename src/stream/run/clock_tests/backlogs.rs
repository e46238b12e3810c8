//! Streams that stop with a backlog.

use super::*;
use crate::stream::checkpoint::recovery::Recovery;

#[test]
fn a_backlog_is_processed_in_time_and_a_restart_goes_on_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let (clock, queue) = (TestClock::jumping(), backlog(0..150));
    let shared = Mutex::new(None);
    let open = || {
        let build = || -> Result<_, BoxError> {
            let every = Every::batches(1_000);
            let builder = builder().checkpoint(directory.path(), every);
            let ctx = builder.write_ahead_log().build()?;
            let ran = record(&ctx.queue_stream(&queue).named("queue"), &clock);
            lock(&shared).replace(ran);
            Ok(ctx)
        };
        StreamingContext::recover_or(directory.path(), build).expect("a checkpoint or none")
    };
    run_stopped(open(), &clock).expect("a good end");
    let ran = lock(&shared).take().expect("built");
    let ran = lock(&ran);
    assert_eq!(
        ran.iter().map(|row| row.2[0]).collect::<Vec<_>>(),
        (0..150).collect::<Vec<_>>()
    );
    assert!(ran.iter().all(|(time, at, _)| time <= at), "{ran:?}");

    let ctx = open();
    let restored = ctx
        .recovery()
        .and_then(Recovery::restored)
        .expect("a checkpoint");
    let stopped = clock.now();
    assert!(restored.as_millis() <= stopped.as_millis() as u64);
    queue.push(vec![7]);
    queue.close();
    run(ctx, &clock, |_| {}).expect("a good end");
    let ran = lock(&shared).take().expect("built");
    assert_eq!(lock(&ran)[0].2, [7]);
    assert!(clock.now() - stopped <= Duration::from_millis(100));
}

#[test]
fn what_cannot_be_processed_in_time_stays_and_is_told() {
    let (clock, queue) = (TestClock::jumping(), backlog(0..400));
    let ctx = builder()
        .stop_timeout(Duration::from_secs(30))
        .build()
        .expect("settings");
    let ran = record(&ctx.queue_stream(&queue), &clock);
    let error = run_stopped(ctx, &clock).expect_err("a backlog of 40 s");
    assert!(matches!(error, StopError::Unprocessed { .. }));
    assert_eq!(error.operator(), "queue-0");
    assert!(error.to_string().contains("input queue-0 holds items"));
    assert_eq!((lock(&ran).len(), queue.len()), (300, 100));
    assert!(lock(&ran).iter().all(|(time, at, _)| time <= at));
    assert!(clock.now() <= START + Duration::from_secs(30));
}

/// The batch of the hour gets nothing more: it need not wait for the hour to end.
#[test]
fn the_batch_under_way_is_cut_if_its_time_is_too_far_off() {
    let (clock, queue) = (TestClock::jumping(), backlog(0..1));
    let ctx = builder().batch_interval(HOUR).build().expect("settings");
    let ran = record(&ctx.queue_stream(&queue), &clock);
    run_stopped(ctx, &clock).expect("a good end");
    assert_eq!(clock.now(), START);
    let hour = millis_since(Duration::from_millis(1_795_813_200_000));
    assert_eq!(*lock(&ran), [(hour, 0, vec![0])]);
}

#[test]
fn no_batch_is_cut_whose_interval_has_not_begun() {
    let (clock, queue) = (TestClock::jumping(), backlog(0..3));
    let ctx = builder().batch_interval(HOUR).build().expect("settings");
    let ran = record(&ctx.queue_stream(&queue), &clock);
    let error = run_stopped(ctx, &clock).expect_err("a backlog of hours");
    assert!(matches!(error, StopError::Unprocessed { .. }));
    assert_eq!((lock(&ran).len(), queue.len(), clock.now()), (1, 2, START));
}

#[test]
fn with_time_enough_hours_are_waited_for() {
    let (clock, queue) = (TestClock::jumping(), backlog(0..3));
    let builder = builder().batch_interval(HOUR).stop_timeout(Duration::MAX);
    let ctx = builder.build().expect("settings");
    let ran = record(&ctx.queue_stream(&queue), &clock);
    run_stopped(ctx, &clock).expect("a good end");
    assert_eq!(lock(&ran).len(), 3);
    assert!(lock(&ran).iter().all(|(time, at, _)| time == at));
}

#[test]
fn a_stop_at_once_ends_a_drain() {
    let (clock, queue) = (TestClock::jumping(), backlog(0..150));
    let ctx = builder().build().expect("settings");
    let stop = Arc::new(Mutex::new(None::<Arc<Control>>));
    let mut ran = 0;
    ctx.queue_stream(&queue).for_each_batch({
        let stop = Arc::clone(&stop);
        move |_, _| {
            ran += 1;
            if ran == 3 {
                let control = lock(&stop).take();
                control.expect("one stop").request(Stop::Now);
            }
            Ok(())
        }
    });
    let asked = |control: &Arc<Control>| {
        control.request(Stop::Gracefully);
        *lock(&stop) = Some(Arc::clone(control));
    };
    run(ctx, &clock, asked).expect("a good end");
    assert_eq!(queue.len(), 147);
}

/// Its items stay with it for ever: a drain that went on would not end.
#[test]
fn an_input_that_cannot_be_logged_ends_a_drain() {
    let directory = tempfile::tempdir().expect("a directory");
    let (clock, queue) = (TestClock::jumping(), backlog(0..3));
    let builder = builder()
        .checkpoint(directory.path(), Every::batches(1_000))
        .durable_with::<u32>(
            "number",
            |_| Err("the disk is full".into()),
            |_| Err("nothing is ever read".into()),
        )
        .write_ahead_log()
        .on_failure(FailurePolicy::Skip)
        .stop_timeout(Duration::MAX);
    let ctx = builder.build().expect("settings");
    let ran = record(&ctx.queue_stream(&queue), &clock);
    let failed = Arc::new(Mutex::new(0));
    let count = Arc::clone(&failed);
    ctx.listen(move |event: &StreamEvent| {
        *lock(&count) += u32::from(matches!(event, StreamEvent::Failed(_)));
    });
    let error = run_stopped(ctx, &clock).expect_err("no log");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(error.operator(), "queue-0");
    // Once may be an accident, twice is none.
    assert_eq!((lock(&ran).len(), *lock(&failed)), (0, 2));
}

//! Streams that are late.

use super::*;

/// A week of batches is run without waiting, each announced once, and then one an interval.
#[test]
fn a_stream_that_is_a_week_late_catches_up_and_goes_on_in_time() {
    let week = Duration::from_secs(7 * 24 * 3_600);
    let minute = Duration::from_secs(60);
    let (clock, queue) = (TestClock::jumping(), BatchQueue::new());
    let ctx = builder().batch_interval(minute).build().expect("settings");
    let ran = record(&ctx.queue_stream(&queue), &clock);
    let submitted = Arc::new(Mutex::new(Vec::new()));
    let delays = Arc::new(Mutex::new(Vec::new()));
    let stop = Arc::new(Mutex::new(None::<Arc<Control>>));
    ctx.listen({
        let (submitted, delays, stop) = (submitted.clone(), delays.clone(), stop.clone());
        move |event: &StreamEvent| match event {
            StreamEvent::Submitted(time) => lock(&submitted).push(time.as_millis()),
            StreamEvent::Completed(report) => {
                lock(&delays).push(report.scheduling_delay());
                if report.time().as_millis() > (START + 2 * minute).as_millis() as u64 {
                    let control = lock(&stop).take();
                    control.expect("one stop").request(Stop::Gracefully);
                }
            }
            _ => {}
        }
    });
    let mut driver = ctx.into_driver().expect("the stream is complete");
    let begin = (START - week).as_millis() as u64 / 60_000 * 60_000;
    driver.step(BatchTime::from_millis(begin)).expect("a batch");
    let activity = Arc::clone(driver.activity());
    let control = Control::new(Box::new(clock.clone()), activity, minute);
    let control = Arc::new(control);
    *lock(&stop) = Some(Arc::clone(&control));
    ticks::run(driver, &control).expect("a good end");

    let ran = lock(&ran);
    let late = 7 * 24 * 60;
    assert_eq!(ran.len(), 1 + late + 3);
    assert!(ran.windows(2).all(|pair| pair[1].0 - pair[0].0 == 60_000));
    // The late ones ran when the test began, the others when they were due.
    assert!(ran[..=late].iter().all(|(_, at, _)| *at == 0));
    assert!(ran[late + 1..].iter().all(|(time, at, _)| time == at));
    let submitted = lock(&submitted);
    let times = |n: usize| begin + 60_000 * n as u64;
    assert_eq!(*submitted, (0..ran.len()).map(times).collect::<Vec<_>>());
    let delays = lock(&delays);
    assert!(delays[1] > week - minute - minute && delays[late + 1].is_zero());
}

/// A stop while it catches up runs what has come, without waiting, and no batch beyond.
#[test]
fn a_late_stream_that_stops_runs_its_backlog_at_once() {
    let (clock, queue) = (TestClock::jumping(), backlog(0..40));
    let ctx = builder().build().expect("settings");
    let ran = record(&ctx.queue_stream(&queue), &clock);
    let mut driver = ctx.into_driver().expect("the stream is complete");
    let begin = START - HOUR;
    let begin = begin.as_millis() as u64 / 100 * 100;
    driver.step(BatchTime::from_millis(begin)).expect("a batch");
    let activity = Arc::clone(driver.activity());
    let control = Control::new(Box::new(clock.clone()), activity, HOUR);
    control.request(Stop::Gracefully);
    ticks::run(driver, &control).expect("a good end");
    assert_eq!(lock(&ran).len(), 40);
    assert_eq!(clock.now(), START);
}

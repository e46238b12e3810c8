//! Random schedules: items that come, batches that run or fail, an input that closes; under every
//! failure policy and limit of rate. What outputs see is what a few lines of model say.

#![no_main]

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arbitrary::Arbitrary;
use forebay::stream::{Driver, FailurePolicy, Sender, State, StateSpec, StreamingContext};
use libfuzzer_sys::fuzz_target;

/// Batches in a window.
const WINDOW: usize = 3;

#[derive(Arbitrary, Debug)]
enum Policy {
    Stop,
    Retry(u8),
    Skip,
}

#[derive(Arbitrary, Debug)]
enum Act {
    /// So many numbers come.
    Send(u8),
    /// A batch runs, and fails so many times.
    Step(u8),
    /// Nothing comes any more.
    Close,
}

#[derive(Arbitrary, Debug)]
struct Schedule {
    policy: Policy,
    limit: u8,
    partitions: u8,
    acts: Vec<Act>,
}

/// What the outputs saw last: sums by key, twice, and the items in the window.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sight {
    sums: BTreeMap<u64, u64>,
    touched: BTreeMap<u64, u64>,
    window: Vec<u64>,
}

/// What they must have seen.
#[derive(Default)]
struct Model {
    waiting: VecDeque<u64>,
    sums: BTreeMap<u64, u64>,
    /// The batches that a window still holds; empty for those left out.
    panes: VecDeque<Vec<u64>>,
}

impl Model {
    /// What the next batch has.
    fn batch(&self, limit: usize) -> Vec<u64> {
        self.waiting.iter().copied().take(limit).collect()
    }

    /// The batch has come to its end, or is left out.
    fn pass(&mut self, batch: &[u64], counts: bool) {
        self.waiting.drain(..batch.len());
        let counted = if counts { batch } else { &[] };
        for item in counted {
            *self.sums.entry(item % 5).or_default() += item;
        }
        self.panes.push_back(counted.to_vec());
        if self.panes.len() > WINDOW {
            self.panes.pop_front();
        }
    }

    fn sight(&self) -> Sight {
        let mut window: Vec<u64> = self.panes.iter().flatten().copied().collect();
        window.sort_unstable();
        Sight {
            sums: self.sums.clone(),
            touched: self.sums.clone(),
            window,
        }
    }
}

struct Stream {
    driver: Driver,
    sender: Option<Sender<u64>>,
    /// How often an output fails from now on.
    failures: Arc<AtomicU32>,
    seen: Arc<Mutex<Sight>>,
}

fn stream(schedule: &Schedule, limit: usize) -> Stream {
    let policy = match schedule.policy {
        Policy::Stop => FailurePolicy::Stop,
        Policy::Retry(times) => FailurePolicy::Retry(times.into()),
        Policy::Skip => FailurePolicy::Skip,
    };
    let ctx = StreamingContext::builder("schedule")
        .threads(1)
        .partitions(usize::from(schedule.partitions % 5) + 1)
        .max_rate(limit as f64)
        .on_failure(policy)
        .build()
        .unwrap();
    let seen = Arc::new(Mutex::new(Sight::default()));
    let failures = Arc::new(AtomicU32::new(0));
    let (sender, numbers) = ctx.channel(1 << 16);
    let pairs = numbers.map(|n| (n % 5, n));
    let sight = Arc::clone(&seen);
    pairs
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .for_each_batch(move |batch, _| {
            sight.lock().unwrap().sums = batch.into_iter().collect();
            Ok(())
        });
    let sight = Arc::clone(&seen);
    pairs
        .state_by_key(StateSpec::new(
            |_, _: &u64, new: Option<u64>, sum: &mut State<u64>| {
                sum.update(sum.get().copied().unwrap_or(0) + new?);
                Some(())
            },
        ))
        .snapshots()
        .for_each_batch(move |batch, _| {
            sight.lock().unwrap().touched = batch.into_iter().collect();
            Ok(())
        });
    let sight = Arc::clone(&seen);
    let second = Duration::from_secs(1);
    numbers
        .window(WINDOW as u32 * second, second)
        .unwrap()
        .for_each_batch(move |batch, _| {
            let mut window = batch.into_vec();
            window.sort_unstable();
            sight.lock().unwrap().window = window;
            Ok(())
        });
    let left = Arc::clone(&failures);
    numbers.for_each_batch(move |_, _| {
        let fails = left.load(Ordering::Relaxed) > 0;
        left.fetch_sub(u32::from(fails), Ordering::Relaxed);
        if fails {
            Err("as scheduled".into())
        } else {
            Ok(())
        }
    });
    Stream {
        driver: ctx.into_driver().unwrap(),
        sender: Some(sender),
        failures,
        seen,
    }
}

fuzz_target!(|schedule: Schedule| {
    let limit = usize::from(schedule.limit % 40) + 1;
    let mut stream = stream(&schedule, limit);
    let mut model = Model::default();
    let mut next = 0u64..;
    for act in schedule.acts.iter().take(200) {
        match act {
            Act::Send(count) => {
                let Some(sender) = &stream.sender else {
                    continue;
                };
                let items: Vec<u64> = next.by_ref().take((*count).into()).collect();
                model.waiting.extend(&items);
                sender.send_all(items).unwrap();
            }
            Act::Close => stream.sender = None,
            Act::Step(failures) => {
                let failures = u32::from(failures % 4);
                stream.failures.store(failures, Ordering::Relaxed);
                let batch = model.batch(limit);
                let report = stream.driver.step(stream.driver.next_time());
                let survived = match schedule.policy {
                    Policy::Stop => failures == 0,
                    Policy::Retry(times) => failures <= times.into(),
                    Policy::Skip => true,
                };
                let Ok(report) = report else {
                    assert!(!survived);
                    assert!(stream.driver.step(stream.driver.next_time()).is_err());
                    return;
                };
                assert!(survived);
                assert_eq!(report.items(), batch.len());
                let left_out = matches!(schedule.policy, Policy::Skip) && failures > 0;
                assert_eq!(report.failure().is_some(), left_out);
                model.pass(&batch, !left_out);
                if !left_out {
                    assert_eq!(*stream.seen.lock().unwrap(), model.sight());
                }
            }
        }
        assert_eq!(stream.driver.has_pending(), !model.waiting.is_empty());
        let ended = stream.sender.is_none() && model.waiting.is_empty();
        assert_eq!(stream.driver.is_finished(), ended);
    }
});

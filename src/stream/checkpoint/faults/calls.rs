//! Nothing that was acknowledged is lost, whatever calls fail and however.

use std::eprintln;
use std::path::Path;
use std::vec::Vec;

use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::storage::{Storage, create_dirs};
use crate::stream::threads::lock::lock;
use crate::stream::{BatchTime, FailurePolicy};

use super::disk::Loss;
use super::jobs::{BATCHES, Input, Job, SharedWitness, Start, is_of_a_call, newest};
use super::process::{Fault, Process, SharedDisk};

/// The faults of one run.
type Faults = Vec<(usize, Fault)>;

/// A stream on a machine of its own.
struct Case {
    job: Job,
    disk: SharedDisk,
    witness: SharedWitness,
}

impl Case {
    fn new(job: Job) -> Self {
        Self {
            job,
            disk: SharedDisk::default(),
            witness: SharedWitness::default(),
        }
    }

    /// A run, at most to this batch; returns how it started and how many calls it has made.
    fn run(&self, faults: &[(usize, Fault)], last: u64) -> (Start, usize) {
        let process = Process::new(&self.disk, faults);
        let start = self.job.run(&process, last, &self.witness);
        if let Start::Lost(error) = &start
            && !is_acceptable(error)
        {
            let wrong = std::format!("{error}");
            lock(&self.witness).wrongs.push(wrong);
        }
        (start, process.calls())
    }

    fn newest(&self) -> Option<BatchTime> {
        newest(&Process::new(&self.disk, &[])).unwrap()
    }

    fn lose_power(&self, loss: Loss) {
        lock(&self.disk).lose_power(loss);
    }

    /// What was acknowledged is there, and the stream comes to its end with the outputs of one that
    /// nothing has happened to; and so it is after a power cut then.
    fn check(&self, expected: &Case, what: &dyn std::fmt::Debug) {
        for _ in 0..2 {
            let durable = lock(&self.witness).durable;
            assert!(self.newest() >= durable, "{what:?}");
            let (start, _) = self.run(&[], BATCHES);
            assert!(matches!(start, Start::After(..)), "{start:?}: {what:?}");
            let (witness, expected) = (lock(&self.witness), lock(&expected.witness));
            assert!(witness.wrongs.is_empty(), "{:?}: {what:?}", witness.wrongs);
            assert_eq!(witness.outputs, expected.outputs, "{what:?}");
            drop((witness, expected));
            let last = BatchTime::from_millis(BATCHES * 1_000);
            assert_eq!(self.newest(), Some(last), "{what:?}");
            self.lose_power(Loss::Whole);
        }
    }
}

/// A failing call may keep a stream from starting; what is on the disk never does.
fn is_acceptable(error: &CheckpointError) -> bool {
    match error {
        // What one call could not read whole.
        CheckpointError::NoneLeft { .. } => true,
        error => is_of_a_call(error),
    }
}

/// What nothing has happened to, and the number of calls it has made after batch `begin`.
fn undisturbed(job: Job, begin: u64) -> (Case, usize) {
    let case = Case::new(job);
    case.begin(begin);
    let (_, calls) = case.run(&[], BATCHES);
    assert_eq!(lock(&case.witness).outputs.len() as u64, BATCHES);
    (case, calls)
}

impl Case {
    /// What an earlier run has left: up to this batch, with a checkpoint after every second.
    fn begin(&self, last: u64) {
        if last > 0 {
            self.run(&[], last);
        }
    }
}

fn faults(seed: u64) -> [Fault; 9] {
    [
        Fault::Fails,
        Fault::Short,
        Fault::Full,
        Fault::Killed,
        Fault::PowerBefore(Loss::Whole),
        Fault::PowerBefore(Loss::Part(seed)),
        Fault::PowerAfter(Loss::Whole),
        Fault::PowerAfter(Loss::Part(seed)),
        Fault::PowerAfter(Loss::Part(!seed)),
    ]
}

/// Which cases out of this many are run: those of the gate, spread over all, or as many as
/// `FOREBAY_FAULTS` says.
fn chosen(test: &str, total: usize, of_the_gate: usize) -> impl Iterator<Item = usize> {
    let wanted = std::env::var("FOREBAY_FAULTS").ok();
    let count = match wanted.as_deref() {
        None => of_the_gate,
        Some("all") => total,
        Some(count) => count.parse().expect("a number or `all`"),
    };
    let count = count.min(total);
    eprintln!("{test}: {count} of {total} cases");
    // A prime, so that each number below `total` comes once.
    const STEP: usize = 1_000_003;
    (0..count).map(move |n| n * STEP % total)
}

const STOP: FailurePolicy = FailurePolicy::Stop;
const RETRY: FailurePolicy = FailurePolicy::Retry(2);

/// Every job from every beginning.
fn all() -> impl Iterator<Item = (Job, u64)> {
    let jobs = [
        (Input::Replayable, STOP),
        (Input::Pushed, STOP),
        (Input::Pushed, RETRY),
    ];
    // Nothing; a log alone; a checkpoint and a log; two of them.
    let jobs = jobs.map(|(input, policy)| Job { input, policy });
    jobs.into_iter()
        .flat_map(|job| [0, 1, 3, 5].map(|begin| (job, begin)))
}

#[test]
fn nothing_acknowledged_is_lost_whatever_call_fails_and_however() {
    let (mut refused, mut passed_over) = (0, 0);
    for (job, begin) in all() {
        let (expected, calls) = undisturbed(job, begin);
        assert!(calls > 30, "{calls} calls");
        let total = calls * 9;
        for number in chosen("a call", total, 1_000) {
            let (at, kind) = (number / 9, number % 9);
            let faults = [(at, faults(number as u64)[kind])];
            let case = Case::new(job);
            case.begin(begin);
            let (start, _) = case.run(&faults, BATCHES);
            match start {
                Start::Lost(_) => refused += 1,
                Start::Failed => {}
                Start::After(restored, newer) => {
                    passed_over += newer;
                    // Two checkpoints are kept: one of them is found.
                    assert!(
                        restored.is_some() || begin < 2,
                        "{job:?} {begin} {faults:?}"
                    );
                }
            }
            case.check(&expected, &(job, begin, faults));
        }
    }
    // Both occurred: a checkpoint that was cut short, and one that could not be read.
    assert!(refused > 5 && passed_over > 0, "{refused}, {passed_over}");
}

#[test]
fn nothing_acknowledged_is_lost_if_two_calls_in_a_row_fail() {
    for (job, begin) in all() {
        let (expected, calls) = undisturbed(job, begin);
        for number in chosen("two calls", calls * 16, 40) {
            let (at, kind) = (number / 16, number % 16);
            let any = faults(number as u64);
            let faults = [(at, any[kind / 4]), (at + 1, any[kind % 4])];
            let case = Case::new(job);
            case.begin(begin);
            case.run(&faults, BATCHES);
            case.check(&expected, &(job, begin, faults));
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_if_recovery_fails_after_a_failure() {
    for (job, begin) in all() {
        let (expected, calls) = undisturbed(job, begin);
        for number in chosen("two runs", calls * calls * 9, 80) {
            let (at, kinds) = (number / 9, number % 9);
            let any = faults(number as u64);
            let first: Faults = std::vec![(at / calls, [any[0], any[3], any[7]][kinds / 3])];
            let second: Faults = std::vec![(at % calls, [any[0], any[5], any[6]][kinds % 3])];
            let case = Case::new(job);
            case.begin(begin);
            case.run(&first, BATCHES);
            case.run(&second, BATCHES);
            case.check(&expected, &(job, begin, first, second));
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_power_cuts_one_after_the_other() {
    for (job, begin) in all() {
        let (expected, calls) = undisturbed(job, begin);
        for number in chosen("power cuts", calls * 1_000, 40) {
            let case = Case::new(job);
            case.begin(begin);
            let mut seed = number as u64;
            for _ in 0..4 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (seed >> 33) as usize % calls;
                case.run(&[(at, Fault::PowerAfter(Loss::Part(seed)))], BATCHES);
            }
            case.check(&expected, &(job, begin, number));
        }
    }
}

#[test]
fn a_directory_that_was_made_is_there_after_a_power_cut_whoever_was_killed_before() {
    let path = Path::new("/some/where/deep/down");
    let counted = Process::new(&SharedDisk::default(), &[]);
    create_dirs(&counted, path).unwrap();
    for killed in 0..counted.calls() {
        let disk = SharedDisk::default();
        create_dirs(&Process::new(&disk, &[(killed, Fault::Killed)]), path).unwrap_err();
        create_dirs(&Process::new(&disk, &[]), path).unwrap();
        lock(&disk).lose_power(Loss::Whole);
        let is_there = Process::new(&disk, &[]).is_dir(path);
        assert!(is_there.unwrap(), "killed after call {killed}");
    }
}

//! Runs a program, loses it, and recovers it, with a number of partitions more at each recovery.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use forebay::stream::{BoxError, Driver, Every, StreamingContext};
use serde_json::Value;

use crate::build::{Built, Seen, build, record};
use crate::case::{Case, Failure, Outcome, malformed};

pub(crate) fn recover(case: &Case, threads: usize, partitions: usize) -> Outcome {
    let wrong = |error: std::io::Error| Failure::Wrong(error.to_string());
    let directory = tempfile::tempdir().map_err(wrong)?;
    let Some(runs) = case.params["runs"].as_array() else {
        return malformed("params.runs is not a list of runs");
    };
    let batch_ms = case.batch_ms()?;
    let mut outputs = BTreeMap::new();
    for (run, more) in runs.iter().zip(0..) {
        let Some(last) = run.as_array().and_then(|run| run.last()?.as_u64()) else {
            return malformed("a run is not a list of batch numbers");
        };
        let (mut driver, seen) = start(case, directory.path(), threads, partitions + more)?;
        while driver.next_time().as_millis() <= last * batch_ms {
            let stepped = driver.step(driver.next_time());
            stepped.map_err(|error| Failure::Wrong(error.to_string()))?;
        }
        for (time, items) in seen.lock().expect("no output panicked").drain(..) {
            outputs.entry(time).or_insert_with(Vec::new).push(items);
        }
    }
    // However often a batch was run, each time its output must be the one expected.
    let times = outputs.values().map(Vec::len).max().unwrap_or(0);
    for time in 0..times {
        let one = |(at, lists): (&u64, &Vec<Vec<Value>>)| (*at, lists[time % lists.len()].clone());
        case.compare(&outputs.iter().map(one).collect::<Vec<_>>())?;
    }
    Ok(())
}

fn start(
    case: &Case,
    directory: &Path,
    threads: usize,
    partitions: usize,
) -> Outcome<(Driver, Seen)> {
    let batch_ms = case.batch_ms()?;
    let every = case.number("checkpoint_ms")?.unwrap_or(batch_ms) / batch_ms;
    let mut seen = Seen::default();
    let mut lacking = None;
    let ctx = StreamingContext::recover_or(directory, || {
        let ctx = StreamingContext::builder(&case.name)
            .batch_interval(Duration::from_millis(batch_ms))
            .threads(threads)
            .partitions(partitions)
            .checkpoint(directory, Every::batches(every))
            .durable_with::<Value>(
                "json",
                |value| Ok(serde_json::to_vec(value)?),
                |bytes| Ok(serde_json::from_slice(bytes)?),
            )
            .build()?;
        let mut case = case.clone();
        case.op = case.op.trim_start_matches("recover:").to_string();
        let inputs = [
            ctx.batches(case.input.clone()),
            ctx.batches(case.input2.clone()),
        ];
        match build(&case, &ctx, &inputs) {
            Ok(Built { output, .. }) => seen = record(&output),
            Err(failure) => lacking = Some(failure),
        }
        Ok::<_, BoxError>(ctx)
    });
    if let Some(failure) = lacking {
        return Err(failure);
    }
    let driver = ctx.and_then(|ctx| Ok(ctx.into_driver()?));
    let driver = driver.map_err(|error| Failure::Wrong(error.to_string()))?;
    Ok((driver, seen))
}

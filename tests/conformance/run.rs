//! Runs one case with given numbers of threads and partitions.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay::stream::{BatchQueue, BatchTime, Driver, StreamingContext};
use serde_json::Value;

use crate::build::{build, record};
use crate::case::{Case, Failure, Outcome, malformed, unsupported};

pub(crate) fn run(case: &Case, threads: usize, partitions: usize) -> Outcome {
    let batch_ms = case.batch_ms()?;
    let ctx = StreamingContext::builder(&case.name)
        .batch_interval(Duration::from_millis(batch_ms))
        .threads(threads)
        .partitions(partitions)
        .build()
        .map_err(|error| Failure::Wrong(error.to_string()))?;
    match case.op.as_str() {
        op if op.starts_with("recover:") => unsupported("recovery"),
        "print" => print(case, ctx),
        "queueStream" => queue(case, ctx),
        _ => plain(case, ctx),
    }
}

fn driver(ctx: StreamingContext) -> Outcome<Driver> {
    ctx.into_driver()
        .map_err(|error| Failure::Wrong(error.to_string()))
}

/// Runs as many batches as there are input batches; `before` is called before each.
fn step_all(case: &Case, ctx: StreamingContext, mut before: impl FnMut(usize)) -> Outcome {
    let batch_ms = case.batch_ms()?;
    let mut driver = driver(ctx)?;
    for number in 0..case.input.len() {
        before(number);
        let time = BatchTime::from_millis((number as u64 + 1) * batch_ms);
        driver
            .step(time)
            .map_err(|error| Failure::Wrong(error.to_string()))?;
    }
    Ok(())
}

/// A stream whose batches are compared.
fn plain(case: &Case, ctx: StreamingContext) -> Outcome {
    let inputs = [
        ctx.batches(case.input.clone()),
        ctx.batches(case.input2.clone()),
    ];
    let output = build(case, &inputs)?;
    let widths = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&widths);
    output.for_each_batch(move |batch, _| {
        let width = batch.partitions().len();
        sink.lock().map_err(|error| error.to_string())?.push(width);
        Ok(())
    });
    let seen = record(&output);
    step_all(case, ctx, |_| ())?;
    case.compare(&seen.lock().expect("no output panicked"))?;
    let widths = widths.lock().expect("no output panicked");
    match case.expected_partitions {
        Some(expected) if widths.iter().any(|width| *width != expected) => Err(Failure::Wrong(
            format!("{widths:?} partitions, expected {expected}"),
        )),
        _ => Ok(()),
    }
}

#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no output panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn print(case: &Case, ctx: StreamingContext) -> Outcome {
    let printed = Printed::default();
    let count = case.number("n")?.unwrap_or(10) as usize;
    // Strings are printed as they are, not as JSON.
    ctx.batches(case.input.clone())
        .map(|item| {
            item.as_str()
                .map_or_else(|| item.to_string(), str::to_string)
        })
        .print_to(printed.clone(), count);
    step_all(case, ctx, |_| ())?;
    let bytes = printed.0.lock().expect("no output panicked");
    let lines: Vec<Value> = String::from_utf8_lossy(&bytes)
        .lines()
        .map(Value::from)
        .collect();
    let expected: Vec<Value> = case.expected.concat();
    match lines == expected {
        true => Ok(()),
        false => Err(Failure::Wrong(format!("{lines:?}, expected {expected:?}"))),
    }
}

fn queue(case: &Case, ctx: StreamingContext) -> Outcome {
    let default = case.params["default"].as_array();
    let queue = match (case.params["one_at_a_time"].as_bool(), default) {
        (Some(true), None) => BatchQueue::new(),
        (Some(true), Some(default)) => BatchQueue::with_default(default.clone()),
        (Some(false), None) => BatchQueue::all_at_once(),
        _ => return malformed("one_at_a_time and default do not go together"),
    };
    let seen = record(&ctx.queue_stream(&queue));
    step_all(case, ctx, |number| {
        for collection in &case.input[number] {
            queue.push(collection.as_array().cloned().unwrap_or_default());
        }
    })?;
    case.compare(&seen.lock().expect("no output panicked"))
}

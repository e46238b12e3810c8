//! Runs one case with given numbers of threads and partitions.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay::stream::{
    BatchQueue, BatchTime, Driver, PidRateEstimator, PidWeights, StreamingContext,
};
use serde_json::Value;

use crate::build::{Built, build, record};
use crate::case::{Case, Failure, Outcome, malformed};

pub(crate) fn run(case: &Case, threads: usize, partitions: usize) -> Outcome {
    let batch_ms = case.batch_ms()?;
    let ctx = StreamingContext::builder(&case.name)
        .batch_interval(Duration::from_millis(batch_ms))
        .threads(threads)
        .partitions(partitions)
        .build()
        .map_err(|error| Failure::Wrong(error.to_string()))?;
    match case.op.as_str() {
        op if op.starts_with("recover:") => recover(case, threads, partitions),
        "print" => print(case, ctx),
        "queueStream" => queue(case, ctx),
        "saveAsTextFiles" => save_as_text_files(case, ctx),
        "slice" => slice(case, ctx),
        "pid_rate_estimator" => pid(case),
        _ => plain(case, ctx),
    }
}

use crate::recover::recover;

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
    let Built { output, states } = build(case, &ctx, &inputs)?;
    let widths = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&widths);
    output.for_each_batch(move |batch, _| {
        let width = batch.partitions().len();
        sink.lock().map_err(|error| error.to_string())?.push(width);
        Ok(())
    });
    let seen = record(&output);
    let states = states.as_ref().map(record);
    step_all(case, ctx, |_| ())?;
    if let (Some(states), Some(expected)) = (states, &case.expected_state) {
        let states = states.lock().expect("no output panicked");
        let lists = states.iter().map(|(_, list)| list.clone()).collect();
        case.compare_lists("state", lists, expected)?;
    }
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

/// One directory per batch; its name, then the lines found in it.
fn save_as_text_files(case: &Case, ctx: StreamingContext) -> Outcome {
    let wrong = |error: io::Error| Failure::Wrong(error.to_string());
    let root = tempfile::tempdir().map_err(wrong)?;
    let prefix = root.path().join(case.text("prefix")?);
    ctx.batches(case.input.clone())
        .map(|item| {
            item.as_str()
                .map_or_else(|| item.to_string(), str::to_string)
        })
        .save_as_text_files(prefix.to_string_lossy(), case.text("suffix")?);
    step_all(case, ctx, |_| ())?;
    for list in &case.expected {
        let Some((Some(name), lines)) = list.split_first().map(|(n, lines)| (n.as_str(), lines))
        else {
            return malformed("expected does not begin with a directory");
        };
        let found = lines_in(&root.path().join(name)).map_err(wrong)?;
        if found != lines {
            let text = format!("{name} holds {found:?}, expected {lines:?}");
            return Err(Failure::Wrong(text));
        }
    }
    Ok(())
}

/// The lines of the part files of a directory, in their order.
fn lines_in(directory: &std::path::Path) -> io::Result<Vec<Value>> {
    let entries = std::fs::read_dir(directory)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path)?;
        lines.extend(text.lines().map(Value::from));
    }
    Ok(lines)
}

fn slice(case: &Case, ctx: StreamingContext) -> Outcome {
    let history = ctx
        .batches(case.input.clone())
        .remember(Duration::from_secs(1 << 20));
    step_all(case, ctx, |_| ())?;
    let Some(queries) = case.params["queries_ms"].as_array() else {
        return malformed("params.queries_ms is not a list");
    };
    let answer = |query: &Value| match (query[0].as_u64(), query[1].as_u64()) {
        (Some(from), Some(to)) => {
            let (from, to) = (BatchTime::from_millis(from), BatchTime::from_millis(to));
            Ok(history.slice(from, to).into_iter().flatten().collect())
        }
        _ => malformed(format!("{query} is not a pair of times")),
    };
    let answers = queries.iter().map(answer).collect::<Outcome<Vec<_>>>()?;
    case.compare_lists("slice", answers, &case.expected)
}

fn pid(case: &Case) -> Outcome {
    let weight = |name: &str| match case.params[name].as_f64() {
        Some(weight) => Ok(weight),
        None => malformed(format!("params.{name} is {}", case.params[name])),
    };
    let weights = PidWeights {
        proportional: weight("proportional")?,
        integral: weight("integral")?,
        derivative: weight("derivative")?,
        min_rate: weight("min_rate")?,
    };
    let mut estimator = PidRateEstimator::new(Duration::from_millis(case.batch_ms()?), weights);
    let mut update = |update: &Value| {
        let number = |index: usize| update[index].as_u64().unwrap_or_default();
        Value::from(estimator.update(
            BatchTime::from_millis(number(0)),
            number(1),
            Duration::from_millis(number(2)),
            Duration::from_millis(number(3)),
        ))
    };
    let rates = case
        .input
        .iter()
        .map(|list| list.iter().map(&mut update).collect());
    case.compare_lists("rate", rates.collect(), &case.expected)
}

//! From an operator's name in a case to operators of the driver.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay::stream::pipe::Pipe;
use forebay::stream::{Batch, BatchTime, DStream};
use serde_json::{Value, json};

use crate::case::{Case, Outcome, malformed, unsupported};
use crate::vocabulary::{flat_mapping, mapping, pair, predicate, records, reducer, update};

pub(crate) type Stream<'c> = DStream<'c, Value>;

/// What an output saw: batch time and items.
pub(crate) type Seen = Arc<Mutex<Vec<(u64, Vec<Value>)>>>;

pub(crate) fn record<P: Pipe<Item = Value>>(stream: &DStream<'_, Value, P>) -> Seen {
    let seen = Seen::default();
    let sink = Arc::clone(&seen);
    stream.for_each_batch(move |batch, time| {
        let row = (time.as_millis(), batch.into_vec());
        sink.lock().map_err(|error| error.to_string())?.push(row);
        Ok(())
    });
    seen
}

fn pairs<'c>(stream: &Stream<'c>) -> DStream<'c, (Value, Value)> {
    stream.try_map(pair).boxed()
}

fn values<'c, P: Pipe<Item = (Value, Value)>>(
    stream: &DStream<'c, (Value, Value), P>,
) -> Stream<'c> {
    stream.map(|(key, value)| json!([key, value])).boxed()
}

fn duration(value: &Value) -> Outcome<Duration> {
    match value.as_u64() {
        Some(millis) => Ok(Duration::from_millis(millis)),
        None => malformed(format!("{value} is not a duration")),
    }
}

/// The stream of `case.op` over the inputs.
pub(crate) fn build<'c>(case: &Case, inputs: &[Stream<'c>]) -> Outcome<Stream<'c>> {
    let input = with_stages(&inputs[0], &case.params["pre"], true)?;
    match case.op.as_str() {
        "pipeline" => with_stages(&input, &case.params["stages"], false),
        "union" => Ok(input.union(&inputs[1]).boxed()),
        "context.union" => {
            let streams = listed(case, &input)?;
            let (first, rest) = streams.split_first().expect("`listed` gives one at least");
            Ok(rest
                .iter()
                .fold(first.clone(), |all, next| all.union(next).boxed()))
        }
        "updateStateByKey" => state(case, &input),
        "transform" => transform(case, &input),
        "window" => window(&input, &case.params["window_ms"], &case.params["slide_ms"]),
        "mapPartitions" => Ok(input
            .map_partitions(|items| {
                let sum: i64 = items.filter_map(|item| item.as_i64()).sum();
                [json!(sum)]
            })
            .boxed()),
        "foreachRDD" => Ok(input.transform(|batch, time| {
            let row = json!([time.as_millis(), batch.len()]);
            batch.with_items(vec![row])
        })),
        op => stage(&input, op, &case.params["fn"]),
    }
}

/// The streams of `params.streams`: `input`, or one stage on it.
fn listed<'c>(case: &Case, input: &Stream<'c>) -> Outcome<Vec<Stream<'c>>> {
    let Some(list) = case.params["streams"]
        .as_array()
        .filter(|list| !list.is_empty())
    else {
        return malformed("params.streams is not a list of streams");
    };
    let one = |text: &Value| match text.as_str().unwrap_or_default().split_once(' ') {
        Some((op, function)) => stage(input, op, &json!(function)),
        None if text == "input" => Ok(input.clone()),
        None => malformed(format!("unknown stream {text}")),
    };
    list.iter().map(one).collect()
}

/// Applies stages: a list of them, or a single one where `single` allows it.
fn with_stages<'c>(input: &Stream<'c>, stages: &Value, single: bool) -> Outcome<Stream<'c>> {
    match stages {
        Value::Null if single => Ok(input.clone()),
        Value::Array(stage) if single => apply(input, stage),
        Value::Array(stages) => {
            stages
                .iter()
                .try_fold(input.clone(), |stream, stage| match stage {
                    Value::Array(stage) => apply(&stream, stage),
                    other => malformed(format!("{other} is not a stage")),
                })
        }
        other => malformed(format!("{other} is not a list of stages")),
    }
}

/// Applies a stage: the name of an operator and its arguments.
pub(crate) fn apply<'c>(input: &Stream<'c>, list: &[Value]) -> Outcome<Stream<'c>> {
    let argument = |index: usize| list.get(index).unwrap_or(&Value::Null);
    match argument(0).as_str() {
        Some("window") => window(input, argument(1), argument(2)),
        Some("updateStateByKey") => state_by(input, argument(1), &Value::Null),
        Some(op) => stage(input, op, argument(1)),
        None => malformed(format!("{list:?} is not a stage")),
    }
}

/// Operators with at most one function.
fn stage<'c>(input: &Stream<'c>, op: &str, function: &Value) -> Outcome<Stream<'c>> {
    let name = function.as_str().unwrap_or_default();
    Ok(match op {
        "map" => input.try_map(mapping(name)?).boxed(),
        "flatMap" => input.try_flat_map(flat_mapping(name)?).boxed(),
        "filter" => input.try_filter(predicate(name)?).boxed(),
        "glom" => input.glom().map(Value::from).boxed(),
        "count" => input.count().map(Value::from).boxed(),
        "reduce" => input.reduce(reducer(name)?),
        "reduceByKey" => values(&pairs(input).reduce_by_key(reducer(name)?)),
        "mapValues" => {
            let f = mapping(name)?;
            let mapped =
                pairs(input).try_map(move |(key, value)| f(value).map(|value| (key, value)));
            values(&mapped)
        }
        "flatMapValues" => {
            let f = flat_mapping(name)?;
            let checked =
                pairs(input).try_map(move |(key, value)| f(value).map(|list| (key, list)));
            values(&checked.flat_map_values(|list| list))
        }
        other => return unsupported(other),
    })
}

fn window<'c>(input: &Stream<'c>, window: &Value, slide: &Value) -> Outcome<Stream<'c>> {
    match input.window(duration(window)?, duration(slide)?) {
        Ok(stream) => Ok(stream.boxed()),
        Err(error) => malformed(error.to_string()),
    }
}

fn state<'c>(case: &Case, input: &Stream<'c>) -> Outcome<Stream<'c>> {
    state_by(input, &case.params["fn"], &case.params["initial"])
}

fn state_by<'c>(input: &Stream<'c>, function: &Value, initial: &Value) -> Outcome<Stream<'c>> {
    let function = update(function.as_str().unwrap_or_default())?;
    let states = pairs(input)
        .update_state_by_key_with(records(initial)?, move |time, _, new, old| {
            function(time.as_millis(), new.collect(), old)
        });
    Ok(values(&states))
}

type Whole = fn(Batch<Value>, BatchTime) -> Vec<Value>;

fn transform<'c>(case: &Case, input: &Stream<'c>) -> Outcome<Stream<'c>> {
    let whole: Whole = match case.text("fn")? {
        "rdd_sort_desc" => |batch, _| {
            let mut items = batch.into_vec();
            items.sort_by_key(|item| std::cmp::Reverse(item.as_i64()));
            items
        },
        "rdd_distinct" => |batch, _| {
            let mut items = batch.into_vec();
            let mut seen = std::collections::HashSet::new();
            items.retain(|item| seen.insert(item.clone()));
            items
        },
        "rdd_tag_time" => |batch, time| {
            let tag = |item| json!([time.as_millis(), item]);
            batch.into_iter().map(tag).collect()
        },
        "rdd_join_static" => return join_static(case, input),
        other => return unsupported(other),
    };
    Ok(input.transform(move |batch, time| batch.clone().with_items(whole(batch, time))))
}

fn join_static<'c>(case: &Case, input: &Stream<'c>) -> Outcome<Stream<'c>> {
    let table = records(&case.params["static"])?;
    Ok(pairs(input)
        .flat_map(move |(key, left)| {
            let matches = table.iter().filter(|(other, _)| *other == key);
            matches
                .map(|(_, right)| json!([key, [left, right]]))
                .collect::<Vec<_>>()
        })
        .boxed())
}

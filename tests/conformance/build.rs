//! From an operator's name in a case to operators of the driver.
//!
//! The arguments of an operator are an object, as in `params`; a stage of a pipeline, which is a
//! list, is turned into one first.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay::stream::pipe::Pipe;
use forebay::stream::{DStream, StateSpec, StreamingContext};
use serde_json::{Value, json};

use crate::case::{Case, Outcome, malformed, unsupported};
use crate::vocabulary::{self as words, pair, records};
use crate::whole;

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

type Pairs<'c> = DStream<'c, (Value, Value)>;

fn pairs<'c>(stream: &Stream<'c>) -> Pairs<'c> {
    stream.try_map(pair).boxed()
}

fn values<'c, V: Clone + Send + Sync + 'static, P: Pipe<Item = (Value, V)>>(
    stream: &DStream<'c, (Value, V), P>,
    json: impl Fn(V) -> Value + Send + Sync + 'static,
) -> Stream<'c> {
    let record = move |(key, value)| json!([key, json(value)]);
    stream.map(record).boxed()
}

/// What `build` makes of a case: the stream to be compared, and a stream of states if the
/// operator has one.
pub(crate) struct Built<'c> {
    pub(crate) output: Stream<'c>,
    pub(crate) states: Option<Stream<'c>>,
}

pub(crate) fn build<'c>(
    case: &Case,
    ctx: &'c StreamingContext,
    inputs: &[Stream<'c>; 2],
) -> Outcome<Built<'c>> {
    let params = &case.params;
    let input = match &params["pre"] {
        Value::Null => inputs[0].clone(),
        stage => stage_of(&inputs[0], stage)?,
    };
    let mut states = None;
    let output = match case.op.as_str() {
        "pipeline" => stages(&input, &params["stages"])?,
        "pipeline2" => {
            let left = stage_of(&input, &params["left"])?;
            let right = stage_of(&inputs[1], &params["right"])?;
            two(&left, &right, case.text("op")?, params)?
        }
        "context.union" => ctx.union(&listed(case, &input)?),
        "context.transform" => whole::many(ctx, &listed(case, &input)?, case.text("fn")?)?,
        "mapWithState" | "mapWithState.stateSnapshots" => {
            let (emitted, snapshots) = map_with_state(&input, params)?;
            let only_states = case.op != "mapWithState";
            states = Some(snapshots.clone());
            if only_states { snapshots } else { emitted }
        }
        op => match one(&input, op, params) {
            Err(crate::case::Failure::Unsupported(_)) => two(&input, &inputs[1], op, params)?,
            built => built?,
        },
    };
    Ok(Built { output, states })
}

/// The streams of `params.streams`: `input`, or one stage on it.
fn listed<'c>(case: &Case, input: &Stream<'c>) -> Outcome<Vec<Stream<'c>>> {
    let Some(list) = case.params["streams"]
        .as_array()
        .filter(|list| !list.is_empty())
    else {
        return malformed("params.streams is not a list of streams");
    };
    let stream = |text: &Value| match text.as_str().unwrap_or_default() {
        "input" => Ok(input.clone()),
        stage => stage_of(input, &stage.split(' ').collect()),
    };
    list.iter().map(stream).collect()
}

fn stages<'c>(input: &Stream<'c>, stages: &Value) -> Outcome<Stream<'c>> {
    let Some(stages) = stages.as_array() else {
        return malformed(format!("{stages} is not a list of stages"));
    };
    let apply = |stream: Stream<'c>, stage| stage_of(&stream, stage);
    stages.iter().try_fold(input.clone(), apply)
}

/// Applies a stage: the name of an operator, then functions and numbers in the order in which
/// `params` would name them.
fn stage_of<'c>(input: &Stream<'c>, stage: &Value) -> Outcome<Stream<'c>> {
    let Some((Some(op), arguments)) = stage
        .as_array()
        .and_then(|list| list.split_first())
        .map(|(op, arguments)| (op.as_str(), arguments))
    else {
        return malformed(format!("{stage} is not a stage"));
    };
    let numbers: &[&str] = match op {
        "repartition" => &["num_partitions"],
        "mapWithState" => &["timeout_ms"],
        _ => &["window_ms", "slide_ms"],
    };
    let (mut functions, mut numbers) = (["fn", "inverse", "filter"].iter(), numbers.iter());
    let mut params = json!({});
    for argument in arguments {
        let name = match argument {
            Value::Number(_) => numbers.next(),
            _ => functions.next(),
        };
        match name {
            Some(name) => params[name] = argument.clone(),
            None => return malformed(format!("{stage} has too many arguments")),
        }
    }
    match op {
        "mapWithState" => Ok(map_with_state(input, &params)?.0),
        op => one(input, op, &params),
    }
}

fn function(params: &Value) -> &str {
    params["fn"].as_str().unwrap_or_default()
}

/// Operators with one input.
fn one<'c>(input: &Stream<'c>, op: &str, params: &Value) -> Outcome<Stream<'c>> {
    let name = function(params);
    let same = |value| value;
    Ok(match op {
        "map" => input.try_map(words::mapping(name)?).boxed(),
        "flatMap" => input.try_flat_map(words::flat_mapping(name)?).boxed(),
        "filter" => input.try_filter(words::predicate(name)?).boxed(),
        "glom" => input.glom().map(Value::from).boxed(),
        "mapPartitions" => input
            .map_partitions(|items| [json!(items.filter_map(|item| item.as_i64()).sum::<i64>())])
            .boxed(),
        "repartition" => match params["num_partitions"].as_u64() {
            Some(partitions @ 1..) => input.repartition(partitions as usize),
            _ => return malformed("num_partitions is not a positive number"),
        },
        "count" => input.count().map(Value::from).boxed(),
        "countByValue" => values(&input.count_by_value(), Value::from),
        "reduce" => input.reduce(words::reducer(name)?),
        "reduceByKey" => values(&pairs(input).reduce_by_key(words::reducer(name)?), same),
        "groupByKey" => values(&pairs(input).group_by_key(), Value::from),
        "combineByKey" => combine(input, params)?,
        "mapValues" => {
            let f = words::mapping(name)?;
            let mapped = move |(key, value)| f(value).map(|value| (key, value));
            values(&pairs(input).try_map(mapped), same)
        }
        "flatMapValues" => {
            let f = words::flat_mapping(name)?;
            let lists = pairs(input).try_map(move |(key, value)| f(value).map(|list| (key, list)));
            values(&lists.flat_map_values(|list| list), same)
        }
        "transform" => whole::one(input, name, params)?,
        "foreachRDD" => input.transform(|batch, time| {
            let row = json!([time.as_millis(), batch.len()]);
            batch.with_items(vec![row])
        }),
        "updateStateByKey" => state(input, params)?,
        op => return windowed(input, op, params),
    })
}

fn duration(params: &Value, name: &str) -> Outcome<Duration> {
    match params[name].as_u64() {
        Some(millis) => Ok(Duration::from_millis(millis)),
        None => malformed(format!("{name} is {}", params[name])),
    }
}

/// Operators on windows.
fn windowed<'c>(input: &Stream<'c>, op: &str, params: &Value) -> Outcome<Stream<'c>> {
    if !op.contains("indow") {
        return unsupported(op);
    }
    let (window, slide) = (
        duration(params, "window_ms")?,
        duration(params, "slide_ms")?,
    );
    let name = function(params);
    let same = |value| value;
    let built = match op {
        "window" => input.window(window, slide).map(|stream| stream.boxed()),
        "countByWindow" => {
            let counts = input.count_by_window(window, slide);
            counts.map(|stream| stream.map(Value::from).boxed())
        }
        "reduceByWindow" => input.reduce_by_window(window, slide, words::reducer(name)?),
        "groupByKeyAndWindow" => {
            let groups = pairs(input).group_by_key_and_window(window, slide);
            groups.map(|stream| values(&stream, Value::from))
        }
        "countByValueAndWindow" => {
            let counts = input.count_by_value_and_window(window, slide);
            counts.map(|stream| values(&stream, Value::from))
        }
        "reduceByKeyAndWindow" => {
            let f = words::reducer(name)?;
            match params["inverse"].as_str() {
                None => pairs(input)
                    .reduce_by_key_and_window(window, slide, f)
                    .map(|stream| values(&stream, same)),
                Some(inverse) => pairs(input)
                    .reduce_by_key_and_window_with_inverse(
                        window,
                        slide,
                        f,
                        words::reducer(inverse)?,
                    )
                    .map(|stream| values(&stream, same)),
            }
        }
        other => return unsupported(other),
    };
    match (built, params["filter"].as_str()) {
        (Ok(stream), None) => Ok(stream),
        (Ok(stream), Some(filter)) => Ok(stream.try_filter(words::predicate(filter)?).boxed()),
        (Err(error), _) => malformed(error.to_string()),
    }
}

/// Operators with two inputs.
fn two<'c>(
    input: &Stream<'c>,
    other: &Stream<'c>,
    op: &str,
    params: &Value,
) -> Outcome<Stream<'c>> {
    let keyed = || (pairs(input), pairs(other));
    let both = |(left, right): (Value, Value)| json!([left, right]);
    Ok(match op {
        "union" => input.union(other).boxed(),
        "transformWith" => whole::two(input, other, function(params))?,
        "cogroup" => {
            let (left, right) = keyed();
            values(&left.cogroup(&right), |(left, right)| json!([left, right]))
        }
        "join" => {
            let (left, right) = keyed();
            values(&left.join(&right), both)
        }
        "leftOuterJoin" => {
            let (left, right) = keyed();
            values(&left.left_outer_join(&right), |sides| json!(sides))
        }
        "rightOuterJoin" => {
            let (left, right) = keyed();
            values(&left.right_outer_join(&right), |sides| json!(sides))
        }
        "fullOuterJoin" => {
            let (left, right) = keyed();
            values(&left.full_outer_join(&right), |sides| json!(sides))
        }
        other => return unsupported(other),
    })
}

fn combine<'c>(input: &Stream<'c>, params: &Value) -> Outcome<Stream<'c>> {
    let names = ["create", "merge_value"].map(|name| params[name].as_str().unwrap_or_default());
    if names != ["avg_create", "avg_merge"] {
        return unsupported(&format!("combineByKey by {names:?}"));
    }
    let combined = pairs(input).combine_by_key(
        |value| (words::sum(&[value]), 1),
        |(sum, count), value| {
            *sum += words::sum(&[value]);
            *count += 1;
        },
        |(sum, count), (more, others)| {
            *sum += more;
            *count += others;
        },
    );
    Ok(values(&combined, |(sum, count): (i64, i64)| {
        json!([sum, count])
    }))
}

fn state<'c>(input: &Stream<'c>, params: &Value) -> Outcome<Stream<'c>> {
    let name = function(params);
    if name == "usbk_iter_total" {
        let states = pairs(input).update_state_by_partition(|_, updates| words::total_of(updates));
        return Ok(values(&states, |state| state));
    }
    let update = words::update(name)?;
    let states = pairs(input)
        .update_state_by_key_with(records(&params["initial"])?, move |time, _, new, old| {
            update(time.as_millis(), new.collect(), old)
        });
    Ok(values(&states, |state| state))
}

/// What the function emits, and the states.
fn map_with_state<'c>(input: &Stream<'c>, params: &Value) -> Outcome<(Stream<'c>, Stream<'c>)> {
    let track = words::tracking(function(params))?;
    let mut spec = StateSpec::new(
        move |time: forebay::stream::BatchTime, key: &Value, value, state: &mut _| {
            track(time.as_millis(), key, value, state)
        },
    )
    .initial(records(&params["initial"])?);
    if !params["timeout_ms"].is_null() {
        spec = spec.timeout(duration(params, "timeout_ms")?);
    }
    let tracked = pairs(input).state_by_key(spec);
    let states = values(&tracked.snapshots(), |state| state);
    Ok((tracked.boxed(), states))
}

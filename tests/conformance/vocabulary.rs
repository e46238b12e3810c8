//! The table `functions` of the case file, as functions of JSON values.
//!
//! Every function is fallible: a value of the wrong kind is an error of the stream's closure,
//! and fails the case.

use forebay::stream::{KeyUpdate, State};
use serde_json::{Value, json};

use crate::case::{Outcome, malformed, unsupported};

pub(crate) type Mapped<T> = Result<T, String>;

pub(crate) fn int(value: &Value) -> Mapped<i64> {
    value
        .as_i64()
        .ok_or_else(|| format!("{value} is not an integer"))
}

pub(crate) fn pair(value: Value) -> Mapped<(Value, Value)> {
    match value {
        Value::Array(list) => <[Value; 2]>::try_from(list)
            .map(|[key, value]| (key, value))
            .map_err(|list| format!("{list:?} is not a pair")),
        other => Err(format!("{other} is not a pair")),
    }
}

/// From one value to one.
pub(crate) fn mapping(name: &str) -> Outcome<fn(Value) -> Mapped<Value>> {
    Ok(match name {
        "neg" => |x| Ok(json!(-int(&x)?)),
        "inc" => |x| Ok(json!(int(&x)? + 1)),
        "times10" => |x| Ok(json!(int(&x)? * 10)),
        "add100" => |x| Ok(json!(int(&x)? + 100)),
        "to_string" => |x| Ok(json!(int(&x)?.to_string())),
        "pair_one" => |x| Ok(json!([x, 1])),
        _ => return unsupported(&format!("function {name}")),
    })
}

pub(crate) type FlatMapping = fn(Value) -> Mapped<Vec<Value>>;

/// From one value to many.
pub(crate) fn flat_mapping(name: &str) -> Outcome<FlatMapping> {
    Ok(match name {
        "up_to" => |n| Ok((1..=int(&n)?).map(Value::from).collect()),
        "split_space" => |s| match s.as_str() {
            Some(text) => Ok(text
                .split(' ')
                .filter(|piece| !piece.is_empty())
                .map(Value::from)
                .collect()),
            None => Err(format!("{s} is not a string")),
        },
        "dup_value" => |v| {
            Ok(match int(&v)? {
                0 => vec![],
                v => vec![json!(v), json!(v + 100)],
            })
        },
        _ => return unsupported(&format!("function {name}")),
    })
}

/// From one value to a verdict.
pub(crate) fn predicate(name: &str) -> Outcome<fn(&Value) -> Mapped<bool>> {
    Ok(match name {
        "is_odd" => |x| Ok(int(x)?.rem_euclid(2) == 1),
        "gt5" => |x| Ok(int(x)? > 5),
        "value_ne_0" => |x| Ok(int(&x[1])? != 0),
        _ => return unsupported(&format!("function {name}")),
    })
}

/// From two values to one.
///
/// # Panics
///
/// The functions panic on anything but integers; the driver makes a failed batch of it.
pub(crate) fn reducer(name: &str) -> Outcome<fn(Value, Value) -> Value> {
    fn both(a: &Value, b: &Value, f: fn(i64, i64) -> i64) -> Value {
        let number = |value| int(value).unwrap_or_else(|error| panic!("{error}"));
        json!(f(number(a), number(b)))
    }
    Ok(match name {
        "add" => |a, b| both(&a, &b, |a, b| a + b),
        "sub" => |a, b| both(&a, &b, |a, b| a - b),
        "mul" => |a, b| both(&a, &b, |a, b| a * b),
        "max" => |a, b| both(&a, &b, i64::max),
        "xor" => |a, b| both(&a, &b, |a, b| a ^ b),
        _ => return unsupported(&format!("function {name}")),
    })
}

/// The sum of integers.
///
/// # Panics
///
/// If there is anything else; the driver makes a failed batch of it.
pub(crate) fn sum(values: &[Value]) -> i64 {
    let number = |value| int(value).unwrap_or_else(|error| panic!("{error}"));
    values.iter().map(number).sum()
}

/// A state function: batch time, new values, old state.
pub(crate) type Update = fn(u64, Vec<Value>, Option<Value>) -> Option<Value>;

pub(crate) fn update(name: &str) -> Outcome<Update> {
    fn total(values: &[Value], state: Option<Value>) -> i64 {
        sum(values) + state.map_or(0, |state| sum(&[state]))
    }
    Ok(match name {
        "usbk_sum" => |_, values, state| Some(json!(total(&values, state))),
        "usbk_sum_drop_idle" => {
            |_, values, state| (!values.is_empty()).then(|| json!(total(&values, state)))
        }
        "usbk_drop_nonpositive" => |_, values, state| {
            Some(total(&values, state))
                .filter(|t| *t > 0)
                .map(Value::from)
        },
        "usbk_cap10" => |_, values, state| {
            Some(total(&values, state))
                .filter(|t| *t < 10)
                .map(Value::from)
        },
        "usbk_count_calls" => |_, _, state| Some(json!(total(&[], state) + 1)),
        "usbk_two_idle_strikes" => |_, values, state| {
            let state = state.unwrap_or_else(|| json!([0, 0]));
            let (before, idle) = (sum(&[state[0].clone()]), sum(&[state[1].clone()]));
            match values.is_empty() {
                true if idle + 1 == 2 => None,
                true => Some(json!([before, idle + 1])),
                false => Some(json!([before + sum(&values), 0])),
            }
        },
        "usbk_last_seen" => |time, values, state| match values.is_empty() {
            true => state,
            false => Some(json!(time)),
        },
        "usbk_last3" => |_, values, state| {
            let mut all = state
                .and_then(|state| state.as_array().cloned())
                .unwrap_or_default();
            all.extend(values);
            Some(json!(all[all.len().saturating_sub(3)..]))
        },
        _ => return malformed(format!("unknown state function {name}")),
    })
}

/// `usbk_iter_total`: the state function of a whole partition.
pub(crate) fn total_of(
    updates: impl Iterator<Item = KeyUpdate<Value, Value, Value>>,
) -> Vec<(Value, Value)> {
    let rows = updates.filter(|(key, ..)| key != "_total");
    let mut states: Vec<(Value, Value)> = rows
        .map(|(key, values, state)| (key, json!(sum(&values) + sum(state.as_slice()))))
        .collect();
    let total: i64 = states
        .iter()
        .map(|(_, state)| sum(std::slice::from_ref(state)))
        .sum();
    states.push((json!("_total"), json!(total)));
    states
}

/// A function of `mapWithState`: batch time, key, value, state.
pub(crate) type Tracking = fn(u64, &Value, Option<Value>, &mut State<Value>) -> Option<Value>;

pub(crate) fn tracking(name: &str) -> Outcome<Tracking> {
    fn add(value: &Value, state: &mut State<Value>) -> Value {
        let before = state
            .get()
            .map_or(0, |state| sum(std::slice::from_ref(state)));
        let new = json!(before + sum(std::slice::from_ref(value)));
        state.update(new.clone());
        new
    }
    Ok(match name {
        "mws_count" => |_, key, value, state| {
            let new = add(&value?, state);
            Some(json!([key, new]))
        },
        "mws_first_seen" => |_, key, _, state| {
            if state.exists() {
                return None;
            }
            state.update(json!(1));
            Some(key.clone())
        },
        "mws_toggle" => |_, key, value, state| match state.remove() {
            Some(before) => Some(json!(["closed", key, before])),
            None => {
                state.update(value?);
                None
            }
        },
        "mws_read_or_set" => |_, key, value, state| {
            let value = value?;
            if value == json!(-1) {
                return Some(json!([key, state.get()]));
            }
            state.update(value);
            None
        },
        "mws_expire" => |_, key, value, state| match value {
            Some(value) => {
                add(&value, state);
                None
            }
            None => Some(json!([key, state.get()])),
        },
        "mws_stamp" => |time, key, _, state| {
            state.update(json!(time));
            Some(json!([key, time]))
        },
        _ => return malformed(format!("unknown state function {name}")),
    })
}

/// `params.initial` or `params.static` as records.
pub(crate) fn records(value: &Value) -> Outcome<Vec<(Value, Value)>> {
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list.clone(),
        other => return malformed(format!("{other} is not a list of pairs")),
    };
    list.into_iter()
        .map(|record| pair(record).or_else(malformed))
        .collect()
}

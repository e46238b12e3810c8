//! The functions of whole batches, `rdd_...` in the case file.

use std::cmp::Reverse;
use std::collections::HashSet;

use forebay::stream::{Batch, BatchTime, StreamingContext};
use serde_json::{Value, json};

use crate::build::Stream;
use crate::case::{Outcome, unsupported};
use crate::vocabulary::{pair, records};

/// `transform`.
pub(crate) fn one<'c>(input: &Stream<'c>, name: &str, params: &Value) -> Outcome<Stream<'c>> {
    let function: fn(Batch<Value>, BatchTime) -> Vec<Value> = match name {
        "rdd_sort_desc" => |batch, _| {
            let mut items = batch.into_vec();
            items.sort_by_key(|item| Reverse(item.as_i64()));
            items
        },
        "rdd_distinct" => |batch, _| {
            let mut items = batch.into_vec();
            let mut seen = HashSet::new();
            items.retain(|item| seen.insert(item.clone()));
            items
        },
        "rdd_tag_time" => |batch, time| {
            let tag = |item| json!([time.as_millis(), item]);
            batch.into_iter().map(tag).collect()
        },
        "rdd_sizes" => |batch, _| vec![json!([batch.len()])],
        "rdd_join_static" => return join_static(input, params),
        other => return unsupported(&format!("function {other}")),
    };
    Ok(input.transform(move |batch, time| {
        let width = batch.clone();
        width.with_items(function(batch, time))
    }))
}

fn join_static<'c>(input: &Stream<'c>, params: &Value) -> Outcome<Stream<'c>> {
    let table = records(&params["static"])?;
    Ok(input.transform(move |batch, _| {
        let mut joined = Vec::new();
        for record in batch.iter() {
            let (key, left) = pair(record.clone())?;
            let matches = table.iter().filter(|(other, _)| *other == key);
            joined.extend(matches.map(|(_, right)| json!([key, [left, right]])));
        }
        Ok::<_, String>(batch.with_items(joined))
    }))
}

/// `transformWith`.
pub(crate) fn two<'c>(first: &Stream<'c>, second: &Stream<'c>, name: &str) -> Outcome<Stream<'c>> {
    let function: fn(Batch<Value>, Batch<Value>, BatchTime) -> Vec<Value> = match name {
        "rdd_subtract" => |first, second, _| {
            let out: HashSet<Value> = second.into_iter().collect();
            first
                .into_iter()
                .filter(|item| !out.contains(item))
                .collect()
        },
        "rdd_concat_time" => |first, second, time| {
            let mut all = first.into_vec();
            all.extend(second);
            all.push(json!(time.as_millis()));
            all
        },
        "rdd_sizes" => |first, second, _| vec![json!([first.len(), second.len()])],
        other => return unsupported(&format!("function {other}")),
    };
    Ok(first.transform_with(second, move |first, second, time| {
        let width = first.clone();
        width.with_items(function(first, second, time))
    }))
}

/// `context.transform`.
pub(crate) fn many<'c>(
    ctx: &'c StreamingContext,
    streams: &[Stream<'c>],
    name: &str,
) -> Outcome<Stream<'c>> {
    let function: fn(&[Batch<Value>], BatchTime) -> Vec<Value> = match name {
        "rdd_sizes" => |batches, _| {
            let sizes: Vec<usize> = batches.iter().map(Batch::len).collect();
            vec![json!(sizes)]
        },
        "rdd_concat_time" => |batches, time| {
            let mut all: Vec<Value> = batches.iter().flat_map(Batch::iter).cloned().collect();
            all.push(json!(time.as_millis()));
            all
        },
        other => return unsupported(&format!("function {other}")),
    };
    Ok(ctx.transform(streams, move |batches, time| {
        batches[0].with_items(function(&batches, time))
    }))
}

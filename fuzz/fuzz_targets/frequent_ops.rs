//! Any mix of updates, merges and questions, against exact counts.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use forebay::Merge;
use forebay::frequent::{MisraGries, Side};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Update(u8),
    Weighted(u8, u32),
    Slice(Vec<u8>),
    SliceWeighted(Vec<(u8, u16)>),
    /// Goes on with a new summary of so many counters.
    Split(u8),
    /// Merges the last two summaries.
    Merge,
    Store,
    Clear,
}

type Summary = MisraGries<u8>;
type Truth = BTreeMap<u8, u64>;

fn apply(op: Op, stack: &mut Vec<(Summary, Truth)>) {
    let (summary, truth) = stack.last_mut().expect("never empty");
    let mut count = |key: u8, weight: u64| *truth.entry(key).or_insert(0) += weight;
    match op {
        Op::Update(key) => {
            summary.update(key);
            count(key, 1);
        }
        Op::Weighted(key, weight) => {
            summary.update_weighted(key, weight.into());
            count(key, weight.into());
        }
        Op::Slice(keys) => {
            summary.extend_from_slice(&keys);
            keys.iter().for_each(|&key| count(key, 1));
        }
        Op::SliceWeighted(items) => {
            let items: Vec<_> = items.iter().map(|&(k, w)| (k, u64::from(w))).collect();
            summary.extend_from_slice_weighted(&items);
            items.iter().for_each(|&(key, weight)| count(key, weight));
        }
        Op::Split(k) => stack.push((Summary::new(usize::from(k).max(1)), Truth::new())),
        Op::Merge => merge(stack),
        Op::Store => {
            let bytes = postcard::to_allocvec(summary).expect("encodes");
            *summary = postcard::from_bytes(&bytes).expect("decodes");
        }
        Op::Clear => {
            summary.clear();
            truth.clear();
        }
    }
}

fn merge(stack: &mut Vec<(Summary, Truth)>) {
    if stack.len() < 2 {
        return;
    }
    let (other, other_truth) = stack.pop().expect("two");
    let (summary, truth) = stack.last_mut().expect("two");
    summary.merge(other);
    for (key, weight) in other_truth {
        *truth.entry(key).or_insert(0) += weight;
    }
}

fn check((summary, truth): &(Summary, Truth)) {
    assert_eq!(summary.total_weight(), truth.values().sum::<u64>());
    assert!(summary.max_error() <= summary.error_bound());
    assert!(summary.len() <= summary.k());
    for key in 0..=u8::MAX {
        let weight = truth.get(&key).copied().unwrap_or(0);
        let count = summary.estimate(&key);
        assert!(count.lower <= weight && weight <= count.upper);
    }
    let heavy = summary.heavy_hitters(0.1, Side::NoFalseNegatives);
    for (key, &weight) in truth {
        assert!(weight <= heavy.threshold || heavy.rows.iter().any(|row| row.key == key));
    }
}

fuzz_target!(|ops: (u8, Vec<Op>)| {
    let mut stack = vec![(Summary::new(usize::from(ops.0).max(1)), Truth::new())];
    for op in ops.1 {
        apply(op, &mut stack);
        check(stack.last().expect("never empty"));
    }
});

//! Words that look random, the same in every run; no measuring.

use std::hash::BuildHasher;

use forebay::hash::DefaultHashBuilder;

/// Words in a batch.
pub(crate) const WORDS: u64 = 1_000_000;

/// A number that looks random.
pub(crate) fn scrambled(n: u64) -> u64 {
    DefaultHashBuilder::default().hash_one(n)
}

fn word(n: u64, distinct: u64) -> String {
    format!("word-{}", scrambled(n) % distinct)
}

/// Four batches of a million words, of which so many are distinct.
pub(crate) fn batches(distinct: u64) -> Vec<Vec<String>> {
    let batch = |b| (b * WORDS..(b + 1) * WORDS).map(|n| word(n, distinct));
    (0..4).map(|b| batch(b).collect()).collect()
}

/// Copies of some batches in turn, for ever.
pub(crate) fn in_turn<T: Clone>(batches: &[Vec<T>]) -> impl FnMut() -> Vec<T> {
    let mut turns = batches.iter().cycle();
    move || turns.next().cloned().unwrap_or_default()
}

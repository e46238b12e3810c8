//! The same count by two threads written by hand: what a second core of this machine is worth.

use std::hint::black_box;
use std::{array, thread};

use forebay::hash::route;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::Counts;

/// Two threads share nothing: each counts half of the words in a map of its own, so that no count
/// is whole.
pub(crate) fn apart() -> impl FnMut(Vec<String>) {
    let mut maps: [Counts; 2] = array::from_fn(|_| Counts::default());
    move |batch| {
        let halves = halves(batch);
        thread::scope(|scope| {
            for (map, half) in maps.iter_mut().zip(halves) {
                scope.spawn(|| {
                    half.into_iter().for_each(|word| {
                        *map.entry(word).or_insert(0) += 1;
                    })
                });
            }
        });
        black_box(maps[0].len());
    }
}

/// Each thread sends every word to the one that counts it, which is what a running count takes.
pub(crate) fn exchanged() -> impl FnMut(Vec<String>) {
    let mut maps: [Table; 2] = array::from_fn(|_| Table::new());
    move |batch| {
        let sent = thread::scope(|scope| {
            let threads = halves(batch).map(|half| scope.spawn(|| sorted(half)));
            threads.map(|thread| thread.join().expect("nothing panics"))
        });
        let [[a, b], [c, d]] = sent;
        thread::scope(|scope| {
            for (map, received) in maps.iter_mut().zip([[a, c], [b, d]]) {
                scope.spawn(|| {
                    received
                        .into_iter()
                        .flatten()
                        .for_each(|hashed| count(map, hashed))
                });
            }
        });
        black_box(maps[0].len());
    }
}

fn halves(mut batch: Vec<String>) -> [Vec<String>; 2] {
    let second = batch.split_off(batch.len() / 2);
    [batch, second]
}

/// By the thread that counts them, with the hash that serves both.
fn sorted(words: Vec<String>) -> [Vec<(u64, String)>; 2] {
    let mut sorted: [Vec<_>; 2] = array::from_fn(|_| Vec::with_capacity(words.len()));
    for word in words {
        let hash = route(&word);
        sorted[(hash >> 32 & 1) as usize].push((hash, word));
    }
    sorted
}

type Table = HashTable<(u64, String, u64)>;

fn count(table: &mut Table, (hash, word): (u64, String)) {
    let entry = table.entry(hash, |(_, known, _)| *known == word, |(hash, ..)| *hash);
    match entry {
        Entry::Occupied(mut entry) => entry.get_mut().2 += 1,
        Entry::Vacant(entry) => drop(entry.insert((hash, word, 1))),
    }
}

//! Ways to find the frequent items of a stream, each run from an empty start.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::hint::black_box;

use datasketches::frequencies::{FrequentItemValue, FrequentItemsSketch};
use forebay::frequent::MisraGries;
use forebay::hash::DefaultHashBuilder;
use topk::FilteredSpaceSaving;

/// Keys with weights; weights of one are offered by the methods that take none.
pub(crate) struct Stream<K> {
    pub(crate) name: &'static str,
    pub(crate) items: Vec<(K, u64)>,
    pub(crate) keys: Vec<K>,
    pub(crate) unit: bool,
}

impl<K: Copy> Stream<K> {
    pub(crate) fn unit(name: &'static str, keys: Vec<K>) -> Self {
        Self {
            name,
            items: Vec::new(),
            keys,
            unit: true,
        }
    }

    pub(crate) fn weighted(name: &'static str, keys: &[K], weights: Vec<u64>) -> Self {
        Self {
            name,
            items: keys.iter().copied().zip(weights).collect(),
            keys: Vec::new(),
            unit: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len().max(self.items.len())
    }

    pub(crate) fn each(&self, mut visit: impl FnMut(K, u64)) {
        self.keys.iter().for_each(|&key| visit(key, 1));
        self.items
            .iter()
            .for_each(|&(key, weight)| visit(key, weight));
    }
}

/// What a run left behind: the largest error, and the bytes held.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) error: u64,
    pub(crate) bytes: usize,
}

/// As many counters as the rival keeps in so many slots, three quarters: k of them for weights of
/// one; for other weights, where half as many again are kept as a buffer, k is half of the slots.
pub(crate) fn counters<K>(stream: &Stream<K>, slots: usize) -> usize {
    if stream.unit {
        slots / 4 * 3
    } else {
        slots / 32 * 15
    }
}

/// In slices, with [as many counters](counters) as the rival in so many slots.
pub(crate) fn forebay<K: Copy + Hash + Eq>(stream: &Stream<K>, slots: usize) -> Outcome {
    blocks_of(stream, counters(stream, slots))
}

/// One by one, the same.
pub(crate) fn forebay_singly<K: Copy + Hash + Eq>(stream: &Stream<K>, slots: usize) -> Outcome {
    singly_of(stream, counters(stream, slots))
}

pub(crate) fn blocks_of<K: Copy + Hash + Eq>(stream: &Stream<K>, k: usize) -> Outcome {
    let mut summary: MisraGries<K> = MisraGries::new(k);
    summary.extend_from_slice(&stream.keys);
    summary.extend_from_slice_weighted(&stream.items);
    Outcome {
        error: summary.max_error(),
        bytes: summary.memory(),
    }
}

pub(crate) fn singly_of<K: Copy + Hash + Eq>(stream: &Stream<K>, k: usize) -> Outcome {
    let mut summary: MisraGries<K> = MisraGries::new(k);
    if stream.unit {
        stream.keys.iter().for_each(|&key| summary.update(key));
    } else {
        stream.each(|key, weight| summary.update_weighted(key, weight));
    }
    Outcome {
        error: summary.max_error(),
        bytes: summary.memory(),
    }
}

pub(crate) fn rival<K: Copy + FrequentItemValue + Hash + Eq>(
    stream: &Stream<K>,
    slots: usize,
) -> Outcome {
    let mut sketch = FrequentItemsSketch::<K>::new(slots).expect("a power of two");
    stream.each(|key, weight| sketch.update_with_count(key, weight));
    Outcome {
        error: sketch.maximum_error(),
        bytes: slots * (size_of::<K>() + 10),
    }
}

/// Filtered space saving with as many bytes as the rival, at its 150 bytes a counter.
pub(crate) fn topk<K: Copy + Hash + Eq>(stream: &Stream<K>, slots: usize) -> Outcome {
    let k = (slots * 18 / 150).max(1);
    let mut summary = FilteredSpaceSaving::new(k);
    stream.each(|key, weight| summary.insert(key, weight));
    let error = summary
        .iter()
        .map(|(_, count)| count.associated_error())
        .max();
    Outcome {
        error: error.unwrap_or(0),
        bytes: k * 150,
    }
}

pub(crate) fn exact<K: Copy + Hash + Eq>(stream: &Stream<K>, _: usize) -> Outcome {
    let mut counts: HashMap<K, u64, DefaultHashBuilder> = HashMap::default();
    stream.each(|key, weight| *counts.entry(key).or_insert(0) += weight);
    Outcome {
        error: 0,
        bytes: counts.capacity() * 8 / 7 * (size_of::<(K, u64)>() + 1),
    }
}

/// Exact counts of words that are not there for ever: it owns what it has seen, as a summary does.
pub(crate) fn exact_words(words: &[&str]) -> Outcome {
    let mut counts: hashbrown::HashMap<String, u64, DefaultHashBuilder> = Default::default();
    for &word in words {
        *counts.entry_ref(word).or_insert(0) += 1;
    }
    Outcome {
        error: 0,
        bytes: counts.capacity() * 8 / 7 * (size_of::<(String, u64)>() + 1),
    }
}

/// The stream with every key replaced by the one that lives in its slot, and those slots.
pub(crate) struct AllHits {
    table: Vec<(u64, u64)>,
    stream: Stream<u64>,
}

impl AllHits {
    pub(crate) fn of(stream: &Stream<u64>, slots: usize) -> Self {
        let hasher = DefaultHashBuilder::default();
        let mut table = vec![(0, 0); slots];
        let mut settled = |key| {
            let home = &mut table[hasher.hash_one(key) as usize % slots].0;
            if *home == 0 {
                *home = key;
            }
            *home
        };
        let keys = stream.keys.iter().map(|&key| settled(key)).collect();
        let items = stream.items.iter();
        let items = items.map(|&(key, weight)| (settled(key), weight)).collect();
        let stream = Stream {
            keys,
            items,
            ..*stream
        };
        Self { table, stream }
    }

    /// The least any table of this size can do: hash, one probe, compare, add.
    pub(crate) fn run(&mut self) -> Outcome {
        let hasher = DefaultHashBuilder::default();
        let mask = self.table.len() - 1;
        self.stream.each(|key, weight| {
            let slot = &mut self.table[hasher.hash_one(key) as usize & mask];
            if slot.0 == key {
                slot.1 += weight;
            }
        });
        black_box(&self.table);
        Outcome::default()
    }
}

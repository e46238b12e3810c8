//! The naive twins: for every fast path the few lines that obviously do the same.
//!
//! Included by path from tests, benches and fuzz targets; nothing clever here.
#![allow(dead_code, reason = "each including crate uses some of them")]
#![allow(
    unreachable_pub,
    reason = "fuzz targets and benches include this file too"
)]

use std::collections::BTreeMap;

/// The probability of every set of `k` of the weighted items under successive sampling, by bit
/// mask, summed over all orders in which the set can be drawn.
pub fn successive_sampling(weights: &[f64], k: usize) -> Vec<f64> {
    fn draw(weights: &[f64], k: usize, set: usize, probability: f64, law: &mut [f64]) {
        if k == 0 {
            law[set] += probability;
            return;
        }
        let free = |i: usize| set & 1 << i == 0;
        let left: f64 = (0..weights.len())
            .filter(|&i| free(i))
            .map(|i| weights[i])
            .sum();
        for i in (0..weights.len()).filter(|&i| free(i)) {
            draw(
                weights,
                k - 1,
                set | 1 << i,
                probability * weights[i] / left,
                law,
            );
        }
    }
    let mut law = vec![0.0; 1 << weights.len()];
    draw(weights, k, 0, 1.0, &mut law);
    law
}

/// Misra-Gries as in the textbook: k counters, a key at a time, weight one.
pub struct TextbookMisraGries<K> {
    pub k: usize,
    pub counters: BTreeMap<K, u64>,
}

impl<K: Ord> TextbookMisraGries<K> {
    pub fn new(k: usize) -> Self {
        let counters = BTreeMap::new();
        Self { k, counters }
    }

    pub fn update(&mut self, key: K) {
        if self.counters.contains_key(&key) || self.counters.len() < self.k {
            *self.counters.entry(key).or_insert(0) += 1;
        } else {
            self.counters.values_mut().for_each(|counter| *counter -= 1);
            self.counters.retain(|_, counter| *counter > 0);
        }
    }
}

/// Exact counts of everything.
pub fn exact_counts<K: Ord>(stream: impl IntoIterator<Item = (K, u64)>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for (key, weight) in stream {
        *counts.entry(key).or_insert(0) += weight;
    }
    counts
}

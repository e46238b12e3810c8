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

/// The threshold at which `k` of the weighted items are expected in a sample with inclusion
/// `min(1, w / threshold)`: the heaviest are taken for certain until the rest can share.
pub(crate) fn inclusion_threshold(weights: &[f64], k: usize) -> f64 {
    let mut sorted: Vec<f64> = weights.iter().copied().filter(|&w| w > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.len() <= k {
        return 0.0;
    }
    let fits = |&certain: &usize| {
        let light = &sorted[..sorted.len() - certain];
        let threshold = light.iter().sum::<f64>() / (k - certain) as f64;
        light[light.len() - 1] <= threshold
    };
    let certain = (0..k).find(fits).expect("k - 1 certain items always fit");
    sorted[..sorted.len() - certain].iter().sum::<f64>() / (k - certain) as f64
}

/// The probability of every set of items being the VarOpt sample of `k`, by bit mask: of every
/// k+1 items one leaves, with probability `1 - w / threshold`, w being its adjusted weight.
pub(crate) fn var_opt(weights: &[f64], k: usize) -> Vec<f64> {
    let mut law = vec![0.0; 1 << weights.len()];
    law[0] = 1.0;
    for (newcomer, &weight) in weights.iter().enumerate() {
        let before = inclusion_threshold(&weights[..newcomer], k);
        let after = inclusion_threshold(&weights[..=newcomer], k);
        let mut next = vec![0.0; law.len()];
        for (set, probability) in law.into_iter().enumerate().filter(|(_, p)| *p > 0.0) {
            let joined = set | 1 << newcomer;
            if joined.count_ones() as usize <= k {
                next[joined] += probability;
                continue;
            }
            for item in (0..=newcomer).filter(|item| joined & 1 << item != 0) {
                let adjusted = if item == newcomer {
                    weight
                } else {
                    weights[item].max(before)
                };
                next[joined & !(1 << item)] += probability * (1.0 - adjusted / after).max(0.0);
            }
        }
        law = next;
    }
    law
}

//! The naive twins: for every fast path the few lines that obviously do the same.
//!
//! Included by path from tests, benches and fuzz targets; nothing clever here.
#![allow(dead_code, reason = "each including crate uses some of them")]

/// The probability of every set of `k` of the weighted items under successive sampling, by bit
/// mask, summed over all orders in which the set can be drawn.
pub(crate) fn successive_sampling(weights: &[f64], k: usize) -> Vec<f64> {
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

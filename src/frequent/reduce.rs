//! Reducing the counters of a summary: the step of Agarwal et al. (2013).

use core::hash::{BuildHasher, Hash};

use super::misra_gries::{MisraGries, Steps};
use super::sweep::Remains;
use super::weight::Weight;

impl<K: Hash + Eq, W: Weight, S: BuildHasher> MisraGries<K, W, S> {
    /// Reduces the counters if there are too many: to k, or to about k if there is a buffer.
    #[inline]
    pub(super) fn settle(&mut self) {
        self.settle_in(self.steps);
    }

    /// Like [`settle`](Self::settle), as is due in these steps.
    #[inline]
    pub(super) fn settle_in(&mut self, steps: Steps) {
        if self.counters.len() > self.most_counters_in(steps) {
            match steps {
                Steps::Textbook | Steps::Gathered | Steps::Merged => self.subtract(self.cut()),
                Steps::Weighted => self.reduce_buffer(),
            }
        }
    }

    /// Subtracts `cut` from all counters, and records it.
    #[cold]
    pub(super) fn subtract(&mut self, cut: W) {
        let remains = self.counters.subtract(cut);
        self.record_reduction(cut, remains);
    }

    /// Records that `cut` was subtracted from all counters. What remains of keys is dropped last.
    fn record_reduction(&mut self, cut: W, remains: Remains<K, W>) {
        self.subtracted = self.subtracted.saturating_add(cut);
        drop(remains);
    }

    /// Reduces a full buffer, in one pass over the counters if the last cut can be used again.
    ///
    /// Any cut that at least k + 1 counters reach keeps the guarantee, because each of these loses the
    /// whole cut. The cut must also drop a good part of the surplus, or the next reduction would come too
    /// soon.
    fn reduce_buffer(&mut self) {
        let (len, surplus) = (self.counters.len(), self.counters.len() - self.k);
        let buffer = self.most_counters_in(Steps::Weighted) - self.k;
        // One and a half standard deviations of a rank, but at most half of the surplus and at most the
        // buffer.
        let margin = (libm::sqrt(surplus as f64) * 1.5) as usize;
        let margin = margin.min(surplus / 2).min(buffer);
        if self.likely_cut > W::ZERO {
            let cut = self.likely_cut;
            let above = self.counters.above(cut);
            let likely = (surplus - surplus / 8).saturating_sub(2 * margin);
            let needed = surplus.div_ceil(4).max(surplus.saturating_sub(buffer));
            let drops = len - above.len >= likely.max(needed);
            if drops && (above.len > self.k || self.counters.reaching(cut) > self.k) {
                let remains = self.counters.subtract_from(cut, &above);
                return self.record_reduction(cut, remains);
            }
        }
        // A little lower than possible, so that it can be used again.
        self.likely_cut = self.counters.largest(self.k + margin);
        self.subtract(self.likely_cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_of_a_full_buffer_is_cached_until_a_change() {
        let mut summary: MisraGries<u32> = MisraGries::new(10);
        (0..15).for_each(|key| summary.update_weighted(key, 2 + u64::from(key)));
        let known = |summary: &MisraGries<u32>| !summary.counters.may_change();
        assert!(!known(&summary));
        // The eleventh of 16, 15 and so on down to 2.
        assert_eq!(summary.max_error(), 6);
        assert!(known(&summary) && known(&summary.clone()));
        assert_eq!((summary.max_error(), summary.len()), (6, 10));
        for change in [
            |summary: &mut MisraGries<u32>| summary.update(3),
            |summary: &mut MisraGries<u32>| summary.extend_from_slice(&[3]),
            |summary: &mut MisraGries<u32>| {
                use crate::Merge;
                summary.merge(summary.clone());
            },
            MisraGries::clear,
        ] {
            let mut changed = summary.clone();
            change(&mut changed);
            assert!(!known(&changed));
        }
    }

    /// A selection among all counters is remembered, so none was made.
    #[test]
    fn single_keys_are_looked_up_without_a_look_at_all_counters() {
        let mut summary: MisraGries<u32> = MisraGries::new(10);
        for key in 0..15 {
            summary.update_weighted(key, 2 + u64::from(key));
            let found = summary.estimate(&key);
            assert_eq!(
                (found.lower, found.upper),
                (2 + u64::from(key), 2 + u64::from(key))
            );
            assert_eq!(summary.estimate(&99).upper, 0);
            assert!(summary.counters.may_change());
        }
    }

    const K: usize = 1_000;

    /// Offers new keys with these weights. Returns the number of reductions and of new cuts.
    fn reductions(weights: impl Iterator<Item = u64>) -> (usize, usize) {
        let mut summary: MisraGries<usize> = MisraGries::new(K);
        let (mut reductions, mut cuts) = (0, 0);
        for (key, weight) in weights.enumerate() {
            let (before, cut) = (summary.counters.len(), summary.likely_cut);
            summary.update_weighted(key, weight);
            assert!(summary.counters.len() <= summary.most_counters());
            reductions += usize::from(summary.counters.len() <= before);
            cuts += usize::from(summary.likely_cut != cut);
        }
        (reductions, cuts)
    }

    #[test]
    fn a_reduction_drops_a_quarter_of_the_buffer_or_more() {
        const OFFERS: u64 = 60_000;
        let streams: [fn(u64) -> u64; 4] = [
            |i| if i < K as u64 { 1 << 40 } else { 2 + i % 7 },
            |i| i + 2,
            |i| 2 << (i % 38),
            |i| 2 + crate::hash::route(&i) % 1_000,
        ];
        for weight in streams {
            let (reductions, _) = reductions((0..OFFERS).map(weight));
            assert!(0 < reductions && reductions * (K * 3 / 5 / 4) <= OFFERS as usize);
        }
    }

    #[test]
    fn the_last_cut_of_a_steady_stream_is_usually_used_again() {
        let weights = (0..200_000u64).map(|i| 2 + crate::hash::route(&i) % 1_000);
        let (reductions, cuts) = reductions(weights);
        assert!((300..500).contains(&reductions), "{reductions} reductions");
        assert!(cuts < reductions / 4, "{cuts} new cuts");
    }
}

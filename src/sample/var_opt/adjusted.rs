//! Conversion of a `VarOpt` sample to and from items with adjusted weights.

use alloc::vec::Vec;

use rand::Rng;

use super::VarOpt;
use crate::sample::split::Weighted;

/// The smallest positive weight.
const LEAST: f64 = f64::from_bits(1);

/// Shares above this count as 1: the rest is rounding.
const ALMOST_WHOLE: f64 = 1.0 - 1e-9;

/// The contents of a sample, to be written.
pub(crate) struct Held<'a, T> {
    /// A binary heap with the lightest on top; none is lighter than `tau`.
    pub(crate) heavy: &'a [Weighted<T>],
    pub(crate) light: &'a [Weighted<T>],
    /// `tau` times the number of light items; infinite if that overflows.
    pub(crate) light_weight: f64,
}

impl<T> Held<'_, T> {
    /// Whether no item is held; items of weight zero may have been seen.
    pub(crate) const fn is_empty(&self) -> bool {
        self.heavy.is_empty() && self.light.is_empty()
    }
}

/// Items whose adjusted weights sum to unbiased estimates.
pub(crate) struct Adjusted<T> {
    /// Items with their own weights.
    pub(crate) heavy: Vec<Weighted<T>>,
    /// Items with adjusted weights of their own, above zero and finite.
    pub(crate) marked: Vec<Weighted<T>>,
    /// Items that share `light_weight` equally.
    pub(crate) light: Vec<T>,
    /// Above zero and finite if there are light items, else zero.
    pub(crate) light_weight: f64,
}

impl<T, R> VarOpt<T, R> {
    /// The items held. If rounding put the threshold above the lightest heavy item, it is lowered to the
    /// weight of that item.
    pub(crate) fn held(&self) -> Held<'_, T> {
        let (heavy, light) = (self.split.heavy(), self.split.light());
        let slots = light.len() as f64;
        let lightest = self.split.lightest_heavy().unwrap_or(f64::INFINITY);
        let mut light_weight = (self.light_weight + self.gate.passed()) / self.gate.unit();
        if light_weight < f64::INFINITY && light_weight / slots > lightest {
            light_weight = lightest * slots;
            while light_weight / slots > lightest {
                light_weight = light_weight.next_down();
            }
        }
        Held {
            heavy,
            light,
            light_weight,
        }
    }
}

impl<T, R: Rng> VarOpt<T, R> {
    /// Builds a sample from items with adjusted weights, or returns the invariant that they break.
    ///
    /// The result has one threshold that is at least the adjusted weight of every light and marked item,
    /// and holds as many items as that threshold allows: all of them if the input is consistent. Its
    /// capacity is that number, or `capacity` if all items are heavy. Light and marked items get the mean
    /// of their unknown own weights.
    pub(crate) fn from_adjusted(
        capacity: usize,
        seen: u64,
        parts: Adjusted<T>,
        rng: R,
    ) -> Result<Self, &'static str> {
        let mut sample = Self::with_rng(capacity, rng);
        sample.seen = seen;
        let (slots, all) = (parts.slots(), parts.len());
        let weight = parts.mean_light(seen);
        for entry in parts.heavy {
            sample.split.push_heavy(entry);
        }
        if let Some(slots) = slots {
            sample.capacity = slots;
            for entry in &parts.marked {
                sample.add_light(entry.weight);
            }
            sample.add_light(parts.light_weight);
            let unit = sample.gate.unit();
            let each = parts.light_weight * unit / parts.light.len() as f64;
            let marked = parts.marked.into_iter();
            let candidates = marked
                .map(|entry| (entry.weight * unit, entry.item))
                .chain(parts.light.into_iter().map(|item| (each, item)));
            sample.take_light_of(candidates, weight, all);
        }
        sample.check()?;
        sample.open_gate();
        Ok(sample)
    }

    /// Adds light items of own weight `weight`, given with their scaled adjusted weights. `all` is the
    /// number of all items.
    fn take_light_of(
        &mut self,
        candidates: impl Iterator<Item = (f64, T)>,
        weight: f64,
        all: usize,
    ) {
        let candidates = candidates.map(|(adjusted, item)| (adjusted, Weighted { weight, item }));
        if all > self.capacity {
            self.sample_again(candidates);
        } else {
            let light = candidates.map(|(_, entry)| entry).collect();
            self.split.append_light(light);
        }
    }
}

impl<T> Adjusted<T> {
    pub(crate) const fn empty() -> Self {
        Self {
            heavy: Vec::new(),
            marked: Vec::new(),
            light: Vec::new(),
            light_weight: 0.0,
        }
    }

    fn len(&self) -> usize {
        self.heavy.len() + self.marked.len() + self.light.len()
    }

    /// The adjusted weight of a light item.
    fn each(&self) -> Option<f64> {
        (!self.light.is_empty()).then(|| self.light_weight / self.light.len() as f64)
    }

    /// The largest adjusted weight of a light or marked item.
    fn threshold(&self) -> Option<f64> {
        let marks = self.marked.iter().map(|entry| entry.weight);
        marks.chain(self.each()).max_by(f64::total_cmp)
    }

    /// The mean of the own weights of all light items, of which only the sum is known: all items seen
    /// except the heavy ones were light.
    fn mean_light(&self, seen: u64) -> f64 {
        let count = seen.saturating_sub(self.heavy.len() as u64) as f64;
        let marks = self.marked.iter().map(|entry| entry.weight / count);
        let mean = marks.sum::<f64>() + self.light_weight / count;
        // Rounding is coarse among subnormal numbers.
        mean.max(LEAST)
            .min(self.threshold().unwrap_or(f64::INFINITY))
    }

    /// The sample size under a threshold that is the largest adjusted weight of a light or marked item:
    /// items above it count 1, the others their share of it. `None` if all items are heavy.
    fn slots(&self) -> Option<usize> {
        let threshold = self.threshold()?;
        let own = self.heavy.iter().map(|entry| entry.weight);
        let marks = self.marked.iter().map(|entry| entry.weight);
        let light = self.light.iter().filter_map(|_| self.each());
        let (mut whole, mut part) = (0, 0.0);
        for weight in own.chain(marks).chain(light) {
            if weight / threshold >= ALMOST_WHOLE {
                whole += 1;
            } else {
                part += weight / threshold;
            }
        }
        Some(whole + (part + 1e-6) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::seeded;

    fn entries(weights: &[f64]) -> Vec<Weighted<usize>> {
        let weighted = weights.iter().enumerate();
        weighted
            .map(|(item, &weight)| Weighted { weight, item })
            .collect()
    }

    fn parts(own: &[f64], marks: &[f64], light: usize, light_weight: f64) -> Adjusted<usize> {
        Adjusted {
            heavy: entries(own),
            marked: entries(marks),
            light: (0..light).collect(),
            light_weight,
        }
    }

    #[test]
    fn as_many_items_are_kept_as_one_threshold_allows() {
        for (own, marks, light, light_weight, slots, tau) in [
            (&[9.0, 5.0][..], &[][..], 3, 6.0, 5, 2.0),
            (&[9.0, 5.0], &[2.0, 2.0], 0, 0.0, 4, 2.0),
            // Out of order, and one heavy item lighter than the threshold: 2 + 0.5/2 + 3 slots.
            (&[9.0, 0.5, 5.0], &[], 3, 6.0, 5, 6.5 / 3.0),
            // Marks of unequal weight: 1 + (3 + 3 + 2 + 4) / 3 slots, the last 4 of two light ones.
            (&[9.0], &[3.0, 3.0, 2.0], 2, 4.0, 5, 3.0),
            (&[1e-300], &[1e300], 0, 0.0, 1, 1e300),
        ] {
            let count = own.len() + marks.len() + light;
            let parts = parts(own, marks, light, light_weight);
            let total: f64 = own.iter().chain(marks).sum::<f64>() + light_weight;
            let sample = VarOpt::from_adjusted(count, 99, parts, seeded(1)).expect("sound");
            assert_eq!((sample.capacity(), sample.len()), (slots, slots));
            assert!((sample.tau() / tau - 1.0).abs() < 1e-12, "{}", sample.tau());
            assert!((sample.total_weight() / total - 1.0).abs() < 1e-12);
            assert_eq!(sample.check(), Ok(()));
        }
    }

    #[test]
    fn own_weights_alone_leave_the_capacity_as_it_is() {
        let parts = parts(&[3.0, 1.0, 2.0], &[], 0, 0.0);
        let sample = VarOpt::from_adjusted(7, 3, parts, seeded(1)).expect("sound");
        assert_eq!((sample.capacity(), sample.len(), sample.tau()), (7, 3, 0.0));
        assert_eq!(sample.split.lightest_heavy(), Some(1.0));
    }

    #[test]
    fn what_is_written_never_has_a_threshold_above_a_heavy_item() {
        for seed in 0..300 {
            let mut sample = VarOpt::with_seed(5, seed);
            for item in 0..40u64 {
                let weight = 0.1 * ((item * 7 + seed) % 11 + 1) as f64;
                sample.update_weighted(item, weight).expect("valid");
                let held = sample.held();
                let tau = held.light_weight / held.light.len() as f64;
                assert!(held.light.is_empty() || held.heavy.iter().all(|h| h.weight >= tau));
            }
        }
    }
}

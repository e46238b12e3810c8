//! Weighted items in one vector: first a heap of the heavy ones, then the light ones.

use alloc::vec::Vec;
use core::mem;

/// An item with its own weight.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Weighted<T> {
    /// Above zero and finite.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    pub(crate) weight: f64,
    pub(crate) item: T,
}

/// Heavy items, with access to the lightest, and light items.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Split<T> {
    /// The first `heavy` entries are a binary heap with the smallest weight on top; the others are not
    /// ordered.
    entries: Vec<Weighted<T>>,
    heavy: usize,
}

impl<T> Split<T> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            heavy: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn as_slice(&self) -> &[Weighted<T>] {
        &self.entries
    }

    pub(crate) fn heavy(&self) -> &[Weighted<T>] {
        &self.entries[..self.heavy]
    }

    pub(crate) fn light(&self) -> &[Weighted<T>] {
        &self.entries[self.heavy..]
    }

    /// The smallest weight of the heavy items.
    pub(crate) fn lightest_heavy(&self) -> Option<f64> {
        self.heavy().first().map(|entry| entry.weight)
    }

    /// Adds a heavy item. O(log n).
    pub(crate) fn push_heavy(&mut self, entry: Weighted<T>) {
        self.entries.push(entry);
        let last = self.entries.len() - 1;
        self.entries.swap(self.heavy, last);
        let mut child = self.heavy;
        self.heavy += 1;
        while child > 0 {
            let parent = (child - 1) / 2;
            if self.entries[parent].weight <= self.entries[child].weight {
                break;
            }
            self.entries.swap(parent, child);
            child = parent;
        }
    }

    /// Makes the lightest heavy item the first light one. O(log n).
    ///
    /// # Panics
    ///
    /// Panics if there is no heavy item.
    pub(crate) fn sink(&mut self) {
        self.heavy -= 1;
        self.entries.swap(0, self.heavy);
        let mut parent = 0;
        loop {
            let left = 2 * parent + 1;
            let Some(child) = [left, left + 1]
                .into_iter()
                .filter(|&child| child < self.heavy)
                .min_by(|&a, &b| self.entries[a].weight.total_cmp(&self.entries[b].weight))
            else {
                return;
            };
            if self.entries[parent].weight <= self.entries[child].weight {
                return;
            }
            self.entries.swap(parent, child);
            parent = child;
        }
    }

    /// Replaces a light item, which is returned.
    pub(crate) fn replace_light(&mut self, position: usize, entry: Weighted<T>) -> Weighted<T> {
        mem::replace(&mut self.entries[self.heavy + position], entry)
    }

    /// Takes out a light item. O(1).
    pub(crate) fn remove_light(&mut self, position: usize) -> Weighted<T> {
        self.entries.swap_remove(self.heavy + position)
    }

    /// Takes the light items out, in their order.
    pub(crate) fn take_light(&mut self) -> Vec<Weighted<T>> {
        self.entries.split_off(self.heavy)
    }

    /// Appends light items.
    pub(crate) fn append_light(&mut self, mut light: Vec<Weighted<T>>) {
        self.entries.append(&mut light);
    }

    /// Releases memory for more than `capacity` items.
    pub(crate) fn shrink_to(&mut self, capacity: usize) {
        self.entries.shrink_to(capacity);
    }

    pub(crate) fn clear(&mut self) {
        self.heavy = 0;
        self.entries.clear();
    }

    pub(crate) fn into_entries(self) -> Vec<Weighted<T>> {
        self.entries
    }

    /// Converts every item.
    pub(crate) fn map<U>(self, mut make: impl FnMut(T) -> U) -> Split<U> {
        let entries = self.entries.into_iter();
        Split {
            entries: entries
                .map(|Weighted { weight, item }| Weighted {
                    weight,
                    item: make(item),
                })
                .collect(),
            heavy: self.heavy,
        }
    }

    /// Whether all weights are valid and the heavy items are a heap.
    #[cfg(any(feature = "serde", feature = "datasketches"))]
    pub(crate) fn is_valid(&self) -> bool {
        let weights =
            |range: core::ops::Range<usize>| self.entries[range].iter().map(|entry| entry.weight);
        let ordered =
            |child: usize| self.entries[(child - 1) / 2].weight <= self.entries[child].weight;
        self.heavy <= self.len()
            && weights(0..self.len()).all(|weight| 0.0 < weight && weight < f64::INFINITY)
            && (1..self.heavy).all(ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(weight: f64) -> Weighted<()> {
        Weighted { weight, item: () }
    }

    fn lightest_by_search(split: &Split<()>) -> Option<f64> {
        let weights = split.heavy().iter().map(|entry| entry.weight);
        weights.min_by(f64::total_cmp)
    }

    #[test]
    fn sinking_takes_the_heavy_items_in_ascending_order_before_those_that_were_light() {
        let weights = [5.0, 3.0, 8.0, 3.0, 9.0, 1.0, 7.0, 2.0, 6.0];
        let mut split = Split::new();
        for (i, &weight) in weights.iter().enumerate() {
            split.push_heavy(entry(weight));
            assert_eq!(split.lightest_heavy(), lightest_by_search(&split));
            if i % 3 == 2 {
                let before = split.lightest_heavy();
                split.sink();
                assert_eq!(split.light().first().map(|entry| entry.weight), before);
                assert_eq!(split.lightest_heavy(), lightest_by_search(&split));
            }
        }
        assert_eq!((split.heavy().len(), split.light().len()), (6, 3));
        let mut sunk = Vec::new();
        while let Some(weight) = split.lightest_heavy() {
            split.sink();
            sunk.push(weight);
        }
        assert!(sunk.is_sorted());
        let front: Vec<f64> = split.light()[..6]
            .iter()
            .map(|entry| entry.weight)
            .collect();
        sunk.reverse();
        assert_eq!(front, sunk);
        assert_eq!(split.len(), weights.len());
    }
}

//! The iterator over the items a sampler holds.

use core::fmt;
use core::iter::FusedIterator;
use core::{iter, option, slice};

use super::bottom_k::Entry;
use super::rank::{DecayingRank, UniformRank, WeightedRank};
use super::split::Weighted;

/// The items a sampler holds, in no meaningful order.
pub struct Iter<'a, T>(Inner<'a, T>);

/// How a sampler stores its items.
enum Inner<'a, T> {
    Uniform(slice::Iter<'a, Entry<UniformRank, T>>),
    Weighted(slice::Iter<'a, Entry<WeightedRank, T>>),
    Decaying(slice::Iter<'a, Entry<DecayingRank, T>>),
    Split(slice::Iter<'a, Weighted<T>>),
    Plain(iter::Chain<slice::Iter<'a, T>, option::IntoIter<&'a T>>),
}

impl<'a, T> Iter<'a, T> {
    /// Items stored as they are, and perhaps one more.
    pub(crate) fn of_items(items: &'a [T], last: Option<&'a T>) -> Self {
        Self(Inner::Plain(items.iter().chain(last)))
    }

    /// Items stored with their weights.
    pub(crate) fn of_weighted(entries: &'a [Weighted<T>]) -> Self {
        Self(Inner::Split(entries.iter()))
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        match &mut self.0 {
            Inner::Uniform(iter) => iter.next().map(|entry| &entry.item),
            Inner::Weighted(iter) => iter.next().map(|entry| &entry.item),
            Inner::Decaying(iter) => iter.next().map(|entry| &entry.item),
            Inner::Split(iter) => iter.next().map(|entry| &entry.item),
            Inner::Plain(iter) => iter.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Inner::Uniform(iter) => iter.size_hint(),
            Inner::Weighted(iter) => iter.size_hint(),
            Inner::Decaying(iter) => iter.size_hint(),
            Inner::Split(iter) => iter.size_hint(),
            Inner::Plain(iter) => iter.size_hint(),
        }
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}
impl<T> FusedIterator for Iter<'_, T> {}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Inner::Uniform(iter) => Inner::Uniform(iter.clone()),
            Inner::Weighted(iter) => Inner::Weighted(iter.clone()),
            Inner::Decaying(iter) => Inner::Decaying(iter.clone()),
            Inner::Split(iter) => Inner::Split(iter.clone()),
            Inner::Plain(iter) => Inner::Plain(iter.clone()),
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a, T> From<slice::Iter<'a, Entry<UniformRank, T>>> for Iter<'a, T> {
    fn from(iter: slice::Iter<'a, Entry<UniformRank, T>>) -> Self {
        Self(Inner::Uniform(iter))
    }
}

impl<'a, T> From<slice::Iter<'a, Entry<WeightedRank, T>>> for Iter<'a, T> {
    fn from(iter: slice::Iter<'a, Entry<WeightedRank, T>>) -> Self {
        Self(Inner::Weighted(iter))
    }
}

impl<'a, T> From<slice::Iter<'a, Entry<DecayingRank, T>>> for Iter<'a, T> {
    fn from(iter: slice::Iter<'a, Entry<DecayingRank, T>>) -> Self {
        Self(Inner::Decaying(iter))
    }
}

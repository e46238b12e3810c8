//! The iterator over the items a sampler holds.

use core::fmt;
use core::iter::FusedIterator;
use core::slice;

use super::bottom_k::Entry;
use super::decaying::DecayingRank;
use super::reservoir::UniformRank;
use super::weighted::WeightedRank;

/// The items a sampler holds, in no meaningful order.
pub struct Iter<'a, T>(Inner<'a, T>);

/// How a sampler stores its items.
enum Inner<'a, T> {
    Uniform(slice::Iter<'a, Entry<UniformRank, T>>),
    Weighted(slice::Iter<'a, Entry<WeightedRank, T>>),
    Decaying(slice::Iter<'a, Entry<DecayingRank, T>>),
}

/// Applies the same expression to whichever iterator is inside.
macro_rules! each {
    ($self:expr, $iter:ident => $body:expr) => {
        match $self {
            Inner::Uniform($iter) => $body,
            Inner::Weighted($iter) => $body,
            Inner::Decaying($iter) => $body,
        }
    };
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        each!(&mut self.0, iter => iter.next().map(|entry| &entry.item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        each!(&self.0, iter => iter.size_hint())
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

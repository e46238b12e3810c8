//! The iterator over the items a sampler holds.

use core::fmt;
use core::iter::FusedIterator;
use core::{iter, option, slice};

use super::bottom_k::Entry;
use super::rank::{DecayingRank, UniformRank, WeightedRank};
use super::split::Weighted;

/// An iterator over the items a sampler holds, in no meaningful order.
pub struct Iter<'a, T>(Inner<'a, T>);

/// The list of ways in which samplers store their items, each with its iterator and the item of an
/// entry.
macro_rules! storage {
    ($($Form:ident($Entries:ty) => $item:expr,)+) => {
        pub(crate) enum Inner<'a, T> {
            $($Form($Entries),)+
        }

        impl<'a, T> Iterator for Iter<'a, T> {
            type Item = &'a T;

            fn next(&mut self) -> Option<&'a T> {
                match &mut self.0 {
                    $(Inner::$Form(entries) => entries.next().map($item),)+
                }
            }

            fn nth(&mut self, n: usize) -> Option<&'a T> {
                match &mut self.0 {
                    $(Inner::$Form(entries) => entries.nth(n).map($item),)+
                }
            }

            fn fold<A, F: FnMut(A, &'a T) -> A>(self, first: A, fold: F) -> A {
                match self.0 {
                    $(Inner::$Form(entries) => entries.map($item).fold(first, fold),)+
                }
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                match &self.0 {
                    $(Inner::$Form(entries) => entries.size_hint(),)+
                }
            }
        }

        impl<T> Clone for Iter<'_, T> {
            fn clone(&self) -> Self {
                Self(match &self.0 {
                    $(Inner::$Form(entries) => Inner::$Form(entries.clone()),)+
                })
            }
        }

        $(
            impl<'a, T> From<$Entries> for Inner<'a, T> {
                fn from(entries: $Entries) -> Self {
                    Self::$Form(entries)
                }
            }
        )+
    };
}

storage! {
    Uniform(slice::Iter<'a, Entry<UniformRank, T>>) => |entry| &entry.item,
    Weighted(slice::Iter<'a, Entry<WeightedRank, T>>) => |entry| &entry.item,
    Decaying(slice::Iter<'a, Entry<DecayingRank, T>>) => |entry| &entry.item,
    Split(slice::Iter<'a, Weighted<T>>) => |entry| &entry.item,
    Plain(iter::Chain<slice::Iter<'a, T>, option::IntoIter<&'a T>>) => |item| item,
}

impl<'a, T> Iter<'a, T> {
    pub(crate) fn new(entries: impl Into<Inner<'a, T>>) -> Self {
        Self(entries.into())
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}
impl<T> FusedIterator for Iter<'_, T> {}

impl<T: fmt::Debug> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

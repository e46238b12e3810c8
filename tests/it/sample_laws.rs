//! The laws of `Merge` for the samplers on the bottom-k core, for any parts.

use forebay::sample::{DecayingReservoir, Reservoir, WeightedReservoir};
use forebay::{Merge, merge_all};
use proptest::prelude::*;

/// A sampler that can be built from its part of a stream, and what it holds, in order.
trait Part: Merge + Clone {
    fn of(capacity: usize, seed: u64, items: std::ops::Range<u32>) -> Self;
    fn held(&self) -> Vec<u32>;
    fn capacity_and_seen(&self) -> (usize, u64);
}

/// Implements `Part` for a sampler, given how it is made and how one item is offered.
macro_rules! part {
    ($Sampler:ty, $make:expr, $offer:expr) => {
        impl Part for $Sampler {
            fn of(capacity: usize, seed: u64, items: std::ops::Range<u32>) -> Self {
                let make: fn(usize, u64) -> $Sampler = $make;
                let offer: fn(&mut $Sampler, u32) = $offer;
                let mut sample = make(capacity, seed);
                items.for_each(|item| offer(&mut sample, item));
                sample
            }
            fn held(&self) -> Vec<u32> {
                let mut items: Vec<u32> = self.iter().copied().collect();
                items.sort_unstable();
                items
            }
            fn capacity_and_seen(&self) -> (usize, u64) {
                (self.capacity(), self.seen())
            }
        }
    };
}

part!(Reservoir<u32>, Reservoir::with_seed, |sample, item| sample
    .update(item));
part!(
    WeightedReservoir<u32>,
    WeightedReservoir::with_seed,
    |sample, item| {
        let weight = f64::from(item % 11) + 0.5;
        sample
            .update_weighted(item, weight)
            .expect("a valid weight");
    }
);
part!(
    DecayingReservoir<u32>,
    |capacity, seed| DecayingReservoir::with_seed(capacity, 40.0, seed),
    |sample, item| sample
        .update_at(item, f64::from(item))
        .expect("a finite time")
);

/// Capacities and sizes of parts.
fn parts() -> impl Strategy<Value = Vec<(usize, u32)>> {
    prop::collection::vec((1..12usize, 0..60u32), 1..8)
}

fn build<S: Part>(parts: &[(usize, u32)]) -> Vec<S> {
    let mut from = 0;
    let part = |(number, &(capacity, size)): (usize, &(usize, u32))| {
        let items = from..from + size;
        from += size;
        S::of(capacity, number as u64, items)
    };
    parts.iter().enumerate().map(part).collect()
}

/// Merges neighbours pair by pair, choosing pairs by `picks`.
fn merge_as_tree<S: Part>(mut forest: Vec<S>, picks: &[prop::sample::Index]) -> S {
    for pick in picks.iter().cycle() {
        if forest.len() == 1 {
            break;
        }
        let at = pick.index(forest.len() - 1);
        let right = forest.remove(at + 1);
        forest[at].merge(right);
    }
    forest.remove(0)
}

/// Any order and any tree of merges gives the same items, as many as the smallest capacity of the
/// parts that were offered anything allows.
fn merges_agree<S: Part>(
    shape: &[(usize, u32)],
    order: &[usize],
    picks: &[prop::sample::Index],
) -> Result<(), TestCaseError> {
    let in_line = merge_all(build::<S>(shape)).expect("at least one part");
    let parts = build::<S>(shape);
    let shuffled = order.iter().map(|&at| parts[at].clone());
    let shuffled = merge_all(shuffled).expect("at least one part");
    let tree = merge_as_tree(build::<S>(shape), picks);
    for other in [&shuffled, &tree] {
        prop_assert_eq!(in_line.held(), other.held());
        prop_assert_eq!(in_line.capacity_and_seen(), other.capacity_and_seen());
    }
    let offered: u32 = shape.iter().map(|(_, size)| size).sum();
    let smallest = shape
        .iter()
        .filter(|(_, size)| *size > 0)
        .map(|(k, _)| *k)
        .min();
    let expected = smallest.map_or(0, |k| k.min(offered as usize));
    prop_assert_eq!(in_line.held().len(), expected);
    prop_assert_eq!(in_line.capacity_and_seen().1, u64::from(offered));
    Ok(())
}

/// An empty side changes nothing, on either side.
fn empty_is_neutral<S: Part>(
    capacity: usize,
    size: u32,
    other: usize,
) -> Result<(), TestCaseError> {
    let sample = S::of(capacity, 1, 0..size);
    let mut left = S::of(other, 2, 0..0);
    left.merge(sample.clone());
    let mut right = sample.clone();
    right.merge(S::of(other, 2, 0..0));
    prop_assert_eq!(left.held(), sample.held());
    prop_assert_eq!(right.held(), sample.held());
    if size > 0 {
        prop_assert_eq!(left.capacity_and_seen(), sample.capacity_and_seen());
        prop_assert_eq!(right.capacity_and_seen(), sample.capacity_and_seen());
    }
    Ok(())
}

proptest! {
    #[test]
    fn merges_are_associative_and_commutative(
        (shape, order) in parts().prop_flat_map(|shape| {
            let order: Vec<usize> = (0..shape.len()).collect();
            (Just(shape), Just(order).prop_shuffle())
        }),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
    ) {
        merges_agree::<Reservoir<u32>>(&shape, &order, &picks)?;
        merges_agree::<WeightedReservoir<u32>>(&shape, &order, &picks)?;
        merges_agree::<DecayingReservoir<u32>>(&shape, &order, &picks)?;
    }

    #[test]
    fn an_empty_side_is_neutral(capacity in 1..12usize, size in 0..60u32, other in 1..12usize) {
        empty_is_neutral::<Reservoir<u32>>(capacity, size, other)?;
        empty_is_neutral::<WeightedReservoir<u32>>(capacity, size, other)?;
        empty_is_neutral::<DecayingReservoir<u32>>(capacity, size, other)?;
    }
}

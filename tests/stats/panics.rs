//! Samples are fair after a panic in the caller's code.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use forebay::sample::{Reservoir, WeightedReservoir};

use crate::{fit, seed, trials_to_find};

/// What is found: a relative error of 10 % in the inclusion of items.
const ERROR: f64 = 0.1;

/// Whether a call panics.
fn panics(act: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(act)).is_err()
}

/// The items of a range, and then a panic.
fn broken(from: usize, to: usize) -> impl Iterator<Item = usize> {
    (from..to + 1).inspect(move |&item| {
        if item == to {
            resume_unwind(Box::new("the iterator is broken"));
        }
    })
}

/// The items before the panic and after it are equally likely to be held.
#[test]
fn items_around_a_panic_of_an_iterator_are_alike() {
    const N: usize = 41;
    let uniform = |label: &str, case: u64, k: usize, exact: bool| {
        let mut counts = [0; N];
        for trial in 0..trials_to_find(ERROR, N) / k as u64 * 2 {
            let mut sample = Reservoir::with_seed(k, seed(84, case, trial));
            sample.extend(0..20);
            let has_panicked = if exact {
                panics(|| sample.extend(broken(20, 40)))
            } else {
                panics(|| sample.extend(broken(20, 40).filter(|_| true)))
            };
            assert!(has_panicked);
            assert_eq!(sample.seen(), 40);
            sample.update(40);
            sample.into_iter().for_each(|item| counts[item] += 1);
        }
        fit::inclusions(label, &counts, k);
    };
    uniform("exact length, k = 10", 0, 10, true);
    uniform("unknown length, k = 10", 1, 10, false);
    uniform("unknown length, k = 3", 2, 3, false);
}

/// An item that cannot be cloned if it is number [`POISON`].
struct Item(usize);

const POISON: usize = 15;

impl Clone for Item {
    fn clone(&self) -> Self {
        if self.0 == POISON {
            resume_unwind(Box::new("the item is poisoned"));
        }
        Self(self.0)
    }
}

/// An item that panics when it is kept is as if it had not been offered: all others are equally likely to be held.
/// (Samplers without ranks count it if they need not keep it, so their law depends on that.)
#[test]
fn items_around_one_that_cannot_be_cloned_are_alike() {
    const N: usize = 30;
    const K: usize = 3;
    let items: Vec<Item> = (0..N).map(Item).collect();
    macro_rules! fair {
        ($case:literal, $Sampler:ident, $offer:expr) => {
            let offer: fn(&mut $Sampler<Item>, &[Item]) = $offer;
            let mut counts = [0; N];
            for trial in 0..trials_to_find(ERROR, N) / K as u64 * 2 {
                let mut sample = $Sampler::with_seed(K, seed(85, $case, trial));
                if panics(|| offer(&mut sample, &items)) {
                    offer(&mut sample, &items[POISON + 1..]);
                }
                sample.iter().for_each(|item| counts[item.0] += 1);
            }
            assert_eq!(counts[POISON], 0);
            let others: Vec<u64> = [&counts[..POISON], &counts[POISON + 1..]].concat();
            fit::inclusions(stringify!($Sampler), &others, K);
        };
    }
    fair!(0, Reservoir, |sample, items| sample
        .extend_from_slice(items));
    fair!(1, WeightedReservoir, |sample, items| {
        let weights = vec![1.0; items.len()];
        sample.extend_from_slices(items, &weights).expect("weights");
    });
}

//! Samplers after panics of items, iterators and generators.

use forebay::Merge;
use forebay::random::{DefaultRng, JobSeed};
use forebay::sample::{
    DecayingReservoir, EbPps, ReplacementReservoir, Reservoir, StratifiedReservoir, VarOpt,
    WeightedReservoir,
};

use super::{Item, at_every_call, call, calmly, mixed, succeeds};

/// A generator that may panic, too.
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Rng(DefaultRng);

impl rand::TryRng for Rng {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        call();
        self.0.try_next_u64()
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.try_fill_bytes(bytes)
    }
}

fn rng(partition: u32) -> Rng {
    Rng(JobSeed::new(7).partition_rng(0, partition, 0))
}

/// The items of a range; the iterator may panic.
fn items(from: u32, to: u32) -> impl Iterator<Item = Item> {
    (from..to).map(|i| {
        call();
        Item(i)
    })
}

fn weight(i: u32) -> f64 {
    [0.0, 1.0, 2.0, 2.0, 9.0, 40.0, 0.5][mixed(i) as usize % 7]
}

/// What a sampler is asked in these tests.
trait Sampler: Merge {
    /// Whether a panic may leave it empty.
    const MAY_BE_EMPTIED: bool;
    fn make(capacity: usize, partition: u32) -> Self;
    /// Offers these items, in several ways for several ranges.
    fn offer(&mut self, from: u32, to: u32);
    fn clear(&mut self);
    fn seen(&self) -> u64;
    fn held(&self) -> Vec<u32>;
    fn capacity(&self) -> usize;
    /// Whether it can be read back: that checks every invariant.
    fn is_sound(&self) -> bool;
}

macro_rules! sampler {
    ($Sampler:ty, may_be_emptied: $emptied:expr, $make:expr, $offer:expr) => {
        impl Sampler for $Sampler {
            const MAY_BE_EMPTIED: bool = $emptied;
            fn make(capacity: usize, partition: u32) -> Self {
                let make: fn(usize, Rng) -> Self = $make;
                make(capacity, rng(partition))
            }
            fn offer(&mut self, from: u32, to: u32) {
                let offer: fn(&mut Self, u32, u32) = $offer;
                offer(self, from, to);
            }
            fn clear(&mut self) {
                <$Sampler>::clear(self);
            }
            fn seen(&self) -> u64 {
                <$Sampler>::seen(self)
            }
            fn held(&self) -> Vec<u32> {
                self.iter().map(|item| item.0).collect()
            }
            fn capacity(&self) -> usize {
                <$Sampler>::capacity(self)
            }
            fn is_sound(&self) -> bool {
                #[cfg(feature = "serde")]
                {
                    let bytes = postcard::to_allocvec(self).expect("it can be stored");
                    postcard::from_bytes::<Self>(&bytes).is_ok()
                }
                #[cfg(not(feature = "serde"))]
                true
            }
        }
    };
}

/// The ways to offer items without a weight.
macro_rules! plainly {
    () => {
        |sample, from, to| match from % 3 {
            0 => items(from, to).for_each(|item| sample.update(item)),
            1 => sample.extend(items(from, to)),
            _ => {
                let slice: Vec<Item> = items(from, to).collect();
                sample.extend_from_slice(&slice);
                calmly(|| drop(slice));
            }
        }
    };
}

/// The ways to offer items with weights.
macro_rules! with_weights {
    () => {
        |sample, from, to| {
            if from % 2 == 0 {
                for item in items(from, to) {
                    let weight = weight(item.0);
                    sample.update_weighted(item, weight).expect("a weight");
                }
            } else {
                let slice: Vec<Item> = items(from, to).collect();
                let weights: Vec<f64> = (from..to).map(weight).collect();
                sample
                    .extend_from_slices(&slice, &weights)
                    .expect("weights");
                calmly(|| drop(slice));
            }
        }
    };
}

sampler!(Reservoir<Item, Rng>, may_be_emptied: false, Reservoir::with_rng, plainly!());
sampler!(
    ReplacementReservoir<Item, Rng>,
    may_be_emptied: false,
    ReplacementReservoir::with_rng,
    plainly!()
);
sampler!(
    WeightedReservoir<Item, Rng>,
    may_be_emptied: false,
    WeightedReservoir::with_rng,
    with_weights!()
);
sampler!(VarOpt<Item, Rng>, may_be_emptied: true, VarOpt::with_rng, with_weights!());
sampler!(EbPps<Item, Rng>, may_be_emptied: true, EbPps::with_rng, with_weights!());
sampler!(
    DecayingReservoir<Item, Rng>,
    may_be_emptied: false,
    |capacity, rng| DecayingReservoir::with_rng(capacity, 50.0, rng),
    |sample, from, to| {
        for item in items(from, to) {
            let time = f64::from(item.0);
            sample.update_at(item, time).expect("a finite time");
        }
    }
);

/// Runs a step that offers `number` items more, and checks what the sampler counts and holds.
fn step<S: Sampler>(sample: &mut S, number: u64, act: impl FnOnce(&mut S)) {
    let before = sample.seen();
    let ended = succeeds(|| act(sample));
    calmly(|| {
        let seen = sample.seen();
        if ended {
            assert_eq!(seen, before + number);
        } else {
            assert!(seen <= before + number);
            assert!(seen >= before || S::MAY_BE_EMPTIED && seen == 0);
        }
        let held = sample.held();
        assert!(held.len() <= sample.capacity());
        assert!(sample.is_sound(), "{}", std::any::type_name::<S>());
    });
}

fn scenario<S: Sampler>(capacity: usize) {
    const CUTS: [u32; 12] = [0, 3, 5, 9, 16, 40, 41, 71, 99, 100, 180, 260];
    let mut sample = S::make(capacity, 0);
    let offer_all = |sample: &mut S, cuts: &[u32]| {
        for cut in cuts.windows(2) {
            let number = u64::from(cut[1] - cut[0]);
            step(sample, number, |sample| sample.offer(cut[0], cut[1]));
        }
    };
    offer_all(&mut sample, &CUTS[..9]);
    let other = calmly(|| {
        let mut other = S::make(capacity + 2, 1);
        other.offer(300, 350);
        other
    });
    step(&mut sample, 50, |sample| sample.merge(other));
    offer_all(&mut sample, &CUTS[8..]);
    if !succeeds(|| sample.clear()) {
        assert_eq!((sample.seen(), sample.held().len()), (0, 0));
    }
    offer_all(&mut sample, &CUTS[..5]);
    calmly(|| drop(sample));
}

#[test]
fn samplers_can_be_used_after_a_panic_in_any_call() {
    let calls = [
        at_every_call(|| scenario::<Reservoir<Item, Rng>>(6)),
        // Slices are sampled by themselves.
        at_every_call(|| scenario::<Reservoir<Item, Rng>>(45)),
        at_every_call(|| scenario::<WeightedReservoir<Item, Rng>>(6)),
        at_every_call(|| scenario::<DecayingReservoir<Item, Rng>>(6)),
        at_every_call(|| scenario::<ReplacementReservoir<Item, Rng>>(6)),
        at_every_call(|| scenario::<VarOpt<Item, Rng>>(6)),
        at_every_call(|| scenario::<EbPps<Item, Rng>>(6)),
    ];
    assert!(calls.iter().all(|&calls| calls > 300), "{calls:?}");
}

/// Long enough to be sampled below a guessed threshold.
#[test]
fn a_long_slice_of_weights_is_offered_whole_or_not_at_all() {
    let slice: Vec<Item> = (0..8_200).map(Item).collect();
    let weights: Vec<f64> = (0..8_200).map(|i| 1.0 + weight(i)).collect();
    let calls = at_every_call(|| {
        let mut sample = WeightedReservoir::<Item, Rng>::make(6, 0);
        let ended = succeeds(|| {
            let offered = sample.extend_from_slices(&slice, &weights);
            offered.expect("valid weights");
        });
        let (seen, held) = if ended { (8_200, 6) } else { (0, 0) };
        assert_eq!((sample.seen(), sample.len()), (seen, held));
        assert!(calmly(|| sample.is_sound()));
        step(&mut sample, 30, |sample| sample.offer(0, 30));
        calmly(|| drop(sample));
    });
    assert!(calls > 20, "{calls}");
}

type Strata = StratifiedReservoir<Item, Item>;

fn strata(seed: u64, from: u32, to: u32) -> Strata {
    let mut sample = Strata::with_seed(3, seed)
        .with_max_keys(7)
        .with_max_items(15);
    (from..to).for_each(|i| sample.update(Item(mixed(i) % 17), Item(i)));
    sample
}

fn check_strata(sample: &Strata) {
    let items: usize = sample.iter().map(|(_, held)| held.len()).sum();
    assert_eq!(
        (sample.keys(), sample.len()),
        (sample.iter().count(), items)
    );
    assert!(sample.keys() <= 7 && sample.len() <= 15);
    #[cfg(feature = "serde")]
    {
        let bytes = postcard::to_allocvec(sample).expect("it can be stored");
        assert!(postcard::from_bytes::<Strata>(&bytes).is_ok());
    }
}

#[test]
fn strata_keep_their_caps_and_counts_after_a_panic_in_any_call() {
    let calls = at_every_call(|| {
        let mut sample = calmly(|| strata(1, 0, 0));
        let offer = |sample: &mut Strata, from: u32, to: u32| {
            for i in from..to {
                let (key, item) = (Item(mixed(i) % 17), Item(i));
                let before = sample.seen();
                let ended = succeeds(|| sample.update(key, item));
                calmly(|| check_strata(sample));
                let counted = sample.seen() - before;
                assert!(counted == 1 || counted == 0 && !ended);
            }
        };
        offer(&mut sample, 0, 40);
        let other = calmly(|| strata(2, 40, 80));
        if !succeeds(|| sample.merge(other)) {
            assert!(sample.seen() == 0 || sample.seen() >= 80 - 1);
        }
        calmly(|| check_strata(&sample));
        offer(&mut sample, 80, 100);
        calmly(|| drop(sample));
    });
    assert!(calls > 150, "{calls}");
}

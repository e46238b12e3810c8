//! Samplers stored and read back: the future goes on, and bad bytes are refused or harmless.

use forebay::Merge;
use forebay::sample::{DecayingReservoir, Reservoir, StratifiedReservoir, WeightedReservoir};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Offers the items numbered `from..to` to a sampler.
trait Offer: Merge + Clone + Serialize + DeserializeOwned + std::fmt::Debug {
    fn offer(&mut self, from: u32, to: u32);
}

impl Offer for Reservoir<u32> {
    fn offer(&mut self, from: u32, to: u32) {
        (from..to).for_each(|item| self.update(item));
    }
}

impl Offer for WeightedReservoir<u32> {
    fn offer(&mut self, from: u32, to: u32) {
        for item in from..to {
            self.update_weighted(item, f64::from(item % 17))
                .expect("a valid weight");
        }
    }
}

impl Offer for DecayingReservoir<u32> {
    fn offer(&mut self, from: u32, to: u32) {
        for item in from..to {
            self.update_at(item, f64::from(item))
                .expect("a finite time");
        }
    }
}

impl Offer for StratifiedReservoir<u32, u32> {
    fn offer(&mut self, from: u32, to: u32) {
        self.extend((from..to).map(|item| (item % 23, item)));
    }
}

/// Interrupted after any number of items, by either codec, a sampler ends as if it had not been.
fn goes_on_after_being_stored<S: Offer>(make: impl Fn() -> S) {
    for cut in [0, 1, 5, 10, 11, 60, 500] {
        let mut whole = make();
        whole.offer(0, 1_000);
        let mut first = make();
        first.offer(0, cut);
        let bytes = postcard::to_allocvec(&first).expect("it can be stored");
        let mut from_bytes: S = postcard::from_bytes(&bytes).expect("it can be read");
        let text = serde_json::to_string(&first).expect("it can be stored");
        let mut from_text: S = serde_json::from_str(&text).expect("it can be read");
        from_bytes.offer(cut, 1_000);
        from_text.offer(cut, 1_000);
        assert_eq!(
            format!("{from_bytes:?}"),
            format!("{whole:?}"),
            "cut at {cut}"
        );
        assert_eq!(
            format!("{from_text:?}"),
            format!("{whole:?}"),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_stored_sampler_has_the_future_it_would_have_had() {
    goes_on_after_being_stored(|| Reservoir::<u32>::with_seed(10, 1));
    goes_on_after_being_stored(|| WeightedReservoir::<u32>::with_seed(10, 1));
    goes_on_after_being_stored(|| DecayingReservoir::<u32>::with_seed(10, 50.0, 1));
    goes_on_after_being_stored(|| {
        StratifiedReservoir::<u32, u32>::with_seed(2, 1).with_max_keys(9)
    });
}

#[test]
fn a_merged_sampler_is_stored_with_its_wait_still_to_be_drawn() {
    let merged = |seed| {
        let mut sample = Reservoir::<u32>::with_seed(5, seed);
        sample.offer(0, 100);
        let mut other = Reservoir::with_seed(5, seed + 1);
        other.offer(100, 200);
        sample.merge(other);
        sample
    };
    let bytes = postcard::to_allocvec(&merged(1)).expect("it can be stored");
    let mut read: Reservoir<u32> = postcard::from_bytes(&bytes).expect("it can be read");
    let mut whole = merged(1);
    read.offer(200, 2_000);
    whole.offer(200, 2_000);
    assert_eq!(format!("{read:?}"), format!("{whole:?}"));
}

/// Every truncation and every flipped bit: refused, or a sampler that works.
fn survives_bad_bytes<S: Offer>(mut sample: S) {
    sample.offer(0, 300);
    let bytes = postcard::to_allocvec(&sample).expect("it can be stored");
    let mut refused = 0;
    let mut try_bytes = |bytes: &[u8]| match postcard::from_bytes::<S>(bytes) {
        Ok(mut read) => {
            read.offer(300, 400);
            read.merge(read.clone());
            assert!(!format!("{read:?}").is_empty());
        }
        Err(_) => refused += 1,
    };
    for len in 0..bytes.len() {
        try_bytes(&bytes[..len]);
    }
    for position in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        try_bytes(&flipped);
    }
    assert!(refused >= bytes.len(), "a truncated image was accepted");
}

#[test]
fn bad_bytes_are_refused_or_harmless() {
    survives_bad_bytes(Reservoir::<u32>::with_seed(10, 1));
    survives_bad_bytes(WeightedReservoir::<u32>::with_seed(10, 1));
    survives_bad_bytes(DecayingReservoir::<u32>::with_seed(10, 50.0, 1));
    survives_bad_bytes(StratifiedReservoir::<u32, u32>::with_seed(2, 1).with_max_keys(9));
}

#[test]
fn a_header_that_claims_billions_of_items_allocates_none_of_them() {
    // capacity 2^31, no threshold, 2^31 entries announced, none there.
    let bytes = [
        0x80, 0x80, 0x80, 0x80, 0x08, 0x00, 0x80, 0x80, 0x80, 0x80, 0x08,
    ];
    assert!(postcard::from_bytes::<Reservoir<u64>>(&bytes).is_err());
}

/// What the samplers draw for a fixed seed. A change here is value-breaking: it belongs into the
/// changelog.
#[test]
fn outputs_for_a_fixed_seed_are_frozen() {
    fn sorted(mut items: Vec<u32>) -> Vec<u32> {
        items.sort_unstable();
        items
    }
    let mut by_update = Reservoir::<u32>::with_seed(5, 42);
    by_update.offer(0, 100_000);
    let mut by_extend = Reservoir::<u32>::with_seed(5, 42);
    by_extend.extend(0..100_000);
    let mut by_slice = Reservoir::<u32>::with_seed(100, 42);
    by_slice.extend_from_slice(&(0..100_000).collect::<Vec<_>>());
    let mut weighted = WeightedReservoir::<u32>::with_seed(5, 42);
    weighted.offer(0, 100_000);
    let mut weighted_slice = WeightedReservoir::<u32>::with_seed(5, 42);
    let items: Vec<u32> = (0..100_000).collect();
    let weights: Vec<f64> = items.iter().map(|item| f64::from(item % 17)).collect();
    let offered = weighted_slice.extend_from_slices(&items, &weights);
    offered.expect("valid weights");
    let mut decaying = DecayingReservoir::<u32>::with_seed(5, 100.0, 42);
    decaying.offer(0, 100_000);
    let mut strata = StratifiedReservoir::<u32, u32>::with_seed(2, 42);
    strata.offer(0, 1_000);
    let of_key = strata.get(&7).expect("the key is kept").clone().into_vec();
    let drawn = [
        sorted(by_update.into_vec()),
        sorted(by_extend.into_vec()),
        sorted(by_slice.into_vec())[..5].to_vec(),
        sorted(weighted.into_vec()),
        sorted(weighted_slice.into_vec()),
        sorted(decaying.into_vec()),
        sorted(of_key),
    ];
    let frozen = [
        vec![33421, 41787, 57310, 69347, 94240],
        vec![11619, 12502, 27135, 41976, 85379],
        vec![153, 339, 1886, 3778, 4455],
        vec![37241, 40680, 62792, 80799, 98429],
        vec![1115, 27428, 44286, 48534, 67467],
        vec![99648, 99747, 99825, 99977, 99985],
        vec![76, 812],
    ];
    assert_eq!(drawn, frozen);
}

#[test]
fn two_to_the_forty_items_pass_through_skips() {
    let mut sample = Reservoir::with_seed(1_000, 5);
    sample.extend(0..1u64 << 40);
    assert_eq!((sample.len(), sample.seen()), (1_000, 1 << 40));
    let upper_half = sample.iter().filter(|&&item| item >= 1 << 39).count();
    // Five standard deviations of a binomial number.
    assert!((420..=580).contains(&upper_half), "{upper_half}");
}

#[test]
fn what_could_not_be_is_refused_with_its_reason() {
    fn refused<S: DeserializeOwned>(good: &str, from: &str, to: &str, reason: &str) {
        assert!(serde_json::from_str::<S>(good).is_ok());
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let error = serde_json::from_str::<S>(&bad).err().map(|e| e.to_string());
        let error = error.unwrap_or_else(|| panic!("{to} was accepted"));
        assert!(error.contains(reason), "{to}: {error}");
    }
    fn json(sample: &impl Offer) -> String {
        serde_json::to_string(sample).expect("it can be stored")
    }
    let bits = |number: f64| number.to_bits().to_string();
    let mut decaying = DecayingReservoir::<u32>::with_seed(5, 50.0, 1);
    decaying.offer(0, 5);
    let (whole, seen) = (json(&decaying), "does not fit the items held");
    refused::<DecayingReservoir<u32>>(&whole, "\"seen\":5", "\"seen\":4", seen);
    refused::<DecayingReservoir<u32>>(&whole, "\"seen\":5", "\"seen\":6", seen);
    for half_life in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let to = bits(half_life);
        refused::<DecayingReservoir<u32>>(&whole, &bits(50.0), &to, "half-life");
    }
    decaying.offer(5, 60);
    let full = json(&decaying);
    refused::<DecayingReservoir<u32>>(&full, "\"seen\":60", "\"seen\":5", seen);
    let mut weighted = WeightedReservoir::<u32>::with_seed(5, 1);
    weighted.offer(1, 6);
    let (whole, unit) = (json(&weighted), format!("\"unit\":{}", bits(1.0)));
    let other = format!("\"unit\":{}", bits(2.0));
    refused::<WeightedReservoir<u32>>(&whole, "\"seen\":5", "\"seen\":4", "more items");
    refused::<WeightedReservoir<u32>>(&whole, &unit, &other, "jump");
    weighted.offer(6, 60);
    let full = json(&weighted);
    refused::<WeightedReservoir<u32>>(&full, "\"seen\":59", "\"seen\":5", "more items");
    let mut strata = StratifiedReservoir::<u32, u32>::with_seed(2, 1).with_max_items(90);
    strata.offer(0, 60);
    let json = json(&strata);
    for (from, to, reason) in [
        ("\"seen\":60", "\"seen\":59", "does not fit"),
        ("\"seen\":60", "\"seen\":61", "does not fit"),
        ("\"per_key\":2", "\"per_key\":0", "a cap"),
        ("\"per_key\":2", "\"per_key\":1", "does not fit its cap"),
        ("\"items\":90", "\"items\":1", "a cap"),
        ("\"items\":90", "\"items\":45", "more than its caps"),
    ] {
        refused::<StratifiedReservoir<u32, u32>>(&json, from, to, reason);
    }
}

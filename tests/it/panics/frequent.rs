//! Misra-Gries summaries after panics of keys.

use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use forebay::Merge;
use forebay::frequent::{MisraGries, Side};

use super::{Item, Plain, at_every_call, calmly, mixed, succeeds};

/// The weights offered in calls that ended, and in calls that did not.
#[derive(Default)]
struct Offered {
    sure: BTreeMap<u32, u64>,
    perhaps: BTreeMap<u32, u64>,
}

impl Offered {
    fn count(&mut self, ended: bool, offers: impl IntoIterator<Item = (u32, u64)>) {
        let counts = if ended {
            &mut self.sure
        } else {
            &mut self.perhaps
        };
        for (key, weight) in offers {
            *counts.entry(key).or_insert(0) += weight;
        }
    }

    /// What was offered for certain lies within the bounds, and nothing that was not offered does.
    fn check<K: Hash + Ord>(&self, summary: &MisraGries<K>, key: fn(u32) -> K) {
        let most: u64 = self.sure.values().chain(self.perhaps.values()).sum();
        let least: u64 = self.sure.values().sum();
        assert!((least..=most).contains(&summary.total_weight()));
        for id in 0..100 {
            let (sure, perhaps) = (self.sure.get(&id), self.perhaps.get(&id));
            let (sure, perhaps) = (sure.copied().unwrap_or(0), perhaps.copied().unwrap_or(0));
            let found = summary.estimate(&key(id));
            assert!(
                found.lower <= sure + perhaps,
                "{id}: {found} > {sure} + {perhaps}"
            );
            assert!(found.upper >= sure, "{id}: {found} < {sure}");
        }
        assert!(summary.max_error() <= summary.error_bound());
        assert!(summary.len() <= summary.k());
        assert_eq!(summary.iter().count(), summary.len());
        assert_eq!(summary.top(usize::MAX).len(), summary.len());
        let heavy = summary.heavy_hitters(0.1, Side::NoFalseNegatives);
        assert!(heavy.rows.len() <= summary.len());
    }
}

/// Updates of every kind, a merge, and updates after it.
fn scenario<K: Hash + Ord + Clone>(key: fn(u32) -> K, weight: fn(u32) -> u64) {
    let mut offered = Offered::default();
    let mut summary = MisraGries::new(20);
    let offers = |from: u32, to: u32| (from..to).map(move |i| (mixed(i) % 71, weight(i)));
    for (id, weight) in offers(0, 90) {
        let key = calmly(|| key(id));
        let ended = succeeds(|| summary.update_weighted(key, weight));
        offered.count(ended, [(id, weight)]);
    }
    for (id, weight) in offers(90, 120) {
        let key = calmly(|| key(id));
        let ended = succeeds(|| summary.update_weighted_ref(&key, weight));
        offered.count(ended, [(id, weight)]);
        calmly(|| drop(key));
    }
    let slice: Vec<(K, u64)> = offers(120, 150)
        .map(|(id, weight)| (key(id), weight))
        .collect();
    let ended = succeeds(|| summary.extend_from_slice_weighted(&slice));
    offered.count(ended, offers(120, 150));
    calmly(|| drop(slice));
    let other = calmly(|| {
        let mut other = MisraGries::new(16);
        other.extend(offers(150, 190).map(|(id, weight)| (key(id), weight)));
        other
    });
    let ended = succeeds(|| summary.merge(other));
    offered.count(ended, offers(150, 190));
    calmly(|| offered.check(&summary, key));
    for (id, weight) in offers(190, 230) {
        let key = calmly(|| key(id));
        let ended = succeeds(|| summary.update_weighted(key, weight));
        offered.count(ended, [(id, weight)]);
    }
    calmly(|| offered.check(&summary, key));
    if !succeeds(|| summary.clear()) {
        assert_eq!((summary.len(), summary.total_weight()), (0, 0));
    }
    calmly(|| drop(summary));
}

#[test]
fn bounds_hold_after_a_panic_in_any_call() {
    let calls = [
        at_every_call(|| scenario(Item, |i| 1 + u64::from(i % 5))),
        at_every_call(|| scenario(Item, |_| 1)),
        at_every_call(|| scenario(Plain, |i| 1 + u64::from(i % 5))),
        at_every_call(|| scenario(Plain, |_| 1)),
    ];
    assert!(calls.iter().all(|&calls| calls > 300), "{calls:?}");
}

/// One home bucket for all keys, so that most are displaced.
#[derive(Default)]
struct Crowd;

impl Hasher for Crowd {
    fn finish(&self) -> u64 {
        7
    }
    fn write(&mut self, _: &[u8]) {}
}

#[test]
fn a_scaled_summary_has_no_counter_above_the_truth_after_a_panic() {
    let calls = at_every_call(|| {
        let mut summary: MisraGries<Item, f64, BuildHasherDefault<Crowd>> =
            MisraGries::with_hasher(40, BuildHasherDefault::default());
        calmly(|| {
            for i in 0..60u32 {
                let weight = if i % 3 == 0 { f64::MIN_POSITIVE } else { 2.0 };
                summary.update_weighted(Item(i), weight);
            }
        });
        let ended = succeeds(|| summary.scale(0.0625));
        calmly(|| {
            let most = if ended { 0.125 } else { 2.0 };
            for i in 0..60 {
                let found = summary.estimate(&Item(i));
                assert!(found.lower <= most, "{i}: {found}");
                assert!(i % 3 == 0 || found.upper >= 0.125, "{i}: {found}");
            }
            assert!(summary.max_error() <= summary.error_bound() * 1.001);
            drop(summary);
        });
    });
    assert!(calls > 10, "{calls}");
}

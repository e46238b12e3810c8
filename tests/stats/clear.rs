//! Samples drawn one after the other with one sampler are those of as many samplers: `clear` leaves nothing of
//! the sample before, and the generator goes on.

use forebay::sample::{
    DecayingReservoir, EbPps, ReplacementReservoir, Reservoir, StratifiedReservoir, VarOpt,
    WeightedReservoir,
};

use crate::{fit, naive, seed, trials_to_find};

/// What is found: a relative error of 6 % in the law of whole samples.
const ERROR: f64 = 0.06;

/// Fails unless the sets drawn by `sample`, again and again, have this law; sets are bit masks.
fn draws(label: &str, law: &[f64], mut sample: impl FnMut() -> Vec<usize>) {
    let cells: Vec<usize> = (0..law.len()).filter(|&set| law[set] > 0.0).collect();
    let runs = trials_to_find(ERROR, cells.len());
    let mut sets = vec![0u64; law.len()];
    for _ in 0..runs {
        sets[sample().into_iter().fold(0, |set, item| set | 1 << item)] += 1;
    }
    let observed: Vec<u64> = cells.iter().map(|&set| sets[set]).collect();
    let expected: Vec<f64> = cells.iter().map(|&set| law[set] * runs as f64).collect();
    assert_eq!(observed.iter().sum::<u64>(), runs, "{label}: impossible");
    fit::chi_square(label, &observed, &expected, 1.0);
}

fn uniform(k: u32, n: u32) -> Vec<f64> {
    let is_one = |set: &u32| set.count_ones() == k;
    let number = (0..1 << n).filter(is_one).count() as f64;
    (0..1 << n)
        .map(|set| f64::from(u8::from(is_one(&set))) / number)
        .collect()
}

#[test]
fn uniform_samplers_draw_anew() {
    let mut sample = Reservoir::with_seed(2, seed(81, 0, 0));
    draws("Reservoir", &uniform(2, 5), || {
        sample.clear();
        sample.extend(0..5);
        sample.iter().copied().collect()
    });
    let mut strata = StratifiedReservoir::with_seed(2, seed(81, 1, 0));
    draws("StratifiedReservoir", &uniform(2, 5), || {
        strata.clear();
        strata.extend((0..5).map(|item| ("key", item)));
        strata
            .get("key")
            .expect("the key")
            .iter()
            .copied()
            .collect()
    });
    // Two slots of three items: nine equal pairs, three of one item.
    let mut slots = ReplacementReservoir::with_seed(2, seed(81, 2, 0));
    let (one, two) = (1.0 / 9.0, 2.0 / 9.0);
    let law = [0.0, one, one, two, one, two, two, 0.0];
    draws("ReplacementReservoir", &law, || {
        slots.clear();
        slots.extend(0..3);
        slots.iter().copied().collect()
    });
}

#[test]
fn weighted_samplers_draw_anew() {
    let weights = [1.0, 2.0, 4.0, 8.0];
    let successive = naive::successive_sampling(&weights, 2);
    let mut weighted = WeightedReservoir::with_seed(2, seed(82, 0, 0));
    draws("WeightedReservoir", &successive, || {
        weighted.clear();
        for (item, weight) in weights.into_iter().enumerate() {
            weighted.update_weighted(item, weight).expect("a weight");
        }
        weighted.iter().copied().collect()
    });
    let mut decaying = DecayingReservoir::with_seed(2, 1.0, seed(82, 1, 0));
    draws("DecayingReservoir", &successive, || {
        decaying.clear();
        for item in 0..4 {
            decaying.update_at(item, item as f64).expect("a time");
        }
        decaying.iter().copied().collect()
    });
    let mut var_opt = VarOpt::with_seed(2, seed(82, 2, 0));
    draws("VarOpt", &naive::var_opt(&weights, 2), || {
        var_opt.clear();
        for (item, weight) in weights.into_iter().enumerate() {
            var_opt.update_weighted(item, weight).expect("a weight");
        }
        var_opt.iter().copied().collect()
    });
}

/// Weights of 2 and 1 make a sample of expected size 3/2: the first item, and the other in half of all samples.
#[test]
fn the_partial_item_is_decided_anew() {
    let mut sample = EbPps::with_seed(5, seed(83, 0, 0));
    draws("EbPps", &[0.0, 0.5, 0.0, 0.5], || {
        sample.clear();
        for (item, weight) in [2.0, 1.0].into_iter().enumerate() {
            sample.update_weighted(item, weight).expect("a weight");
        }
        sample.iter().copied().collect()
    });
}

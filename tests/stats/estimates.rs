//! Intervals cover the truth as often as they say.

#[path = "../../examples/support/coverage.rs"]
mod coverage;

use forebay::sample::{EbPps, ReplacementReservoir, Reservoir, VarOpt, WeightedReservoir};

/// Over 2,000 seeds an interval at 0.95 covers the truth in 93 to 97 % of the runs where the normal
/// approximation applies, and never in less than 90 %; the estimates are unbiased.
#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    for case in coverage::cases() {
        let outcome = coverage::run(&case, 2_000);
        let (least, most) = if case.normal {
            (0.93, 0.97)
        } else {
            (0.90, 1.0)
        };
        let (name, covered) = (case.name, outcome.coverage);
        assert!(
            (least..=most).contains(&covered),
            "{name}: covers in {covered}"
        );
        assert!(
            (outcome.bias - 1.0).abs() < 0.05,
            "{name}: mean {} of the truth",
            outcome.bias
        );
        assert!(outcome.width > 0.0, "{name}: no interval at all");
    }
}

/// While nothing has been left out the answers are the truth, without width, of confidence 1.
#[test]
fn unsaturated_samples_answer_exactly() {
    for n in [0u32, 1, 2, 50] {
        let mut sample = Reservoir::with_seed(50, 1);
        sample.extend(0..n);
        let mut weighted = WeightedReservoir::with_seed(50, 1);
        (0..n).for_each(|item| weighted.update(item));
        let mut var_opt = VarOpt::with_seed(50, 1);
        let mut eb_pps = EbPps::with_seed(50, 1);
        (0..n).for_each(|item| {
            var_opt.update(item);
            eb_pps.update(item);
        });
        let even = (0..n).filter(|i| i % 2 == 0).count() as f64;
        let sum = (0..n).sum::<u32>() as f64;
        let mut answers = vec![
            (sample.estimate_count(|i| i % 2 == 0), even),
            (sample.estimate_sum(|&i| f64::from(i)), sum),
            (weighted.estimate_weight(|i| i % 2 == 0), even),
            (weighted.estimate_sum(|&i| f64::from(i)), sum),
            (var_opt.estimate_weight(|i| i % 2 == 0), even),
            (var_opt.estimate_count(|i| i % 2 == 0), even),
            (var_opt.estimate_sum(|&i| f64::from(i)), sum),
            (eb_pps.estimate_weight(|i| i % 2 == 0), even),
        ];
        if n <= 1 {
            let mut draws = ReplacementReservoir::with_seed(50, 1);
            draws.extend(0..n);
            answers.push((draws.estimate_count(|i| i % 2 == 0), even));
            answers.push((draws.estimate_sum(|&i| f64::from(i)), sum));
        }
        let median = sample.estimate_quantile(|&i| f64::from(i), 0.5);
        let mean = sample.estimate_mean(|&i| f64::from(i));
        assert_eq!((median.is_some(), mean.is_some()), (n > 0, n > 0));
        answers.extend(median.map(|answer| (answer, f64::from(n.div_ceil(2) - 1))));
        answers.extend(mean.map(|answer| (answer, sum / f64::from(n))));
        for (answer, truth) in answers {
            assert_eq!(
                (answer.value, answer.lower, answer.upper),
                (truth, truth, truth),
                "n = {n}"
            );
            assert_eq!(answer.confidence, 1.0);
        }
    }
}

//! Ratios from alternating runs: neighbours in time share whatever else the machine is doing.

use std::time::Duration;

/// One contestant: its name, and a run that measures itself.
pub(crate) type Contestant<'a> = (&'a str, Box<dyn FnMut() -> Duration + 'a>);

/// Runs all contestants in turn, `rounds` times, and prints the median and the best of each, the
/// median over the rounds of its ratio to the first, and the ratio of the best: what others do on
/// the machine makes no run faster.
pub(crate) fn race(title: &str, rounds: usize, mut contestants: Vec<Contestant<'_>>) {
    let mut times = vec![Vec::new(); contestants.len()];
    for _ in 0..rounds {
        for (times, (_, run)) in times.iter_mut().zip(&mut contestants) {
            times.push(run().as_secs_f64());
        }
    }
    for (own, (name, _)) in times.iter().zip(&contestants) {
        let ratios = own.iter().zip(&times[0]).map(|(own, first)| own / first);
        println!(
            "{title}: {name:<26} median {:>9.3} ms, ratio {:.2}; best {:>9.3} ms, ratio {:.2}",
            1e3 * median(own.clone()),
            median(ratios.collect()),
            1e3 * best(own),
            best(own) / best(&times[0]),
        );
    }
}

fn best(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

//! Named input distributions; no measuring.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Zipf's law over ranks `1..=n`, sampled by rejection-inversion (Hörmann and Derflinger 1996).
struct Zipf {
    n: f64,
    exponent: f64,
    from: f64,
    to: f64,
    squeeze: f64,
}

impl Zipf {
    fn new(n: u64, exponent: f64) -> Self {
        let mut zipf = Self {
            n: n as f64,
            exponent,
            from: 0.0,
            to: 0.0,
            squeeze: 0.0,
        };
        zipf.from = zipf.integral(1.5) - 1.0;
        zipf.to = zipf.integral(zipf.n + 0.5);
        zipf.squeeze = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        zipf
    }

    fn density(&self, x: f64) -> f64 {
        x.powf(-self.exponent)
    }

    fn integral(&self, x: f64) -> f64 {
        (x.powf(1.0 - self.exponent) - 1.0) / (1.0 - self.exponent)
    }

    fn inverse(&self, y: f64) -> f64 {
        (1.0 + y * (1.0 - self.exponent)).powf(1.0 / (1.0 - self.exponent))
    }

    fn sample(&self, rng: &mut Xoshiro256PlusPlus) -> u64 {
        loop {
            let y = self.to + rng.random::<f64>() * (self.from - self.to);
            let x = self.inverse(y);
            let rank = x.round().clamp(1.0, self.n);
            if rank - x <= self.squeeze || y >= self.integral(rank + 0.5) - self.density(rank) {
                return rank as u64;
            }
        }
    }
}

/// Makes keys that look random out of ranks; a bijection (Steele, Lea and Flood 2014).
pub(crate) fn scrambled(rank: u64) -> u64 {
    let mut z = rank.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `len` keys out of `n`, by Zipf's law.
pub(crate) fn zipf(len: usize, n: u64, exponent: f64, seed: u64) -> Vec<u64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let law = Zipf::new(n, exponent);
    (0..len).map(|_| scrambled(law.sample(&mut rng))).collect()
}

/// `len` keys out of `n`, all equally likely.
pub(crate) fn uniform(len: usize, n: u64, seed: u64) -> Vec<u64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..len)
        .map(|_| scrambled(rng.random_range(0..n)))
        .collect()
}

/// Sizes of packets in bytes: 40 to 1500, most of them small, heavy-tailed (Pareto, shape 1).
pub(crate) fn packet_sizes(len: usize, seed: u64) -> Vec<u64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..len)
        .map(|_| (40.0 / (1.0 - rng.random::<f64>())).min(1500.0) as u64)
        .collect()
}

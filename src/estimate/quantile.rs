//! The quantile functions of the normal distribution and of Student's t.

/// The quantile function of Student's t with `degrees` degrees of freedom, for `p` >= 1/2: Hill's
/// algorithm 396 (1970). Exact for one and two degrees; relative error below 1e-3 for more.
pub(super) fn student_quantile(p: f64, degrees: f64) -> f64 {
    use core::f64::consts::PI;
    let two_tailed = 2.0 * (1.0 - p);
    if degrees < 1.5 {
        return 1.0 / libm::tan(two_tailed * PI / 2.0);
    }
    if degrees < 2.5 {
        return libm::sqrt(2.0 / (two_tailed * (2.0 - two_tailed)) - 2.0);
    }
    let a = 1.0 / (degrees - 0.5);
    let b = 48.0 / (a * a);
    let mut c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
    let d = ((94.5 / (b + c) - 3.0) / b + 1.0) * libm::sqrt(a * PI / 2.0) * degrees;
    let mut y = libm::pow(d * two_tailed, 2.0 / degrees);
    if y > 0.05 + a {
        let x = normal_quantile(p);
        y = x * x;
        if degrees < 5.0 {
            c += 0.3 * (degrees - 4.5) * (x + 0.6);
        }
        c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b;
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
        y = libm::expm1(a * y * y);
    } else {
        let head = ((degrees + 6.0) / (degrees * y) - 0.089 * d - 0.822) * (degrees + 2.0) * 3.0;
        y = ((1.0 / head + 0.5 / (degrees + 4.0)) * y - 1.0) * (degrees + 1.0) / (degrees + 2.0)
            + 1.0 / y;
    }
    libm::sqrt(degrees * y)
}

/// The quantile function of the standard normal distribution, for 0 < `p` < 1: algorithm AS 241,
/// PPND16 (Wichura 1988). Relative error about 1e-16.
#[allow(
    clippy::excessive_precision,
    reason = "the published coefficients, digit for digit"
)]
pub(super) fn normal_quantile(p: f64) -> f64 {
    const CENTRE: [[f64; 8]; 2] = [
        [
            3.387_132_872_796_366_608,
            1.331_416_678_917_843_774_5e2,
            1.971_590_950_306_551_442_7e3,
            1.373_169_376_550_946_112_5e4,
            4.592_195_393_154_987_145_7e4,
            6.726_577_092_700_870_085_3e4,
            3.343_057_558_358_812_810_5e4,
            2.509_080_928_730_122_672_7e3,
        ],
        [
            1.0,
            4.231_333_070_160_091_125_2e1,
            6.871_870_074_920_579_082_6e2,
            5.394_196_021_424_751_107_7e3,
            2.121_379_430_158_659_586_7e4,
            3.930_789_580_009_271_061_1e4,
            2.872_908_573_572_194_267_4e4,
            5.226_495_278_852_545_702_1e3,
        ],
    ];
    const MIDDLE: [[f64; 8]; 2] = [
        [
            1.423_437_110_749_683_577_34,
            4.630_337_846_156_545_295_9,
            5.769_497_221_460_691_405_5,
            3.647_848_324_763_204_605_04,
            1.270_458_252_452_368_382_58,
            2.417_807_251_774_506_117_7e-1,
            2.272_384_498_926_918_458_33e-2,
            7.745_450_142_783_414_076_4e-4,
        ],
        [
            1.0,
            2.053_191_626_637_758_821_87,
            1.676_384_830_183_803_849_4,
            6.897_673_349_851_000_045_5e-1,
            1.481_039_764_274_800_745_9e-1,
            1.519_866_656_361_645_719_66e-2,
            5.475_938_084_995_344_946e-4,
            1.050_750_071_644_416_843_24e-9,
        ],
    ];
    const TAIL: [[f64; 8]; 2] = [
        [
            6.657_904_643_501_103_777_2,
            5.463_784_911_164_114_369_9,
            1.784_826_539_917_291_335_8,
            2.965_605_718_285_048_912_3e-1,
            2.653_218_952_657_612_309_3e-2,
            1.242_660_947_388_078_438_6e-3,
            2.711_555_568_743_487_578_15e-5,
            2.010_334_399_292_288_132_65e-7,
        ],
        [
            1.0,
            5.998_322_065_558_879_376_9e-1,
            1.369_298_809_227_358_053_1e-1,
            1.487_536_129_085_061_485_25e-2,
            7.868_691_311_456_132_591e-4,
            1.846_318_317_510_054_681_8e-5,
            1.421_511_758_316_445_888_7e-7,
            2.044_263_103_389_939_785_64e-15,
        ],
    ];
    let ratio = |[top, bottom]: &[[f64; 8]; 2], x: f64| {
        let horner = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
        horner(top) / horner(bottom)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE, 0.180_625 - q * q);
    }
    let r = libm::sqrt(-libm::log(p.min(1.0 - p)));
    let size = if r <= 5.0 {
        ratio(&MIDDLE, r - 1.6)
    } else {
        ratio(&TAIL, r - 5.0)
    };
    libm::copysign(size, q)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantile_matches_published_values() {
        // From tables of the normal distribution.
        let table = [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.995, 2.575_829_303_548_901),
            (0.25, -0.674_489_750_196_081_7),
            (1e-9, -5.997_807_015_007_687),
            (1e-20, -9.262_340_089_798_408),
        ];
        for (p, z) in table {
            assert!(
                (normal_quantile(p) - z).abs() < 1e-12 * (1.0 + z.abs()),
                "{p}"
            );
        }
    }

    #[test]
    fn student_quantile_matches_published_values() {
        // From tables of Student's t.
        let table = [
            (0.975, 1.0, 12.706_204_736),
            (0.975, 2.0, 4.302_652_730),
            (0.975, 3.0, 3.182_446_305),
            (0.975, 9.0, 2.262_157_163),
            (0.995, 5.0, 4.032_142_984),
            (0.90, 30.0, 1.310_415_025),
            (0.975, 1e6, 1.959_966),
        ];
        for (p, degrees, t) in table {
            let found = student_quantile(p, degrees);
            assert!((found - t).abs() < 1e-3 * t, "{p} {degrees}: {found}");
        }
    }
}

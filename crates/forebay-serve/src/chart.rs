//! A curve over time as inline SVG.

use std::fmt::Write;

/// Width and height of a chart, and the margins of its axes.
const SIZE: (f64, f64) = (560.0, 200.0);
const MARGIN: (f64, f64) = (64.0, 26.0);

/// The data of a chart.
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    /// The unit of the values; without markup.
    pub(crate) unit: &'a str,
    /// The start of the time axis, in seconds.
    pub(crate) from: f64,
    /// Seconds and values, in the order of time.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Chart<'_> {
    /// The chart as one `figure` element.
    pub(crate) fn html(&self) -> String {
        let mean = self.points.iter().map(|(_, value)| value).sum::<f64>();
        let mean = mean / self.points.len().max(1) as f64;
        let most = self
            .points
            .iter()
            .map(|(_, value)| *value)
            .fold(0.0, f64::max);
        let until = self.points.last().map_or(self.from, |(at, _)| *at);
        let (title, unit) = (self.title, self.unit);
        let (width, height) = SIZE;
        let mut svg = String::new();
        self.draw(&mut svg, nice(most), until)
            .expect("writing to a string does not fail");
        format!(
            "<figure><figcaption><b>{title}</b> <span>mean {} {unit}, most {} {unit}</span>\
             </figcaption>\n<svg viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"{title}\">\n{svg}</svg></figure>\n",
            short(mean),
            short(most)
        )
    }

    fn draw(&self, svg: &mut String, top: f64, until: f64) -> std::fmt::Result {
        let (left, below) = MARGIN;
        let (right, bottom) = (SIZE.0 - 12.0, SIZE.1 - below);
        let span = until - self.from;
        let x = |at: f64| left + (right - left) * (at - self.from) / span.max(f64::MIN_POSITIVE);
        let y = |value: f64| bottom - (bottom - 10.0) * value / top;
        for step in 0..=4 {
            let share = f64::from(step) / 4.0;
            let (value, height) = (top * share, y(top * share));
            let text = short(value);
            writeln!(
                svg,
                "<path class=\"grid\" d=\"M{left} {height:.1}H{right}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                left - 6.0,
                height + 4.0
            )?;
            let at = self.from + span * share;
            let anchor = ["start", "middle", "middle", "middle", "end"];
            writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{}\">{} s</text>",
                x(at),
                SIZE.1 - 8.0,
                anchor[step as usize],
                short(at)
            )?;
        }
        let mut line = String::new();
        for (at, value) in &self.points {
            write!(line, "{:.1},{:.1} ", x(*at), y(*value))?;
        }
        let (Some((first, _)), true) = (self.points.first(), span > 0.0) else {
            return Ok(());
        };
        let (first, last) = (x(*first), x(until));
        writeln!(
            svg,
            "<polygon class=\"area\" points=\"{first:.1},{bottom} {line}{last:.1},{bottom}\"/>\
             <polyline class=\"line\" points=\"{line}\"/>"
        )?;
        if let [(_, value)] = self.points[..] {
            writeln!(
                svg,
                "<circle class=\"dot\" cx=\"{last:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                y(value)
            )?;
        }
        Ok(())
    }
}

/// The least of 1, 2, 4, 5 or 8 times a power of ten that is not less, so that quarters have few
/// digits.
fn nice(most: f64) -> f64 {
    if !(most.is_finite() && most > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(most.log10().floor());
    let factors = [1.0, 2.0, 4.0, 5.0, 8.0];
    let nice = factors.into_iter().find(|factor| factor * power >= most);
    nice.unwrap_or(10.0) * power
}

/// A number in few characters.
fn short(number: f64) -> String {
    let (scaled, mark) = match number {
        n if n >= 1e9 => (n / 1e9, "G"),
        n if n >= 1e6 => (n / 1e6, "M"),
        n if n >= 1e4 => (n / 1e3, "k"),
        n => (n, ""),
    };
    let decimals = match scaled {
        n if n >= 100.0 => 0,
        n if n >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{scaled:.decimals$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{mark}")
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn axes_end_at_short_numbers_that_are_not_less() {
        for (most, end) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (0.03, 0.04),
            (450.0, 500.0),
            (8.5, 10.0),
            (f64::NAN, 1.0),
        ] {
            assert!((nice(most) - end).abs() < 1e-9, "{most}: {}", nice(most));
        }
        let numbers = [0.0, 0.25, 12.5, 1_234.0, 56_780.0, 2_500_000.0].map(short);
        assert_eq!(numbers, ["0", "0.25", "12.5", "1234", "56.8k", "2.5M"]);
    }

    #[test]
    fn a_chart_of_no_one_and_many_points_is_drawn_without_a_hole() {
        for points in [vec![], vec![(1.0, 2.0)], vec![(0.0, 0.0), (1.0, 5.0)]] {
            for from in [0.0, 0.5] {
                let chart = Chart {
                    title: "rate",
                    unit: "lines/s",
                    from: points.first().map_or(from, |(at, _)| from.min(*at)),
                    points: points.clone(),
                };
                let html = chart.html();
                assert!(html.starts_with("<figure>") && html.ends_with("</figure>\n"));
                assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
            }
        }
    }
}

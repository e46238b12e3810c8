//! The report as an HTML page: one file, without scripts and without other files.

use std::io::{self, BufWriter, Write};

use forebay_serve::Telemetry;

use crate::command::stream::report::Report;
use crate::output::format::{is_steering, percent};

const STYLE: &str = Telemetry::STYLE;

/// Writes the page at the end of the stream.
pub(crate) fn write(
    report: &Report,
    telemetry: &Telemetry,
    file: &mut dyn Write,
) -> io::Result<()> {
    let mut page = BufWriter::new(file);
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>forebay stream</title>\n<style>\n{STYLE}</style></head>\n<body>\n<h1>forebay stream</h1>\n"
    )?;
    write_body(&mut page, report, telemetry)?;
    writeln!(page, "</body></html>")?;
    page.flush()
}

fn write_body(page: &mut impl Write, report: &Report, telemetry: &Telemetry) -> io::Result<()> {
    let sizes = report.sizes();
    let seconds = telemetry.last().map_or(0.0, |it| it.at().as_secs_f64());
    writeln!(page, "<p>{sizes} in {seconds:.1} s</p>")?;
    let charts = telemetry.charts("lines");
    writeln!(page, "<div class=\"charts\">\n{charts}</div>")?;
    let window = report.window_text();
    heading(
        page,
        &format!("Heavy hitters{window}"),
        "item</th><th class=\"n\">at least</th><th class=\"n\">at most</th><th>share",
    )?;
    for row in &report.ranking.rows {
        let item = escaped(&row.item);
        let (lower, upper, share) = (row.lower, row.upper, row.share);
        writeln!(
            page,
            "<tr><td><code>{item}</code></td><td class=\"n\">{lower}</td>\
             <td class=\"n\">{upper}</td><td><meter value=\"{share:.4}\"></meter> {}</td></tr>",
            percent(share).replace('<', "&lt;")
        )?;
    }
    writeln!(page, "</table>")?;
    write_samples(page, report)
}

fn write_samples(page: &mut impl Write, report: &Report) -> io::Result<()> {
    let mut samples = report.items.sampled().peekable();
    if samples.peek().is_none() {
        return Ok(());
    }
    heading(page, "Lines drawn at random", "item</th><th>lines")?;
    for sampled in samples {
        let sampled = report.kept(sampled).map_err(io::Error::other)?;
        let lines: String = sampled.lines.iter().map(|line| code(line)).collect();
        let item = code(&sampled.item);
        writeln!(page, "<tr><td>{item}</td><td>{lines}</td></tr>")?;
    }
    writeln!(page, "</table>")
}

fn heading(page: &mut impl Write, title: &str, columns: &str) -> io::Result<()> {
    writeln!(page, "<h2>{title}</h2>\n<table><tr><th>{columns}</th></tr>")
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// Text with all markup escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if is_steering(c) => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_does_not_become_markup() {
        let hostile = "<script>alert(\"1\")</script> & \u{7}";
        let expected = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; \\u{7}";
        assert_eq!(escaped(hostile), expected);
    }
}

//! `forebay stream`.

use serde_json::{Value, json};

use crate::support::{Run, data, exact, forebay, json, ranked, read, words};

fn stream(args: &str, stdin: impl AsRef<[u8]>) -> Value {
    json(&forebay(&format!("stream -q --format json {args}"), stdin).quiet_success())
}

/// The counts of a result as (item, count).
fn counts(result: &Value) -> Vec<(String, u64)> {
    let counts = result["counts"].as_array().expect("counts is an array");
    let pair = |row: &Value| {
        let item = row["item"].as_str().expect("item is text");
        (
            item.to_owned(),
            row["count"].as_u64().expect("a whole number"),
        )
    };
    counts.iter().map(pair).collect()
}

#[test]
fn the_result_is_one_object_in_the_form_scripts_rely_on() {
    let text = "Ebb and flow\nebb, ebb!\nspring\n";
    let result = forebay("stream -q --format json --batch-lines 2 --top 1", text);
    assert_eq!(
        result.quiet_success(),
        "{\"batches\":2,\"records\":3,\"keys\":4,\
         \"counts\":[{\"item\":\"ebb\",\"count\":3}],\
         \"heavy_hitters\":[{\"item\":\"ebb\",\"lower\":3,\"upper\":3}],\
         \"samples\":[{\"item\":\"ebb\",\"lines\":[\"Ebb and flow\",\"ebb, ebb!\"]}]}\n"
    );
}

#[test]
fn items_are_words_or_a_field_and_ties_are_in_order_of_the_item() {
    let pairs = |pairs: &[(&str, u64)]| -> Vec<(String, u64)> {
        pairs
            .iter()
            .map(|&(item, n)| (item.to_owned(), n))
            .collect()
    };
    let text = "b,x y\r\na,x\nB,z";
    let all = pairs(&[("b", 2), ("x", 2), ("a", 1), ("y", 1), ("z", 1)]);
    assert_eq!(counts(&stream("--top 0", text)), all);
    assert_eq!(counts(&stream("--top 0 --words", text)), all);
    assert_eq!(
        counts(&stream("--field 1 --delimiter ,", text)),
        pairs(&[("B", 1), ("a", 1), ("b", 1)])
    );
    assert_eq!(
        counts(&stream("--field 1 --top 2", text)),
        pairs(&[("B,z", 1), ("a,x", 1)])
    );
}

#[test]
fn heavy_hitters_are_those_of_the_window() {
    let text = "a\na\na\nb\nb\nc\n";
    let heavy =
        |args: &str| stream(&format!("--batch-lines 1 {args}"), text)["heavy_hitters"].take();
    assert_eq!(
        heavy("--window 3"),
        json!([{"item": "b", "lower": 2, "upper": 2}, {"item": "c", "lower": 1, "upper": 1}])
    );
    assert_eq!(heavy("")[0], json!({"item": "a", "lower": 3, "upper": 3}));
    assert_eq!(heavy("--window 100"), heavy(""));
    assert_eq!(counts(&stream("--batch-lines 1 --window 1", text)).len(), 3);
}

#[test]
fn samples_hold_lines_of_the_item_in_input_order_and_none_twice() {
    let text: String = (0..500)
        .map(|i| format!("{} tide tide {i}\n", i % 3))
        .collect();
    let samples = stream("--samples 20 --top 1 --batch-lines 30", &text)["samples"].take();
    assert_eq!(samples.as_array().expect("an array").len(), 1);
    let numbers: Vec<u32> = samples[0]["lines"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|line| {
            let line = line.as_str().expect("a line");
            line.rsplit(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a number")
        })
        .collect();
    assert_eq!(numbers.len(), 20);
    assert!(numbers.is_sorted_by(|a, b| a < b));
    assert_eq!(stream("--samples 0", &text)["samples"], json!([]));
}

#[test]
fn threads_do_not_matter_runs_repeat_and_seeds_differ() {
    let run = |args: &str| {
        let args = format!("stream --generate 20000 --field 1 --top 0 --format json {args}");
        forebay(&args, "")
    };
    let first = run("--threads 1 --batch-lines 3000");
    assert_eq!(first.status, 0);
    assert_eq!(run("--threads 1 --batch-lines 3000"), first);
    assert_eq!(run("--threads 2 --batch-lines 3000"), first);
    assert_eq!(run("--threads 8 --batch-lines 3000"), first);
    let other = run("--seed 1 --batch-lines 3000");
    assert_ne!(other, first);
    let counts_of = |run: &Run| counts(&json(&run.stdout));
    assert_eq!(counts_of(&other), counts_of(&first));
    assert_eq!(
        counts_of(&run("--batch-lines 7 --partitions 3")),
        counts_of(&first)
    );
}

#[test]
fn each_batch_has_a_line_on_standard_error() {
    let run = forebay("stream --batch-lines 2 --format csv", "a\na b\nb b\n");
    assert_eq!(
        run.stderr,
        "batch 1: 2 lines and 2 items so far, most frequent now: a\n\
         batch 2: 3 lines and 2 items so far, most frequent now: b\n"
    );
    assert_eq!(run.stdout, "item,count\nb,3\na,2\n");
}

#[test]
fn batches_of_an_interval_have_the_same_counts() {
    let text = "ebb and flow\n".repeat(5_000);
    let by_lines = stream("--top 0", &text);
    let by_clock = stream("--top 0 --interval 20ms", &text);
    assert_eq!(by_clock["counts"], by_lines["counts"]);
    assert_eq!(by_clock["records"], json!(5_000));
    let windowed = stream("--interval 20ms --window 1h", &text);
    assert_eq!(windowed["heavy_hitters"], by_lines["heavy_hitters"]);
}

#[test]
fn empty_input_gives_an_empty_result() {
    assert_eq!(
        stream("", ""),
        json!({
            "batches": 0, "records": 0, "keys": 0, "counts": [], "heavy_hitters": [], "samples": []
        })
    );
    let table = forebay("stream", "").quiet_success();
    assert!(
        table.starts_with("0 batches, 0 lines, 0 items\n"),
        "{table}"
    );
}

#[test]
fn the_table_has_counts_heavy_hitters_and_samples() {
    let table = forebay("stream -q --batch-lines 1 --window 1", "ebb\nflow\nebb\n").quiet_success();
    for line in [
        "3 batches, 3 lines, 2 items",
        "   1      2  66.67%  ████████████████████  ebb",
        "heavy hitters of the last 1 batch:",
        "total 1; all counts are exact",
        "lines drawn at random:",
        "    flow",
    ] {
        assert!(
            table.lines().any(|found| found == line),
            "{line:?} in {table}"
        );
    }
}

#[test]
fn bad_lines_are_errors_or_skipped() {
    let message = forebay("stream -q --field 2 --batch-lines 1", "a b\nc\n").failure(1);
    assert_eq!(
        message,
        "forebay: standard input, line 2: there is no field 2, the line has 1: \"c\"\n"
    );
    let run = forebay(
        "stream -q --field 2 --skip-bad --format csv",
        "a b\nc\nd b\n",
    );
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (0, "item,count\nb,2\n", "forebay: skipped 1 bad line\n")
    );
    let message = forebay("stream --interval 10ms no-such-file", "").failure(1);
    assert!(message.contains("cannot read no-such-file"), "{message}");
}

#[test]
fn wrong_usage_is_refused_with_a_reason() {
    for (args, reason) in [
        (
            "--window 2s",
            "--window 2s: must be a whole number, 1 or more",
        ),
        ("--interval 1s --window 3", "--window 3: must be a duration"),
        (
            "--interval 1s --window 1500ms",
            "--window 1500ms: must be a multiple of 1s",
        ),
        ("--interval 1s --batch-lines 3", "cannot be used with"),
        (
            "--interval 100us",
            "a whole number of milliseconds, 1 or more",
        ),
        ("--batch-lines 0", "must be a whole number, 1 or more"),
        ("--threads 0", "must be a whole number from 1 to 65536"),
        (
            "--partitions 65537",
            "must be a whole number from 1 to 65536",
        ),
        (
            "-k 1073741825",
            "must be a whole number from 1 to 1073741824",
        ),
        ("--delimiter ,", "--field"),
        ("--generate 5 file", "cannot be used with"),
    ] {
        let message = forebay(&format!("stream {args}"), "").failure(2);
        assert!(message.contains(reason), "{args}: {message}");
    }
}

#[test]
fn the_words_of_a_real_text_are_counted_exactly_and_bounds_hold() {
    let Some(path) = data("kjv.txt") else { return };
    let truth = exact(words(&read(&path)).into_iter().map(|word| (word, 1)));
    let args = format!("--batch-lines 1000 --top 0 -k 500 {}", path.display());
    let result = stream(&args, "");
    assert_eq!(counts(&result), ranked(&truth));
    assert_eq!(result["keys"], json!(truth.len()));
    for row in result["heavy_hitters"].as_array().expect("an array") {
        let count = truth[row["item"].as_str().expect("text")];
        let bound = |name: &str| row[name].as_u64().expect("a whole number");
        assert!((bound("lower")..=bound("upper")).contains(&count), "{row}");
    }
}

#[test]
fn progress_shows_rates_and_delays_of_each_batch() {
    let run = forebay("stream --progress --batch-lines 2", "a\na b\nb b\n");
    assert_eq!(run.status, 0);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("batch 1: 2 lines, "), "{lines:?}");
    assert!(lines[1].starts_with("batch 2: 3 lines, "), "{lines:?}");
    for part in [" lines/s, scheduling ", " ms, processing ", " ms, total "] {
        assert!(lines.iter().all(|line| line.contains(part)), "{lines:?}");
    }
    let message = forebay("stream --progress --quiet", "").failure(2);
    assert!(message.contains("cannot be used with"), "{message}");
}

#[test]
fn the_report_is_one_page_with_four_charts_and_nothing_of_the_input_is_markup() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("page.html");
    let args = format!(
        "stream -q --field 1 --batch-lines 2 --report {}",
        path.display()
    );
    let table = forebay(&args, "<b> one\n<b> two\n& three\n").quiet_success();
    assert!(table.contains("heavy hitters"), "the result is printed too");
    let page = std::fs::read_to_string(&path).expect("the page");
    assert_eq!(page.matches("<svg ").count(), 4);
    for title in [
        "Input rate",
        "Scheduling delay",
        "Processing time",
        "Total delay",
    ] {
        assert!(page.contains(title), "{title}");
    }
    assert!(page.contains("2 batches, 3 lines, 2 items"));
    assert!(page.contains("<code>&lt;b&gt; two</code>"));
    for foreign in ["<script", "http://", "https://", "<link", "<b> one"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("missing").join("page.html");
    let run = forebay(&format!("stream -q --report {}", path.display()), "a\n");
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("missing/page.html"), "{}", run.stderr);
}

/// Sends a signal with the program `kill`.
#[cfg(unix)]
fn signal(child: &std::process::Child, signal: &str) {
    let id = child.id().to_string();
    let kill = std::process::Command::new("kill")
        .args([signal, &id])
        .status();
    assert!(kill.expect("kill can be run").success());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_stream_gracefully_while_the_input_is_still_open() {
    use std::io::{BufRead, BufReader, Read, Write};
    let cases = [
        ("--batch-lines 2", "-INT", 130),
        ("--batch-lines 2", "-TERM", 143),
        ("--interval 50ms", "-INT", 130),
        ("--interval 50ms", "-TERM", 143),
    ];
    for (cut, name, code) in cases {
        let folder = tempfile::tempdir().expect("a directory");
        let page = folder.path().join("page");
        let page = page.display();
        let args = format!("stream --progress --format csv --report {page} {cut}");
        let mut child = crate::support::command(&args)
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(b"ebb\nflow\nebb\n").expect("it reads");
        // After the first batch, the handler is installed and the input has arrived.
        let mut messages = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.contains(" lines, ") {
            line.clear();
            let read = messages.read_line(&mut line).expect("text");
            assert!(read > 0, "there is a batch of several lines");
        }
        signal(&child, name);
        let (mut result, mut rest) = (String::new(), String::new());
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_to_string(&mut result).expect("text");
        messages.read_to_string(&mut rest).expect("text");
        assert_eq!(child.wait().expect("it ends").code(), Some(code), "{name}");
        assert_eq!(result, "item,count\nebb,2\nflow,1\n");
        assert!(
            rest.ends_with(
                "forebay: stopped before the end of the input: the results are those so far\n"
            ),
            "{rest}"
        );
        let page = std::fs::read_to_string(page.to_string()).expect("it was written");
        assert!(page.contains("3 lines, 2 items"), "{page}");
        drop(stdin);
    }
}

//! `forebay top`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::support::{command, data, exact, forebay, json, ranked, read, words};

/// The rows of a JSON result as (item, lower, upper).
fn rows(result: &Value) -> Vec<(String, u64, u64)> {
    let rows = result["rows"].as_array().expect("rows is an array");
    let row = |row: &Value| {
        (
            row["item"].as_str().expect("item is text").to_owned(),
            row["lower"].as_u64().expect("lower is a whole number"),
            row["upper"].as_u64().expect("upper is a whole number"),
        )
    };
    rows.iter().map(row).collect()
}

fn top(args: &str, stdin: impl AsRef<[u8]>) -> Vec<(String, u64, u64)> {
    let run = forebay(&format!("top --format json {args}"), stdin);
    rows(&json(&run.quiet_success()))
}

fn counted(items: &[(&str, u64)]) -> Vec<(String, u64, u64)> {
    let row = |&(item, n): &(&str, u64)| (item.to_owned(), n, n);
    items.iter().map(row).collect()
}

#[test]
fn lines_are_counted_without_their_ends_and_ties_are_sorted_by_item() {
    let found = top("", "b\na\r\nb\r\nc\n\na");
    assert_eq!(found, counted(&[("a", 2), ("b", 2), ("", 1), ("c", 1)]));
}

#[test]
fn fields_are_separated_by_runs_of_white_space_or_by_each_delimiter() {
    assert_eq!(top("--field 2", "  x \t a b\ny a\n"), counted(&[("a", 2)]));
    assert_eq!(
        top("--field 2 --delimiter ,", "x,,b\ny,a,\nz,"),
        counted(&[("", 2), ("a", 1)])
    );
    assert_eq!(
        top(r"--field 2 --delimiter \t", "x\ta b\n"),
        counted(&[("a b", 1)])
    );
}

#[test]
fn words_are_runs_of_letters_digits_and_apostrophes_in_lower_case() {
    assert_eq!(
        top("--words -n 3", "Don't PANIC, don't!\nÉté—été 42"),
        counted(&[("don't", 2), ("été", 2), ("42", 1)])
    );
}

#[test]
fn weights_add_up_and_a_dash_is_zero() {
    let text = "a 10\nb -\na 5\nc 12\n";
    assert_eq!(
        top("--field 1 --weight-field 2", text),
        counted(&[("a", 15), ("c", 12)])
    );
    let fractions = forebay(
        "top --field 1 --weight-field 2 --format csv",
        "a 0.5\na 0.25\n",
    );
    assert_eq!(
        fractions.quiet_success(),
        "item,lower,upper,share\na,0.75,0.75,1.0\n"
    );
}

#[test]
fn json_is_one_object_in_the_form_scripts_rely_on() {
    let result = forebay("top --format json -n 1", "a\nb\na\na\n").quiet_success();
    assert_eq!(
        result,
        "{\"total\":4,\"max_error\":0,\"rows\":[{\"item\":\"a\",\"lower\":3,\"upper\":3,\"share\":0.75}]}\n"
    );
}

#[test]
fn csv_quotes_what_needs_it() {
    let result = forebay("top --format csv", "a,\"b\"\n").quiet_success();
    assert_eq!(result, "item,lower,upper,share\n\"a,\"\"b\"\"\",1,1,1.0\n");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let text: String = (0..300_000u32)
        .map(|i| format!("{} {i}\n", i % 977 * i % 31))
        .collect();
    for args in ["--words -k 50", "--field 1 --weight-field 2", "-k 7"] {
        let run = |jobs: u32| forebay(&format!("top --format json {args} --jobs {jobs}"), &text);
        let one = run(1);
        assert_eq!(one.status, 0);
        for jobs in [2, 3, 100] {
            assert_eq!(run(jobs), one, "{args} --jobs {jobs}");
        }
    }
}

#[test]
fn the_first_bad_line_is_the_one_reported_whatever_the_number_of_threads() {
    let mut text = "a b\n".repeat(1_000_000);
    text.insert_str(4 * 900_000, "second\n");
    text.insert_str(4 * 300_000, "first\n");
    for jobs in [1, 2, 8] {
        let message = forebay(&format!("top --field 2 --jobs {jobs}"), &text).failure(1);
        assert!(
            message.contains("line 300001: there is no field 2"),
            "{message}"
        );
        let run = forebay(&format!("top --field 2 --skip-bad --jobs {jobs}"), &text);
        assert_eq!(run.stderr, "forebay: skipped 2 bad lines\n");
    }
}

#[test]
fn live_results_grow_to_the_final_one() {
    let text = "ebb flow ebb\n".repeat(100_000);
    let last = forebay("top --words --format json", &text).quiet_success();
    let live = forebay("top --words --format json --every 5ms", &text).quiet_success();
    let totals: Vec<u64> = live
        .lines()
        .map(|line| json(line)["total"].as_u64().expect("a whole number"))
        .collect();
    assert!(totals.is_sorted());
    assert_eq!(live.lines().last(), Some(last.trim_end()));
}

#[test]
fn a_live_window_forgets_while_input_is_open() {
    let mut child = command("top --format json --every 10ms --window 30ms")
        .spawn()
        .expect("the binary starts");
    let mut pipe = child.stdin.take().expect("standard input is a pipe");
    let stdout = child.stdout.take().expect("standard output is a pipe");
    let mut results = BufReader::new(stdout).lines().map_while(Result::ok);
    let mut wait_for = |total: u64| results.any(|line| json(&line)["total"] == total);
    pipe.write_all(b"a\nb\n").expect("it reads its input");
    assert!(wait_for(2) && wait_for(0));
    pipe.write_all(b"c\n").expect("it reads its input");
    assert!(wait_for(1) && wait_for(0));
    drop(pipe);
    assert!(child.wait().expect("the binary ends").success());
}

#[test]
fn the_table_ends_with_the_largest_error() {
    let exact = forebay("top", "a\nb\na\n").quiet_success();
    assert_eq!(exact.lines().last(), Some("total 3; all counts are exact"));
    assert_eq!(exact.lines().count(), 4);
    let rough = forebay("top -k 2", "a\na\na\na\nb\nc\nd\n").quiet_success();
    let last = rough.lines().last().expect("a last line");
    assert!(last.contains("at most 1 above lower"), "{last}");
}

#[test]
fn items_cannot_control_the_terminal() {
    let table = forebay("top", "\x1b[2Jx\n").quiet_success();
    assert!(
        table.contains(r"\u{1b}[2Jx") && !table.contains('\x1b'),
        "{table}"
    );
}

#[test]
fn empty_input_gives_an_empty_result() {
    for args in ["", "--words", "--field 1 --weight-field 2"] {
        assert_eq!(top(args, ""), []);
    }
    let csv = forebay("top --format csv", "").quiet_success();
    assert_eq!(csv, "item,lower,upper,share\n");
    let table = forebay("top", "").quiet_success();
    assert_eq!(table.lines().last(), Some("total 0; all counts are exact"));
}

#[test]
fn bytes_that_are_not_utf8_are_not_an_error() {
    assert_eq!(top("", b"\xff\n\xff\n"), counted(&[("\u{fffd}", 2)]));
    assert_eq!(top("--words", b"a\xffa\n"), counted(&[("a", 2)]));
}

#[test]
fn several_files_and_standard_input_are_one_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x");
    std::fs::write(&path, "a\nb").expect("the file can be written");
    let args = format!("{0} - {0}", path.display());
    assert_eq!(top(&args, "b\n"), counted(&[("b", 3), ("a", 2)]));
}

#[test]
fn compressed_input_is_recognized_by_its_first_bytes() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"a\nb\na\n").expect("memory takes all");
    let gzip = gzip.finish().expect("memory takes all");
    assert_eq!(top("", &gzip), counted(&[("a", 2), ("b", 1)]));
    let message = forebay("top", &gzip[..gzip.len() - 5]).failure(1);
    assert!(
        message.starts_with("forebay: cannot read standard input: "),
        "{message}"
    );
}

#[test]
fn errors_in_lines_name_file_line_and_text() {
    let message = forebay("top --field 3", "a b c\na b\n").failure(1);
    assert_eq!(
        message,
        "forebay: standard input, line 2: there is no field 3, the line has 2: \"a b\"\n"
    );
    for bad in ["x", "-1", "nan", "inf", "1e999"] {
        let message = forebay("top --field 1 --weight-field 2", format!("a 1\nb {bad}\n"));
        assert_eq!(
            message.failure(1),
            format!(
                "forebay: standard input, line 2: field 2 is not a weight (a number, 0 or more, or -): \
                 \"{bad}\": \"b {bad}\"\n"
            )
        );
    }
    let message = forebay("top --field 1 --weight-field 2", "a 1.7e308\nb 1.7e308\n").failure(1);
    assert!(
        message.contains("line 2: the total weight becomes too large"),
        "{message}"
    );
}

#[test]
fn unreadable_files_are_named() {
    let missing = forebay("top no-such-file", "").failure(1);
    assert!(
        missing.starts_with("forebay: cannot read no-such-file: "),
        "{missing}"
    );
    let folder = forebay("top .", "").failure(1);
    assert!(folder.starts_with("forebay: cannot read .: "), "{folder}");
}

#[test]
fn skip_bad_skips_and_counts() {
    let args = "top --format json --field 1 --weight-field 2 --skip-bad no-such-file - .";
    let run = forebay(args, "a 1\na\na x\nb 2\n");
    assert_eq!(
        run.stderr,
        "forebay: skipped 2 bad lines and 2 unreadable files\n"
    );
    assert_eq!(run.status, 0);
    assert_eq!(rows(&json(&run.stdout)), counted(&[("b", 2), ("a", 1)]));
}

#[test]
fn wrong_usage_is_refused_with_a_reason() {
    for (args, reason) in [
        ("top --field 0", "the first field is 1"),
        (
            "top --field x",
            "a field number must be a whole number, 1 or more",
        ),
        (
            "top --weight-field -1",
            "a field number must be a whole number, 1 or more",
        ),
        ("top -n 0", "must be a whole number, 1 or more"),
        ("top -k -3", "must be a whole number from 1 to 1073741824"),
        ("top -k 1073741825", "must be a whole number from 1 to"),
        ("top --words --field 1", "cannot be used with"),
        ("top --delimiter ,", "--field"),
        ("top --jobs 0", "must be a whole number, 1 or more"),
        ("top --window 1m", "--every"),
        ("top --every 2s --window 3s", "must be a multiple of 2s"),
        (
            "top --every 0s",
            "a whole number of milliseconds, 1 or more",
        ),
        ("top --format xml", "table, json, csv"),
        ("top --frobnicate", "--frobnicate"),
        ("", "Usage"),
        ("bottom", "unrecognized subcommand"),
    ] {
        let message = forebay(args, "").failure(2);
        assert!(message.contains(reason), "{args}: {message}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child = command("top -n 100000 -k 100000")
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let mut pipe = child.stdin.take().expect("standard input is a pipe");
    let lines: String = (0..100_000).map(|i| format!("{i}\n")).collect();
    pipe.write_all(lines.as_bytes())
        .expect("it reads its input");
    drop(pipe);
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

/// Checks that bounds hold, and that no row is missing.
#[track_caller]
fn check_bounds(found: &[(String, u64, u64)], truth: &HashMap<String, u64>) {
    assert_eq!(found.len(), 10);
    for (item, lower, upper) in found {
        let count = truth[item];
        assert!((*lower..=*upper).contains(&count), "{item}: {count}");
    }
    let last = found.last().expect("ten rows");
    let listed = |item: &String| found.iter().any(|row| row.0 == *item);
    for (item, count) in truth {
        assert!(*count <= last.2 || listed(item), "{item} is missing");
    }
}

/// Checks in addition that the rows are the ten heaviest, in order.
#[track_caller]
fn check_ranks(found: &[(String, u64, u64)], truth: &HashMap<String, u64>) {
    check_bounds(found, truth);
    let items = found.iter().map(|row| &row.0);
    let wanted = ranked(truth);
    assert!(items.eq(wanted.iter().take(10).map(|(item, _)| item)));
}

#[test]
fn the_ten_most_frequent_words_of_a_real_text_are_found() {
    let Some(path) = data("kjv.txt") else { return };
    let truth = exact(words(&read(&path)).into_iter().map(|word| (word, 1)));
    check_ranks(
        &top(&format!("--words -k 1024 {}", path.display()), ""),
        &truth,
    );
}

#[test]
fn fields_and_weights_of_a_real_log_are_right() {
    let Some(path) = data("apache_access.log") else {
        return;
    };
    let log = read(&path);
    let field = |line: &str, n: usize| line.split_ascii_whitespace().nth(n - 1).map(str::to_owned);
    let column = |n| {
        log.lines()
            .map(move |line| field(line, n).expect("a whole line"))
    };
    let path = path.display();
    for n in [1, 7] {
        let hits = exact(column(n).map(|key| (key, 1)));
        check_bounds(&top(&format!("--field {n} {path}"), ""), &hits);
        check_ranks(&top(&format!("--field {n} -k 4096 {path}"), ""), &hits);
        let bytes = column(10).map(|bytes| bytes.parse().unwrap_or(0));
        let sums = exact(column(n).zip(bytes));
        let weighted = format!("--field {n} --weight-field 10 {path}");
        check_bounds(&top(&weighted, ""), &sums);
        check_ranks(&top(&format!("-k 4096 {weighted}"), ""), &sums);
    }
}

//! What the program says of numbers and names: nothing is called exact that is not, and no name
//! steers the terminal.

use std::fs;

use crate::support::{command, forebay, json};

const WEIGHTS: &str = "top --field 1 --weight-field 2";

/// The lower and the upper bound of each row, and what the table says last.
fn bounds(text: &str) -> (Vec<(f64, f64)>, String) {
    let result = json(&forebay(&format!("{WEIGHTS} -n 1000 --format json"), text).quiet_success());
    let rows = result["rows"].as_array().expect("rows");
    let bound = |row: &serde_json::Value, name: &str| row[name].as_f64().expect("a number");
    let rows = rows
        .iter()
        .map(|row| (bound(row, "lower"), bound(row, "upper")))
        .collect();
    let table = forebay(WEIGHTS, text).quiet_success();
    let last = table.lines().last().expect("a last line").to_owned();
    (rows, last)
}

#[test]
fn sums_are_exact_only_where_no_addition_can_have_rounded() {
    let ones = "a 1\n".repeat(1000);
    let cases = [
        // The true sum, in an input of so many lines.
        (
            format!("a 9007199254740992\n{ones}"),
            9_007_199_254_741_992_f64,
            false,
        ),
        (
            format!("a 9007199254739000\n{ones}"),
            9_007_199_254_740_000.,
            true,
        ),
        ("a 0.5\na 0.25\n".to_owned(), 0.75, true),
        ("a 0.1\n".repeat(10), 1.0, false),
        ("a 1.00000000000000000001\n".to_owned(), 1.0, false),
    ];
    for (text, truth, is_exact) in cases {
        let (rows, last) = bounds(&text);
        let (lower, upper) = rows[0];
        assert!(lower <= truth && truth <= upper, "{lower} {upper} {truth}");
        assert_eq!(lower == upper, is_exact, "{truth}");
        assert_eq!(last.contains("all counts are exact"), is_exact, "{last}");
    }
    let table = forebay(WEIGHTS, "a 0.1\n".repeat(10)).quiet_success();
    assert!(table.contains("   1      1      1  "), "{table}");
    assert!(
        table.ends_with("total 1; sums are rounded, and right in the digits shown\n"),
        "{table}"
    );
}

/// A weight that cannot be told from 0 or from its neighbours is refused, as one too large is.
#[test]
fn weights_that_are_too_small_are_refused() {
    for weight in ["1e-400", "0.3e-320"] {
        let message = forebay(WEIGHTS, format!("a {weight}\n")).failure(1);
        assert!(message.contains(weight), "{message}");
    }
    let table = forebay(WEIGHTS, "a 0e-400\nb 1e-300\n").quiet_success();
    assert!(table.contains("1e-300"), "{table}");
}

#[test]
fn a_total_of_which_not_all_digits_are_right_is_two_bounds() {
    let table = forebay(WEIGHTS, "a 123456789012.3\n".repeat(100)).quiet_success();
    let last = table.lines().last().unwrap();
    let numbers = last.strip_prefix("total between ").unwrap();
    let numbers = numbers.strip_suffix("; sums are rounded").unwrap();
    let (lower, upper) = numbers.split_once(" and ").unwrap();
    let [lower, upper] = [lower, upper].map(|bound| bound.parse::<f64>().unwrap());
    assert!(
        lower <= 12_345_678_901_230.0 && 12_345_678_901_230.0 <= upper,
        "{last}"
    );
}

#[test]
fn the_bounds_of_sums_of_cents_hold_the_truth() {
    // Sums of two decimals, and the truth in whole cents.
    let mut cents = [0u64; 40];
    let mut text = String::new();
    for i in 0..20_000u64 {
        let (key, each) = ((i * i % 41 % 40) as usize, i * 7_919 % 10_000);
        cents[key] += each;
        text += &format!("k{key} {}.{:02}\n", each / 100, each % 100);
    }
    let args = format!("{WEIGHTS} -n 100 --format csv");
    for saved in ["", " -k 5"] {
        let csv = forebay(&format!("{args}{saved}"), &text).quiet_success();
        for row in csv.lines().skip(1) {
            let cells: Vec<&str> = row.split(',').collect();
            let truth = cents[cells[0][1..].parse::<usize>().expect("a key")] as f64 / 100.0;
            let [lower, upper] = [1, 2].map(|at| cells[at].parse::<f64>().expect("a number"));
            assert!(lower <= truth && truth <= upper, "{row}: {truth}");
            assert!(!saved.is_empty() || upper - lower < 1e-10 * upper, "{row}");
        }
    }
}

#[test]
fn a_total_that_is_too_large_is_refused_in_one_file_and_between_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("x"), "a 1.7e308\n").expect("there is room");
    fs::write(path("y"), "b 1.7e308\n").expect("there is room");
    let (x, y) = (path("x"), path("y"));
    let refused = |args: String| {
        let run = forebay(&args, "");
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{args}");
        assert!(
            run.stderr.contains("the total weight becomes too large"),
            "{}",
            run.stderr
        );
    };
    for jobs in [1, 2] {
        refused(format!("{WEIGHTS} --jobs {jobs} {x} {x}"));
        refused(format!("{WEIGHTS} --jobs {jobs} {x} {y}"));
    }
    refused(format!("{WEIGHTS} --every 1h {x} {x}"));
    for name in ["x", "y"] {
        let args = format!(
            "{WEIGHTS} --save {} {}",
            path(&format!("s{name}")),
            path(name)
        );
        forebay(&args, "").quiet_success();
    }
    refused(format!("merge {} {}", path("sx"), path("sy")));
    refused(format!("merge --insist {0} {0}", path("sx")));
    for estimate in ["weight --weight-field 2", "sum(2)"] {
        refused(format!("sample -n 9 {x} {y} --estimate {estimate}"));
    }
}

#[test]
fn the_guaranteed_error_is_not_rounded_away() {
    let table = forebay(&format!("{WEIGHTS} -k 1"), "a 0.1\nb 0.1\nc 0.1\nd 0.1\n");
    let table = table.quiet_success();
    let last = table.lines().last().expect("a last line");
    assert!(last.contains("never more than 0.200001)"), "{last}");
}

#[test]
fn only_what_is_certain_looks_certain() {
    let text = format!("{}b\n", "a\n".repeat(99_999));
    let table = forebay("top", text).quiet_success();
    assert!(
        table.contains(">99.99%") && table.contains("<0.01%"),
        "{table}"
    );
    let table = forebay(
        "sample -n 2 --estimate count --estimate sum(1) --confidence 0.99999",
        "1\n2\n3\n",
    );
    let table = table.quiet_success();
    assert!(table.contains(">99.99%"), "{table}");
}

#[test]
fn negative_whole_numbers_are_printed_as_positive_ones_are() {
    for (format, number) in [
        ("json", "\"value\":-5,"),
        ("csv", ",-5,"),
        ("table", "   -5"),
    ] {
        let args = format!("sample -n 9 --estimate sum(2) --format {format}");
        let answer = forebay(&args, "a -5\n").quiet_success();
        assert!(answer.contains(number), "{answer}");
    }
}

#[test]
fn conditions_that_mean_nothing_are_refused_at_their_column() {
    for (query, reason) in [
        ("count where 2==200", "column 14: \"==200\""),
        ("count where 2=>404", "column 14: "),
        ("count where 2<>200", "column 14: "),
        ("mean(1) where 1=5 and", "column 22: "),
    ] {
        let run = command("sample -n 9 --estimate").arg(query).output();
        let output = run.expect("it starts");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn numbers_that_are_too_large_for_anything_are_refused() {
    for args in ["top --every 500000000000y", "stream --interval 101y"] {
        let message = forebay(args, "x\n").failure(2);
        assert!(message.contains("must be at most 100 years"), "{message}");
    }
    for n in ["10000001", "99999999999", "18446744073709551615"] {
        let message = forebay(&format!("sample --method replacement -n {n}"), "x\n").failure(2);
        assert!(
            message.contains("draws at most 10000000 lines"),
            "{message}"
        );
    }
    for method in [
        "uniform",
        "weighted --weight-field 1",
        "varopt --weight-field 1",
        "decay --time-field 1 --half-life 1",
    ] {
        for n in ["99999999999", "18446744073709551615"] {
            let args = format!("sample --method {method} -n {n}");
            assert_eq!(forebay(&args, "1\n2\n").quiet_success(), "1\n2\n", "{args}");
        }
    }
}

#[test]
fn input_that_is_compressed_otherwise_is_refused_by_name() {
    for (bytes, name) in [
        (&b"\xfd7zXZ\0\0\x04abc\n"[..], "xz"),
        (b"BZh91AY&SYabc\n", "bzip2"),
    ] {
        for subcommand in ["top", "sample -n 3", "stream -q"] {
            let message = forebay(subcommand, bytes).failure(1);
            assert!(
                message.contains(&format!("compressed with {name}")),
                "{message}"
            );
        }
        let run = forebay("top --skip-bad", bytes);
        assert_eq!(run.stderr, "forebay: skipped 1 unreadable file\n");
    }
}

#[cfg(unix)]
#[test]
fn names_of_files_and_directions_of_text_do_not_steer_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "f\u{1b}]0;title\u{7}\u{202e}\n";
    let in_folder = |args: &str| {
        let run = command(args).arg(name).current_dir(folder.path()).output();
        String::from_utf8(run.expect("it starts").stderr).expect("text")
    };
    let messages = |texts: Vec<String>| {
        for text in texts {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
            assert!(text.contains(r"f\u{1b}]0;title\u{7}\u{202e}"), "{text:?}");
        }
    };
    // Missing, bad as input, bad as a summary, bad as an argument.
    messages(vec![
        in_folder("top"),
        in_folder("merge"),
        in_folder("state"),
    ]);
    fs::write(folder.path().join(name), "a\n").expect("there is room");
    messages(vec![
        in_folder("top --field 2"),
        in_folder("merge"),
        in_folder("state"),
        in_folder("stream --state-dir"),
    ]);
    let refused = in_folder("top --format");
    assert!(
        !refused.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{refused:?}"
    );
    let table = forebay("top", "a\u{202e}b\n").quiet_success();
    assert!(table.contains(r"a\u{202e}b"), "{table}");
}

#[test]
fn counters_of_unlike_questions_or_of_one_run_are_merged_only_if_one_insists() {
    let folder = tempfile::tempdir().expect("a folder");
    let save = |name: &str, args: &str| {
        let path = folder.path().join(name).display().to_string();
        forebay(&format!("top {args} --save {path}"), "a b,1\n").quiet_success();
        path
    };
    let field = save("field", "--field 1");
    for (other, reason) in [
        (
            save("words", "--words"),
            "counts words, but the files before it count field 1",
        ),
        (save("lines", ""), "counts whole lines"),
        (save("second", "--field 2"), "counts field 2"),
        (
            save("comma", "--field 1 --delimiter ,"),
            "counts field 1 (delimiter \",\")",
        ),
        (field.clone(), "holds the same run"),
    ] {
        let message = forebay(&format!("merge {field} {other}"), "").failure(1);
        assert!(
            message.starts_with(&format!("forebay: {other} {reason}")),
            "{message}"
        );
        assert!(message.contains("--insist"), "{message}");
        let both = forebay(&format!("merge --insist --format json {field} {other}"), "");
        let total = json(&both.quiet_success())["total"]
            .as_u64()
            .expect("a number");
        assert!(total > 1);
    }
    // What was mixed stays so.
    let (words, mixed) = (save("more", "--words"), folder.path().join("mixed"));
    let mixed = mixed.display();
    forebay(
        &format!("merge --insist {field} {words} --save {mixed}"),
        "",
    )
    .quiet_success();
    forebay(&format!("merge {mixed}"), "").quiet_success();
    let third = save("third", "--words");
    for files in [format!("{mixed} {third}"), format!("{third} {mixed}")] {
        let message = forebay(&format!("merge {files}"), "").failure(1);
        assert!(
            message.contains("counts unlike things (--insist"),
            "{message}"
        );
    }
    let weights = |name, field| {
        save(
            name,
            &format!("--delimiter , --weight-field {field} --words"),
        )
    };
    let (one, again) = (weights("one", 2), weights("again", 2));
    forebay(&format!("merge {one} {again}"), "").quiet_success();
    let sample = folder.path().join("sample").display().to_string();
    forebay(&format!("sample -n 1 --save {sample}"), "a\n").quiet_success();
    let message = forebay(&format!("merge --insist {sample}"), "").failure(2);
    assert!(
        message.contains("--insist: the files hold samples"),
        "{message}"
    );
}

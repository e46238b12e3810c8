//! `forebay sample --save`, and `forebay merge` of its files.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::support::{command, forebay, json};

fn save(folder: &Path, name: &str, args: &str, stdin: &str) -> String {
    let path = folder.join(name).display().to_string();
    forebay(&format!("sample {args} --save {path}"), stdin).quiet_success();
    path
}

fn merge(args: &str) -> Vec<String> {
    let stdout = forebay(&format!("merge {args}"), "").quiet_success();
    stdout.lines().map(str::to_owned).collect()
}

/// The value and the confidence of an estimate from saved samples.
fn estimate(files: &str, question: &str) -> (f64, f64) {
    let mut command = command(&format!("merge --format json {files}"));
    let output = command
        .args(["--estimate", question])
        .output()
        .expect("the binary runs");
    let answer = json(&String::from_utf8_lossy(&output.stdout))["estimates"][0].clone();
    let number = |key: &str| answer[key].as_f64().expect("a number");
    (number("value"), number("confidence"))
}

fn lines(range: std::ops::Range<u32>) -> String {
    range.map(|i| format!("{i} {}\n", i % 9 + 1)).collect()
}

const METHODS: [(&str, &str); 4] = [
    ("", "count"),
    ("--weight-field 2", "weight"),
    ("--method varopt --weight-field 2", "weight"),
    ("--method decay --time-field 1 --half-life 1000", "count"),
];

#[test]
fn merged_samples_of_two_halves_represent_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    for (method, quantity) in METHODS {
        let first = save(
            folder.path(),
            "one",
            &format!("-n 50 --seed 1 {method}"),
            &lines(0..3_000),
        );
        let second = save(
            folder.path(),
            "two",
            &format!("-n 50 --seed 2 {method}"),
            &lines(3_000..9_000),
        );
        let merged = merge(&format!("{first} {second}"));
        assert_eq!(merged.len(), 50, "{method}");
        let known: HashSet<String> = lines(0..9_000).lines().map(str::to_owned).collect();
        assert!(merged.iter().all(|line| known.contains(line)), "{method}");
        // All weights, or all lines, as in one run over the whole input.
        let whole = save(
            folder.path(),
            "whole",
            &format!("-n 50 --seed 3 {method}"),
            &lines(0..9_000),
        );
        let (found, sure) = estimate(&format!("{first} {second}"), quantity);
        let (wanted, certain) = estimate(&whole, quantity);
        let slack = if method.contains("decay") { 0.7 } else { 1e-9 };
        assert_eq!(sure, certain, "{method}");
        assert!(
            (found / wanted - 1.0).abs() < slack,
            "{method}: {found} for {wanted}"
        );
    }
}

#[test]
fn the_share_of_each_half_in_merged_samples_is_fair() {
    // A third of the lines are in the first half: of 100 merged samples of 30 lines, 1,000 lines, with
    // a standard deviation of 25.
    let folder = tempfile::tempdir().expect("a folder");
    for method in ["", "--method replacement"] {
        let mut firsts = 0;
        for seed in 0..100 {
            let args = |seed: u32| format!("-n 30 --seed {seed} {method}");
            let first = save(folder.path(), "one", &args(seed), &lines(0..300));
            let second = save(folder.path(), "two", &args(seed + 1_000), &lines(300..900));
            let merged = merge(&format!("{first} {second}"));
            let early = |line: &&String| {
                let number = line.split(' ').next().and_then(|i| i.parse::<u32>().ok());
                number.is_some_and(|i| i < 300)
            };
            assert_eq!(merged.len(), 30);
            firsts += merged.iter().filter(early).count();
        }
        assert!((870..=1_130).contains(&firsts), "{method}: {firsts}");
    }
}

#[test]
fn a_saved_sample_is_the_sample_printed_and_merges_are_repeatable() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("one").display().to_string();
    let printed = forebay(
        &format!("sample -n 7 --seed 5 --save {path}"),
        lines(0..500),
    )
    .quiet_success();
    assert_eq!(merge(&path).join("\n") + "\n", printed);
    let second = save(folder.path(), "two", "-n 7 --seed 6", &lines(500..900));
    let both = merge(&format!("{path} {second}"));
    assert_eq!(merge(&format!("{path} {second}")), both);
    let kept = folder.path().join("both").display().to_string();
    assert_eq!(merge(&format!("{path} {second} --save {kept}")), both);
    assert_eq!(merge(&kept), both);
    // A bottom-k sample is the same in any order of the merges; only the order of its lines differs.
    let mut turned = merge(&format!("{second} {path}"));
    let mut straight = both;
    turned.sort();
    straight.sort();
    assert_eq!(turned, straight);
}

#[test]
fn lines_come_in_the_order_of_the_files_and_of_their_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = save(folder.path(), "one", "-n 9", "b\na\n");
    let two = save(folder.path(), "two", "-n 9", "d\nc\n");
    assert_eq!(merge(&format!("{two} {one}")), ["d", "c", "b", "a"]);
    assert_eq!(merge(&format!("{one} {two}")), ["b", "a", "d", "c"]);
}

#[test]
fn questions_use_the_delimiter_of_the_samples_and_name_their_sources() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = "-n 9 --delimiter , --weight-field 2";
    let one = save(folder.path(), "one", args, "a b,3\n");
    let two = save(folder.path(), "two", args, "c,4\n");
    assert_eq!(
        estimate(&format!("{one} {two}"), "sum(2) where 1=c"),
        (4.0, 1.0)
    );
    let run = forebay(&format!("merge {one} {two} --estimate sum(1)"), "");
    let message = run.failure(1);
    assert!(
        message.contains("standard input, line 1: field 1 is not a number"),
        "{message}"
    );
    let run = forebay(
        &format!("merge {one} {two} --skip-bad --format csv --estimate sum(1)"),
        "",
    );
    assert_eq!(run.stderr, "forebay: skipped 2 bad lines\n");
}

#[test]
fn samples_that_cannot_be_merged_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let saved = |name: &str, args: &str| save(folder.path(), name, args, "1 2\n3 4\n");
    let decay =
        |half_life: u32| format!("-n 2 --method decay --time-field 1 --half-life {half_life}");
    let uniform = saved("uniform", "-n 2 --seed 1");
    for (other, reason) in [
        (
            saved("again", "-n 2 --seed 1"),
            "was drawn with the seed 1, like another file",
        ),
        (
            saved("weighted", "-n 2 --weight-field 1"),
            "holds a sample of method weighted (field 1), but the files before it hold one of method uniform",
        ),
        (
            save(
                folder.path(),
                "commas",
                "-n 2 --delimiter , --weight-field 1",
                "5,6\n",
            ),
            "holds lines with another delimiter than the files before it",
        ),
    ] {
        let message = forebay(&format!("merge {uniform} {other}"), "").failure(1);
        assert!(message.contains(&format!("{other} {reason}")), "{message}");
    }
    let (slow, fast) = (saved("slow", &decay(60)), saved("fast", &decay(5)));
    let message = forebay(&format!("merge {slow} {fast}"), "").failure(1);
    assert!(
        message.contains("method decay (field 1, half-life 5), but the files before it hold one of method decay (field 1, half-life 60)"),
        "{message}"
    );
    let counts = folder.path().join("counts").display().to_string();
    forebay(&format!("top --save {counts}"), "x\n").quiet_success();
    let message = forebay(&format!("merge {counts} {uniform}"), "").failure(1);
    assert!(
        message.contains("holds samples, but the files before it hold counts"),
        "{message}"
    );
    for (args, reason) in [
        (format!("{uniform} -n 3"), "-n: the files hold samples"),
        (
            format!("{uniform} --format json"),
            "--format: needs --estimate",
        ),
        (
            format!("{counts} --estimate count"),
            "only samples have estimates",
        ),
        (
            format!("{uniform} --estimate weight"),
            "method uniform estimate count",
        ),
    ] {
        let message = forebay(&format!("merge {args}"), "").failure(2);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn damaged_files_are_refused_and_never_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    for (method, _) in METHODS {
        let path = save(
            folder.path(),
            "whole",
            &format!("-n 3 --seed 1 {method}"),
            &lines(0..20),
        );
        let bytes = fs::read(&path).expect("it was written");
        let damaged = folder.path().join("damaged");
        let refused = |bytes: &[u8]| {
            fs::write(&damaged, bytes).expect("the file can be written");
            let message = forebay(&format!("merge {}", damaged.display()), "").failure(1);
            assert!(message.contains("damaged "), "{message}");
        };
        for length in [0, 7, 12, 20, 21, bytes.len() - 1] {
            refused(&bytes[..length]);
        }
        let middle = bytes.len() / 2;
        let flipped = [&bytes[..middle], &[bytes[middle] ^ 4], &bytes[middle + 1..]].concat();
        refused(&flipped);
        refused(&[&bytes[..], b"x"].concat());
    }
}

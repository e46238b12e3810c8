//! `forebay sample --method`.

use std::collections::HashMap;

use crate::support::forebay;

fn sample(args: &str, stdin: impl AsRef<[u8]>) -> Vec<String> {
    let stdout = forebay(&format!("sample {args}"), stdin).quiet_success();
    stdout.lines().map(str::to_owned).collect()
}

const METHODS: [&str; 5] = [
    "--method uniform",
    "--method replacement",
    "--method weighted --weight-field 2",
    "--method varopt --weight-field 2",
    "--method decay --time-field 1 --half-life 50",
];

/// Lines `i w` with weights from 1 to 9.
fn weighted_lines(count: usize) -> String {
    (0..count).map(|i| format!("{i} {}\n", i % 9 + 1)).collect()
}

#[test]
fn every_method_draws_as_many_lines_as_asked_and_the_seed_fixes_them() {
    let text = weighted_lines(3_000);
    for method in METHODS {
        let draw = |seed: u64| sample(&format!("-n 40 {method} --seed {seed}"), &text);
        let (drawn, again, other) = (draw(3), draw(3), draw(4));
        assert_eq!(drawn.len(), 40, "{method}");
        assert_eq!(drawn, again, "{method}");
        assert_ne!(drawn, other, "{method}");
        let numbers: Vec<u32> = drawn
            .iter()
            .map(|line| line.split(' ').next().and_then(|i| i.parse().ok()))
            .collect::<Option<_>>()
            .expect("lines of the input");
        assert!(numbers.is_sorted(), "{method}");
    }
}

#[test]
fn short_input_is_kept_completely_or_drawn_from_repeatedly() {
    for method in METHODS {
        let drawn = sample(&format!("-n 5 {method}"), "1 1\n2 2\n");
        if method.contains("replacement") {
            assert_eq!(drawn.len(), 5);
            assert!(
                drawn
                    .iter()
                    .all(|line| ["1 1", "2 2"].contains(&line.as_str()))
            );
        } else {
            assert_eq!(drawn, ["1 1", "2 2"], "{method}");
        }
        assert!(sample(&format!("-n 5 {method}"), "").is_empty(), "{method}");
    }
}

#[test]
fn recent_lines_are_preferred_in_any_order_of_the_input() {
    let (old, new): (String, String) = (
        (0..1_000).map(|i| format!("{i}\n")).collect(),
        (10_000..10_100).map(|i| format!("{i}\n")).collect(),
    );
    let method = "--method decay --time-field 1 --half-life 10 -n 20";
    for text in [format!("{old}{new}"), format!("{new}{old}")] {
        let drawn = sample(method, text);
        assert!(drawn.iter().all(|line| line.len() == 5), "{drawn:?}");
    }
}

#[test]
fn varopt_draws_in_proportion_to_weight() {
    // One line of weight 5 among 95 of weight 1, ten drawn: it is drawn in half of the runs. 200 runs:
    // 100, with a standard deviation of 7.1.
    let text: String = (0..96)
        .map(|i| format!("{i} {}\n", if i == 40 { 5 } else { 1 }))
        .collect();
    let mut hits = HashMap::new();
    for seed in 0..200 {
        for line in sample(
            &format!("-n 10 --method varopt --weight-field 2 --seed {seed}"),
            &text,
        ) {
            *hits.entry(line).or_insert(0) += 1;
        }
    }
    assert!((65..=135).contains(&hits["40 5"]), "{hits:?}");
}

#[test]
fn options_that_contradict_the_method_are_refused() {
    for (args, reason) in [
        (
            "--method varopt",
            "varopt takes --weight-field, and no --time-field",
        ),
        ("--method weighted", "weighted takes --weight-field"),
        (
            "--method decay --time-field 1",
            "decay takes --time-field and --half-life",
        ),
        (
            "--method decay --half-life 1",
            "decay takes --time-field and --half-life",
        ),
        (
            "--method uniform --weight-field 1",
            "uniform takes no --weight-field",
        ),
        ("--method replacement --half-life 1", "replacement takes no"),
        (
            "--weight-field 1 --time-field 1",
            "weighted takes --weight-field, and no",
        ),
        ("--time-field 1 --half-life 2", "uniform takes no"),
        (
            "--method decay --time-field 1 --half-life 0",
            "must be a number above 0",
        ),
        (
            "--method decay --time-field 1 --half-life inf",
            "must be a number above 0",
        ),
        ("--method best", "possible values"),
    ] {
        let message = forebay(&format!("sample -n 3 {args}"), "").failure(2);
        assert!(message.contains(reason), "{args}: {message}");
    }
}

#[test]
fn bad_times_are_errors_with_line_and_text_or_skipped() {
    let (method, text) = (
        "--method decay --time-field 2 --half-life 3",
        "a 1\nb soon\nc -\n",
    );
    let message = forebay(&format!("sample -n 3 {method}"), text).failure(1);
    assert_eq!(
        message,
        "forebay: standard input, line 2: field 2 is not a time (a number): \"soon\": \"b soon\"\n"
    );
    let run = forebay(&format!("sample -n 3 --skip-bad {method}"), text);
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        ("a 1\n", "forebay: skipped 2 bad lines\n")
    );
}

#[test]
fn each_key_has_a_sample_by_any_method() {
    for method in METHODS {
        let drawn = sample(&format!("-n 1 --by-field 2 {method}"), weighted_lines(90));
        assert_eq!(drawn.len(), 9, "{method}");
    }
}

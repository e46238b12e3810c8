//! `forebay sample`.

use std::collections::{HashMap, HashSet};

use crate::support::{data, exact, forebay, read};

fn sample(args: &str, stdin: impl AsRef<[u8]>) -> Vec<String> {
    let stdout = forebay(&format!("sample {args}"), stdin).quiet_success();
    stdout.lines().map(str::to_owned).collect()
}

fn numbers(count: usize) -> String {
    (0..count).map(|i| format!("{i}\n")).collect()
}

#[test]
fn lines_come_out_unchanged_and_in_input_order() {
    let all = sample("-n 10000 --seed 1", numbers(5_000));
    assert_eq!(all.len(), 5_000);
    assert!(
        all.iter()
            .enumerate()
            .all(|(i, line)| *line == i.to_string())
    );
    let some: Vec<usize> = sample("-n 100 --seed 1", numbers(50_000))
        .iter()
        .map(|line| line.parse().expect("a line of the input"))
        .collect();
    assert_eq!(some.len(), 100);
    assert!(some.is_sorted_by(|a, b| a < b));
}

#[test]
fn raw_bytes_and_line_ends_are_preserved_and_the_last_end_is_added() {
    let run = forebay("sample -n 9", "  a\tb \r\n\nlast");
    assert_eq!(run.quiet_success(), "  a\tb \r\n\nlast\n");
}

#[test]
fn the_seed_fixes_the_sample_and_without_one_samples_differ() {
    let text = numbers(10_000);
    for args in ["-n 20", "-n 20 --weight-field 1", "-n 20 --by-field 1"] {
        let seeded = |seed: u64| sample(&format!("{args} --seed {seed}"), &text);
        assert_eq!(seeded(7), seeded(7));
    }
    assert_ne!(
        sample("-n 20 --seed 7", &text),
        sample("-n 20 --seed 8", &text)
    );
    assert_ne!(sample("-n 20", &text), sample("-n 20", &text));
}

#[test]
fn a_sample_does_not_depend_on_how_the_input_arrives() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("numbers");
    // Large enough that several threads read the file.
    let text = numbers(1_300_000);
    assert!(text.len() > 8 << 20);
    std::fs::write(&path, &text).expect("the file can be written");
    for args in ["-n 30 --seed 5", "-n 30 --seed 5 --weight-field 1"] {
        let from_file = sample(&format!("{args} {}", path.display()), "");
        assert_eq!(from_file, sample(args, &text));
    }
}

#[test]
fn lines_of_every_file_are_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    std::fs::write(&one, "a\nb").expect("the file can be written");
    std::fs::write(&two, "c\n").expect("the file can be written");
    let args = format!("-n 3 {} {}", two.display(), one.display());
    assert_eq!(sample(&args, ""), ["c", "a", "b"]);
}

#[test]
fn every_line_has_the_same_chance() {
    // 400 samples of 5 of 20: each line is wanted 100 times with standard deviation 8.7.
    let mut hits = HashMap::new();
    for seed in 0..400 {
        for line in sample(&format!("-n 5 --seed {seed}"), numbers(20)) {
            *hits.entry(line).or_insert(0) += 1;
        }
    }
    assert_eq!(hits.len(), 20);
    assert!(
        hits.values().all(|hits| (56..=144).contains(hits)),
        "{hits:?}"
    );
}

#[test]
fn lines_without_weight_are_never_drawn_and_heavy_ones_nearly_always() {
    let text = "a 1\nb -\nc 0\nd 1000000\ne 1\n";
    for seed in 0..20 {
        let drawn = sample(&format!("-n 1 --weight-field 2 --seed {seed}"), text);
        assert_eq!(drawn, ["d 1000000"]);
    }
    assert_eq!(
        sample("-n 9 --weight-field 2", text),
        ["a 1", "d 1000000", "e 1"]
    );
}

#[test]
fn each_key_has_its_own_sample_and_keys_are_in_order_of_appearance() {
    let text = "b 1\na 1\nb 2\nb 3\nc -\na 2\n";
    assert_eq!(
        sample("-n 5 --by-field 1", text),
        ["b 1", "b 2", "b 3", "a 1", "a 2", "c -"]
    );
    assert_eq!(sample("-n 1 --by-field 1", text).len(), 3);
    assert_eq!(
        sample("-n 5 --by-field 1 --weight-field 2", text),
        ["b 1", "b 2", "b 3", "a 1", "a 2"]
    );
    assert_eq!(
        sample("-n 1 --by-field 2 --delimiter ,", "x,k\ny,k\nz,k\n").len(),
        1
    );
}

#[test]
fn empty_input_gives_an_empty_sample() {
    assert!(sample("-n 3", "").is_empty());
    assert!(sample("-n 3 --by-field 1 --weight-field 2", "").is_empty());
}

#[test]
fn bad_lines_are_errors_or_skipped() {
    let message = forebay("sample -n 1 --by-field 2", "a b\nc\n").failure(1);
    assert_eq!(
        message,
        "forebay: standard input, line 2: there is no field 2, the line has 1: \"c\"\n"
    );
    let message = forebay("sample -n 1 --weight-field 1", "x\n").failure(1);
    assert!(
        message.contains("line 1: field 1 is not a weight"),
        "{message}"
    );
    let run = forebay("sample -n 9 --weight-field 2 --skip-bad", "a 1\nb\nc x\n");
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (0, "a 1\n", "forebay: skipped 2 bad lines\n")
    );
}

#[test]
fn wrong_usage_is_refused_with_a_reason() {
    for (args, reason) in [
        ("sample", "-n <K>"),
        ("sample -n 0", "must be a whole number, 1 or more"),
        ("sample -n 3 --by-field 0", "the first field is 1"),
        ("sample -n 3 --seed x", "invalid digit"),
        ("sample -n 3 --delimiter ,", "--by-field"),
    ] {
        let message = forebay(args, "").failure(2);
        assert!(message.contains(reason), "{args}: {message}");
    }
}

#[test]
fn three_lines_for_each_client_of_a_real_log() {
    let Some(path) = data("apache_access.log") else {
        return;
    };
    let log = read(&path);
    let client = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let truth = exact(log.lines().map(|line| (client(line), 1)));
    let known: HashSet<&str> = log.lines().collect();

    let drawn = sample(&format!("--by-field 1 -n 3 {}", path.display()), "");
    assert!(drawn.iter().all(|line| known.contains(line.as_str())));
    let found = exact(drawn.iter().map(|line| (client(line), 1)));
    let wanted = truth.into_iter().map(|(key, count)| (key, count.min(3)));
    assert_eq!(found, wanted.collect());

    let mut firsts: Vec<String> = drawn.iter().map(|line| client(line)).collect();
    firsts.dedup();
    let mut appearances = HashSet::new();
    let order = log.lines().map(client);
    let order: Vec<String> = order
        .filter(|key| appearances.insert(key.clone()))
        .collect();
    assert_eq!(firsts, order);
}

//! `forebay merge`, and `forebay top --save`.

use std::path::Path;

use crate::support::forebay;

fn save(folder: &Path, name: &str, args: &str, stdin: &str) -> String {
    let path = folder.join(name).display().to_string();
    let run = forebay(&format!("top {args} --save {path}"), stdin);
    run.quiet_success();
    path
}

#[test]
fn merged_files_have_the_result_of_one_run_over_all_input() {
    let folder = tempfile::tempdir().expect("a folder");
    for (args, one, two) in [
        ("--words", "ebb and flow\nebb\n", "flow ebb\n"),
        ("--field 1 --weight-field 2", "a 0.5\nb 7\n", "a 2\nc -\n"),
    ] {
        let whole = forebay(&format!("top --format json {args}"), format!("{one}{two}"));
        let first = save(folder.path(), "one", args, one);
        let second = save(folder.path(), "two", args, two);
        let third = folder.path().join("three").display().to_string();
        let merged = forebay(
            &format!("merge --format json {first} {second} --save {third}"),
            "",
        );
        assert_eq!(merged, whole);
        assert_eq!(forebay(&format!("merge --format json {third}"), ""), whole);
    }
}

#[test]
fn the_table_names_the_counters_of_the_smallest_summary() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = save(folder.path(), "small", "-k 2", "a\na\na\nb\nc\nd\n");
    let large = save(folder.path(), "large", "-k 100", "a\n");
    let table = forebay(&format!("merge {large} {small}"), "").quiet_success();
    assert!(table.contains("with -k 2 never more than 2"), "{table}");
}

#[test]
fn files_that_are_not_summaries_or_do_not_match_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let counts = save(folder.path(), "counts", "", "a\n");
    let weights = save(folder.path(), "weights", "--weight-field 1", "1\n");
    let other = folder.path().join("other").display().to_string();
    std::fs::write(&other, "plain text").expect("the file can be written");
    for (args, reason) in [
        (other.clone(), format!("{other} is not a saved summary")),
        (
            format!("{counts} {weights}"),
            format!("{weights} holds weights, but the files before it hold counts"),
        ),
        (
            "no-such-file".to_owned(),
            "cannot read no-such-file".to_owned(),
        ),
    ] {
        let message = forebay(&format!("merge {args}"), "").failure(1);
        assert!(
            message.starts_with(&format!("forebay: {reason}")),
            "{message}"
        );
    }
    let message = forebay("merge", "").failure(2);
    assert!(message.contains("<FILE>"), "{message}");
}

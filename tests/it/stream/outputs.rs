//! Outputs that write.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fs, mem};

use forebay::stream::{BatchTime, BoxError, FailurePolicy, Sink, StartError};

use super::{builder, context, millis, run};

/// What a sink was asked, in short.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    fn note(&self, call: String) {
        self.0.lock().unwrap().push(call);
    }

    fn take(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap())
    }
}

impl Sink<u32> for Calls {
    fn begin(&mut self, time: BatchTime) -> Result<(), BoxError> {
        self.note(format!("begin {time}"));
        Ok(())
    }

    fn write(&self, _time: BatchTime, partition: usize, items: &[u32]) -> Result<(), BoxError> {
        self.note(format!("write {partition} {items:?}"));
        if items.contains(&7) {
            Err("seven".into())
        } else {
            Ok(())
        }
    }

    fn commit(&mut self, time: BatchTime) -> Result<(), BoxError> {
        self.note(format!("commit {time}"));
        Ok(())
    }

    fn abort(&mut self, time: BatchTime) {
        self.note(format!("abort {time}"));
    }
}

#[test]
fn a_sink_gets_every_partition_between_begin_and_commit() {
    let ctx = builder().threads(1).build().unwrap();
    let calls = Calls::default();
    let numbers = ctx.batches([vec![1, 2, 3, 4], vec![], vec![7, 8]]);
    numbers.write_to(calls.clone());
    let mut driver = ctx.into_driver().unwrap();
    driver.step(millis(1_000)).unwrap();
    let expected = [
        "begin 1000 ms",
        "write 0 [1]",
        "write 1 [2]",
        "write 2 [3, 4]",
        "commit 1000 ms",
    ];
    assert_eq!(calls.take(), expected);
    driver.step(millis(2_000)).unwrap();
    assert_eq!(calls.take().len(), 5);
    let error = driver.step(millis(3_000)).unwrap_err();
    assert!(error.to_string().contains("write_to-1"), "{error}");
    assert!(error.to_string().contains("partition 1: seven"), "{error}");
    let calls = calls.take();
    assert!(!calls.contains(&"commit 3000 ms".to_string()));
    assert_eq!(calls.last().unwrap(), "abort 3000 ms");
}

#[test]
fn nothing_is_written_of_a_batch_that_fails_upstream() {
    // Read by the sink alone, the stream is computed in the sink's own loop.
    for is_alone in [true, false] {
        let ctx = builder().threads(1).build().unwrap();
        let calls = Calls::default();
        let numbers = ctx.batches([vec![1, 2, 3]]);
        let checked = numbers.try_map(|n| if n == 3 { Err("three") } else { Ok(n) });
        checked.write_to(calls.clone());
        if !is_alone {
            checked.for_each_partition(|_, _, _| panic!("called"));
        }
        let error = ctx.into_driver().unwrap().run_to_end().unwrap_err();
        assert!(error.to_string().contains("try_map-1"), "{error}");
        assert!(calls.take().is_empty());
    }
}

#[test]
fn a_batch_that_fails_in_its_sink_is_aborted_whatever_fails() {
    #[derive(Clone)]
    struct Failing(&'static str, Calls);
    impl Failing {
        fn call(&self, name: &str) -> Result<(), BoxError> {
            self.1.note(name.into());
            match self.0.strip_prefix(name) {
                Some("") => Err("now".into()),
                Some(_) => panic!("now"),
                None => Ok(()),
            }
        }
    }
    impl Sink<u32> for Failing {
        fn begin(&mut self, _: BatchTime) -> Result<(), BoxError> {
            self.call("begin")
        }
        fn write(&self, _: BatchTime, _: usize, _: &[u32]) -> Result<(), BoxError> {
            self.call("write")
        }
        fn commit(&mut self, _: BatchTime) -> Result<(), BoxError> {
            self.call("commit")
        }
        fn abort(&mut self, _: BatchTime) {
            self.1.note("abort".into());
            panic!("this is not the error of the batch");
        }
    }
    for failing in ["begin", "begin!", "write", "write!", "commit", "commit!"] {
        let calls = Calls::default();
        let ctx = builder().threads(1).partitions(1).build().unwrap();
        let numbers = ctx.batches([vec![1]]);
        numbers.write_to(Failing(failing, calls.clone()));
        let error = ctx.into_driver().unwrap().run_to_end().unwrap_err();
        assert!(error.to_string().ends_with("now"), "{error}");
        let name = failing.trim_end_matches('!');
        let calls = calls.take();
        assert_eq!(calls[calls.len() - 2..], [name, "abort"], "{failing}");
    }
}

#[test]
fn batches_that_are_left_out_leave_no_directories() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = builder().partitions(1).on_failure(FailurePolicy::Skip);
    let ctx = ctx.build().unwrap();
    let numbers = ctx.batches((0..6).map(|n| vec![n]));
    let upstream = numbers.try_map(|n| if n < 2 { Err("bad") } else { Ok(n) });
    // An item that cannot be written fails within the sink.
    struct Item(u32);
    impl std::fmt::Display for Item {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            match self.0 {
                0..=3 => Err(std::fmt::Error),
                n => n.fmt(f),
            }
        }
    }
    upstream
        .map(|n| Arc::new(Item(n)))
        .save_as_text_files(folder.path().join("out").to_string_lossy(), "txt");
    assert_eq!(run(ctx), 6);
    assert_eq!(names(folder.path()), ["out-5000.txt", "out-6000.txt"]);
}

#[test]
fn two_outputs_that_would_replace_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let within = |prefix: &str| folder.join(prefix).to_string_lossy().into_owned();
    // The names of outputs, and whether the last replaces another.
    let cases: [(&[(&str, &str)], bool); 6] = [
        (&[("out", "txt"), ("out", "txt")], true),
        (&[("out", "txt"), ("./out", "txt")], true),
        (&[("", ""), ("out", "txt"), ("", "")], true),
        // The other one writes there before it renames.
        (&[("out", "txt"), (".out", "txt.part")], true),
        (&[("out", "txt"), ("out", "csv"), ("out", "")], false),
        (
            &[("out", "txt"), ("out-1000", "txt"), ("deep/out", "txt")],
            false,
        ),
    ];
    for (outputs, is_refused) in cases {
        let ctx = context();
        let numbers = ctx.batches([vec![1]]);
        for (prefix, suffix) in outputs {
            numbers.save_as_text_files(within(prefix), *suffix);
        }
        let started = ctx.into_driver();
        assert_eq!(started.is_err(), is_refused, "{outputs:?}");
        if let Err(error) = started {
            assert!(matches!(error, StartError::DuplicateOutput(_)));
            let message = error.to_string();
            assert!(message.contains("two outputs write to"), "{message}");
        }
    }
    assert!(names(&folder).is_empty());
}

/// What is in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn partitions_are_visited_once_each_with_time_and_number() {
    for threads in [1, 8] {
        let ctx = builder().threads(threads).build().unwrap();
        let calls = Calls::default();
        let sink = calls.clone();
        ctx.batches([vec![1, 2, 3, 4], vec![]]).for_each_partition(
            move |time, partition, items: &[u32]| {
                sink.note(format!("{time} {partition} {items:?}"));
                Ok(())
            },
        );
        run(ctx);
        let mut calls = calls.take();
        calls.sort();
        let expected = [
            "1000 ms 0 [1]",
            "1000 ms 1 [2]",
            "1000 ms 2 [3, 4]",
            "2000 ms 0 []",
            "2000 ms 1 []",
            "2000 ms 2 []",
        ];
        assert_eq!(calls, expected);
    }
}

#[test]
fn a_channel_gives_the_batches_and_may_be_dropped() {
    let ctx = context();
    let numbers = ctx.batches([vec![1, 2], vec![], vec![3]]);
    let (kept, dropped) = (numbers.to_channel(), numbers.to_channel());
    drop(dropped);
    run(ctx);
    let received: Vec<_> = kept.iter().collect();
    let expected = [
        (millis(1_000), vec![1, 2]),
        (millis(2_000), vec![]),
        (millis(3_000), vec![3]),
    ];
    assert_eq!(received, expected);
}

/// The files of a directory with their content, sorted.
fn files(directory: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_batch_that_is_run_again_replaces_its_files_and_leaves_nothing_beside() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = builder().partitions(2).on_failure(FailurePolicy::Retry(1));
    let ctx = ctx.build().unwrap();
    let words = ctx.batches([vec!["ebb", "flow"]]);
    words.save_as_text_files(folder.path().join("words").to_string_lossy(), "txt");
    let mut calls = 0;
    words.for_each_batch(move |_, _| {
        calls += 1;
        if calls == 1 {
            Err("once".into())
        } else {
            Ok(())
        }
    });
    run(ctx);
    assert_eq!(names(folder.path()), ["words-1000.txt"]);
    let expected = [("part-00000", "ebb\n"), ("part-00001", "flow\n")];
    let expected = expected.map(|(name, text)| (name.to_string(), text.to_string()));
    assert_eq!(files(&folder.path().join("words-1000.txt")), expected);
}

#[test]
fn a_directory_has_a_dash_only_after_a_name_and_a_dot_only_before_one() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = builder().partitions(1).build().unwrap();
    let words = ctx.batches([vec!["ebb"], vec![]]);
    let within = folder.path().to_string_lossy().into_owned();
    for (prefix, suffix) in [("words", "txt"), ("words", ""), ("", "txt"), ("", "")] {
        words.save_as_text_files(format!("{within}/{prefix}"), suffix);
    }
    run(ctx);
    let both = |time: u32| {
        let time = time.to_string();
        [
            format!("{time}.txt"),
            format!("words-{time}"),
            format!("words-{time}.txt"),
            time,
        ]
    };
    let mut expected = [both(1_000), both(2_000)].concat();
    expected.sort();
    assert_eq!(names(folder.path()), expected);
    for (directory, text) in [("1000", "ebb\n"), ("words-2000", "")] {
        let written = files(&folder.path().join(directory));
        assert_eq!(written, [("part-00000".to_string(), text.to_string())]);
    }
}

#[test]
fn a_batch_shows_no_directory_until_every_partition_is_written() {
    struct Late(Arc<Mutex<Vec<bool>>>, PathBuf);
    impl std::fmt::Display for Item {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let Late(seen, directory) = &*self.0;
            seen.lock().unwrap().push(directory.exists());
            f.write_str("late")
        }
    }
    #[derive(Clone)]
    struct Item(Arc<Late>);
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::default();
    let late = Late(Arc::clone(&seen), folder.path().join("batch-1000"));
    let item = Item(Arc::new(late));
    let ctx = builder().partitions(2).build().unwrap();
    let items = ctx.batches([vec![item.clone(), item]]);
    items.save_as_text_files(folder.path().join("batch").to_string_lossy(), "");
    run(ctx);
    assert_eq!(*seen.lock().unwrap(), [false, false]);
    assert_eq!(files(&folder.path().join("batch-1000")).len(), 2);
}

#[cfg(any(feature = "json", feature = "csv"))]
#[derive(Clone, serde::Serialize)]
struct Row {
    word: &'static str,
    count: u32,
}

#[cfg(any(feature = "json", feature = "csv"))]
fn rows() -> [Vec<Row>; 1] {
    let row = |word, count| Row { word, count };
    [vec![row("ebb, and flow", 2), row("\"tide\"", 1)]]
}

#[cfg(feature = "json")]
#[test]
fn items_are_written_as_lines_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = builder().partitions(1).build().unwrap();
    ctx.batches(rows())
        .save_as_json_lines(folder.path().join("rows").to_string_lossy(), "jsonl");
    run(ctx);
    let text =
        "{\"word\":\"ebb, and flow\",\"count\":2}\n{\"word\":\"\\\"tide\\\"\",\"count\":1}\n";
    let written = files(&folder.path().join("rows-1000.jsonl"));
    assert_eq!(written, [("part-00000".to_string(), text.to_string())]);
}

#[cfg(feature = "csv")]
#[test]
fn items_are_written_as_rows_under_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = builder().partitions(1).build().unwrap();
    ctx.batches(rows())
        .save_as_csv(folder.path().join("rows").to_string_lossy(), "csv");
    run(ctx);
    let text = "word,count\n\"ebb, and flow\",2\n\"\"\"tide\"\"\",1\n";
    let written = files(&folder.path().join("rows-1000.csv"));
    assert_eq!(written, [("part-00000".to_string(), text.to_string())]);
}

#[cfg(feature = "json")]
#[test]
fn an_item_that_cannot_be_written_fails_the_batch_and_shows_no_directory() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = context();
    let maps = ctx.batches([vec![std::collections::BTreeMap::from([(vec![1], 2)])]]);
    maps.save_as_json_lines(folder.path().join("maps").to_string_lossy(), "");
    let error = ctx.into_driver().unwrap().run_to_end().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("maps-1000 cannot be written: key must be a string"),
        "{error}"
    );
    assert!(!folder.path().join("maps-1000").exists());
}

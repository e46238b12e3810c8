//! A directory of checkpoints: one stream at a time, for its owner alone, and nothing odd in it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use forebay::stream::{BatchQueue, BoxError, CheckpointError, Driver, Every, StreamingContext};

type Seen = Arc<Mutex<Vec<String>>>;

fn open(
    directory: &Path,
    every: u64,
    queue: &BatchQueue<String>,
    seen: &Seen,
) -> Result<Driver, BoxError> {
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("logs")
            .threads(1)
            .partitions(1)
            .checkpoint(directory, Every::batches(every))
            .write_ahead_log()
            .build()?;
        let seen = Arc::clone(seen);
        ctx.queue_stream(queue)
            .named("queue")
            .for_each_batch(move |batch, _| {
                seen.lock().unwrap().extend(batch.into_vec());
                Ok(())
            });
        Ok(ctx)
    };
    Ok(StreamingContext::recover_or(directory, build)?.into_driver()?)
}

/// Runs a batch with a checkpoint for each of these items.
fn run(directory: &Path, items: &[&str]) {
    let queue = BatchQueue::new();
    let mut driver = open(directory, 1_000, &queue, &Seen::default()).unwrap();
    for item in items {
        queue.push(vec![item.to_string()]);
        driver.step(driver.next_time()).unwrap();
        driver.checkpoint().unwrap();
    }
}

fn step(driver: &mut Driver) -> bool {
    driver.step(driver.next_time()).is_ok()
}

/// What a log gives again.
fn logged(directory: &Path) -> Vec<String> {
    let seen = Seen::default();
    let mut driver = open(directory, 1_000, &BatchQueue::new(), &seen).unwrap();
    while driver.has_pending() {
        assert!(step(&mut driver));
    }
    drop(driver);
    Arc::into_inner(seen).unwrap().into_inner().unwrap()
}

#[test]
fn records_of_an_earlier_run_stay_if_a_new_segment_cannot_be_made() {
    let directory = tempfile::tempdir().unwrap();
    let (queue, seen) = (BatchQueue::new(), Seen::default());
    let mut driver = open(directory.path(), 1_000, &queue, &seen).unwrap();
    for item in ["a", "b"] {
        queue.push(vec![item.to_string()]);
        assert!(step(&mut driver));
    }
    drop(driver);
    let mut driver = open(directory.path(), 1_000, &queue, &seen).unwrap();
    assert!(step(&mut driver) && step(&mut driver));
    // In the way of the next segment, as a full disk would be.
    let in_the_way = directory.path().join(format!("log/queue/{:020}", 2));
    fs::create_dir(&in_the_way).unwrap();
    queue.push(vec!["c".to_string()]);
    assert!(!step(&mut driver));
    drop(driver);
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(logged(directory.path()), ["a", "b"]);
}

#[test]
fn a_second_stream_is_refused_and_told_who_has_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = directory.path().join("checkpoints");
    let (queue, seen) = (BatchQueue::new(), Seen::default());
    let mut first = open(&checkpoints, 1_000, &queue, &seen).unwrap();
    // By recovery, or without.
    let refused = open(&checkpoints, 1_000, &queue, &seen).unwrap_err();
    let builder = StreamingContext::builder("second").checkpoint(&checkpoints, Every::auto());
    let ctx = builder.build().unwrap();
    ctx.batches([vec![1]]).print();
    let anew = ctx.into_driver().unwrap_err();
    let Some(CheckpointError::InUse { process, .. }) = refused.downcast_ref() else {
        panic!("{refused}");
    };
    // Where a locked file cannot be read, it is not known.
    assert_eq!(*process, cfg!(unix).then(std::process::id));
    for error in [refused.to_string(), anew.to_string()] {
        assert!(error.contains("is in use by another stream"), "{error}");
        assert!(error.contains(checkpoints.to_str().unwrap()), "{error}");
    }
    // The first goes on, and leaves the directory to others with all that it has had.
    queue.push(vec!["acknowledged".to_string()]);
    assert!(step(&mut first));
    drop(first);
    assert_eq!(logged(&checkpoints), ["acknowledged"]);
}

#[test]
fn one_directory_is_one_by_whatever_path_and_another_must_be_free() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    run(&one, &["a"]);
    run(&two, &["b"]);
    let recovered = |from: &Path, to: &Path| {
        let build = || -> Result<StreamingContext, BoxError> {
            let builder = StreamingContext::builder("moved");
            let builder = builder.checkpoint(to, Every::auto()).write_ahead_log();
            let ctx = builder.build()?;
            ctx.queue_stream(&BatchQueue::<String>::new())
                .named("queue")
                .print();
            Ok(ctx)
        };
        let ctx = StreamingContext::recover_or(from, build).unwrap();
        ctx.into_driver().map_err(|error| error.to_string())
    };
    recovered(&one, &one.join("../one")).unwrap();
    // What another stream has left there would be mixed up with this one.
    let error = recovered(&one, &two).unwrap_err();
    assert!(error.contains("recover them or remove them"), "{error}");
    recovered(&one, &directory.path().join("three")).unwrap();
}

#[test]
fn a_checkpoint_that_cannot_be_read_is_not_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), &["a", "b", "c"]);
    let manifest = directory.path().join("batch-00000000000000003000/manifest");
    let aside = manifest.with_extension("aside");
    fs::rename(&manifest, &aside).unwrap();
    // Reading it fails, as it may with EIO or with too many open files.
    fs::create_dir(&manifest).unwrap();
    let opened = || {
        open(
            directory.path(),
            1_000,
            &BatchQueue::new(),
            &Seen::default(),
        )
    };
    let error = opened().unwrap_err();
    let is_io = |error: &BoxError| {
        let error = error.downcast_ref();
        matches!(error, Some(CheckpointError::Io { path, .. }) if *path == manifest)
    };
    assert!(is_io(&error), "{error}");
    // One that is not there is known to be incomplete.
    fs::remove_dir(&manifest).unwrap();
    let driver = opened().unwrap();
    assert_eq!(driver.recovery().unwrap().passed_over().len(), 1);
    drop(driver);
    // And so is one in whose place something else is that could be read for ever.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/dev/zero", &manifest).unwrap();
        let error = opened().unwrap_err();
        assert!(is_io(&error), "{error}");
        fs::remove_file(&manifest).unwrap();
        make_fifo(&manifest);
        let error = opened().unwrap_err();
        assert!(is_io(&error), "{error}");
        fs::remove_file(&manifest).unwrap();
    }
    let file = fs::File::create(&manifest).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = opened().unwrap_err();
    assert!(is_io(&error), "{error}");
    fs::rename(&aside, &manifest).unwrap();
    let driver = opened().unwrap();
    assert_eq!(driver.last_time().unwrap().as_millis(), 3_000);
}

#[cfg(unix)]
fn make_fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_log_a_state_or_a_lock_that_is_no_file_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), &["a"]);
    let segment = directory.path().join(format!("log/queue/{:020}", 0));
    let state = "batch-00000000000000001000/state-00000000000000001000";
    let places = [
        segment,
        directory.path().join(state),
        directory.path().join("LOCK"),
    ];
    for path in places {
        let aside = directory.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        for odd in ["/dev/zero", "fifo"] {
            match odd {
                "fifo" => make_fifo(&path),
                device => std::os::unix::fs::symlink(device, &path).unwrap(),
            }
            let opened = open(
                directory.path(),
                1_000,
                &BatchQueue::new(),
                &Seen::default(),
            );
            let error = opened.unwrap_err().to_string();
            assert!(error.ends_with("not a regular file"), "{odd}: {error}");
            assert!(error.contains(path.to_str().unwrap()), "{odd}: {error}");
            fs::remove_file(&path).unwrap();
        }
        fs::rename(&aside, &path).unwrap();
    }
    open(
        directory.path(),
        1_000,
        &BatchQueue::new(),
        &Seen::default(),
    )
    .unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_made_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    fn check(path: &Path) -> usize {
        let metadata = fs::metadata(path).unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}", path.display());
        match metadata.is_dir() {
            true => {
                let entries = fs::read_dir(path).unwrap();
                1 + entries.map(|it| check(&it.unwrap().path())).sum::<usize>()
            }
            false => 1,
        }
    }

    let directory = tempfile::tempdir().unwrap();
    let above = directory.path().join("new");
    let checkpoints = above.join("checkpoints");
    run(&checkpoints, &["a", "b"]);
    // Two directories above, two checkpoints of two files, the log with its segment, the lock.
    assert_eq!(check(&above), 2 + 2 * 3 + 3 + 1);
    // One that exists keeps its mode.
    let shared = directory.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o750)).unwrap();
    run(&shared, &["a"]);
    let mode = fs::metadata(&shared).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o750);
}

#[test]
fn operators_whose_names_differ_in_case_have_logs_of_their_own_everywhere() {
    let directory = tempfile::tempdir().unwrap();
    let builder = StreamingContext::builder("case");
    let builder = builder.checkpoint(directory.path(), Every::batches(1_000));
    let ctx = builder.write_ahead_log().build().unwrap();
    let queues = ["orders", "Orders", "ORDERS"].map(|name| {
        let queue = BatchQueue::new();
        ctx.queue_stream(&queue).named(name).print();
        queue.push(vec![1u64]);
        queue
    });
    let mut driver = ctx.into_driver().unwrap();
    assert!(step(&mut driver));
    let names = fs::read_dir(directory.path().join("log")).unwrap();
    let names = names.map(|name| name.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.map(|name| name.to_lowercase()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), queues.len());
}

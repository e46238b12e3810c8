//! A program that is run and killed again and again, and what it leaves.
//!
//! Included by path from the kill tests of the core and of other crates. The child is the test
//! program again; an environment variable tells it so.
#![allow(dead_code, reason = "each including crate uses some of them")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use forebay::stream::{BoxError, Every, StateBackend, StreamingContext};

pub(crate) const BATCHES: u64 = 60;
pub(crate) const LINES: u64 = 20;

/// The program under test: words of files, counted, the counts saved after every batch.
pub(crate) fn word_count(root: &Path, backend: impl StateBackend) -> Result<(), BoxError> {
    let checkpoints = root.join("checkpoints");
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("word count")
            .threads(1)
            .partitions(3)
            .max_rate(LINES as f64)
            .checkpoint(&checkpoints, Every::batches(2))
            .state_backend(backend)
            .build()?;
        ctx.text_files(root.with_file_name("input"))
            .flat_map(|line| line.split(' ').map(str::to_string).collect::<Vec<_>>())
            .map(|word| (word, 1u64))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
            .map(|(word, count)| format!("{word} {count}"))
            .save_as_text_files(root.join("counts").to_string_lossy(), "");
        Ok(ctx)
    };
    let mut driver = StreamingContext::recover_or(&checkpoints, build)?.into_driver()?;
    while driver.next_time().as_millis() <= BATCHES * 1_000 {
        driver.step(driver.next_time())?;
    }
    Ok(())
}

pub(crate) fn moment(state: &mut u64) -> Duration {
    Duration::from_micros(next(state) % 60_000)
}

pub(crate) fn write_input(directory: &Path) {
    fs::create_dir(directory).unwrap();
    let lines: Vec<String> = (0..BATCHES * LINES)
        .map(|n| format!("w{} w{} w{}", n % 7, n * n % 31, n / 50))
        .collect();
    for (number, lines) in lines.chunks(90).enumerate() {
        fs::write(directory.join(format!("{number:03}")), lines.join("\n")).unwrap();
    }
}

/// All files below a directory, by their path in it.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root.to_path_buf()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_path_buf();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// Runs the child, killed after so long if it is not done by then; says whether it was killed.
pub(crate) fn live(program: &str, root: &Path, at_most: Option<Duration>) -> bool {
    let mut child = Command::new(env::current_exe().unwrap())
        .env(program, root)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    if let Some(time) = at_most {
        sleep(time);
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let killed = status.code().is_none();
    assert!(killed || status.success(), "the child failed: {status}");
    killed
}

/// A small generator (xorshift, Marsaglia 2003), for moments only.
pub(crate) fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// After any kills, there are the files of the run that was not.
pub(crate) fn what_is_counted_survives(
    program: &str,
    root: &Path,
    expected: &BTreeMap<PathBuf, Vec<u8>>,
    wanted: u64,
) {
    let (mut kills, mut round) = (0, 0);
    while kills < wanted {
        round += 1;
        let name = format!("{}-{round}", root.display());
        let (broken, mut moments) = (PathBuf::from(name), round);
        let before = kills;
        loop {
            let time = (kills < wanted).then(|| moment(&mut moments));
            match live(program, &broken, time) {
                true => kills += 1,
                false => break,
            }
        }
        println!("seed {round}: {} kills", kills - before);
        let found = tree(&broken);
        // Which segments of a log are left follows from the moments of the kills, and a lock names
        // its process.
        let varies = |part: Component<'_>| ["log", "LOCK"].iter().any(|it| part.as_os_str() == *it);
        let differs = |name: &&PathBuf| {
            !name.components().any(varies) && found.get(*name) != expected.get(*name)
        };
        let wrong: Vec<_> = expected
            .keys()
            .chain(found.keys())
            .filter(differs)
            .collect();
        assert!(
            wrong.is_empty(),
            "after the kills of seed {round}: {wrong:?}"
        );
    }
    println!("{program}: {kills} kills in {round} runs, nothing lost and nothing twice");
}

/// How many kills a test makes: `FOREBAY_KILLS`, or else 25.
pub(crate) fn wanted() -> u64 {
    env::var("FOREBAY_KILLS").map_or(25, |kills| kills.parse().expect("a number"))
}

//! The directory of text files.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Seen, context, millis};

fn put(directory: &Path, name: &str, content: &str, age: u64) {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    let time = SystemTime::now() - Duration::from_secs(age);
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

#[test]
fn files_are_read_once_in_order_of_age_and_path() {
    let directory = tempfile::tempdir().unwrap();
    let incoming = directory.path().join("incoming");
    let ctx = context();
    let (lines, warnings) = ctx.text_files_with_warnings(&incoming);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    driver.step(millis(1_000)).unwrap();
    assert_eq!(warnings.count(), 1);

    fs::create_dir(&incoming).unwrap();
    fs::create_dir(incoming.join("folder")).unwrap();
    put(&incoming, ".hidden", "no", 0);
    put(&incoming, "b", "b1\r\nb2", 10);
    put(&incoming, "a", "a1\n", 5);
    put(&incoming, "c", "c1\n", 10);
    driver.step(millis(2_000)).unwrap();
    put(&incoming, "a", "a again\n", 0);
    put(&incoming, "d", "d1\n", 100);
    driver.step(millis(3_000)).unwrap();
    fs::remove_dir_all(&incoming).unwrap();
    driver.step(millis(4_000)).unwrap();

    assert_eq!(warnings.count(), 2);
    let expected: [&[&str]; 4] = [&[], &["b1", "b2", "c1", "a1"], &["d1"], &[]];
    assert_eq!(seen.batches(), expected);
    assert!(!driver.is_finished());
}

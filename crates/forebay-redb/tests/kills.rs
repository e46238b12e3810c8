//! A word count with its state on disk that is killed again and again ends with the state and the
//! files of the one that was not.

#[path = "../../../tests/support/kills.rs"]
mod kills;

use std::env;
use std::path::Path;

use forebay_redb::Disk;
use kills::{live, tree, wanted, what_is_counted_survives, word_count, write_input};

/// Tells the child that it is this program.
const CHILD: &str = "FOREBAY_REDB_KILLS";

fn main() {
    if let Some(root) = env::var_os(CHILD) {
        let root = Path::new(&root);
        // Beside the other files, which are compared; some of the groups stay in memory.
        let disk = Disk::new(root.with_extension("state")).memory_limit(2_000);
        return word_count(root, disk).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let root = |name: &str| directory.path().join(name);
    write_input(&root("input"));
    assert!(!live(CHILD, &root("unbroken"), None));
    let expected = tree(&root("unbroken"));
    what_is_counted_survives(CHILD, &root("broken"), &expected, wanted());
}

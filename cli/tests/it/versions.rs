//! Files that were saved by this version of the format are read, and those of others refused.
//!
//! The files lie in `tests/saved`. If the format changes, it gets another version, and they are
//! written anew: `cargo test -p forebay-cli --test it -- --ignored files_of_this_version`.

use std::fs;
use std::path::PathBuf;

use crate::support::forebay;

/// The files, and how they are made.
const FILES: [(&str, &str); 7] = [
    ("counts", "top --words -k 4"),
    ("weights", "top --field 1 --weight-field 2 --delimiter ,"),
    ("uniform", "sample -n 2 --seed 1"),
    ("replacement", "sample -n 2 --seed 1 --method replacement"),
    (
        "weighted",
        "sample -n 2 --seed 1 --delimiter , --weight-field 2",
    ),
    (
        "varopt",
        "sample -n 2 --seed 1 --delimiter , --weight-field 2 --method varopt",
    ),
    (
        "decay",
        "sample -n 2 --seed 1 --delimiter , --time-field 2 --half-life 9 --method decay",
    ),
];

const INPUT: &str = "the ebb,1\nand the flow,2.5\nof the tide,3\nthe neap,40\nspring,5\n";

fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/saved");
    folder.join(name)
}

#[test]
#[ignore = "it writes the files that the next test reads: cargo xtask fixtures"]
fn files_of_this_version_are_written() {
    for (name, args) in FILES {
        let args = format!("{args} --save {}", path(name).display());
        forebay(&args, INPUT).quiet_success();
    }
}

#[test]
fn files_of_this_version_are_read() {
    for (name, args) in FILES {
        let read = forebay(&format!("merge {}", path(name).display()), "");
        assert_eq!(read, forebay(args, INPUT), "{name}");
    }
}

#[test]
fn files_of_the_first_version_are_refused_by_it() {
    // Two whole files: `the: 5, ebb: 3`, and one that could be read as another key.
    let small =
        b"FOREBAY1\x11\0\0\0\0\0\0\0\x6f\xe6\xf4\xb4\x01\x80\x08\x08\0\0\x02\x03the\x05\x03ebb\x03";
    let head =
        b"FOREBAY1\x6b\0\0\0\0\0\0\0\x65\xa2\xd4\xb4\x01\x80\x08\x05\0\0\x02\x01\x61\x03\x5f";
    let misread = [&head[..], &[b'q'; 95], b"\x02"].concat();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old");
    for file in [&small[..], &misread] {
        fs::write(&path, file).expect("there is room");
        let message = forebay(&format!("merge {}", path.display()), "").failure(1);
        let expected = format!(
            "forebay: {} is of version 1 of the format, and this program reads version 2: save it \
             again with this program\n",
            path.display()
        );
        assert_eq!(message, expected);
    }
}

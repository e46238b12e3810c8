//! Replacing a file as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces the contents of a file by `bytes`, like [`replace_by`].
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, |file| file.write_all(bytes))
}

/// Replaces the contents of a file by what `fill` writes, under another name first. Links are
/// followed. What exists and is not a regular file, such as a terminal, is written to directly.
pub(crate) fn replace_by(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return fill(&mut File::create(target)?);
    }
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = File::create(&partial)?;
    fill(&mut file)?;
    file.sync_all()?;
    fs::rename(partial, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_through_links_and_directories_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("summary");
        for content in [&b"first"[..], b"second"] {
            replace(&path, content).expect("a file can be written");
            assert_eq!(fs::read(&path).expect("it is there"), content);
        }
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
        assert!(replace(folder.path(), b"x").is_err());
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&path, &link).expect("a link can be made");
            replace(&link, b"third").expect("a file can be written");
            assert_eq!(fs::read(&path).expect("it is there"), b"third");
        }
    }
}

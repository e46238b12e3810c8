//! Files that are replaced whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Makes `bytes` the contents of a file, like [`replace_by`].
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, |file| file.write_all(bytes))
}

/// Makes what `fill` writes the contents of a file. What is there and is no file, such as a
/// terminal, is written to; a link leads to what is replaced.
pub(crate) fn replace_by(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return fill(&mut File::create(target)?);
    }
    let mut aside = target.as_os_str().to_owned();
    aside.push(".partial");
    let mut file = File::create(&aside)?;
    fill(&mut file)?;
    file.sync_all()?;
    fs::rename(aside, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_through_links_and_folders_are_not() {
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

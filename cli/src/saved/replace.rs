//! Replacing a file as a whole or not at all.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::Error;
use crate::file::{Identity, opened};
use crate::output::message::say;
use crate::output::stdout;

/// A file that is written at the end of a run. What would hinder that is told at its beginning, and
/// no reason to stop: the input may not come again, and the results are printed first.
///
/// The contents are written to a new file of a random name in the same folder, which then replaces
/// the file. A link is followed, and the mode of a file that is there is kept; a new one belongs to
/// its user alone, since it holds lines of the input. What is not a regular file, such as a terminal
/// or a pipe, is written to directly.
#[derive(Debug)]
pub(crate) struct Replacement {
    /// As the user wrote it.
    name: String,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// It could not be found out; it is tried again when the file is written.
    Unknown(PathBuf),
    /// A regular file that may not be there yet; the path is not a link.
    File(PathBuf),
    /// What is no regular file.
    Direct(PathBuf),
    /// The file of a standard stream: it is written by way of that, after what is there.
    Stdout,
    Stderr,
}

impl Replacement {
    /// Plans to replace the file at `path`, which is none of the `inputs`.
    ///
    /// # Errors
    ///
    /// If it is an input.
    pub(crate) fn plan(path: &Path, inputs: &[Identity]) -> Result<Self, Error> {
        let name = path.display().to_string();
        let target = match Target::of(path, inputs) {
            Ok(Some(target)) => target,
            Ok(None) => {
                let message = format!("{name} is an input too, and would be replaced");
                return Err(Error::Usage(message));
            }
            Err(cause) => {
                say(format_args!(
                    "forebay: cannot write {name} at present: {cause}; results are printed all the same"
                ));
                Target::Unknown(path.to_owned())
            }
        };
        Ok(Self { name, target })
    }

    /// Replaces the contents by what `fill` writes.
    ///
    /// # Errors
    ///
    /// Those of `fill`, and if the file cannot be written; then it is as it was before.
    pub(crate) fn write(
        &self,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.target.write(fill).map_err(|cause| Error::Save {
            name: self.name.clone(),
            cause,
        })
    }
}

impl Target {
    /// The target that a path names; `None` if it is one of the inputs.
    fn of(path: &Path, inputs: &[Identity]) -> io::Result<Option<Self>> {
        let found = match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(found) = &found {
            let same = |other: Option<Metadata>| {
                let other = other.as_ref().and_then(Identity::of);
                other.is_some() && other == Identity::of(found)
            };
            if found.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            if same(opened(&io::stdout())) {
                return Ok(Some(Self::Stdout));
            }
            if same(opened(&io::stderr())) {
                return Ok(Some(Self::Stderr));
            }
            if !found.is_file() {
                return Ok(Some(Self::Direct(path.to_owned())));
            }
            if Identity::of(found).is_some_and(|own| inputs.contains(&own)) {
                return Ok(None);
            }
        }
        let path = followed(path)?;
        // Removed again at once, so that nothing stays behind if the program is killed.
        partial(&path)?;
        Ok(Some(Self::File(path)))
    }

    fn write(&self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::Unknown(path) => match Self::of(path, &[])? {
                None | Some(Self::Unknown(_)) => Err(io::ErrorKind::InvalidInput.into()),
                Some(target) => target.write(fill),
            },
            Self::File(path) => replace(path, fill),
            Self::Direct(path) => fill(&mut File::options().write(true).open(path)?),
            Self::Stdout => fill(&mut stdout()),
            Self::Stderr => fill(&mut io::stderr().lock()),
        }
    }
}

/// The path at the end of a chain of links; there may be no file yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = folder_of(&path).join(to);
    }
    Err(io::Error::other("there are too many links"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new file beside `path`, for its user alone. It is removed when this is dropped.
fn partial(path: &Path) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    fs::metadata(folder)?;
    let made = Builder::new()
        .prefix(".forebay-")
        .suffix(".partial")
        .tempfile_in(folder);
    // The text of an error of `tempfile` has the random path; the user knows another one.
    made.map_err(|error| error.kind().into())
}

fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut partial = partial(path)?;
    fill(partial.as_file_mut())?;
    if let Ok(found) = fs::metadata(path) {
        partial.as_file().set_permissions(found.permissions())?;
    }
    partial.as_file().sync_all()?;
    partial.persist(path).map_err(|failed| failed.error)?;
    sync_folder(folder_of(path))
}

/// Makes the new name of a file durable, where folders can be opened and synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(path: &Path, bytes: &[u8]) -> Result<(), Error> {
        Replacement::plan(path, &[])?.write(|file| file.write_all(bytes))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().display().to_string())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("summary");
        for content in [&b"first"[..], b"second"] {
            save(&path, content).expect("a file can be written");
            assert_eq!(fs::read(&path).expect("it is there"), content);
            assert_eq!(names(folder.path()), ["summary"]);
        }
        assert!(save(folder.path(), b"x").is_err());
    }

    #[test]
    fn planning_changes_nothing_and_finds_what_cannot_be_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("summary");
        Replacement::plan(&path, &[]).expect("it is no input");
        assert!(names(folder.path()).is_empty());
        assert!(Target::of(&path.join("below"), &[]).is_err());
        let plan = Replacement::plan(&path.join("below"), &[]).expect("it is no input");
        let error = plan.write(|_| Ok(())).expect_err("there is no folder");
        assert!(error.to_string().contains("summary/below: "), "{error}");
    }

    #[test]
    fn a_failure_leaves_the_old_contents_and_no_other_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("summary");
        save(&path, b"old").expect("a file can be written");
        let plan = Replacement::plan(&path, &[]).expect("it is no input");
        let failed = plan.write(|file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("it is there"), b"old");
        assert_eq!(names(folder.path()), ["summary"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_modes_are_kept_and_new_files_are_private() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path| {
            let found = fs::metadata(path).expect("it is there");
            found.permissions().mode() & 0o777
        };
        let path = folder.path().join("summary");
        save(&path, b"first").expect("a file can be written");
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("its owner may");
        // One link to a file, and two in a row to one that is not there yet.
        for (link, to) in [("link", "summary"), ("inner", "later"), ("outer", "inner")] {
            symlink(to, folder.path().join(link)).expect("a link can be made");
        }
        save(&folder.path().join("link"), b"second").expect("a file can be written");
        assert_eq!(fs::read(&path).expect("it is there"), b"second");
        assert_eq!(mode(&path), 0o640);
        save(&folder.path().join("outer"), b"third").expect("a file can be written");
        assert_eq!(
            fs::read(folder.path().join("later")).expect("it is there"),
            b"third"
        );
        assert_eq!(
            names(folder.path()),
            ["inner", "later", "link", "outer", "summary"]
        );
        symlink("round", folder.path().join("round")).expect("a link can be made");
        assert!(save(&folder.path().join("round"), b"x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn an_input_is_never_replaced_whatever_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, other) = (folder.path().join("log"), folder.path().join("other"));
        fs::write(&path, "lines").expect("there is room");
        fs::hard_link(&path, &other).expect("a link can be made");
        let input = Identity::of_regular(&path).expect("it is there");
        for path in [&path, &other] {
            let refused = Replacement::plan(path, &[input]).expect_err("it is an input");
            assert!(matches!(refused, Error::Usage(_)), "{refused}");
        }
        assert_eq!(fs::read(&path).expect("it is there"), b"lines");
    }
}

//! From results to text: numbers, tables, JSON and CSV.

pub(crate) mod format;
pub(crate) mod message;
pub(crate) mod table;

use std::io::{self, Write};

/// Standard output, with every error. That of the standard library takes no notice if nothing can be
/// written there because it is open for reading only.
pub(crate) fn stdout() -> Box<dyn Write> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        if let Ok(own) = io::stdout().as_fd().try_clone_to_owned() {
            return Box::new(std::fs::File::from(own));
        }
    }
    Box::new(io::stdout().lock())
}

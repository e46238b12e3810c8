//! Messages to the user, on standard error.

use std::fmt;
use std::io::{self, Write};

use super::format::printable;

/// Writes a line to standard error; errors of that are ignored. Names and other text in it cannot
/// control the terminal.
pub(crate) fn say(message: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{}", printable(&message.to_string()));
}

/// A number with its noun: `1 line`, `2 lines`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[&str], conjunction: &str) -> String {
    match names {
        [] => String::new(),
        [name] => (*name).to_owned(),
        [others @ .., last] => format!("{} {conjunction} {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_many() {
        assert_eq!(counted(0, "batch", "batches"), "0 batches");
        assert_eq!(counted(1, "batch", "batches"), "1 batch");
    }
}

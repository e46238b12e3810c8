//! The names of streams and of their states.

/// A name that occurs twice.
pub(crate) fn twice<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let mut later = names.clone();
    names.into_iter().find(|name| {
        later.next();
        later.clone().any(|other| other == *name)
    })
}

//! Outputs that write: one kind per file.

#[cfg(feature = "csv")]
mod csv;
mod directory;
#[cfg(feature = "json")]
mod json_lines;
pub(crate) mod sink;
mod text_files;

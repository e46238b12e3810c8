//! Outputs that write: one kind per file.

#[cfg(feature = "csv")]
mod csv;
mod directory;
#[cfg(feature = "json")]
mod json_lines;
mod text_files;
pub(crate) mod write_to;

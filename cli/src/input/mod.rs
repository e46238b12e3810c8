//! From files to lines: sources and their encodings, blocks of lines, fields and words.

pub(crate) mod block;
pub(crate) mod chunk;
mod encoding;
pub(crate) mod field;
mod generate;
pub(crate) mod keys;
#[cfg(unix)]
mod parallel;
pub(crate) mod progress;
pub(crate) mod read;
pub(crate) mod skip;
pub(crate) mod source;
pub(crate) mod words;
mod zstd;

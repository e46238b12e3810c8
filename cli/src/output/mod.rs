//! From results to text: numbers, tables, JSON and CSV.

pub(crate) mod format;
pub(crate) mod message;
pub(crate) mod table;

//! Misra-Gries summaries: the frequent items of a stream, with certain bounds.

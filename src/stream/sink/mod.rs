//! Where outputs go: one kind per file.

mod text_files;

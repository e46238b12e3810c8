//! Tests of the built binary as a user or a script runs it: a module or more for each command.

mod checkpoint;
mod estimate;
mod files;
mod images;
mod memory;
mod merge;
mod merge_samples;
mod methods;
mod sample;
mod scripts;
mod serve;
mod state_dir;
mod stream;
mod support;
mod told;
mod top;
mod versions;

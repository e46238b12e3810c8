//! Reservoir samplers: k items of a stream of unknown length, in one pass.

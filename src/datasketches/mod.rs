//! The binary images of the Apache DataSketches libraries.
//!
//! [Apache DataSketches](https://datasketches.apache.org) has libraries in Java, C++, Python, Go
//! and Rust that exchange summaries as bytes. This module reads and writes these images:
//!
//! | summary here | image there | functions |
//! |---|---|---|
//! | [`MisraGries`](crate::frequent::MisraGries) | frequent items (family 10) | [`read_frequent`], [`write_frequent`] |
//! | [`Reservoir`](crate::sample::Reservoir) | reservoir (family 11) | [`read_reservoir_with_seed`], [`read_reservoir_with_rng`], [`write_reservoir`] |
//! | | reservoir union (family 12) | the same to read, [`write_reservoir_union`] |
//! | [`VarOpt`](crate::sample::VarOpt) | VarOpt (family 13) | [`read_var_opt_with_seed`], [`read_var_opt_with_rng`], [`write_var_opt`] |
//! | | VarOpt union (family 14) | the same to read, [`write_var_opt_union`] |
//!
//! An image does not contain the type of its items, so the reader must know it. [`Item`] lists the types
//! and their encodings. [`ImageKind::of`] returns the kind of summary in an image.
//!
//! Images of samples contain no generator. A sample that is read gets a new one and has the same guarantee
//! as if it had never been written; see [`read_reservoir_with_rng`] and [`read_var_opt_with_rng`].
//!
//! Reading malicious bytes never panics, never allocates more than a small multiple of their length, and
//! never returns a summary that violates its guarantee.
//!
//! # Examples
//!
//! ```
//! use forebay::datasketches::{read_frequent, write_frequent};
//! use forebay::frequent::MisraGries;
//!
//! let mut summary: MisraGries<String> = MisraGries::new(24);
//! summary.update_weighted_ref("ebb", 3);
//! summary.update_ref("flow");
//! let image = write_frequent(&summary)?;
//! let back: MisraGries<String> = read_frequent(&image)?;
//! assert_eq!(back.top(2), summary.top(2));
//! # Ok::<(), forebay::datasketches::ImageError>(())
//! ```

mod bytes;
mod error;
mod frequent;
mod head;
mod item;
mod reservoir;
mod var_opt;

pub use error::ImageError;
pub use frequent::{read_frequent, write_frequent};
pub use head::ImageKind;
pub use item::Item;
pub use reservoir::{
    read_reservoir_with_rng, read_reservoir_with_seed, write_reservoir, write_reservoir_union,
};
pub use var_opt::{
    read_var_opt_with_rng, read_var_opt_with_seed, write_var_opt, write_var_opt_union,
};

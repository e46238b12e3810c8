//! Binary images that every DataSketches library reads and writes.
//!
//! [Apache DataSketches](https://datasketches.apache.org) has libraries in Java, C++, Python, Go
//! and Rust that exchange summaries as bytes. This module reads and writes theirs:
//!
//! | summary here | image there | functions |
//! |---|---|---|
//! | [`MisraGries`](crate::frequent::MisraGries) | frequent items (family 10) | [`read_frequent`], [`write_frequent`] |
//! | [`Reservoir`](crate::sample::Reservoir) | reservoir (family 11) | [`read_reservoir_with_seed`], [`read_reservoir_with_rng`], [`write_reservoir`] |
//! | | reservoir union (family 12) | the same to read, [`write_reservoir_union`] |
//! | [`VarOpt`](crate::sample::VarOpt) | VarOpt (family 13) | [`read_var_opt_with_seed`], [`read_var_opt_with_rng`], [`write_var_opt`] |
//! | | VarOpt union (family 14) | the same to read, [`write_var_opt_union`] |
//!
//! An image says nothing of the type of its items: a reader must know it. [`Item`] lists the types
//! and their encodings. [`ImageKind::of`] tells what an image is of.
//!
//! Images of samples hold no generator. What is read goes on with one of its own, and so becomes as
//! good as a sample that was never written; [`read_reservoir_with_rng`] and
//! [`read_var_opt_with_rng`] say why.
//!
//! Reading hostile bytes never panics, never allocates more than a small multiple of their length,
//! and never yields a summary that breaks its promises.
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

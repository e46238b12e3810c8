//! Binary images that every DataSketches library reads and writes.
//!
//! [Apache DataSketches](https://datasketches.apache.org) has libraries in Java, C++, Python, Go
//! and Rust that exchange summaries as bytes. This module reads and writes theirs:
//!
//! | summary here | image there | functions |
//! |---|---|---|
//! | [`MisraGries`](crate::frequent::MisraGries) | frequent items (family 10) | [`read_frequent`], [`write_frequent`] |
//!
//! An image says nothing of the type of its items: a reader must know it. [`Item`] lists the types
//! and their encodings.
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
mod item;

pub use error::ImageError;
pub use frequent::{read_frequent, write_frequent};
pub use item::Item;

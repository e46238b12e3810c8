//! Why state cannot be saved or restored.

use std::string::String;
use std::vec::Vec;

use crate::stream::error::BoxError;

/// Why an operator cannot be saved or restored.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Its state contains this type, for which there is no codec.
    NoCodec(&'static str),
    /// It is an input that cannot be replayed.
    NoReplay,
    /// The saved state has other types; these are the types of the operator.
    Types(Vec<String>),
    /// A codec failed, or the bytes are invalid.
    Bytes(BoxError),
    /// What was intact when the checkpoint was verified cannot be read any more.
    Read(BoxError),
}

impl From<BoxError> for Refusal {
    fn from(error: BoxError) -> Self {
        Self::Bytes(error)
    }
}

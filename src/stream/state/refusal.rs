//! Why state cannot be saved or taken up.

use std::string::String;
use std::vec::Vec;

use crate::stream::error::BoxError;

/// Why an operator gives nothing, or does not take what it is given.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Its state contains this type, for which there is no codec.
    NoCodec(&'static str),
    /// It is an input that cannot be read again.
    NoReplay,
    /// The state consisted of other types; these are those of the operator.
    Types(Vec<String>),
    /// A codec said so, or the bytes make no sense.
    Bytes(BoxError),
    /// What was whole when the checkpoint was verified cannot be read any more.
    Read(BoxError),
}

impl From<BoxError> for Refusal {
    fn from(error: BoxError) -> Self {
        Self::Bytes(error)
    }
}

//! The state of one operator between two batches, held for a checkpoint and encoded later on
//! another thread.

use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use crate::stream::error::BoxError;
use crate::stream::state::codec::Codec;
use crate::stream::state::refusal::Refusal;

/// Appends a piece of state as bytes.
pub(crate) type Encode = Box<dyn Fn(&mut Vec<u8>) -> Result<(), BoxError> + Send + Sync>;

/// The state of one operator.
pub(crate) struct OperatorSnapshot {
    /// The types of the state, by the names of their codecs.
    pub(crate) types: Vec<String>,
    pub(crate) keys: u64,
    /// State that belongs to no key group.
    pub(crate) whole: Option<Encode>,
    pub(crate) groups: Vec<GroupSnapshot>,
}

/// The state of one key group.
pub(crate) struct GroupSnapshot {
    pub(crate) group: u32,
    /// Equal versions are equal states.
    pub(crate) version: u64,
    pub(crate) encode: Encode,
}

impl OperatorSnapshot {
    /// State without keys.
    pub(crate) fn unkeyed(
        types: Vec<String>,
        encode: impl Fn(&mut Vec<u8>) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            types,
            keys: 0,
            whole: Some(Box::new(encode)),
            groups: Vec::new(),
        }
    }

    /// Adds state that belongs to no key group.
    pub(crate) fn with_unkeyed(
        self,
        encode: impl Fn(&mut Vec<u8>) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        let whole = Some(Box::new(encode) as Encode);
        Self { whole, ..self }
    }
}

/// One value that belongs to no key group, encoded at once.
pub(crate) fn snapshot_value<T: 'static>(
    codec: &Codec<T>,
    value: &T,
) -> Result<OperatorSnapshot, Refusal> {
    let mut bytes = Vec::new();
    codec.put(value, &mut bytes)?;
    Ok(OperatorSnapshot::unkeyed(
        std::vec![codec.name()],
        move |out| {
            out.extend(&bytes);
            Ok(())
        },
    ))
}

//! The state of one operator as read from a checkpoint.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::error::BoxError;
use crate::stream::state::codec::{Codec, put, take};
use crate::stream::state::refusal::Refusal;
use crate::stream::time::BatchTime;

/// The state of one operator in a checkpoint, which is read piece by piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct SavedState {
    /// The types of the state, by the names of their codecs.
    pub(crate) types: Vec<String>,
    pub(crate) keys: u64,
    /// State that belongs to no key group.
    pub(crate) whole: Option<Arc<dyn Piece>>,
    /// The rest, by key group.
    pub(crate) groups: BTreeMap<u32, Arc<dyn Piece>>,
}

/// A piece of state in a checkpoint.
pub(crate) trait Piece: fmt::Debug + Send + Sync {
    /// How many bytes it has.
    fn len(&self) -> u64;

    /// Its bytes, verified once more; `buffer` holds them.
    fn read<'a>(&self, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], BoxError>;
}

impl SavedState {
    /// What belongs to no key group.
    pub(crate) fn whole<'a>(&self, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], Refusal> {
        match &self.whole {
            Some(piece) => piece.read(buffer).map_err(Refusal::Read),
            None => Ok(&[]),
        }
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> u64 {
        let pieces = self.whole.iter().chain(self.groups.values());
        pieces.map(|piece| piece.len()).sum()
    }

    pub(crate) fn check_types(&self, types: Vec<String>) -> Result<(), Refusal> {
        match self.types == types {
            true => Ok(()),
            false => Err(Refusal::Types(types)),
        }
    }
}

/// An error if bytes are left over: they were written for something else.
pub(crate) fn used_up(bytes: &[u8]) -> Result<(), BoxError> {
    match bytes.is_empty() {
        true => Ok(()),
        false => Err("there are more bytes than the state needs".into()),
    }
}

/// Reads one value that belongs to no key group.
pub(crate) fn recover_value<T: 'static>(
    codec: &Codec<T>,
    saved: &SavedState,
) -> Result<T, Refusal> {
    saved.check_types(std::vec![codec.name()])?;
    let mut buffer = Vec::new();
    let mut bytes = saved.whole(&mut buffer)?;
    let value = codec.take(&mut bytes)?;
    used_up(bytes)?;
    Ok(value)
}

/// The batches of a window: their times and partitions.
pub(crate) type PanesImage<T> = VecDeque<(BatchTime, Vec<Vec<T>>)>;

/// Writes the batches of a window.
pub(crate) fn put_panes<'a, T: 'static, I>(
    item: &Codec<T>,
    panes: impl ExactSizeIterator<Item = (BatchTime, I)>,
    out: &mut Vec<u8>,
) -> Result<(), BoxError>
where
    I: ExactSizeIterator<Item = &'a [T]>,
{
    put(&(panes.len() as u64), out)?;
    for (time, partitions) in panes {
        put(&time.as_millis(), out)?;
        put(&(partitions.len() as u64), out)?;
        for items in partitions {
            item.put_all(items.iter(), out)?;
        }
    }
    Ok(())
}

/// Reads what [`put_panes`] has written.
pub(crate) fn take_panes<T: 'static>(
    item: &Codec<T>,
    bytes: &mut &[u8],
) -> Result<PanesImage<T>, BoxError> {
    let panes: u64 = take(bytes)?;
    let pane = |_| {
        let time = BatchTime::from_millis(take(bytes)?);
        let partitions: u64 = take(bytes)?;
        let partitions = (0..partitions).map(|_| item.take_all(bytes));
        Ok((time, partitions.collect::<Result<_, BoxError>>()?))
    };
    (0..panes).map(pane).collect()
}

/// The codec of a list of values.
pub(crate) fn list<T: 'static>(codec: &Codec<T>) -> Codec<Vec<T>> {
    let (one, other) = (codec.clone(), codec.clone());
    Codec::new(
        std::format!("list of {}", codec.name()),
        move |values: &Vec<T>, out| one.put_all(values.iter(), out),
        move |bytes| other.take_all(bytes),
    )
}

//! Answers that their clients have not read yet: how much memory they may take together.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Limits;
use crate::refusal::Refusal;

/// The room for answers that wait to be read.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    /// A permit for each [`UNIT`](Self::UNIT).
    room: Arc<Semaphore>,
}

/// An answer, which gives its room back when the connection has sent or dropped it.
struct Held {
    answer: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

impl Unread {
    const UNIT: usize = 1 << 10;

    /// Room for so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = units(bytes) as usize;
        Self {
            room: Arc::new(Semaphore::new(units)),
        }
    }

    /// Takes room for an answer until it has been sent.
    pub(crate) fn hold(&self, mut answer: Vec<u8>) -> Result<Bytes, Refusal> {
        answer.shrink_to_fit();
        if answer.len() <= Limits::SMALL_BYTES {
            return Ok(answer.into());
        }
        let room = Arc::clone(&self.room).try_acquire_many_owned(units(answer.len()));
        let _room = room.map_err(|_| Refusal::busy())?;
        Ok(Bytes::from_owner(Held { answer, _room }))
    }
}

/// The units of so many bytes, of which a semaphore cannot have too many.
fn units(bytes: usize) -> u32 {
    const MOST: usize = (u32::MAX >> 4) as usize;
    bytes.div_ceil(Unread::UNIT).min(MOST) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_a_limit_together_until_they_are_dropped() {
        let unread = Unread::new(400 << 10);
        let first = unread.hold(vec![1; 300 << 10]).expect("there is room");
        assert_eq!(first.len(), 300 << 10);
        let more = || unread.hold(vec![2; (100 << 10) + 1]);
        assert!(more().is_err());
        let copy = first.clone();
        drop(first);
        assert!(more().is_err());
        drop(copy);
        assert!(more().is_ok());
        assert!(Unread::new(usize::MAX).hold(vec![3; 100 << 10]).is_ok());
    }

    #[test]
    fn small_answers_are_given_even_if_there_is_no_room() {
        let unread = Unread::new(1);
        assert!(unread.hold(vec![1; Limits::SMALL_BYTES]).is_ok());
        assert!(unread.hold(vec![1; Limits::SMALL_BYTES + 1]).is_err());
    }
}

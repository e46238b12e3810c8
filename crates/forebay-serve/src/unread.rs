//! Answers that their clients have not read yet: how much memory they may take together.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
        let unread = Unread::new(4 << 10);
        let first = unread.hold(vec![1; 3 << 10]).expect("there is room");
        assert_eq!(first.len(), 3 << 10);
        assert!(unread.hold(vec![2; 1_025]).is_err());
        let copy = first.clone();
        drop(first);
        assert!(unread.hold(vec![2; 1_025]).is_err());
        drop(copy);
        assert!(unread.hold(vec![2; 1_025]).is_ok());
        assert!(Unread::new(usize::MAX).hold(vec![3; 10]).is_ok());
    }
}

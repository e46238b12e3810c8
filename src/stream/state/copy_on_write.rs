//! A value that snapshots share until it is written to.

use std::mem;
use std::ops::Deref;
use std::sync::Arc;

/// While nobody has taken a snapshot, nothing is copied and no reference count is read.
pub(super) enum CopyOnWrite<T> {
    Owned(T),
    Shared(Arc<T>),
}

impl<T: Default> Default for CopyOnWrite<T> {
    fn default() -> Self {
        Self::Owned(T::default())
    }
}

impl<T> Deref for CopyOnWrite<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Owned(value) => value,
            Self::Shared(value) => value,
        }
    }
}

impl<T: Default> CopyOnWrite<T> {
    /// A snapshot.
    pub(super) fn share(&mut self) -> Arc<T> {
        let shared = match mem::take(self) {
            Self::Owned(value) => Arc::new(value),
            Self::Shared(value) => value,
        };
        *self = Self::Shared(Arc::clone(&shared));
        shared
    }
}

impl<T: Clone + Default> CopyOnWrite<T> {
    /// The value, not shared with any snapshot.
    #[inline]
    pub(super) fn to_mut(&mut self) -> &mut T {
        if let Self::Shared(_) = self {
            self.own();
        }
        match self {
            Self::Owned(value) => value,
            Self::Shared(_) => unreachable!("it was just made its own"),
        }
    }

    /// Takes the value back from the snapshots, or copies it if there still are any.
    #[cold]
    fn own(&mut self) {
        if let Self::Shared(value) = mem::take(self) {
            *self = Self::Owned(Arc::unwrap_or_clone(value));
        }
    }
}

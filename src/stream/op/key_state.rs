//! The state of one key, as the function that updates it sees it.

/// The state of one key, as the function of [`state_by_key`](crate::stream::DStream::state_by_key) sees it.
#[derive(Debug)]
pub struct State<S> {
    value: Option<S>,
    timing_out: bool,
}

impl<S> State<S> {
    /// The state of a key that has a record.
    pub(crate) const fn of_record(value: Option<S>) -> Self {
        Self {
            value,
            timing_out: false,
        }
    }

    /// The state of a key that expires.
    pub(crate) const fn of_idle(value: Option<S>) -> Self {
        Self {
            value,
            timing_out: true,
        }
    }

    pub(crate) fn into_value(self) -> Option<S> {
        self.value
    }

    /// Whether the key has a state.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.value.is_some()
    }

    /// The state. Reading does not create one.
    #[must_use]
    pub fn get(&self) -> Option<&S> {
        self.value.as_ref()
    }

    /// The state, to be changed in place.
    pub fn get_mut(&mut self) -> Option<&mut S> {
        self.value.as_mut()
    }

    /// Sets the state. While the key is timing out this has no effect: the key is removed.
    pub fn update(&mut self, value: S) {
        if !self.timing_out {
            self.value = Some(value);
        }
    }

    /// Removes the state and returns it. A later record of the key starts without one.
    pub fn remove(&mut self) -> Option<S> {
        self.value.take()
    }

    /// Whether this is the last call for the key, because it was idle for too long.
    #[must_use]
    pub fn is_timing_out(&self) -> bool {
        self.timing_out
    }
}

//! Handles that query the state of a stream while it runs.

use std::sync::Arc;

use crate::stream::data::{Data, Key};
use crate::stream::op::emitted::Emitted;
use crate::stream::op::state::StateRows;
use crate::stream::plan::dstream::DStream;
use crate::stream::state::handle::StateHandle;

impl<K: Data, S: Data> DStream<'_, (K, S), StateRows<K, S>> {
    /// A handle with which any thread can query these states while the stream runs.
    ///
    /// The operator that keeps them then runs whether or not an output needs it.
    ///
    /// # Examples
    ///
    /// See [`StateHandle`].
    #[must_use]
    pub fn handle(&self) -> StateHandle<K, S> {
        self.ctx.keep(self.operator);
        StateHandle::new(Arc::clone(&self.pipe.store))
    }
}

impl<K: Key, S: Data, U: Data> DStream<'_, U, Emitted<K, S, U>> {
    /// A handle with which any thread can query the states behind the emitted items while the
    /// stream runs.
    ///
    /// The operator that keeps them then runs whether or not an output needs it.
    ///
    /// # Examples
    ///
    /// See [`StateHandle`].
    #[must_use]
    pub fn handle(&self) -> StateHandle<K, S> {
        self.snapshots().handle()
    }
}

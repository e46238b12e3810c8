//! What all operators of a started stream have in common.

use std::sync::Arc;
use std::vec::Vec;

use crate::random::JobSeed;
use crate::stream::exchange::Routing;
use crate::stream::run::failure::FailurePolicy;
use crate::stream::threads::executor::Executor;
use crate::stream::threads::inside::StreamId;

/// What all operators of a started context have in common.
pub(crate) struct JobContext {
    pub(crate) stream: StreamId,
    pub(crate) executor: Executor,
    pub(crate) seed: JobSeed,
    pub(crate) routing: Routing,
    pub(crate) policy: FailurePolicy,
    /// The name of every operator, by its [`OperatorId`].
    pub(crate) names: Vec<Arc<str>>,
}

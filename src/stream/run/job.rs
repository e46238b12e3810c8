//! What all operators of a started stream have in common.

use std::sync::Arc;

use crate::random::JobSeed;
use crate::stream::exchange::Routing;
use crate::stream::run::activity::Activity;
use crate::stream::run::failure::FailurePolicy;
use crate::stream::threads::executor::Executor;

/// What all operators of a started context have in common.
pub(crate) struct JobContext {
    pub(crate) executor: Executor,
    pub(crate) seed: JobSeed,
    pub(crate) routing: Routing,
    pub(crate) policy: FailurePolicy,
    /// The name of every operator, by its [`OperatorId`].
    pub(crate) names: Arc<[Arc<str>]>,
    pub(crate) activity: Arc<Activity>,
}

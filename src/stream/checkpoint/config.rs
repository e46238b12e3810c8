//! What the settings of a context say about durability.

use std::sync::Arc;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::every::Every;
use crate::stream::state::backend::StateBackend;
use crate::stream::state::codec::Codecs;
use crate::stream::threads::executor::Executor;

/// The durability settings of a context.
#[derive(Clone, Debug, Default)]
pub(crate) struct DurabilityConfig {
    pub(crate) codecs: Codecs,
    /// Where checkpoints are written and how often, if they are.
    pub(crate) target: Option<(Directory, Every)>,
    /// Whether inputs that cannot be replayed get write-ahead logs.
    pub(crate) logs: bool,
    /// The state backend, if state is not in memory.
    pub(crate) backend: Option<Arc<dyn StateBackend>>,
}

/// What checkpoints hold about the job as a whole, and the threads that encode them.
pub(crate) struct JobFacts {
    /// Milliseconds.
    pub(crate) interval: u64,
    pub(crate) seed: u64,
    pub(crate) key_groups: u32,
    pub(crate) executor: Executor,
}

//! Inputs: one kind per file.

mod by_position;
pub(crate) mod channel;
mod file_lines;
mod input;
mod input_operator;
mod iter;
mod logged;
mod planned;
mod queue;
mod receipt;
pub(crate) mod receiver;
mod replayable_queue;
mod settled;
mod socket;
mod text;
mod text_files;

pub use by_position::{Positions, Source};
pub use channel::{Sender, StoppedError};
pub use queue::BatchQueue;
pub use receipt::{LostError, Receipt};
pub use receiver::{Receiver, ReceiverStatus};
pub use replayable_queue::{QueuePosition, ReplayableQueue};
pub use text_files::{FilesRead, TextFiles, Warnings};

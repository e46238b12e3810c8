//! Spans for `tracing`: one per batch and one per operator in it; no code without the feature.

use crate::stream::run::metrics::StepReport;
use crate::stream::time::BatchTime;

#[cfg(feature = "tracing")]
pub(crate) type Span = tracing::span::EnteredSpan;

#[cfg(not(feature = "tracing"))]
pub(crate) struct Span;

/// The span of a batch, until it is dropped.
#[cfg(feature = "tracing")]
pub(crate) fn batch(time: BatchTime) -> Span {
    use tracing::field::Empty;
    let time = time.as_millis();
    tracing::info_span!("batch", time, items = Empty, retries = Empty).entered()
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn batch(_time: BatchTime) -> Span {
    Span
}

/// The span of an operator at work, until it is dropped.
#[cfg(feature = "tracing")]
pub(crate) fn operator(name: &str) -> Span {
    tracing::debug_span!("operator", name).entered()
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn operator(_name: &str) -> Span {
    Span
}

/// Records the result of a batch in its span.
#[cfg(feature = "tracing")]
pub(crate) fn finished(span: &Span, report: &StepReport) {
    span.record("items", report.items());
    span.record("retries", report.retries());
    if let Some(error) = report.failure() {
        tracing::error!(%error, "the batch has failed");
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn finished(_span: &Span, _report: &StepReport) {}

/// Reports which checkpoint the stream resumes from, and which were passed over and why.
#[cfg(feature = "tracing")]
pub(crate) fn recovered(recovery: &crate::stream::checkpoint::recovery::Recovery) {
    for passed_over in recovery.passed_over() {
        let (path, reason) = (passed_over.path().display(), passed_over.reason());
        tracing::warn!(%path, %reason, "a checkpoint was passed over");
    }
    match (recovery.restored(), recovery.path()) {
        (Some(time), Some(path)) => {
            let (time, path) = (time.as_millis(), path.display());
            tracing::info!(time, %path, "the stream resumes from a checkpoint");
        }
        _ => tracing::info!("there is no checkpoint: the stream starts from the beginning"),
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn recovered(_recovery: &crate::stream::checkpoint::recovery::Recovery) {}

/// Reports a checkpoint that is durable.
#[cfg(feature = "tracing")]
pub(crate) fn checkpointed(report: &crate::stream::checkpoint::report::CheckpointReport) {
    let (time, keys, bytes) = (report.time().as_millis(), report.keys(), report.bytes());
    let (stopped, duration) = (report.stopped(), report.duration());
    tracing::debug!(
        time,
        keys,
        bytes,
        ?stopped,
        ?duration,
        "a checkpoint is durable"
    );
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn checkpointed(_report: &crate::stream::checkpoint::report::CheckpointReport) {}

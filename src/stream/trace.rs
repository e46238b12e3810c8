//! Spans for `tracing`, one per batch and one per operator in it; nothing without the feature.

use super::metrics::StepReport;
use super::time::BatchTime;

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

/// Enters into the span of a batch what came of it.
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

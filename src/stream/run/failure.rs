//! What happens when a batch fails.

/// What a stream does when a batch fails.
///
/// A batch is committed when all its outputs have succeeded. Otherwise the state of every operator
/// is rolled back to before the batch; what closures keep in their captures and what outputs have
/// already done stays. An output that must not repeat an effect can recognise a repeated batch by
/// its time.
///
/// # Cost
///
/// [`Retry`](Self::Retry) and [`Skip`](Self::Skip) keep the items of a batch while it runs, and
/// copy the table of each key group that it writes to: time and memory follow the keys in those
/// groups. A few hundred keys reach all of the 128 key groups there are by default, so such a batch
/// costs about as much as visiting all keys twice. Windows are not copied: two summaries for each
/// batch and key are, whatever the window. [`Stop`](Self::Stop) costs nothing.
///
/// # Examples
///
/// ```
/// use forebay::stream::{FailurePolicy, StreamingContext};
///
/// let ctx = StreamingContext::builder("lenient").on_failure(FailurePolicy::Skip).build()?;
/// ctx.batches([vec!["1"], vec!["x"], vec!["2"]])
///     .try_map(|text| text.parse::<u32>())
///     .print();
/// let mut driver = ctx.into_driver()?;
/// let mut skipped = 0;
/// while !driver.is_finished() {
///     let report = driver.step(driver.next_time())?;
///     skipped += usize::from(report.failure().is_some());
/// }
/// assert_eq!(skipped, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// The stream ends with the error; the failed batch is not committed.
    #[default]
    Stop,
    /// The batch runs again, at most this many times, with the same items and random numbers; then
    /// the stream ends with the error.
    Retry(u32),
    /// The batch is reported as failed and skipped; later ones run. An input that can never be read
    /// fails every batch, and such a stream does not end by itself.
    Skip,
}

impl FailurePolicy {
    /// Whether batches may follow a failed one, so that state must be kept for a rollback.
    pub(crate) const fn goes_on(self) -> bool {
        !matches!(self, Self::Stop)
    }

    /// How often a batch is retried.
    pub(crate) const fn retries(self) -> u32 {
        match self {
            Self::Retry(times) => times,
            _ => 0,
        }
    }
}

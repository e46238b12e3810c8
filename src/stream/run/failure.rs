//! What becomes of a batch that fails.

/// What a stream does when a batch fails.
///
/// A batch is committed when all its outputs have succeeded. When it has not, every operator's
/// state goes back to where it was before the batch; what closures keep in themselves and what
/// outputs have already done stays. An output that must not do things twice tells repetitions by
/// the batch time.
///
/// # Cost
///
/// [`Retry`](Self::Retry) and [`Skip`](Self::Skip) keep the items of a batch while it runs, and a
/// copy of the tables of each key group that it writes to: time and memory follow the keys known in
/// those. A few hundred keys lie in all of the 128 key groups there are by default, so such a batch
/// costs about as much as visiting all known keys twice. [`Stop`](Self::Stop) costs nothing.
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
    /// The stream ends with the error; the failing batch stays uncommitted.
    #[default]
    Stop,
    /// The batch runs again, at most so many times, with the same items and the same random
    /// numbers; then the stream ends with the error.
    Retry(u32),
    /// The batch is reported as failed and left out; later ones go on. An input that can never be
    /// read fails every batch, and such a stream does not end by itself.
    Skip,
}

impl FailurePolicy {
    /// Whether something may follow a failure, so that what was before must be kept.
    pub(crate) const fn goes_on(self) -> bool {
        !matches!(self, Self::Stop)
    }

    /// How often a batch is run again.
    pub(crate) const fn retries(self) -> u32 {
        match self {
            Self::Retry(times) => times,
            _ => 0,
        }
    }
}

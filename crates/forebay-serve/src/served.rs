//! A served stream: its telemetry, its state, its receivers.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::answer::{Answer, json};
use crate::names::twice;
use crate::refusal::Refusal;
use crate::state::{Ask, ServedState};
use crate::telemetry::Telemetry;
use forebay::stream::BatchTime;
use forebay::stream::ReceiverStatus;
use forebay::stream::StreamingContext;
use forebay::stream::{Data, Key};

/// What a [`Server`](crate::Server) serves of one stream, under the name of its context.
///
/// # Examples
///
/// See [`Server`](crate::Server).
pub struct ServedStream {
    telemetry: Telemetry,
    /// In the order in which they were added.
    states: Vec<(String, Box<dyn Ask>)>,
    receivers: Vec<(String, ReceiverStatus)>,
}

impl ServedStream {
    /// Collects telemetry of a stream and serves its charts and metrics.
    pub fn of(ctx: &StreamingContext) -> Self {
        Self::with_telemetry(&Telemetry::of(ctx))
    }

    /// Serves telemetry that is collected already.
    #[must_use]
    pub fn with_telemetry(telemetry: &Telemetry) -> Self {
        Self {
            telemetry: telemetry.clone(),
            states: Vec::new(),
            receivers: Vec::new(),
        }
    }

    /// Serves state under a name. A request that names no state with `of` is answered by the only
    /// one that has such keys or, if it names no key either, by the first one that can.
    #[must_use]
    pub fn state<K: Key, S: Data>(
        mut self,
        name: impl Into<String>,
        state: ServedState<K, S>,
    ) -> Self {
        self.states.push((name.into(), Box::new(state)));
        self
    }

    /// Adds the items and the rate of a receiver to the metrics, under the name of its stream.
    #[must_use]
    pub fn receiver(mut self, name: impl Into<String>, status: ReceiverStatus) -> Self {
        self.receivers.push((name.into(), status));
        self
    }

    pub(crate) fn name(&self) -> &str {
        self.telemetry.name()
    }

    pub(crate) const fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    pub(crate) fn receivers(&self) -> &[(String, ReceiverStatus)] {
        &self.receivers
    }

    /// A name of two states, or of two receivers.
    pub(crate) fn twice(&self) -> Option<&str> {
        let states = self.states.iter().map(|(name, _)| name.as_str());
        let receivers = self.receivers.iter().map(|(name, _)| name.as_str());
        twice(states).or_else(|| twice(receivers))
    }

    /// The state that answers: the one with the name `of`, or the only one that has such keys, or
    /// the first one that can.
    pub(crate) fn choose(
        &self,
        of: Option<&str>,
        key: Option<&[u8]>,
        can_answer: impl Fn(&dyn Ask) -> bool,
    ) -> Result<(&str, &dyn Ask), Refusal> {
        let states = self.states.iter().map(|(name, it)| (name.as_str(), &**it));
        let able: Vec<_> = states.filter(|(_, it)| can_answer(*it)).collect();
        let found = match (of, key) {
            (Some(of), _) => able.iter().find(|(name, _)| of == *name),
            (None, None) => able.first(),
            (None, Some(key)) if !able.is_empty() => return only_one(&able, key),
            (None, Some(_)) => None,
        };
        let found = found.copied();
        found.ok_or_else(|| Refusal::no_such_state(able.iter().map(|(name, _)| *name)))
    }

    /// How the stream is doing.
    fn summary(&self) -> Summary<'_> {
        let states = self.states.iter().map(|(name, state)| StateSummary {
            name,
            answers: answers(&**state),
        });
        let states = states.collect();
        let point = self.telemetry.last();
        let millis = |duration: Duration| 1e3 * duration.as_secs_f64();
        self.telemetry.totals(|totals| Summary {
            name: self.name(),
            batch_interval_ms: self.telemetry.interval(totals).map(whole_millis),
            batch_time: totals.last.map(|last| last.time).map(BatchTime::as_millis),
            batch_ended_ms: totals.last.map(|last| whole_millis(last.ended)),
            batches: totals.batches,
            items: totals.items,
            waiting: totals.waiting(),
            failed: totals.failed,
            failure: totals.failure.clone(),
            scheduling_delay_ms: point.map(|it| millis(it.scheduling)),
            processing_delay_ms: point.map(|it| millis(it.processing)),
            states,
        })
    }

    /// The charts of the last batches.
    pub(crate) fn charts(&self, bytes: usize) -> Answer {
        let charts = self.telemetry.recent_charts();
        let charts = charts.iter().map(|chart| ChartSummary {
            title: chart.title,
            html: &chart.html,
        });
        let charts = charts.collect();
        let stream = self.name();
        json(&Charts { stream, charts }, bytes)
    }
}

/// The only state that has such keys.
fn only_one<'a>(
    states: &[(&'a str, &'a dyn Ask)],
    key: &[u8],
) -> Result<(&'a str, &'a dyn Ask), Refusal> {
    let reading: Vec<_> = states.iter().filter(|(_, it)| it.reads(key)).collect();
    match reading[..] {
        [&one] => Ok(one),
        [] => Err(Refusal::no_such_keys(states.iter().map(|(name, _)| *name))),
        _ => Err(Refusal::which_state(reading.iter().map(|(name, _)| *name))),
    }
}

/// The list of streams.
pub(crate) fn list(streams: &[ServedStream], bytes: usize) -> Answer {
    let streams = streams.iter().map(ServedStream::summary).collect();
    json(&Streams { streams }, bytes)
}

fn whole_millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

/// The questions that a state can answer.
fn answers(state: &dyn Ask) -> Vec<&'static str> {
    let kinds = [
        (true, "state"),
        (state.ranks(), "top"),
        (state.draws(), "sample"),
    ];
    let able = kinds.into_iter().filter(|(is_able, _)| *is_able);
    able.map(|(_, kind)| kind).collect()
}

#[derive(Serialize)]
struct Streams<'a> {
    streams: Vec<Summary<'a>>,
}

#[derive(Serialize)]
struct Summary<'a> {
    name: &'a str,
    /// `None` where no clock runs the stream.
    batch_interval_ms: Option<u64>,
    /// Milliseconds; of the last batch.
    batch_time: Option<u64>,
    /// When the last batch ended, since 1970.
    batch_ended_ms: Option<u64>,
    batches: u64,
    items: u64,
    waiting: u64,
    failed: u64,
    failure: Option<String>,
    scheduling_delay_ms: Option<f64>,
    processing_delay_ms: Option<f64>,
    states: Vec<StateSummary<'a>>,
}

#[derive(Serialize)]
struct StateSummary<'a> {
    name: &'a str,
    answers: Vec<&'static str>,
}

#[derive(Serialize)]
struct Charts<'a> {
    stream: &'a str,
    charts: Vec<ChartSummary<'a>>,
}

#[derive(Serialize)]
struct ChartSummary<'a> {
    title: &'a str,
    html: &'a str,
}

impl fmt::Debug for ServedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = self.states.iter().map(|(name, _)| name);
        f.debug_struct("ServedStream")
            .field("name", &self.name())
            .field("states", &states.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

//! The metrics of streams in Prometheus' text format, version 0.0.4.

use std::fmt::Write;
use std::time::Duration;

use crate::served::ServedStream;
use crate::totals::{Histogram, Totals};
use forebay::stream::StateSize;

/// One metric: its name, its meaning, and the source of its samples.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: fn(&Totals, &ServedStream, &mut Samples<'_>),
}

/// Writes the samples of one metric of one stream.
struct Samples<'a> {
    text: &'a mut String,
    name: &'static str,
    /// `stream="…"`, escaped.
    stream: &'a str,
}

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";
const HISTOGRAM: &str = "histogram";

/// All metrics of all streams.
pub(crate) fn exposition(streams: &[ServedStream]) -> String {
    let mut text = String::new();
    for family in FAMILIES.iter().chain(CHECKPOINT_FAMILIES) {
        let Family {
            name, kind, help, ..
        } = family;
        line(&mut text, format_args!("# HELP {name} {help}"));
        line(&mut text, format_args!("# TYPE {name} {kind}"));
        for stream in streams {
            let label = label("stream", stream.name());
            let mut samples = Samples {
                text: &mut text,
                name,
                stream: &label,
            };
            let telemetry = stream.telemetry();
            telemetry.totals(|totals| (family.samples)(totals, stream, &mut samples));
        }
    }
    text
}

const FAMILIES: &[Family] = &[
    Family {
        name: "forebay_batch_interval_seconds",
        kind: GAUGE,
        help: "Time from one batch to the next, where a clock runs them.",
        samples: |totals, stream, out| out.put_seconds(stream.telemetry().interval(totals)),
    },
    Family {
        name: "forebay_batches_total",
        kind: COUNTER,
        help: "Batches that have run, all their outputs included.",
        samples: |totals, _, out| out.put(totals.batches as f64),
    },
    Family {
        name: "forebay_batches_failed_total",
        kind: COUNTER,
        help: "Batches that have failed for good.",
        samples: |totals, _, out| out.put(totals.failed as f64),
    },
    Family {
        name: "forebay_batch_retries_total",
        kind: COUNTER,
        help: "Failures after which a batch was run again.",
        samples: |totals, _, out| out.put(totals.retried as f64),
    },
    Family {
        name: "forebay_batches_waiting",
        kind: GAUGE,
        help: "Batches whose time has come and that have not begun.",
        samples: |totals, _, out| out.put(totals.waiting() as f64),
    },
    Family {
        name: "forebay_last_batch_timestamp_seconds",
        kind: GAUGE,
        help: "When the last batch that has run ended.",
        samples: |totals, _, out| out.put_seconds(totals.last.map(|last| last.ended)),
    },
    Family {
        name: "forebay_last_batch_items",
        kind: GAUGE,
        help: "Items that the inputs gave to the last batch.",
        samples: |totals, _, out| {
            if let Some(last) = totals.last {
                out.put(last.items as f64);
            }
        },
    },
    Family {
        name: "forebay_items_total",
        kind: COUNTER,
        help: "Items that the inputs gave.",
        samples: |totals, _, out| out.put(totals.items as f64),
    },
    Family {
        name: "forebay_scheduling_delay_seconds",
        kind: HISTOGRAM,
        help: "How long batches waited for earlier ones.",
        samples: |totals, _, out| out.put_histogram(&totals.scheduling),
    },
    Family {
        name: "forebay_processing_delay_seconds",
        kind: HISTOGRAM,
        help: "How long batches took.",
        samples: |totals, _, out| out.put_histogram(&totals.processing),
    },
    Family {
        name: "forebay_total_delay_seconds",
        kind: HISTOGRAM,
        help: "From the time of a batch to its end.",
        samples: |totals, _, out| out.put_histogram(&totals.total),
    },
    Family {
        name: "forebay_operator_seconds_total",
        kind: COUNTER,
        help: "Time in an operator and those fused into it.",
        samples: |totals, _, out| {
            for operator in &totals.operators {
                out.put_labelled("operator", &operator.name, operator.duration.as_secs_f64());
            }
        },
    },
    Family {
        name: "forebay_operator_items_total",
        kind: COUNTER,
        help: "Items that came out of an operator.",
        samples: |totals, _, out| {
            for operator in &totals.operators {
                if let Some(items) = operator.items {
                    out.put_labelled("operator", &operator.name, items as f64);
                }
            }
        },
    },
    Family {
        name: "forebay_state_keys",
        kind: GAUGE,
        help: "Keys that have a state.",
        samples: |totals, _, out| out.put_states(totals, StateSize::keys),
    },
    Family {
        name: "forebay_state_bytes",
        kind: GAUGE,
        help: "Bytes of the tables of state.",
        samples: |totals, _, out| out.put_states(totals, StateSize::bytes),
    },
    Family {
        name: "forebay_receiver_running",
        kind: GAUGE,
        help: "Whether a receiver has been started and not stopped.",
        samples: |totals, _, out| {
            for (name, receiver) in &totals.receivers {
                out.put_labelled("receiver", name, f64::from(u8::from(receiver.is_running)));
            }
        },
    },
    Family {
        name: "forebay_receiver_errors_total",
        kind: COUNTER,
        help: "Failures after which a receiver was called again.",
        samples: |totals, _, out| {
            for (name, receiver) in &totals.receivers {
                out.put_labelled("receiver", name, receiver.errors as f64);
            }
        },
    },
    Family {
        name: "forebay_receiver_items_total",
        kind: COUNTER,
        help: "Items that batches have taken from a receiver.",
        samples: |_, stream, out| {
            for (name, status) in stream.receivers() {
                out.put_labelled("receiver", name, status.items() as f64);
            }
        },
    },
    Family {
        name: "forebay_receiver_items_per_second",
        kind: GAUGE,
        help: "Items a second that a receiver gave between the last two batches.",
        samples: |_, stream, out| {
            for (name, status) in stream.receivers() {
                out.put_labelled("receiver", name, status.rate());
            }
        },
    },
];

const CHECKPOINT_FAMILIES: &[Family] = &[
    Family {
        name: "forebay_checkpoints_total",
        kind: COUNTER,
        help: "Checkpoints that have become durable.",
        samples: |totals, _, out| out.put(totals.checkpoints.taken as f64),
    },
    Family {
        name: "forebay_checkpoint_seconds_total",
        kind: COUNTER,
        help: "Time until checkpoints were durable, beside the stream.",
        samples: |totals, _, out| out.put(totals.checkpoints.duration.as_secs_f64()),
    },
    Family {
        name: "forebay_checkpoint_stopped_seconds_total",
        kind: COUNTER,
        help: "Time that the stream stood still for checkpoints.",
        samples: |totals, _, out| out.put(totals.checkpoints.stopped.as_secs_f64()),
    },
    Family {
        name: "forebay_checkpoint_bytes_total",
        kind: COUNTER,
        help: "Bytes written by checkpoints.",
        samples: |totals, _, out| out.put(totals.checkpoints.bytes as f64),
    },
    Family {
        name: "forebay_last_checkpoint_timestamp_seconds",
        kind: GAUGE,
        help: "When the last checkpoint was found to be durable.",
        samples: |totals, _, out| out.put_seconds(totals.checkpoints.last),
    },
];

impl Samples<'_> {
    fn put(&mut self, value: f64) {
        let Self { text, name, stream } = self;
        line(text, format_args!("{name}{{{stream}}} {value}"));
    }

    /// Nothing where nothing is known.
    fn put_seconds(&mut self, seconds: Option<Duration>) {
        if let Some(seconds) = seconds {
            self.put(seconds.as_secs_f64());
        }
    }

    fn put_labelled(&mut self, key: &str, value: &str, number: f64) {
        let Self { text, name, stream } = self;
        let label = label(key, value);
        line(text, format_args!("{name}{{{stream},{label}}} {number}"));
    }

    fn put_states(&mut self, totals: &Totals, size: fn(&StateSize) -> usize) {
        for operator in &totals.operators {
            if let Some(state) = operator.state {
                self.put_labelled("operator", &operator.name, size(&state) as f64);
            }
        }
    }

    fn put_histogram(&mut self, histogram: &Histogram) {
        let Self { text, name, stream } = self;
        let (sum, count) = (histogram.sum.as_secs_f64(), histogram.count());
        for (bound, count) in histogram.cumulative() {
            line(
                text,
                format_args!("{name}_bucket{{{stream},le=\"{bound}\"}} {count}"),
            );
        }
        line(
            text,
            format_args!("{name}_bucket{{{stream},le=\"+Inf\"}} {count}"),
        );
        line(text, format_args!("{name}_sum{{{stream}}} {sum}"));
        line(text, format_args!("{name}_count{{{stream}}} {count}"));
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    writeln!(text, "{content}").expect("writing to a string does not fail");
}

/// A label with its value, escaped as the format asks.
fn label(key: &str, value: &str) -> String {
    let mut label = String::with_capacity(key.len() + value.len() + 3);
    label.push_str(key);
    label.push_str("=\"");
    for c in value.chars() {
        match c {
            '\\' => label.push_str("\\\\"),
            '"' => label.push_str("\\\""),
            '\n' => label.push_str("\\n"),
            c => label.push(c),
        }
    }
    label.push('"');
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        assert_eq!(label("a", "b\\c\"d\ne"), r#"a="b\\c\"d\ne""#);
    }
}

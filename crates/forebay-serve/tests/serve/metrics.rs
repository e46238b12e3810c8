//! What Prometheus is told, read by a parser of a few lines.

use std::collections::{BTreeMap, BTreeSet};

use forebay::stream::{ReceiverState, StreamingContext};
use forebay_serve::{ServedStream, Server};

use super::flaky::Flaky;
use super::{Words, get};

/// Samples by name and labels, and kinds by name; panics at anything that is not in the format.
fn parse(text: &str) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
    assert!(text.ends_with('\n'));
    let (mut samples, mut kinds, mut seen) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let mut family = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap().to_owned();
            assert!(seen.insert(family.clone()), "{family} comes twice");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(["counter", "gauge", "histogram"].contains(&kind));
            kinds.insert(name.to_owned(), kind.to_owned());
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = check_series(series);
            assert!(name.starts_with(&family), "{name} under {family}");
            let before = samples.insert(series.to_owned(), value.parse().unwrap());
            assert!(before.is_none(), "{series} comes twice");
        }
    }
    (samples, kinds)
}

/// Checks a name with its labels, and returns the name.
fn check_series(series: &str) -> &str {
    let (name, labels) = series.strip_suffix('}').unwrap().split_once('{').unwrap();
    assert!(
        name.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    );
    let mut rest = labels;
    while !rest.is_empty() {
        let (key, value) = rest.split_once("=\"").unwrap();
        assert!(
            key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{series}"
        );
        let mut escaped = false;
        let end = value.find(|c| {
            let is_end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        rest = &value[end.unwrap() + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    name
}

#[test]
fn metrics_are_what_the_stream_did() {
    let mut words = Words::new(|it| it);
    let server = words.server.local_addr();
    let (before, _) = parse(&get(server, "/metrics").body);
    assert_eq!(before["forebay_batches_total{stream=\"wo rds/1\"}"], 0.0);
    words.step("ebb flow ebb");
    words.step("tide");
    let reply = get(server, "/metrics");
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let (samples, kinds) = parse(&reply.body);
    let of =
        |name: &str, more: &str| samples[&format!("forebay_{name}{{stream=\"wo rds/1\"{more}}}")];
    assert_eq!((of("batches_total", ""), of("items_total", "")), (2.0, 4.0));
    assert_eq!(
        (of("batches_failed_total", ""), of("batches_waiting", "")),
        (0.0, 0.0)
    );
    // The owner of the driver steps it, so there is no interval, and the time of a batch is no date.
    let interval = "forebay_batch_interval_seconds";
    assert!(samples.keys().all(|series| !series.starts_with(interval)));
    assert!(wall_clock(&of("last_batch_timestamp_seconds", "")));
    assert_eq!(of("last_batch_items", ""), 1.0);
    assert_eq!(of("operator_items_total", ",operator=\"words\""), 4.0);
    assert_eq!(of("state_keys", ",operator=\"counts\""), 3.0);
    assert!(of("state_bytes", ",operator=\"counts\"") > 0.0);
    for name in ["scheduling_delay", "processing_delay", "total_delay"] {
        let bucket = |bound: &str| {
            of(
                &format!("{name}_seconds_bucket"),
                &format!(",le=\"{bound}\""),
            )
        };
        assert_eq!(bucket("+Inf"), 2.0);
        assert!(bucket("0.001") <= bucket("0.5") && bucket("0.5") <= bucket("10"));
        assert_eq!(of(&format!("{name}_seconds_count"), ""), 2.0);
    }
    assert!(of("processing_delay_seconds_sum", "") > 0.0);
    for (name, kind) in &kinds {
        assert_eq!(
            name.ends_with("_total"),
            kind == "counter",
            "{name} is a {kind}"
        );
        assert!(name.starts_with("forebay_"));
    }
}

/// Whether these are seconds since 1970 of about now.
fn wall_clock(seconds: &f64) -> bool {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    (now - 60.0..=now).contains(seconds)
}

#[test]
fn a_stream_on_a_clock_has_an_interval() {
    let interval = std::time::Duration::from_millis(20);
    let builder = StreamingContext::builder("ticks").batch_interval(interval);
    let ctx = builder.threads(1).build().unwrap();
    ctx.batches([vec![1], vec![2]])
        .for_each_batch(|_, _| Ok(()));
    let server = Server::builder()
        .stream(ServedStream::of(&ctx))
        .start()
        .unwrap();
    ctx.start().unwrap().await_termination().unwrap();
    let (samples, _) = parse(&get(server.local_addr(), "/metrics").body);
    let of = |name: &str| samples[&format!("forebay_{name}{{stream=\"ticks\"}}")];
    assert_eq!(of("batch_interval_seconds"), 0.02);
    assert!(wall_clock(&of("last_batch_timestamp_seconds")));
    let stream = get(server.local_addr(), "/streams").answer()["streams"][0].clone();
    assert_eq!(stream["batch_interval_ms"], 20);
}

#[test]
fn names_become_labels_whatever_is_in_them_and_streams_share_a_metric() {
    let contexts = ["quo\"te\\ and\nline", "plain"].map(|name| {
        let ctx = StreamingContext::builder(name).threads(1).build().unwrap();
        ctx.batches([vec![1u64]])
            .named("a\"b")
            .for_each_batch(|_, _| Ok(()));
        ctx
    });
    let builder = contexts.iter().fold(Server::builder(), |builder, ctx| {
        builder.stream(ServedStream::of(ctx))
    });
    let server = builder.start().unwrap();
    for ctx in contexts {
        ctx.into_driver().unwrap().run_to_end().unwrap();
    }
    let (samples, _) = parse(&get(server.local_addr(), "/metrics").body);
    for stream in [r#"quo\"te\\ and\nline"#, "plain"] {
        assert_eq!(
            samples[&format!("forebay_batches_total{{stream=\"{stream}\"}}")],
            1.0
        );
        let operator = format!("stream=\"{stream}\",operator=\"a\\\"b\"");
        assert_eq!(
            samples[&format!("forebay_operator_items_total{{{operator}}}")],
            1.0
        );
    }
}

#[test]
fn receivers_and_their_errors_are_in_the_metrics() {
    let ctx = StreamingContext::builder("received")
        .threads(1)
        .build()
        .unwrap();
    let (numbers, status) = ctx.receiver(Flaky(0));
    numbers.named("flaky").for_each_batch(|_, _| Ok(()));
    let served = ServedStream::of(&ctx).receiver("flaky", status.clone());
    let server = Server::builder().stream(served).start().unwrap();
    let mut driver = ctx.into_driver().unwrap();
    let start = std::time::Instant::now();
    while status.state() != ReceiverState::Stopped {
        assert!(start.elapsed().as_secs() < 60);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    driver.step(driver.next_time()).unwrap();
    let (samples, _) = parse(&get(server.local_addr(), "/metrics").body);
    let of = |name: &str| {
        samples[&format!("forebay_receiver_{name}{{stream=\"received\",receiver=\"flaky\"}}")]
    };
    assert_eq!((of("running"), of("errors_total")), (0.0, 2.0));
    assert_eq!((of("items_total"), of("items_per_second")), (3.0, 0.0));
}

#[test]
fn checkpoints_are_in_the_metrics() {
    use forebay::stream::Every;
    let directory = tempfile::tempdir().unwrap();
    let ctx = StreamingContext::builder("kept")
        .threads(1)
        .checkpoint(directory.path(), Every::batches(1))
        .build()
        .unwrap();
    ctx.batches([vec![1u64], vec![2], vec![3]])
        .for_each_batch(|_, _| Ok(()));
    let server = Server::builder()
        .stream(ServedStream::of(&ctx))
        .start()
        .unwrap();
    ctx.into_driver().unwrap().run_to_end().unwrap();
    let (samples, _) = parse(&get(server.local_addr(), "/metrics").body);
    let of = |name: &str| samples[&format!("forebay_{name}{{stream=\"kept\"}}")];
    assert!(of("checkpoints_total") >= 3.0 && of("checkpoint_bytes_total") > 0.0);
    assert!(of("checkpoint_seconds_total") > 0.0);
    assert!(wall_clock(&of("last_checkpoint_timestamp_seconds")));
}

//! How keys are asked and shown, and which state answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use forebay::frequent::MisraGries;
use forebay::sample::Reservoir;
use forebay::stream::{BatchQueue, Driver, StreamingContext};
use forebay_serve::{Drawn, ServedState, ServedStream, Server};
use serde_json::json;

use super::{Reply, Words, get};

type Bytes = Vec<u8>;

/// Counts, heavy hitters and samples of items that are bytes.
struct Items {
    driver: Driver,
    queue: BatchQueue<Bytes>,
    server: Server,
    /// How often a count was read for a ranking.
    ranked: Arc<AtomicU64>,
}

impl Items {
    fn new() -> Self {
        let ctx = StreamingContext::builder("items")
            .threads(1)
            .build()
            .unwrap();
        let queue = BatchQueue::new();
        let items = ctx.queue_stream(&queue);
        let counts = items
            .map(|item: Bytes| (item, 1u64))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        let heavy = items
            .map(|item: Bytes| ((), item))
            .summarize_by_key(|_| MisraGries::new(64));
        let samples = items
            .map(|item: Bytes| (item, 1u64))
            .summarize_by_key(|rng| Reservoir::with_rng(2, rng));
        let ranked = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&ranked);
        let read = |bytes: &[u8]| Some(bytes.to_vec());
        let served = ServedStream::of(&ctx)
            .state("heavy", {
                let served = ServedState::single(heavy.handle());
                served.heavy_hitters(|it| Some(it.clone()), Bytes::clone)
            })
            .state("counts", {
                let served = ServedState::with_byte_keys(counts.handle(), read, Bytes::clone);
                served.counts(move |count| {
                    counter.fetch_add(1, Ordering::Relaxed);
                    *count
                })
            })
            .state("samples", {
                let served = ServedState::with_byte_keys(samples.handle(), read, Bytes::clone);
                let served = served.shown_as(Reservoir::seen);
                served.sample(|it| Drawn::from(it))
            });
        Self {
            server: Server::builder().stream(served).start().unwrap(),
            driver: ctx.into_driver().unwrap(),
            queue,
            ranked,
        }
    }

    fn step(&mut self, items: &[&[u8]]) {
        self.queue
            .push(items.iter().map(|it| it.to_vec()).collect());
        self.driver.step(self.driver.next_time()).unwrap();
    }

    fn get(&self, path: &str) -> Reply {
        get(self.server.local_addr(), &format!("/streams/items{path}"))
    }
}

#[test]
fn keys_without_a_path_of_their_own_are_asked_as_a_parameter() {
    let mut items = Items::new();
    items.step(&[b"", b".", b"..", b"a/b", b"a b", b"a+b", b"&=%"]);
    for (written, key) in [
        ("", ""),
        (".", "."),
        ("..", ".."),
        ("a/b", "a/b"),
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("%26%3D%25", "&=%"),
    ] {
        let answer = items
            .get(&format!("/state?key={written}&of=counts"))
            .answer();
        assert_eq!((&answer["key"], &answer["value"]), (&json!(key), &json!(1)));
        let sample = items.get(&format!("/sample?key={written}")).answer();
        assert_eq!(sample["samples"][0]["key"], key);
    }
    assert_eq!(items.get("/state/a+b?of=counts").answer()["key"], "a+b");
}

#[test]
fn keys_that_are_not_text_are_asked_and_shown_with_percent_signs() {
    let mut items = Items::new();
    items.step(&[b"a\xff/", b"a\xff/", b"\xef\xbf\xbd"]);
    let first = json!({
        "key": "a\u{fffd}/", "key_encoded": "a%FF%2F", "lower": 2, "upper": 2, "certain": true,
    });
    for of in ["counts", "heavy"] {
        let top = items.get(&format!("/top?of={of}")).answer();
        assert_eq!(top["rows"][0], first, "{of}");
        assert_eq!(top["rows"][1]["key_encoded"], json!(null));
    }
    for path in ["/state/a%FF%2F?of=counts", "/state?key=a%FF%2F&of=counts"] {
        let answer = items.get(path).answer();
        assert_eq!(
            (&answer["value"], &answer["key_encoded"]),
            (&json!(2), &json!("a%FF%2F"))
        );
    }
    let sample = items.get("/sample?key=a%ff%2f").answer();
    assert_eq!(sample["samples"][0]["seen"], 2);
    assert_eq!(items.get("/state/a%FE%2F?of=counts").refusal().0, 404);
}

#[test]
fn long_keys_are_cut_and_do_not_hide_the_others() {
    let mut items = Items::new();
    let long: Vec<Bytes> = (0..30)
        .map(|n| format!("{n:02}{}", "\u{1}".repeat(250_000)).into_bytes())
        .collect();
    let all: Vec<&[u8]> = long.iter().map(Vec::as_slice).collect();
    items.step(&all);
    for of in ["counts", "heavy"] {
        let top = items.get(&format!("/top?n=20&of={of}")).answer();
        let rows = top["rows"].as_array().unwrap();
        assert!(rows.len() == 20 && top["left_out"].is_null(), "{of}");
        for row in rows {
            assert_eq!(row["key_bytes"], 250_002);
            assert_eq!(row["key"].as_str().map(str::len), Some(1_024));
        }
    }
    let samples = items.get("/sample?n=20").answer();
    assert_eq!(samples["samples"].as_array().map(Vec::len), Some(20));
}

#[test]
fn a_key_is_asked_of_the_only_state_that_has_such_keys() {
    let mut words = Words::new(|it| it);
    words.step("ebb flow");
    let answer = words.get("/state/ebb").answer();
    assert_eq!(
        (&answer["state"], &answer["value"]),
        (&json!("counts"), &json!(1))
    );
    for path in ["/state/e", "/state?key=e"] {
        let reply = words.get(path);
        assert_eq!(reply.refusal(), (400, "which_state".into()));
        assert!(reply.body.contains("of=: counts, samples\""), "{reply:?}");
    }
    let none = words.get("/sample?key=two");
    assert!(none.body.contains("there are: samples\""), "{none:?}");
    let unknown = words.get("/top?of=counters");
    assert!(
        unknown.body.contains("that can: heavy, counts\""),
        "{unknown:?}"
    );
}

#[test]
fn a_ranking_is_made_once_after_each_batch_for_any_number_of_rows() {
    let mut items = Items::new();
    let all: Vec<Bytes> = (0..100u8).map(|n| vec![b'a', n % 90]).collect();
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let visits = |items: &Items, n: usize| {
        let before = items.ranked.load(Ordering::Relaxed);
        let top = items.get(&format!("/top?of=counts&n={n}")).answer();
        assert_eq!(top["rows"].as_array().map(Vec::len), Some(n.min(90)));
        assert_eq!(
            top["total"],
            100 * top["batch_time"].as_u64().unwrap() / 1_000
        );
        let rows = top["rows"].clone();
        (items.ranked.load(Ordering::Relaxed) - before, rows)
    };
    items.step(&all);
    let (first, longest) = visits(&items, 20);
    assert!(first >= 90);
    for n in [10, 20, 1, 0, 10, 20] {
        let (more, rows) = visits(&items, n);
        assert_eq!(more, 0, "{n} rows");
        assert_eq!(
            rows.as_array().unwrap()[..],
            longest.as_array().unwrap()[..n]
        );
    }
    // A longer one is made anew, and from then on for all.
    assert!(visits(&items, 1_000).0 >= 90);
    for n in [20, 100, 90, 999] {
        assert_eq!(visits(&items, n).0, 0, "{n} rows");
    }
    items.step(&all);
    assert!(visits(&items, 5).0 >= 90);
    for n in [20, 5, 1_000] {
        assert_eq!(visits(&items, n).0, 0, "{n} rows");
    }
}

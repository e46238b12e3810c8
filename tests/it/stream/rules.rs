//! Rules of the model that belong to no single operator.

use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use forebay::stream::{BoxError, StreamingContext};

use super::{Seen, context};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_window_that_is_no_multiple_of_the_slide_is_an_error_that_names_both() {
    let ctx = context();
    let halves = ctx.batches([vec![1]]).window(2 * SECOND, 2 * SECOND);
    let halves = halves.unwrap();
    for (window, slide, wrong) in [
        (3 * SECOND, 2 * SECOND, "3s"),
        (4 * SECOND, SECOND, "1s"),
        (Duration::ZERO, 2 * SECOND, "0ns"),
        (4 * SECOND, Duration::ZERO, "0ns"),
        (4 * SECOND, Duration::from_millis(2_500), "2.5s"),
    ] {
        let error = halves.window(window, slide).unwrap_err().to_string();
        assert!(error.contains(wrong) && error.contains("2s"), "{error}");
        assert!(halves.count_by_window(window, slide).is_err());
    }
}

#[test]
fn a_slide_longer_than_the_window_passes_over_batches() {
    let ctx = context();
    let numbers = ctx.batches((1..=7).map(|n| vec![n]));
    let seen = Seen::of(&numbers.window(2 * SECOND, 3 * SECOND).unwrap());
    super::run(ctx);
    assert_eq!(seen.batches(), [[2, 3], [5, 6]]);
    assert_eq!(seen.times(), [3_000, 6_000]);
}

#[test]
fn receivers_take_no_worker() {
    let builder = StreamingContext::builder("receivers").threads(1);
    let ctx = builder.partitions(2).build().unwrap();
    // Each of them waits for ever after what it has sent.
    let (kept, inputs): (Vec<_>, Vec<_>) = (0..4).map(|_| ctx.channel::<u32>(10)).unzip();
    let all = inputs
        .iter()
        .skip(1)
        .fold(inputs[0].map(|n| n).boxed(), |all, input| {
            all.union(input).boxed()
        });
    let seen = Seen::of(&all.map(|n| n + 1));
    for (n, sender) in kept.iter().enumerate() {
        sender.send(n as u32).unwrap();
    }
    let mut driver = ctx.into_driver().unwrap();
    driver.step(driver.next_time()).unwrap();
    assert_eq!(seen.sorted(), [[1, 2, 3, 4]]);
}

#[test]
fn a_refused_connection_is_counted_and_tried_again() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    drop(server);
    let ctx = context();
    let (lines, status) = ctx.socket_text(address);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut step = || {
        assert!(Instant::now() < deadline);
        driver.step(driver.next_time()).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    };
    while status.errors() < 2 {
        step();
    }
    let server = TcpListener::bind(address).unwrap();
    let (mut connection, _) = server.accept().unwrap();
    connection.write_all(b"here\n").unwrap();
    while seen.batches().concat().is_empty() {
        step();
    }
    assert_eq!(seen.batches().concat(), ["here"]);
}

#[test]
fn outputs_run_in_the_order_of_their_declaration_until_one_fails() {
    let ctx = context();
    let numbers = ctx.batches([vec![1], vec![2]]);
    let calls = Arc::new(Mutex::new(Vec::new()));
    for name in ["first", "second", "third"] {
        let calls = Arc::clone(&calls);
        numbers.for_each_batch(move |batch, _| {
            let number = batch.into_vec()[0];
            calls.lock().unwrap().push((name, number));
            match (name, number) {
                ("second", 2) => Err(BoxError::from("full")),
                _ => Ok(()),
            }
        });
    }
    let mut driver = ctx.into_driver().unwrap();
    driver.step(driver.next_time()).unwrap();
    driver.step(driver.next_time()).unwrap_err();
    driver.step(driver.next_time()).unwrap_err();
    let calls = calls.lock().unwrap();
    let expected = [
        ("first", 1),
        ("second", 1),
        ("third", 1),
        ("first", 2),
        ("second", 2),
    ];
    assert_eq!(calls[..], expected);
}

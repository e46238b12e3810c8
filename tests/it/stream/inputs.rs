//! Inputs that push, and what is told about the batches.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use forebay::stream::Driver;

use super::{Flaky, Seen, builder, context, millis};

/// Steps until `done`, for a minute at most.
fn step_until(driver: &mut Driver, done: impl Fn(&Driver) -> bool) {
    let started = Instant::now();
    while !done(driver) {
        driver.step(driver.next_time()).unwrap();
        assert!(started.elapsed() < Duration::from_secs(60), "nothing comes");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_channel_gives_all_that_came_and_ends_with_its_last_inlet() {
    let ctx = context();
    let (sender, numbers) = ctx.channel(100);
    let seen = Seen::of(&numbers);
    let mut driver = ctx.into_driver().unwrap();
    let other = sender.clone();
    sender.send(1).unwrap();
    other.send_all(vec![2, 3]).unwrap();
    driver.step(millis(1_000)).unwrap();
    driver.step(millis(2_000)).unwrap();
    drop(sender);
    other.send(4).unwrap();
    assert!(!driver.is_finished());
    drop(other);
    assert!(!driver.is_finished() && driver.has_pending());
    driver.step(millis(3_000)).unwrap();
    assert!(driver.is_finished());
    assert_eq!(seen.batches(), [vec![1, 2, 3], vec![], vec![4]]);
}

#[test]
fn a_full_channel_holds_the_sender_back_and_loses_nothing() {
    let ctx = context();
    let (sender, numbers) = ctx.channel(10);
    let seen = Seen::of(&numbers);
    let mut driver = ctx.into_driver().unwrap();
    let sender = thread::spawn(move || {
        sender.send_all((0..1_000).collect()).unwrap();
        (1_000..1_100).for_each(|n| sender.send(n).unwrap());
    });
    step_until(&mut driver, Driver::is_finished);
    sender.join().unwrap();
    let batches = seen.batches();
    assert!(batches.iter().all(|batch| batch.len() <= 10));
    assert!(batches.concat().into_iter().eq(0..1_100));
}

#[test]
fn a_sender_learns_that_the_stream_has_stopped() {
    let ctx = context();
    let (sender, numbers) = ctx.channel(1);
    let _seen = Seen::of(&numbers);
    let driver = ctx.into_driver().unwrap();
    sender.send("taken").unwrap();
    let waiting = thread::spawn(move || (sender.send("refused"), sender));
    drop(driver);
    let (result, sender) = waiting.join().unwrap();
    assert_eq!(result.unwrap_err().0, "refused");
    assert_eq!(sender.send_all(vec!["this", "too"]).unwrap_err().0.len(), 2);
}

#[test]
fn a_failing_receiver_is_called_again_and_what_it_sent_is_kept() {
    let ctx = context();
    let (numbers, status) = ctx.receiver(Flaky(0));
    let seen = Seen::of(&numbers);
    let mut driver = ctx.into_driver().unwrap();
    step_until(&mut driver, Driver::is_finished);
    assert_eq!(seen.batches().concat(), [1, 2, 3]);
    assert_eq!(status.errors(), 2);
}

#[test]
fn lines_of_a_reader_end_with_it() {
    let ctx = context();
    let (lines, status) = ctx.lines_of(&b"one\r\ntwo\n\nfour"[..]);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    step_until(&mut driver, Driver::is_finished);
    assert_eq!(seen.batches().concat(), ["one", "two", "", "four"]);
    assert_eq!(status.errors(), 0);
}

#[test]
fn lines_with_invalid_utf_8_are_counted() {
    let ctx = context();
    let (lines, status) = ctx.lines_of(&b"fine\nb\xffd \xfe\n\xe2\x82\xac\n\xc3"[..]);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    step_until(&mut driver, Driver::is_finished);
    let expected = ["fine", "b\u{fffd}d \u{fffd}", "\u{20ac}", "\u{fffd}"];
    assert_eq!(seen.batches().concat(), expected);
    assert_eq!(status.replaced_lines(), 2);
}

/// A reader that gives what is listed, and then ends.
struct Script(VecDeque<io::Result<&'static [u8]>>);

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(next) = self.0.pop_front() else {
            return Ok(0);
        };
        let bytes = next?;
        into[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

#[test]
fn a_line_goes_on_after_an_error_in_its_middle() {
    let script = Script(VecDeque::from([
        Ok(&b"one\nprice=12"[..]),
        Err(io::Error::other("once")),
        Ok(&b"345\nthree\n"[..]),
    ]));
    let ctx = context();
    let (lines, status) = ctx.lines_of(script);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    step_until(&mut driver, Driver::is_finished);
    assert_eq!(seen.batches().concat(), ["one", "price=12345", "three"]);
    assert_eq!((status.errors(), status.dropped_lines()), (1, 0));
}

#[test]
fn a_reader_that_has_nothing_is_asked_again_after_a_pause() {
    let nothing = || Err(io::ErrorKind::WouldBlock.into());
    let script = (0..5).map(|_| nothing()).chain([Ok(&b"one\n"[..])]);
    let ctx = context();
    let (lines, status) = ctx.lines_of(Script(script.collect()));
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    let started = Instant::now();
    step_until(&mut driver, Driver::is_finished);
    // It may take longer, never shorter.
    assert!(started.elapsed() >= 5 * Duration::from_millis(20));
    assert_eq!(seen.batches().concat(), ["one"]);
    assert_eq!(status.errors(), 0);
}

#[test]
fn half_a_line_is_no_line_when_the_connection_is_lost() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serve = thread::spawn(move || {
        // Killed in the middle of a line, it sends the line again.
        for text in ["price=100\nprice=12", "price=12345\n"] {
            let (mut connection, _) = server.accept().unwrap();
            connection.write_all(text.as_bytes()).unwrap();
        }
    });
    let ctx = context();
    let (lines, status) = ctx.socket_text(address);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    step_until(&mut driver, |_| seen.batches().concat().len() == 2);
    serve.join().unwrap();
    assert_eq!(seen.batches().concat(), ["price=100", "price=12345"]);
    assert_eq!(status.dropped_lines(), 1);
}

#[test]
fn a_line_without_an_end_is_dropped_and_the_connection_stays() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let ctx = builder().longest_line(100_000).build().unwrap();
    let (lines, status) = ctx.socket_text(address);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    let (mut connection, _) = server.accept().unwrap();
    connection.write_all(&[b'x'; 100_001]).unwrap();
    // It is counted before its end has come.
    step_until(&mut driver, |_| status.dropped_lines() == 1);
    assert_eq!(status.errors(), 1);
    for _ in 0..16 {
        connection.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    connection.write_all(b"\nfine\n").unwrap();
    step_until(&mut driver, |_| !seen.batches().concat().is_empty());
    assert_eq!(seen.batches().concat(), ["fine"]);
    assert_eq!((status.errors(), status.dropped_lines()), (1, 1));
}

#[test]
fn a_socket_is_connected_again_when_the_other_side_closes() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serve = thread::spawn(move || {
        for text in ["one\ntwo\n", "three\n"] {
            let (mut connection, _) = server.accept().unwrap();
            connection.write_all(text.as_bytes()).unwrap();
        }
        server.accept().unwrap()
    });
    let ctx = context();
    let (lines, status) = ctx.socket_text(address);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    step_until(&mut driver, |_| seen.batches().concat().len() == 3);
    assert_eq!(seen.batches().concat(), ["one", "two", "three"]);
    let open = serve.join().unwrap();
    assert!(status.errors() >= 2);
    assert!(!driver.is_finished());
    drop((driver, open));
}

#[test]
fn a_graceful_stop_processes_what_receivers_have_sent() {
    let ctx = builder()
        .batch_interval(Duration::from_secs(3_600))
        .build()
        .unwrap();
    let (sender, numbers) = ctx.channel(100);
    let seen = Seen::of(&numbers);
    let running = ctx.start().unwrap();
    sender.send_all(vec![1, 2, 3]).unwrap();
    running.stop().unwrap();
    assert_eq!(seen.batches(), [[1, 2, 3]]);
    assert!(sender.is_stopped());
}

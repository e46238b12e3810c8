//! A generated log, to try the commands on.

use std::io::{self, Read, Write};

use forebay::hash::route;

/// Lines `client path status bytes`; a few clients and paths are frequent, many are rare.
///
/// Line i depends on i alone, so a longer log begins with a shorter one.
#[derive(Debug)]
pub(crate) struct GeneratedLog {
    next: u64,
    end: u64,
    /// Lines that were made and not yet read.
    ready: Vec<u8>,
}

impl GeneratedLog {
    pub(crate) const fn new(lines: u64) -> Self {
        Self {
            next: 0,
            end: lines,
            ready: Vec::new(),
        }
    }

    fn make_lines(&mut self) -> io::Result<()> {
        const AT_ONCE: u64 = 1 << 10;
        let end = self.end.min(self.next.saturating_add(AT_ONCE));
        self.ready.clear();
        for line in self.next..end {
            let client = skewed(line, "client");
            let path = skewed(line, "path");
            let status = [200, 200, 200, 200, 200, 200, 304, 404][pick(line, "status", 8)];
            let bytes = 200 + skewed(line, "bytes") * 60;
            let (high, low) = (client / 250, client % 250);
            writeln!(
                self.ready,
                "10.0.{high}.{low} /page/{path} {status} {bytes}"
            )?;
        }
        self.next = end;
        Ok(())
    }
}

impl Read for GeneratedLog {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            self.make_lines()?;
        }
        let length = buffer.len().min(self.ready.len());
        buffer[..length].copy_from_slice(&self.ready[..length]);
        self.ready.drain(..length);
        Ok(length)
    }
}

/// A number below `choices` for one part of a line.
fn pick(line: u64, part: &str, choices: u64) -> usize {
    (route(&(line, part)) % choices) as usize
}

/// A number below 1024; small ones are frequent, number n about in proportion to 1/n.
fn skewed(line: u64, part: &str) -> usize {
    let scale = 1 << pick(line, part, 11);
    pick(!line, part, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn log(lines: u64) -> String {
        let mut text = String::new();
        let read = GeneratedLog::new(lines).read_to_string(&mut text);
        read.expect("it is made of text");
        text
    }

    #[test]
    fn a_longer_log_begins_with_a_shorter_one() {
        assert_eq!(log(0), "");
        let (short, long) = (log(1_500), log(3_000));
        assert_eq!(
            (short.lines().count(), long.lines().count()),
            (1_500, 3_000)
        );
        assert!(long.starts_with(&short));
    }

    #[test]
    fn few_clients_are_frequent_and_many_are_rare() {
        let log = log(20_000);
        let client = |line: &str| line.split(' ').next().map(str::to_owned);
        let clients: Vec<_> = log.lines().filter_map(client).collect();
        let distinct: HashSet<_> = clients.iter().collect();
        let first = clients
            .iter()
            .filter(|client| *client == "10.0.0.0")
            .count();
        assert!(distinct.len() > 900, "{}", distinct.len());
        assert!((2_000..6_000).contains(&first), "{first}");
        assert!(log.lines().all(|line| line.split(' ').count() == 4));
    }
}

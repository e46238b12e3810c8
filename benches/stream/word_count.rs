//! Running counts of words, against a loop into one map written by hand.

use criterion::Criterion;
use forebay::stream::{BatchQueue, Driver};

use crate::stepping::{Map, by_hand, context, counting, group, steps};
use crate::words;

pub(crate) const GIVEN: [(&str, u64); 2] = [
    ("word count, 100 k distinct", 100_000),
    ("word count, 1 M distinct", 1_000_000),
];

pub(crate) const SPLIT: &str = "word count of lines, 100 k distinct";

/// The words are in the batch as strings.
pub(crate) fn of_words(c: &mut Criterion) {
    for (name, distinct) in GIVEN {
        let batches = words::batches(distinct);
        let mut group = group(c, name);
        let mut map: Map<String> = Map::default();
        by_hand(&mut group, "by hand", words::in_turn(&batches), |batch| {
            for word in batch {
                *map.entry(word).or_insert(0) += 1;
            }
        });
        for (name, threads, partitions) in [
            ("1 thread, 1 partition", 1, 1),
            ("1 thread", 1, 8),
            ("2 threads", 2, 8),
        ] {
            let counting = counting(context(threads, partitions));
            steps(&mut group, name, counting, words::in_turn(&batches));
        }
    }
}

/// The batch has lines of ten words, and the program splits them.
pub(crate) fn of_lines(c: &mut Criterion) {
    let lines = |words: &Vec<String>| words.chunks(10).map(|ten| ten.join(" ")).collect();
    let batches: Vec<Vec<String>> = words::batches(100_000).iter().map(lines).collect();
    let mut group = group(c, SPLIT);
    let mut map: Map<String> = Map::default();
    by_hand(&mut group, "by hand", words::in_turn(&batches), |batch| {
        for line in batch {
            for word in line.split(' ') {
                *map.entry(word.to_owned()).or_insert(0) += 1;
            }
        }
    });
    for (name, threads) in [("1 thread", 1), ("2 threads", 2)] {
        steps(
            &mut group,
            name,
            counting_lines(threads),
            words::in_turn(&batches),
        );
    }
}

fn counting_lines(threads: usize) -> (BatchQueue<String>, Driver) {
    let (ctx, queue) = (context(threads, 8), BatchQueue::new());
    let split = |line: String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    ctx.queue_stream(&queue)
        .flat_map(split)
        .map(|word| (word, 1u64))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .count()
        .for_each_batch(|_, _| Ok(()));
    (queue, ctx.into_driver().expect("there is an output"))
}

pub(crate) const KNOWN: [(&str, u64); 2] = [
    ("1 k words, 100 k known", 100_000),
    ("1 k words, 1 M known", 1_000_000),
];

/// A small batch of words, many known: what Spark takes longest for.
pub(crate) fn few_of_many(c: &mut Criterion) {
    for (name, known) in KNOWN {
        let batches = words::batches(known);
        let few: Vec<Vec<String>> = batches
            .iter()
            .map(|batch| batch[..1_000].to_vec())
            .collect();
        let (queue, mut driver) = counting(context(2, 8));
        for batch in batches {
            queue.push(batch);
            driver.step(driver.next_time()).expect("nothing fails");
        }
        let mut group = group(c, name);
        steps(
            &mut group,
            "2 threads",
            (queue, driver),
            words::in_turn(&few),
        );
    }
}

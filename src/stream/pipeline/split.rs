//! Splitting a collection into partitions.

use std::vec::Vec;

/// Partition `i` of `p` gets the items from `i * len / p` up to `(i + 1) * len / p`.
pub(crate) fn split<T>(mut items: Vec<T>, partitions: usize) -> Vec<Vec<T>> {
    let len = items.len();
    let mut parts: Vec<Vec<T>> = (1..partitions)
        .rev()
        .map(|partition| items.split_off(partition * len / partitions))
        .collect();
    parts.push(items);
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_collection_is_split_at_the_stated_places() {
        for len in 0..40usize {
            for partitions in 1..9 {
                let parts = split((0..len).collect(), partitions);
                assert_eq!(parts.len(), partitions);
                for (i, part) in parts.iter().enumerate() {
                    let range = i * len / partitions..(i + 1) * len / partitions;
                    assert!(part.iter().copied().eq(range));
                }
            }
        }
    }
}

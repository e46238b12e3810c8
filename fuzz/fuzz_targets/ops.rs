//! The operations that every target applies, and what must hold after each.

use arbitrary::Arbitrary;
use forebay::Merge;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Something done to one of two summaries of the same type.
#[derive(Arbitrary, Debug)]
pub enum Op {
    /// Offer one item with a weight.
    Update(u8, f64),
    /// Offer a run of items, weight one, as a slice.
    Slice(u16),
    /// Offer a run of items, weight one, as an iterator of unknown length.
    Stream(u16),
    /// Merge the other summary into this one and start the other afresh.
    Merge,
    /// Go on with the other summary.
    Swap,
    /// Store and read back.
    Store,
    /// Forget everything.
    Clear,
}

/// A summary under test together with the twin that knows the truth.
pub trait Subject: Sized {
    /// The summary.
    type Summary: Merge + Clone + Serialize + DeserializeOwned;

    /// An empty summary.
    fn make(&self, seed: u64) -> Self::Summary;
    /// Offers one item.
    fn update(summary: &mut Self::Summary, item: u8, weight: f64);
    /// Offers a slice.
    fn slice(summary: &mut Self::Summary, items: &[u8]);
    /// Offers an iterator.
    fn stream(summary: &mut Self::Summary, items: &mut dyn Iterator<Item = u8>);
    /// Forgets everything.
    fn clear(summary: &mut Self::Summary);
    /// Whether a weight is one that the summary accepts.
    fn accepts(weight: f64) -> bool;
    /// Panics unless the summary's answers fit what was offered.
    fn check(&self, summary: &Self::Summary, offered: &[(u8, f64)]);
}

/// Applies operations to two summaries, checking after each.
pub fn apply<S: Subject>(subject: &S, ops: &[Op]) {
    let mut pair = [(subject.make(1), Vec::new()), (subject.make(2), Vec::new())];
    for (step, op) in ops.iter().enumerate() {
        let [(summary, offered), other] = &mut pair;
        match op {
            Op::Update(item, weight) => {
                S::update(summary, *item, *weight);
                if S::accepts(*weight) {
                    offered.push((*item, *weight));
                }
            }
            Op::Slice(len) | Op::Stream(len) => {
                let items: Vec<u8> = (0..*len % 2_048).map(|i| i.wrapping_mul(i) as u8).collect();
                if matches!(op, Op::Slice(_)) {
                    S::slice(summary, &items);
                } else {
                    S::stream(summary, &mut items.iter().copied().filter(|_| true));
                }
                offered.extend(items.into_iter().map(|item| (item, 1.0)));
            }
            Op::Merge => {
                let fresh = (subject.make(step as u64 + 3), Vec::new());
                let (theirs, also) = std::mem::replace(other, fresh);
                summary.merge(theirs);
                offered.extend(also);
            }
            Op::Swap => pair.swap(0, 1),
            Op::Store => {
                let bytes = postcard::to_allocvec(&*summary).expect("a summary can be stored");
                *summary = postcard::from_bytes(&bytes).expect("what was stored can be read");
            }
            Op::Clear => {
                S::clear(summary);
                offered.clear();
            }
        }
        let (summary, offered) = &pair[0];
        subject.check(summary, offered);
    }
}

//! Purchases, each with the clicks of the same user in the ten seconds before it.
//!
//! ```text
//! cargo run --example join_in_window
//! ```

use std::error::Error;
use std::sync::mpsc;
use std::time::Duration;

use forebay::stream::StreamingContext;

fn main() -> Result<(), Box<dyn Error>> {
    let second = Duration::from_secs(1);
    let ctx = StreamingContext::builder("join")
        .batch_interval(second)
        .build()?;
    // User `n % 3` clicks in second `n`, and buys every fifth second.
    let clicks = ctx.batches((0..60u64).map(|n| vec![(n % 3, n)]));
    let purchases = ctx.batches((0..60u64).map(|n| match n % 5 {
        0 => vec![(n % 3, n)],
        _ => vec![],
    }));

    // Only the clicks have a window. With one on either side a pair would come again in every
    // batch that both are in the window of.
    let recent = clicks.window(10 * second, second)?;
    let joined = purchases.join(&recent);
    let (sender, receiver) = mpsc::channel();
    joined.for_each_batch(move |pairs, _time| {
        pairs.into_iter().try_for_each(|pair| sender.send(pair))?;
        Ok(())
    });
    ctx.into_driver()?.run_to_end()?;

    let mut pairs: Vec<_> = receiver.try_iter().collect();
    pairs.sort_unstable();
    let expected = |&(user, (bought, clicked)): &(u64, (u64, u64))| {
        bought % 3 == user && clicked % 3 == user && (0..10).contains(&(bought - clicked))
    };
    assert!(pairs.iter().all(expected));
    // Seconds 0 and 5 have fewer than ten before them.
    assert_eq!(pairs.len(), 1 + 2 + 10 * 4);
    println!("{} purchases and clicks that belong together", pairs.len());
    Ok(())
}

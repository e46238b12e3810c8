//! Runs the conformance cases against the driver, with 1, 2 and 8 threads, and with 1 to 5
//! partitions unless the case says how many.
//!
//! ```text
//! cargo test --test conformance -- --nocapture
//! FOREBAY_CASES=more_cases.json cargo test --test conformance
//! ```
//!
//! The last line is the tally. A case that needs what does not exist yet is not a failure.

mod build;
mod case;
mod recover;
mod run;
mod vocabulary;
mod whole;

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::{Case, Failure, Parsed};
use libtest_mimic::{Arguments, Failed, Trial};

static UNSUPPORTED: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let arguments = Arguments::from_args();
    let (path, cases) = case::load();
    let trials = cases
        .into_iter()
        .map(|(name, parsed)| Trial::test(name, move || trial(&parsed)))
        .collect();
    if arguments.list {
        libtest_mimic::run(&arguments, trials).exit();
    }
    println!("cases: {}", path.display());
    let conclusion = libtest_mimic::run(&arguments, trials);
    let lacking = UNSUPPORTED.load(Ordering::Relaxed);
    println!(
        "conformance: {} passed, {} failed, {lacking} not yet supported",
        conclusion.num_passed as usize - lacking,
        conclusion.num_failed,
    );
    conclusion.exit_if_failed();
}

fn trial(parsed: &Parsed) -> Result<(), Failed> {
    let case = parsed.as_ref()?;
    // The harness indexes into what the file holds; a panic is a failed case, not a dead run.
    match catch_unwind(|| all_widths(case)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Failure::Wrong(text))) => Err(text.into()),
        Ok(Err(Failure::Unsupported(what))) => {
            UNSUPPORTED.fetch_add(1, Ordering::Relaxed);
            println!("not yet supported: {}: {what}", case.name);
            Ok(())
        }
        Err(_) => Err("malformed case: the harness panicked".into()),
    }
}

fn all_widths(case: &Case) -> case::Outcome {
    let partitions = match case.number("partitions")? {
        // One partition's iterator is what this function is about.
        _ if case.params["fn"] == "usbk_iter_total" => vec![1],
        Some(partitions) => vec![partitions as usize],
        None => (1..=5).collect(),
    };
    for partitions in partitions {
        for threads in [1, 2, 8] {
            run::run(case, threads, partitions).map_err(|failure| match failure {
                Failure::Wrong(text) => Failure::Wrong(format!(
                    "with {threads} threads and {partitions} partitions: {text}"
                )),
                lacking @ Failure::Unsupported(_) => lacking,
            })?;
        }
    }
    Ok(())
}

//! The ratio table that every benchmark ends with.
//!
//! Criterion measures each routine of a group in the same run; this reads back the medians and
//! prints each as a multiple of the group's reference.

use std::path::PathBuf;

/// Prints the median of every routine of `group` as a multiple of the median of `reference`.
///
/// Groups that were filtered out on the command line are passed over.
pub(crate) fn print(group: &str, reference: &str, routines: &[&str]) {
    let Some(floor) = median(group, reference) else {
        return;
    };
    println!("\n{group}: {reference} = {}", time(floor));
    for routine in routines {
        if let Some(median) = median(group, routine) {
            println!(
                "  {routine:<28} {:>12}  {:>8.2}x",
                time(median),
                median / floor
            );
        }
    }
}

/// A number of nanoseconds in a unit that suits it.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    }
}

/// The median that criterion stored in this run, in nanoseconds an iteration.
pub(crate) fn median(group: &str, routine: &str) -> Option<f64> {
    // Criterion replaces what cannot stand in a file name.
    let folder = |name: &str| name.replace(['/', '"', ':', '*', '?', '<', '>', '|'], "_");
    let path = results()
        .join(folder(group))
        .join(folder(routine))
        .join("new/estimates.json");
    let text = std::fs::read_to_string(path).ok()?;
    let estimates: serde_json::Value = serde_json::from_str(&text).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

/// Where criterion stores results: beside the folder of the profile this program was built in.
fn results() -> PathBuf {
    let program = std::env::current_exe().expect("a program has a path");
    let target = program
        .ancestors()
        .nth(3)
        .expect("target/release/deps/name");
    target.join("criterion")
}

//! Prints how often the intervals of the samplers' estimates cover the truth.
//!
//! `cargo run --release --example accuracy [SEEDS]`

#[path = "support/coverage.rs"]
mod coverage;

fn main() {
    let seeds = std::env::args().nth(1).map_or(2_000, |text| {
        text.parse().expect("the number of seeds is a whole number")
    });
    println!("{seeds} samples each, intervals at 0.95\n");
    println!("| estimate | regime | covers | mean / truth | width / truth |");
    println!("|---|---|---|---|---|");
    for case in coverage::cases() {
        let outcome = coverage::run(&case, seeds);
        println!(
            "| {} | {} | {:.1} % | {:.3} | {:.3} |",
            case.name,
            if case.normal { "normal" } else { "other" },
            outcome.coverage * 100.0,
            outcome.bias,
            outcome.width
        );
    }
}

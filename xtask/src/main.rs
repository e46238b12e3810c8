//! The commands of this repository: `cargo xtask` lists them.

mod bench;
mod call;
mod cost;
mod gate;
mod guide;
mod layers;
mod package;
mod tests;
mod tools;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

/// Why a command fails.
type Failure = Box<dyn std::error::Error>;

/// What a command is given: the repository, and the words after its name.
struct Task<'a> {
    workspace: &'a Workspace,
    args: &'a [String],
}

impl Task<'_> {
    /// A word after the name, or what stands for it.
    fn arg_or<'a>(&'a self, index: usize, default: &'a str) -> &'a str {
        self.args.get(index).map_or(default, String::as_str)
    }
}

/// A command: name, arguments, what it does, and the function that does it.
type Command = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Task) -> Result<(), Failure>,
);

const COMMANDS: [Command; 21] = [
    (
        "ci",
        "[--quick]",
        "everything that must pass before a change lands; --quick: below 5 minutes",
        gate::run,
    ),
    (
        "layers",
        "[ORDERS]",
        "imports point downward only, and in no circle",
        layers::run,
    ),
    (
        "package",
        "",
        "every published crate builds from its own files",
        package::run,
    ),
    (
        "interop",
        "",
        "images are exchanged with the Python package datasketches",
        tests::interop,
    ),
    (
        "page",
        "",
        "the live page in a headless Chromium",
        tests::page,
    ),
    (
        "sqlite",
        "",
        "a table of SQLite, killed and resumed",
        tests::sqlite,
    ),
    (
        "abort",
        "",
        "errors of closures only fail their batch under panic = abort",
        tests::abort,
    ),
    (
        "conformance",
        "",
        "the conformance cases, one by one (other cases: FOREBAY_CASES=FILE)",
        tests::conformance,
    ),
    (
        "stats",
        "[TIMES]",
        "the statistical tests, ten times as long",
        tests::stats,
    ),
    (
        "kills",
        "[TIMES]",
        "kills a stream and its servers 200 times",
        tests::kills,
    ),
    (
        "attack",
        "[TIMES]",
        "kills, failing calls, power cuts, panics, late clocks and crashes at length",
        tests::attack,
    ),
    (
        "fixtures",
        "",
        "writes the saved files of cli/tests/saved anew, after a new version of their format",
        tests::fixtures,
    ),
    (
        "soak",
        "[SECONDS]",
        "a stream under load with kills, its memory watched, for an hour",
        tests::soak,
    ),
    (
        "fuzz",
        "[TARGET [SECONDS]]",
        "fuzzes a target for a minute; lists them without one",
        tests::fuzz,
    ),
    (
        "mutants",
        "[FILES]",
        "mutants of src/sample/*.rs that no test finds; hours",
        tests::mutants,
    ),
    (
        "bench",
        "[NAME [ARG...]]",
        "a benchmark beside its rivals; lists them without a name",
        bench::run,
    ),
    (
        "accuracy",
        "",
        "how often the intervals of estimates hold the truth",
        tests::accuracy,
    ),
    (
        "guide",
        "",
        "builds docs/guide; its examples are documentation tests",
        guide::run,
    ),
    (
        "cost",
        "",
        "crates and seconds that a build takes, by features",
        cost::run,
    ),
    (
        "tools",
        "",
        "installs the tools of these commands under target/tools",
        tools::run,
    ),
    ("help", "", "this list", help),
];

fn help(_: &Task) -> Result<(), Failure> {
    for (name, args, what, _) in COMMANDS {
        println!("{:30} {what}", format!("{name} {args}"));
    }
    Ok(())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let name = args.first().map_or("help", String::as_str);
    let Some((_, _, _, run)) = COMMANDS.iter().find(|command| command.0 == name) else {
        eprintln!("xtask: there is no command `{name}`; `cargo xtask` lists them");
        return ExitCode::from(2);
    };
    let result = Workspace::read().and_then(|workspace| {
        std::env::set_current_dir(&workspace.root)?;
        run(&Task {
            workspace: &workspace,
            args: args.get(1..).unwrap_or_default(),
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

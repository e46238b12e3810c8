//! `guide`: the book in `docs/guide` builds. Its examples are documentation tests of the crates.

use crate::call::call;
use crate::tools::{self, MDBOOK};
use crate::{Failure, Task};

pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    tools::need(&[&MDBOOK])?;
    let book = task.workspace.target.join("guide");
    call("mdbook")
        .args(["build", "docs/guide", "--dest-dir"])
        .args([book])
        .run()
}

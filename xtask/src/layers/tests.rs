//! Small trees of source: what has to be found in each, and what not.

use std::fs;

use super::check;
use super::rules::Verdict;

const ORDER: &str = r#"
[[order]]
crate = "core"
levels = ["top", "left | right", "one, two", "low"]
"#;

/// Judges crate `core`, and `leaf` where a file of that name is given.
fn judge(files: &[(&str, &str)]) -> Verdict {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = dir.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let orders = dir.path().join("layers.toml");
    fs::write(&orders, ORDER).unwrap();
    let [root, leaf] = ["lib.rs", "leaf.rs"].map(|file| dir.path().join(file));
    let mut crates = vec![("core", root.as_path())];
    if leaf.exists() {
        crates.push(("leaf", leaf.as_path()));
    }
    check(&crates, &orders).unwrap()
}

/// Judges a crate whose rooms `top` and `low` have a file each.
fn top_and_low(top: &str, low: &str) -> Verdict {
    judge(&[
        ("lib.rs", "mod top; mod low;"),
        ("top.rs", top),
        ("low.rs", low),
    ])
}

fn assert_upward(low: &str) {
    let verdict = top_and_low("pub struct T; pub fn f() {} pub mod codec {}", low);
    assert_eq!(verdict.upward, 1, "{low}: {verdict:?}");
}

#[test]
fn arrows_downward_pass() {
    let verdict = top_and_low("use crate::low::L; fn f(_: L) {}", "pub struct L;");
    assert_eq!(verdict.findings, [""; 0]);
    assert_eq!((verdict.files, verdict.arrows, verdict.rooms), (3, 1, 2));
}

#[test]
fn imports_upward_are_found() {
    assert_upward("use crate::top::T;");
    assert_upward("use super::top::{self};");
    assert_upward("use crate::{top::{T as U, f}};");
    assert_upward("use crate::top::*;");
    assert_upward("fn g() { use crate::top; top::f() }");
}

#[test]
fn inline_paths_upward_are_found() {
    assert_upward("pub struct L(crate::top::T);");
    assert_upward("fn g() { crate::top::f() }");
    assert_upward("fn g(x: Vec<Box<super::top::T>>) {}");
    assert_upward("fn g() { vec![crate::top::f()]; }");
    assert_upward("macro_rules! m { () => { $crate::top::f() } }");
    assert_upward("impl Drop for crate::top::T { fn drop(&mut self) {} }");
    assert_upward("#[derive(crate::top::T)] struct L;");
}

#[test]
fn serde_attributes_upward_are_found() {
    assert_upward(r#"struct L { #[serde(with = "crate::top::codec")] a: u8 }"#);
    assert_upward(r#"#[serde(try_from = "crate::top::T")] struct L;"#);
    assert_upward(r#"struct L { #[serde(default = "super::top::f")] a: u8 }"#);
    assert_upward(r#"#[serde(bound(serialize = "A: Into<crate::top::T>"))] struct L<A>(A);"#);
    assert_upward(r#"#[cfg_attr(feature = "serde", serde(from = "crate::top::T"))] struct L;"#);
    let verdict = top_and_low("", r#"struct L { #[serde(rename = "crate::top")] a: u8 }"#);
    assert_eq!(verdict.upward, 0, "{verdict:?}");
}

#[test]
fn re_exports_are_followed_to_the_item() {
    // The root re-exports an item of `top`, under another name.
    let verdict = judge(&[
        (
            "lib.rs",
            "mod top; mod low; pub use top::T as Renamed; pub(crate) use low::*;",
        ),
        ("top.rs", "pub struct T;"),
        ("low.rs", "use crate::Renamed;"),
    ]);
    assert_eq!(verdict.upward, 1, "{verdict:?}");
    // What `low` defines may be named through the root, or through `top`.
    let verdict = judge(&[
        ("lib.rs", "mod top; mod low; mod one; pub use low::*;"),
        ("top.rs", "pub use crate::low::L;"),
        ("low.rs", "pub struct L;"),
        ("one.rs", "use crate::L; use crate::top::L as M;"),
    ]);
    assert_eq!(verdict.findings, [""; 0]);
}

#[test]
fn rooms_without_a_place_and_items_above_the_rooms_are_found() {
    let verdict = judge(&[
        ("lib.rs", "mod low; mod attic;"),
        ("low.rs", ""),
        ("attic.rs", ""),
    ]);
    assert!(verdict.findings[0].starts_with("no place"), "{verdict:?}");
    let verdict = judge(&[
        ("lib.rs", "mod low; pub struct R;"),
        ("low.rs", "use crate::R;"),
    ]);
    assert_eq!(verdict.upward, 1, "{verdict:?}");
}

#[test]
fn rooms_of_one_level() {
    let beside = |names: [&str; 2], bodies: [&str; 2]| {
        let [first, second] = names.map(|name| format!("{name}.rs"));
        let root = format!("mod {}; mod {};", names[0], names[1]);
        judge(&[("lib.rs", &root), (&first, bodies[0]), (&second, bodies[1])]).upward
    };
    assert_eq!(
        beside(["left", "right"], ["use crate::right::R;", "pub struct R;"]),
        1
    );
    assert_eq!(
        beside(["one", "two"], ["use crate::two::R;", "pub struct R;"]),
        0
    );
    assert_eq!(
        beside(
            ["one", "two"],
            [
                "use crate::two::R; pub struct S;",
                "use crate::one::S; pub struct R;"
            ]
        ),
        2
    );
}

#[test]
fn circles_between_files_are_found() {
    let verdict = judge(&[
        ("lib.rs", "mod low;"),
        ("low/mod.rs", "mod a; mod b; mod c; pub use a::A; use b::B;"),
        ("low/a.rs", "use super::B; pub struct A;"),
        ("low/b.rs", "pub struct B(super::c::C);"),
        ("low/c.rs", "pub struct C; fn f() { crate::low::A::new() }"),
    ]);
    assert_eq!((verdict.circles, verdict.arrows), (1, 3), "{verdict:?}");
    // A parent that only declares and re-exports is no part of one; one with code is.
    let parent = |code: &str| {
        let parent = format!("mod a; pub use a::A; {code}");
        judge(&[
            ("lib.rs", "mod low;"),
            ("low/mod.rs", &parent),
            ("low/a.rs", "use super::f; pub struct A;"),
        ])
        .circles
    };
    assert_eq!(
        (parent("use std::iter::empty as f;"), parent("fn f() {}")),
        (0, 1)
    );
}

#[test]
fn tests_are_not_looked_at() {
    let verdict = top_and_low(
        "pub struct T;",
        "#[cfg(test)] mod tests { use crate::top::T; } #[cfg(all(test, unix))] use crate::top::T;
         struct L; impl L { #[cfg(test)] fn f() -> crate::top::T {} }",
    );
    assert_eq!(verdict.findings, [""; 0]);
}

#[test]
fn hidden_things_of_another_crate_are_found() {
    let core = "pub mod low;";
    let low = "#[doc(hidden)] pub struct H; pub trait T { #[doc(hidden)] fn secret(&self); fn open(&self); }";
    let seams = |leaf: &str| judge(&[("lib.rs", core), ("low.rs", low), ("leaf.rs", leaf)]).seams;
    assert_eq!(seams("use core::low::H;"), 1);
    assert_eq!(
        seams("use core::low::T; impl T for u8 { fn secret(&self) {} fn open(&self) {} }"),
        1
    );
    assert_eq!(seams("fn f(x: u8) { core::low::T::secret(&x) }"), 1);
    assert_eq!(seams("use core::low::T; fn f(x: u8) { T::open(&x) }"), 0);
}

//! `--save-as datasketches`, and `forebay merge` of images alone and with other files.

use std::fs;
use std::path::Path;

use forebay::datasketches::{
    ImageKind, read_frequent, read_reservoir_with_seed, read_var_opt_with_seed,
    write_reservoir_union, write_var_opt_union,
};
use forebay::frequent::MisraGries;
use forebay::sample::{Reservoir, VarOpt};

use crate::support::{Run, command, forebay, json};

/// The path of a file in a folder.
fn path_in(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// Runs a command that saves an image; returns its path.
fn save(folder: &Path, name: &str, args: &str, stdin: &str) -> String {
    let path = path_in(folder, name);
    forebay(
        &format!("{args} --save {path} --save-as datasketches"),
        stdin,
    )
    .quiet_success();
    path
}

fn sample(method: &str, seed: u64) -> String {
    format!("sample -n 5 --seed {seed} {method}")
}

fn merge(args: &str) -> Run {
    forebay(&format!("merge {args}"), "")
}

fn estimate(args: &str, question: &str) -> f64 {
    let mut command = command(&format!("merge --format json {args}"));
    let output = command.args(["--estimate", question]).output();
    let output = output.expect("the binary runs").stdout;
    let answer = json(&String::from_utf8_lossy(&output))["estimates"][0].clone();
    answer["value"].as_f64().expect("a number")
}

fn lines(range: std::ops::Range<u32>) -> String {
    range.map(|i| format!("{i},{}\n", i % 9 + 1)).collect()
}

const UNIFORM: &str = "";
const VAROPT: &str = "--method varopt --weight-field 2 --delimiter ,";

#[test]
fn a_ranking_is_the_same_by_way_of_images() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = ("ébb flow\nébb neap\n", "flow flow ébb\n");
    let whole = forebay("top --words --format json", format!("{one}{two}"));
    let image = save(folder.path(), "one", "top --words", one);
    let own = path_in(folder.path(), "two");
    forebay(&format!("top --words --save {own}"), two).quiet_success();
    for files in [format!("{image} {own}"), format!("{own} {image}")] {
        assert_eq!(merge(&format!("--format json {files}")), whole);
        let both = path_in(folder.path(), "both");
        merge(&format!("{files} --save {both} --save-as datasketches")).quiet_success();
        assert_eq!(merge(&format!("--format json {both}")), whole);
        let bytes = fs::read(&both).expect("it was written");
        let summary: MisraGries<String> = read_frequent(&bytes).expect("an image");
        assert_eq!((summary.total_weight(), summary.lower_bound("ébb")), (7, 3));
    }
}

#[test]
fn saved_samples_are_images_of_the_lines_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (method, kind) in [(UNIFORM, ImageKind::Reservoir), (VAROPT, ImageKind::VarOpt)] {
        let input = lines(0..300);
        let printed = forebay(&sample(method, 1), &input).quiet_success();
        let image = save(folder.path(), "image", &sample(method, 1), &input);
        let bytes = fs::read(&image).expect("it was written");
        assert_eq!(ImageKind::of(&bytes), Some(kind));
        let mut held = match kind {
            ImageKind::Reservoir => {
                let sample: Reservoir<String> = read_reservoir_with_seed(&bytes, 1).expect("one");
                assert_eq!((sample.capacity(), sample.seen()), (5, 300));
                sample.into_vec()
            }
            _ => {
                let sample: VarOpt<String> = read_var_opt_with_seed(&bytes, 1).expect("one");
                let total: u32 = (0..300).map(|i| i % 9 + 1).sum();
                assert!((sample.total_weight() / f64::from(total) - 1.0).abs() < 1e-12);
                sample.into_vec()
            }
        };
        held.sort_unstable();
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(held, sorted(&printed));
        let merged = merge(&image);
        assert_eq!(merge(&image), merged, "merges are repeatable");
        assert_eq!(sorted(&merged.quiet_success()), held);
    }
}

#[test]
fn samples_and_images_of_samples_merge() {
    let folder = tempfile::tempdir().expect("a folder");
    for (method, question, whole) in [(UNIFORM, "count", 900.0), (VAROPT, "weight", 4_500.0)] {
        let image = save(folder.path(), "image", &sample(method, 1), &lines(0..300));
        let own = path_in(folder.path(), "own");
        let args = format!("{} --save {own}", sample(method, 2));
        forebay(&args, lines(300..900)).quiet_success();
        for files in [format!("{image} {own}"), format!("{own} {image}")] {
            assert_eq!(merge(&files).quiet_success().lines().count(), 5);
            let found = estimate(&files, question);
            assert!((found / whole - 1.0).abs() < 1e-9, "{found} for {whole}");
        }
    }
    // The delimiter of the file that has one is used for all.
    let image = save(folder.path(), "image", &sample(VAROPT, 1), &lines(0..3));
    let own = path_in(folder.path(), "own");
    let args = format!("{} --save {own}", sample(VAROPT, 2));
    forebay(&args, lines(3..5)).quiet_success();
    for files in [format!("{image} {own}"), format!("{own} {image}")] {
        assert_eq!(estimate(&files, "weight where 1>1"), 3.0 + 4.0 + 5.0);
        let kept = path_in(folder.path(), "kept");
        merge(&format!("{files} --save {kept}")).quiet_success();
        assert_eq!(estimate(&kept, "weight where 1>1"), 12.0);
    }
    // An image alone has none, or the one given.
    assert_eq!(estimate(&image, "weight where 1!=,"), 6.0);
    assert_eq!(
        estimate(&format!("{image} --delimiter ,"), "weight where 1>0"),
        5.0
    );
}

#[test]
fn unions_are_read_as_samples() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = path_in(folder.path(), "union");
    let mut uniform = Reservoir::with_seed(2, 1);
    uniform.extend(["a", "b", "c"].map(str::to_owned));
    fs::write(&path, write_reservoir_union(&uniform).expect("fits")).expect("can write");
    assert_eq!(estimate(&path, "count"), 3.0);
    let mut weighted = VarOpt::with_seed(2, 1);
    weighted.extend(["a", "b", "c"].map(|item| (item.to_owned(), 2u8.into())));
    fs::write(&path, write_var_opt_union(&weighted).expect("fits")).expect("can write");
    assert_eq!(estimate(&path, "weight"), 6.0);
}

#[test]
fn summaries_without_an_image_are_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = path_in(folder.path(), "image");
    let methods = "images hold samples of method uniform or varopt, not of method";
    for (args, reason) in [
        (
            "top --weight-field 1",
            "images hold counts, not weights from a field".to_owned(),
        ),
        (
            "sample -n 9 --weight-field 1",
            format!("{methods} weighted (field 1)"),
        ),
        (
            "sample -n 9 --method replacement",
            format!("{methods} replacement"),
        ),
        (
            "sample -n 9 --method decay --time-field 1 --half-life 2",
            format!("{methods} decay (field 1, half-life 2)"),
        ),
        (
            "sample -n 1",
            "summary is too small for an image: peers require a capacity of at least 2".to_owned(),
        ),
    ] {
        let args = format!("{args} --save {path} --save-as datasketches no-such-file");
        let message = forebay(&args, "").failure(2);
        assert_eq!(
            message,
            format!("forebay: --save-as datasketches: {reason}\n")
        );
        assert!(!Path::new(&path).exists());
    }
    let message = forebay("top --save-as datasketches", "a\n").failure(2);
    assert!(message.contains("--save <FILE>"), "{message}");
    let message = forebay(
        &format!("top --save {path} --save-as datasketches"),
        b"\xff\n",
    );
    let reason = format!("forebay: cannot write {path}: an item is not valid UTF-8\n");
    assert_eq!((message.status, message.stderr), (1, reason));
    assert!(message.stdout.contains("all counts are exact"));
}

#[test]
fn images_that_cannot_be_merged_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let saved = |name: &str, args: &str| save(folder.path(), name, args, "1,2\n3,4\n");
    let counts = saved("counts", "top");
    let uniform = saved("uniform", &sample(UNIFORM, 1));
    let varopt = saved("varopt", &sample(VAROPT, 1));
    let weights = path_in(folder.path(), "weights");
    let args = format!("top --weight-field 1 --delimiter , --save {weights}");
    forebay(&args, "1,2\n").quiet_success();
    let own = path_in(folder.path(), "own");
    forebay(&format!("{} --save {own}", sample(VAROPT, 2)), "1,2\n").quiet_success();
    let cut = path_in(folder.path(), "cut");
    let bytes = fs::read(&uniform).expect("it was written");
    fs::write(&cut, &bytes[..bytes.len() - 1]).expect("can write");
    let unread = "that cannot be read as text";
    for (args, named, reason) in [
        (
            format!("{counts} {uniform}"),
            &uniform,
            "holds samples, but the files before it hold counts".to_owned(),
        ),
        (
            format!("{weights} {counts}"),
            &counts,
            "holds counts, but the files before it hold weights".to_owned(),
        ),
        (
            format!("{varopt} {uniform}"),
            &uniform,
            "holds a sample of method uniform, but the files before it hold one of method varopt"
                .to_owned(),
        ),
        (
            format!("{uniform} {varopt}"),
            &varopt,
            "holds a sample of method varopt, but the files before it hold one of method uniform"
                .to_owned(),
        ),
        (
            format!("{varopt} {varopt}"),
            &varopt,
            "holds the same image as another file".to_owned(),
        ),
        (
            cut.clone(),
            &cut,
            format!("holds an image (reservoir) {unread}: image is truncated"),
        ),
    ] {
        let message = merge(&args).failure(1);
        assert_eq!(message, format!("forebay: {named} {reason}\n"));
    }
    let message = merge(&format!("{own} --estimate weight --delimiter ;")).failure(2);
    assert!(message.contains("--delimiter: only images"), "{message}");
    let message = merge(&format!("{uniform} --delimiter ,")).failure(2);
    assert!(message.contains("--estimate"), "{message}");
}

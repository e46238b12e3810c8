//! Scripts of others that try the program: each ends with 0 if it finds no fault, with 1 if it does,
//! and with 2 if it cannot try here. They find the program in `FOREBAY`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

/// The scripts of the folder in `FOREBAY_SCRIPTS`, or of the one beside this repository.
fn scripts() -> Vec<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/program");
    let folder = env::var_os("FOREBAY_SCRIPTS").map_or_else(beside, PathBuf::from);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut scripts: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "sh"))
        .collect();
    scripts.sort();
    scripts
}

#[cfg(unix)]
#[test]
fn every_script_of_the_folder_ends_well() {
    let scripts = scripts();
    if scripts.is_empty() {
        println!("NOT TESTED: scripts that try the program: there is no folder of them here");
    }
    let (left, failed) = (Mutex::new(scripts), Mutex::new(Vec::new()));
    let next = || left.lock().expect("nobody panics with it").pop();
    // They wait most of the time.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(script) = next() {
                    let output = Command::new("sh")
                        .arg(&script)
                        .env("FOREBAY", env!("CARGO_BIN_EXE_forebay"))
                        .output()
                        .expect("a shell");
                    match output.status.code() {
                        Some(0) => {}
                        Some(2) => println!("NOT TESTED: {}", script.display()),
                        code => {
                            let told = [output.stdout, output.stderr].concat();
                            let told = String::from_utf8_lossy(&told).into_owned();
                            let found = format!("{} ({code:?}): {told}", script.display());
                            failed.lock().expect("nobody panics with it").push(found);
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics with it");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

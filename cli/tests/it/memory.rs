//! The memory of the program is what its help says, whatever the input.

use std::fs;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::command;

/// The most memory of a run in MiB, once it has done what there is to do with this input, which stays
/// open.
fn peak(args: &str, input: &[u8]) -> u64 {
    let mut child = command(args).spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(input).expect("it reads its input");
    let of_process = |file: &str| {
        let path = format!("/proc/{}/{file}", child.id());
        fs::read_to_string(path).expect("it runs")
    };
    // What the pipe holds is not read yet: wait until the program is idle.
    let (mut busy, mut idle) = (String::new(), 0);
    while idle < 10 {
        sleep(Duration::from_millis(50));
        let stat = of_process("stat");
        let times: Vec<&str> = stat.split(' ').skip(13).take(2).collect();
        let now = times.join(" ");
        idle = if now == busy { idle + 1 } else { 0 };
        busy = now;
    }
    let status = of_process("status");
    drop(pipe);
    assert!(child.wait_with_output().expect("it ends").status.success());
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes.expect("a size").parse::<u64>().expect("a number") >> 10
}

#[cfg(target_os = "linux")]
#[test]
fn lines_that_are_read_ahead_take_little_memory_however_short_they_are() {
    // Each line takes about 110 bytes: 100 MiB, if all of them waited.
    let text = b"a\n".repeat(1_000_000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&text).expect("memory takes all");
    let gzip = gzip.finish().expect("memory takes all");
    for input in [&text[..], &gzip] {
        let most = peak("stream -q --field 1", input);
        // The program itself takes 10, and a batch little more than a MiB.
        assert!(most < 16 + 32, "{most} MiB");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn counting_and_drawing_take_memory_for_what_they_keep_and_not_for_the_input() {
    // 4 MB of lines that are all different.
    let text: String = (0..500_000).map(|line| format!("{line:07}\n")).collect();
    for args in [
        "top -k 1000 --jobs 2",
        "top -k 1000 --jobs 1 --weight-field 1",
        "sample -n 1000",
        "sample -n 1000 --weight-field 1",
    ] {
        let most = peak(args, text.as_bytes());
        assert!(most < 16, "{args}: {most} MiB");
    }
}

//! `forebay sample --estimate`.

use serde_json::Value;

use crate::support::{command, data, forebay, json, read};

/// Runs `forebay sample` with these questions.
fn ask(args: &str, questions: &[&str], stdin: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("input");
    std::fs::write(&input, stdin).expect("the file can be written");
    let mut command = command(&format!("sample {args}"));
    for question in questions {
        command.args(["--estimate", question]);
    }
    let output = command.arg(&input).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    let status = output.status.code().expect("it was not killed");
    (status, text(output.stdout), text(output.stderr))
}

/// The answers to these questions, as JSON.
#[track_caller]
fn answers(args: &str, questions: &[&str], stdin: &str) -> Vec<Value> {
    let (status, stdout, stderr) = ask(&format!("{args} --format json"), questions, stdin);
    assert_eq!((status, stderr.as_str()), (0, ""));
    let estimates = json(&stdout)["estimates"].as_array().cloned();
    estimates.expect("a list of estimates")
}

#[track_caller]
fn refusal(args: &str, question: &str, stdin: &str) -> String {
    let (status, stdout, stderr) = ask(args, &[question], stdin);
    assert_ne!(status, 0);
    assert_eq!(stdout, "");
    stderr
}

fn number(answer: &Value, key: &str) -> f64 {
    answer[key].as_f64().unwrap_or(match key {
        "lower" => f64::NEG_INFINITY,
        _ => f64::INFINITY,
    })
}

#[track_caller]
fn assert_covers(answer: &Value, truth: f64) {
    let (lower, upper) = (number(answer, "lower"), number(answer, "upper"));
    assert!(lower <= truth && truth <= upper, "{answer} for {truth}");
}

/// Lines `status size time`: every tenth status is 404, sizes run from 0 to 99.
fn log(count: u32) -> String {
    let status = |i| if i % 10 == 3 { 404 } else { 200 };
    (0..count)
        .map(|i| format!("{} {} {i}\n", status(i), i * 7 % 100))
        .collect()
}

#[test]
fn answers_from_a_sample_of_all_lines_are_exact() {
    let text = log(200);
    let sizes = |wanted: u32| {
        let parse = move |line: &str| {
            let mut fields = line
                .split(' ')
                .map(|field| field.parse::<u32>().expect("a number"));
            let (status, size) = (fields.next()?, fields.next()?);
            (status == wanted).then_some(f64::from(size))
        };
        text.lines().filter_map(parse).collect::<Vec<f64>>()
    };
    let missing = sizes(404);
    let sum: f64 = missing.iter().sum();
    let uniform = [
        ("count", 200.0),
        ("count where 1=404", 20.0),
        ("fraction where 1=404", 0.1),
        ("sum(2) where 1=404", sum),
        ("mean(2) where 1=404", sum / 20.0),
        ("count where 1=404 and 3<100", 10.0),
        ("count where 1!=404", 180.0),
        ("quantile(3, 0.5)", 99.0),
        ("quantile(3, 1) where 3<=50", 50.0),
    ];
    let weighted = [
        ("count where 1=404", 20.0 - zeros(&missing)),
        ("weight where 1=404", sum),
    ];
    let varopt = [("weight where 1=404", sum)];
    let decay = [("count where 3>=199", 1.0), ("count where 3>=198", 1.5)];
    for (args, questions) in [
        ("", &uniform[..]),
        ("--weight-field 2", &weighted),
        ("--method varopt --weight-field 2", &varopt),
        ("--method decay --time-field 3 --half-life 1", &decay),
    ] {
        let asked: Vec<&str> = questions.iter().map(|&(question, _)| question).collect();
        let answers = answers(&format!("-n 500 {args}"), &asked, &text);
        for (answer, &(question, truth)) in answers.iter().zip(questions) {
            assert_eq!(answer["estimate"], question);
            for key in ["value", "lower", "upper"] {
                let found = number(answer, key);
                assert!((found - truth).abs() < 1e-9 * truth, "{question}: {answer}");
            }
            assert_eq!(answer["confidence"], 1.0, "{question}");
        }
    }
}

fn zeros(numbers: &[f64]) -> f64 {
    numbers.iter().filter(|&&number| number == 0.0).count() as f64
}

#[test]
fn intervals_of_a_saturated_sample_cover_the_truth() {
    let text = log(50_000);
    // Every block of a hundred lines has each size once; status 404 has those of i % 10 == 3.
    let missing: f64 = 500.0
        * (0..100)
            .filter(|i| i % 10 == 3)
            .map(|i| f64::from(i * 7 % 100))
            .sum::<f64>();
    let all = 500.0 * 4_950.0;
    for (args, questions) in [
        (
            "",
            &[
                ("count", 50_000.0),
                ("count where 1=404", 5_000.0),
                ("fraction where 1=404", 0.1),
                ("sum(2)", all),
                ("sum(2) where 1=404", missing),
                ("mean(2) where 1=404", missing / 5_000.0),
                ("quantile(3, 0.25)", 12_499.0),
            ][..],
        ),
        (
            "--weight-field 2",
            &[
                ("count where 1=404", 5_000.0),
                ("sum(2) where 1=404", missing),
                ("weight", all),
                ("weight where 1=404", missing),
            ],
        ),
        (
            "--method varopt --weight-field 2",
            &[("weight", all), ("weight where 1=404", missing)],
        ),
        (
            "--method decay --time-field 3 --half-life 1000",
            &[("count", 1_443.2), ("count where 1=404", 144.2)],
        ),
    ] {
        let asked: Vec<&str> = questions.iter().map(|&(question, _)| question).collect();
        let args = format!("-n 1000 --seed 11 --confidence 0.999 {args}");
        for (answer, &(_, truth)) in answers(&args, &asked, &text).iter().zip(questions) {
            assert_covers(answer, truth);
            assert!(
                (number(answer, "value") / truth - 1.0).abs() < 0.3,
                "{answer}"
            );
        }
    }
}

#[test]
fn an_estimate_from_no_line_has_a_wide_interval() {
    let text = log(10_000);
    let question = [
        "count where 3=77",
        "sum(2) where 3=77",
        "mean(2) where 3=77",
    ];
    let uniform = answers("-n 5 --seed 1", &question, &text);
    assert_covers(&uniform[0], 1.0);
    assert_covers(&uniform[1], 39.0);
    assert!(uniform[2]["value"].is_null(), "{}", uniform[2]);
    for method in ["weighted", "varopt"] {
        let args = format!("-n 5 --seed 1 --method {method} --weight-field 2");
        let answer = &answers(&args, &["weight where 3=77"], &text)[0];
        assert_covers(answer, 39.0);
        assert!(number(answer, "upper").is_finite(), "{answer}");
    }
}

#[test]
fn answers_are_printed_as_a_table_and_as_csv() {
    let questions = ["count where 1=404", "mean(2) where 1=500"];
    let (_, table, _) = ask("-n 100", &questions, &log(20));
    assert_eq!(
        table,
        "value  lower  upper  confidence  estimate\n    \
         2      2      2     100.00%  count where 1=404\n    \
         -      -      -           -  mean(2) where 1=500\n"
    );
    let (_, csv, _) = ask("-n 100 --format csv", &questions, &log(20));
    assert_eq!(
        csv,
        "estimate,value,lower,upper,confidence\n\
         count where 1=404,2,2,2,1.0\nmean(2) where 1=500,,,,\n"
    );
}

#[test]
fn a_method_refuses_what_it_cannot_answer() {
    for (args, question, reason) in [
        (
            "",
            "weight",
            "method uniform estimate count, fraction, sum, mean and quantile",
        ),
        (
            "--method replacement",
            "count",
            "method replacement estimate nothing",
        ),
        (
            "--weight-field 2",
            "mean(2)",
            "method weighted (field 2) estimate count, sum and weight",
        ),
        (
            "--method varopt --weight-field 2",
            "count",
            "method varopt (field 2) estimate weight",
        ),
        (
            "--method decay --time-field 3 --half-life 5",
            "sum(2)",
            "method decay (field 3, half-life 5) estimate count",
        ),
        ("", "median(2)", "is not one of count"),
        ("", "count where 9", "is not a condition"),
        (
            "--confidence 1",
            "count",
            "must be a number between 0 and 1",
        ),
        ("--by-field 1", "count", "cannot be used with"),
    ] {
        let message = refusal(&format!("-n 3 {args}"), question, "");
        assert!(message.contains(reason), "{args} {question}: {message}");
    }
    for args in ["--confidence 0.9", "--format json"] {
        let message = forebay(&format!("sample -n 1 {args}"), "").failure(2);
        assert!(message.contains("--estimate"), "{message}");
    }
}

#[test]
fn sampled_lines_without_the_fields_needed_are_errors_or_skipped() {
    let text = "a 1\nb x\nc -\nd\n";
    let message = refusal("-n 9", "sum(2)", text);
    assert!(
        message.contains("line 2: field 2 is not a number (or -): \"x\": \"b x\""),
        "{message}"
    );
    let message = refusal("-n 9", "count where 3=1", text);
    assert!(
        message.contains("line 1: there is no field 3, the line has 2"),
        "{message}"
    );
    let (status, csv, stderr) = ask("-n 9 --skip-bad --format csv", &["sum(2)", "mean(2)"], text);
    assert_eq!(
        (status, stderr.as_str()),
        (0, "forebay: skipped 2 bad lines\n")
    );
    assert!(
        csv.ends_with("sum(2),1,1,1,1.0\nmean(2),0.5,0.5,0.5,1.0\n"),
        "{csv}"
    );
}

#[test]
fn estimates_of_a_real_log_cover_its_truth() {
    let Some(path) = data("apache_access.log") else {
        return;
    };
    let log = read(&path);
    let field = |line: &str, number: usize| {
        line.split_ascii_whitespace()
            .nth(number - 1)
            .map(str::to_owned)
            .unwrap_or_default()
    };
    let size = |line: &str| field(line, 10).parse::<f64>().unwrap_or(0.0);
    let missing: Vec<&str> = log.lines().filter(|line| field(line, 9) == "404").collect();
    let bytes: f64 = log
        .lines()
        .filter(|line| field(line, 9) == "200")
        .map(size)
        .sum();
    let truths = [
        ("count where 9=404", missing.len() as f64),
        (
            "mean(10) where 9=404",
            missing.iter().map(|line| size(line)).sum::<f64>() / missing.len() as f64,
        ),
        ("sum(10) where 9=200", bytes),
    ];
    let questions = truths.map(|(question, _)| question);
    for n in [1_500, 20_000] {
        let args = format!("-n {n} --seed 4 --confidence 0.999");
        for (answer, (_, truth)) in answers(&args, &questions, &log).iter().zip(truths) {
            let slack = 1e-9 * truth;
            assert!(
                number(answer, "lower") <= truth + slack,
                "{answer} for {truth}"
            );
            assert!(
                number(answer, "upper") >= truth - slack,
                "{answer} for {truth}"
            );
        }
    }
    let args = "-n 500 --seed 4 --method varopt --weight-field 10 --confidence 0.999";
    assert_covers(&answers(args, &["weight where 9=200"], &log)[0], bytes);
}

/// While nothing is left out, the weight of all lines is the sum of the weights, rounded once.
#[test]
fn the_weight_of_all_lines_is_that_of_each_of_them() {
    for method in ["weighted", "varopt"] {
        let args = format!("-n 20 --method {method} --weight-field 2");
        let questions = ["weight", "weight where 1=a"];
        for answer in answers(&args, &questions, &"a 0.1\n".repeat(10)) {
            assert_eq!(answer["value"], 1.0, "{method}: {answer}");
            assert_eq!(answer["lower"], answer["upper"], "{method}: {answer}");
        }
    }
}

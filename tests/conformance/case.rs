//! The cases as data, and the comparison of outputs.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// Why a case did not pass.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The driver, or this harness, lacks the named thing.
    Unsupported(String),
    /// The outputs are wrong, or the case makes no sense.
    Wrong(String),
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

pub(crate) fn unsupported<T>(what: &str) -> Outcome<T> {
    Err(Failure::Unsupported(what.to_string()))
}

pub(crate) fn malformed<T>(what: impl Into<String>) -> Outcome<T> {
    Err(Failure::Wrong(format!("malformed case: {}", what.into())))
}

/// One case; the fields are those of the file, explained there under `conventions`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) op: String,
    #[serde(default)]
    pub(crate) params: Value,
    pub(crate) input: Vec<Vec<Value>>,
    #[serde(default)]
    pub(crate) input2: Vec<Vec<Value>>,
    pub(crate) expected: Vec<Vec<Value>>,
    #[serde(default)]
    pub(crate) expected_state: Option<Vec<Vec<Value>>>,
    #[serde(default)]
    pub(crate) expected_partitions: Option<usize>,
    #[serde(default, rename = "expected_is")]
    _expected_is: Option<String>,
    #[serde(default)]
    pub(crate) output_batches: Option<Vec<u64>>,
    #[serde(default)]
    pub(crate) ordered: bool,
    #[serde(default)]
    pub(crate) value_lists_ordered: bool,
    #[serde(default)]
    pub(crate) tolerance: f64,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

#[derive(Deserialize)]
struct File {
    cases: Vec<Value>,
}

/// A case, or what is wrong with it.
pub(crate) type Parsed = Result<Case, String>;

/// The cases of `FOREBAY_CASES`, else the shared ones if they are here, else our own few.
pub(crate) fn load() -> (PathBuf, Vec<(String, Parsed)>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = root.join("../shared/cases/dstream_cases.json");
    let path = match std::env::var_os("FOREBAY_CASES") {
        Some(path) => PathBuf::from(path),
        None if shared.exists() => shared,
        None => root.join("tests/conformance/cases.json"),
    };
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: File =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases = file.cases.into_iter().enumerate().map(|(index, value)| {
        let name = value["name"].as_str().map(ToString::to_string);
        let name = name.unwrap_or_else(|| format!("case {index} without a name"));
        let case =
            serde_json::from_value(value).map_err(|error| format!("malformed case: {error}"));
        (name, case)
    });
    let cases = cases.collect();
    (path, cases)
}

impl Case {
    pub(crate) fn number(&self, name: &str) -> Outcome<Option<u64>> {
        match &self.params[name] {
            Value::Null => Ok(None),
            value => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => malformed(format!("params.{name} is {value}")),
            },
        }
    }

    pub(crate) fn text(&self, name: &str) -> Outcome<&str> {
        match self.params[name].as_str() {
            Some(text) => Ok(text),
            None => malformed(format!("params.{name} is {}", self.params[name])),
        }
    }

    pub(crate) fn batch_ms(&self) -> Outcome<u64> {
        Ok(self.number("batch_ms")?.unwrap_or(1_000))
    }

    /// The batch times at which the output must have been called.
    fn output_times(&self, batch_ms: u64) -> Vec<u64> {
        let all = || (1..=self.input.len() as u64).collect();
        let numbers = self.output_batches.clone().unwrap_or_else(all);
        numbers
            .into_iter()
            .map(|number| number * batch_ms)
            .collect()
    }

    /// Compares what an output saw with `expected`, batch times included.
    pub(crate) fn compare(&self, seen: &[(u64, Vec<Value>)]) -> Outcome {
        let times: Vec<u64> = seen.iter().map(|(time, _)| *time).collect();
        let expected = self.output_times(self.batch_ms()?);
        if times != expected {
            let text = format!("batches at {times:?}, expected at {expected:?}");
            return Err(Failure::Wrong(text));
        }
        let lists = seen.iter().map(|(_, list)| list.clone()).collect();
        self.compare_lists("output", lists, &self.expected)
    }

    /// Compares lists as `ordered` and `value_lists_ordered` say.
    pub(crate) fn compare_lists(
        &self,
        what: &str,
        seen: Vec<Vec<Value>>,
        expected: &[Vec<Value>],
    ) -> Outcome {
        if seen.len() != expected.len() {
            let text = format!(
                "{} batches of {what}, expected {}",
                seen.len(),
                expected.len()
            );
            return Err(Failure::Wrong(text));
        }
        for (index, (seen, expected)) in seen.into_iter().zip(expected).enumerate() {
            let (seen, expected) = (self.normal(seen), self.normal(expected.clone()));
            if !close(&seen, &expected, self.tolerance) {
                let text = format!("{what} {}: {seen}, expected {expected}", index + 1);
                return Err(Failure::Wrong(text));
            }
        }
        Ok(())
    }

    /// A form in which lists that count as equal are equal.
    fn normal(&self, mut list: Vec<Value>) -> Value {
        if self.ordered {
            return Value::Array(list);
        }
        if !self.value_lists_ordered {
            match self.last_op() {
                op if op.starts_with("groupByKey") => sort_values(&mut list),
                "cogroup" => {
                    let sides = list
                        .iter_mut()
                        .filter_map(|record| record[1].as_array_mut());
                    sides.for_each(|sides| sides.iter_mut().for_each(sort_list));
                }
                _ => {}
            }
        }
        sort(&mut list);
        Value::Array(list)
    }

    /// The operator that makes the elements compared.
    fn last_op(&self) -> &str {
        let op = self.op.strip_prefix("recover:").unwrap_or(&self.op);
        let stages = self.params["stages"].as_array();
        match op {
            "pipeline" => stages.and_then(|stages| stages.last()?[0].as_str()),
            "pipeline2" => self.params["op"].as_str(),
            op => Some(op),
        }
        .unwrap_or_default()
    }
}

/// Sorts the value of every record.
fn sort_values(list: &mut [Value]) {
    list.iter_mut().for_each(|record| sort_list(&mut record[1]));
}

fn sort_list(value: &mut Value) {
    if let Value::Array(list) = value {
        sort(list);
    }
}

fn sort(list: &mut [Value]) {
    list.sort_by_cached_key(ToString::to_string);
}

/// Equality of values, numbers compared within a relative tolerance.
fn close(a: &Value, b: &Value, tolerance: f64) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b, tolerance))
        }
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            _ => {
                let (a, b) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0));
                (a - b).abs() <= tolerance * b.abs().max(1.0)
            }
        },
        _ => a == b,
    }
}

//! `forebay state`: shows and verifies the checkpoints in a directory.

use std::fs;
use std::io::Write;

use forebay::stream::{CheckpointContents, CheckpointInfo, inspect};
use serde::Serialize;

use crate::args::{StateArgs, StateFormat};
use crate::error::Error;
use crate::output::format::{printable, write_json};
use crate::output::message::counted;
use crate::output::table::{Align, Table};

/// Verifies all checkpoints in a directory and prints what they hold.
///
/// # Errors
///
/// If there are none. If one is damaged, after printing.
pub(crate) fn run(args: &StateArgs, out: &mut impl Write) -> Result<(), Error> {
    let name = args.directory.display().to_string();
    fs::metadata(&args.directory).map_err(|cause| Error::Read {
        name: name.as_str().into(),
        cause,
    })?;
    let checkpoints = inspect(&args.directory).map_err(Error::stream)?;
    let rows: Vec<Row> = checkpoints.iter().map(Row::of).collect();
    if rows.is_empty() {
        let reason = "has no checkpoints".into();
        return Err(Error::NotSaved { name, reason });
    }
    match args.format {
        StateFormat::Json => write_json(&rows, out)?,
        StateFormat::Table => rows.iter().try_for_each(|row| row.write(out))?,
    }
    match rows.iter().filter(|row| row.damage.is_some()).count() {
        0 => Ok(()),
        damaged => {
            let all = counted(rows.len() as u64, "checkpoint", "checkpoints");
            let reason = format!("has {all}, of which {damaged} cannot be used").into();
            Err(Error::NotSaved { name, reason })
        }
    }
}

/// One checkpoint, in the form that scripts rely on.
#[derive(Serialize)]
struct Row {
    /// Milliseconds.
    batch_time: u64,
    path: String,
    whole: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
    #[serde(flatten)]
    contents: Option<Contents>,
}

#[derive(Serialize)]
struct Contents {
    bytes: u64,
    /// Milliseconds.
    batch_interval: u64,
    seed: u64,
    key_groups: u32,
    operators: Vec<Operator>,
    files: Vec<File>,
}

#[derive(Serialize)]
struct Operator {
    name: String,
    types: Vec<String>,
    keys: u64,
    key_groups: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct File {
    name: String,
    bytes: u64,
}

impl Row {
    fn of(info: &CheckpointInfo) -> Self {
        let contents = info.contents();
        Self {
            batch_time: info.time().as_millis(),
            path: info.path().display().to_string(),
            whole: contents.is_ok(),
            damage: contents.err().map(ToString::to_string),
            contents: contents.ok().map(Contents::of),
        }
    }

    fn write(&self, out: &mut impl Write) -> Result<(), Error> {
        let time = self.batch_time;
        let Some(contents) = &self.contents else {
            let damage = self.damage.as_deref().unwrap_or_default();
            return Ok(writeln!(out, "batch {time} ms: {}\n", printable(damage))?);
        };
        let bytes = counted(contents.bytes, "byte", "bytes");
        let files = counted(contents.files.len() as u64, "file", "files");
        writeln!(out, "batch {time} ms: whole, {bytes} in {files}")?;
        let mut table = Table::new(&[
            ("operator", Align::Left),
            ("keys", Align::Right),
            ("bytes", Align::Right),
            ("types", Align::Left),
        ]);
        for operator in &contents.operators {
            table.push([
                printable(&operator.name).into_owned(),
                operator.keys.to_string(),
                operator.bytes.to_string(),
                printable(&operator.types.join(", ")).into_owned(),
            ]);
        }
        table.write(out)?;
        Ok(writeln!(out)?)
    }
}

impl Contents {
    fn of(contents: &CheckpointContents) -> Self {
        let operators = contents.operators().iter().map(|operator| Operator {
            name: operator.name().to_owned(),
            types: operator.types().to_vec(),
            keys: operator.keys(),
            key_groups: operator.key_groups(),
            bytes: operator.bytes(),
        });
        let files = contents.files().iter().map(|file| File {
            name: file.name().to_owned(),
            bytes: file.bytes(),
        });
        Self {
            bytes: contents.bytes(),
            batch_interval: contents.batch_interval().as_millis() as u64,
            seed: contents.seed(),
            key_groups: contents.key_groups(),
            operators: operators.collect(),
            files: files.collect(),
        }
    }
}

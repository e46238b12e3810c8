//! JSON lines.

use std::io::Write;
use std::string::String;

use serde::Serialize;

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::sink::directory::{Directories, Format};

struct JsonLines;

impl<T: Serialize> Format<T> for JsonLines {
    fn write(&self, items: &[T], file: &mut dyn Write) -> Result<(), BoxError> {
        for item in items {
            serde_json::to_writer(&mut *file, item)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl<T: Data + Serialize, P: Pipe<Item = T>> DStream<'_, T, P> {
    /// Writes every batch to a directory of its own, in which each item is a line of JSON; the
    /// names and the renaming are those of
    /// [`save_as_text_files`](Self::save_as_text_files). Feature `json`.
    ///
    /// An item that cannot be JSON, such as a map whose keys are no strings, fails the batch.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// // out/counts-1000.jsonl/part-00000: ["ebb",1]
    /// ctx.batches([vec![("ebb", 1)]]).save_as_json_lines("out/counts", "jsonl");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_as_json_lines(&self, prefix: impl Into<String>, suffix: impl Into<String>) {
        let sink = Directories::new(prefix, suffix, JsonLines);
        self.write_directories("save_as_json_lines", sink);
    }
}

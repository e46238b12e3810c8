//! Comma-separated values.

use std::io::Write;
use std::string::String;

use serde::Serialize;

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::sink::directory::{Directories, Format};

struct Csv;

impl<T: Serialize> Format<T> for Csv {
    fn write(&self, items: &[T], file: &mut dyn Write) -> Result<(), BoxError> {
        let mut rows = csv::Writer::from_writer(file);
        for item in items {
            rows.serialize(item)?;
        }
        rows.flush()?;
        Ok(())
    }
}

impl<T: Data + Serialize, P: Pipe<Item = T>> DStream<'_, T, P> {
    /// Writes every batch to a directory of its own, in which each item is a row of
    /// comma-separated values; the names and the renaming are those of
    /// [`save_as_text_files`](Self::save_as_text_files). Feature `csv`.
    ///
    /// Items are structs or tuples of plain values. Each file of structs begins with the names of
    /// their fields. An item that cannot be a row fails the batch.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// // out/counts-1000.csv/part-00000: ebb,1
    /// ctx.batches([vec![("ebb", 1)]]).save_as_csv("out/counts", "csv");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_as_csv(&self, prefix: impl Into<String>, suffix: impl Into<String>) {
        let sink = Directories::new(prefix, suffix, Csv);
        self.write_directories("save_as_csv", sink);
    }
}

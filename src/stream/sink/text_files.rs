//! Lines of text.

use std::fmt::Display;
use std::io::Write;
use std::string::String;

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::sink::directory::{Directories, Format};

struct Text;

impl<T: Display> Format<T> for Text {
    fn write(&self, items: &[T], file: &mut dyn Write) -> Result<(), BoxError> {
        for item in items {
            writeln!(file, "{item}")?;
        }
        Ok(())
    }
}

impl<T: Data + Display, P: Pipe<Item = T>> DStream<'_, T, P> {
    /// Writes every batch, empty ones included, to a directory of its own:
    /// `prefix-<time>.suffix`, with a text file `part-00000` and so on for each partition, a line
    /// for each item.
    ///
    /// Without a prefix, or with one that ends in `/`, there is no dash; without a suffix no dot.
    /// The directory is written under a temporary name and renamed when it is complete; a batch
    /// that runs again replaces its own, and one that fails leaves none. Two outputs of one stream
    /// with the same prefix and suffix are refused at the start.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// // out/words-1000.txt/part-00000, ...
    /// ctx.batches([vec!["ebb", "flow"]]).save_as_text_files("out/words", "txt");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_as_text_files(&self, prefix: impl Into<String>, suffix: impl Into<String>) {
        let sink = Directories::new(prefix, suffix, Text);
        self.write_directories("save_as_text_files", sink);
    }
}

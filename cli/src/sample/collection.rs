//! A sample with everything needed to print, query, save and merge it.

use std::collections::HashSet;
use std::io::Write;

use forebay::datasketches::{ImageError, ImageKind};
use serde::{Deserialize, Serialize};

use super::answer::{Answers, Questions};
use super::drawn::Drawn;
use super::image;
use super::method::Sample;
use super::query::Query;
use super::run::{Origin, Run};
use crate::error::{BadLine, Error, Problem};
use crate::input::field::Separator;
use crate::input::skip::Skipper;
use crate::output::format::Format;
use crate::saved::{self, Plan, Savable, SaveFormat, SummaryKind};

/// How lines are split into fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Fields {
    WhiteSpace,
    Delimiter(String),
    /// The sample came from an image: like those of the sample that it is merged with, else at
    /// white space.
    Unknown,
}

impl Fields {
    fn separator(&self) -> Separator {
        Separator::new(match self {
            Self::Delimiter(delimiter) => Some(delimiter),
            Self::WhiteSpace | Self::Unknown => None,
        })
    }
}

/// A sample of the input of one run or of several.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Collection {
    sample: Sample,
    fields: Fields,
    /// In the order in which their lines are printed; no two have the same seed.
    runs: Vec<Run>,
}

impl Collection {
    pub(crate) fn new(sample: Sample, delimiter: Option<&str>, run: Run) -> Self {
        Self {
            sample,
            fields: delimiter.map_or(Fields::WhiteSpace, |text| {
                Fields::Delimiter(text.to_owned())
            }),
            runs: vec![run],
        }
    }

    /// Reads an image from the file of this name.
    ///
    /// # Errors
    ///
    /// If it is damaged, or its items are not text.
    pub(crate) fn from_image(
        kind: ImageKind,
        bytes: &[u8],
        name: &str,
    ) -> Result<Self, ImageError> {
        let (sample, run) = image::decode(kind, bytes, name)?;
        Ok(Self {
            sample,
            fields: Fields::Unknown,
            runs: vec![run],
        })
    }

    /// The collection itself, if a run can have produced it; for what was read from a file.
    ///
    /// # Errors
    ///
    /// If no run can.
    pub(crate) fn checked(self) -> Result<Self, &'static str> {
        let mut seeds = HashSet::new();
        let sound = self.sample.is_sound()
            && self.fields != Fields::Delimiter(String::new())
            && self.runs.iter().all(|run| seeds.insert(run.seed))
            && self
                .sample
                .iter()
                .all(|line| self.source_name(line).is_some());
        if sound { Ok(self) } else { Err("is damaged") }
    }

    /// Sets the delimiter of the fields.
    ///
    /// # Errors
    ///
    /// If the fields have another separator already.
    pub(crate) fn set_delimiter(&mut self, delimiter: &str) -> Result<(), Error> {
        let fields = Fields::Delimiter(delimiter.to_owned());
        if self.fields != Fields::Unknown && self.fields != fields {
            let message = "--delimiter: only images take it, the other files have their own";
            return Err(Error::Usage(message.to_owned()));
        }
        self.fields = fields;
        Ok(())
    }

    /// Merges a sample of other input, drawn in the same way.
    ///
    /// # Errors
    ///
    /// If it was drawn in another way, or with the same seed, so that the samples are not
    /// independent.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), String> {
        let unknown = self.fields == Fields::Unknown;
        if !unknown && other.fields != Fields::Unknown && self.fields != other.fields {
            return Err("holds lines with another delimiter than the files before it".to_owned());
        }
        let same = |run: &&Run| self.runs.iter().any(|own| own.seed == run.seed);
        if let Some(run) = other.runs.iter().find(same) {
            let seed = run.seed;
            return Err(match run.origin {
                Origin::Image => "holds the same image as another file".to_owned(),
                Origin::Seed => format!(
                    "was drawn with the seed {seed}, like another file: give each run its own --seed"
                ),
            });
        }
        self.sample.merge(other.sample)?;
        if unknown {
            self.fields = other.fields;
        }
        self.runs.extend(other.runs);
        Ok(())
    }

    /// Prints the lines of the sample, or the answers to the questions if there are any, and saves it
    /// if that is planned.
    ///
    /// # Errors
    ///
    /// Questions that the sample cannot answer, lines without the fields they need unless `skipper`
    /// skips them, and output that cannot be written.
    pub(crate) fn print_and_save(
        &self,
        plan: Option<&Plan>,
        questions: Questions<'_>,
        format: Format,
        skipper: &mut Skipper,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        let printed = self.print(questions, format, skipper, out);
        saved::save_after(printed, plan, self)
    }

    fn print(
        &self,
        questions: Questions<'_>,
        format: Format,
        skipper: &mut Skipper,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        let answers = self.answer(questions, skipper)?;
        skipper.report();
        match answers {
            Some(answers) => answers.write(format, out)?,
            None => self.write_lines(out)?,
        }
        Ok(out.flush()?)
    }

    fn answer(
        &self,
        questions: Questions<'_>,
        skipper: &mut Skipper,
    ) -> Result<Option<Answers>, Error> {
        if questions.queries.is_empty() {
            return Ok(None);
        }
        let separator = self.fields.separator();
        self.check(questions.queries, &separator, skipper)?;
        Answers::new(&self.sample, &separator, questions).map(Some)
    }

    /// Finds the lines without the fields that the queries need.
    fn check(
        &self,
        queries: &[Query],
        separator: &Separator,
        skipper: &mut Skipper,
    ) -> Result<(), Error> {
        for line in self.in_order() {
            let problem = queries
                .iter()
                .find_map(|query| query.check(separator, line.text()).err());
            if let Some(problem) = problem {
                skipper.tolerate::<()>(Err(self.bad_line(line, problem)))?;
            }
        }
        Ok(())
    }

    fn bad_line(&self, line: &Drawn, problem: Problem) -> Error {
        Error::Line(Box::new(BadLine {
            name: self.source_name(line).unwrap_or_default().into(),
            position: line.position,
            text: line.text().to_vec(),
            problem,
        }))
    }

    /// The name of the source of a line.
    fn source_name(&self, line: &Drawn) -> Option<&str> {
        let run = &self.runs[self.run_index(line)?];
        let source = run.sources.get(line.position.source())?;
        Some(source)
    }

    /// The index of the run that drew a line.
    fn run_index(&self, line: &Drawn) -> Option<usize> {
        self.runs.iter().position(|run| run.seed == line.run)
    }

    /// The lines in the order of the runs, and in input order for each.
    fn in_order(&self) -> Vec<&Drawn> {
        let mut lines: Vec<&Drawn> = self.sample.iter().collect();
        lines.sort_by_cached_key(|line| (self.run_index(line), line.position));
        lines
    }

    /// Writes the lines in the order of the runs, and in input order for each.
    pub(crate) fn write_lines(&self, out: &mut impl Write) -> Result<(), Error> {
        for Drawn { raw, .. } in self.in_order() {
            out.write_all(raw)?;
            if !raw.ends_with(b"\n") {
                out.write_all(b"\n")?;
            }
        }
        Ok(())
    }
}

impl Savable for Collection {
    fn encode(&self, format: SaveFormat) -> Result<Vec<u8>, String> {
        match format {
            SaveFormat::Forebay => Ok(saved::encode(SummaryKind::Sample, self)),
            SaveFormat::Datasketches => self.sample.image(),
        }
    }
}

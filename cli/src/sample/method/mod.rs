//! The table of sampling methods.
//!
//! A method is added in three places:
//!
//! 1. a new file in this folder, with its sample and `impl Sampler` for it;
//! 2. the `mod` and `use` lines of that file, below;
//! 3. a row at the end of the table, below.
//!
//! The command line with its help, saving, reading, merging, images, estimates and their errors
//! take what they need from the row. (A method with a new option also needs that option in
//! `MethodOptions` and in the arguments of `forebay sample`.)

mod decay;
mod replacement;
mod uniform;
mod var_opt;
mod weighted;

use forebay::datasketches::{ImageError, ImageKind};
use forebay::random::DefaultRng;
use forebay::sample::Iter;
use serde::{Deserialize, Serialize};

use self::decay::Decay;
use self::replacement::Replacement;
use self::uniform::Uniform;
use self::var_opt::VarOpt;
use self::weighted::Weighted;
use super::dispatch::methods;
use super::drawn::{DrawContext, Drawn};
use super::sampler::{Answer, Constructor, ImageReader, MethodOptions, Question, Sampler};
use crate::error::{Error, Problem};
use crate::input::block::{Block, Line};
use crate::input::skip::Skipper;
use crate::output::message::listed;

// The place of a row is the number of the method in saved files: new rows go to the end.
methods! {
    Uniform {
        name: "uniform",
        help: "All lines have the same chance; no line is drawn twice",
        options: [],
        answers: ["count", "fraction", "sum", "mean", "quantile"],
        images: [ImageKind::Reservoir, ImageKind::ReservoirUnion],
    }
    Replacement {
        name: "replacement",
        help: "All lines have the same chance in every draw; a line may be drawn more than once",
        options: [],
        answers: [],
        images: [],
    }
    Weighted {
        name: "weighted",
        help: "Lines are drawn one after the other by weight; no line is drawn twice, and those of \
               weight 0 never",
        options: ["--weight-field"],
        answers: ["count", "sum", "weight"],
        images: [],
    }
    VarOpt {
        name: "varopt",
        help: "The chance is proportional to the weight; gives the best estimates of weight",
        options: ["--weight-field"],
        answers: ["weight"],
        images: [ImageKind::VarOpt, ImageKind::VarOptUnion],
    }
    Decay {
        name: "decay",
        help: "Recent lines are preferred: the weight of a line halves with every half-life of its age",
        options: ["--time-field", "--half-life"],
        answers: ["count"],
        images: [],
    }
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Method {
    /// Its name after `--method`.
    pub(crate) name: &'static str,
    help: &'static str,
    /// The options it takes, of those in [`MethodOptions`].
    options: &'static [&'static str],
    /// The quantities it can estimate.
    answers: &'static [&'static str],
    /// The kinds of DataSketches images that hold samples of this method.
    images: &'static [ImageKind],
    constructor: fn(&MethodOptions) -> Option<Constructor<Sample>>,
    from_image: ImageReader<Sample>,
}

impl Method {
    /// The method of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        METHODS.iter().copied().find(|method| method.name == name)
    }

    /// The method of runs that name none.
    pub(crate) const fn default_with(options: &MethodOptions) -> &'static Self {
        match options.weight_field {
            None => &Uniform::METHOD,
            Some(_) => &Weighted::METHOD,
        }
    }

    /// What the help says about it.
    pub(crate) fn help(&self) -> String {
        let (help, answers) = (self.help, self.estimates());
        let image = match self.images {
            [] => "",
            _ => ". Has a DataSketches image",
        };
        format!("{help}. Estimates: {answers}{image}")
    }

    fn estimates(&self) -> String {
        match self.answers {
            [] => "nothing".to_owned(),
            answers => listed(answers, "and"),
        }
    }

    /// What makes empty samples.
    ///
    /// # Errors
    ///
    /// If the options are not those that the method takes.
    pub(crate) fn constructor(
        &self,
        options: &MethodOptions,
    ) -> Result<Constructor<Sample>, Error> {
        let accepted = options.given() == self.options;
        let constructor = (self.constructor)(options).filter(|_| accepted);
        constructor.ok_or_else(|| {
            let (name, taken) = (self.name, self.taken());
            Error::Usage(format!("--method {name} takes {taken}"))
        })
    }

    /// Which options it takes, and which not.
    fn taken(&self) -> String {
        let others = MethodOptions::NAMES.into_iter();
        let others: Vec<_> = others.filter(|name| !self.options.contains(name)).collect();
        let (own, others) = (listed(self.options, "and"), listed(&others, "or"));
        match (own.is_empty(), others.is_empty()) {
            (true, _) => format!("no {others}"),
            (false, true) => own,
            (false, false) => format!("{own}, and no {others}"),
        }
    }
}

impl Sample {
    /// How it was drawn: the method, and its options.
    pub(crate) fn description(&self) -> String {
        format!("{}{}", self.method().name, self.sampler().details())
    }

    /// Offers all lines of a block.
    ///
    /// # Errors
    ///
    /// The first line without the weight or the time it needs, unless `skipper` skips it.
    pub(crate) fn offer_block(
        &mut self,
        block: &Block<'_>,
        context: &DrawContext,
        skipper: &mut Skipper,
    ) -> Result<(), Error> {
        self.sampler_mut().offer_block(block, context, skipper)
    }

    /// Offers a line.
    ///
    /// # Errors
    ///
    /// If it lacks the weight or the time it needs.
    pub(crate) fn offer(&mut self, line: Line<'_>, context: &DrawContext) -> Result<(), Problem> {
        self.sampler_mut().offer(line, context)
    }

    /// The lines held, in no meaningful order.
    pub(crate) fn iter(&self) -> Iter<'_, Drawn> {
        self.sampler().iter()
    }

    /// The answer to a question.
    ///
    /// # Errors
    ///
    /// If the method cannot estimate the quantity.
    pub(crate) fn answer(&self, question: &Question<'_>) -> Result<Answer, Error> {
        let quantity = question.quantity().name();
        let is_listed = self.method().answers.contains(&quantity);
        let answer = is_listed.then(|| self.sampler().answer(question));
        answer.flatten().ok_or_else(|| {
            let (query, method) = (question.query, self.description());
            let answers = self.method().estimates();
            Error::Usage(format!(
                "--estimate {query}: samples of method {method} estimate {answers}"
            ))
        })
    }

    /// Whether a run can have produced it; for what was read from a file.
    pub(crate) fn is_sound(&self) -> bool {
        self.sampler().is_sound()
    }

    /// The lines without their ends as an image of DataSketches.
    ///
    /// # Errors
    ///
    /// If the method has no images, there are none of this size, or a line is not UTF-8.
    pub(crate) fn image(&self) -> Result<Vec<u8>, String> {
        if self.method().images.is_empty() {
            let methods = METHODS.iter().filter(|method| !method.images.is_empty());
            let methods = listed(&methods.map(|method| method.name).collect::<Vec<_>>(), "or");
            let own = self.description();
            return Err(format!(
                "images hold samples of method {methods}, not of method {own}"
            ));
        }
        self.sampler().image().map_err(|error| error.to_string())
    }

    /// Reads an image; `drawn` makes a line of a text in it.
    ///
    /// # Errors
    ///
    /// If it is damaged, is not an image of a sample, or its items are not text.
    pub(crate) fn from_image(
        kind: ImageKind,
        image: &[u8],
        rng: DefaultRng,
        drawn: &mut dyn FnMut(Vec<u8>) -> Drawn,
    ) -> Result<Self, ImageError> {
        let method = METHODS.iter().find(|method| method.images.contains(&kind));
        let method = method.ok_or(ImageError::WrongKind)?;
        (method.from_image)(image, rng, drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::field::Separator;
    use crate::sample::drawn::rng_of;

    fn options(names: &[&str]) -> MethodOptions {
        let field = |name| names.contains(&name).then(|| "1".parse().expect("a field"));
        MethodOptions {
            weight_field: field("--weight-field"),
            time_field: field("--time-field"),
            half_life: names.contains(&"--half-life").then_some(1.0),
        }
    }

    fn empty(method: &Method) -> Sample {
        let constructor = method.constructor(&options(method.options));
        constructor.expect("these are its options")(3, rng_of(1))
    }

    #[test]
    fn every_method_takes_exactly_its_options() {
        for method in METHODS {
            assert_eq!(empty(method).method().name, method.name);
            for others in METHODS
                .iter()
                .filter(|other| other.options != method.options)
            {
                let constructor = method.constructor(&options(others.options));
                assert!(constructor.is_err(), "{} {:?}", method.name, others.options);
            }
        }
    }

    #[test]
    fn every_method_answers_what_its_row_lists_and_nothing_else() {
        for text in [
            "count",
            "weight",
            "fraction where 1=1",
            "sum(1)",
            "mean(1)",
            "quantile(1,0)",
        ] {
            let query = text.parse().expect(text);
            let question = Question {
                query: &query,
                separator: &Separator::new(None),
                confidence: 0.5,
            };
            for method in METHODS {
                let is_listed = method.answers.contains(&query.quantity.name());
                let answer = empty(method).sampler().answer(&question);
                assert_eq!(answer.is_some(), is_listed, "{} {text}", method.name);
            }
        }
    }

    #[test]
    fn every_method_has_the_images_its_row_lists() {
        for method in METHODS {
            let Ok(image) = empty(method).image() else {
                assert!(method.images.is_empty(), "{}", method.name);
                continue;
            };
            let kind = ImageKind::of(&image).expect("an image");
            assert!(method.images.contains(&kind), "{}", method.name);
            let mut never = |_: Vec<u8>| -> Drawn { unreachable!("it is empty") };
            let read = Sample::from_image(kind, &image, rng_of(1), &mut never);
            assert_eq!(read.expect("it is whole").method().name, method.name);
        }
    }

    #[test]
    fn the_options_of_a_method_are_listed_in_words() {
        let taken = |name| Method::named(name).expect("a method").taken();
        assert_eq!(
            taken("uniform"),
            "no --weight-field, --time-field or --half-life"
        );
        assert_eq!(
            taken("weighted"),
            "--weight-field, and no --time-field or --half-life"
        );
        assert_eq!(
            taken("decay"),
            "--time-field and --half-life, and no --weight-field"
        );
    }
}

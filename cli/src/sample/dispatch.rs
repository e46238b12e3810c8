//! The macro behind the table of methods.

/// Makes from the table: `METHODS`, the enum `Sample` with a variant for each method, and the
/// functions of `Sample` that depend on which one it is.
macro_rules! methods {
    ($($variant:ident {
        name: $name:literal,
        help: $help:literal,
        most: $most:expr,
        options: $options:expr,
        answers: $answers:expr,
        images: $images:expr,
    })+) => {
        /// All methods.
        pub(crate) static METHODS: &[&Method] = &[$(&$variant::METHOD),+];

        $(impl $variant {
            const METHOD: Method = Method {
                name: $name,
                help: $help,
                most: $most,
                options: &$options,
                answers: &$answers,
                images: &$images,
                constructor: |options| {
                    let make = <$variant as Sampler>::constructor(options)?;
                    Some(Box::new(move |capacity, rng| Sample::$variant(make(capacity, rng))))
                },
                from_image: |image, rng, drawn| {
                    <$variant as Sampler>::from_image(image, rng, drawn).map(Sample::$variant)
                },
            };
        })+

        /// A sample drawn by one of the methods.
        #[derive(Debug, Serialize, Deserialize)]
        pub(crate) enum Sample {
            $($variant($variant)),+
        }

        impl Sample {
            /// The method that drew it.
            pub(crate) fn method(&self) -> &'static Method {
                match self {
                    $(Self::$variant(_) => &$variant::METHOD),+
                }
            }

            fn sampler(&self) -> &dyn Sampler {
                match self {
                    $(Self::$variant(sample) => sample),+
                }
            }

            fn sampler_mut(&mut self) -> &mut dyn Sampler {
                match self {
                    $(Self::$variant(sample) => sample),+
                }
            }

            /// Merges the sample of other input into this one.
            ///
            /// # Errors
            ///
            /// If it was drawn in another way; nothing has changed then.
            pub(crate) fn merge(&mut self, other: Self) -> Result<(), String> {
                match (self, other) {
                    $((Self::$variant(all), Self::$variant(more)) if all.agrees(&more) => {
                        all.merge(more);
                        Ok(())
                    })+
                    (own, theirs) => Err(format!(
                        "holds a sample of method {}, but the files before it hold one of method {}",
                        theirs.description(),
                        own.description()
                    )),
                }
            }
        }
    };
}

pub(crate) use methods;

//! How samplers are stored by serde.
//!
//! Numbers whose every bit matters (ranks, thresholds, jumps) are stored as the bits of the `f64`.
//! Text formats then neither round them nor fail on infinities.

/// `Deserialize` for a type whose fields are read as they were stored and then checked.
///
/// Lists the stored fields in their order, then the fields that are not stored with their initial
/// values. The type has a method `fn restore(&mut self) -> Result<(), &'static str>`: it names the
/// invariant that the fields break, and sets the fields that were not stored.
macro_rules! stored {
    (
        $Type:ident<$($P:ident),+> $(where $Bound:ident: $first:ident + $second:ident)? {
            $($(#[$attribute:meta])* $field:ident: $Field:ty,)+
        }
        $($skipped:ident = $value:expr),*
    ) => {
        #[cfg(feature = "serde")]
        impl<'de, $($P: serde::Deserialize<'de>),+> serde::Deserialize<'de> for $Type<$($P),+>
        $(where $Bound: $first + $second)?
        {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                struct Stored<$($P),+> {
                    $($(#[$attribute])* $field: $Field,)+
                }
                let Stored { $($field),+ } = Stored::deserialize(from)?;
                let mut read = Self { $($field,)+ $($skipped: $value),* };
                read.restore().map_err(serde::de::Error::custom)?;
                Ok(read)
            }
        }
    };
}

pub(crate) use stored;

/// An `f64` as its bits: `#[serde(with = "bits")]`.
#[cfg(feature = "serde")]
pub(crate) mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(number.to_bits())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

/// An `f64` that may be missing, as its bits: `#[serde(with = "optional_bits")]`.
#[cfg(feature = "serde")]
pub(crate) mod optional_bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        number.map(f64::to_bits).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(f64::from_bits))
    }
}

/// A cap, of which the largest means none on every target: `#[serde(with = "cap")]`.
#[cfg(feature = "serde")]
pub(crate) mod cap {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(cap: &usize, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(match *cap {
            usize::MAX => u64::MAX,
            cap => cap as u64,
        })
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
        let cap = u64::deserialize(from)?;
        Ok(usize::try_from(cap).unwrap_or(usize::MAX))
    }
}

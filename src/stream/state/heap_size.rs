//! An estimate of the heap memory that a value owns, made by a serializer that counts instead of
//! writing.
//!
//! The encoded size says little about it: a number below 128 is encoded in one byte and may take
//! eight in memory, and each of a hundred short words has an allocation of its own.

use std::fmt;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// The size of an allocation of this many bytes: with a header and in steps of sixteen, as in
/// glibc.
pub(super) fn allocation(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        _ => (bytes + 8).next_multiple_of(16).max(32),
    }
}

/// An estimate of the bytes that a value owns beyond itself; 0 for what cannot be serialized. Spare
/// capacity is not seen, nor is a box of something no larger than a `Vec`.
pub(super) fn owned<T: Serialize>(value: &T) -> usize {
    value
        .serialize(Walk)
        .map_or(0, |size| size.beyond(size_of::<T>()))
}

/// The parts of a value.
#[derive(Clone, Copy, Default)]
struct Size {
    /// About how many bytes are in one place.
    body: usize,
    /// About how many bytes are in other allocations.
    away: usize,
}

const WORD: usize = size_of::<usize>();

/// A pointer, a length and a capacity.
const VEC: usize = 3 * WORD;

impl Size {
    fn of(body: usize) -> Result<Self, fmt::Error> {
        Ok(Self { body, away: 0 })
    }

    /// Bytes in an allocation of their own.
    fn slice(bytes: usize) -> Result<Self, fmt::Error> {
        let away = allocation(bytes);
        Ok(Self { body: VEC, away })
    }

    /// With padding for alignment.
    fn aligned(self) -> Self {
        let body = match self.body {
            body if body <= WORD => body,
            body => body.next_multiple_of(WORD),
        };
        Self { body, ..self }
    }

    /// The bytes in other allocations if this many are in place: a body that does not fit is boxed.
    /// Of lists and texts only a pointer may be in place.
    fn beyond(self, here: usize) -> usize {
        let boxed = if self.body > here.max(VEC) {
            self.body
        } else {
            0
        };
        self.away + allocation(boxed)
    }
}

/// The counting serializer.
struct Walk;

/// The parts of a value so far, and what holds them.
struct Parts {
    sum: Size,
    holder: Holder,
}

enum Holder {
    /// The value itself.
    Fields,
    /// Memory of its own.
    Elements,
    /// The same, of which a third is kept free.
    Entries,
}

impl Parts {
    fn of(holder: Holder) -> Result<Self, fmt::Error> {
        let sum = Size::default();
        Ok(Self { sum, holder })
    }

    fn add<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), fmt::Error> {
        let size = part.serialize(Walk)?;
        let here = size_of_val(part);
        // Lists hand out references to what they have.
        let is_reference = !matches!(self.holder, Holder::Fields) && here == WORD;
        let part = if is_reference {
            size.aligned()
        } else {
            Size {
                body: here,
                away: size.beyond(here),
            }
        };
        self.sum.body += part.body;
        self.sum.away += part.away;
        Ok(())
    }

    fn total(self) -> Size {
        let Size { body, away } = self.sum;
        let kept = match self.holder {
            Holder::Fields => return self.sum,
            Holder::Elements => body,
            Holder::Entries => body + body / 2,
        };
        Size {
            body: VEC,
            away: away + allocation(kept),
        }
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, _: $type) -> Result<Size, fmt::Error> {
            Size::of(size_of::<$type>())
        })*
    };
}

impl Serializer for Walk {
    type Ok = Size;
    type Error = fmt::Error;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    scalars!(
        serialize_bool: bool, serialize_char: char, serialize_f32: f32, serialize_f64: f64,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_i128: i128, serialize_u128: u128
    );

    fn serialize_str(self, text: &str) -> Result<Size, fmt::Error> {
        Size::slice(text.len())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Size, fmt::Error> {
        Size::slice(bytes.len())
    }

    fn serialize_none(self) -> Result<Size, fmt::Error> {
        Size::of(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Size, fmt::Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Size, fmt::Error> {
        Size::of(0)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Size, fmt::Error> {
        Size::of(0)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Size, fmt::Error> {
        Size::of(1)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Size, fmt::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Size, fmt::Error> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, fmt::Error> {
        Parts::of(Holder::Elements)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, fmt::Error> {
        Parts::of(Holder::Fields)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, fmt::Error> {
        Parts::of(Holder::Fields)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts, fmt::Error> {
        Parts::of(Holder::Fields)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, fmt::Error> {
        Parts::of(Holder::Entries)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, fmt::Error> {
        Parts::of(Holder::Fields)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts, fmt::Error> {
        Parts::of(Holder::Fields)
    }

    /// As in a checkpoint.
    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! holds_parts {
    ($($trait:ident: $($method:ident($($name:ident: $type:ty)?)),+;)*) => {
        $(impl $trait for Parts {
            type Ok = Size;
            type Error = fmt::Error;

            $(fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: $type,)?
                part: &T,
            ) -> Result<(), fmt::Error> {
                self.add(part)
            })+

            fn end(self) -> Result<Size, fmt::Error> {
                Ok(self.total())
            }
        })*
    };
}

holds_parts! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key(), serialize_value();
    SerializeStruct: serialize_field(_name: &'static str);
    SerializeStructVariant: serialize_field(_name: &'static str);
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::string::{String, ToString};
    use std::vec;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn what_lies_in_place_is_not_owned() {
        assert_eq!(owned(&()), 0);
        assert_eq!(owned(&(1u64, [2u8; 5], Some('c'), false)), 0);
        assert_eq!(owned(&None::<String>), 0);
        assert_eq!(owned(&String::new()), 0);
    }

    #[test]
    fn texts_and_lists_own_an_allocation_each() {
        assert_eq!(owned(&"flow".to_string()), 32);
        assert_eq!(owned(&"x".repeat(100)), 112);
        // Whatever their encoded size.
        assert_eq!(owned(&vec![1u64; 1_000]), allocation(8_000));
        assert_eq!(owned(&vec![1u8; 1_000]), allocation(1_000));
        let words = vec!["ebb".to_string(); 8];
        let header = size_of::<String>();
        assert_eq!(owned(&words), allocation(8 * header) + 8 * 32);
        let nested = vec![vec![7u32; 10]; 3];
        assert_eq!(owned(&nested), allocation(3 * header) + 3 * allocation(40));
    }

    #[test]
    fn a_body_that_is_not_here_is_in_a_box() {
        type Wide = (u64, [u64; 9], String);
        let node: Wide = (1, [2; 9], "ebb".to_string());
        assert_eq!(owned(&node), 32);
        let boxed = std::boxed::Box::new(node);
        assert_eq!(owned(&boxed), allocation(size_of::<Wide>()) + 32);
        let shared: std::boxed::Box<str> = "ebb".into();
        assert_eq!(owned(&shared), 32);
    }

    #[test]
    fn fields_count_as_they_lie() {
        let pairs = vec![(1u64, true); 100];
        assert_eq!(owned(&pairs), allocation(100 * size_of::<(u64, bool)>()));
        let named = vec![(1u64, "ebb".to_string()); 100];
        let inline = 100 * size_of::<(u64, String)>();
        assert_eq!(owned(&named), allocation(inline) + 100 * 32);
    }

    /// The capacity of a map is not visible.
    #[test]
    fn maps_are_about_right() {
        for len in [10usize, 100, 1_000, 10_000] {
            let map: HashMap<u64, u64> = (0..len as u64).map(|key| (key, key)).collect();
            let buckets = (len * 8 / 7).next_power_of_two();
            let ratio = owned(&map) as f64 / (buckets * 17 + 16) as f64;
            assert!((0.6..1.4).contains(&ratio), "{len}: {ratio}");
        }
        let tree: BTreeMap<u64, u64> = (0..1_000).map(|key| (key, key)).collect();
        assert!((16_000..32_000).contains(&owned(&tree)));
    }

    #[test]
    fn a_summary_owns_about_its_table() {
        let mut summary: crate::frequent::MisraGries<String> =
            crate::frequent::MisraGries::new(300);
        summary.extend((0..10_000).map(|i| (i % 250).to_string()));
        let table = summary.memory() + 250 * 32;
        let ratio = owned(&summary) as f64 / table as f64;
        assert!((0.5..1.1).contains(&ratio), "{ratio}");
    }

    #[test]
    fn what_cannot_be_serialized_is_no_error() {
        struct Never;
        impl Serialize for Never {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("never"))
            }
        }
        let values: Vec<Never> = vec![Never];
        assert_eq!(owned(&values), 0);
    }
}

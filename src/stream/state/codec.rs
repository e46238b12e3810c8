//! Codecs: how values become bytes and are read back. They are found by type, so that operators
//! need no bounds on the types of a program that takes no checkpoints.

use std::any::{Any, TypeId, type_name};
use std::boxed::Box;
use std::collections::HashMap;
use std::fmt;
use std::mem::needs_drop;
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec::Vec;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stream::error::BoxError;
use crate::stream::state::heap_size::{allocation, owned};
use crate::stream::state::refusal::Refusal;
use crate::stream::time::BatchTime;

type Encode<T> = dyn Fn(&T, &mut Vec<u8>) -> Result<(), BoxError> + Send + Sync;
type Decode<T> = dyn Fn(&mut &[u8]) -> Result<T, BoxError> + Send + Sync;
type EncodeEach<T> = dyn Fn(&[&T], &mut Vec<u8>) -> Result<(), BoxError> + Send + Sync;
type Owned<T> = dyn Fn(&T) -> usize + Send + Sync;
type DecodeEach<T> = dyn Fn(usize, &mut &[u8]) -> Result<Vec<T>, BoxError> + Send + Sync;

/// How many values are encoded by one call.
const BLOCK: usize = 128;

/// How values of one type are stored in checkpoints, and what the type is called there.
///
/// A [`Source`](crate::stream::Source) gives one for its positions; for states and items see
/// [`ContextBuilder::durable`](crate::stream::ContextBuilder::durable).
///
/// # Examples
///
/// ```
/// use forebay::stream::Codec;
///
/// let offsets: Codec<u64> = Codec::serde("offset");
/// # let _ = offsets;
/// ```
pub struct Codec<T> {
    /// The name of the type in checkpoints.
    name: Arc<str>,
    encode: Arc<Encode<T>>,
    decode: Arc<Decode<T>>,
    /// The same for many at once: one call through a pointer instead of one for each.
    encode_each: Arc<EncodeEach<T>>,
    decode_each: Arc<DecodeEach<T>>,
    owned: Arc<Owned<T>>,
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            encode: Arc::clone(&self.encode),
            decode: Arc::clone(&self.decode),
            encode_each: Arc::clone(&self.encode_each),
            decode_each: Arc::clone(&self.decode_each),
            owned: Arc::clone(&self.owned),
        }
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> {
    /// A codec with the bytes of postcard.
    ///
    /// They do not describe themselves: a type that changes its shape needs another name, and is
    /// then refused instead of misread.
    #[must_use]
    pub fn serde(name: &str) -> Self {
        Self {
            owned: Arc::new(owned),
            ..Self::new(name, put, take)
        }
    }
}

impl<T: 'static> Codec<T> {
    /// A codec for types without serde: byte strings that `encode` makes and `decode` reads.
    pub fn bytes(
        name: &str,
        encode: impl Fn(&T) -> Result<Vec<u8>, BoxError> + Send + Sync + 'static,
        decode: impl Fn(&[u8]) -> Result<T, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self::new(
            name,
            move |value, out| put(&encode(value)?, out),
            move |bytes| decode(&take::<Vec<u8>>(bytes)?),
        )
    }

    pub(crate) fn new(
        name: impl Into<Arc<str>>,
        encode: impl Fn(&T, &mut Vec<u8>) -> Result<(), BoxError> + Send + Sync + 'static,
        decode: impl Fn(&mut &[u8]) -> Result<T, BoxError> + Send + Sync + 'static,
    ) -> Self {
        let (encode, decode) = (Arc::new(encode), Arc::new(decode));
        let (one_in, one_out) = (Arc::clone(&encode), Arc::clone(&decode));
        let written = Arc::clone(&encode);
        Self {
            name: name.into(),
            encode,
            decode,
            encode_each: Arc::new(move |values, out| {
                values.iter().try_for_each(|value| one_in(value, out))
            }),
            decode_each: Arc::new(move |count, bytes| {
                // A hostile count must not decide an allocation.
                let mut values = Vec::with_capacity(count.min(bytes.len()));
                for _ in 0..count {
                    values.push(one_out(bytes)?);
                }
                Ok(values)
            }),
            // Nothing else is known about a type without serde: one and a half times its bytes, in
            // two allocations.
            owned: Arc::new(move |value| {
                let mut bytes = Vec::new();
                let written = written(value, &mut bytes);
                written.map_or(0, |()| 2 * allocation(bytes.len() * 3 / 4))
            }),
        }
    }
}

impl<T> Codec<T> {
    pub(crate) fn name(&self) -> String {
        self.name.to_string()
    }

    pub(crate) fn put(&self, value: &T, out: &mut Vec<u8>) -> Result<(), BoxError> {
        (self.encode)(value, out)
    }

    pub(crate) fn take(&self, bytes: &mut &[u8]) -> Result<T, BoxError> {
        (self.decode)(bytes)
    }

    /// About how many bytes a value owns beyond itself.
    pub(crate) fn owned(&self, value: &T) -> usize {
        if needs_drop::<T>() {
            (self.owned)(value)
        } else {
            0
        }
    }

    /// Appends values one after the other.
    pub(crate) fn put_each<'a>(
        &self,
        mut values: impl Iterator<Item = &'a T>,
        out: &mut Vec<u8>,
    ) -> Result<(), BoxError>
    where
        T: 'a,
    {
        let mut block = Vec::with_capacity(BLOCK);
        loop {
            block.clear();
            block.extend(values.by_ref().take(BLOCK));
            if block.is_empty() {
                return Ok(());
            }
            (self.encode_each)(&block, out)?;
        }
    }

    pub(crate) fn take_each(&self, count: usize, bytes: &mut &[u8]) -> Result<Vec<T>, BoxError> {
        (self.decode_each)(count, bytes)
    }

    pub(crate) fn put_all<'a>(
        &self,
        values: impl ExactSizeIterator<Item = &'a T>,
        out: &mut Vec<u8>,
    ) -> Result<(), BoxError>
    where
        T: 'a,
    {
        put(&(values.len() as u64), out)?;
        self.put_each(values, out)
    }

    pub(crate) fn take_all(&self, bytes: &mut &[u8]) -> Result<Vec<T>, BoxError> {
        let count: u64 = take(bytes)?;
        (0..count).map(|_| self.take(bytes)).collect()
    }

    /// A codec of pairs, the other value after this one.
    pub(crate) fn and<U: 'static>(&self, other: &Codec<U>) -> Codec<(T, U)>
    where
        T: 'static,
    {
        let (left, right) = (self.clone(), other.clone());
        let (first, second) = (self.clone(), other.clone());
        Codec::new(
            std::format!("({}, {})", self.name, other.name),
            move |(a, b), out| {
                left.put(a, out)?;
                right.put(b, out)
            },
            move |bytes| Ok((first.take(bytes)?, second.take(bytes)?)),
        )
    }
}

/// Lets postcard append slices as such, not byte by byte.
struct Onto<'a>(&'a mut Vec<u8>);

impl Flavor for Onto<'_> {
    type Output = ();

    #[inline(always)]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        match data {
            // Most numbers are short, and a call to copy them costs more than they do.
            [] => {}
            [a] => self.0.push(*a),
            [a, b] => self.0.extend([*a, *b]),
            [a, b, c] => self.0.extend([*a, *b, *c]),
            _ => self.0.extend_from_slice(data),
        }
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Appends a value in the encoding of the format itself.
#[inline]
pub(crate) fn put<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), BoxError> {
    Ok(postcard::serialize_with_flavor(value, Onto(out))?)
}

/// Reads a value in the encoding of the format itself.
#[inline]
pub(crate) fn take<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, BoxError> {
    let (value, rest) = postcard::take_from_bytes(bytes)?;
    *bytes = rest;
    Ok(value)
}

/// Batch times.
pub(crate) fn time() -> Codec<BatchTime> {
    Codec::new(
        "time",
        |time: &BatchTime, out| put(&time.as_millis(), out),
        |bytes| Ok(BatchTime::from_millis(take(bytes)?)),
    )
}

/// The codecs of a context.
#[derive(Clone)]
pub(crate) struct Codecs(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Codecs {
    pub(crate) fn add<T: 'static>(&mut self, codec: Codec<T>) {
        self.0.insert(TypeId::of::<T>(), Arc::new(codec));
    }

    pub(crate) fn get<T: 'static>(&self) -> Result<&Codec<T>, Refusal> {
        let found = self.0.get(&TypeId::of::<T>());
        let codec = found.and_then(|codec| codec.downcast_ref());
        codec.ok_or(Refusal::NoCodec(type_name::<T>()))
    }
}

impl Default for Codecs {
    fn default() -> Self {
        let mut codecs = Self(HashMap::new());
        macro_rules! add {
            ($($type:ty),*) => { $(codecs.add(Codec::<$type>::serde(stringify!($type)));)* };
        }
        add!(
            (),
            bool,
            char,
            u8,
            u16,
            u32,
            u64,
            u128,
            i8,
            i16,
            i32,
            i64,
            i128,
            f32,
            f64
        );
        codecs.add(Codec::<String>::serde("string"));
        codecs.add(Codec::<Box<str>>::serde("string"));
        codecs.add(Codec::<Vec<u8>>::serde("bytes"));
        codecs
    }
}

impl fmt::Debug for Codecs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codecs")
            .field("len", &self.0.len())
            .finish()
    }
}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

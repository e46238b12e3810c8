//! The frame of checkpoint files.
//!
//! ```text
//! magic "FOREBAYC" | version u16 | kind u8 | 0 | crc32 of these twelve bytes
//! then, for each section: length u64 | crc32 of the body | body
//! ```
//!
//! Integers are little-endian. The first sixteen bytes are the same in every version.

use std::path::Path;
use std::vec::Vec;

use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::error::BoxError;

const MAGIC: &[u8; 8] = b"FOREBAYC";
/// The format version.
const VERSION: u16 = 2;
pub(crate) const HEADER: usize = 16;
pub(crate) const SECTION: usize = 12;

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Manifest = 1,
    State = 2,
    Log = 3,
}

/// The header of a file.
pub(crate) fn begin(kind: Kind) -> Vec<u8> {
    let mut out = Vec::from(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend([kind as u8, 0]);
    let check = crc32fast::hash(&out);
    out.extend(check.to_le_bytes());
    out
}

pub(crate) fn push(body: &[u8], out: &mut Vec<u8>) {
    out.extend(section(&[], body));
    out.extend(body);
}

/// What precedes a body in a section; it begins with `head`, which comes last here.
pub(crate) fn section(head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut check = crc32fast::Hasher::new();
    check.update(head);
    check.update(body);
    let mut out = Vec::with_capacity(SECTION + head.len());
    out.extend(((head.len() + body.len()) as u64).to_le_bytes());
    out.extend(check.finalize().to_le_bytes());
    out.extend(head);
    out
}

/// Makes `out` a whole section, the body of which `fill` appends.
pub(crate) fn section_of(
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    out.clear();
    out.resize(SECTION, 0);
    fill(out)?;
    let (head, body) = out.split_at_mut(SECTION);
    head[..8].copy_from_slice(&(body.len() as u64).to_le_bytes());
    head[8..].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    Ok(())
}

fn number<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

/// The bodies of the sections of a file, all of them intact.
pub(crate) fn open<'a>(
    path: &Path,
    kind: Kind,
    bytes: &'a [u8],
) -> Result<Vec<&'a [u8]>, CheckpointError> {
    let mut rest = header(path, kind, bytes)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (body, after) = next(rest).map_err(|flaw| flaw.of(path))?;
        found.push(body);
        rest = after;
    }
    Ok(found)
}

/// What is wrong with a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Short,
    Check,
}

impl Flaw {
    pub(crate) fn of(&self, path: &Path) -> CheckpointError {
        CheckpointError::Corrupt {
            path: path.into(),
            what: match self {
                Self::Short => "it is too short",
                Self::Check => "the checksum of a section is wrong",
            },
        }
    }
}

/// The bytes after the header of a file.
pub(crate) fn header<'a>(
    path: &Path,
    kind: Kind,
    bytes: &'a [u8],
) -> Result<&'a [u8], CheckpointError> {
    let corrupt = |what| CheckpointError::Corrupt {
        path: path.into(),
        what,
    };
    let split = bytes.split_at_checked(HEADER);
    let (header, rest) = split.ok_or_else(|| Flaw::Short.of(path))?;
    if !header.starts_with(MAGIC) {
        return Err(CheckpointError::Foreign { path: path.into() });
    }
    if number(&header[12..]).map(u32::from_le_bytes) != Some(crc32fast::hash(&header[..12])) {
        return Err(corrupt("the checksum of its header is wrong"));
    }
    let version = u16::from_le_bytes([header[8], header[9]]);
    if version != VERSION {
        let path = path.into();
        return Err(CheckpointError::Version {
            path,
            version,
            supported: VERSION,
        });
    }
    if header[10] != kind as u8 {
        return Err(corrupt("it is a file of another kind"));
    }
    Ok(rest)
}

/// The length and the checksum of a body, from the bytes before it; `None` if they are too short.
pub(crate) fn promised(head: &[u8]) -> Option<(u64, u32)> {
    let (length, check) = (number(head)?, number(head.get(8..)?)?);
    Some((u64::from_le_bytes(length), u32::from_le_bytes(check)))
}

/// The body of the first section, and what follows it.
fn next(bytes: &[u8]) -> Result<(&[u8], &[u8]), Flaw> {
    let (length, check) = promised(bytes).ok_or(Flaw::Short)?;
    let length = usize::try_from(length).map_err(|_| Flaw::Short)?;
    let (_, after) = bytes.split_at(SECTION);
    let (body, after) = after.split_at_checked(length).ok_or(Flaw::Short)?;
    match check == crc32fast::hash(body) {
        true => Ok((body, after)),
        false => Err(Flaw::Check),
    }
}

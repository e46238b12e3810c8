//! The frame around everything in a checkpoint file.
//!
//! ```text
//! magic "FOREBAYC" | version u16 | kind u8 | 0 | crc32 of these twelve bytes
//! then, for each section: length u64 | crc32 of the body | body
//! ```
//!
//! Integers are little-endian. The first sixteen bytes are the same in every version to come.

use std::path::Path;
use std::vec::Vec;

use super::error::CheckpointError;

const MAGIC: &[u8; 8] = b"FOREBAYC";
/// What is written; older versions are read.
const VERSION: u16 = 2;
const HEADER: usize = 16;
const SECTION: usize = 12;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Manifest = 1,
    State = 2,
}

/// The beginning of a file.
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

fn number<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

/// The bodies of the sections of a file, all of them intact.
pub(crate) fn sections<'a>(
    path: &Path,
    kind: Kind,
    bytes: &'a [u8],
) -> Result<Vec<&'a [u8]>, CheckpointError> {
    Ok(open(path, kind, bytes)?.1)
}

/// The version of a file and the bodies of its sections, all of them intact.
pub(crate) fn open<'a>(
    path: &Path,
    kind: Kind,
    bytes: &'a [u8],
) -> Result<(u16, Vec<&'a [u8]>), CheckpointError> {
    let corrupt = |what| CheckpointError::Corrupt {
        path: path.into(),
        what,
    };
    let short = || corrupt("it is too short");
    let (header, mut rest) = bytes.split_at_checked(HEADER).ok_or_else(short)?;
    if !header.starts_with(MAGIC) {
        return Err(CheckpointError::Foreign { path: path.into() });
    }
    if number(&header[12..]).map(u32::from_le_bytes) != Some(crc32fast::hash(&header[..12])) {
        return Err(corrupt("the checksum of its header is wrong"));
    }
    let version = u16::from_le_bytes([header[8], header[9]]);
    if !(1..=VERSION).contains(&version) {
        let path = path.into();
        return Err(CheckpointError::Newer { path, version });
    }
    if header[10] != kind as u8 {
        return Err(corrupt("it is of another kind"));
    }
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (head, after) = rest.split_at_checked(SECTION).ok_or_else(short)?;
        let length = number(head).map_or(u64::MAX, u64::from_le_bytes);
        let check = number(&head[8..]).map(u32::from_le_bytes);
        let length = usize::try_from(length).map_err(|_| short())?;
        let (body, after) = after.split_at_checked(length).ok_or_else(short)?;
        if check != Some(crc32fast::hash(body)) {
            return Err(corrupt("the checksum of a section is wrong"));
        }
        found.push(body);
        rest = after;
    }
    Ok((version, found))
}

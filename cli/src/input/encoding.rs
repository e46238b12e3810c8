//! The table of encodings of input.
//!
//! An encoding is added as a row. Input is recognized by its first bytes, never by its name, so
//! that it may come from standard input.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::zstd::ZstdReader;

/// All encodings other than plain text.
const ENCODINGS: &[Encoding] = &[
    Encoding {
        name: "gzip",
        magic: b"\x1f\x8b",
        decoder: Some(|raw| Box::new(MultiGzDecoder::new(BufReader::new(raw)))),
    },
    Encoding {
        name: "zstd",
        magic: b"\x28\xb5\x2f\xfd",
        decoder: Some(|raw| Box::new(ZstdReader::new(BufReader::new(raw)))),
    },
    Encoding {
        name: "xz",
        magic: b"\xfd7zXZ\0",
        decoder: None,
    },
    Encoding {
        name: "bzip2",
        magic: b"BZh?1AY&SY",
        decoder: None,
    },
    Encoding {
        name: "lz4",
        magic: b"\x04\x22\x4d\x18",
        decoder: None,
    },
    Encoding {
        name: "lzip",
        magic: b"LZIP\x01",
        decoder: None,
    },
    Encoding {
        name: "compress (.Z)",
        magic: b"\x1f\x9d",
        decoder: None,
    },
    Encoding {
        name: "zip",
        magic: b"PK\x03\x04",
        decoder: None,
    },
    Encoding {
        name: "7z",
        magic: b"7z\xbc\xaf\x27\x1c",
        decoder: None,
    },
];

/// A row of the table.
struct Encoding {
    name: &'static str,
    /// What encoded input begins with; `?` is any byte.
    magic: &'static [u8],
    /// `None` if such input is refused: its bytes are no lines.
    decoder: Option<Decoder>,
}

type Decoder = fn(Box<dyn Read>) -> Box<dyn Read>;

impl Encoding {
    /// Whether the first bytes of input, up to all of the magic, are those of this encoding.
    fn matches(&self, head: &[u8]) -> bool {
        let pairs = self.magic.iter().zip(head);
        pairs
            .into_iter()
            .all(|(magic, byte)| *magic == b'?' || magic == byte)
    }

    /// Whether input that begins with these bytes has this encoding.
    fn is_of(&self, head: &[u8]) -> bool {
        head.len() >= self.magic.len() && self.matches(head)
    }
}

/// How many bytes of input tell whether it is encoded.
#[cfg(unix)]
pub(super) const LONGEST_MAGIC: usize = {
    let (mut longest, mut row) = (0, 0);
    while row < ENCODINGS.len() {
        let length = ENCODINGS[row].magic.len();
        longest = if length > longest { length } else { longest };
        row += 1;
    }
    longest
};

/// Whether input that begins with these bytes is encoded.
#[cfg(unix)]
pub(super) fn is_encoded(head: &[u8]) -> bool {
    ENCODINGS.iter().any(|row| row.is_of(head))
}

/// The text of `raw`, decoded if it begins like one of the encodings.
///
/// Reads no more than needed to tell them apart, so that plain input is available as it arrives.
///
/// # Errors
///
/// Those of reading, and if the encoding is known and cannot be decoded.
pub(super) fn decoded(mut raw: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut head = Vec::new();
    while could_become_encoded(&head) && raw.by_ref().take(1).read_to_end(&mut head)? == 1 {}
    let encoding = ENCODINGS.iter().find(|row| row.is_of(&head));
    let whole = Box::new(Cursor::new(head).chain(raw));
    let Some(Encoding { name, decoder, .. }) = encoding else {
        return Ok(whole);
    };
    let refused = || {
        let message = format!("it is compressed with {name}, which is not decoded here");
        io::Error::new(io::ErrorKind::Unsupported, message)
    };
    Ok(decoder.ok_or_else(refused)?(whole))
}

/// Whether more bytes could make this the beginning of encoded input.
fn could_become_encoded(head: &[u8]) -> bool {
    ENCODINGS
        .iter()
        .any(|row| row.magic.len() > head.len() && row.matches(head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn decode(raw: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        decoded(Cursor::new(raw.to_vec()))?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn plain_text_is_unchanged_even_if_it_begins_like_an_encoding() {
        for text in [
            &b""[..],
            b"a",
            b"(",
            b"(\xb5/",
            b"\x1f",
            b"\x1fx\n",
            b"plain\n",
            b"BZh of 1AY&SY\n",
            b"7z\n",
        ] {
            assert_eq!(decode(text).expect("plain"), text);
        }
    }

    #[test]
    fn gzip_and_zstd_are_decoded_and_so_are_several_in_one_file() {
        let text = b"ebb and flow\n".repeat(40_000);
        for pack in [gzip, zstd] {
            assert!(decode(&pack(&text)).expect("one") == text);
            let two = [pack(&text), pack(b""), pack(b"x\n")].concat();
            assert!(decode(&two).expect("three") == [&text[..], b"x\n"].concat());
        }
    }

    #[test]
    fn other_compressed_input_is_refused_by_name() {
        for (packed, name) in [
            (&b"\xfd7zXZ\0\0\x04abc\n"[..], "xz"),
            (b"BZh91AY&SYabc\n", "bzip2"),
            (b"BZh11AY&SY", "bzip2"),
            (b"PK\x03\x04", "zip"),
        ] {
            assert!(is_encoded(packed));
            let error = decode(packed).expect_err("it is not decoded").to_string();
            assert!(error.contains(&format!("with {name},")), "{error}");
        }
    }

    #[test]
    fn a_skippable_zstd_frame_is_skipped() {
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 7, 7, 7];
        let packed = [&zstd(b"a\n")[..], &skippable, &zstd(b"b\n")].concat();
        assert_eq!(decode(&packed).expect("both"), b"a\nb\n");
    }

    #[test]
    fn truncated_or_damaged_input_is_an_error() {
        for mut packed in [gzip(b"ebb and flow\n"), zstd(b"ebb and flow\n")] {
            for length in 4..packed.len() {
                assert!(decode(&packed[..length]).is_err(), "{length}");
            }
            let at = packed.len() - 6;
            packed[at] ^= 1;
            assert!(decode(&packed).is_err());
        }
    }
}

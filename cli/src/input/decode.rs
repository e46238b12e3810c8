//! Compressed input, known by its first bytes.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// How many bytes tell whether input is compressed.
#[cfg(unix)]
pub(crate) const LONGEST_MAGIC: usize = ZSTD.len();

/// Whether input that begins with these bytes is compressed.
#[cfg(unix)]
pub(crate) fn is_compressed(head: &[u8]) -> bool {
    [GZIP, ZSTD].iter().any(|magic| head.starts_with(magic))
}

/// What `raw` holds, decompressed if it begins like gzip or zstd.
///
/// Of input that begins otherwise no more is awaited than what tells it apart.
pub(crate) fn decoded(mut raw: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut head = Vec::new();
    while could_become(&head) && raw.by_ref().take(1).read_to_end(&mut head)? == 1 {}
    let coding = head.clone();
    let whole = Cursor::new(head).chain(raw);
    Ok(match coding.as_slice() {
        GZIP => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        ZSTD => Box::new(ZstdReader::new(BufReader::new(whole))),
        _ => Box::new(whole),
    })
}

/// Whether more bytes could make this the beginning of a compressed file.
fn could_become(head: &[u8]) -> bool {
    [GZIP, ZSTD]
        .iter()
        .any(|magic| magic.len() > head.len() && magic.starts_with(head))
}

/// Decompresses zstd: any number of frames one after the other, with their checksums.
struct ZstdReader<R> {
    source: R,
    decoder: FrameDecoder,
}

impl<R: BufRead> ZstdReader<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
        }
    }

    /// Begins the next frame, or passes over it if it holds no data; false at the end of input.
    fn next_frame(&mut self) -> io::Result<bool> {
        if self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        match self.decoder.init(&mut self.source) {
            Ok(()) => {}
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let mut skipped = self.source.by_ref().take(length.into());
                io::copy(&mut skipped, &mut io::sink())?;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
        Ok(true)
    }

    fn verify(&self) -> io::Result<()> {
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(io::Error::other("the zstd checksum does not match"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            if self.decoder.is_finished() {
                self.verify()?;
                if !self.next_frame()? {
                    return Ok(0);
                }
            } else {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.source, one)
                    .map_err(io::Error::other)?;
            }
        }
    }
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
    fn plain_text_stays_what_it_is_also_if_it_begins_like_a_coding() {
        for text in [
            &b""[..],
            b"a",
            b"(",
            b"(\xb5/",
            b"\x1f",
            b"\x1fx\n",
            b"plain\n",
        ] {
            assert_eq!(decode(text).expect("plain"), text);
        }
    }

    #[test]
    fn gzip_and_zstd_are_decompressed_and_so_are_several_in_one_file() {
        let text = b"ebb and flow\n".repeat(40_000);
        for pack in [gzip, zstd] {
            assert!(decode(&pack(&text)).expect("one") == text);
            let two = [pack(&text), pack(b""), pack(b"x\n")].concat();
            assert!(decode(&two).expect("three") == [&text[..], b"x\n"].concat());
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

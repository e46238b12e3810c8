//! Files and lines of text.

use std::borrow::Cow;
use std::boxed::Box;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::string::String;

/// How much of a file is read at once.
const CHUNK: usize = 1 << 16;

/// A line without its end; a `\r` before it is part of it, invalid UTF-8 is replaced. A borrowed
/// line is unchanged.
pub(crate) fn line(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    String::from_utf8_lossy(bytes)
}

/// A reader of the text in a file, decompressed according to its extension.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let file = File::open(path)?;
    #[cfg(feature = "compression")]
    match path.extension().and_then(std::ffi::OsStr::to_str) {
        Some("gz") => return Ok(buffered(flate2::read::MultiGzDecoder::new(file))),
        Some("zst") => return Ok(buffered(zstd::Frames::new(BufReader::new(file)))),
        _ => {}
    }
    Ok(buffered(file))
}

fn buffered(reader: impl io::Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(CHUNK, reader))
}

#[cfg(feature = "compression")]
mod zstd {
    use std::io::{self, BufRead, Read};

    use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
    use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

    /// Decompresses any number of concatenated frames and verifies their checksums.
    pub(super) struct Frames<R> {
        source: R,
        decoder: FrameDecoder,
    }

    impl<R: BufRead> Frames<R> {
        pub(super) fn new(source: R) -> Self {
            let decoder = FrameDecoder::new();
            Self { source, decoder }
        }

        /// Starts the next frame, or skips it if it holds no data; false at the end.
        fn begin(&mut self) -> io::Result<bool> {
            use ReadFrameHeaderError::SkipFrame;
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.init(&mut self.source) {
                Ok(()) => {}
                Err(FrameDecoderError::ReadFrameHeaderError(SkipFrame { length, .. })) => {
                    let mut skipped = self.source.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
            Ok(true)
        }

        fn verify(&self) -> io::Result<()> {
            let stored = self.decoder.get_checksum_from_data();
            match stored.is_some() && stored != self.decoder.get_calculated_checksum() {
                true => Err(io::Error::other("the zstd checksum does not match")),
                false => Ok(()),
            }
        }
    }

    impl<R: BufRead> Read for Frames<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            loop {
                let read = self.decoder.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                if !self.decoder.is_finished() {
                    let one = BlockDecodingStrategy::UptoBlocks(1);
                    let decoded = self.decoder.decode_blocks(&mut self.source, one);
                    decoded.map_err(io::Error::other)?;
                    continue;
                }
                self.verify()?;
                if !self.begin()? {
                    return Ok(0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// The lines of a file of this name with this content.
    fn lines(name: &str, content: &[u8]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        let reader = open(&path).expect("the file");
        let lines = reader
            .split(b'\n')
            .map(|bytes| line(&bytes.expect("readable")).into_owned());
        lines.collect()
    }

    #[test]
    fn lines_end_with_either_mark_and_the_last_needs_none() {
        assert!(lines("a", b"").is_empty());
        assert_eq!(lines("a", b"\n"), [""]);
        assert_eq!(lines("a", b"a\r\n\nb"), ["a", "", "b"]);
        assert_eq!(lines("a", b"a\n\n"), ["a", ""]);
        assert_eq!(lines("a", b"\xff!\n"), ["\u{fffd}!"]);
    }

    #[cfg(feature = "compression")]
    #[test]
    fn several_compressed_parts_in_one_file_are_read_to_the_end() {
        use std::io::Write;

        use ruzstd::encoding::CompressionLevel::Fastest;
        use ruzstd::encoding::compress_to_vec;
        let gzip = |text: &str| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            encoder.write_all(text.as_bytes()).expect("memory");
            encoder.finish().expect("memory")
        };
        let parts = ["ebb\n", "flow\nsl", "ack"];
        let zstd = |text: &str| compress_to_vec(text.as_bytes(), Fastest);
        assert_eq!(
            lines("a.gz", &parts.map(gzip).concat()),
            ["ebb", "flow", "slack"]
        );
        assert_eq!(
            lines("a.zst", &parts.map(zstd).concat()),
            ["ebb", "flow", "slack"]
        );
    }
}

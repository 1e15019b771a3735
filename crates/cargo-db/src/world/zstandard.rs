//! Zstandard. Reading is always available, in Rust, so that a first build compiles no C. Writing
//! needs the cargo feature `zstd` with the C library, which is then also used for reading because
//! it is faster.

use std::io::{self, BufRead, Read, Write};
use std::sync::mpsc::Receiver;

/// The text of a file of one or more frames.
#[cfg(feature = "zstd")]
pub(super) fn reader(file: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(zstd::stream::read::Decoder::with_buffer(file)?))
}

/// The text of a file of one or more frames.
#[cfg(not(feature = "zstd"))]
pub(super) fn reader(file: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(frames::Frames::new(file)))
}

/// Writes all pieces as one frame with a checksum.
#[cfg(feature = "zstd")]
pub(super) fn write<W: Write>(file: W, level: i32, pieces: &Receiver<Vec<u8>>) -> io::Result<W> {
    let mut writer = zstd::stream::write::Encoder::new(file, level)?;
    writer.include_checksum(true)?;
    pieces.iter().try_for_each(|piece| writer.write_all(&piece))?;
    writer.finish()
}

/// Nobody should come here: the verb refuses `--compress=zstd` in a build that cannot write it.
#[cfg(not(feature = "zstd"))]
pub(super) fn write<W: Write>(_: W, _: i32, _: &Receiver<Vec<u8>>) -> io::Result<W> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "built without the feature `zstd`"))
}

/// The reader in Rust. It is compiled for the tests of every build, whichever of the two reads.
#[cfg(any(test, not(feature = "zstd")))]
mod frames {
    use std::io::{self, BufRead, Read};

    use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
    use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

    /// As much as the C library allows: what `zstd --long` and `--ultra -22` write.
    const MAX_WINDOW: u64 = 128 * 1024 * 1024;

    /// Reads frame after frame. `ruzstd` decodes a single frame; comparing its checksum and length,
    /// skipping skippable frames and rejecting trailing data is done here.
    pub(super) struct Frames<R> {
        source: R,
        decoder: FrameDecoder,
        in_frame: bool,
        /// How many bytes of text the current frame gave.
        passed: u64,
    }

    impl<R: BufRead> Frames<R> {
        pub(super) fn new(source: R) -> Frames<R> {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(MAX_WINDOW);
            Frames { source, decoder, in_frame: false, passed: 0 }
        }

        /// Reads the head of the next frame; false at the end of the file.
        fn begin(&mut self) -> io::Result<bool> {
            while !self.source.fill_buf()?.is_empty() {
                match self.decoder.init(&mut self.source) {
                    Ok(()) => {
                        (self.in_frame, self.passed) = (true, 0);
                        return Ok(true);
                    }
                    Err(FrameDecoderError::ReadFrameHeaderError(
                        ReadFrameHeaderError::SkipFrame { length, .. },
                    )) => self.skip(length.into())?,
                    Err(error) => return Err(io::Error::other(error)),
                }
            }
            Ok(false)
        }

        fn skip(&mut self, length: u64) -> io::Result<()> {
            let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
            if skipped == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        }

        /// Compares what the frame says of itself with what came out of it.
        fn end(&mut self) -> io::Result<()> {
            self.in_frame = false;
            // Without a length in its head the frame says 0.
            let length = self.decoder.content_size();
            if length != 0 && length != self.passed {
                return Err(bad("the length of a zstd frame differs from its header"));
            }
            let written = self.decoder.get_checksum_from_data();
            if written.is_some() && written != self.decoder.get_calculated_checksum() {
                return Err(bad("the checksum of a zstd frame is wrong"));
            }
            Ok(())
        }
    }

    fn bad(what: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, what)
    }

    impl<R: BufRead> Read for Frames<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            while !buffer.is_empty() && (self.in_frame || self.begin()?) {
                while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                    self.decoder
                        .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                        .map_err(io::Error::other)?;
                }
                let count = self.decoder.read(buffer)?;
                self.passed += count as u64;
                if count > 0 {
                    return Ok(count);
                }
                self.end()?;
            }
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 MB that compresses, and that refers far back.
    fn text() -> Vec<u8> {
        let row = |n: u64| format!("{n}\torder {}\t{:x}\n", n % 7, n.wrapping_mul(0x9e37_79b9));
        let mut text: Vec<u8> = (0..20_000).flat_map(|n| row(n).into_bytes()).collect();
        text.extend_from_within(..);
        text
    }

    fn frame(text: &[u8], level: i32, set: impl Fn(&mut Encoder) -> io::Result<()>) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), level).unwrap();
        set(&mut encoder).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    type Encoder = zstd::stream::write::Encoder<'static, Vec<u8>>;

    fn checked(text: &[u8]) -> Vec<u8> {
        frame(text, 3, |encoder| encoder.include_checksum(true))
    }

    /// By the reader in Rust, and by the one of this build, which have to agree.
    fn read(file: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let ours = frames::Frames::new(file).read_to_end(&mut text).map(|_| text);
        let mut text = Vec::new();
        let built = reader(io::Cursor::new(file.to_vec()))?.read_to_end(&mut text).map(|_| text);
        assert_eq!(ours.as_ref().ok(), built.as_ref().ok());
        ours
    }

    #[test]
    fn zstd_of_every_level_is_read() {
        let text = text();
        for level in [-5, 1, 3, 9, 19] {
            assert!(read(&frame(&text, level, |_| Ok(()))).unwrap() == text, "{level}");
        }
    }

    #[test]
    fn zstd_with_the_widest_window_is_read_and_a_wider_one_refused() {
        let text = text();
        let wide = |log| {
            frame(&text, 1, |encoder| {
                encoder.long_distance_matching(true)?;
                encoder.window_log(log)
            })
        };
        assert!(read(&wide(27)).unwrap() == text);
        read(&wide(28)).unwrap_err();
    }

    #[test]
    fn zstd_frames_follow_each_other_and_some_are_skipped() {
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
        let frames = [&checked(b"one "), &skippable, &checked(b""), &checked(b"two")];
        assert_eq!(read(&frames.map(|frame| &frame[..]).concat()).unwrap(), b"one two");
    }

    #[test]
    fn zstd_that_is_cut_off_or_changed_or_followed_by_something_is_an_error() {
        let text = text();
        let whole = checked(&text);
        for length in [1, 4, 10, whole.len() / 2, whole.len() - 5, whole.len() - 1] {
            read(&whole[..length]).unwrap_err();
        }
        for at in [whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            read(&changed).unwrap_err();
        }
        for more in [&b"x"[..], b"more text", &whole[..whole.len() / 3]] {
            read(&[&whole, more].concat()).unwrap_err();
        }
    }

    #[test]
    fn zstd_with_another_length_in_its_head_is_an_error() {
        let mut file = zstd::bulk::compress(&[b'a'; 1000], 3).unwrap();
        assert_eq!(read(&file).unwrap(), [b'a'; 1000]);
        // Magic, descriptor, then two bytes of length (minus 256) in a frame of one segment.
        assert_eq!(
            (file[4] >> 5, file[5..7].to_vec()),
            (0b011, (1000_u16 - 256).to_le_bytes().to_vec())
        );
        file[5] += 1;
        read(&file).unwrap_err();
    }
}

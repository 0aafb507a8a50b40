//! The encoders, in levels for live traffic: gzip 6, br 4, zstd 3.
//!
//! Each looks back at most 256 KiB, and less where the body is known to be shorter, so that an answer under way takes
//! 0.4 MiB in gzip, 1.5 in zstd and 2 in br, whatever its length.
use super::Coding;

#[cfg(feature = "compression")]
pub(super) use self::available::Encoder;
#[cfg(not(feature = "compression"))]
pub(super) use self::missing::Encoder;

#[cfg(feature = "compression")]
mod available {
    use std::fmt;
    use std::io::{self, Write as _};

    use brotli::CompressorWriter;
    use brotli::enc::BrotliEncoderParams;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::Coding;

    const GZIP_LEVEL: u32 = 6;
    const BROTLI_QUALITY: i32 = 4;
    const ZSTD_LEVEL: i32 = 3;
    /// Logarithms of the bytes that brotli and zstd look back.
    const WINDOW: std::ops::RangeInclusive<u32> = 10..=18;
    /// From here on brotli would take tables of 4 MiB.
    const BROTLI_HINT_MAX: usize = (1 << 20) - 1;
    /// What brotli writes at once.
    const BROTLI_BUFFER: usize = 4 << 10;

    /// One answer's encoder; what it has made waits in memory until it is taken.
    pub(in super::super) enum Encoder {
        Gzip(GzEncoder<Vec<u8>>),
        Br(Box<CompressorWriter<Vec<u8>>>),
        Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    }

    impl fmt::Debug for Encoder {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(match self {
                Self::Gzip(_) => "Gzip",
                Self::Br(_) => "Br",
                Self::Zstd(_) => "Zstd",
            })
        }
    }

    /// The smallest window that holds a body of this length.
    fn window(length: Option<u64>) -> u32 {
        let needed = length.map_or(u64::BITS, |length| u64::BITS - length.leading_zeros());
        needed.clamp(*WINDOW.start(), *WINDOW.end())
    }

    impl Encoder {
        /// An encoder for a body of this length, or of an unknown one.
        pub(in super::super) fn new(coding: Coding, length: Option<u64>) -> io::Result<Self> {
            Ok(match coding {
                Coding::Gzip => {
                    Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL)))
                }
                Coding::Br => {
                    let parameters = BrotliEncoderParams {
                        quality: BROTLI_QUALITY,
                        lgwin: window(length).cast_signed(),
                        size_hint: length.map_or(0, |length| {
                            usize::try_from(length)
                                .map_or(BROTLI_HINT_MAX, |length| length.min(BROTLI_HINT_MAX))
                        }),
                        ..BrotliEncoderParams::default()
                    };
                    Self::Br(Box::new(CompressorWriter::with_params(
                        Vec::new(),
                        BROTLI_BUFFER,
                        &parameters,
                    )))
                }
                Coding::Zstd => {
                    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
                    encoder.window_log(window(length))?;
                    Self::Zstd(encoder)
                }
            })
        }

        pub(in super::super) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
            match self {
                Self::Gzip(encoder) => encoder.write_all(piece),
                Self::Br(encoder) => encoder.write_all(piece),
                Self::Zstd(encoder) => encoder.write_all(piece),
            }
        }

        /// Makes what was written legible from what was taken, at the cost of a few bytes.
        pub(in super::super) fn flush(&mut self) -> io::Result<()> {
            match self {
                Self::Gzip(encoder) => encoder.flush(),
                Self::Br(encoder) => encoder.flush(),
                Self::Zstd(encoder) => encoder.flush(),
            }
        }

        /// Ends the stream; what is left of it.
        pub(in super::super) fn finish(self) -> io::Result<Vec<u8>> {
            match self {
                Self::Gzip(encoder) => encoder.finish(),
                Self::Br(encoder) => Ok(encoder.into_inner()),
                Self::Zstd(encoder) => encoder.finish(),
            }
        }

        fn made(&mut self) -> &mut Vec<u8> {
            match self {
                Self::Gzip(encoder) => encoder.get_mut(),
                Self::Br(encoder) => encoder.get_mut(),
                Self::Zstd(encoder) => encoder.get_mut(),
            }
        }

        /// How many bytes wait to be taken.
        pub(in super::super) fn waiting(&mut self) -> usize {
            self.made().len()
        }

        pub(in super::super) fn take(&mut self) -> Vec<u8> {
            std::mem::take(self.made())
        }
    }
}

#[cfg(not(feature = "compression"))]
mod missing {
    use std::io;

    use super::Coding;

    /// There is none in this build.
    #[derive(Debug)]
    pub(in super::super) enum Encoder {}

    impl Encoder {
        pub(in super::super) fn new(_: Coding, _: Option<u64>) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(in super::super) fn write(&mut self, _: &[u8]) -> io::Result<()> {
            match *self {}
        }

        pub(in super::super) fn flush(&mut self) -> io::Result<()> {
            match *self {}
        }

        pub(in super::super) fn finish(self) -> io::Result<Vec<u8>> {
            match self {}
        }

        pub(in super::super) fn waiting(&mut self) -> usize {
            match *self {}
        }

        pub(in super::super) fn take(&mut self) -> Vec<u8> {
            match *self {}
        }
    }
}

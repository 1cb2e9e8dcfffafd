//! Files as byte streams: gzipped ones are unpacked, and how far the reading has come can be watched.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

/// Bytes to read.
pub(crate) type Source = Box<dyn Read + Send>;

/// How far the reading of a file has come, for a progress bar in another thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// Bytes read so far, of the file as it lies on the disk.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counting {
    file: File,
    bytes: BytesRead,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens `path`; gives with it the extension that says what is inside, in small letters: `csv` of `A.CSV.gz`.
pub(crate) fn open(path: &Path, bytes: BytesRead) -> io::Result<(Source, String)> {
    let counting = Counting { file: File::open(path)?, bytes };
    let name = path.to_string_lossy().to_lowercase();
    let (name, source): (_, Source) = match name.strip_suffix(".gz") {
        Some(inner) => (inner, Box::new(MultiGzDecoder::new(BufReader::new(counting)))),
        None => (name.as_str(), Box::new(counting)),
    };
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    Ok((source, extension.to_owned()))
}

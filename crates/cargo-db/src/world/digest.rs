//! A file that is hashed while it is read: hashing it separately might read different bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{Context, SHA256};

use crate::failure::Result;
use crate::model::migration::Checksum;
use crate::world::files;

/// The file. Its clones continue where the previous ones stopped, and hash into the same digest.
#[derive(Clone)]
pub(crate) struct Digested {
    file: Arc<File>,
    context: Arc<Mutex<Context>>,
}

impl Digested {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> Result<Digested> {
        let file = files::open(path).map_err(files::failed("read", path))?;
        let context = Arc::new(Mutex::new(Context::new(&SHA256)));
        Ok(Digested { file: Arc::new(file), context })
    }

    /// Reads the rest. Returns the number of bytes in the rest, and the SHA-256 of the whole file.
    pub(crate) fn finish(self) -> io::Result<(u64, Checksum)> {
        let mut rest = io::BufReader::with_capacity(256 * 1024, self.clone());
        let bytes = io::copy(&mut rest, &mut io::sink())?;
        let context = self.context.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((bytes, Checksum::of_digest(context.finish().as_ref())))
    }
}

impl Read for Digested {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&*self.file).read(buffer)?;
        let mut context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        context.update(&buffer[..count]);
        Ok(count)
    }
}

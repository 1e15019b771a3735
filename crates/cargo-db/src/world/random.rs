//! Random numbers of the system.

use ring::rand::{SecureRandom, SystemRandom};

use crate::failure::{Result, RunError};
use crate::model::hex::to_hex;

/// Fills a buffer with bytes that cannot be guessed.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new().fill(bytes).map_err(|_| RunError::NoRandomBytes.into())
}

/// As many hexadecimal digits as `digits`, two a byte, that cannot be guessed.
pub(crate) fn hexadecimal(digits: usize) -> Result<String> {
    let mut random = vec![0; digits.div_ceil(2)];
    fill(&mut random)?;
    Ok(to_hex(&random))
}

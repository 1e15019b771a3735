//! Random numbers of the system.

use ring::rand::{SecureRandom, SystemRandom};

use crate::failure::{BackupError, Result};

/// So many hexadecimal digits that nobody can guess.
pub(crate) fn hexadecimal(digits: usize) -> Result<String> {
    let mut random = vec![0; digits.div_ceil(2)];
    SystemRandom::new().fill(&mut random).map_err(|_| BackupError::Failed {
        doing: "load",
        why: "the system has no random numbers".to_owned(),
    })?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

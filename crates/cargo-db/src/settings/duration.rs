//! Durations in settings.

use std::time::Duration;

use crate::failure::{Result, SettingsError};

/// `300ms`, `2s`, `5m`.
pub(super) fn parse_duration(text: &str, source: &str) -> Result<Duration> {
    humantime::parse_duration(text).map_err(|error| {
        let (source_name, value) = (source.to_owned(), text.to_owned());
        SettingsError::Value {
            source_name,
            value,
            why: format!("{error}; write `300ms`, `2s` or `5m`"),
        }
        .into()
    })
}

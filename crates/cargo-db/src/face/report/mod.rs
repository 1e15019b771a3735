//! Findings in the formats of pipelines and reviewers, one file each. All are written from the same
//! page.

mod github;
mod html;
#[cfg(feature = "ci")]
mod junit;
mod markdown;
mod page;
#[cfg(feature = "ci")]
mod sarif;

use crate::answer::visible::visible;
use crate::failure::Result;
use crate::model::format::ReportFormat;

pub(super) use markdown::written as markdown;
pub(super) use page::Page;

/// The page in a format.
pub(super) fn written(page: &Page, format: ReportFormat) -> Result<String> {
    match format {
        ReportFormat::Github => Ok(visible(&github::written(page)).into_owned()),
        ReportFormat::Html => Ok(visible(&html::written(page)).into_owned()),
        #[cfg(feature = "ci")]
        ReportFormat::Sarif => sarif::written(page),
        #[cfg(feature = "ci")]
        ReportFormat::Junit => junit::written(page),
        _ => Ok(markdown(page)),
    }
}

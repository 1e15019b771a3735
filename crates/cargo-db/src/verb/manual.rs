//! Manual pages, one for each command.

use clap::Command;
use clap_mangen::Man;

/// A page: the name of its file, and its text.
pub(super) type Page = (String, String);

/// The pages of a command line.
pub(super) fn pages(cli: &Command) -> Vec<Page> {
    let mut pages = Vec::new();
    collect(&cli.clone().display_name("cargo-db"), &mut pages);
    pages
}

/// Appends the page of a command, and those of the commands below it.
fn collect(command: &Command, pages: &mut Vec<Page>) {
    let name = command.get_display_name().unwrap_or_default();
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = Man::new(command.clone()).render(&mut text);
    pages.push((format!("{name}.1"), String::from_utf8_lossy(&text).into_owned()));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let name = format!("{name}-{}", below.get_name());
        collect(&below.clone().display_name(name), pages);
    }
}

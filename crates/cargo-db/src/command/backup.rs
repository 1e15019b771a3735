//! `cargo db backup`.

use crate::backup::{self, Folder, Order};
use crate::cli::{BackupArgs, BackupFormat};
use crate::command::{Context, backups};
use crate::failure::{Exit, Kind, Result};
use crate::model::backup::{Backup, Compression, Format};
use crate::ui::Report;

pub(super) fn run(context: &Context, args: &BackupArgs) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let folder = Folder::new(&settings.backup.dir.value);
    let order = order(args, &settings.backup.event)?;
    ui.note(&format!(
        "Backup of {} on {} into {}",
        target.database,
        target.server(),
        folder.path().display()
    ));
    let ask = ui.can_prompt() && !args.auto && !settings.backup.skip_prompt && !context.agreed.yes;
    if ask && !ui.confirm("Go on?")? {
        return Err(Kind::Declined.into());
    }
    let taken = backup::take(world, settings, &target, &folder, &order)?;
    // Nothing is removed on the word of a backup that nobody read.
    let removed =
        if taken.manifest.read_back { backups::prune(context, &folder)? } else { Vec::new() };
    report(context, &folder, &taken, &removed);
    Ok(Exit::Done)
}

fn report(context: &Context, folder: &Folder, taken: &Backup, removed: &[String]) {
    let path = folder.path_of(&taken.manifest.name);
    let path = path.strip_prefix(&context.settings.root).unwrap_or(&path).to_owned();
    context.ui.report(&Report::BackedUp { path, backup: taken, removed });
}

fn compression(text: &str) -> Result<Compression> {
    let why = match Compression::parse(text) {
        Some(compression) if compression.is_built_in() => return Ok(compression),
        Some(_) => {
            "writing zstd is the feature `zstd` of the crate `cargo-db`, which this build has off: \
             add `features = [\"zstd\"]` where `cargo-db` is a dependency, or take `gzip`"
        }
        None => "there are `gzip` (1 to 9) and `zstd` (1 to 19), as `zstd:3`",
    };
    let source_name = "--compress".to_owned();
    Err(Kind::BadSetting { source_name, value: text.to_owned(), why: why.to_owned() }.into())
}

fn order(args: &BackupArgs, event: &str) -> Result<Order> {
    let compression = match &args.compress {
        _ if args.format != BackupFormat::Sql || args.no_compress => Compression::None,
        None => Compression::Gzip(6),
        Some(text) => compression(text)?,
    };
    let lists = [
        ("--schema", &args.schema),
        ("--table", &args.table),
        ("--exclude-table", &args.exclude_table),
        ("--exclude-table-data", &args.exclude_table_data),
    ];
    let mut selection: Vec<String> = lists
        .iter()
        .flat_map(|(flag, values)| values.iter().map(move |value| format!("{flag}={value}")))
        .collect();
    if args.format == BackupFormat::Set && (!selection.is_empty() || args.output.is_some()) {
        let what =
            "a set is whole and has its place: leave out `-o`, and what chooses parts".to_owned();
        return Err(Kind::Usage { what }.into());
    }
    if args.no_owner {
        selection.push("--no-owner".to_owned());
    }
    Ok(Order {
        format: match args.format {
            BackupFormat::Sql => Format::Sql,
            BackupFormat::Custom => Format::Custom,
            BackupFormat::Directory => Format::Directory,
            BackupFormat::Set => Format::Set,
        },
        compression,
        name: args.output.clone(),
        selection,
        jobs: args.jobs.max(1),
        read_back: !args.no_verify,
        event: event.to_owned(),
    })
}

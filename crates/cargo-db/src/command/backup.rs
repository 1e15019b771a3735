//! `cargo db backup`.

use crate::answer::{BackedUp, Outcome};
use crate::backup::{self, Folder, Order};
use crate::cli::{BackupArgs, BackupFormat};
use crate::command::{Context, backups};
use crate::failure::{Kind, Result};
use crate::model::backup::{Backup, Compression, Format};

pub(super) fn run(context: &Context, args: &BackupArgs) -> Result<Outcome> {
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
    Ok(Outcome::done(answer(context, &folder, &taken, removed)))
}

fn answer(context: &Context, folder: &Folder, taken: &Backup, removed: Vec<String>) -> BackedUp {
    let path = folder.path_of(&taken.manifest.name);
    let path = path.strip_prefix(&context.settings.root).unwrap_or(&path);
    BackedUp::of(path, taken, removed)
}

fn order(args: &BackupArgs, event: &str) -> Result<Order> {
    let compression = match &args.compress {
        _ if args.format != BackupFormat::Sql || args.no_compress => Compression::None,
        None => Compression::Gzip(6),
        Some(text) => Compression::parse(text).ok_or_else(|| Kind::BadSetting {
            source_name: "--compress".to_owned(),
            value: text.clone(),
            why: "there are `gzip` (1 to 9) and `zstd` (1 to 19), as `zstd:3`".to_owned(),
        })?,
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

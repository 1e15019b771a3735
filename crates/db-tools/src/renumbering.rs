//! Migrations under other versions: the names that their files get.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::migration::Migration;
use crate::naming::{NewMigration, file_name};
use crate::profile::Renumbering;
use crate::project::ProjectTool;

/// The endings that distinguish the files of one migration.
const ENDINGS: [&str; 5] = [".up.sql", ".down.sql", ".sql.conf", ".sql", ""];

impl ProjectTool {
    /// How its migrations get other versions.
    pub fn renumbering(&self) -> Renumbering {
        self.profile().renumbering
    }

    /// The version of a new migration, as the names of its files have it.
    pub fn new_version(&self, new: &NewMigration<'_>) -> String {
        self.tool().new_version(new)
    }

    /// The statement that gives the record of an applied migration the version of `to`, which is
    /// the same migration in renamed files; `None` if the history cannot say that.
    pub fn move_record(&self, table: &str, from: &Migration, to: &Migration) -> Option<String> {
        self.tool().move_record(table, from, to)
    }

    /// The paths that are renamed to give a migration another version, each with its new name. `up`
    /// is its up file, and `names` lists the names in the folder of that file.
    pub fn renamed(&self, up: &Path, names: &[String], version: &str) -> Vec<(PathBuf, PathBuf)> {
        let folder = up.parent().unwrap_or(Path::new(""));
        let with_version = |path: &Path| {
            let name = file_name(path);
            let Range { start, end } = self.tool().version_in(name)?;
            let new = format!("{}{version}{}", &name[..start], &name[end..]);
            Some((path.to_owned(), path.with_file_name(new)))
        };
        match self.renumbering() {
            Renumbering::Elsewhere(_) => Vec::new(),
            Renumbering::Folders => with_version(folder).into_iter().collect(),
            Renumbering::Files => {
                let own = self.stem(file_name(up));
                let belongs = |name: &&String| own.is_some() && self.stem(name) == own;
                let own_names = names.iter().filter(belongs);
                own_names.filter_map(|name| with_version(&folder.join(name))).collect()
            }
        }
    }

    /// Version and name of a migration in the name of one of its files, which may begin with a
    /// letter for its direction.
    fn stem<'n>(&self, name: &'n str) -> Option<&'n str> {
        let start = self.tool().version_in(name)?.start;
        let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))?;
        stem.get(start..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(tool: &str, up: &str, names: &[&str], version: &str) -> Vec<String> {
        let tool = ProjectTool::named(tool).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let renamed = tool.renamed(Path::new(up), &names, version);
        renamed.iter().map(|(from, to)| format!("{} {}", from.display(), to.display())).collect()
    }

    #[test]
    fn all_files_of_a_migration_and_no_others_are_renamed() {
        let names = ["4_a.up.sql", "4_a.down.sql", "4_ab.up.sql", "4_b.up.sql", "14_a.up.sql"];
        assert_eq!(
            renamed("sqlx", "m/4_a.up.sql", &names, "6"),
            ["m/4_a.up.sql m/6_a.up.sql", "m/4_a.down.sql m/6_a.down.sql"]
        );
        let names = ["V1.2__a.sql", "U1.2__a.sql", "V1.2__a.sql.conf", "V1.2__b.sql", "R__a.sql"];
        assert_eq!(
            renamed("flyway", "db/x/V1.2__a.sql", &names, "3"),
            [
                "db/x/V1.2__a.sql db/x/V3__a.sql",
                "db/x/U1.2__a.sql db/x/U3__a.sql",
                "db/x/V1.2__a.sql.conf db/x/V3__a.sql.conf"
            ]
        );
        assert_eq!(renamed("goose", "m/1_a.go", &["1_a.go"], "2"), ["m/1_a.go m/2_a.go"]);
    }

    #[test]
    fn the_folder_of_a_migration_is_renamed() {
        let up = "migrations/2026-01-01-000000_posts/up.sql";
        let to = "migrations/2026-01-01-000000_posts migrations/2027-01-01-000000-0000_posts";
        assert_eq!(renamed("diesel", up, &["up.sql"], "2027-01-01-000000-0000"), [to]);
        let (up, to) =
            ("p/20260101000000_a/migration.sql", "p/20260101000000_a p/20270101000000_a");
        assert_eq!(renamed("prisma", up, &["migration.sql"], "20270101000000"), [to]);
    }

    #[test]
    fn where_the_order_is_elsewhere_nothing_is_renamed_and_a_command_is_named() {
        let mut elsewhere = Vec::new();
        for tool in ProjectTool::all() {
            if let Renumbering::Elsewhere(order) = tool.renumbering() {
                assert_eq!(tool.renamed(Path::new("m/1_a"), &["1_a".to_owned()], "2"), []);
                assert!(tool.key() == "commands" || order.contains('`'), "{order}");
                elsewhere.push(tool.key());
            }
        }
        let chained = ["drizzle", "graphile-migrate", "sea-orm", "alembic", "django", "sqitch"];
        assert!(chained.iter().all(|tool| elsewhere.contains(tool)), "{elsewhere:?}");
    }
}

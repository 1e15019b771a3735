//! `rebase`, in real repositories of git with real databases.

use std::path::Path;

use crate::support::{Project, Ran};

/// A file with its text.
type File = (&'static str, &'static str);

/// A repository in which a branch and `main` each have migrations that the other has not. The
/// branch is checked out.
struct Branch {
    project: Project,
}

impl Branch {
    fn new(name: &str, first: &[File], own: &[File], theirs: &[File]) -> Branch {
        let branch = Branch { project: Project::new(name) };
        branch.git("init --quiet --initial-branch main");
        branch.write(&[(".gitignore", ".db\n.env\nbackups\n")]);
        branch.commit(first);
        branch.git("switch --quiet --create ours");
        branch.commit(own);
        branch.git("switch --quiet main");
        branch.commit(theirs);
        branch.git("switch --quiet ours");
        branch
    }

    /// The usual one: the branch and `main` each have a migration 2.
    fn usual(name: &str) -> Branch {
        let first = [("migrations/1_a.sql", "CREATE TABLE a (id int);\n")];
        let own = [
            ("migrations/2_b.up.sql", "CREATE TABLE b (id int);\n"),
            ("migrations/2_b.down.sql", "DROP TABLE b;\n"),
            ("migrations/3_c.up.sql", "ALTER TABLE b ADD COLUMN c int;\n"),
            ("migrations/3_c.down.sql", "ALTER TABLE b DROP COLUMN c;\n"),
        ];
        let theirs = [("migrations/2_z.sql", "CREATE TABLE z (id int);\n")];
        Branch::new(name, &first, &own, &theirs)
    }

    fn write(&self, files: &[File]) {
        for (path, text) in files {
            self.project.write(path, text);
        }
    }

    fn commit(&self, files: &[File]) {
        self.write(files);
        self.git("add --all");
        self.git("commit --quiet --allow-empty --message x");
    }

    #[track_caller]
    fn git(&self, arguments: &str) {
        self.project.git(&arguments.split(' ').collect::<Vec<_>>());
    }

    fn db(&self, arguments: &str) -> Ran {
        self.project.db(&arguments.split(' ').collect::<Vec<_>>())
    }

    /// The files of the migrations folder.
    fn files(&self) -> Vec<String> {
        listed(&self.project.path().join("migrations"), "")
    }

    fn is_clean(&self) {
        assert!(!self.project.path().join(".db/rebase.json").exists());
        self.db("status --check").ok();
    }
}

fn listed(folder: &Path, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().into_string().unwrap());
        match entry.path().is_dir() {
            true => found.extend(listed(&entry.path(), &format!("{name}/"))),
            false => found.push(name),
        }
    }
    found.sort();
    found
}

#[test]
fn pending_migrations_get_numbers_after_the_merged_ones() {
    let branch = Branch::usual("rb_pending");
    branch.git("merge --quiet --no-edit main");
    branch.db("migrate").code(9);
    let before = branch.files();
    branch.db("rebase --dry-run").ok().says("rename migrations/2_b.up.sql to");
    assert_eq!(branch.files(), before);
    branch.db("rebase").code(3);
    assert_eq!(branch.files(), before);
    branch.db("rebase --yes").ok().says("2 migrations renumbered");
    let names = ["1_a.sql", "2_z.sql", "3_b.down.sql", "3_b.up.sql", "4_c.down.sql", "4_c.up.sql"];
    assert_eq!(branch.files(), names);
    branch.db("migrate").ok();
    branch.is_clean();
    branch.db("rebase").ok().says("nothing to do: the unmerged migrations run after");
    assert_eq!(branch.files(), names);
}

#[test]
fn the_revision_need_not_be_merged_into_the_branch_yet() {
    let branch = Branch::usual("rb_unmerged");
    branch.db("rebase --onto main --yes").ok();
    let names = ["1_a.sql", "3_b.down.sql", "3_b.up.sql", "4_c.down.sql", "4_c.up.sql"];
    assert_eq!(branch.files(), names);
    branch.db("rebase --onto nowhere").code(2).says("git knows no commit `nowhere` here");
    let lone = Project::new("rb_lone");
    lone.migration("1_a.sql", "CREATE TABLE a (id int);\n");
    lone.db(&["rebase"]).code(2).says("--onto REV");
}

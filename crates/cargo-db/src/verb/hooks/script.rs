//! The lines of a hook, and the scripts that they are added to.

use crate::model::hook::{Hook, HookState};

/// The beginning of a script that holds only lines of cargo db.
const HEAD: &str = "#!/bin/sh\n# Made by `cargo db hooks install`.\n";

/// What the lines of cargo db call, and for which project.
#[derive(Clone, Debug)]
pub(super) struct HookCaller {
    /// The folder of the project, relative to the top of the repository; empty if it is the top.
    pub(super) project: String,
    /// The program that was built, which is called if no `cargo-db` is installed; relative to the
    /// top of the repository if it is below it.
    pub(super) built: Option<String>,
}

impl HookCaller {
    /// The line before those of cargo db, and the line after them.
    fn marks(&self) -> (String, String) {
        // A name with a line break must not end the comment.
        let of = match self.project.as_str() {
            "" => String::new(),
            project => format!(" in {project:?}"),
        };
        (format!("# >>> cargo db hooks{of} >>>\n"), format!("# <<< cargo db hooks{of} <<<\n"))
    }

    /// The lines that a hook needs.
    fn block(&self, hook: Hook) -> String {
        let (begin, end) = self.marks();
        let mut block = begin + "# `cargo db hooks uninstall` removes these lines.\n";
        block += &self.built_line();
        if hook == Hook::PrePush {
            block += "cargo_db_pushed=$(cat)\nprintf '%s\\n' \"$cargo_db_pushed\" |\n";
        }
        block += "(\n";
        if !self.project.is_empty() {
            block += &format!("    cd {} || exit 0\n", shell_words::quote(&self.project));
        }
        block += &calls(hook);
        block += if hook.is_gate() { ") || exit\n" } else { ") || :\n" };
        if hook == Hook::PrePush {
            // The lines below read what git wrote too.
            block += "exec <<CARGO_DB_PUSHED\n$cargo_db_pushed\nCARGO_DB_PUSHED\n";
        }
        block + &end
    }

    fn built_line(&self) -> String {
        match &self.built {
            None => "cargo_db_built=\n".to_owned(),
            Some(path) if path.starts_with('/') => {
                format!("cargo_db_built={}\n", shell_words::quote(path))
            }
            Some(path) => format!("cargo_db_built=\"$PWD\"/{}\n", shell_words::quote(path)),
        }
    }

    /// The script with the lines of cargo db, which are first, because what follows may end it. A
    /// missing script is made.
    pub(super) fn added(&self, hook: Hook, script: Option<&str>) -> String {
        let rest = script.map_or_else(|| HEAD.to_owned(), |script| self.removed(script));
        let at = if rest.starts_with(HEAD) { HEAD.len() } else { after_shebang(&rest) };
        format!("{}{}{}", &rest[..at], self.block(hook), &rest[at..])
    }

    /// The script without the lines of cargo db.
    pub(super) fn removed(&self, script: &str) -> String {
        match self.found(script) {
            Some((from, to)) => format!("{}{}", &script[..from], &script[to..]),
            None => script.to_owned(),
        }
    }

    /// Where the lines of cargo db are.
    fn found(&self, script: &str) -> Option<(usize, usize)> {
        let (begin, end) = self.marks();
        let from = script.find(&begin)?;
        Some((from, from + script[from..].find(&end)? + end.len()))
    }

    /// Whether the script has the lines of cargo db.
    pub(super) fn state(&self, hook: Hook, script: &str) -> HookState {
        match self.found(script) {
            None => HookState::Other,
            Some((from, to)) if script[from..to] == self.block(hook) => HookState::Installed,
            Some(_) => HookState::Outdated,
        }
    }
}

/// Whether nothing is left but the beginning that cargo db wrote.
pub(super) fn is_empty(script: &str) -> bool {
    script == HEAD
}

/// What calls cargo db. A missing program does not keep anybody from committing, because the push
/// is checked too. A push that nothing has checked does not pass.
fn calls(hook: Hook) -> String {
    let command = hook.command();
    let otherwise = match hook {
        Hook::PreCommit => {
            "    echo 'cargo db is neither installed nor built, so migrations were not \
             checked' >&2\n"
        }
        Hook::PrePush => {
            "    echo 'cargo db is neither installed nor built, so migrations cannot be \
             checked' >&2\n    \
             echo 'Install or build it, or push with `git push --no-verify`' >&2\n    exit 1\n"
        }
        Hook::PostCheckout | Hook::PostMerge => "",
    };
    format!(
        "    if command -v cargo-db >/dev/null; then\n        \
             exec cargo-db db {command}\n    \
         elif [ -x \"$cargo_db_built\" ]; then\n        \
             exec \"$cargo_db_built\" db {command}\n    \
         fi\n{otherwise}"
    )
}

/// Where the first line after `#!` begins.
fn after_shebang(script: &str) -> usize {
    match script.starts_with("#!") {
        true => script.find('\n').map_or(script.len(), |end| end + 1),
        false => 0,
    }
}

/// Whether lines for a shell can be added to a script. One without `#!` is run by a shell.
pub(super) fn is_of_shell(script: &str) -> bool {
    let Some(first) = script.strip_prefix("#!") else { return true };
    let first = first.lines().next().unwrap_or_default();
    let mut words = first.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = words.find(|word| *word != "env" && !word.starts_with('-'));
    script.contains('\n')
        && program.is_some_and(|program| ["sh", "bash", "dash", "zsh", "ksh"].contains(&program))
}

/// The lines for the configuration file of lefthook.
pub(super) fn lefthook_lines(program: &str, project: &str) -> String {
    let of_hook = |hook: Hook| {
        let command = hook.command().replace("\"$1\"", "{1}").replace("\"$@\"", "{0}");
        let mut lines = format!(
            "{}:\n  jobs:\n    - name: cargo db\n      run: {program} {command}\n",
            hook.name()
        );
        if !project.is_empty() {
            lines += &format!("      root: {project:?}\n");
        }
        if hook == Hook::PrePush {
            lines += "      use_stdin: true\n";
        }
        lines
    };
    Hook::ALL.map(of_hook).concat()
}

/// Whether the configuration file of lefthook runs the command of a hook.
pub(super) fn lefthook_state(hook: Hook, text: &str) -> HookState {
    let distinctive = match hook {
        Hook::PreCommit => "check --staged",
        Hook::PrePush => "check --pushed",
        Hook::PostCheckout => "hooks notice --quiet post-checkout",
        Hook::PostMerge => "hooks notice --quiet post-merge",
    };
    if text.contains(distinctive) { HookState::Installed } else { HookState::Absent }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(project: &str) -> HookCaller {
        HookCaller { project: project.to_owned(), built: Some("target/debug/xtask".to_owned()) }
    }

    #[test]
    fn adding_and_removing_leaves_every_script_as_it_was() {
        for script in
            ["", "#!/bin/sh\n", "#!/bin/bash", "#!/bin/bash\nset -eu\nmake lint\n", "make\n"]
        {
            for hook in Hook::ALL {
                let caller = caller("it's");
                let added = caller.added(hook, Some(script));
                assert_eq!(caller.state(hook, &added), HookState::Installed);
                assert_eq!(caller.added(hook, Some(&added)), added, "twice is the same as once");
                assert_eq!(caller.removed(&added), script);
            }
        }
        let made = caller("").added(Hook::PrePush, None);
        assert!(is_empty(&caller("").removed(&made)), "{made}");
    }

    #[test]
    fn each_project_has_its_own_lines() {
        let (one, other) = (caller("one"), caller("other\nline"));
        let both = other.added(Hook::PreCommit, Some(&one.added(Hook::PreCommit, None)));
        assert_eq!(one.state(Hook::PreCommit, &both), HookState::Installed);
        assert_eq!(other.state(Hook::PreCommit, &both), HookState::Installed);
        assert_eq!(caller("").state(Hook::PreCommit, &both), HookState::Other);
        let moved = HookCaller { built: None, ..one.clone() };
        assert_eq!(moved.state(Hook::PreCommit, &both), HookState::Outdated);
        assert!(is_empty(&one.removed(&other.removed(&both))));
    }

    #[test]
    fn lines_are_only_added_to_scripts_of_a_shell() {
        for script in ["#!/bin/sh\n", "#!/usr/bin/env bash\nx\n", "#! /bin/dash -e\n", "make\n"] {
            assert!(is_of_shell(script), "{script}");
        }
        for script in ["#!/usr/bin/env python3\n", "#!/usr/bin/env -S node\n", "#!/bin/sh"] {
            assert!(!is_of_shell(script), "{script}");
        }
    }
}

# Completions of `cargo db` for fish. Source this file in ~/.config/fish/config.fish, because
# `cargo` has completions of its own.

function __cargo_db_words
    commandline --current-process --tokenize --cut-at-cursor
end

# Completes the words from the one with this number on: `cargo-db`, or `db` after `cargo`.
function __cargo_db_complete
    set -l words (__cargo_db_words) (commandline --current-token)
    {program} __complete (math (count $words) - $argv[1]) $words[$argv[1]..-1] 2>/dev/null
end

function __cargo_db_is_meant
    set -l words (__cargo_db_words)
    test (count $words) -ge 2; and test $words[2] = db
end

complete --command cargo-db --no-files --keep-order --arguments '(__cargo_db_complete 1)'
complete --command cargo --condition __cargo_db_is_meant --no-files --keep-order \
    --arguments '(__cargo_db_complete 2)'

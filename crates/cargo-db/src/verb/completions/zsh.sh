# Completions of `cargo db` for zsh. Source this file in ~/.zshrc, after compinit.

# Completes the words from `cargo-db`, or from `db` after `cargo`.
_cargo_db() {
    local -a found
    local value help
    while IFS=$'\t' read -r value help; do
        found+=("${value//:/\\:}:$help")
    done < <({program} __complete $((CURRENT - 1)) "${words[@]}" 2>/dev/null)
    if (( $#found )); then _describe -V values found; else _files; fi
}

# What completed `cargo` before still does, unless the next word is `db`.
_cargo_db_of_cargo() {
    if (( CURRENT > 2 )) && [[ ${words[2]} == db ]]; then
        shift words
        (( CURRENT-- ))
        _cargo_db
    elif [[ -n $_cargo_db_before ]]; then
        $_cargo_db_before "$@"
    elif (( CURRENT == 2 )); then
        compadd db
    fi
}

if [[ -n ${_comps[cargo]} && ${_comps[cargo]} != _cargo_db_of_cargo ]]; then
    _cargo_db_before=${_comps[cargo]}
fi
compdef _cargo_db cargo-db
compdef _cargo_db_of_cargo cargo

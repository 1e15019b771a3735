# Completions of `cargo db` for bash. Source this file in ~/.bashrc.

# Completes the words from the one with this number on: `cargo-db`, or `db` after `cargo`.
_cargo_db_complete() {
    local from=$1 value words=("${COMP_WORDS[@]}")
    words[COMP_CWORD]=$2
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        COMPREPLY+=("$value")
    done < <({program} __complete $((COMP_CWORD - from)) "${words[@]:from}" 2>/dev/null)
    if [[ ${COMPREPLY-} =~ [=/]$ ]]; then compopt -o nospace 2>/dev/null; fi
}

_cargo_db() { _cargo_db_complete 0 "$2"; }

# What completed `cargo` before still does, unless the next word is `db`.
_cargo_db_of_cargo() {
    if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == db ]]; then
        _cargo_db_complete 1 "$2"
    elif [[ -n $_cargo_db_before ]]; then
        "$_cargo_db_before" "$@"
    elif [[ $COMP_CWORD -eq 1 && db == "$2"* ]]; then
        COMPREPLY=(db)
    fi
}

# bash-completion reads the completions of a command when it is first completed.
_comp_load cargo 2>/dev/null || _completion_loader cargo 2>/dev/null
if [[ $(complete -p cargo 2>/dev/null) =~ \ -F\ ([^ ]+)\  ]]; then
    [[ ${BASH_REMATCH[1]} == _cargo_db_of_cargo ]] || _cargo_db_before=${BASH_REMATCH[1]}
fi
complete -o bashdefault -o default -F _cargo_db cargo-db
complete -o bashdefault -o default -F _cargo_db_of_cargo cargo

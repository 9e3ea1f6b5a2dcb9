#!/bin/sh
# Tests what 'make build' generated: the manual has every command and no mistake, and the
# completions complete.
set -eu
cd "$(dirname "$0")/.."
generated=target/generated
unhang=target/release/unhang
passed=0 failed=0

check() { # NAME COMMAND…
    name=$1
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $name"
        echo "$output" | sed 's/^/    /'
    fi
}
silent() {
    said=$("$@" 2>&1 >/dev/null) || return 1
    echo "$said"
    [ -z "$said" ]
}
has() { # WORD COMMAND…
    word=$1
    shift
    "$@" | grep -qw -e "$word" || { "$@"; return 1; }
}

for page in "$generated/unhang.8" packaging/man/*.[58]; do
    check "$page has no mistake" silent env MANWIDTH=80 man -l --warnings "$page"
done
manual() { env MANWIDTH=80 man -l -E ascii "$generated/unhang.8"; }
commands=$("$unhang" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
for command in $commands; do
    check "the manual has 'unhang $command'" has "unhang $command" manual
    for option in $("$unhang" "$command" --help | grep -o -e '--[a-z][a-z-]*' | sort -u); do
        check "the manual has $option of 'unhang $command'" has "$option" manual
    done
done

in_bash() { # WORD…: what is offered for the last one
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _unhang unhang "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$generated/unhang.bash" "$@"
}
in_fish() { fish --no-config -c "source $generated/unhang.fish; complete -C '$1'"; }
check "zsh reads it" zsh -n "$generated/_unhang"
check "zsh completes interfaces" grep -q '::nics.*_net_interfaces' "$generated/_unhang"
for command in $commands; do
    check "bash completes $command" has "$command" in_bash unhang "${command%?}"
    check "fish completes $command" has "$command" in_fish "unhang ${command%?}"
    check "zsh has $command" grep -q "'$command:" "$generated/_unhang"
done
check "bash completes interfaces" has lo in_bash unhang apply ""
check "fish completes interfaces" has lo in_fish "unhang apply "
check "bash completes options" has "--dry-run" in_bash unhang apply --dr
check "fish completes options" has "--dry-run" in_fish "unhang apply --dr"

echo "test result: $([ $failed = 0 ] && echo ok || echo FAILED). $passed passed; $failed failed"
[ $failed = 0 ]

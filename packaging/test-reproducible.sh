#!/bin/sh
# Builds the packages of the last commit here and in another directory, and compares them byte
# by byte.
set -eu
cd "$(dirname "$0")/.."
[ -z "$(git status --porcelain --untracked-files=no)" ] || {
    echo "there are changes that are not committed: what is built is not the last commit" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make --no-print-directory deb rpm >/dev/null
git clone --quiet . "$work/elsewhere"
env -u CARGO_TARGET_DIR make --no-print-directory -C "$work/elsewhere" deb rpm >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
differ=0
for package in target/packages/*.deb target/packages/*.rpm; do
    if cmp "$package" "$work/elsewhere/$package"; then
        echo "the same: $(sha256sum "$package")"
    else
        differ=$((differ + 1))
        mkdir -p target/differ
        cp "$work/elsewhere/$package" target/differ/
    fi
done
echo "test result: $([ $differ = 0 ] && echo ok || echo FAILED). $((2 - differ)) passed; $differ failed"
[ $differ = 0 ]

#!/bin/sh
# Copies the sources into a folder, from which packages are built: what git has or would take, or all that is there
# where git is not. Each file keeps its time, so that only what changed is built again. Usage: stage.sh FOLDER
set -eu
cd "$(dirname "$0")/.."
rm -rf "$1"
mkdir -p "$1"

list=$(mktemp)
trap 'rm -f "$list"' EXIT
if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard >"$list"
else
    find . \( -path ./target -o -path ./debian \) -prune -o ! -type d -printf '%P\0' >"$list"
fi
# Git also lists what was deleted and not committed yet.
tar --null -T "$list" --ignore-failed-read -cf - 2>/dev/null | tar -xf - -C "$1"

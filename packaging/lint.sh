#!/bin/sh
# Fails if lintian or rpmlint has anything to say. Usage: lint.sh FILE…   (.changes; .rpm and .spec)
set -eu
cd "$(dirname "$0")/.."

said=$(mktemp)
trap 'rm -f "$said"' EXIT
case $1 in
*.changes) lintian --fail-on none "$@" >"$said" 2>&1 || { cat "$said"; exit 1; } ;;
*) rpmlint -c packaging/rpm/rpmlint.toml "$@" >"$said" 2>&1 || : ;;
esac
cat "$said"
case $1 in
*.changes) ! grep -E '^[EWPI]: ' "$said" ;;
*) grep -q '0 errors, 0 warnings' "$said" ;;
esac

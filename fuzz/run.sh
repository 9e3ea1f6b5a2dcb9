#!/bin/sh
# Fuzzes the log reader for SECONDS (300) with the sample logs as corpus.
# Needs cargo-fuzz; with a stable compiler RUSTC_BOOTSTRAP=1 stands in for nightly.
set -eu
cd "$(dirname "$0")/.."
corpus=fuzz/corpus/log
mkdir -p "$corpus"
for log in tests/cases/report/*/log* tests/cases/report/*/stdin; do
    if [ -f "$log" ]; then
        cp "$log" "$corpus/$(echo "$log" | tr / _)"
    fi
done
exec cargo fuzz run log "$corpus" -- -max_total_time="${1:-300}" -max_len=65536 -rss_limit_mb=1024
